"""Enrolments amid which the line to another role is cut, at every answer: done in three stores or in none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import structlog

from facekeep.domain.consent import Purpose
from facekeep.errors import NotFoundError, UnavailableError
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import PipelineSettings
from facekeep.interfaces.composition import Composition
from facekeep.interfaces.pairing import making
from facekeep.interfaces.pairing.folder import RoleFolder
from facekeep.interfaces.pairing.hosting import connecting, serve_role
from facekeep.interfaces.settings import Settings
from facekeep.service.keep import Keep
from facekeep.service.key_plan import KeyPlan
from facekeep.split.wire.methods import Role
from tests.apart.hosts import free_port
from tests.unit.interfaces.vault.conftest import Line

pytestmark = pytest.mark.enable_socket

PLAN = KeyPlan()
SERVERS = (Role.REGISTRAR, Role.LEFT, Role.RIGHT)
STEPS = {Role.REGISTRAR: 60, Role.LEFT: 34, Role.RIGHT: 34}
"""Bytes by which the cut moves on: one short answer of a half, one or two of the registrar."""


@dataclass
class Apart:
    """A keep over loopback, with a line to each role that can be cut."""

    keep: Keep
    lines: dict[Role, Line]


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory, pack: ModelPack) -> Iterator[Apart]:
    folder, now = tmp_path_factory.mktemp("apart"), datetime.now(UTC)
    ports = {role: free_port() for role in SERVERS}
    levels, text, dimension = Composition(Settings(), lambda *_: "").calibration(None)
    made = {role: making.new_role(folder / role, role, PLAN, ("127.0.0.1", ports[role]), now=now) for role in SERVERS}
    made[Role.GATE] = making.new_gate(
        folder / "gate", PLAN, calibration=levels, calibration_text=text, dimension=dimension, now=now
    )
    with ExitStack() as stack:
        stack.callback(structlog.reset_defaults)
        lines = {role: Line(("127.0.0.1", ports[role])) for role in SERVERS}
        for line in lines.values():
            stack.callback(line.close)
        for here in made.values():
            for there in made.values():
                if here is not there:
                    around = lines[there.role].address if here.role is Role.GATE else None
                    here.add(there.card_path.read_bytes(), there.card()[1], around)
        for role in SERVERS:
            making.finish(made[role], PLAN)
            stack.enter_context(serve_role(made[role], PLAN, ("127.0.0.1", ports[role])))
        connect = connecting(RoleFolder.read(folder / "gate"))
        keep = Keep.open(folder / "gate", pack=pack, settings=PipelineSettings(threads=1), connect=connect)
        stack.callback(keep.close)
        yield Apart(keep, lines)


def _is_enrolled(keep: Keep, label: str) -> bool:
    try:
        return keep.subject(label).references == 1
    except NotFoundError:
        return False


@pytest.mark.parametrize("role", SERVERS)
def test_an_enrolment_is_done_in_three_stores_or_in_none(role: Role, apart: Apart, pictures: Path) -> None:
    keep, line, outcomes = apart.keep, apart.lines[role], set()
    picture = (pictures / "obama.jpg").read_bytes()
    for number in range(64):
        size = keep.size()
        keep.switches()  # the connection that is cut below is open
        label = f"{role} {number}"
        line.cut_after = line.carried[-1] + number * STEPS[role]
        try:
            keep.enrol(label, [picture], purposes=[Purpose.VERIFY], notice="We keep.", operator="desk")
            told = True
        except UnavailableError:
            told = False
        line.cut_after = None
        enrolled = _is_enrolled(keep, label)  # opens anew what was cut, and settles what was under way
        keep.check()
        assert keep.size() == size + enrolled
        assert enrolled or not told
        outcomes.add((told, enrolled))
        if told:
            break
    # Cut early it was undone, cut late it was finished, not cut it was done.
    assert outcomes >= {(False, False), (False, True), (True, True)}
    assert keep.verify(label, picture, operator="desk").verified
