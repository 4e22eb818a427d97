"""Write tests/vectors/review-v1.json: python -m tools.vectors.review. Inputs are fixed: it writes the same.

Sealing draws at random, so the examples are sealed here, by an HPKE written from RFC 9180 with an ephemeral key that is
given: what opens them is thereby held against a second implementation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TARGET = Path(__file__).parents[2] / "tests" / "vectors" / "review-v1.json"

_BLOCK = 16384
_REVIEW = bytes.fromhex("00112233445566778899aabbccddeeff")
_OTHER_REVIEW = bytes.fromhex("ffeeddccbbaa99887766554433221100")
_REVIEWER, _OFFICER, _STRANGER = (hashlib.sha256(name).digest() for name in (b"reviewer", b"officer", b"stranger"))
_LOW_ORDER = (
    bytes(32),
    bytes([1]) + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
)
# 2 × 2 pixels, the upper left red, the others RGB (128, 128, 128).
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a730000001649444154789c63fccfc0d0d8d0c0d4d8d0c0c0c0"
    "0000222d0405161188c10000000049454e44ae426082"
)


@dataclass(frozen=True)
class _Sealed:
    """A picture, sealed to some."""

    index: int
    png: bytes
    recipients: tuple[bytes, ...]
    share: bytes
    sealed: bytes
    wraps: tuple[bytes, ...]

    def written(self, name: str) -> dict[str, Any]:
        """The fields of an example."""
        recipients = [
            {
                "private": private.hex(),
                "public": _public(private).hex(),
                "key": _key_id(_public(private)).hex(),
                "wrapped": wrapped.hex(),
            }
            for private, wrapped in zip(self.recipients, self.wraps, strict=True)
        ]
        return {
            "name": name,
            "review": _REVIEW.hex(),
            "index": self.index,
            "share": self.share.hex(),
            "recipients": recipients,
            "picture_sha256": hashlib.sha256(self.png).hexdigest(),
            "sealed": base64.b64encode(self.sealed).decode(),
        }


def _extract(salt: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), material, "sha256")


def _expand(key: bytes, info: bytes, length: int) -> bytes:
    made, block = b"", b""
    while len(made) < length:
        block = hmac.digest(key, block + info + bytes([len(made) // 32 + 1]), "sha256")
        made += block
    return made[:length]


def _labelled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return _extract(salt, b"HPKE-v1" + suite + label + material)


def _labelled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    return _expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def _hpke(plaintext: bytes, public: bytes, info: bytes, ephemeral: bytes) -> bytes:
    """RFC 9180, base mode, single shot, KEM 0x0020, KDF 0x0001, AEAD 0x0002: enc ‖ ct."""
    own = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = own.public_key().public_bytes_raw()
    kem, suite = b"KEM" + bytes([0, 0x20]), b"HPKE" + bytes([0, 0x20, 0, 1, 0, 2])
    exchanged = own.exchange(X25519PublicKey.from_public_bytes(public))
    shared = _labelled_expand(
        kem, _labelled_extract(kem, b"", b"eae_prk", exchanged), b"shared_secret", enc + public, 32
    )
    context = b"\0" + b"".join(
        _labelled_extract(suite, b"", label, value) for label, value in ((b"psk_id_hash", b""), (b"info_hash", info))
    )
    secret = _labelled_extract(suite, shared, b"secret", b"")
    key = _labelled_expand(suite, secret, b"key", context, 32)
    nonce = _labelled_expand(suite, secret, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, plaintext, b"")


def _public(private: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def _key_id(public: bytes) -> bytes:
    return hashlib.sha256(public).digest()[:16]


def _padded(png: bytes) -> bytes:
    whole = len(png).to_bytes(4, "big") + png
    return whole + bytes(-len(whole) % _BLOCK)


def _seal(png: bytes, index: int, *recipients: bytes, padded: bytes | None = None) -> _Sealed:
    """Everything that would be drawn follows from the picture and its place."""
    place = _REVIEW + bytes([index])
    theirs, ours = (hashlib.sha256(name + place + png).digest() for name in (b"a", b"s"))
    key = _expand(_extract(ours, theirs), b"facekeep/review/1/content" + place, 32)
    sealed = AESGCM(key).encrypt(bytes(12), _padded(png) if padded is None else padded, place)
    wraps = []
    for private in recipients:
        public = _public(private)
        info = b"facekeep/review/1/share" + place + _key_id(public)
        wraps.append(_hpke(theirs, public, info, hashlib.sha256(b"e" + place + public).digest()))
    return _Sealed(index, png, recipients, ours, sealed, tuple(wraps))


def _flipped(data: bytes, at: int) -> str:
    return (data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]).hex()


def _altered() -> list[dict[str, Any]]:
    """What is put in the place of a field of the first picture, for its first recipient."""
    good, other = _seal(_PNG, 0, _REVIEWER, _OFFICER), _seal(_PNG, 1, _REVIEWER)
    share, wrapped = good.share, good.wraps[0]
    return [
        {"name": "a bit of the sealed picture", "flip_sealed": 100},
        {"name": "a bit of its tag", "flip_sealed": len(good.sealed) - 1},
        {"name": "a sealed picture that was cut", "cut_sealed": 1},
        {"name": "a sealed picture without its tag", "cut_sealed": 16},
        {"name": "nothing", "cut_sealed": len(good.sealed)},
        {"name": "a bit of the server's share", "share": _flipped(share, 5)},
        {"name": "a share that was cut", "share": share[:-1].hex()},
        {"name": "the server's share of another picture", "share": other.share.hex()},
        {"name": "a bit of the encapsulated key", "wrapped": _flipped(wrapped, 0)},
        {"name": "a bit of the wrapped share", "wrapped": _flipped(wrapped, 40)},
        {"name": "a bit of the tag of the wrapped share", "wrapped": _flipped(wrapped, 79)},
        {"name": "a wrapped share that was cut", "wrapped": wrapped[:-1].hex()},
        {"name": "an encapsulated key of low order", "wrapped": (bytes(32) + wrapped[32:]).hex()},
        {"name": "the wrapped share of another recipient", "wrapped": good.wraps[1].hex()},
        {"name": "the wrapped share of another picture", "wrapped": other.wraps[0].hex()},
        {"name": "another review", "review": _OTHER_REVIEW.hex()},
        {"name": "another number", "index": 1},
        {"name": "another key", "private": _STRANGER.hex(), "public": _public(_STRANGER).hex()},
    ]


def vectors() -> dict[str, Any]:
    """The document."""
    exact = _PNG + b"\xa5" * (_BLOCK - 4 - len(_PNG))
    whole = _padded(_PNG)
    return {
        "format": "facekeep-review-1",
        "valid": [
            _seal(_PNG, 0, _REVIEWER, _OFFICER).written("a picture, for two"),
            _seal(exact, 255, _REVIEWER).written("exactly one block, the last number"),
            _seal(exact + b"\xa5", 2, _REVIEWER).written("a byte more than a block"),
        ],
        "altered": _altered(),
        "padded_otherwise": [
            _seal(_PNG, index, _REVIEWER, padded=padded).written(name)
            for index, (name, padded) in enumerate(
                (
                    ("a byte behind that is not zero", whole[:-1] + b"\1"),
                    ("a block too many", whole + bytes(_BLOCK)),
                    ("no padding", whole[: 4 + len(_PNG)]),
                    ("a length beyond the end", _BLOCK.to_bytes(4, "big") + whole[4:]),
                    ("nothing inside", bytes(_BLOCK)),
                    ("shorter than a length", b"\0\0\0"),
                ),
                start=3,
            )
        ],
        "refused_public": [point.hex() for point in _LOW_ORDER],
    }


def main() -> None:
    """Write the file."""
    TARGET.write_text(json.dumps(vectors(), indent=1) + "\n", encoding="utf-8")
    print(TARGET.name)


if __name__ == "__main__":
    main()
