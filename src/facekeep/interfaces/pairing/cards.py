"""Public cards: what the host of one role has to know of another. Nothing in a card is secret.

A card is a TOML file. Its pin is the SHA-256 of the file, byte for byte: whoever compares the pins of a card here and
where it was made, over a telephone for instance, knows that nobody changed it on its way.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from facekeep.domain.consent import Purpose, purpose_bits
from facekeep.errors import FormatError
from facekeep.interfaces.vault.certificates import der_of
from facekeep.split.budget import Limits
from facekeep.split.operators import ANYBODY, EVERY_PURPOSE, client_key
from facekeep.split.rules import Rules
from facekeep.split.wire.methods import Role

__all__ = ["CARD_BYTES_MAX", "PURPOSES", "Address", "Card", "KeepFacts", "pin_of_card", "read_address", "show_address"]

CARD_BYTES_MAX: Final = 65_536
FORMAT: Final = 1
PURPOSES: Final = (Purpose.VERIFY, Purpose.IDENTIFY)
"""What is switched on in a new keep."""

_COMMENT: Final = (
    "# The public card of a role of a Facekeep keep. Nothing in it is secret; its pin is the SHA-256 of it.\n"
)
_HINT: Final = "Carry the card over again, as a file, and do not edit it."
_HEX: Final = re.compile("[0-9a-f]{64}")

Address = tuple[str, int]


def read_address(text: str) -> Address:
    """Host and port in ``HOST:PORT`` or ``[IPV6]:PORT``.

    Raises:
        FormatError: it is none.
    """
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:\[\]]{1,253})):([0-9]{1,5})", text)
    if found is None or int(found[3]) > 65_535:
        raise FormatError("an address has the form HOST:PORT", hint="For instance left.example:8745 or [::1]:8745.")
    return found[1] or found[2], int(found[3])


def show_address(address: Address) -> str:
    """An address as :func:`read_address` reads it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class KeepFacts:
    """What the gate says of the keep, for the others to build on.

    Attributes:
        keep_id: 16 bytes.
        model: SHA-256 of the embedding model, 64 hexadecimal digits.
        dimension: coordinates of an embedding.
        thresholds: integer thresholds of the model's levels, rising.
        fmrs: false match rate of each level, falling.
        desk: public Ed25519 key that signs for operators who have none of their own, 64 hexadecimal digits.
    """

    keep_id: bytes
    model: str
    dimension: int
    thresholds: tuple[int, ...]
    fmrs: tuple[float, ...]
    desk: str

    def rules(self, *, gate: str, peer: str, registrar: str) -> Rules:
        """The rules of a new half that pins three public keys, with the usual budgets; the desk signs for operators."""
        desk = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.desk))
        return Rules(
            keep=self.keep_id.hex(),
            model=self.model,
            dimension=self.dimension,
            thresholds=self.thresholds,
            fmrs=self.fmrs,
            gate=gate,
            peer=peer,
            registrar=registrar,
            purposes=purpose_bits(PURPOSES),
            limits=Limits(),
            operators=(client_key(desk, ANYBODY, EVERY_PURPOSE),),
        )


@dataclass(frozen=True, slots=True)
class Card:
    """One card.

    Attributes:
        role: whose it is.
        address: where it listens, as the others reach it; None for the gate.
        certificate: of its TLS key, PEM.
        identity: public Ed25519 key that signs tickets, the greetings between the halves, or the registrar's word on
            operators; 64 hexadecimal digits.
        keep: on the gate's card.
    """

    role: Role
    address: Address | None
    certificate: str
    identity: str
    keep: KeepFacts | None = None

    def __post_init__(self) -> None:
        der_of(self.certificate.encode())
        if (self.role is Role.GATE) != (self.keep is not None) or (self.role is Role.GATE) != (self.address is None):
            raise FormatError("only the gate's card says what the keep is, and only that has no address", hint=_HINT)
        if not _HEX.fullmatch(self.identity):
            raise FormatError("the public key on a card has the wrong form", hint=_HINT)
        if self.keep is not None:  # whatever a half would refuse as rules is refused here
            self.keep.rules(gate=self.identity, peer=self.identity, registrar=self.identity)

    def to_bytes(self) -> bytes:
        """The file."""
        lines = [
            _COMMENT,
            f"format = {FORMAT}\n",
            f'role = "{self.role}"\n',
            f"address = {json.dumps('' if self.address is None else show_address(self.address))}\n",
            f'identity = "{self.identity}"\n',
            f'certificate = """\n{self.certificate.strip()}\n"""\n',
        ]
        if self.keep is not None:
            lines += [
                "\n[keep]\n",
                f'id = "{self.keep.keep_id.hex()}"\n',
                f'model = "{self.keep.model}"\n',
                f"dimension = {self.keep.dimension}\n",
                f"thresholds = {json.dumps(list(self.keep.thresholds))}\n",
                f"fmrs = {json.dumps(list(self.keep.fmrs))}\n",
                f'desk = "{self.keep.desk}"\n',
            ]
        return "".join(lines).encode("ascii")

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """A card from its file.

        Raises:
            FormatError: it is none; unknown keys are refused.
        """
        if len(stored) > CARD_BYTES_MAX:
            raise FormatError("a card is too long", hint=_HINT)
        try:
            values = tomllib.loads(stored.decode("ascii"))
            _check_keys(values, {"format", "role", "address", "identity", "certificate"}, {"keep"})
            if values["format"] != FORMAT:
                raise FormatError("a card is of another version", hint="Use the same version of Facekeep everywhere.")
            return cls(
                Role(values["role"]),
                read_address(values["address"]) if values["address"] else None,
                str(values["certificate"]),
                str(values["identity"]),
                _facts(values["keep"]) if "keep" in values else None,
            )
        except (ValueError, TypeError, KeyError) as problem:
            raise FormatError("a card does not parse", hint=_HINT) from problem


def _facts(values: Mapping[str, Any]) -> KeepFacts:
    _check_keys(values, {"id", "model", "dimension", "thresholds", "fmrs", "desk"}, set())
    keep_id, thresholds, fmrs = bytes.fromhex(values["id"]), values["thresholds"], values["fmrs"]
    numbers = isinstance(values["dimension"], int) and all(isinstance(each, int) for each in thresholds)
    if len(keep_id) != 16 or not numbers or not all(isinstance(each, float) for each in fmrs):
        raise FormatError("a card says of the keep what cannot be", hint=_HINT)
    return KeepFacts(
        keep_id, str(values["model"]), values["dimension"], tuple(thresholds), tuple(fmrs), str(values["desk"])
    )


def _check_keys(values: Mapping[str, Any], needed: set[str], allowed: set[str]) -> None:
    if not needed <= set(values) <= needed | allowed:
        raise FormatError("a card holds an unknown key, or lacks one", hint=_HINT)


def pin_of_card(stored: bytes) -> str:
    """SHA-256 of a card's file, 64 hexadecimal digits."""
    return sha256(stored).hexdigest()
