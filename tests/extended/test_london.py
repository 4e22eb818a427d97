"""62 people enrolled with a neutral picture and searched for with a smiling one, through the whole keep."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.errors import BadInputError
from facekeep.service.comparison import Search
from facekeep.service.keep import Keep, Person

pytestmark = pytest.mark.extended


def test_every_smiling_person_is_found_first(tmp_path: Path, data: Path) -> None:
    folders = sorted((data / "london" / "people").iterdir())
    assert len(folders) == 62
    people = [Person(folder.name, [(folder / "neutral.jpg").read_bytes]) for folder in folders]
    with Keep.create(tmp_path / "keep") as keep:
        summary = keep.enrol_many(
            people, purposes=[Purpose.VERIFY, Purpose.IDENTIFY], notice="A study of faces.", operator="test"
        )
        assert [(o.label, o.error) for o in summary.failed] == []
        keep.open_case("study", operator="test")
        search = Search("test", "study", fpir=0.01)
        answers = keep.identify_many([(folder / "smiling.jpg").read_bytes() for folder in folders], search)
        first = []
        for folder, answer in zip(folders, answers, strict=True):
            assert not isinstance(answer, BadInputError)
            assert answer.acquired, (folder.name, answer.reasons)
            first.append(answer.candidates[0].label if answer.candidates else None)
        right = sum(label == folder.name for label, folder in zip(first, folders, strict=True))
        sys.stdout.write(f"rank 1: {right} of {len(folders)}\n")
        assert right == 62
        verified = [keep.verify(f.name, (f / "smiling.jpg").read_bytes(), operator="test").verified for f in folders]
        sys.stdout.write(f"verified at FMR 1e-4: {sum(verified)} of {len(folders)}\n")
        assert sum(verified) >= 61
