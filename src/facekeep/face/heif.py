"""The HEIF container (ISO/IEC 23008-12): the boxes of a HEIC still, read to bound what the decoder would allocate.

libheif bounds much by itself, but at sizes far above what a face needs, and the HEVC decoder behind it believes the
parameter sets in the stream. So every coded item is looked at: its declared size, the size in its parameter sets, and
that its data are one coded picture.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from facekeep.errors import ImageError
from facekeep.face.containers import PLAIN, STILL, Cleared, ImageLimits, truncated
from facekeep.face.hevc import check_data, check_parameters

_SEQUENCE_BRANDS = {b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"}
_CODED, _GRID = b"hvc1", b"grid"
_ITEMS = 1000  # libheif's own bound
_BOXES = 8192
_AREA_FACTOR = 3  # picture, alpha plane and depth map, each as one or as tiles

_Box = tuple[bytes, int, int]


def clear(data: bytes, limits: ImageLimits) -> Cleared:
    """Reads and bounds a HEIC file.

    The orientation is 1: HEIF keeps rotation in properties of its own, which the decoder applies, and its EXIF
    orientation is informative only (ISO/IEC 23008-12, A.2.4).

    Raises:
        ImageError: it is truncated, a sequence, too large, or coded in another way than HEVC.
    """
    top: dict[bytes, tuple[int, int]] = {}
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"moov" or (kind == b"ftyp" and data[start : start + 4] in _SEQUENCE_BRANDS):
            raise ImageError("The HEIC file is a sequence of pictures; a still picture is needed.", hint=STILL)
        top.setdefault(kind, (start, end))
    if b"meta" not in top:
        truncated("HEIC")
    try:
        catalogue = _Catalogue.read(data, *top[b"meta"])
    except struct.error:
        truncated("HEIC")
    size = catalogue.check(data, limits)
    return Cleared("HEIF", data, *size)


def _boxes(data: bytes, start: int, end: int) -> Iterator[_Box]:
    """Type, start and end of the body of each box from ``start`` to ``end``."""
    for _ in range(_BOXES):
        if start == end:
            return
        if start + 8 > end:
            truncated("HEIC")
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            if start + 16 > end:
                truncated("HEIC")
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        elif size == 0:
            size = end - start
        if size < head or start + size > end:
            truncated("HEIC")
        yield kind, start + head, start + size
        start += size
    raise ImageError(f"The HEIC file has more than {_BOXES} boxes.", hint=PLAIN)


@dataclass(slots=True)
class _Catalogue:
    """What the meta box says: items, their types, properties and places."""

    primary: int = -1
    kinds: dict[int, bytes] = field(default_factory=dict)
    places: dict[int, tuple[int, list[tuple[int, int]]]] = field(default_factory=dict)
    properties: list[_Box] = field(default_factory=list)
    links: dict[int, list[int]] = field(default_factory=dict)
    idat: tuple[int, int] = (0, 0)

    @classmethod
    def read(cls, data: bytes, start: int, end: int) -> _Catalogue:
        result = cls()
        for kind, at, stop in _boxes(data, start + 4, end):
            if kind == b"pitm":
                result.primary = _number(data, at + 4, 4 if data[at] else 2)
            elif kind == b"iinf":
                result._read_items(data, at, stop)
            elif kind == b"iloc":
                result._read_places(data, at)
            elif kind == b"iprp":
                result._read_properties(data, at, stop)
            elif kind == b"idat":
                result.idat = at, stop
        return result

    def _read_items(self, data: bytes, at: int, end: int) -> None:
        for kind, start, stop in _boxes(data, at + (8 if data[at] else 6), end):
            if kind == b"infe" and data[start] in {2, 3} and stop - start >= 12:
                wide = 4 if data[start] == 3 else 2
                self.kinds[_number(data, start + 4, wide)] = data[start + 6 + wide : start + 10 + wide]
        if len(self.kinds) > _ITEMS:
            raise ImageError(f"The HEIC file has more than {_ITEMS} items.", hint=PLAIN)

    def _read_places(self, data: bytes, at: int) -> None:
        version, sizes = data[at], _number(data, at + 4, 2)
        offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
        index_size = sizes & 15 if version else 0
        wide = 4 if version == 2 else 2
        count = _number(data, at + 6, wide)
        at += 6 + wide
        for _ in range(min(count, _ITEMS + 1)):
            item = _number(data, at, wide)
            at += wide
            method = _number(data, at, 2) & 15 if version else 0
            at += 4 if version else 2
            base = _number(data, at, base_size)
            extents = _number(data, at + base_size, 2)
            at += base_size + 2
            places = []
            for _ in range(extents):
                offset = base + _number(data, at + index_size, offset_size)
                length = _number(data, at + index_size + offset_size, length_size)
                places.append((offset, length))
                at += index_size + offset_size + length_size
            self.places.setdefault(item, (method, places))

    def _read_properties(self, data: bytes, at: int, end: int) -> None:
        for kind, start, stop in _boxes(data, at, end):
            if kind == b"ipco":
                self.properties = list(_boxes(data, start, stop))
            elif kind == b"ipma":
                wide, large = (4 if data[start] else 2), data[start + 3] & 1
                position = start + 8
                for _ in range(min(_number(data, start + 4, 4), _ITEMS + 1)):
                    item, count = _number(data, position, wide), _number(data, position + wide, 1)
                    position += wide + 1
                    width = 2 if large else 1
                    mask = 0x7FFF if large else 0x7F
                    numbers = [_number(data, position + width * index, width) & mask for index in range(count)]
                    self.links.setdefault(item, []).extend(numbers)
                    position += width * count

    def check(self, data: bytes, limits: ImageLimits) -> tuple[int, int]:
        """Bounds every coded item and grid; gives the declared size of the primary picture."""
        if self.kinds.get(self.primary) not in {_CODED, _GRID}:
            raise ImageError("The picture in the HEIF file is not coded with HEVC.", hint=PLAIN)
        area = 0
        for item, kind in self.kinds.items():
            if kind == _CODED:
                area += self._check_coded(data, item, limits)
            elif kind == _GRID:
                self._check_grid(data, item, limits)
        if area > _AREA_FACTOR * limits.pixels:
            raise ImageError("The pictures and tiles in the HEIC file are too many or too large.", hint=PLAIN)
        return self._size(data, self.primary)

    def _linked(self, item: int, kind: bytes) -> list[tuple[int, int]]:
        numbers = [number for number in self.links.get(item, ()) if 0 < number <= len(self.properties)]
        return [self.properties[number - 1][1:] for number in numbers if self.properties[number - 1][0] == kind]

    def _size(self, data: bytes, item: int) -> tuple[int, int]:
        sizes = {data[start + 4 : start + 12] for start, _ in self._linked(item, b"ispe")}
        if len(sizes) != 1 or len(next(iter(sizes))) != 8:
            truncated("HEIC")
        width, height = struct.unpack(">II", next(iter(sizes)))
        return width, height

    def _payload(self, data: bytes, item: int) -> bytes:
        method, places = self.places.get(item, (0, []))
        start, end = self.idat if method == 1 else (0, len(data))
        if method > 1 or not places or len(places) > _ITEMS:
            truncated("HEIC")
        parts = []
        for offset, length in places:
            if length == 0 or start + offset + length > end:
                truncated("HEIC")
            parts.append(data[start + offset : start + offset + length])
        if sum(map(len, parts)) > len(data):
            truncated("HEIC")
        return b"".join(parts)

    def _check_coded(self, data: bytes, item: int, limits: ImageLimits) -> int:
        size = self._size(data, item)
        limits.check(*size)
        configurations = self._linked(item, b"hvcC")
        if len(configurations) != 1:
            truncated("HEIC")
        start, end = configurations[0]
        check_parameters(data[start:end], size)
        check_data(self._payload(data, item), size)
        return size[0] * size[1]

    def _check_grid(self, data: bytes, item: int, limits: ImageLimits) -> None:
        payload = self._payload(data, item)
        wide = payload[1] & 1 if len(payload) > 1 else 0
        if len(payload) < (12 if wide else 8):
            truncated("HEIC")
        size = struct.unpack_from(">II" if wide else ">HH", payload, 4)
        limits.check(*size)
        if size != self._size(data, item):
            raise ImageError("The HEIC file declares two different sizes.", hint=PLAIN)


def _number(data: bytes, at: int, size: int) -> int:
    """A big-endian number of 0 to 8 bytes; the end of the file counts as damage."""
    if at + size > len(data):
        truncated("HEIC")
    return int.from_bytes(data[at : at + size], "big")
