"""The split gallery once more, from docs/spec/split-gallery.md alone: hashlib and plain Python, nothing of Facekeep.

Slow and without any check of its input. It exists so that the test vectors are not held against their own generator.
"""

# ruff: noqa: PLR0917 - the arguments are those of the formulas

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256


def _sbox() -> list[int]:
    # Multiplicative inverses by the generator 3 of GF(2⁸), then the affine map (FIPS 197).
    p = q = 1
    box = [0x63] * 256
    while True:
        p ^= ((p << 1) ^ (0x11B if p & 0x80 else 0)) & 0xFF
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        q ^= 0x09 if q & 0x80 else 0
        rotated = [(q << n | q >> (8 - n)) & 0xFF for n in range(5)]
        box[p] = rotated[0] ^ rotated[1] ^ rotated[2] ^ rotated[3] ^ rotated[4] ^ 0x63
        if p == 1:
            return box


_SBOX = _sbox()


def _double(x: int) -> int:
    return ((x << 1) ^ (0x1B if x & 0x80 else 0)) & 0xFF


def aes256(key: bytes, block: bytes) -> bytes:
    words = [list(key[i : i + 4]) for i in range(0, 32, 4)]
    constant = 1
    for i in range(8, 60):
        word = words[-1]
        if i % 8 == 0:
            word = [_SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _double(constant)
        elif i % 8 == 4:
            word = [_SBOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[i - 8], word, strict=True)])
    keys = [[b for word in words[4 * r : 4 * r + 4] for b in word] for r in range(15)]
    state = [a ^ b for a, b in zip(block, keys[0], strict=True)]
    for r in range(1, 15):
        state = [_SBOX[state[(4 * (c + i) + i) % 16]] for c in range(4) for i in range(4)]
        if r < 14:
            mixed = []
            for c in range(0, 16, 4):
                a = state[c : c + 4]
                every = a[0] ^ a[1] ^ a[2] ^ a[3]
                mixed += [a[i] ^ every ^ _double(a[i] ^ a[(i + 1) % 4]) for i in range(4)]
            state = mixed
        state = [a ^ b for a, b in zip(state, keys[r], strict=True)]
    return bytes(state)


def stream_at(key: bytes, start: int, length: int) -> bytes:
    first, last = start // 16, (start + length + 15) // 16
    blocks = b"".join(aes256(key, (n + 2).to_bytes(16, "big")) for n in range(first, last))
    return blocks[start - 16 * first :][:length]


def u16(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]


def mask(seed: bytes, use: str, pseudonym: bytes, epoch: int, version: int, model: bytes, length: int) -> bytes:
    info = pseudonym + epoch.to_bytes(4, "big") + version.to_bytes(4, "big") + model
    key = hmac.digest(seed, b"facekeep/1/mask/" + use.encode() + b"\x00" + info + b"\x01", "sha256")
    return stream_at(key, 0, length)


def fine_code(unit: Sequence[float]) -> list[int]:
    return [round(160 * x) for x in unit]  # Python rounds half-way cases to even


def coarse_code(fine: Sequence[int]) -> list[int]:
    support = min(120, len(fine) * 15 // 64)
    kept = sorted(range(len(fine)), key=lambda i: (-abs(fine[i]), i))[:support]
    return [(fine[i] > 0) - (fine[i] < 0) if i in kept else 0 for i in range(len(fine))]


def x25519(scalar: bytes, point: bytes) -> bytes:
    p = 2**255 - 19
    k = int.from_bytes(bytes([scalar[0] & 248]) + scalar[1:31] + bytes([scalar[31] & 127 | 64]), "little")
    u = int.from_bytes(point, "little") & (2**255 - 1)
    x2, z2, x3, z3 = 1, 0, u, 1
    for bit in reversed(range(255)):
        swap = k >> bit & 1
        if swap:
            x2, z2, x3, z3 = x3, z3, x2, z2
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        da, cb, aa, bb = d * a, c * b, a * a, b * b
        x3, z3 = (da + cb) ** 2 % p, u * (da - cb) ** 2 % p
        e = aa - bb
        x2, z2 = aa * bb % p, e * (aa + 121665 * e) % p
        if swap:
            x2, z2, x3, z3 = x3, z3, x2, z2
    return (x2 * pow(z2, p - 2, p) % p).to_bytes(32, "little")


def hello(side: bytes, ephemeral: bytes, signature: bytes) -> bytes:
    return side + b"\x00" + ephemeral + signature


def session_key(keep: bytes, left: bytes, right: bytes, shared: bytes) -> bytes:
    salt = sha256(keep + left + right).digest()
    return hmac.digest(hmac.digest(salt, shared, "sha256"), b"facekeep/1/K_LR\x01", "sha256")


def turn_keys(session: bytes, count: int) -> list[bytes]:
    keys = []
    for _ in range(count):
        keys.append(hmac.digest(session, b"\x01", "sha256"))
        session = hmac.digest(session, b"\x02", "sha256")
    return keys


def row_root(rows: Sequence[tuple[bytes, int, int]]) -> bytes:
    keys = b"".join(p + e.to_bytes(4, "big") + v.to_bytes(4, "big") for p, e, v in sorted(rows))
    return sha256(b"facekeep/1/rows\x00" + keys).digest()


def table_root(rows: Sequence[tuple[bytes, int, int, str, int, int]]) -> bytes:
    rows = sorted(rows)
    galleries = sorted({row[3] for row in rows})
    keys = b"".join(p + e.to_bytes(4, "big") + v.to_bytes(4, "big") for p, e, v, *_ in rows)
    marks = b"".join(galleries.index(g).to_bytes(2, "little") + bytes([u, f]) for *_, g, u, f in rows)
    listed = b"".join(bytes([len(g.encode())]) + g.encode() for g in galleries)
    return sha256(b"facekeep/1/table\x00" + len(rows).to_bytes(8, "big") + keys + marks + listed).digest()


def search_hash(ticket: bytes, probe: bytes, epoch: int, root: bytes, rows: int) -> bytes:
    parts = sha256(ticket).digest() + sha256(probe).digest() + epoch.to_bytes(4, "big") + root
    return sha256(b"facekeep/1/search\x00" + parts + rows.to_bytes(8, "big")).digest()


def list_hash(label: bytes, before: bytes, numbers: Sequence[int]) -> bytes:
    return sha256(label + b"\x00" + before + b"".join(n.to_bytes(4, "little") for n in numbers)).digest()


def stage_key(turn: bytes, stage: str, transcript: bytes) -> bytes:
    return hmac.digest(turn, b"facekeep/1/prf/" + stage.encode() + b"\x00" + transcript, "sha256")


def permutation(key: bytes, rows: Sequence[int]) -> list[int]:
    n = len(rows)
    drawn = stream_at(key, 0, 5 * n)
    numbers = [int.from_bytes(drawn[4 * i : 4 * i + 4], "little") for i in range(n)]
    out: list[int] = []
    for bucket in range(256):
        held = [row for row, b in zip(rows, drawn[4 * n :], strict=True) if b == bucket]
        for i in range(len(held) - 1, 0, -1):
            j = numbers[len(out) + i] * (i + 1) >> 32
            held[i], held[j] = held[j], held[i]
        out += held
    return out


def codewords() -> list[int]:
    """Every byte whose bits 0…6 satisfy the three checks of Hamming's code and whose parity is even, by its data."""
    words = {}
    for byte in range(256):
        b = [byte >> i & 1 for i in range(8)]
        checks = (b[0] ^ b[2] ^ b[4] ^ b[6], b[1] ^ b[2] ^ b[5] ^ b[6], b[3] ^ b[4] ^ b[5] ^ b[6])
        if not any(checks) and sum(b) % 2 == 0:
            words[b[2] | b[4] << 1 | b[5] << 2 | b[6] << 3] = byte
    return [words[data] for data in range(16)]


def band(score: int, thresholds: Sequence[int], level: int) -> int:
    return sum(score >= t for t in thresholds) if score >= thresholds[level] else 0


def signed(score: int) -> int:
    return (score + 2**15) % 2**16 - 2**15


def shift(key: bytes, position: int) -> int:
    return u16(stream_at(key, 2 * position, 2))[0]


def band_entry(a: int, u: int, position: int, keys: tuple[bytes, bytes], thresholds: Sequence[int], level: int) -> int:
    score = signed(a + u - shift(keys[0], position))
    return codewords()[band(score, thresholds, level)] ^ stream_at(keys[1], 65536 * position + u, 1)[0]


def token_entry(
    a: int, u: int, position: int, keys: tuple[bytes, bytes], tokens: Sequence[bytes], bands: tuple[Sequence[int], int]
) -> bytes:
    token = tokens[band(signed(a + u - shift(keys[0], position)), *bands)]
    pad = stream_at(keys[1], 16 * (65536 * position + u), 16)
    return bytes(x ^ y for x, y in zip(token, pad, strict=True))
