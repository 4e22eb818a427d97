from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.consent import Purpose
from facekeep.domain.row import Pseudonym
from facekeep.errors import DisagreementError, PurposeOffError, RefusedError, TicketError
from facekeep.split.codes import fine_code
from facekeep.split.gate import Question, _choose
from facekeep.split.messages import Claim, Released
from tests.unit.split.cluster import THRESHOLDS, Cluster, near, units

D = 64


@pytest.fixture(scope="module")
def people() -> np.ndarray:
    return units(1100, D, seed=9)


@pytest.fixture(scope="module")
def cluster(people: np.ndarray) -> Iterator[Cluster]:
    made = Cluster(dimension=D)
    made.names = [*made.enrol(people[:40], gallery="few"), *made.enrol(people[40:], gallery="many")]
    yield made
    made.close()


def _expected(people: np.ndarray, names: list[Pseudonym], probe: np.ndarray, level: int) -> dict[Pseudonym, int]:
    scores = fine_code(people).astype(int) @ fine_code(probe).astype(int)
    bands = [sum(int(s) >= t for t in THRESHOLDS) if s >= THRESHOLDS[level] else 0 for s in scores]
    return {name: band for name, band in zip(names, bands, strict=True) if band}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 39), st.floats(0.1, 1.0), st.integers(0, 5 * 2**32 - 1))
def test_what_is_released_is_what_the_plaintext_gives(
    cluster: Cluster, people: np.ndarray, who: int, cosine: float, drawn: int
) -> None:
    level, seed = drawn % 5, drawn // 5
    cluster.now += 86_400
    probe = near(people[who], cosine, seed)
    expected = _expected(people[:40], cluster.names[:40], probe, level)
    hits = cluster.gate.search(Question("identify", level, "op", f"{seed}", "few", candidates=10), fine_code(probe))
    best = sorted(expected.values(), reverse=True)[:10]
    assert [hit.band for hit in hits] == best
    assert all(expected[hit.pseudonym] == hit.band for hit in hits)
    if level >= 2:
        name = cluster.names[who]
        assert {hit.pseudonym: hit.band for hit in cluster.verify(name, probe, level)} == (
            {name: level + 1} if name in expected else {}  # of 1:1 only that the ticket's threshold was passed
        )


@pytest.mark.parametrize("gallery", ["", "many"])
def test_a_large_gallery_is_searched_over_the_selector(cluster: Cluster, people: np.ndarray, gallery: str) -> None:
    cluster.now += 86_400
    for who in range(40, 48):
        probe = near(people[who], 0.8, who)
        expected = _expected(people, cluster.names, probe, 4)
        hits = cluster.gate.search(Question("identify", 4, "op", "large" + gallery, gallery), fine_code(probe))
        assert hits
        assert expected[hits[0].pseudonym] == hits[0].band == max(expected.values())


def test_a_stranger_is_unknown(cluster: Cluster) -> None:
    stranger = units(1, D, seed=12345)[0]
    assert cluster.gate.search(Question("identify", 4, "op", "unknown", "few"), fine_code(stranger)) == ()
    assert cluster.verify(cluster.names[0], stranger, 4) == ()


def test_an_absent_person_and_an_empty_gallery_answer_like_a_stranger(cluster: Cluster, people: np.ndarray) -> None:
    assert cluster.verify(Pseudonym(bytes(16)), people[0]) == ()
    assert cluster.gate.search(Question("identify", 0, "op", "none", "nowhere"), fine_code(people[0])) == ()
    off = Question("payment", 2, "op", row=cluster.names[0])
    assert cluster.gate.search(off, fine_code(people[0])) == ()  # the row has not this purpose
    other = Question("verify", 2, "op", gallery="many", row=cluster.names[0])
    assert cluster.gate.search(other, fine_code(people[0])) == ()


def test_many_searches_share_passes_and_each_has_its_answer(cluster: Cluster, people: np.ndarray) -> None:
    cluster.now += 86_400
    questions = [
        (Question("identify", 4, "op", "share", "" if n % 2 else "few"), fine_code(people[n])) for n in range(11)
    ]
    questions.insert(5, (Question("identify", 4, "op"), fine_code(people[0])))  # lacks its case
    questions.insert(7, (Question("verify", 2, "op", row=cluster.names[3]), fine_code(people[3])))
    answers = cluster.gate.search_many(questions)
    assert isinstance(answers.pop(5), TicketError)
    names = [answer[0].pseudonym for answer in answers if not isinstance(answer, RefusedError)]
    expected = list(cluster.names[:11])
    expected.insert(6, cluster.names[3])
    assert names == expected


def test_a_refusal_is_raised_where_one_search_was_asked(cluster: Cluster, people: np.ndarray) -> None:
    with pytest.raises(TicketError):
        cluster.gate.search(Question("identify", 4, "op"), fine_code(people[0]))


def test_the_turns_of_a_new_session_begin_anew(cluster: Cluster, people: np.ndarray) -> None:
    cluster.gate.pair()
    assert cluster.verify(cluster.names[0], people[0])


class _Lying:
    """A half whose answer to one question is another."""

    def __init__(self, half: object, name: str, answer: object) -> None:
        self._half, self._name, self._answer = half, name, answer

    def __getattr__(self, name: str) -> object:
        return (lambda *_: self._give()) if name == self._name else getattr(self._half, name)

    def _give(self) -> object:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize("name", ["begin", "fine", "tokens", "release"])
@pytest.mark.parametrize("side", ["_left", "_right"])
def test_a_half_that_fails_fails_the_search(cluster: Cluster, people: np.ndarray, side: str, name: str) -> None:
    cluster.now += 86_400
    true = getattr(cluster.gate, side)
    setattr(cluster.gate, side, _Lying(true, name, TicketError("no")))
    try:
        with pytest.raises(TicketError, match="no"):
            cluster.verify(cluster.names[0], people[0])
    finally:
        setattr(cluster.gate, side, true)


@pytest.mark.parametrize("name", ["fine", "tokens"])
@pytest.mark.parametrize("side", ["_left", "_right"])
def test_nothing_is_opened_where_tags_differ(cluster: Cluster, people: np.ndarray, side: str, name: str) -> None:
    cluster.now += 86_400
    true = getattr(cluster.gate, side)
    setattr(cluster.gate, side, _Mistagged(true, name))
    try:
        with pytest.raises(DisagreementError, match="the halves disagree about a search"):
            cluster.verify(cluster.names[0], people[0])
    finally:
        setattr(cluster.gate, side, true)


@pytest.mark.parametrize("name", ["fine", "tokens"])
@pytest.mark.parametrize(
    ("side", "fewer"),
    [
        ("_left", lambda answer: replace(answer, tables=answer.tables[:-1])),
        ("_right", lambda answer: replace(answer, indices=answer.indices[:-1])),
        ("_right", lambda answer: replace(answer, pads=answer.pads[:-1])),
        ("_right", lambda answer: replace(answer, indices=answer.indices[:-1], pads=answer.pads[:-1])),
    ],
)
def test_nothing_is_opened_where_a_half_leaves_places_out(
    cluster: Cluster, people: np.ndarray, side: str, name: str, fewer: Callable[[object], object]
) -> None:
    cluster.now += 86_400
    true = getattr(cluster.gate, side)
    setattr(cluster.gate, side, _Changed(true, name, fewer))
    try:
        with pytest.raises(DisagreementError, match="numbers of places"):
            cluster.verify(cluster.names[0], people[0])
    finally:
        setattr(cluster.gate, side, true)


class _Changed:
    """A half one of whose answers is changed."""

    def __init__(self, half: object, name: str, change: Callable[[object], object]) -> None:
        self._half, self._name, self._change = half, name, change

    def __getattr__(self, name: str) -> object:
        true = getattr(self._half, name)
        return (lambda *arguments: self._change(true(*arguments))) if name == self._name else true


class _Mistagged:
    """A half whose answer is right but for its tag."""

    def __init__(self, half: object, name: str) -> None:
        self._half, self._name = half, name

    def __getattr__(self, name: str) -> object:
        true = getattr(self._half, name)
        return (lambda *arguments: replace(true(*arguments), tag=bytes(16))) if name == self._name else true


@pytest.mark.parametrize("given", [[], [Released(0, Pseudonym(bytes(16)), 5)], [Released(1, Pseudonym(bytes(16)), 5)]])
def test_halves_that_release_different_rows_release_nothing(
    cluster: Cluster, people: np.ndarray, given: list[Released]
) -> None:
    cluster.now += 86_400
    true = cluster.gate._left
    cluster.gate._left = _Lying(true, "release", given)  # type: ignore[assignment]
    try:
        with pytest.raises(DisagreementError):
            cluster.verify(cluster.names[0], people[0])
    finally:
        cluster.gate._left = true


def test_halves_that_release_another_band_than_was_opened_release_nothing(cluster: Cluster, people: np.ndarray) -> None:
    cluster.now += 86_400
    name = cluster.names[0]
    lefts, rights = cluster.gate._left, cluster.gate._right
    answer = [Released(0, name, 4)]
    cluster.gate._left = _Lying(lefts, "release", answer)  # type: ignore[assignment]
    cluster.gate._right = _Lying(rights, "release", answer)  # type: ignore[assignment]
    try:
        with pytest.raises(DisagreementError):
            cluster.verify(name, people[0])
    finally:
        cluster.gate._left, cluster.gate._right = lefts, rights


@given(st.lists(st.integers(0, 5), min_size=1, max_size=300), st.integers(1, 10))
def test_the_best_bands_are_chosen_and_filled_up_to_the_number_allowed(bands: list[int], candidates: int) -> None:
    chosen = _choose(np.asarray(bands, np.uint8), candidates).tolist()
    assert len(set(chosen)) == len(chosen) == min(candidates, len(bands))
    assert sorted((bands[c] for c in chosen), reverse=True) == sorted(bands, reverse=True)[:candidates]


def test_which_positions_are_asked_for_and_in_what_order_is_drawn_anew() -> None:
    bands = np.asarray([0, 2, 0, 1, 0, 0], np.uint8)
    counts = np.zeros((3, 6))
    for _ in range(3000):
        counts[np.arange(3), _choose(bands, 3)] += 1
    assert counts[:, 1].sum() == counts[:, 3].sum() == 3000
    assert (abs(counts[:, [1, 3]] - 1000) < 150).all()
    assert (abs(counts[:, [0, 2, 4, 5]] - 250) < 90).all()


def test_a_purpose_switched_off_is_refused_by_both(people: np.ndarray) -> None:
    made = Cluster(dimension=D)
    (name,) = made.enrol(people[:1])
    for half in (made.left, made.right):
        half.stage_switch(t := b"s" * 16, Purpose.VERIFY, False)  # type: ignore[arg-type]
        half.commit(t)  # type: ignore[arg-type]
    with pytest.raises(PurposeOffError):
        made.verify(name, people[0])
    made.close()


def test_claims_hide_their_tokens() -> None:
    assert "secret" not in repr(Claim(0, b"secret"))
