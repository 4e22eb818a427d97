"""The curious gate: it does its work as it should, keeps all that passes through its hands, and computes.

It knows every probe, since it sends them. Of each comparison it keeps the opened band, the whole one-time tables, the
index u* and the pad that came for it, tags and tokens. If the tables and indices were what they would be without shift
and pad, u* = ⟨q, R⟩ and the place where a table jumps gives ⟨q, L⟩, each modulo 2¹⁶: as many comparisons as there are
coordinates give both shares exactly, by elimination. With a shift in both, their sum still gives the score.

So the attack solves for shares and template by elimination, and by least squares on every number that it has. What
bands alone tell is computed in the same run, by the same least squares, on bands that come from the plaintext. The
control makes the same messages without shifts and pads; it lives in this module and is no option of the product.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.row import Pseudonym
from facekeep.errors import DisagreementError
from facekeep.service.drill_keep import OPERATOR, DrillKeep
from facekeep.service.drill_people import Population, Vectors
from facekeep.service.drill_solving import Solved, Transcripts, bands_told
from facekeep.service.drill_statistics import ALARM
from facekeep.split.bands import BANDS, CODEWORDS, RING, decode_bands
from facekeep.split.codes import FineCode, coarse_code, fine_code
from facekeep.split.gate import Question
from facekeep.split.left import LeftHalf
from facekeep.split.masks import MaskRow, fine_mask, new_seed, split
from facekeep.split.messages import LeftTables, RightPicks
from facekeep.split.right import RightHalf
from facekeep.split.roles import LeftPort, RightPort

_AGREEING = 0.5
"""A share of surplus equations that noise, which agrees once in 65,536, never reaches: one half's share was solved."""


@dataclass(frozen=True, slots=True)
class CuriousGate:
    """The result.

    Attributes:
        verifications: transcripts of 1:1 comparisons.
        searches: transcripts of 1:N searches.
        solved: from the transcripts.
        level: cosine that bands alone give, from the plaintext.
        same_bands: whether the opened bands are those of the plaintext, every one.
        control: from messages without shifts and pads.
        limit: cosine from elimination that counts as a leak.
    """

    verifications: int
    searches: int
    solved: Solved
    level: float
    same_bands: bool
    control: Solved
    limit: float

    @property
    def leaks(self) -> bool:
        """Whether the transcripts tell more than their bands."""
        solved = self.solved.by_elimination > self.limit or self.solved.consistent > _AGREEING
        return not self.same_bands or solved or self.solved.chance < ALARM


class _Tap:
    """Stands between the gate and one half and keeps what passes."""

    def __init__(self, half: LeftHalf | RightHalf) -> None:
        self._half = half
        self.fine_answer: LeftTables | RightPicks | None = None
        self.token_answer: LeftTables | RightPicks | None = None

    def __getattr__(self, name: str) -> object:
        return getattr(self._half, name)

    def fine(self, search: bytes) -> LeftTables | RightPicks:
        self.fine_answer = self._half.fine(search)
        return self.fine_answer

    def tokens(self, search: bytes, chosen: NDArray[np.int32]) -> LeftTables | RightPicks:
        self.token_answer = self._half.tokens(search, chosen)
        return self.token_answer


def listen(
    keep: DrillKeep,
    row: Pseudonym,
    questions: Sequence[tuple[Question, Vectors]],
    thresholds: tuple[int, ...],
    progress: Callable[[int, int], None],
) -> Transcripts:
    """Ask through a gate that keeps everything. The row is the only one of its gallery, so its place is known."""
    left, right = _Tap(keep.left), _Tap(keep.right)
    gate = keep.gate_between(cast("LeftPort", left), cast("RightPort", right))
    notes = _Notes(thresholds)
    try:
        for done, (question, probe) in enumerate(questions):
            code = fine_code(probe)
            hits = gate.search(question, code)
            tables, picks = cast("LeftTables", left.fine_answer), cast("RightPicks", right.fine_answer)
            released, given = cast("LeftTables", left.token_answer), cast("RightPicks", right.token_answer)
            words = tables.tables[:1, picks.indices[0]] ^ picks.pads[:1]
            band = int(decode_bands(words, len(thresholds))[0])
            if {hit.pseudonym for hit in hits} - {row}:
                raise DisagreementError("the halves released another row than the one that is alone in its gallery")
            # Of a search a token is asked for where a band was passed: that it is there tells the band. Only 1:1 always
            # asks for one, so that its numbers are looked at for what else they tell.
            token = None
            if question.row is not None:
                token = (released.tables[0], int(given.indices[0]), given.pads[0])
            fine = (tables.tables[0], int(picks.indices[0]), int(picks.pads[0]))
            notes.add(_Seen(code, band, question.level, question.row is not None, fine, token, tables.tag))
            progress(done + 1, len(questions))
    finally:
        gate.close()
        # The keep's own gate must pair the halves again: this one took the session over.
        keep.gate.pair()
    return notes.transcripts()


def unprotected(found: Transcripts, count: int, reference: FineCode, thresholds: tuple[int, ...]) -> Transcripts:
    """The control: the first comparisons of these again, for a row of its own, with every shift and pad at zero."""
    dimension = len(reference)
    seed, mask = new_seed(), MaskRow(Pseudonym(bytes(16)), 0, 0, bytes(32))
    left = fine_mask(seed, mask, dimension).astype(np.int64)
    right = split(reference, coarse_code(reference), seed, mask).fine.astype(np.int64)
    notes = _Notes(thresholds)
    tokens = np.arange(1, BANDS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    codewords = np.asarray(CODEWORDS, np.uint8)
    asked = zip(found.probes[:count], found.levels[:count].tolist(), found.single[:count].tolist(), strict=True)
    for probe, level, single in asked:
        a, b = int(left @ probe) % RING, int(right @ probe) % RING
        of_bands = np.roll(bands_told(thresholds, level, single=single), -a)
        second = np.repeat(tokens[of_bands][:, None], 2, axis=1)
        fine = (codewords[of_bands], b, 0)
        token = (second, b, np.zeros(16, np.uint8))
        notes.add(_Seen(probe, int(of_bands[b]), level, single, fine, token, bytes(16)))
    return notes.transcripts()


@dataclass(frozen=True, slots=True)
class _Seen:
    """One comparison as the gate sees it; tables with the index opened and the pad that came for it."""

    probe: FineCode
    band: int
    level: int
    single: bool
    fine: tuple[NDArray[np.generic], int, int]
    token: tuple[NDArray[np.generic], int, NDArray[np.uint8]] | None
    tag: bytes


class _Notes:
    """Turns each transcript into a few numbers as it comes, so that the tables need not be kept."""

    def __init__(self, thresholds: tuple[int, ...]) -> None:
        self._thresholds = thresholds
        self._probes: list[FineCode] = []
        self._bands: list[int] = []
        self._levels: list[int] = []
        self._single: list[bool] = []
        self._rows: list[dict[str, int]] = []

    def add(self, seen: _Seen) -> None:
        self._probes.append(seen.probe)
        self._bands.append(seen.band)
        self._levels.append(seen.level)
        self._single.append(seen.single)
        (table, index, pad), level = seen.fine, seen.level
        jump = self._jump(table != 0, level)
        row = {"u*": index, "jump of the table": jump, "score": jump + index, "pad": pad}
        row |= {"tag": int.from_bytes(seen.tag[:2], "little"), "first entries": int(table[0]) + 256 * int(table[1])}
        if seen.token is not None:
            words, at, token_pad = seen.token
            column = words[:, 0]
            values, counts = np.unique(column[:: RING // 256], return_counts=True)
            second = self._jump(column != values[counts.argmax()], level)
            row |= {"u* of the token": at, "jump of the tokens": second, "score by tokens": second + at}
            row |= {"difference of the u*": at - index, "pad of the token": int.from_bytes(token_pad[:2].tobytes())}
        self._rows.append(row)

    def _jump(self, passes: NDArray[np.bool_], level: int) -> int:
        """⟨q, L⟩, if there were no shift: where the run of passing entries begins is τ − ⟨q, L⟩."""
        threshold = self._thresholds[level]
        run = RING // 2 - threshold
        sums = np.concatenate([[0], np.cumsum(np.concatenate([passes, passes[:run]]))])
        begin = int((sums[run : run + RING] - sums[:RING]).argmax())
        return (threshold - begin) % RING

    def transcripts(self) -> Transcripts:
        # Numbers that searches lack (their token was of another position) count for the verifications alone.
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        numbers = {name: np.asarray([row.get(name, 0) % RING for row in self._rows], np.uint16) for name in names}
        lacking = np.asarray(["u* of the token" not in row for row in self._rows])
        order = np.argsort(lacking, kind="stable")
        counts = {name: len(order) if name in self._rows[int(order[-1])] else int((~lacking).sum()) for name in names}
        return Transcripts(
            np.stack(self._probes)[order],
            np.asarray(self._bands, np.uint8)[order],
            np.asarray(self._levels, np.uint8)[order],
            np.asarray(self._single)[order],
            {name: values[order][: counts[name]] for name, values in numbers.items()},
        )


def questions(
    row: Pseudonym,
    gallery: str,
    reference: Vectors,
    population: Population,
    *,
    counts: tuple[int, int],
    levels: tuple[int, int],
    random: np.random.Generator,
) -> list[tuple[Question, Vectors]]:
    """What passes through a gate: strangers for the most part, and one probe in ten that resembles the person.

    Args:
        row: pseudonym of the row.
        gallery: the gallery in which it is alone.
        reference: its template.
        population: where strangers come from.
        counts: verifications and searches.
        levels: index of the threshold for verifications and for searches.
        random: draws the probes.
    """
    total = sum(counts)
    probes = population.draw(total, random)
    alike = random.random(total) < 0.1
    mixed = 0.5 * reference + np.sqrt(0.75) * probes[alike]
    probes[alike] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    asked = [Question("verify", levels[0], OPERATOR, row=row)] * counts[0]
    asked += [Question("identify", levels[1], OPERATOR, case="drill-case", gallery=gallery)] * counts[1]
    return list(zip(asked, probes, strict=True))
