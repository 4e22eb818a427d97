"""The registrar's word on its way between hosts: asked for at the gate, signed at the registrar, given to the halves.

What is asked for has no number, no nonce and no time: whoever signs chooses them. Where the registrar is in the same
process, it is asked in the same way and answers at once.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.errors import BadInputError, FormatError
from facekeep.split.forgiveness import FORGIVENESS_SECONDS, Forgiveness, check_reviewed, sign_forgiveness
from facekeep.split.operators import KeyChange, OperatorKey, read_change, sign_change
from facekeep.split.statement import NONCE_BYTES
from facekeep.split.word import SignedWord

__all__ = ["AskedForgiveness", "AskedKey", "Signed", "WordAsked", "read_request", "serial_of"]

_REQUEST_BYTES_MAX: Final = 64 << 10
_KEY, _FORGIVE = "key", "forgive"


@dataclass(frozen=True, slots=True)
class Signed:
    """A word, and what it is about.

    Attributes:
        about: "key" or "forgive"; a half finds out by itself when it is the other.
        word: as the halves take it.
    """

    about: str
    word: SignedWord

    @property
    def is_forgiveness(self) -> bool:
        """Whether it drops counts; else it changes the keys of operators."""
        return self.about == _FORGIVE

    def to_bytes(self) -> bytes:
        """As a file."""
        parts = {"payload": self.word.payload, "signature": self.word.signature}
        plain = {name: base64.b64encode(part).decode() for name, part in parts.items()}
        return json.dumps({"about": self.about, **plain}, indent=1).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Signed:
        """The word in a file.

        Raises:
            BadInputError: it is none.
        """
        try:
            plain = json.loads(data)
            parts = [base64.b64decode(plain[name], validate=True) for name in ("payload", "signature")]
            if plain["about"] in (_KEY, _FORGIVE):
                return cls(plain["about"], SignedWord(*parts))
        except (ValueError, TypeError, KeyError, RecursionError, binascii.Error):
            pass
        raise BadInputError("this is no word of the registrar", hint="Give what facekeep operator sign wrote.")


@dataclass(frozen=True, slots=True)
class AskedKey:
    """A change of the operators' keys that is asked for.

    Attributes:
        keep: the keep, 32 hexadecimal digits.
        grant: the key that shall sign; None for a revocation.
        revoke: identifier of the key that shall not any more; "" for a grant.
        names: what the gate calls the operator, by pseudonym. Nobody signs them.
    """

    keep: str
    grant: OperatorKey | None
    revoke: str
    names: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """Identifier of the key that it is about."""
        return self.revoke if self.grant is None else self.grant.id

    def signed(self, registrar: Ed25519PrivateKey, *, now: datetime, serial: int) -> Signed:  # noqa: ARG002
        """The registrar's word on it.

        Args:
            registrar: the registrar's private key.
            now: the time.
            serial: higher than that of every change before.
        """
        return Signed(_KEY, sign_change(KeyChange(self.keep, serial, self.grant, self.revoke), registrar))

    def to_bytes(self) -> bytes:
        """As a file."""
        grant = None if self.grant is None else self.grant.to_plain()
        return _written(_KEY, self.keep, {"grant": grant, "revoke": self.revoke}, self.names)


@dataclass(frozen=True, slots=True)
class AskedForgiveness:
    """A forgiveness that is asked for.

    Attributes:
        keep: the keep, 32 hexadecimal digits.
        rows: see ``Forgiveness``.
        reviewers: see ``Forgiveness``.
        names: what the gate calls the reviewers, by pseudonym. Nobody signs them.
    """

    keep: str
    rows: tuple[str, ...]
    reviewers: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        check_reviewed(self.rows, self.reviewers)

    def signed(self, registrar: Ed25519PrivateKey, *, now: datetime, serial: int) -> Signed:  # noqa: ARG002
        """The registrar's word on it, for a week. See ``AskedKey.signed``."""
        issued = int(now.timestamp())
        given = Forgiveness(
            self.keep, self.rows, self.reviewers, os.urandom(NONCE_BYTES).hex(), issued, issued + FORGIVENESS_SECONDS
        )
        return Signed(_FORGIVE, sign_forgiveness(given, registrar))

    def to_bytes(self) -> bytes:
        """As a file."""
        return _written(_FORGIVE, self.keep, {"rows": self.rows, "reviewers": self.reviewers}, self.names)


WordAsked = AskedKey | AskedForgiveness


def serial_of(now: datetime) -> int:
    """The number of a change that is signed on a host of the registrar's own: microseconds since 1970.

    A registrar that signs there remembers no number, and takes none from the gate: one that is far too high would
    keep every later change out, revocations too.
    """
    return int(now.timestamp() * 1_000_000)


def read_request(data: bytes) -> WordAsked:
    """What a request asks for.

    Raises:
        BadInputError: it does not parse.
        RefusedError: it names one reviewer alone.
    """
    try:
        return _request(data)
    except (ValueError, TypeError, KeyError, RecursionError, FormatError) as problem:
        hint = "Give what --request wrote on the gate's host."
        raise BadInputError("this asks for no word of the registrar", hint=hint) from problem


def _request(data: bytes) -> WordAsked:
    if len(data) > _REQUEST_BYTES_MAX:
        raise FormatError("a request is too long")
    plain: Any = json.loads(data)
    if type(plain) is not dict or type(plain.get("names")) is not dict:
        raise FormatError("a request is no object, or names nobody")
    about, keep, names = plain.pop("about"), plain.pop("keep"), plain.pop("names")
    texts = [keep, *names.keys(), *names.values()]
    if any(type(text) is not str for text in texts):
        raise FormatError("a request has a field of the wrong type")
    if about == _KEY and set(plain) == {"grant", "revoke"}:
        return AskedKey(keep, *read_change(plain["grant"], plain["revoke"]), names)
    if about == _FORGIVE and set(plain) == {"rows", "reviewers"}:
        return AskedForgiveness(keep, tuple(plain["rows"]), tuple(plain["reviewers"]), names)
    raise FormatError("a request asks for nothing that there is")


def _written(about: str, keep: str, what: Mapping[str, object], names: Mapping[str, str]) -> bytes:
    return json.dumps({"about": about, "keep": keep, **what, "names": dict(names)}, indent=1).encode()
