"""What a keep promises in the corners, on invented faces: lists, rates, dates, operators, keys, threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend

from facekeep.domain.consent import Purpose
from facekeep.errors import BudgetError, FormatError, RefusedError, UsageError
from facekeep.face.model_spec import ModelRole
from facekeep.face.models import ModelPack
from facekeep.service import keep_life
from facekeep.service.comparison import Search
from facekeep.service.keep import REFRESH_DAYS, Keep, Person
from facekeep.service.key_plan import KeyPlan
from facekeep.split.budget import Limits
from tests.crash.faces import InventedFaces

from .conftest import BOTH, NOTICE, MovedClock


@pytest.fixture(autouse=True)
def _invented(monkeypatch: pytest.MonkeyPatch, pack: ModelPack) -> None:
    model = next(spec.sha256 for spec in pack.models if spec.role is ModelRole.EMBEDDING)
    monkeypatch.setattr(keep_life, "_acquisition", lambda *_: InventedFaces(model))


@pytest.fixture
def small(tmp_path: Path, clock: MovedClock) -> Iterator[Keep]:
    with Keep.create(tmp_path / "small", clock=clock, threads=1) as keep:
        keep.open_case("case", operator="op")
        _enrol(keep, "ada")
        _enrol(keep, "bob")
        yield keep


def _enrol(keep: Keep, label: str, *pictures: bytes) -> bool:
    given = list(pictures) or [label.encode()]
    return keep.enrol(label, given, purposes=BOTH, notice=NOTICE, operator="op").never_returned


def _found(keep: Keep, picture: bytes) -> list[str]:
    return [c.label for c in keep.identify(picture, operator="op", case="case").candidates]


def test_never_return_holds_for_who_withdrew_everything_and_consents_again(small: Keep) -> None:
    for purpose in BOTH:
        small.withdraw_consent("ada", purpose)
    assert small.never_return("anon", b"ada/2", operator="op") == 1
    small.give_consent("ada", Purpose.IDENTIFY, NOTICE)
    assert _found(small, b"ada/3") == []


def test_never_return_holds_for_later_pictures_that_the_list_does_not_know(small: Keep) -> None:
    small.never_return("anon", b"ada/2", operator="op")
    assert _enrol(small, "ada", b"quite another picture")
    people = [Person("eve", [lambda: b"ada/4"]), Person("eva", [lambda: b"ada/5"]), Person("kim", [lambda: b"kim"])]
    summary = small.enrol_many(people, purposes=BOTH, notice=NOTICE, operator="op")
    assert [o.enrolment.never_returned for o in summary.outcomes if o.enrolment] == [True, True, False]
    assert _found(small, b"ada/3") == []
    assert _found(small, b"quite another picture") == []
    assert _found(small, b"kim/2") == ["kim"]


def test_who_enrols_is_not_held_by_the_list_but_by_the_day(tmp_path: Path, clock: MovedClock) -> None:
    limits = Limits(searches_per_operator_day=2, searches_per_day=8)
    with Keep.create(tmp_path / "keep", clock=clock, threads=1, limits=limits) as keep:
        keep.open_case("case", operator="op")
        keep.never_return("anon", b"ada/2", operator="op")  # a search of the operator: it looks at everybody's rows
        for label in ("bob", "eve", "kim", "lea"):
            assert not _enrol(keep, label)
    with Keep.open(tmp_path / "keep", clock=clock, threads=1) as keep:
        assert _enrol(keep, "ada")
        assert _found(keep, b"bob/2") == ["bob"]
        with pytest.raises(BudgetError, match="operator"):
            _found(keep, b"bob/2")
        assert not _enrol(keep, "zoe")
        with pytest.raises(BudgetError, match="half"):
            _enrol(keep, "late")


def test_who_only_joined_the_list_is_nobody_to_a_comparison(small: Keep) -> None:
    small.never_return("anon", b"anon", operator="op")
    small.give_consent("anon", Purpose.VERIFY, NOTICE)
    assert small.verify("anon", b"anon", operator="op") == small.verify("nobody", b"anon", operator="op")
    assert _found(small, b"anon") == []
    assert (small.subject("anon").references, small.subject("anon").galleries) == (0, ())


def test_a_join_that_is_refused_lists_nobody(small: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(small._roles.gate, "search_many", lambda _: [RefusedError("no")])
        with pytest.raises(RefusedError):
            small.never_return("anon", b"ada/2", operator="op")
    assert {person.label for person in small.subjects()} == {"ada", "bob"}
    assert _found(small, b"ada/3") == ["ada"]


def test_more_references_than_a_rate_can_serve_are_no_refusal_that_tells_them(small: Keep) -> None:
    _enrol(small, "ada", b"ada/2", b"ada/3")
    assert small.verify("ada", b"ada/4", operator="op", fmr=2e-9).verified
    assert small.verify("ada", b"bob/2", operator="op", fmr=2e-9) == small.verify(
        "nobody", b"bob/2", operator="op", fmr=2e-9
    )
    for label in ("ada", "nobody"):
        with pytest.raises(UsageError, match="no threshold"):
            small.verify(label, b"ada/4", operator="op", fmr=1e-10)


@pytest.mark.parametrize("operator", ["", " ", "\n", "\ud800", "x" * 129])
def test_nobody_acts_without_a_name(small: Keep, operator: str) -> None:
    acts: list[Callable[[], object]] = [
        lambda: small.verify("ada", b"ada", operator=operator),
        lambda: small.identify(b"ada", operator=operator, case="case"),
        lambda: small.identify_many([], Search(operator, "case")),
        lambda: small.enrol("eve", [b"eve"], purposes=BOTH, notice=NOTICE, operator=operator),
        lambda: small.enrol_many([], purposes=BOTH, notice=NOTICE, operator=operator),
        lambda: small.open_case("other", operator=operator),
        lambda: small.never_return("eve", b"eve", operator=operator),
        lambda: small.unlock("ada", ["one", operator]),
    ]
    for act in acts:
        with pytest.raises(UsageError, match="operator"):
            act()


@pytest.mark.parametrize("reviewers", [[], ["one"], ["one", " one "], "two"])
def test_two_reviewers_are_two_people(small: Keep, reviewers: list[str]) -> None:
    with pytest.raises(RefusedError, match="two different"):
        small.unlock("ada", reviewers)


def test_a_name_that_cannot_be_kept_fails_alone(small: Keep) -> None:
    people = [Person("eve", [lambda: b"eve"], name="x" * 513), Person("kim", [lambda: b"kim"])]
    summary = small.enrol_many(people, purposes=BOTH, notice=NOTICE, operator="op")
    assert [type(o.error) for o in summary.failed] == [FormatError]
    assert summary.enrolled == 1
    assert "kim" not in repr(summary)
    with pytest.raises(FormatError):
        small.give_consent("ada", Purpose.ATTENDANCE, "\ud800")


@pytest.mark.parametrize("days", [0, 10, 29.9, 30, 31, 400, -1])
def test_a_receipt_never_names_a_day_that_is_past(small: Keep, clock: MovedClock, days: float) -> None:
    clock.forward(days=days)
    until = small.erase("ada").backups_readable_until
    assert timedelta() < until - clock() <= timedelta(days=REFRESH_DAYS)


def test_a_list_is_read_on_across_a_rotation_and_ends_with_the_keep(small: Keep) -> None:
    one = small.subjects()
    first = next(one).label
    small.rotate()
    assert {first, *(person.label for person in one)} == {"ada", "bob"}
    other = small.subjects()
    small.close()
    for use in (lambda: next(other), small.cases):
        with pytest.raises(UsageError, match="closed"):
            use()


def test_a_clock_without_a_time_zone_is_refused(small: Keep, clock: MovedClock) -> None:
    clock.now = clock.now.replace(tzinfo=None)
    with pytest.raises(UsageError, match="time zone"):
        _enrol(small, "eve")


class _Ring(KeyringBackend):
    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def test_keys_elsewhere_live_through_refresh_and_rotation(tmp_path: Path) -> None:
    before, ring = keyring.get_keyring(), _Ring()
    keyring.set_keyring(ring)
    try:
        plan = KeyPlan(keyring=frozenset({"left"}), passphrases={"right": "five random words here"})
        with Keep.create(tmp_path / "keep", keys=plan, threads=1) as keep:
            _enrol(keep, "ada")
            first = dict(ring.kept)
            keep.refresh()
            keep.rotate()
            assert not set(first.values()) & set(ring.kept.values()) - {v for v in ring.kept.values() if "[" in v}
            assert keep.verify("ada", b"ada/2", operator="op").verified
        with Keep.open(tmp_path / "keep", keys=plan, threads=1) as keep:
            assert keep.verify("ada", b"ada/2", operator="op").verified
    finally:
        keyring.set_keyring(before)


def test_threads_search_list_and_enrol_at_once(small: Keep) -> None:
    acts: list[Callable[[int], object]] = [
        lambda turn: _enrol(small, f"new{turn}"),
        lambda _: _found(small, b"bob/2"),
        lambda _: list(small.subjects()),
        lambda turn: small.refresh() if turn % 4 == 3 else small.status(),
    ]
    with ThreadPoolExecutor(len(acts)) as threads:
        waiting = [threads.submit(lambda act: [act(turn) for turn in range(8)], act) for act in acts]
        for one in waiting:
            one.result(60)
    small.check()
    assert _found(small, b"new3/2") == ["new3"]
