"""Finding pieces of known bytes in others: every window of 8 bytes is indexed, and what agrees is followed both ways.

A piece of 15 bytes or more lies over an aligned word of the memory that holds it, and that word is one of the windows;
so one look at each word finds all pieces. Windows with few different bytes are left out: they are everywhere.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.face import jpeg
from facekeep.face.containers import ImageLimits
from facekeep.face.images import decode
from tests.hunting.memory import Piece

LENGTH_MIN = 48
"""Bytes of a piece from which on it counts: what is shorter may be the same by chance, in a plain part of a picture."""

_WORD = 8
_VARIED = 5  # different bytes of a window, at the least
_TABLE_BITS = 26
_MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_ROWS = 96  # of a picture that are indexed; what is left of it is found by any of them
_ALIKE = 4  # places of the same window that are tried


@dataclass(frozen=True, slots=True)
class FoundTrace:
    """A piece of something known.

    Attributes:
        where: what it lies in.
        at: place of its first byte there.
        source: what it is a piece of.
        length: how many bytes agree.
    """

    where: str
    at: int
    source: str
    length: int


class Traces:
    """Known bytes, to be looked for. Add first, then find."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._parts: list[bytes] = []
        self._built: tuple[NDArray[np.uint64], NDArray[np.int64], tuple[NDArray[np.bool_], ...]] | None = None
        self._starts: list[int] = []

    def add(self, name: str, data: bytes) -> None:
        """Look for pieces of some bytes."""
        self._names.append(name)
        self._parts.append(bytes(data))
        self._built = None

    def add_picture(self, name: str, encoded: bytes) -> None:
        """Look for pieces of a picture: as it is sent, in base64, and of its pixels. Its headers do not count."""
        payload = _payload(encoded)
        self.add(f"{name}, encoded", encoded[payload:])
        self.add(f"{name}, base64", base64.b64encode(encoded)[payload * 4 // 3 + 4 :])
        self.add_pixels(name, decode(encoded).pixels)

    def add_pixels(self, name: str, pixels: NDArray[np.uint8], floats: Sequence[tuple[float, float]] = ()) -> None:
        """Look for rows of pixels, as the libraries in use lay them out.

        Args:
            name: what they are of.
            pixels: RGB, shape (height, width, 3).
            floats: pairs (scale, offset) by which models take them: float32 planes of (pixel − offset) / scale.
        """
        rows = np.ascontiguousarray(pixels[:: max(1, pixels.shape[0] // _ROWS)])
        blank = np.full((*rows.shape[:2], 1), 255, np.uint8)
        forms = {
            "RGB": rows,
            "BGR": rows[:, :, ::-1],
            "RGBX": np.concatenate([rows, blank], axis=2),
            "red": rows[:, :, 0],
            "green": rows[:, :, 1],
            "blue": rows[:, :, 2],
            "grey": cv2.cvtColor(rows, cv2.COLOR_RGB2GRAY),
            "luma": cv2.cvtColor(rows, cv2.COLOR_RGB2YCrCb)[:, :, 0],
        }
        for form, values in forms.items():
            self._add_rows(f"{name}, {form}", np.ascontiguousarray(values))
        for scale, offset in floats:
            for channel, colour in enumerate(("red", "green", "blue")):
                plane = (rows[:, :, channel].astype(np.float32) - np.float32(offset)) / np.float32(scale)
                self._add_rows(f"{name}, {colour} as float32", plane)

    def add_floats(self, name: str, tensor: NDArray[np.float32]) -> None:
        """Look for rows of what a model is given, as it is given it."""
        rows = tensor.reshape(-1, tensor.shape[-1])
        self._add_rows(name, np.ascontiguousarray(rows[:: max(1, rows.shape[0] // (3 * _ROWS))]))

    def _add_rows(self, name: str, rows: NDArray[np.uint8] | NDArray[np.float32]) -> None:
        for row in rows:
            self.add(name, row.tobytes())

    def find(self, piece: Piece) -> Iterator[FoundTrace]:
        """Every piece of something known, at its full length, each once."""
        words, _, tables = self._index()
        if not len(words):
            return
        length = len(piece.data) // _WORD * _WORD
        seen = np.frombuffer(piece.data, np.uint64, length // _WORD)
        until = 0
        for start in range(0, len(seen), 1 << 20):
            part = seen[start : start + (1 << 20)]
            likely = np.arange(len(part))
            for table, mix in zip(tables, _MIX, strict=True):
                likely = likely[table[_slot(part[likely], mix)]]
            at = np.minimum(np.searchsorted(words, part[likely]), len(words) - 1)
            sure = words[at] == part[likely]
            for word, first in zip(likely[sure], at[sure], strict=True):
                place = (start + int(word)) * _WORD
                if until <= place < piece.fresh:
                    found = max(
                        (self._follow(piece, place, int(p)) for p in self._alike(first)), key=lambda f: f.length
                    )
                    if found.length >= LENGTH_MIN:
                        until = found.at - piece.at + found.length
                        yield found

    def _alike(self, first: int) -> NDArray[np.int64]:
        words, places, _ = self._index()
        many = places[first : first + _ALIKE]
        return many[words[first : first + _ALIKE] == words[first]]

    def _follow(self, piece: Piece, at: int, place: int) -> FoundTrace:
        number = bisect_right(self._starts, place) - 1
        known, here = self._parts[number], place - self._starts[number]
        before, after = _back(piece.data, at, known, here), _on(piece.data, at, known, here)
        return FoundTrace(piece.where, piece.at + at - before, self._names[number], before + after)

    def _index(self) -> tuple[NDArray[np.uint64], NDArray[np.int64], tuple[NDArray[np.bool_], ...]]:
        if self._built is None:
            words, places, at = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], 0
            self._starts = []
            for part in self._parts:
                self._starts.append(at)
                if len(part) >= LENGTH_MIN:
                    windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(part, np.uint8), _WORD)
                    ordered = np.sort(windows, axis=1)
                    (kept,) = np.nonzero((ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) >= _VARIED - 1)
                    words.append(np.ascontiguousarray(windows[kept]).view(np.uint64)[:, 0])
                    places.append(kept + at)
                at += len(part)
            joined, where = np.concatenate(words), np.concatenate(places)
            order = np.argsort(joined, kind="stable")
            tables = tuple(np.zeros(1 << _TABLE_BITS, np.bool_) for _ in _MIX)
            for table, mix in zip(tables, _MIX, strict=True):
                table[_slot(joined, mix)] = True
            self._built = joined[order], where[order], tables
        return self._built


def _slot(words: NDArray[np.uint64], mix: np.uint64) -> NDArray[np.uint64]:
    return (words * mix) >> np.uint64(64 - _TABLE_BITS)


def _on(one: bytes, at: int, other: bytes, here: int) -> int:
    """How many bytes agree from two places on. Most do not for long, so little is looked at before much is."""
    done, step = 0, 64
    while one[at + done : at + done + step] == other[here + done : here + done + step]:
        if not (at + done + step < len(one) and here + done + step < len(other)):
            return min(len(one) - at, len(other) - here)
        done, step = done + step, step * 4
    return done + _agreeing(one[at + done : at + done + step], other[here + done : here + done + step])


def _back(one: bytes, at: int, other: bytes, here: int) -> int:
    """How many bytes agree before two places."""
    done, step = 0, 64
    while True:
        step = min(step, at - done, here - done)
        left, right = one[at - done - step : at - done], other[here - done - step : here - done]
        if left != right or not step:
            return done + _agreeing(left[::-1], right[::-1])
        done, step = done + step, step * 4


def _agreeing(one: bytes, other: bytes) -> int:
    """How many bytes agree from the beginning on."""
    length = min(len(one), len(other))
    differ = np.frombuffer(one, np.uint8, length) != np.frombuffer(other, np.uint8, length)
    return int(differ.argmax()) if differ.any() else length


def _payload(encoded: bytes) -> int:
    """Where the headers of a picture end: their tables, profiles and words are in many processes."""
    if encoded.startswith(b"\xff\xd8"):
        bare = jpeg.clear(encoded, ImageLimits()).data
        scan = bare.index(b"\xff\xda")
        return encoded.rindex(bare[scan : scan + 64]) + 16
    if encoded.startswith(b"\x89PNG"):
        return encoded.index(b"IDAT") + 64
    return 64
