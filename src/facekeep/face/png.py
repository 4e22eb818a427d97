"""The PNG container (ISO/IEC 15948): chunks walked, animation refused, compressed text never inflated."""

from __future__ import annotations

import struct
import zlib

from facekeep.errors import ImageError
from facekeep.face.containers import DAMAGED, PLAIN, STILL, Cleared, ImageLimits, exif_orientation, truncated

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNKS = 65_536
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_PALETTE_BYTES = 768


def clear(data: bytes, limits: ImageLimits) -> Cleared:
    """Reads and bounds a PNG file; what is behind its end chunk is cut off.

    Raises:
        ImageError: it is truncated, animated, too large, or a checksum is wrong.
    """
    chunks, pixels = _chunks(data)
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13:
        truncated("PNG")
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", header)
    limits.check(width, height)
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise ImageError("The PNG file declares a kind of pixel that does not exist.", hint=DAMAGED)
    kept = [SIGNATURE, _chunk(b"IHDR", header)]
    if colour == 3 and not 0 < len(chunks.get(b"PLTE", b"")) <= _PALETTE_BYTES:
        raise ImageError("The PNG file has no usable palette.", hint=DAMAGED)
    for kind in (b"PLTE", b"tRNS"):
        body = chunks.get(kind)
        if body is not None and len(body) <= _PALETTE_BYTES:
            kept.append(_chunk(kind, body))
    kept += [_chunk(b"IDAT", b"".join(pixels)), _chunk(b"IEND", b"")]
    return Cleared(
        "PNG",
        b"".join(kept),
        width,
        height,
        orientation=exif_orientation(chunks.get(b"eXIf", b"")),
        profile=_profile(chunks.get(b"iCCP", b""), limits.profile_bytes),
    )


def _chunks(data: bytes) -> tuple[dict[bytes, bytes], list[bytes]]:
    """The first chunk of each kind that is used, and the pixel data; the rest is stepped over."""
    used: dict[bytes, bytes] = {}
    pixels: list[bytes] = []
    at = len(SIGNATURE)
    for _ in range(_CHUNKS):
        if at + 12 > len(data):
            truncated("PNG")
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            truncated("PNG")
        if kind in {b"acTL", b"fcTL", b"fdAT"}:
            raise ImageError("The PNG file is animated; a still picture is needed.", hint=STILL)
        if kind in {b"IHDR", b"PLTE", b"IDAT", b"IEND"}:
            (checksum,) = struct.unpack_from(">I", data, end - 4)
            if zlib.crc32(data[at + 4 : end - 4]) != checksum:
                raise ImageError("A checksum in the PNG file is wrong.", hint=DAMAGED)
        if kind == b"IEND":
            return used, pixels
        if kind == b"IDAT":
            pixels.append(data[at + 8 : end - 4])
        elif kind in {b"IHDR", b"PLTE", b"tRNS", b"eXIf", b"iCCP"}:
            used.setdefault(kind, data[at + 8 : end - 4])
        at = end
    raise ImageError(f"The PNG file has more than {_CHUNKS} chunks.", hint=PLAIN)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _profile(body: bytes, limit: int) -> bytes | None:
    """Inflates an embedded ICC profile up to the limit; None if there is none, or it is damaged or larger."""
    name, _, packed = body.partition(b"\0")
    if not 0 < len(name) < 80 or packed[:1] != b"\0" or limit == 0:
        return None
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(packed[1:], limit)
    except zlib.error:
        return None
    return profile if inflater.eof else None
