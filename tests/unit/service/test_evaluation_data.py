from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from facekeep.errors import FormatError, UsageError
from facekeep.service.evaluation_data import draw_pairs, read_folders, read_groups, read_lfw

_PAIRS = """2\t1
Ann\t1\t2
Ann\t1\tBob_van_B\t1
Cid\t1\t3
Bob_van_B\t2\tCid\t1
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    for name, numbers in {"Ann": (1, 2, 9), "Bob_van_B": (1, 2), "Cid": (1, 3), ".hidden": (1,)}.items():
        (folder / name).mkdir(parents=True)
        for number in numbers:
            (folder / name / f"{name}_{number:04d}.jpg").write_bytes(b"")
    (folder / "Cid" / "notes.txt").write_text("no picture")
    (folder / "Cid" / ".thumb.jpg").write_text("no picture")
    (folder / "loose.jpg").write_text("not in a folder")
    return folder


def _list(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "pairs.txt"
    path.write_text(text)
    return path


def test_lfw_layout(images: Path, tmp_path: Path) -> None:
    found = read_lfw(images, _list(tmp_path, _PAIRS))
    assert found.names == ("Ann", "Bob_van_B", "Cid")
    assert [path.name for path in found.paths] == [
        "Ann_0001.jpg",
        "Ann_0002.jpg",
        "Bob_van_B_0001.jpg",
        "Bob_van_B_0002.jpg",
        "Cid_0001.jpg",
        "Cid_0003.jpg",
    ]  # Ann's ninth picture is in no pair
    assert found.subjects.tolist() == [0, 0, 1, 1, 2, 2]
    assert found.pairs is not None
    assert found.pairs.first.tolist() == [0, 0, 4, 3]
    assert found.pairs.second.tolist() == [1, 2, 5, 4]
    assert found.pairs.mated.tolist() == [True, False, True, False]
    assert found.pairs.fold.tolist() == [0, 0, 1, 1]
    assert not found.pairs.drawn


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "first line"),
        ("10\n", "first line"),
        ("1\t1\nAnn\t1\t2\nAnn\t1\tCid\t1\n", "at least two folds"),
        (_PAIRS + "Ann\t1\t2\n", "number of lines"),
        (_PAIRS.replace("Cid\t1\t3", "Cid\tone\t3"), "line 4"),
        (_PAIRS.replace("Cid\t1\t3", "Cid\t1"), "line 4"),
        (_PAIRS.replace("Cid\t1\t3", "../Cid\t1\t3"), "line 4"),
        (_PAIRS.replace("Cid\t1\t3", "..\t1\t3"), "line 4"),
        (_PAIRS.replace("Cid\t1\t3", "Cid\t1\t4"), "1 of the 6 pictures"),
    ],
)
def test_a_bad_pair_list_is_refused_without_names(images: Path, tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FormatError, match=message) as caught:
        read_lfw(images, _list(tmp_path, text))
    assert "Cid" not in str(caught.value)
    with pytest.raises(FormatError, match="cannot be read"):
        read_lfw(images, tmp_path / "absent.txt")


def test_folder_per_person(images: Path, tmp_path: Path) -> None:
    found = read_folders(images)
    assert found.names == ("Ann", "Bob_van_B", "Cid")
    assert found.subjects.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert found.pairs is None
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="no picture"):
        read_folders(tmp_path / "empty")
    with pytest.raises(FormatError, match="cannot be read"):
        read_folders(tmp_path / "absent")


@given(st.lists(st.integers(1, 5), min_size=15, max_size=60))
@example([2, 3] * 20)
@example([2] * 20)
@example([2] * 19)
def test_drawn_pairs_are_balanced_and_folds_share_nobody(counts: list[int]) -> None:
    subjects = np.repeat(np.arange(len(counts)), counts)
    pairs = draw_pairs(subjects)
    if sum(count >= 2 for count in counts) < 20:
        assert pairs is None
        return
    assert pairs is not None
    assert pairs.drawn
    assert np.array_equal(pairs.mated, subjects[pairs.first] == subjects[pairs.second])
    people: list[set[int]] = []
    for fold in range(10):
        mine = pairs.fold == fold
        assert pairs.mated[mine].sum() * 2 == mine.sum() > 0
        people.append(set(subjects[pairs.first[mine]]) | set(subjects[pairs.second[mine]]))
    assert sum(len(group) for group in people) == len(set().union(*people))
    again = draw_pairs(subjects)
    assert again is not None
    assert np.array_equal(again.first, pairs.first)


def test_groups(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    rows = "".join(f"p{n},{20 + n},{'ab'[n % 2]}\n" for n in range(12))
    table.write_text("\ufeffsubject,age,kind\n" + rows + "stranger,99,c\n")
    groups = read_groups(table, [f"p{n}" for n in range(12)] + ["unlisted"])
    assert list(groups) == ["age", "kind"]
    assert groups["kind"] == (*("a", "b") * 6, None)
    assert groups["age"][:12] == ("20 to 23",) * 4 + ("24 to 27",) * 4 + ("28 to 31",) * 4


def test_few_numbers_stay_as_they_are(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("subject,level\np0,1\np1, 2\np2,\np3,NA\n")
    assert read_groups(table, ["p0", "p1", "p2", "p3"]) == {"level": ("1", "2", None, None)}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "subject\np0\n",
        "subject,age\np0\n",
        "subject,age\np0,1\np0,2\n",
        "subject,age,age\np0,1,2\n",
        'a,b\n"p0,1\n',
    ],
)
def test_a_bad_table_is_refused(tmp_path: Path, text: str) -> None:
    table = tmp_path / "groups.csv"
    table.write_text(text)
    with pytest.raises(FormatError, match="table"):
        read_groups(table, ["p0"])


def test_a_table_about_others_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "groups.csv"
    table.write_text("subject,age\np0,1\n")
    with pytest.raises(UsageError, match="nobody"):
        read_groups(table, ["someone"])
    with pytest.raises(FormatError, match="cannot be read"):
        read_groups(tmp_path / "absent.csv", ["p0"])
