"""Searching stolen bytes for what must not be in them: names, identifiers, and codes in every encoding at hand."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.row import Pseudonym
from facekeep.service.drill_keep import GALLERY, OPERATOR, Identity
from facekeep.service.drill_people import Vectors
from facekeep.split.codes import coarse_code, fine_code

NAMES = "names and labels"
DAILY = "galleries and operators"
PSEUDONYMS = "pseudonyms"
FACES = "embeddings or codes"

_ANCHOR = 8
_WINDOW = 24
_TABLE_BITS = 20
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Needles:
    """What to look for, by kind. Each is at least 8 bytes long, so that noise holds one once in 2⁶⁴ places."""

    by_kind: Mapping[str, tuple[bytes, ...]] = field(repr=False)

    def __len__(self) -> int:
        return sum(len(needles) for needles in self.by_kind.values())

    def found_in(self, haystacks: Iterable[bytes]) -> dict[str, int]:
        """How many different needles of each kind occur at any place."""
        table = np.zeros(1 << _TABLE_BITS, bool)
        anchors: dict[int, list[tuple[str, bytes]]] = {}
        for kind, needles in self.by_kind.items():
            for needle in needles:
                anchor = int.from_bytes(needle[:_ANCHOR], "little")
                anchors.setdefault(anchor, []).append((kind, needle))
        words = np.sort(np.fromiter(anchors, np.uint64, len(anchors)))
        table[_slot(words)] = True
        hits: dict[str, set[bytes]] = {kind: set() for kind in self.by_kind}
        for haystack in haystacks:
            for place, word in _places(haystack, table, words):
                for kind, needle in anchors[word]:
                    if haystack[place : place + len(needle)] == needle:
                        hits[kind].add(needle)
        return {kind: len(found) for kind, found in hits.items()}


def needles(people: Sequence[Identity], pseudonyms: Sequence[Pseudonym], references: Vectors) -> Needles:
    """Everything about some people, in the encodings that a careless program writes.

    Names: UTF-8, UTF-16, hexadecimal and base64 at each of its three phases. Pseudonyms: raw, hexadecimal, base64.
    Embeddings as float32, float64 and float16; fine codes as int16 of both byte orders and as int8, coarse ones as
    int8: each at several places, raw, in hexadecimal and in base64.
    """
    names = [text for person in people for text in (person.label, person.name)]
    daily = [form for text in (GALLERY, OPERATOR) for form in (text.encode(), text.encode("utf-16-le"))]
    texts = [form for text in names for form in (text.encode(), text.encode("utf-16-le"))]
    numbers: list[bytes] = []
    for reference in references:
        fine = fine_code(reference)
        forms = [
            reference.astype("<f4").tobytes(),
            reference.astype("<f8").tobytes(),
            reference.astype("<f2").tobytes(),
            fine.astype("<i2").tobytes(),
            fine.astype(">i2").tobytes(),
            fine.astype(np.int8).tobytes(),
            coarse_code(fine).tobytes(),
        ]
        numbers += [window for form in forms for window in _windows(form)]
    return Needles(
        {
            NAMES: _written(texts),
            DAILY: _written(daily),
            PSEUDONYMS: _written([bytes(pseudonym) for pseudonym in pseudonyms]),
            FACES: _written(numbers),
        }
    )


def _windows(form: bytes) -> list[bytes]:
    """Three parts of a code that are unlike anything a file holds by itself, such as a run of zeros."""
    found: list[bytes] = []
    last = -len(form)
    for start in range(0, len(form) - _WINDOW + 1, _ANCHOR):
        part = form[start : start + _WINDOW]
        telling = part[:_ANCHOR].count(0) <= _ANCHOR // 2 and part.count(0) <= _WINDOW * 3 // 4
        if telling and start - last >= len(form) // 4 and len(found) < 3:
            found.append(part)
            last = start
    return found


def _written(values: Iterable[bytes]) -> tuple[bytes, ...]:
    forms: dict[bytes, None] = {}
    for value in values:
        forms[value] = None
        forms[value.hex().encode()] = None
        forms[value.hex().upper().encode()] = None
        for phase in range(3):
            whole = value[phase : phase + (len(value) - phase) // 3 * 3]
            forms[base64.b64encode(whole)] = None
            forms[base64.urlsafe_b64encode(whole)] = None
    return tuple(form for form in forms if len(form) >= _ANCHOR)


def _slot(words: NDArray[np.uint64]) -> NDArray[np.int64]:
    return ((words * _MIX) >> np.uint64(64 - _TABLE_BITS)).astype(np.int64)


def _places(haystack: bytes, table: NDArray[np.bool_], anchors: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Places where some needle may begin, with the eight bytes there. The table sorts out nearly all others quickly."""
    for phase in range(_ANCHOR):
        count = (len(haystack) - phase) // _ANCHOR
        if count <= 0 or not len(anchors):
            return
        words = np.frombuffer(haystack, "<u8", count, phase).astype(np.uint64)
        maybe = np.flatnonzero(table[_slot(words)])
        found = words[maybe]
        same = anchors[np.minimum(np.searchsorted(anchors, found), len(anchors) - 1)] == found
        for at, word in zip(maybe[same].tolist(), found[same].tolist(), strict=True):
            yield phase + _ANCHOR * at, word
