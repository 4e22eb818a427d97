"""The TIFF container (TIFF 6.0): one page, a short list of tags, all pixel data inside the file.

TIFF can say almost anything, so that what is read is listed here, and all else refused. The page's directory is
rewritten in place with the listed tags alone; neither EXIF nor positions nor further pages are reachable from it.
"""

from __future__ import annotations

import struct

from facekeep.errors import ImageError
from facekeep.face.containers import DAMAGED, PLAIN, STILL, Cleared, ImageLimits, truncated

_SIZES = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4), 5: ("", 8), 7: ("B", 1)}  # BYTE, SHORT, LONG, RATIONAL, UNDEFINED
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _ORIENTATION, _SAMPLES = 256, 257, 258, 259, 262, 274, 277
_STRIPS, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 273, 279, 322, 323, 324, 325
_FORMAT, _PROFILE, _EXTRA, _PLANAR = 339, 34675, 338, 284
# FillOrder, RowsPerStrip, Predictor, ColorMap, JPEGTables, YCbCrCoefficients, YCbCrSubSampling, YCbCrPositioning,
# ReferenceBlackWhite and InkSet paint pixels, too.
_KEPT = {
    *(_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _SAMPLES, _STRIPS, _STRIP_BYTES, _TILE_WIDTH, _TILE_HEIGHT),
    *(_TILES, _TILE_BYTES, _FORMAT, _EXTRA, _PLANAR, 266, 278, 317, 320, 347, 529, 530, 531, 532, 332),
}
_COMPRESSIONS = {1, 5, 7, 8, 32773, 32946}  # none, LZW, JPEG, deflate, PackBits, old deflate
_PHOTOMETRICS = {0, 1, 2, 3, 5, 6}  # white is zero, black is zero, RGB, palette, CMYK, YCbCr
_DEPTHS = {1, 2, 4, 8, 16}
_ENTRIES = 512
_PIECES = 65_536

_Tags = dict[int, tuple[int, ...]]


def clear(data: bytes, limits: ImageLimits) -> Cleared:
    """Reads and bounds a TIFF file.

    Raises:
        ImageError: it is truncated, has several pages, is too large, or of a kind that is not read.
    """
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in {b"\x2b\0", b"\0\x2b"}:
        raise ImageError("The file is a BigTIFF, which is for more than 4 GiB.", hint=PLAIN)
    start, count, following = _directory(data, order)
    if following:
        raise ImageError("The TIFF file has several pages; one picture is needed.", hint=STILL)
    entries: dict[int, bytes] = {}
    tags: _Tags = {}
    profile: bytes | None = None
    for index in range(count):
        entry = data[start + 2 + 12 * index : start + 14 + 12 * index]
        tag, kind, number, offset = struct.unpack(order + "HHII", entry)
        if tag == _PROFILE and kind in {1, 7} and number <= limits.profile_bytes:
            profile = data[offset : offset + number]
        elif (tag in _KEPT or tag == _ORIENTATION) and tag not in tags:
            tags[tag] = _values(data, order, entry)
            entries[tag] = entry
    size = _one(tags, _WIDTH), _one(tags, _HEIGHT)
    limits.check(*size)
    _check_kind(tags)
    _check_pieces(data, tags, size, limits)
    orientation = tags.get(_ORIENTATION, (1,))[0]
    return Cleared(
        "TIFF",
        _rewritten(data, order, start, [entry for tag, entry in entries.items() if tag in _KEPT]),
        *size,
        orientation=orientation if 1 <= orientation <= 8 else 1,
        profile=profile,
    )


def _directory(data: bytes, order: str) -> tuple[int, int, int]:
    if len(data) < 8:
        truncated("TIFF")
    (start,) = struct.unpack_from(order + "I", data, 4)
    if start < 8 or start + 6 > len(data):
        truncated("TIFF")
    (count,) = struct.unpack_from(order + "H", data, start)
    if count > _ENTRIES:
        raise ImageError(f"The TIFF file has more than {_ENTRIES} tags.", hint=PLAIN)
    if count == 0 or start + 6 + 12 * count > len(data):
        truncated("TIFF")
    (following,) = struct.unpack_from(order + "I", data, start + 2 + 12 * count)
    return start, count, following


def _values(data: bytes, order: str, entry: bytes) -> tuple[int, ...]:
    """The values of an entry; none of a RATIONAL, which is only checked to lie inside the file."""
    _, kind, number = struct.unpack_from(order + "HHI", entry)
    if kind not in _SIZES or not 0 < number <= 4 * _PIECES:
        raise ImageError("A tag of the TIFF file has an impossible type or length.", hint=DAMAGED)
    code, size = _SIZES[kind]
    if number * size <= 4:
        source, at = entry, 8
    else:
        source, at = data, struct.unpack_from(order + "I", entry, 8)[0]
    if at + number * size > len(source):
        truncated("TIFF")
    return struct.unpack_from(f"{order}{number}{code}", source, at) if code else ()


def _one(tags: _Tags, tag: int, default: int | None = None) -> int:
    values = tags.get(tag, () if default is None else (default,))
    if len(values) != 1:
        raise ImageError("The TIFF file lacks a tag that it needs, or has it in a wrong form.", hint=DAMAGED)
    return values[0]


def _check_kind(tags: _Tags) -> None:
    samples, bits = _one(tags, _SAMPLES, 1), tags.get(_BITS, (1,))
    known = (
        _one(tags, _COMPRESSION, 1) in _COMPRESSIONS
        and _one(tags, _PHOTOMETRIC, 0) in _PHOTOMETRICS
        and _one(tags, _PLANAR, 1) in {1, 2}
        and 1 <= samples <= 5
        and len(set(bits)) == 1
        and bits[0] in _DEPTHS
        and set(tags.get(_FORMAT, (1,))) <= {1, 4}
    )
    if not known:
        raise ImageError(
            "The TIFF file is of a kind that is not read: compression, colours or depth of its samples are unusual.",
            hint="Export it again as RGB or grey with 8 or 16 bits, uncompressed or with LZW, or as a PNG.",
        )


def _check_pieces(data: bytes, tags: _Tags, size: tuple[int, int], limits: ImageLimits) -> None:
    tiled = _TILES in tags
    offsets, lengths = (tags.get(tag, ()) for tag in ((_TILES, _TILE_BYTES) if tiled else (_STRIPS, _STRIP_BYTES)))
    if not offsets or len(offsets) != len(lengths) or (tiled and _STRIPS in tags):
        raise ImageError("The TIFF file does not say where its pixels are.", hint=DAMAGED)
    if len(offsets) > _PIECES:
        raise ImageError(f"The TIFF file is cut into more than {_PIECES} pieces.", hint=PLAIN)
    if any(offset + length > len(data) for offset, length in zip(offsets, lengths, strict=True)):
        truncated("TIFF")
    if tiled:
        width, height = _one(tags, _TILE_WIDTH), _one(tags, _TILE_HEIGHT)
        limits.check(width, height)
        if -(-size[0] // width) * width * -(-size[1] // height) * height > 2 * limits.pixels:
            raise ImageError("The tiles of the TIFF file are much larger than its picture.", hint=PLAIN)


def _rewritten(data: bytes, order: str, start: int, entries: list[bytes]) -> bytes:
    """The file with a shorter directory in the old one's place and no further page."""
    directory = struct.pack(order + "H", len(entries)) + b"".join(entries) + bytes(4)
    return b"".join((data[:start], directory, data[start + len(directory) :]))
