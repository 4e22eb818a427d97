"""An evaluation as one HTML page: no scripts, nothing loaded from elsewhere, light and dark, plots as inline SVG."""

from __future__ import annotations

import math

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from facekeep.domain.performance import Rate
from facekeep.service.evaluation import Evaluation
from facekeep.service.evaluation_json import DISTRIBUTION_BINS, curve_indices, thin
from facekeep.service.plots import STYLE, Axis, Mark, Plot, Series


def html_report(result: Evaluation, *, title: str = "Evaluation") -> str:
    """The report.

    Args:
        result: what was found.
        title: heading of the page, for instance the name of the set of pictures. Escaped.

    Returns:
        A complete HTML document.
    """
    environment = Environment(
        loader=PackageLoader("facekeep.service"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(percent=_percent, rate=_rate, ends=_ends, power=_power, number="{:,}".format)
    return environment.get_template("evaluation.html.j2").render(
        result=result,
        title=title,
        style=STYLE,
        plots=[plot.svg() for plot in _plots(result)],
    )


def _plots(result: Evaluation) -> list[Plot]:
    chosen = curve_indices(result.det)
    fmr, fnmr = result.det.fmr[chosen], result.det.fnmr[chosen]
    lowest = _decade(max(1 / result.non_mated.count, 1e-9))
    det = Plot(
        "Detection error trade-off",
        "False non-match rate over false match rate as the threshold falls, both axes logarithmic.",
        Axis("false match rate (all cross pairs)", lowest, 1.0, log=True),
        Axis("false non-match rate", _decade(1 / result.mated.scores.size), 1.0, log=True),
        [Series("measured", fmr.tolist(), fnmr.tolist())],
        [Mark(f"FMR {_power(p.point.target_fmr)}", p.point.target_fmr) for p in result.points],
    )
    edges = np.linspace(-1, 1, DISTRIBUTION_BINS + 1)[:-1]
    shares = {
        "non-mated pairs": thin(result.non_mated.histogram) / result.non_mated.count,
        "mated pairs": thin(result.mated.histogram()) / result.mated.scores.size,
    }
    lowest_share = _decade(min(share[share > 0].min() for share in shares.values()))
    scores = Plot(
        "Comparison scores",
        "Share of the pairs of different people and of the pairs of one person in bins of 0.01 of cosine, logarithmic.",
        Axis("cosine of two embeddings", -0.6, 1.0),
        Axis("share of the pairs in a bin", lowest_share, 1.0, log=True),
        [Series(label, edges.tolist(), share.tolist(), "bars") for label, share in shares.items()],
        [Mark(f"FMR {_power(p.point.target_fmr)}", p.point.threshold) for p in result.points],
    )
    return [det, scores] if chosen.size > 1 else [scores]


def _decade(value: float) -> float:
    """The power of ten below, a tenth at most: the lower end of an axis that goes to 1."""
    return float(min(0.1, 10.0 ** np.floor(np.log10(value))))


def _percent(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "–"
    if 0 < value < 1e-3:
        return f"{value:.2e}".replace("e-0", "e−").replace("e-", "e−")
    return f"{100 * value:.2f} %" if value >= 0.9 else f"{100 * value:.3g} %"


def _rate(rate: Rate) -> str:
    return f"{_percent(rate.value)} ({rate.errors:,} of {rate.trials:,})" if rate.trials else "– (no trial)"


def _ends(interval: tuple[float, float] | None) -> str:
    return "–" if interval is None else f"{_percent(interval[0])} to {_percent(interval[1])}"


def _power(value: float) -> str:
    return f"{value:.0e}".replace("e-0", "e−").replace("e-", "e−")
