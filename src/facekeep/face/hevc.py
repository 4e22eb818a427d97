"""As much of HEVC (ITU-T H.265) as tells the size of the picture that a stream would make the decoder allocate."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from facekeep.errors import ImageError
from facekeep.face.containers import DAMAGED, PLAIN, truncated

_SPS = 33
_SLICES = range(32)
_UNITS = 65_536
_PADDING = 64  # a coded picture is padded to whole coding blocks, of at most 64 pixels

_Size = tuple[int, int]


def check_parameters(configuration: bytes, declared: _Size) -> None:
    """Checks the decoder configuration of an item (ISO/IEC 14496-15, 8.3.3.1).

    Raises:
        ImageError: it is cut short, or its parameter sets speak of another size than the item.
    """
    if len(configuration) < 23 or configuration[0] != 1 or configuration[21] & 3 != 3:
        truncated("HEIC")
    at, found = 23, 0
    for _ in range(configuration[22]):
        if at + 3 > len(configuration):
            truncated("HEIC")
        (count,) = struct.unpack_from(">H", configuration, at + 1)
        at += 3
        for _ in range(count):
            if at + 2 > len(configuration):
                truncated("HEIC")
            (length,) = struct.unpack_from(">H", configuration, at)
            found += _check_unit(configuration[at + 2 : at + 2 + length], declared)
            at += 2 + length
    if at > len(configuration) or found == 0:
        truncated("HEIC")


def check_data(payload: bytes, declared: _Size) -> None:
    """Checks that the data of an item are one coded picture of the declared size.

    Raises:
        ImageError: they are cut short, hold several pictures, or a parameter set of another size.
    """
    pictures = 0
    for unit in _units(payload):
        _check_unit(unit, declared)
        if unit[0] >> 1 & 63 in _SLICES and len(unit) > 2:
            pictures += unit[2] >> 7  # first_slice_segment_in_pic_flag
            if pictures > 1:
                raise ImageError("A part of the HEIC file holds several coded pictures.", hint=PLAIN)
    if pictures == 0:
        truncated("HEIC")


def _units(payload: bytes) -> Iterator[bytes]:
    at = 0
    for _ in range(_UNITS):
        if at == len(payload):
            return
        length = int.from_bytes(payload[at : at + 4], "big")
        if at + 4 + length > len(payload) or length < 2:
            truncated("HEIC")
        yield payload[at + 4 : at + 4 + length]
        at += 4 + length
    raise ImageError(f"A part of the HEIC file is cut into more than {_UNITS} pieces.", hint=PLAIN)


def _check_unit(unit: bytes, declared: _Size) -> bool:
    """Checks the size in a sequence parameter set; tells whether the unit is one."""
    if len(unit) < 2 or unit[0] >> 1 & 63 != _SPS:
        return False
    coded = _coded_size(unit)
    if not all(side <= inner <= side + _PADDING for side, inner in zip(declared, coded, strict=True)):
        raise ImageError("The HEIC file declares another size than its coded picture has.", hint=DAMAGED)
    return True


def _coded_size(unit: bytes) -> _Size:
    """Width and height in a sequence parameter set (ITU-T H.265, 7.3.2.2 and 7.3.3)."""
    bits = _Bits(unit[2:].replace(b"\0\0\3", b"\0\0")[:512])
    bits.read(4)
    layers = bits.read(3)
    bits.read(1 + 88 + 8)  # temporal nesting; the general profile and level
    present = [bits.read(2) for _ in range(layers)]
    if layers:
        bits.read(2 * (8 - layers))
    for flags in present:
        bits.read((88 if flags & 2 else 0) + (8 if flags & 1 else 0))
    bits.golomb()
    if bits.golomb() == 3:
        bits.read(1)
    return bits.golomb(), bits.golomb()


class _Bits:
    """Reads bits from the left; reading over the end is damage."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def read(self, count: int) -> int:
        if count > self._left:
            truncated("HEIC")
        self._left -= count
        return self._value >> self._left & ((1 << count) - 1)

    def golomb(self) -> int:
        """An unsigned Exp-Golomb number (9.2)."""
        zeros = 0
        while self.read(1) == 0:
            zeros += 1
            if zeros > 31:
                truncated("HEIC")
        return (1 << zeros) - 1 + self.read(zeros)
