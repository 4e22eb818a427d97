"""The JPEG container (ITU-T T.81): segments walked, size and number of scans bounded, metadata left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from facekeep.errors import ImageError
from facekeep.face.containers import DAMAGED, PLAIN, Cleared, ImageLimits, exif_orientation, truncated

_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")  # not stuffing (00), not a restart (D0 to D7), not fill (FF)
_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _APP15, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xEF, 0xFE
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_READ_FRAMES = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive; all with Huffman codes
_SCANS = 64  # encoders write up to about 14; each costs a pass over all pixels, so that thousands are a bomb of time
_SEGMENTS = 4096
_EXIF = b"Exif\0\0"
_ICC = b"ICC_PROFILE\0"


def clear(data: bytes, limits: ImageLimits) -> Cleared:
    """Reads and bounds a JPEG file.

    Only the first picture counts: what follows its end (the second view of a multi-picture file, an appended archive)
    is cut off.

    Raises:
        ImageError: it is truncated, too large, of a rare kind, or has too many scans.
    """
    kept: list[bytes | memoryview] = [b"\xff\xd8"]
    view = memoryview(data)
    size: tuple[int, int] | None = None
    scans, orientation, profile = 0, 1, _Profile(limits.profile_bytes)
    for marker, start, end in _segments(data):
        if marker in _FRAMES:
            if size is not None:
                raise ImageError("The JPEG file declares its size twice.", hint=DAMAGED)
            size = _frame(marker, data[start + 4 : end])
            limits.check(*size)
        elif marker == _SOS:
            scans += 1
            if scans > _SCANS:
                raise ImageError(f"The JPEG file has more than {_SCANS} scans.", hint=PLAIN)
        elif marker == _APP1 and data.startswith(_EXIF, start + 4) and orientation == 1:
            orientation = exif_orientation(data[start + 4 : end])
        elif marker == _APP2 and data.startswith(_ICC, start + 4):
            profile.add(data[start + 4 + len(_ICC) : end])
        if not (_APP0 <= marker <= _APP15 or marker == _COM) or marker == _APP14:
            # Adobe's segment (14) tells which colour transform was used, and thus paints pixels.
            kept.append(view[start:end])
    if size is None or scans == 0:
        truncated("JPEG")
    return Cleared("JPEG", b"".join(kept), *size, orientation=orientation, profile=profile.whole())


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment; a scan takes its coded data with it, the last is the end marker."""
    at = 2
    for _ in range(_SEGMENTS):
        found = _MARKER.match(data, at)
        if found is None:
            truncated("JPEG")
        marker, start = found[1][0], found.end() - 2
        if marker == _EOI:
            yield marker, start, start + 2
            return
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        at = start + 2 + length
        if length < 2 or at > len(data) or marker in {_SOI, 0x01}:
            truncated("JPEG")
        if marker == _SOS:
            following = _MARKER.search(data, at)
            if following is None:
                truncated("JPEG")
            at = following.start()
        yield marker, start, at
    raise ImageError(f"The JPEG file has more than {_SEGMENTS} segments.", hint=PLAIN)


def _frame(marker: int, body: bytes) -> tuple[int, int]:
    if marker not in _READ_FRAMES:
        raise ImageError("The JPEG file is lossless, hierarchical or arithmetic coded.", hint=PLAIN)
    if len(body) < 6:
        truncated("JPEG")
    if body[0] != 8:
        raise ImageError(f"The JPEG file has {body[0]} bits a sample; 8 are read.", hint=PLAIN)
    if body[5] not in {1, 3, 4}:
        raise ImageError(f"The JPEG file has {body[5]} colour components; 1, 3 and 4 are read.", hint=PLAIN)
    return int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big")


class _Profile:
    """Puts an ICC profile together from its numbered parts (ICC.1, annex B.4); None if they do not fit."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: dict[int, bytes] = {}
        self._count = 0

    def add(self, part: bytes) -> None:
        if len(part) > 2:
            self._count = part[1]
            self._parts.setdefault(part[0], part[2:])

    def whole(self) -> bytes | None:
        if not self._parts or sorted(self._parts) != list(range(1, self._count + 1)):
            return None
        joined = b"".join(self._parts[number] for number in sorted(self._parts))
        return joined if len(joined) <= self._limit else None
