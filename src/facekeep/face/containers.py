"""What the header of a picture says, read and bounded before any decoder sees the bytes.

Each format has a reader that walks the container itself, checks the declared size against the limits and hands on a
*cleared* copy: only what is needed to paint the pixels. Text, comments, thumbnails, positions and serial numbers are
left behind there, so that no decoder parses them (compressed text in a PNG is a known bomb) and nothing is kept.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import NoReturn

from facekeep.errors import ImageError

_PILLOW_PIXELS = 89_478_485
_ORIENTATION = 0x0112
_EXIF_ENTRIES = 1024


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """How much of a picture is accepted; all are checked before a pixel is decoded.

    Attributes:
        bytes: largest encoded size. 32 MiB holds a 64-megapixel JPEG of high quality.
        pixels: largest width × height, at most 89,478,485, where Pillow starts to warn. 64 megapixels cover the
            cameras of telephones; a face needs a hundredth of that.
        side: largest width or height, in pixels.
        profile_bytes: largest ICC profile that is looked at; a larger one is ignored.
    """

    bytes: int = 32 * 1024 * 1024
    pixels: int = 64_000_000
    side: int = 16_384
    profile_bytes: int = 4 * 1024 * 1024

    def __post_init__(self) -> None:
        if min(self.bytes, self.pixels, self.side) < 1 or self.profile_bytes < 0:
            raise ValueError("limits are positive")
        if self.pixels > _PILLOW_PIXELS:
            raise ValueError(f"the limit of pixels is at most {_PILLOW_PIXELS}")

    def check(self, width: int, height: int) -> None:
        """Refuses a declared size.

        Raises:
            ImageError: a side is zero or too long, or the area too large.
        """
        if width < 1 or height < 1:
            raise ImageError("The picture declares a width or height of zero.", hint=DAMAGED)
        if max(width, height) > self.side or width * height > self.pixels:
            raise ImageError(
                f"The picture declares {width} × {height} pixels; accepted are {self.pixels / 1e6:.0f} megapixels and "
                f"{self.side} pixels a side.",
                hint="Reduce the picture: a face of 200 pixels between the ears is plenty.",
            )


@dataclass(frozen=True, slots=True)
class Cleared:
    """A picture whose header was read and bounded, reduced to what paints its pixels.

    Attributes:
        format: name of the one Pillow plugin that may open it.
        data: the reduced file.
        width: declared width in pixels, before the orientation is applied.
        height: declared height in pixels.
        orientation: EXIF orientation, 1 to 8.
        profile: ICC profile or None.
    """

    format: str
    data: bytes
    width: int
    height: int
    orientation: int = 1
    profile: bytes | None = None


DAMAGED = "The file is damaged or was not written to its end: copy or export it again."
STILL = "Export the one picture that is wanted as a still JPEG, PNG, WebP, HEIC or TIFF."
PLAIN = "Export the picture again as an ordinary JPEG or PNG."


def truncated(kind: str) -> NoReturn:
    """Says that the file ends too early.

    Raises:
        ImageError: always.
    """
    raise ImageError(f"The {kind} file is truncated or its parts do not fit together.", hint=DAMAGED)


def exif_orientation(block: bytes) -> int:
    r"""The orientation in an EXIF block, 1 (upright) if there is none or the block is damaged.

    Nothing else of the block is looked at. A damaged block is no reason to refuse a picture: its pixels are whole, and
    a face on its side is found or not found with a reason of its own.

    Args:
        block: a TIFF structure, with or without the leading ``Exif\0\0``.
    """
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return 1
    (start,) = struct.unpack_from(order + "I", block, 4)
    if start + 2 > len(block):
        return 1
    (count,) = struct.unpack_from(order + "H", block, start)
    for index in range(min(count, _EXIF_ENTRIES)):
        at = start + 2 + 12 * index
        if at + 12 > len(block):
            return 1
        tag, kind, number, value = struct.unpack_from(order + "HHIH", block, at)
        if tag == _ORIENTATION:
            return value if kind == 3 and number == 1 and 1 <= value <= 8 else 1
    return 1
