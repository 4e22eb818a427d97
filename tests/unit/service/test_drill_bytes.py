from __future__ import annotations

import base64
import os
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.row import Pseudonym
from facekeep.service.drill_bytes import DAILY, FACES, NAMES, PSEUDONYMS, Needles, needles
from facekeep.service.drill_keep import GALLERY, identities
from facekeep.service.drill_people import gather_people
from facekeep.split.codes import coarse_code, fine_code

PEOPLE = identities(3)
ROWS = [Pseudonym(os.urandom(16)) for _ in PEOPLE]
REFERENCES = gather_people(None, 64, np.random.default_rng(2), dimension=512).references[:3]
WANTED = needles(PEOPLE, ROWS, REFERENCES)
FINE = fine_code(REFERENCES[1])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PEOPLE[0].name.encode(), NAMES),
        (PEOPLE[1].label.encode("utf-16-le"), NAMES),
        (PEOPLE[1].label.encode().hex().encode(), NAMES),
        (base64.b64encode(b"a" + PEOPLE[2].name.encode()), NAMES),
        (base64.b64encode(b"ab" + PEOPLE[2].name.encode() + b"x"), NAMES),
        (GALLERY.encode(), DAILY),
        (ROWS[0], PSEUDONYMS),
        (ROWS[2].hex().upper().encode(), PSEUDONYMS),
        (base64.urlsafe_b64encode(b"12" + ROWS[2]), PSEUDONYMS),
        (REFERENCES[0].tobytes(), FACES),
        (REFERENCES[1].astype("<f8").tobytes(), FACES),
        (REFERENCES[1].astype("<f2").tobytes(), FACES),
        (FINE.astype("<i2").tobytes(), FACES),
        (FINE.astype(">i2").tobytes(), FACES),
        (FINE.astype(np.int8).tobytes(), FACES),
        (coarse_code(FINE).tobytes(), FACES),
        (FINE.astype("<i2").tobytes().hex().encode(), FACES),
        (base64.b64encode(FINE.astype("<i2").tobytes()), FACES),
        (base64.b64encode(coarse_code(FINE).tobytes()), FACES),
        (base64.b64encode(b"head" + REFERENCES[2].tobytes()), FACES),
    ],
    ids=count(),  # the values are random, and the names of tests are not
)
@pytest.mark.parametrize("offset", [0, 3])
def test_every_encoding_is_found(content: bytes, kind: str, offset: int) -> None:
    found = WANTED.found_in([os.urandom(1000 + offset), bytes(900 + offset) + content + bytes(77)])
    assert found[kind] >= 1
    assert sum(found.values()) == found[kind]


@settings(max_examples=30)
@given(st.binary(max_size=200), st.binary(max_size=40))
def test_found_at_any_place(before: bytes, after: bytes) -> None:
    assert WANTED.found_in([before + ROWS[1] + after])[PSEUDONYMS] >= 1


def test_nothing_is_found_in_noise_zeros_or_nothing() -> None:
    for haystack in (os.urandom(500_000), bytes(500_000), b"", b"1234567"):
        assert not any(WANTED.found_in([haystack]).values())


def test_of_a_needle_cut_short_nothing_is_found() -> None:
    assert WANTED.found_in([ROWS[0][:15]])[PSEUDONYMS] == 0


def test_no_needles() -> None:
    assert Needles({}).found_in([b"anything at all"]) == {}


def test_needles_are_long_and_counted_once() -> None:
    assert len(WANTED) == sum(len(kind) for kind in WANTED.by_kind.values())
    assert all(len(needle) >= 8 for kind in WANTED.by_kind.values() for needle in kind)
    assert WANTED.found_in([ROWS[0], ROWS[0]])[PSEUDONYMS] == 1
