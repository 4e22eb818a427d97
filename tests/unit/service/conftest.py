"""A keep with real people in it, made once and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facekeep.domain.accounts import Account, Role
from facekeep.domain.consent import Purpose
from facekeep.face.models import ModelPack
from facekeep.service.keep import Keep

NOTICE = "Your face opens this door. Ask at the desk to have it erased."
BOTH = (Purpose.VERIFY, Purpose.IDENTIFY)


class MovedClock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = datetime(2027, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **what: float) -> None:
        self.now += timedelta(**what)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, pictures: Path, pack: ModelPack) -> Path:
    """The folder of a closed keep with two people and a case; not to be opened, but copied."""
    folder = tmp_path_factory.mktemp("made") / "keep"
    with Keep.create(folder, pack=pack, clock=MovedClock()) as keep:
        for label in ("obama", "biden"):
            picture = (pictures / f"{label}.jpg").read_bytes()
            keep.enrol(label, [picture], purposes=BOTH, notice=NOTICE, operator="op", name=f"{label.title()} Canary")
        keep.open_case("lost child", operator="op")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of that keep, closed."""
    return Path(shutil.copytree(made, tmp_path / "keep"))


@pytest.fixture
def reopen(folder: Path, pack: ModelPack, clock: MovedClock) -> Iterator[Callable[[], Keep]]:
    """Opens the copy, again and again; closes what is open."""
    opened: list[Keep] = []

    def open_again() -> Keep:
        if opened:
            opened[-1].close()
        opened.append(Keep.open(folder, pack=pack, clock=clock))
        return opened[-1]

    yield open_again
    if opened:
        opened[-1].close()


@pytest.fixture
def keep(reopen: Callable[[], Keep]) -> Keep:
    return reopen()


@pytest.fixture
def owner(keep: Keep) -> Account:
    """Somebody who files reviews."""
    return keep.invite("till", [Role.OPERATOR]).account


@pytest.fixture(scope="session")
def picture(pictures: Path) -> Callable[[str], bytes]:
    return lambda name: (pictures / name).read_bytes()
