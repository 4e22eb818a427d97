"""Statements and chains: each figure, letter, picture, place and moment counts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.capture import (
    Assurance,
    Colour,
    SentFrame,
    Statement,
    Step,
    StepKind,
    chain_start,
    chained,
)
from facekeep.errors import FormatError

FRAMES = [
    SentFrame(at=100 * n, step=n // 2, box=(200 + n, -3, 180, 200), camera_width=640, camera_height=480,
              face=b"face %d" % n, thumbnail=b"thumbnail" if n % 2 else b"")
    for n in range(4)
]  # fmt: skip
NONCE = bytes(range(16))


def head(frames: list[SentFrame], nonce: bytes = NONCE) -> bytes:
    return chained(chain_start(nonce), frames)


def test_a_statement_has_a_digest_that_anybody_can_recompute() -> None:
    # SHA-256 of {"amount":"12.50","currency":"EUR","payee":"Bücher & Co"} in UTF-8, by sha256sum.
    expected = "cf166e7e5cc21500c566181d679c3d32d873b79038c869e8c152f42e03e58473"
    assert Statement("12.50", "EUR", "Bücher & Co").digest == expected


@pytest.mark.parametrize(
    "values",
    [
        ("12,50", "EUR", "Shop"), ("-1", "EUR", "Shop"), ("012", "EUR", "Shop"), ("1e3", "EUR", "Shop"),
        ("1", "eur", "Shop"), ("1", "EURO", "Shop"), ("1", "EUR", ""), ("1", "EUR", " Shop"), ("1", "EUR", "x" * 141),
        ("1", "EUR", "Shop\u202eevil"), ("1", "EUR", "Sh\u200bop"), ("1", "EUR", "Shop\n"), ("1", "EUR", "u\u0308ber"),
        ("\u0661", "EUR", "Shop"),
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_no_statement(values: tuple[str, str, str]) -> None:
    with pytest.raises(FormatError):
        Statement(*values)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_each_amount_has_its_own_digest(one: int, other: int) -> None:
    digests = [Statement(f"{n // 100}.{n % 100:02}", "EUR", "Shop").digest for n in (one, other)]
    assert (digests[0] == digests[1]) == (one == other)


def test_the_chain_goes_on_from_any_head() -> None:
    assert chained(head(FRAMES[:2]), FRAMES[2:]) == head(FRAMES)


@pytest.mark.parametrize(
    "change",
    [
        {"at": 101}, {"step": 1}, {"box": (200, -3, 180, 201)}, {"box": (200, 3, 180, 200)}, {"camera_width": 641},
        {"camera_height": 481}, {"face": b"another"}, {"thumbnail": b"thumbnail"},
    ],
    ids=str,
)  # fmt: skip
def test_everything_of_a_frame_is_in_the_chain(change: dict[str, object]) -> None:
    changed = [replace(FRAMES[0], **change), *FRAMES[1:]]  # type: ignore[arg-type]
    assert head(changed) != head(FRAMES)


@given(st.permutations(FRAMES))
def test_so_is_the_order(frames: list[SentFrame]) -> None:
    assert (head(frames) == head(FRAMES)) == (frames == FRAMES)


def test_so_are_nonce_and_number() -> None:
    assert len({head(FRAMES), head(FRAMES, bytes(16)), head(FRAMES[1:]), head(FRAMES[:-1]), head([])}) == 5


def test_assurance_has_an_order() -> None:
    assert Assurance.LIVE_PASSKEY.reaches(Assurance.LIVE)
    assert Assurance.LIVE.reaches(Assurance.LIVE)
    assert not Assurance.PHOTO.reaches(Assurance.LIVE)


def test_light_has_colours_and_nothing_else_has() -> None:
    assert Step(StepKind.LIGHT, 6, (Colour.RED,)).colours
    for kind, colours in ((StepKind.LIGHT, ()), (StepKind.NOD, (Colour.RED,))):
        with pytest.raises(ValueError, match="colours"):
            Step(kind, 6, colours)
