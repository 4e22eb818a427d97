"""Enrolments amid which the line to another role is cut, at every answer: done in three stores or in none."""

from __future__ import annotations

from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.errors import NotFoundError, UnavailableError
from facekeep.service.keep import Keep
from facekeep.split.wire.methods import Role
from tests.apart.conftest import ROLES, Apart

pytestmark = [pytest.mark.enable_socket, pytest.mark.extended]

STEPS = {Role.REGISTRAR: 60, Role.LEFT: 34, Role.RIGHT: 34}
"""Bytes by which the cut moves on: one short answer of a half, one or two of the registrar."""


def _is_enrolled(keep: Keep, label: str) -> bool:
    try:
        return keep.subject(label).references == 1
    except NotFoundError:
        return False


@pytest.mark.parametrize("role", ROLES)
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
