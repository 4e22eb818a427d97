"""Readers share, a writer is alone and goes first, and may enter again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from facekeep.service.locking import SharedLock

DEADLINE = 20


def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        os.sched_yield()


def test_readers_are_in_it_together() -> None:
    lock, together = SharedLock(), threading.Barrier(3, timeout=DEADLINE)

    def read() -> None:
        with lock.shared():
            together.wait()

    with ThreadPoolExecutor(3) as threads:
        for done in [threads.submit(read) for _ in range(3)]:
            done.result(DEADLINE)


def test_a_writer_is_alone_and_goes_before_readers_who_come_after_it() -> None:
    lock, order, release = SharedLock(), list[str](), threading.Event()

    def read(name: str) -> None:
        with lock.shared():
            order.append(name)
            if name == "first":
                assert release.wait(DEADLINE)

    def write() -> None:
        with lock.exclusive():
            assert lock._readers == 0
            order.append("writer")

    with ThreadPoolExecutor(3) as threads:
        jobs = [threads.submit(read, "first")]
        _until(lambda: order == ["first"])
        jobs.append(threads.submit(write))
        _until(lambda: lock._waiting == 1)
        jobs.append(threads.submit(read, "second"))
        release.set()
        for job in jobs:
            job.result(DEADLINE)
    assert order == ["first", "writer", "second"]


def test_no_two_writers_and_no_reader_beside_one() -> None:
    lock, inside, seen = SharedLock(), [0, 0], set[tuple[int, int]]()

    def work(number: int) -> None:
        kind = number % 3 == 0
        with lock.exclusive() if kind else lock.shared():
            inside[kind] += 1
            seen.add((inside[0] if kind else 0, inside[1]))
            inside[kind] -= 1

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(work, range(3000)))
    assert seen <= {(0, 0), (0, 1)}


def test_the_writer_may_enter_again_either_way() -> None:
    lock = SharedLock()
    with lock.exclusive(), lock.exclusive(), lock.shared(), lock.exclusive():
        assert lock._depth == 4
    assert (lock._writer, lock._depth, lock._readers) == (None, 0, 0)


@pytest.mark.parametrize("enter", ["shared", "exclusive"])
def test_it_is_left_when_the_block_raises(enter: str) -> None:
    lock = SharedLock()
    with pytest.raises(ZeroDivisionError), getattr(lock, enter)():
        raise ZeroDivisionError
    with lock.exclusive():
        pass
    assert (lock._writer, lock._depth, lock._readers, lock._waiting) == (None, 0, 0, 0)


def test_a_writer_that_gave_up_lets_readers_in(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = SharedLock()

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(lock._changed, "wait_for", interrupted)
        with pytest.raises(KeyboardInterrupt), lock.exclusive():
            pass
    with lock.shared():
        assert lock._waiting == 0
