"""Calls that arrive together are answered together, each with its own answers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.service.combining import Combiner
from facekeep.service.keep import Keep
from facekeep.split.gate import Gate

DEADLINE = 20


class Gated:
    """A run that waits at its first batch until so many calls wait behind it."""

    def __init__(self, behind: int, *, largest: int = 100) -> None:
        self.combined = Combiner[int, int](self.run, largest=largest)
        self.behind = behind
        self.batches: list[list[int]] = []
        self.within = 0
        self.first: BaseException | None = None

    def run(self, items: Sequence[int]) -> list[int]:
        self.within += 1
        assert self.within == 1
        self.batches.append(list(items))
        try:
            if len(self.batches) == 1:
                while len(self.combined._waiting) < self.behind:
                    os.sched_yield()
                if self.first is not None:
                    raise self.first
            if -1 in items:
                raise ValueError("an item that cannot be")
            return [10 * item for item in items]
        finally:
            self.within -= 1

    def ask(self, *calls: Sequence[int]) -> list[list[int] | Exception]:
        """The first call alone, the others once it runs."""

        def call(items: Sequence[int]) -> list[int] | Exception:
            try:
                return self.combined(items)
            except ValueError as error:
                return error

        with ThreadPoolExecutor(len(calls)) as threads:
            first = threads.submit(call, calls[0])
            while not self.batches:
                os.sched_yield()
            rest = [threads.submit(call, items) for items in calls[1:]]
            return [answer.result(DEADLINE) for answer in (first, *rest)]


def test_who_waits_goes_together_in_the_next_batch() -> None:
    gated = Gated(4)
    assert gated.ask([1], [2, 3], [], [4], [5, 6, 7]) == [[10], [20, 30], [], [40], [50, 60, 70]]
    assert [sorted(batch) for batch in gated.batches] == [[1], [2, 3, 4, 5, 6, 7]]


def test_a_batch_has_its_bound_but_a_larger_call_goes_alone() -> None:
    gated = Gated(3, largest=3)
    assert gated.ask([1], [2, 3, 4, 5], [6, 7], [8, 9]) == [[10], [20, 30, 40, 50], [60, 70], [80, 90]]
    assert sorted(len(batch) for batch in gated.batches) == [1, 2, 2, 4]


def test_a_batch_that_fails_fails_for_all_in_it_and_nobody_else() -> None:
    gated = Gated(2)
    answers = gated.ask([1], [2], [-1])
    assert answers[0] == [10]
    assert all(isinstance(answer, ValueError) for answer in answers[1:])
    assert gated.combined([3]) == [30]


def test_an_interrupted_thread_does_not_take_others_with_it() -> None:
    gated = Gated(2)
    gated.first = KeyboardInterrupt()
    answers: list[list[int]] = []
    interrupted: list[bool] = []

    def lead() -> None:
        try:
            gated.combined([1])
        except KeyboardInterrupt:
            interrupted.append(True)

    threads = [threading.Thread(target=lead)]
    threads[0].start()
    while not gated.batches:
        os.sched_yield()
    threads += [threading.Thread(target=lambda n=n: answers.append(gated.combined([n]))) for n in (2, 3)]
    for thread in threads[1:]:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert interrupted == [True]
    assert sorted(answers) == [[20], [30]]
    assert sorted(item for batch in gated.batches[1:] for item in batch) == [2, 3]


def test_many_threads_have_their_own_answers() -> None:
    batches: list[int] = []

    def run(items: Sequence[int]) -> list[int]:
        batches.append(len(items))
        return [item + 1 for item in items]

    combined = Combiner[int, int](run, largest=8)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: combined([n, n + 10_000]), range(500)))
    assert answers == [[n + 1, n + 10_001] for n in range(500)]
    assert sum(batches) == 1000


def test_searches_of_several_threads_share_a_pass(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Keep.create(tmp_path / "keep") as keep:
        purposes = [Purpose.VERIFY, Purpose.IDENTIFY]
        for label in ("obama", "biden"):
            picture = (pictures / f"{label}.jpg").read_bytes()
            keep.enrol(label, [picture], purposes=purposes, notice="a notice", operator="desk")
        keep.open_case("lost", operator="desk")
        sizes: list[int] = []
        search: Callable[..., object] = Gate.search_many

        def counted(gate: Gate, asked: Sequence[object]) -> object:
            sizes.append(len(asked))
            while sizes == [1] and len(keep._combined._waiting) < 5:
                os.sched_yield()
            return search(gate, asked)

        monkeypatch.setattr(Gate, "search_many", counted)
        probe = (pictures / "obama2.jpg").read_bytes()

        def ask(number: int) -> object:
            if number % 2:
                return keep.verify("obama" if number % 3 else "biden", probe, operator=f"desk {number}").verified
            return [c.label for c in keep.identify(probe, operator="desk", case="lost").candidates]

        with ThreadPoolExecutor(6) as threads:
            answers = list(threads.map(ask, range(6)))
        assert answers == [["obama"], True, ["obama"], False, ["obama"], True]
        assert sizes == [1, 5]
