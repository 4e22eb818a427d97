"""The thieves: what each of them took, and every attack on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.row import Pseudonym
from facekeep.errors import DamagedStoreError
from facekeep.service.claims import OPEN_BY_DESIGN
from facekeep.service.drill_attacks import (
    Faces,
    Reading,
    link,
    readings_of_bytes,
    readings_of_codes,
    readings_of_half,
    readings_of_sum,
    readings_over_time,
    reconstruct,
)
from facekeep.service.drill_bytes import DAILY, NAMES, PSEUDONYMS, Needles
from facekeep.service.drill_keep import SIDES, Stolen
from facekeep.service.drill_loot import Bytes, Codes, OpenHalf, open_half, open_registry, sealed_cells
from facekeep.service.drill_report import Finding, Thief
from facekeep.service.drill_reviews import TakenEvidence
from facekeep.service.drill_statistics import uniformity

_OF_A_HALF = frozenset({DAILY, PSEUDONYMS})
_OF_THE_REGISTRY = frozenset({NAMES, DAILY, PSEUDONYMS})


@dataclass(frozen=True, slots=True)
class Robbed:
    """One keep after the robbery, with the truth that only the drill knows.

    Attributes:
        stores: the three stores as they were at the end, by name.
        backups: of each half, oldest first, each with the keys of its time.
        person_of_row: the person behind each pseudonym.
        person_of_subject: the person behind each subject identifier.
        evidence: what people were looking at.
    """

    stores: Mapping[str, Stolen]
    backups: Mapping[str, Sequence[Stolen]]
    person_of_row: Mapping[bytes, int] = field(repr=False)
    person_of_subject: Mapping[bytes, int] = field(repr=False)
    evidence: TakenEvidence = field(repr=False)


@dataclass(frozen=True, slots=True)
class Loot:
    """What a thief has to work with; rows in the order of the people.

    Attributes:
        files: as he took them.
        plain: what he could open.
        allowed: kinds of needles that may be in that.
        streams: what has to look like noise.
        readings: every way to lay the bytes side by side.
        elsewhere: the same of another keep with the same people.
        opened_old: how many old backups opened, if he has any.
        seen: how many pictures he can see, if there are any.
    """

    files: tuple[bytes, ...] = field(repr=False)
    plain: tuple[bytes, ...] = field(default=(), repr=False)
    allowed: frozenset[str] = frozenset()
    streams: Mapping[str, Bytes] = field(default_factory=dict, repr=False)
    readings: Mapping[str, Reading] = field(default_factory=dict, repr=False)
    elsewhere: Mapping[str, Reading] = field(default_factory=dict, repr=False)
    opened_old: int | None = None
    seen: int | None = None


class Robbery:
    """Two keeps with the same people, robbed; and the thieves who share the loot.

    Args:
        keep: the one that is robbed in every way.
        other: an independent one with the same people under the same names, for linking.
        truth: faces of the people.
        needles: what to search for.
        folder: where stolen databases may be opened.
        random: for permutations.

    Attributes:
        keep: the one that is robbed in every way.
        other: the other.
        folder: where stolen databases may be opened.
    """

    def __init__(
        self, keep: Robbed, other: Robbed, truth: Faces, needles: Needles, *, folder: Path, random: np.random.Generator
    ) -> None:
        self.keep, self.other = keep, other
        self._truth, self._needles = truth, needles
        self.folder, self._random = folder, random
        own = self._open(other, other.stores["left"])
        # Whoever runs a keep of his own sees the seeds that this program draws there.
        self._guesses = {"the seed zero": bytes(32), "the seed of all ones": b"\xff" * 32}
        self._guesses |= {f"seed {i} of another keep": own.seeds[i].tobytes() for i in range(min(3, len(own.seeds)))}

    def thieves(self) -> Iterator[Callable[[], Thief]]:
        """Each thief's work, to be done when called."""
        for side in SIDES:
            yield partial(self._half_without_keys, side)
            yield partial(self._half_with_keys, side)
        yield self._registry_without_keys
        yield self._registry_with_keys
        for side in SIDES:
            yield partial(self._backups, side)
            yield partial(self._hoard, side)
        yield self._two_epochs
        yield self._two_epochs_hoarded
        yield self._both_without_keys

    def both_halves(self) -> tuple[Codes, Codes]:
        """Control: both halves of each keep with their keys, added."""
        sums = []
        for robbed in (self.keep, self.other):
            left, right = (self._open(robbed, robbed.stores[side]) for side in SIDES)
            sums.append(left.codes + right.codes)
        return sums[0], sums[1]

    # Thieves

    def _half_without_keys(self, side: str) -> Thief:
        loot = self._sealed(self.keep.stores[side], self.other.stores[side])
        return self.thief(f"{side}-without-keys", f"Thief of the {side} half", "its store and log, no keys", loot)

    def _half_with_keys(self, side: str) -> Thief:
        half, other = (self._open(robbed, robbed.stores[side]) for robbed in (self.keep, self.other))
        loot = Loot(
            files=tuple(self.keep.stores[side].files.values()),
            plain=_plain(half),
            allowed=_OF_A_HALF,
            streams=_streams(half),
            readings=readings_of_half(half, self._guesses),
            elsewhere=readings_of_half(other, self._guesses),
        )
        took = "its store and log with all its keys, and the same half of another keep with the same people"
        return self.thief(f"{side}-with-keys", f"Thief of the {side} half and its keys", took, loot)

    def _registry_without_keys(self) -> Thief:
        loot = self._sealed(self.keep.stores["registry"], self.other.stores["registry"])
        return self.thief("registry-without-keys", "Thief of the registry", "its store, no keys", loot)

    def _registry_with_keys(self) -> Thief:
        stolen = self.keep.stores["registry"]
        plain = open_registry(stolen, stolen.keys, self.folder)
        if plain is None:
            raise DamagedStoreError("the registry of a drill does not open with its own keys", store="registry")
        pair = []
        for robbed in (self.keep, self.other):
            rows = sorted(robbed.person_of_row, key=robbed.person_of_row.__getitem__)
            subjects = sorted(robbed.person_of_subject, key=robbed.person_of_subject.__getitem__)
            pair.append({"pseudonyms": _bytes(rows), "subject identifiers": _bytes(subjects)})
        loot = Loot(
            files=tuple(stolen.files.values()),
            plain=(plain,),
            allowed=_OF_THE_REGISTRY,
            streams=pair[0],
            readings=readings_of_bytes(pair[0]),
            elsewhere=readings_of_bytes(pair[1]),
        )
        return self.thief(
            "registry-with-keys",
            "Thief of the registry and its keys",
            "its store with all its keys",
            loot,
        )

    def _backups(self, side: str) -> Thief:
        now = self.keep.stores[side].keys
        older, newest = self.keep.backups[side][:-1], self.keep.backups[side][-1]
        opened = sum(open_half(stolen, now, self.folder) is not None for stolen in older)
        half = self._order(open_half(newest, now, self.folder), self.keep)
        loot = self._sealed(self.keep.backups[side][0], self.keep.backups[side][1])
        loot = replace(
            loot,
            files=tuple(content for stolen in self.keep.backups[side] for content in stolen.files.values()),
            plain=_plain(half),
            allowed=_OF_A_HALF,
            streams={**loot.streams, **_streams(half)},
            readings={**loot.readings, **readings_of_half(half, self._guesses)},
            opened_old=opened,
        )
        took = f"{len(older) + 1} backups of {len(older) + 1} epochs and the keys that exist today"
        return self.thief(f"{side}-backups", f"Thief of every backup of the {side} half", took, loot)

    def _hoard(self, side: str) -> Thief:
        halves = [self._open(self.keep, stolen) for stolen in self.keep.backups[side]]
        first, last = halves[0], halves[-1]
        readings: dict[str, Reading] = {}
        streams: dict[str, Bytes] = {}
        for number, half in enumerate(halves):
            streams |= {f"{name}, epoch {number}": rows for name, rows in _streams(half).items()}
        for number, (earlier, later) in enumerate(pairwise(halves)):
            names = f"epochs {number} and {number + 1}"
            readings |= readings_over_time(earlier.codes, later.codes, names)
            streams |= {f"{name}, {names}": rows for name, rows in _code_streams(earlier.codes - later.codes).items()}
        loot = Loot(
            files=tuple(content for stolen in self.keep.backups[side] for content in stolen.files.values()),
            plain=tuple(text for half in halves for text in _plain(half)),
            allowed=_OF_A_HALF,
            streams=streams,
            readings={**readings, **readings_of_half(last, self._guesses)},
            elsewhere=readings_of_half(first, self._guesses),
        )
        return self.thief(
            f"{side}-hoard",
            f"Thief who copied the {side} half and its keys in every epoch",
            f"{len(halves)} backups, each with the key of its time, copied before that was destroyed",
            loot,
        )

    def _two_epochs(self) -> Thief:
        left, right = self.keep.backups["left"][0], self.keep.stores["right"]
        keys = {**self.keep.stores["left"].keys, **right.keys}
        old = open_half(left, {name: key for name, key in keys.items() if name.startswith("left")}, self.folder)
        half = self._open(self.keep, right)
        loot = self._sealed(left, self.keep.backups["left"][1])
        readings = {**loot.readings, **readings_of_half(half, self._guesses)}
        if old is not None:
            readings |= readings_of_sum(self._order(old, self.keep).codes, half.codes)
        loot = replace(
            loot,
            files=(*left.files.values(), *right.files.values()),
            plain=_plain(half),
            allowed=_OF_A_HALF,
            streams={**loot.streams, **_streams(half)},
            readings=readings,
            opened_old=int(old is not None),
        )
        took = "an old backup of the left half, today's right half, and all keys of both that exist today"
        return self.thief("two-epochs", "Thief of both halves from different epochs", took, loot)

    def _two_epochs_hoarded(self) -> Thief:
        backups = self.keep.backups
        left, right = self._open(self.keep, backups["left"][0]), self._open(self.keep, backups["right"][-1])
        crossed = left.codes + right.codes
        # The same from the other keep, to link with.
        others = self.other.backups
        elsewhere = self._open(self.other, others["left"][0]).codes + self._open(self.other, others["right"][-1]).codes
        loot = Loot(
            files=tuple(
                content for one in (backups["left"][0], backups["right"][-1]) for content in one.files.values()
            ),
            plain=(*_plain(left), *_plain(right)),
            allowed=_OF_A_HALF,
            streams={f"{name}, added": rows for name, rows in _code_streams(crossed).items()},
            readings=readings_of_codes(crossed),
            elsewhere=readings_of_codes(elsewhere),
        )
        return self.thief(
            "two-epochs-hoard",
            "Thief of both halves from different epochs, with the keys of both times",
            "the left half of the first epoch, the right half of the last, and copies of the keys of both",
            loot,
        )

    def _both_without_keys(self) -> Thief:
        parts = [self._sealed(self.keep.stores[side], self.other.stores[side]) for side in SIDES]
        loot = Loot(
            files=tuple(content for part in parts for content in part.files),
            streams={
                f"{side}: {k}": v for side, part in zip(SIDES, parts, strict=True) for k, v in part.streams.items()
            },
            readings={f"{s}: {k}": v for s, part in zip(SIDES, parts, strict=True) for k, v in part.readings.items()},
            elsewhere={f"{s}: {k}": v for s, part in zip(SIDES, parts, strict=True) for k, v in part.elsewhere.items()},
        )
        return self.thief("both-without-keys", "Thief of both halves", "both stores and logs, no keys", loot)

    # Work

    def thief(self, name: str, title: str, took: str, loot: Loot) -> Thief:
        """Try every attack.

        Args:
            name: identifier of the thief.
            title: who he is.
            took: what he took.
            loot: the same to work with.
        """
        p_value, oddest = uniformity(loot.streams)
        linkage, rank_1 = link(loot.readings, loot.elsewhere, self._random)
        cosine, identified = reconstruct(loot.readings, self._truth, self._random)
        in_files = self._needles.found_in(loot.files)
        in_plain = self._needles.found_in(loot.plain)
        found = [f"{count} {kind}" for kind, count in in_files.items() if count]
        found += [f"{count} {kind}" for kind, count in in_plain.items() if count and kind not in loot.allowed]
        hits = sum(in_files.values()) + sum(count for kind, count in in_plain.items() if kind not in loot.allowed)
        size = sum(map(len, loot.files)) + sum(map(len, loot.plain))
        looked = f"{len(self._needles)} forms in {size:,} bytes"
        findings = [
            Finding.noise(p_value, oddest),
            Finding.of("d_sys", "Linkability D_sys of two enrolments", linkage),
            Finding.of("linked_rank_1", "Mate found at rank 1 in the other", rank_1),
            Finding.of("reconstruction", "Similarity of rebuilt templates", cosine),
            Finding.of("identified_rank_1", "Identified at rank 1 by another picture", identified),
            Finding.count("byte_search", "Names, identifiers or codes found", hits, ", ".join(found) or looked),
        ]
        if loot.opened_old is not None:
            findings.append(Finding.count("old_backups", "Old backups that opened", loot.opened_old, "epochs gone by"))
        if loot.seen is not None:
            findings.append(Finding.count("pictures_seen", "Pictures that could be seen", loot.seen, "of open reviews"))
        return Thief(name, title, took, OPEN_BY_DESIGN[name], tuple(findings))

    def _sealed(self, stolen: Stolen, other: Stolen) -> Loot:
        columns, elsewhere = (self._cells(one) for one in (stolen, other))
        return Loot(
            files=tuple(stolen.files.values()),
            streams=columns,
            readings=readings_of_bytes(columns),
            elsewhere=readings_of_bytes(elsewhere),
        )

    def _cells(self, stolen: Stolen) -> dict[str, Bytes]:
        """Sealed cells in the order of the people, which only the drill knows: it has the keys of that time."""
        robbed = self.keep if stolen.keep_id == self.keep.stores["left"].keep_id else self.other
        names, columns = sealed_cells(stolen, self.folder)
        if stolen.store == "registry":
            persons = [robbed.person_of_subject[name] for name in names]
        else:
            half = open_half(stolen, stolen.keys, self.folder)
            if half is None:
                raise DamagedStoreError("a half of a drill does not open with the keys of its time", store=stolen.store)
            persons = [robbed.person_of_row[head.pseudonym] for head in half.heads]
        order = np.argsort(persons)
        return {name: rows[order] for name, rows in columns.items()}

    def _open(self, robbed: Robbed, stolen: Stolen) -> OpenHalf:
        return self._order(open_half(stolen, stolen.keys, self.folder), robbed)

    @staticmethod
    def _order(half: OpenHalf | None, robbed: Robbed) -> OpenHalf:
        if half is None:
            raise DamagedStoreError("a half of a drill does not open with the keys that exist", store="half")
        order = np.argsort([robbed.person_of_row[head.pseudonym] for head in half.heads])
        heads = tuple(half.heads[place] for place in order)
        return replace(half, heads=heads, codes=half.codes.rows(order), seeds=half.seeds[order])


def people_of(pseudonyms: Sequence[Pseudonym] | Sequence[bytes], order: NDArray[np.intp]) -> dict[bytes, int]:
    """Who is behind each identifier, given the order in which people were enrolled."""
    return {bytes(name): int(person) for name, person in zip(pseudonyms, order, strict=True)}


def _plain(half: OpenHalf) -> tuple[bytes, ...]:
    heads = b"\n".join(head.pseudonym + head.gallery.encode() for head in half.heads)
    return (half.plain, heads)


def _streams(half: OpenHalf) -> dict[str, Bytes]:
    streams = _code_streams(half.codes)
    if half.seeds.size:
        streams["seeds"] = half.seeds
    return streams


def _code_streams(codes: Codes) -> dict[str, Bytes]:
    fine = np.ascontiguousarray(codes.fine.astype("<u2")).view(np.uint8)
    low = codes.fine.astype(np.uint8)
    half = codes.coarse.shape[1] // 2
    return {
        "fine codes": fine,
        "coarse codes": codes.coarse,
        "fine less coarse codes": low - codes.coarse,
        "fine bytes less coarse codes": fine[:, : 2 * half] - codes.coarse[:, : 2 * half],
        "rows less their neighbours": (low - np.roll(low, 1, axis=0))[: len(low) // 2 * 2 : 2],
    }


def _bytes(values: Sequence[bytes]) -> Bytes:
    return np.frombuffer(b"".join(values), np.uint8).reshape(len(values), -1)
