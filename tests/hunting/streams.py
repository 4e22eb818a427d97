"""Pictures in bytes of any kind: whatever decodes, and shows a face."""

from __future__ import annotations

import base64
import io
import re
import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pillow_heif
from PIL import Image, ImageFile

from facekeep.face.light_detection import LightDetector
from facekeep.face.models import ModelPack
from tests.hunting.memory import Piece

SIDE_MIN = 48
"""Pixels of the shorter side from which on a picture is looked at."""

_BYTES_MAX = 4 << 20  # of a picture that is looked for; it is what pieces overlap by
_MAGICS = (
    (b"\xff\xd8\xff", 0),
    (b"\x89PNG\r\n\x1a\n", 0),
    (b"WEBPVP8", 8),
    (b"ftyphei", 4),
    (b"ftypmif1", 4),
    (b"II*\0", 0),
    (b"MM\0*", 0),
)
_WRITTEN = (b"/9j/", b"iVBORw0KGgo", b"UklGR")  # the same in base64
_BASE64 = re.compile(rb"[A-Za-z0-9+/=]+")
_FAULTS = (OSError, ValueError, SyntaxError, struct.error, IndexError, KeyError, TypeError, OverflowError, MemoryError)

pillow_heif.register_heif_opener()


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture with a face.

    Attributes:
        where: what it lies in.
        at: place of its first byte there.
        form: its format.
        size: width and height in pixels.
        confidence: of the face, by the light detector.
    """

    where: str
    at: int
    form: str
    size: tuple[int, int]
    confidence: float


class FaceFinder:
    """Decodes what can be decoded, cut off or not, and looks for a face in it."""

    def __init__(self, pack: ModelPack) -> None:
        self._detector = LightDetector.build(pack)

    def find(self, piece: Piece) -> Iterator[FoundPicture]:
        """Every picture with a face that begins in the fresh part of a piece."""
        for at in _places(piece, [magic for magic, _ in _MAGICS]):
            for magic, before in _MAGICS:
                if piece.data.startswith(magic, at) and at >= before:
                    yield from self._look(piece, at - before, piece.data[at - before : at - before + _BYTES_MAX])
        for at in _places(piece, _WRITTEN):
            found = _BASE64.match(piece.data, at, at + _BYTES_MAX)
            if found is not None:
                text = found[0].partition(b"=")[0]
                text = text[: len(text) - (len(text) % 4 == 1)]
                yield from self._look(piece, at, base64.b64decode(text + b"=" * (-len(text) % 4)))

    def _look(self, piece: Piece, at: int, data: bytes) -> Iterator[FoundPicture]:
        opened = _decoded(data)
        if opened is None:
            return
        form, pixels = opened
        faces = self._detector.detect(pixels)
        if faces:
            yield FoundPicture(
                piece.where, piece.at + at, form, (pixels.shape[1], pixels.shape[0]), faces[0].confidence
            )


def _places(piece: Piece, magics: list[bytes] | tuple[bytes, ...]) -> list[int]:
    found = []
    for magic in magics:
        at = piece.data.find(magic)
        while 0 <= at < piece.fresh:
            found.append(at)
            at = piece.data.find(magic, at + 1)
    return sorted(found)


def _decoded(data: bytes) -> tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]] | None:
    """Format and RGB of what may be the beginning of a picture; None if it is none, or too small."""
    lenient, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                if min(image.size) < SIDE_MIN or image.size[0] * image.size[1] > 1 << 26:
                    return None
                return image.format or "", np.asarray(image.convert("RGB"))
    except _FAULTS:
        return None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = lenient
