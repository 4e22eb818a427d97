"""What an evaluation runs on: pictures of people, pairs to compare, and groups that the caller names.

Two layouts are read: that of LFW (a folder per person with NAME_0001.jpg, and a list of pairs in folds) and a plain
folder per person with any pictures in it. Names of people stay in memory; they are in no result and no error.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.scores import Integers
from facekeep.errors import FormatError, UsageError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".tif", ".tiff"})
FOLDS = 10
MOST_PAIRS_OF_A_FOLD = 300
"""Mated pairs of a drawn fold at most, and as many non-mated ones; LFW has these numbers."""

_MOST_NUMBERS = 8
_NUMBER_BANDS = 3
_SEED = 2007


@dataclass(frozen=True, slots=True)
class PairList:
    """Pairs of pictures in folds.

    Attributes:
        first: shape (n,), number of one picture.
        second: shape (n,), number of the other.
        mated: shape (n,), whether both show one subject.
        fold: shape (n,), from 0.
        drawn: whether the pairs were drawn here, rather than given.
    """

    first: Integers
    second: Integers
    mated: NDArray[np.bool_]
    fold: Integers
    drawn: bool = False


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pictures of people.

    Attributes:
        paths: one for each picture; the pictures of one person in the order of their names.
        subjects: shape (pictures,), number of the person.
        names: of the people, by number.
        pairs: pairs that came with the set, or None.
    """

    paths: tuple[Path, ...]
    subjects: Integers
    names: tuple[str, ...]
    pairs: PairList | None = None


def read_lfw(images: Path, pairs: Path) -> PictureSet:
    """The pictures that an LFW pair list names, and the pairs.

    The first line holds the number of folds and of mated pairs in each; then come, fold by fold, as many lines ``NAME
    i j`` and as many ``NAME i OTHER j`` (Huang et al. 2007). Pictures are at NAME/NAME_000i.jpg.

    Args:
        images: the folder of the people's folders.
        pairs: the list.

    Raises:
        FormatError: the list breaks this form, or a picture is missing. Lines are named by their number alone.
    """
    try:
        lines = [line.split() for line in pairs.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError("the pair list cannot be read") from error
    folds, per_fold = _header(lines)
    if len(lines) != 1 + 2 * folds * per_fold:
        raise FormatError("the pair list has another number of lines than its first line says")
    named = [_pair(number, fields) for number, fields in enumerate(lines[1:], start=2)]
    keys = sorted({picture for pair in named for picture in pair})
    number_of = {key: number for number, key in enumerate(keys)}
    names = tuple(sorted({name for name, _ in keys}))
    subject_of = {name: number for number, name in enumerate(names)}
    paths = tuple(images / name / f"{name}_{picture:04d}.jpg" for name, picture in keys)
    missing = sum(not path.is_file() for path in paths)
    if missing:
        raise FormatError(
            f"{missing} of the {len(paths)} pictures that the pair list names are missing",
            hint="Give the folder whose sub-folders carry the names of the people.",
        )
    return PictureSet(
        paths,
        np.array([subject_of[name] for name, _ in keys], np.int64),
        names,
        PairList(
            first=np.array([number_of[one] for one, _ in named], np.int64),
            second=np.array([number_of[other] for _, other in named], np.int64),
            mated=np.array([one[0] == other[0] for one, other in named], np.bool_),
            fold=np.arange(len(named), dtype=np.int64) // (2 * per_fold),
        ),
    )


def _header(lines: Sequence[Sequence[str]]) -> tuple[int, int]:
    if not lines or len(lines[0]) != 2 or not all(field.isdecimal() for field in lines[0]):
        raise FormatError("the first line of a pair list holds the number of folds and of mated pairs in each")
    folds, per_fold = (int(field) for field in lines[0])
    if folds < 2 or per_fold < 1:
        raise FormatError("a pair list has at least two folds with a pair each")
    return folds, per_fold


def _pair(line: int, fields: Sequence[str]) -> tuple[tuple[str, int], tuple[str, int]]:
    if len(fields) == 3:
        fields = [fields[0], fields[1], fields[0], fields[2]]
    if len(fields) != 4 or not (fields[1].isdecimal() and fields[3].isdecimal()):
        raise FormatError(f"line {line} of the pair list is neither NAME i j nor NAME i OTHER j")
    for name in (fields[0], fields[2]):
        if name.startswith(".") or set(name) & set("/\\\0"):
            raise FormatError(f"line {line} of the pair list holds a name that is no name of a folder")
    return (fields[0], int(fields[1])), (fields[2], int(fields[3]))


def read_folders(images: Path) -> PictureSet:
    """All pictures of a folder with one sub-folder for each person.

    Raises:
        FormatError: there is no such folder, or no picture in it.
    """
    try:
        people = sorted(path for path in images.iterdir() if path.is_dir() and not path.name.startswith("."))
        found = [(person.name, path) for person in people for path in sorted(person.iterdir()) if _is_picture(path)]
    except OSError as error:
        raise FormatError("the folder of pictures cannot be read") from error
    if not found:
        raise FormatError(
            "no picture was found",
            hint="Give a folder with one sub-folder for each person and the pictures of the person in it.",
        )
    names = tuple(sorted({name for name, _ in found}))
    subject_of = {name: number for number, name in enumerate(names)}
    return PictureSet(
        tuple(path for _, path in found), np.array([subject_of[name] for name, _ in found], np.int64), names
    )


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()


def draw_pairs(subjects: Integers) -> PairList | None:
    """Balanced pairs in ten folds of different people, for a set that has no list of its own.

    People with two pictures or more are dealt to the folds in a random order of fixed seed. A fold has up to 300
    mated pairs of its people and as many non-mated ones, also of its own people, so that no person is both judged and
    used to choose the threshold (as in LFW's View 2).

    Args:
        subjects: shape (n,), number of the person of each picture.

    Returns:
        The pairs, or None if fewer than twenty people have two pictures.
    """
    generator = np.random.default_rng(_SEED)
    numbers, counts = np.unique(subjects, return_counts=True)
    people = generator.permutation(numbers[counts >= 2])
    if people.size < 2 * FOLDS:
        return None
    parts: list[tuple[Integers, Integers, bool, int]] = []
    for fold in range(FOLDS):
        mine = np.flatnonzero(np.isin(subjects, people[fold::FOLDS]))
        first, second = (mine[side] for side in np.triu_indices(mine.size, 1))
        same = subjects[first] == subjects[second]
        size = min(int(same.sum()), int((~same).sum()), MOST_PAIRS_OF_A_FOLD)
        for mated in (True, False):
            chosen = generator.permutation(np.flatnonzero(same == mated))[:size]
            parts.append((first[chosen], second[chosen], mated, fold))
    return PairList(
        first=np.concatenate([part[0] for part in parts]),
        second=np.concatenate([part[1] for part in parts]),
        mated=np.concatenate([np.full(part[0].size, part[2]) for part in parts]),
        fold=np.concatenate([np.full(part[0].size, part[3], np.int64) for part in parts]),
        drawn=True,
    )


def read_groups(table: Path, names: Sequence[str]) -> dict[str, tuple[str | None, ...]]:
    """Groups of people from a CSV table: the first column names the person, each further column is an attribute.

    A column of numbers with more than eight different values is cut into three bands of about equally many people. An
    empty field or ``NA`` means that the person is in no group of this attribute.

    Args:
        table: the file, UTF-8, with a heading.
        names: of the people, as in the set of pictures. Rows of others are passed over.

    Returns:
        For each attribute the group of each person, None where the table has none.

    Raises:
        FormatError: the table breaks this form or names a person twice.
        UsageError: no person of the set is in it.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FormatError("the table of groups cannot be read") from error
    rows = [row for row in rows if row]
    if not rows or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        raise FormatError("a table of groups has a heading, two columns at least, and rows of one length")
    if len(set(rows[0])) != len(rows[0]) or not all(rows[0]):
        raise FormatError("the headings of a table of groups are not empty and differ")
    row_of = {row[0]: row for row in rows[1:]}
    if len(row_of) != len(rows) - 1:
        raise FormatError("the table of groups names a person twice")
    if not any(name in row_of for name in names):
        raise UsageError("the table of groups names nobody of the set", hint="Its first column is the folder's name.")
    return {
        attribute: _as_groups([_value(row_of[name][column]) if name in row_of else "" for name in names])
        for column, attribute in enumerate(rows[0])
        if column
    }


def _value(field: str) -> str:
    value = field.strip()
    return "" if value == "NA" else value


def _as_groups(values: Sequence[str]) -> tuple[str | None, ...]:
    present = {value for value in values if value}
    numbers = sorted(_number(value) for value in values if value and _is_number(value))
    if len(present) <= _MOST_NUMBERS or not all(_is_number(value) for value in present):
        return tuple(value or None for value in values)
    edges = [numbers[len(numbers) * k // _NUMBER_BANDS] for k in range(1, _NUMBER_BANDS)]
    bands: list[list[float]] = [[] for _ in range(_NUMBER_BANDS)]
    for number in numbers:
        bands[sum(number >= edge for edge in edges)].append(number)
    labels = [f"{band[0]:g} to {band[-1]:g}" if band else "" for band in bands]
    return tuple(labels[sum(_number(value) >= edge for edge in edges)] if value else None for value in values)


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).isascii() and value.replace(".", "", 1).isdecimal()


def _number(value: str) -> float:
    return float(value)
