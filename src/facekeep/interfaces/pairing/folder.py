r"""The folder of one role on its own host.

::

    DIR/
    ├── role.toml         which role, and limits of time; nothing in it is secret
    ├── tls.key           0600, the private key of its certificate; it never leaves this host
    ├── tls.crt           its certificate
    ├── ROLE.card         its public card, for the others
    ├── peers/            the cards of the others, each pinned by a person
    ├── keys.toml, keys/  the keys of this role alone
    └── left/, right/ or registry/, or for the gate keep.toml and calibration.json
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from facekeep.errors import DamagedStoreError, FormatError, RefusedError, UsageError
from facekeep.interfaces.pairing.cards import (
    CARD_BYTES_MAX,
    Address,
    Card,
    KeepFacts,
    pin_of_card,
    read_address,
    show_address,
)
from facekeep.interfaces.vault.pool import ClientLimits
from facekeep.interfaces.vault.tls import KeyFiles, Peers
from facekeep.service.keep_file import write_private
from facekeep.split.wire.methods import Role

__all__ = ["ROLE_FILE", "RoleFolder"]

ROLE_FILE: Final = "role.toml"
_PEERS: Final = "peers"
_FORMAT: Final = 1
_COMMENT: Final = "# One role of a Facekeep keep, on a host of its own. Nothing in this file is secret.\n"
_ANSWER_SECONDS: Final = {Role.GATE: 10.0, Role.LEFT: 5.0, Role.RIGHT: 5.0, Role.REGISTRAR: 5.0}
"""How long to wait for an answer. A half waits for the registrar while the gate waits for it: shorter than the gate."""


@dataclass(frozen=True, slots=True)
class RoleFolder:
    """An existing folder of a role.

    Attributes:
        directory: the folder.
        role: which.
        answer_seconds: how long to wait for an answer of another role.
        addresses: of peers, where they are not where their cards say.
    """

    directory: Path
    role: Role
    answer_seconds: float
    addresses: dict[Role, str]

    @classmethod
    def make(cls, directory: Path, role: Role, certificate: bytes, key: bytes) -> Self:
        """Make it, with a TLS key, in an empty or new folder.

        Raises:
            UsageError: the folder is not empty.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(directory.iterdir()):
            raise UsageError("the folder is not empty", hint="Give facekeep pair new an empty or a new folder.")
        directory.chmod(0o700)
        folder = cls(directory, role, _ANSWER_SECONDS[role], {})
        (directory / _PEERS).mkdir(mode=0o700)
        write_private(folder.files.key, key.decode())
        write_private(folder.files.certificate, certificate.decode())
        folder.write()
        return folder

    @classmethod
    def read(cls, directory: Path) -> Self:
        """What a folder is.

        Raises:
            UsageError: it is not the folder of a role.
            DamagedStoreError: ``role.toml`` does not parse.
        """
        try:
            values = tomllib.loads((directory / ROLE_FILE).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            hint = "Make one with: facekeep pair new --role ROLE DIR."
            raise UsageError("this folder is not that of a role on a host of its own", hint=hint) from None
        except (OSError, ValueError):
            raise _damaged() from None
        try:
            seconds, addresses = float(values["answer_seconds"]), values.get("address", {})
            known = set(values) <= {"format", "role", "answer_seconds", "address"}
            if known and values["format"] == _FORMAT and 0.1 <= seconds <= 600 and isinstance(addresses, dict):
                return cls(directory, Role(values["role"]), seconds, {Role(r): str(a) for r, a in addresses.items()})
        except (ValueError, TypeError, KeyError):
            pass
        raise _damaged()

    def write(self) -> None:
        """Write ``role.toml``."""
        lines = [_COMMENT, f'format = {_FORMAT}\nrole = "{self.role}"\nanswer_seconds = {self.answer_seconds}\n']
        if self.addresses:
            lines.append("\n[address]\n")
            lines += [f'{role} = "{address}"\n' for role, address in sorted(self.addresses.items())]
        write_private(self.directory / ROLE_FILE, "".join(lines))

    @property
    def files(self) -> KeyFiles:
        """Its own certificate and key."""
        return KeyFiles(self.directory / "tls.crt", self.directory / "tls.key")

    @property
    def limits(self) -> ClientLimits:
        """What it allows others to answer in."""
        seconds = self.answer_seconds
        return ClientLimits(
            connections=8, connect_seconds=min(5.0, seconds), frame_seconds=seconds, answer_seconds=seconds
        )

    @property
    def card_path(self) -> Path:
        """Its own card."""
        return self.directory / f"{self.role}.card"

    def card(self) -> tuple[Card, str]:
        """Its own card, and its pin."""
        return _read_card(self.card_path)

    @property
    def known(self) -> dict[Role, tuple[Card, str]]:
        """The cards of others that were added, with their pins."""
        paths = {role: self.directory / _PEERS / f"{role}.card" for role in Role}
        return {role: _read_card(path) for role, path in paths.items() if path.is_file()}

    def add(self, stored: bytes, pin: str, address: Address | None) -> Card:
        """Take another role's card.

        Args:
            stored: the file.
            pin: what its own host says is its pin.
            address: where it is reached from here, if not where the card says.

        Raises:
            RefusedError: the pin is another, or the role is known by another card.
            FormatError: it is no card.
            UsageError: it is this role's own, or the gate was given an address.
        """
        if pin_of_card(stored) != pin.strip().lower().removeprefix("sha256:"):
            hint = "Compare it with what facekeep pair show tells on its own host. If they differ, somebody changed it."
            raise RefusedError("the card has another pin", hint=hint)
        card = Card.from_bytes(stored)
        if card.role is self.role:
            raise UsageError("the card is of this host's own role", hint="Add the cards of the three others.")
        if address is not None and card.address is None:
            raise UsageError("the gate is called by nobody and has no address")
        path = self.directory / _PEERS / f"{card.role}.card"
        if path.exists() and path.read_bytes() != stored:
            hint = f"If it is to be another from now on, remove {_PEERS}/{path.name} first."
            raise RefusedError(f"the {card.role} is known by another card", hint=hint)
        write_private(path, stored.decode("ascii"))
        if address is not None:
            self.addresses[card.role] = show_address(address)
            self.write()
        return card

    def peer(self, role: Role) -> Card:
        """The card of another role.

        Raises:
            UsageError: it was not added yet.
        """
        found = self.known.get(role)
        if found is None:
            hint = f"Carry {role}.card over and give: facekeep pair add DIR {role}.card --pin PIN."
            raise UsageError(f"this host does not know the {role} yet", hint=hint)
        return found[0]

    def address_of(self, role: Role) -> Address:
        """Where another role is reached.

        Raises:
            UsageError: it is not known yet.
            DamagedStoreError: ``role.toml`` holds no address there.
        """
        card = self.peer(role)
        if role in self.addresses:
            try:
                return read_address(self.addresses[role])
            except FormatError:
                raise _damaged() from None
        if card.address is None:
            raise UsageError("the gate is called by nobody and has no address")
        return card.address

    def peers(self, *roles: Role) -> Peers:
        """Who may call here."""
        return Peers({role: self.peer(role).certificate.encode() for role in roles})

    def facts(self) -> KeepFacts:
        """What the keep is, from the gate's card."""
        card = self.card()[0] if self.role is Role.GATE else self.peer(Role.GATE)
        if card.keep is None:
            raise _damaged()
        return card.keep


def _read_card(path: Path) -> tuple[Card, str]:
    try:
        with path.open("rb") as file:
            stored = file.read(CARD_BYTES_MAX + 1)
        return Card.from_bytes(stored), pin_of_card(stored)
    except (OSError, FormatError):
        hint = "Put the card back as its own host made it, or remove it and add it again."
        raise DamagedStoreError("a card cannot be read", store=path.name, hint=hint) from None


def _damaged() -> DamagedStoreError:
    hint = "Restore the file; docs/reference/stores.md says what it holds."
    return DamagedStoreError("role.toml does not parse", store=ROLE_FILE, hint=hint)
