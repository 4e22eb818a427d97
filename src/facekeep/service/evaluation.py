"""Measure a model on pictures of people: comparison, search, failures to acquire, and differentials between groups.

Embeddings are made, compared and forgotten; none is written anywhere, and no name is in the result. The figures hold
for the set at hand: a set of celebrities, or of neighbours, gives others.

Comparison is that of the split gallery by default: inner products of the fine codes, whole numbers. Thresholds found so
hold there exactly. ``plaintext=True`` compares the embeddings themselves instead, to see what the codes cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.comparison import SCORE_SCALE, Calibration
from facekeep.domain.differentials import Differential, differential
from facekeep.domain.performance import (
    DetCurve,
    FoldAccuracy,
    OperatingPoint,
    Rate,
    det_curve,
    false_match_rate,
    false_non_match_rate,
    fold_accuracy,
    operating_point,
)
from facekeep.domain.resampling import fmr_interval, fnmr_interval
from facekeep.domain.scores import Floats, Integers, MatedScores, NonMatedSummary, gather, pair_counts
from facekeep.domain.search_performance import SearchScores, search_scores
from facekeep.errors import BadInputError, FormatError
from facekeep.service.evaluation_acquisition import (
    DEFAULT_WORKERS,
    Acquisition,
    Embedder,
    Progress,
    acquire,
)
from facekeep.service.evaluation_data import PairList, PictureSet, draw_pairs
from facekeep.service.evaluation_json import evaluation_as_json
from facekeep.split.codes import fine_code

FMRS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""False match rates that thresholds are asked for."""

DIFFERENTIAL_FMRS = (1e-2, 1e-3)
"""False match rates that groups are compared at."""

FPIRS = (0.1, 0.01, 0.001)
"""False positive identification rates that a search is asked for."""


@dataclass(frozen=True, slots=True)
class PointResult:
    """One threshold with all that was counted at it.

    Attributes:
        point: threshold, FMR and FNMR, with intervals of independent trials.
        fmr_over_subjects: interval of FMR over resampled subjects; None where the tail does not reach.
        fnmr_over_subjects: interval of FNMR over resampled subjects.
    """

    point: OperatingPoint
    fmr_over_subjects: tuple[float, float] | None
    fnmr_over_subjects: tuple[float, float]


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """A search threshold with what was counted at it.

    Attributes:
        target_fpir: the rate that was asked for.
        threshold: the lowest cosine that keeps it.
        fpir: non-mated searches that returned somebody.
        fnir: mated searches that did not return the mate at rank 1.
    """

    target_fpir: float
    threshold: float
    fpir: Rate
    fnir: Rate


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A 1:N search: the first picture of each person enrolled, all further ones as probes.

    Attributes:
        references: size of the gallery.
        probes: how many were searched, each with and without its mate in the gallery.
        rank_1: mated searches with the mate first.
        rank_10: with the mate among the first ten.
        points: at the rates of :data:`FPIRS` that so many probes can show.
    """

    references: int
    probes: int
    rank_1: Rate
    rank_10: Rate
    points: tuple[SearchPoint, ...]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        model: SHA-256 of the embedding model.
        plaintext: whether embeddings were compared, rather than the codes of the gallery.
        people: in the set.
        pictures: in the set.
        failure_to_acquire: pictures without a face, of those that could be read.
        unreadable: files that could not be read.
        seconds: time of decoding, detecting and embedding.
        workers: threads that did it.
        accuracy: over ten folds, or None if the set has too few people.
        pairs_drawn: whether the folds were drawn here, not given.
        mated: all mated scores.
        non_mated: all non-mated scores.
        pictures_of: shape (people,), acquired pictures of each person.
        points: at the rates of :data:`FMRS` that the set can show.
        calibrated: at the thresholds of the calibration that was given.
        det: FNMR over FMR.
        search: 1:N figures, or None if nobody has two pictures.
        differentials: by attribute and threshold.
    """

    model: str
    plaintext: bool
    people: int
    pictures: int
    failure_to_acquire: Rate
    unreadable: int
    seconds: float
    workers: int
    accuracy: FoldAccuracy | None
    pairs_drawn: bool
    mated: MatedScores = field(repr=False)
    non_mated: NonMatedSummary = field(repr=False)
    pictures_of: Integers = field(repr=False)
    points: tuple[PointResult, ...]
    calibrated: tuple[PointResult, ...]
    det: DetCurve = field(repr=False)
    search: SearchResult | None
    differentials: tuple[Differential, ...]

    @property
    def pictures_per_second(self) -> float:
        """Pictures decoded, searched for faces and embedded in a second, by all workers together."""
        return self.pictures / self.seconds if self.seconds > 0 else 0.0

    def as_json(self) -> dict[str, object]:
        """All figures as JSON values; no name, no embedding, no score of a single pair."""
        return evaluation_as_json(self)


def evaluate(
    pictures: PictureSet,
    embedder: Embedder,
    *,
    groups: Mapping[str, Sequence[str | None]] | None = None,
    calibration: Calibration | None = None,
    plaintext: bool = False,
    workers: int = DEFAULT_WORKERS,
    progress: Progress | None = None,
) -> Evaluation:
    """Embed all pictures and measure.

    Args:
        pictures: what to measure on.
        embedder: the model with its detector.
        groups: for each attribute the group of each person (see ``evaluation_data.read_groups``).
        calibration: thresholds to be judged; also the common thresholds of the groups. Must be of this model.
        plaintext: compare embeddings, not the codes of the gallery.
        workers: threads, two by default.
        progress: called with a stage, the steps done and all steps.

    Raises:
        FormatError: the calibration is of another model.
        BadInputError: the set has no mated or no non-mated pair left.
    """
    acquisition = acquire(pictures.paths, embedder, workers=workers, progress=progress)
    return evaluate_acquired(
        pictures, acquisition, groups=groups, calibration=calibration, plaintext=plaintext, progress=progress
    )


def evaluate_acquired(
    pictures: PictureSet,
    acquisition: Acquisition,
    *,
    groups: Mapping[str, Sequence[str | None]] | None = None,
    calibration: Calibration | None = None,
    plaintext: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure on embeddings that are at hand; arguments and errors as for :func:`evaluate`."""
    if calibration is not None and calibration.model != acquisition.model:
        raise FormatError("the calibration is of another model", hint="Measure one with --write-calibration.")
    tell = progress or (lambda _stage, _done, _all: None)
    kept = acquisition.acquired
    compared, scale = acquisition.embeddings, 1.0
    if not plaintext:
        compared, scale = np.zeros_like(compared), float(SCORE_SCALE)
        compared[kept] = fine_code(acquisition.embeddings[kept])
    embeddings, subjects = compared[kept], pictures.subjects[kept]
    if not all(pair_counts(subjects)):
        raise BadInputError(
            "too few pictures with a face: no mated or no non-mated pair is left",
            hint="Give pictures of two people at least, and two pictures of at least one of them.",
        )
    stages = 4 + len(groups or {})
    tell("measuring", 0, stages)
    mated, non_mated = gather(embeddings, subjects, scale=scale)
    pictures_of = np.bincount(subjects, minlength=len(pictures.names))
    tell("measuring", 1, stages)
    pairs = pictures.pairs or draw_pairs(pictures.subjects)
    accuracy = _accuracy(compared, kept, pairs, scale) if pairs is not None else None
    asked = [point for fmr in FMRS if (point := operating_point(mated, non_mated, fmr)) is not None]
    points = tuple(_with_intervals(mated, non_mated, pictures_of, point) for point in asked)
    tell("measuring", 2, stages)
    calibrated = tuple(
        _with_intervals(mated, non_mated, pictures_of, _point_of_level(mated, non_mated, level.fmr, level.threshold))
        for level in (calibration.levels if calibration else ())
    )
    tell("measuring", 3, stages)
    search = _search(embeddings, subjects, scale)
    tell("measuring", 4, stages)
    differentials: list[Differential] = []
    thresholds = _common_thresholds(calibration, points)
    for done, (attribute, group_of) in enumerate((groups or {}).items(), start=5):
        differentials += differential(
            embeddings, subjects, group_of, attribute=attribute, thresholds=thresholds, scale=scale
        )
        tell("measuring", done, stages)
    read = len(pictures.paths) - acquisition.unreadable
    return Evaluation(
        model=acquisition.model,
        plaintext=plaintext,
        people=len(pictures.names),
        pictures=len(pictures.paths),
        failure_to_acquire=Rate(acquisition.no_face, read),
        unreadable=acquisition.unreadable,
        seconds=acquisition.seconds,
        workers=acquisition.workers,
        accuracy=accuracy,
        pairs_drawn=pairs is not None and pairs.drawn,
        mated=mated,
        non_mated=non_mated,
        pictures_of=pictures_of,
        points=points,
        calibrated=calibrated,
        det=det_curve(mated, non_mated),
        search=search,
        differentials=tuple(differentials),
    )


def _accuracy(compared: Floats, acquired: NDArray[np.bool_], pairs: PairList, scale: float) -> FoldAccuracy:
    """A pair with a picture without a face has the lowest score: a wrong decision if mated, a right one if not."""
    scores = np.einsum("ij,ij->i", compared[pairs.first], compared[pairs.second]) / np.float32(scale)
    both = acquired[pairs.first] & acquired[pairs.second]
    return fold_accuracy(np.where(both, scores, np.float32(-1)), pairs.mated, pairs.fold)


def _point_of_level(mated: MatedScores, non_mated: NonMatedSummary, fmr: float, threshold: float) -> OperatingPoint:
    return OperatingPoint(
        fmr,
        threshold,
        false_match_rate(non_mated, threshold),
        false_non_match_rate(mated, threshold),
        non_mated.subject_pairs_passing(threshold),
    )


def _with_intervals(
    mated: MatedScores, non_mated: NonMatedSummary, pictures_of: Integers, point: OperatingPoint
) -> PointResult:
    return PointResult(
        point, fmr_interval(non_mated, pictures_of, point.threshold), fnmr_interval(mated, point.threshold)
    )


def _common_thresholds(calibration: Calibration | None, points: Sequence[PointResult]) -> list[tuple[float, float]]:
    """Those of the calibration, for a small set cannot say where its own threshold lies; else those measured here."""
    if calibration is not None:
        levels = [calibration.level_for_fmr(fmr) for fmr in DIFFERENTIAL_FMRS]
        return [(calibration.levels[i].fmr, calibration.levels[i].threshold) for i in levels if i is not None]
    return [
        (result.point.target_fmr, result.point.threshold)
        for result in points
        if result.point.target_fmr in DIFFERENTIAL_FMRS
    ]


def _search(embeddings: Floats, subjects: Integers, scale: float) -> SearchResult | None:
    enrolled, first = np.unique(subjects, return_index=True)
    probes = np.setdiff1d(np.arange(subjects.size), first)
    if not probes.size or enrolled.size < 2:
        return None
    scores: SearchScores = search_scores(embeddings[first], enrolled, embeddings[probes], subjects[probes], scale=scale)
    return SearchResult(
        references=scores.references,
        probes=int(probes.size),
        rank_1=scores.identified_at_rank(1),
        rank_10=scores.identified_at_rank(10),
        points=tuple(
            SearchPoint(
                fpir,
                threshold,
                scores.false_positive_identification_rate(threshold),
                scores.false_negative_identification_rate(threshold),
            )
            for fpir in FPIRS
            if (threshold := scores.threshold_at(fpir)) is not None
        ),
    )
