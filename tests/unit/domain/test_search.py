"""A case is open from its opening to its end, unless it was closed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from facekeep.domain.consent import Purpose
from facekeep.domain.search import Case, CaseId

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=1)
CASE = Case(CaseId(bytes(16)), "title", Purpose.IDENTIFY, "operator", BEGIN, END)


def test_the_end_is_not_part_of_it() -> None:
    moments = (BEGIN - timedelta(microseconds=1), BEGIN, END - timedelta(microseconds=1), END)
    assert [CASE.is_open(moment) for moment in moments] == [False, True, True, False]
    assert not any(replace(CASE, closed=BEGIN).is_open(moment) for moment in moments)


def test_identifiers_have_16_bytes_and_time_goes_forward() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        replace(CASE, id=CaseId(b"short"))
    with pytest.raises(ValueError, match="after it begins"):
        replace(CASE, expires=BEGIN)


def test_title_and_operator_are_not_shown() -> None:
    assert "title" not in repr(CASE)
    assert "operator" not in repr(CASE)
