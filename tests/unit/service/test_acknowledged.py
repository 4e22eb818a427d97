"""What a person ends is ended when it is acknowledged: no search that begins then gives them, however calls interleave.

A stream of searches runs in threads of its own while the person withdraws, is erased, or is never to be returned any
more, again and again. Each search notes when it began and when its answer was had; acknowledgements stand between.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.face.models import ModelPack
from facekeep.service.keep import Keep
from facekeep.split.budget import Limits

Picture = Callable[[str], bytes]
SEARCHERS = 3
EVERY, FEW = 1000, 5


@dataclass
class Stream:
    """Searches for one face, and what they gave.

    Attributes:
        answers: when each began, when its answer was had, and whether the person was in it.
    """

    keep: Keep
    probe: bytes
    ticks: Iterator[int] = field(default_factory=itertools.count)
    answers: list[tuple[int, int, bool]] = field(default_factory=list)
    failed: list[Exception] = field(default_factory=list)

    def search(self) -> bool:
        began = next(self.ticks)
        found = self.keep.identify(self.probe, operator="guard", case="lost child", candidates=1)
        given = any(candidate.label == "obama" for candidate in found.candidates)
        self.answers.append((began, next(self.ticks), given))
        return given

    @contextmanager
    def running(self) -> Iterator[None]:
        ended = threading.Event()

        def go_on() -> None:
            try:
                while not ended.is_set():
                    self.search()
            except Exception as error:  # noqa: BLE001 - told by the test's own thread
                self.failed.append(error)

        threads = [threading.Thread(target=go_on) for _ in range(SEARCHERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()


@pytest.fixture
def stream(tmp_path: Path, pack: ModelPack, picture: Picture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    with Keep.create(tmp_path / "keep", pack=pack, limits=Limits(*([10**9] * 6))) as keep:
        # The same pictures over and over: they become templates once.
        acquisition = keep._acquisition
        probes = cache(acquisition.for_probes)
        monkeypatch.setattr(acquisition, "for_probes", lambda some: probes(tuple(some)))
        for name in ("for_enrolment", "for_right"):
            monkeypatch.setattr(acquisition, name, cache(getattr(acquisition, name)))
        keep.open_case("lost child", operator="op")
        for label in ("obama", "biden"):
            keep.enrol(label, [picture(f"{label}.jpg")], purposes=[Purpose.IDENTIFY], notice="Read.", operator="op")
        yield Stream(keep, picture("obama2.jpg"))


def withdrawn(keep: Keep, _: Picture) -> None:
    keep.withdraw_consent("obama", Purpose.IDENTIFY)


def erased(keep: Keep, _: Picture) -> None:
    keep.erase("obama")


def hidden(keep: Keep, picture: Picture) -> None:
    keep.never_return("obama", picture("obama.jpg"), operator="op")


def anew(keep: Keep, picture: Picture) -> None:
    """The person is there, consents, and may be returned."""
    if any(person.label == "obama" for person in keep.subjects()):
        if not keep.subject("obama").never_returned:
            return keep.give_consent("obama", Purpose.IDENTIFY, "Again.")
        keep.erase("obama")
    keep.enrol("obama", [picture("obama.jpg")], purposes=[Purpose.IDENTIFY], notice="Anew.", operator="op")
    return None


@pytest.mark.parametrize("count", [FEW, pytest.param(EVERY, marks=pytest.mark.extended)])
@pytest.mark.parametrize("end", [withdrawn, erased, hidden])
def test_nobody_is_given_after_the_acknowledgement(
    stream: Stream, picture: Picture, end: Callable[[Keep, Picture], None], count: int
) -> None:
    keep = stream.keep
    spans: list[tuple[int, int]] = []  # from an acknowledgement to the next moment at which the person may be given
    with stream.running():
        for _ in range(count):
            end(keep, picture)
            acknowledged = next(stream.ticks)
            assert not stream.search()
            spans.append((acknowledged, next(stream.ticks)))
            anew(keep, picture)
            assert stream.search()
    assert stream.failed == []
    given = [(began, had) for began, had, found in stream.answers if found]
    wrong = [(began, had) for began, had in given for first, last in spans if first < began and had < last]
    assert wrong == []
    # They did interleave: some searches of the stream began before an acknowledgement, and ended after it.
    assert sum(began < first < had for began, had, _ in stream.answers for first, _ in spans) > 0
