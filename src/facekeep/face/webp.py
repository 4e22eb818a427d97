"""The WebP container (RFC 9649): chunks walked, animation refused, sizes of canvas and bitstream bounded."""

from __future__ import annotations

import struct

from facekeep.errors import ImageError
from facekeep.face.containers import DAMAGED, PLAIN, STILL, Cleared, ImageLimits, exif_orientation, truncated

_CHUNKS = 256
_ALPHA, _ANIMATION = 0x10, 0x02


def clear(data: bytes, limits: ImageLimits) -> Cleared:
    """Reads and bounds a WebP file; what is behind its declared length is cut off.

    Raises:
        ImageError: it is truncated, animated, too large, or canvas and bitstream disagree.
    """
    chunks = _chunks(data)
    canvas = chunks.get(b"VP8X")
    if b"ANIM" in chunks or b"ANMF" in chunks or (canvas and canvas[0] & _ANIMATION):
        raise ImageError("The WebP file is animated; a still picture is needed.", hint=STILL)
    lossy, lossless = chunks.get(b"VP8 "), chunks.get(b"VP8L")
    if (lossy is None) == (lossless is None):
        truncated("WebP")
    size = _lossy_size(lossy) if lossy is not None else _lossless_size(lossless or b"")
    limits.check(*size)
    if canvas is not None:
        if len(canvas) != 10:
            truncated("WebP")
        declared = 1 + int.from_bytes(canvas[4:7], "little"), 1 + int.from_bytes(canvas[7:10], "little")
        limits.check(*declared)
        if declared != size:
            raise ImageError("The WebP file declares two different sizes.", hint=DAMAGED)
    profile = chunks.get(b"ICCP")
    return Cleared(
        "WEBP",
        _rebuilt(size, lossy, lossless, chunks.get(b"ALPH")),
        *size,
        orientation=exif_orientation(chunks.get(b"EXIF", b"")),
        profile=profile if profile and len(profile) <= limits.profile_bytes else None,
    )


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """The first chunk of each kind."""
    declared = int.from_bytes(data[4:8], "little") + 8
    if declared > len(data):
        truncated("WebP")
    chunks: dict[bytes, bytes] = {}
    at = 12
    for _ in range(_CHUNKS):
        if at + 8 > declared:
            return chunks
        kind, length = struct.unpack_from("<4sI", data, at)
        if at + 8 + length > declared:
            truncated("WebP")
        chunks.setdefault(kind, data[at + 8 : at + 8 + length])
        at += 8 + length + (length & 1)
    raise ImageError(f"The WebP file has more than {_CHUNKS} chunks.", hint=PLAIN)


def _lossy_size(body: bytes) -> tuple[int, int]:
    if len(body) < 10 or body[0] & 1 or body[3:6] != b"\x9d\x01\x2a":
        truncated("WebP")
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless_size(body: bytes) -> tuple[int, int]:
    if len(body) < 5 or body[0] != 0x2F:
        truncated("WebP")
    (bits,) = struct.unpack_from("<I", body, 1)
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def _rebuilt(size: tuple[int, int], lossy: bytes | None, lossless: bytes | None, alpha: bytes | None) -> bytes:
    parts = []
    if lossy is not None and alpha is not None:
        sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
        parts += [_chunk(b"VP8X", bytes([_ALPHA, 0, 0, 0]) + sides), _chunk(b"ALPH", alpha)]
    parts.append(_chunk(b"VP8 ", lossy) if lossy is not None else _chunk(b"VP8L", lossless or b""))
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)
