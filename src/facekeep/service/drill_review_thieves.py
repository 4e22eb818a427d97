"""Thieves of the pictures that people have to look at: what each took, and every attack on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Final, cast

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from facekeep.domain.review import ReviewId
from facekeep.domain.reviewer import ReviewerKeyId, key_id
from facekeep.errors import DamagedStoreError, FormatError
from facekeep.service.drill_attacks import readings_of_bytes, readings_of_codes
from facekeep.service.drill_loot import Bytes, Codes
from facekeep.service.drill_report import Thief
from facekeep.service.drill_reviews import TakenEvidence, code_in
from facekeep.service.drill_thieves import Loot, Robbery
from facekeep.service.review_sealing import open_content, open_with
from facekeep.split.codes import coarse_code
from facekeep.store.evidence_keys import Bucket
from facekeep.store.evidence_rows import AnyRow, Held
from facekeep.store.sealing import KEY_BYTES, Sealer

__all__ = ["SeenReviews", "codes_of", "open_reviews", "review_thieves"]

_SQL: Final = (
    "SELECT p.review, p.item, p.hour, p.turn, p.keys, p.wraps, o.outer FROM pictures p"
    " JOIN outers o ON o.review = p.review AND o.item = p.item"
)
_SEALED: Final = {"sealed keys": "keys", "sealed shares of recipients": "wraps", "sealed pictures": "outer"}
_POINT_BYTES: Final = 32
"""The first part of a wrapped share is a point of the curve, which is no noise: its highest bit is 0."""
_READ_BYTES: Final = 2048
"""So much of a cell is laid side by side: what is behind it in a picture of the drill fills up a block."""

Keys = Callable[[TakenEvidence], Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class SeenReviews:
    """What a thief has of reviews, in the order of the people.

    Attributes:
        sealed: cells as they lie in the file, by column, a row for each review.
        inside: what was under the gate's key, likewise; empty if not every row opened.
        points: encapsulated keys of the recipients, likewise.
        pictures: what can be seen.
        plain: everything that was opened.
    """

    sealed: Mapping[str, Bytes] = field(repr=False)
    inside: Mapping[str, Bytes] = field(repr=False)
    points: Mapping[str, Bytes] = field(repr=False)
    pictures: tuple[bytes, ...] = field(repr=False)
    plain: bytes = field(repr=False)


def review_thieves(robbery: Robbery) -> Iterator[Callable[[], Thief]]:
    """Each thief's work, to be done when called."""
    who = "Thief of the evidence of reviews"
    yield partial(_thief, robbery, ("evidence-without-keys", who, "its file, no keys"), _none, 0)
    took = "its file and all keys of the gate"
    yield partial(_thief, robbery, ("evidence-with-gate-keys", f"{who} and the gate's keys", took), _now, 0)
    took = "its file and the private key in one reviewer's browser, no keys of the gate"
    yield partial(
        _thief, robbery, ("evidence-with-reviewer-key", f"{who} and a reviewer's private key", took), _none, 1
    )
    took = "a copy of its file, the private keys of all reviewers, and the gate's keys that exist after the hour"
    yield partial(_thief, robbery, ("evidence-later", f"{who} who has every key, too late", took), _later, None)


def open_reviews(
    taken: TakenEvidence, keys: Mapping[str, bytes], reviewers: Sequence[bytes], folder: Path
) -> SeenReviews:
    """Open what keys open; and what they would, had the program made one of the mistakes that such programs make.

    Args:
        taken: the evidence.
        keys: of the gate, by name.
        reviewers: private keys.
        folder: where the database may be opened.
    """
    privates = [X25519PrivateKey.from_private_bytes(key) for key in reviewers]
    rows = _rows(taken, folder)
    held = [_under_the_gate(row, keys, reviewers) for row in rows]
    pairs = [(row, one, one.open_outer(row.outer)) for row, one in zip(rows, held, strict=True) if one is not None]
    pictures = [png for _, one, sealed in pairs for png in _seen(one, sealed, privates)[:1]]
    inside: dict[str, Bytes] = {}
    points: dict[str, Bytes] = {}
    if pairs and len(pairs) == len(rows):
        wraps = [sorted(one.wraps.values()) for _, one, _ in pairs]
        inside = {
            "outer keys": _bytes([one.key for _, one, _ in pairs]),
            "the service's shares": _bytes([one.share for _, one, _ in pairs]),
            "pictures under their own keys": _bytes([sealed for _, _, sealed in pairs]),
            "wrapped shares": _bytes([b"".join(wrap[_POINT_BYTES:] for wrap in each) for each in wraps]),
        }
        points = {"points of wrapped shares": _bytes([b"".join(wrap[:_POINT_BYTES] for wrap in w) for w in wraps])}
    plain = b"\n".join([*(part for _, one, sealed in pairs for part in (one.share, sealed)), *pictures])
    sealed_cells = {name: _bytes([getattr(row, column) for row in rows]) for name, column in _SEALED.items()}
    return SeenReviews(sealed_cells, inside, points, tuple(pictures), plain)


def codes_of(pictures: Sequence[bytes]) -> Codes:
    """What is in pictures of the drill."""
    fine = np.stack([np.frombuffer(code_in(picture), "<i2") for picture in pictures]).astype(np.int16)
    return Codes(fine.view(np.uint16), coarse_code(fine).view(np.uint8))


def _none(_: TakenEvidence) -> Mapping[str, bytes]:
    return {}


def _now(taken: TakenEvidence) -> Mapping[str, bytes]:
    return taken.keys


def _later(taken: TakenEvidence) -> Mapping[str, bytes]:
    return taken.later


def _thief(robbery: Robbery, told: tuple[str, str, str], keys: Keys, reviewers: int | None) -> Thief:
    both = [robbery.keep.evidence, robbery.other.evidence]
    seen, other = (open_reviews(one, keys(one), one.reviewers[:reviewers], robbery.folder) for one in both)
    loot = Loot(
        files=(both[0].file,),
        plain=(seen.plain,),
        streams={**seen.sealed, **seen.inside},
        readings=_readings(seen),
        elsewhere=_readings(other),
        seen=len(seen.pictures),
    )
    return robbery.thief(*told, loot)


def _readings(seen: SeenReviews) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    columns = {**seen.sealed, **seen.inside, **seen.points}
    found = readings_of_bytes({name: rows[:, :_READ_BYTES] for name, rows in columns.items()})
    if len(seen.pictures) == len(next(iter(seen.sealed.values()))):
        found |= readings_of_codes(codes_of(seen.pictures))
    return found


def _rows(taken: TakenEvidence, folder: Path) -> list[AnyRow]:
    path = folder / f"loot-{len(list(folder.iterdir()))}.db"
    path.touch(mode=0o600)
    path.write_bytes(taken.file)
    with closing(sqlite3.connect(path)) as database:
        cursor = database.execute(_SQL)
        names = [column[0] for column in cursor.description]
        rows = [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in cursor]
    return cast("list[AnyRow]", sorted(rows, key=lambda row: taken.person_of[row.review, row.item]))


def _under_the_gate(row: AnyRow, keys: Mapping[str, bytes], others: Sequence[bytes]) -> Held | None:
    """A row without its outer layer: by its own key, or by any other at hand."""
    named = keys.get(Bucket(row.hour, row.turn).name)
    guesses = [*keys.values(), *others, bytes(KEY_BYTES)] if named is None else [named]
    for key in guesses:
        try:
            return Held.read(row, Sealer.of_key(key, role="evidence"))
        except DamagedStoreError:
            continue
    return None


def _seen(held: Held, sealed: bytes, privates: Sequence[X25519PrivateKey]) -> list[bytes]:
    """The picture, as often as it opens: by a private key, or by a share that a bad program might have drawn."""
    review, found = ReviewId(held.review), list[bytes]()
    for private in privates:
        wrapped = held.wraps.get(ReviewerKeyId(key_id(private.public_key().public_bytes_raw())))
        if wrapped is not None:
            found += _tried(
                partial(open_with, private, review, held.index, sealed=sealed, share=held.share, wrapped=wrapped)
            )
    for theirs in (bytes(KEY_BYTES), held.share, held.key):
        found += _tried(partial(open_content, theirs, review, held.index, sealed=sealed, share=held.share))
    return found


def _tried(opening: Callable[[], bytes]) -> list[bytes]:
    try:
        return [opening()]
    except FormatError:
        return []


def _bytes(cells: Sequence[bytes]) -> Bytes:
    return np.frombuffer(b"".join(cells), np.uint8).reshape(len(cells), -1)
