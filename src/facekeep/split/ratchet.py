"""The key that only the two halves share: ephemeral X25519 between pinned halves, then a new key for every search.

K_LR lives in memory only. Each search takes one turn: m_n = HMAC(c_n, 1), c_{n+1} = HMAC(c_n, 2); the chain key of a
past turn is gone, and a turn key is given out once. A turn that was skipped (the other half refused, or the gate sent
searches out of order) is kept for a while, as in the Double Ratchet (Perrin and Marlinspike, 2016), and forgotten after
use.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from facekeep.errors import RefusedError, TicketError

TURN_WINDOW = 1024
_HELLO = b"facekeep/1/peer/"


@dataclass(frozen=True, slots=True)
class Hello:
    """What a half says to the other at the start of a session.

    Attributes:
        side: b"left" or b"right".
        ephemeral: X25519 public key, 32 bytes.
        signature: Ed25519 by the half's pinned identity over keep, side and key, 64 bytes.
    """

    side: bytes
    ephemeral: bytes
    signature: bytes

    def encode(self) -> bytes:
        """The bytes that enter the transcript of the handshake."""
        return self.side + b"\x00" + self.ephemeral + self.signature


class Handshake:
    """One half's part in agreeing on K_LR. Serves once."""

    def __init__(self, side: bytes, keep_id: bytes, identity: Ed25519PrivateKey, peer: bytes) -> None:
        """Begin.

        Args:
            side: b"left" or b"right".
            keep_id: 16 bytes.
            identity: this half's signing key.
            peer: the other half's pinned Ed25519 public key, 32 bytes.
        """
        self._keep_id = keep_id
        self._peer = peer
        self._secret = X25519PrivateKey.generate()
        ephemeral = self._secret.public_key().public_bytes_raw()
        self.hello = Hello(side, ephemeral, identity.sign(_HELLO + keep_id + side + b"\x00" + ephemeral))

    def finish(self, other: Hello) -> Ratchet:
        """The session, once the other half's hello is here.

        Raises:
            RefusedError: it is not signed by the pinned half, or comes from the same side.
        """
        if other.side == self.hello.side:
            raise RefusedError("a half was paired with itself", hint="Check which store is opened as which half.")
        try:
            Ed25519PublicKey.from_public_bytes(self._peer).verify(
                other.signature, _HELLO + self._keep_id + other.side + b"\x00" + other.ephemeral
            )
            shared = self._secret.exchange(X25519PublicKey.from_public_bytes(other.ephemeral))
        except (InvalidSignature, ValueError) as problem:
            raise RefusedError(
                "the other half is not the pinned one", hint="Open the two halves that were made together."
            ) from problem
        first, second = sorted((self.hello, other), key=lambda hello: hello.side)
        salt = sha256(self._keep_id + first.encode() + second.encode()).digest()
        return Ratchet(HKDF(SHA256(), 32, salt, b"facekeep/1/K_LR").derive(shared))


@dataclass(slots=True)
class Ratchet:
    """Keys of turns, each given out once, and the key of the channel between the halves."""

    _chain: bytes = field(repr=False)
    _next: int = 0
    _skipped: dict[int, bytes] = field(default_factory=dict, repr=False)
    channel: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        self.channel = hmac.digest(self._chain, b"channel", "sha256")

    @property
    def next_turn(self) -> int:
        """The lowest turn that was neither taken nor skipped."""
        return self._next

    def take(self, turn: int) -> bytes:
        """The key of a turn, 32 bytes; it cannot be taken again.

        Raises:
            TicketError: the turn was taken before, or lies further ahead than the window.
        """
        key = self._skipped.pop(turn, None)
        if key is not None:
            return key
        if not self._next <= turn < self._next + TURN_WINDOW:
            raise TicketError("a turn was used twice or lies too far ahead")
        while True:
            key = hmac.digest(self._chain, b"\x01", "sha256")
            self._chain = hmac.digest(self._chain, b"\x02", "sha256")
            self._next += 1
            if self._next > turn:
                return key
            self._skipped[self._next - 1] = key
            if len(self._skipped) > TURN_WINDOW:
                del self._skipped[min(self._skipped)]
