"""An evaluation as JSON values: figures with their counts and intervals; curves and distributions thinned.

No name of a person, no embedding and no score of a single pair is among them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from facekeep.domain.differentials import Differential
    from facekeep.domain.performance import DetCurve, Rate
    from facekeep.service.evaluation import Evaluation, PointResult, SearchResult

SCHEMA = "facekeep-evaluation/1"
DISTRIBUTION_BINS = 200
CURVE_POINTS = 200


def evaluation_as_json(result: Evaluation) -> dict[str, object]:
    """All figures of an evaluation as dictionaries, lists, numbers, strings and None; no NaN."""
    return {
        "schema": SCHEMA,
        "model": result.model,
        "comparison": "plaintext" if result.plaintext else "gallery",
        "people": result.people,
        "pictures": result.pictures,
        "failure_to_acquire": _rate(result.failure_to_acquire),
        "unreadable": result.unreadable,
        "throughput": {
            "seconds": result.seconds,
            "workers": result.workers,
            "pictures_per_second": result.pictures_per_second,
        },
        "accuracy": None
        if result.accuracy is None
        else {
            "mean": result.accuracy.mean,
            "standard_error": result.accuracy.standard_error,
            "folds": result.accuracy.folds.tolist(),
            "thresholds": result.accuracy.thresholds.tolist(),
            "pairs": "drawn" if result.pairs_drawn else "given",
        },
        "pairs": {
            "mated": int(result.mated.scores.size),
            "non_mated": result.non_mated.count,
            "non_mated_mean": result.non_mated.mean,
            "non_mated_deviation": result.non_mated.deviation,
        },
        "equal_error_rate": result.det.equal_error_rate,
        "points": [_point(point) for point in result.points],
        "calibrated": [_point(point) for point in result.calibrated],
        "search": None if result.search is None else _search(result.search),
        "differentials": [_differential(one) for one in result.differentials],
        "det": _curve(result.det),
        "distributions": {
            "edges": np.linspace(-1, 1, DISTRIBUTION_BINS + 1).round(6).tolist(),
            "mated": thin(result.mated.histogram()).tolist(),
            "non_mated": thin(result.non_mated.histogram).tolist(),
        },
    }


def thin(histogram: NDArray[np.int64]) -> NDArray[np.int64]:
    """A histogram over −1 … 1 in 200 bins."""
    bins: NDArray[np.int64] = histogram.reshape(DISTRIBUTION_BINS, -1).sum(axis=1)
    return bins


def curve_indices(curve: DetCurve) -> NDArray[np.intp]:
    """Up to 200 positions on a DET curve, evenly apart on a logarithmic FMR axis, without its flat ends."""
    seen = np.flatnonzero((curve.fmr > 0) & (curve.fnmr > 0))
    if not seen.size:
        return seen
    steps = np.linspace(math.log(curve.fmr[seen[0]]), math.log(curve.fmr[seen[-1]]), CURVE_POINTS)
    positions: NDArray[np.intp] = np.unique(np.searchsorted(-np.log(curve.fmr[seen]), -steps).clip(0, seen.size - 1))
    return seen[positions]


def _rate(rate: Rate) -> dict[str, object]:
    return {
        "rate": rate.value if rate.trials else None,
        "count": rate.errors,
        "trials": rate.trials,
        "interval": list(rate.interval),
    }


def _point(result: PointResult) -> dict[str, object]:
    point = result.point
    return {
        "target_fmr": point.target_fmr,
        "threshold": point.threshold,
        "fmr": {**_rate(point.fmr), "interval_over_subjects": _ends(result.fmr_over_subjects)},
        "fnmr": {**_rate(point.fnmr), "interval_over_subjects": _ends(result.fnmr_over_subjects)},
        "tar": point.tar,
        "subject_pairs": point.subject_pairs,
    }


def _search(search: SearchResult) -> dict[str, object]:
    return {
        "references": search.references,
        "probes": search.probes,
        "rank_1": _rate(search.rank_1),
        "rank_10": _rate(search.rank_10),
        "points": [
            {
                "target_fpir": point.target_fpir,
                "threshold": point.threshold,
                "fpir": _rate(point.fpir),
                "fnir": _rate(point.fnir),
            }
            for point in search.points
        ],
    }


def _differential(one: Differential) -> dict[str, object]:
    return {
        "attribute": one.attribute,
        "target_fmr": one.target_fmr,
        "threshold": one.threshold,
        "fmr_ratio": one.fmr_ratio,
        "fmr_spread": _finite(one.fmr_spread),
        "fnmr_ratio": one.fnmr_ratio,
        "fnmr_spread": _finite(one.fnmr_spread),
        "groups": [
            {
                "group": group.group,
                "subjects": group.subjects,
                "small": group.small,
                "fmr": _rate(group.fmr),
                "fnmr": {**_rate(group.fnmr), "interval_over_subjects": _ends(group.fnmr_over_subjects)},
            }
            for group in one.groups
        ],
    }


def _curve(curve: DetCurve) -> dict[str, object]:
    chosen = curve_indices(curve)
    return {
        "threshold": curve.thresholds[chosen].round(4).tolist(),
        "fmr": curve.fmr[chosen].tolist(),
        "fnmr": curve.fnmr[chosen].tolist(),
    }


def _ends(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
