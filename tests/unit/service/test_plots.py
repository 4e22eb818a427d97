from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from facekeep.service.plots import STYLE, Axis, Mark, Plot, Series


def _plot(**changes: object) -> Plot:
    values: dict[str, object] = {
        "title": "Rates <b> & more",
        "description": 'what "is" seen',
        "x": Axis("x & y", 1e-6, 1.0, log=True),
        "y": Axis("share", 0.0, 1.0),
        "series": [
            Series("a<b", [1e-5, 1e-3, 0.1], [0.9, 0.5, 0.1]),
            Series("stairs", [1e-5, 1e-3], [0.2, 0.3], "step"),
            Series("bars", [1e-5, 1e-3, 1e-2], [0.2, 0.3, float("nan")], "bars"),
            Series("dots", [1e-5, 1e-3], [0.2, 0.3], "points"),
            Series("none", [], []),
        ],
        "marks": [Mark("here & now", 1e-4)],
    }
    return Plot(**{**values, **changes})  # type: ignore[arg-type]


def test_it_is_well_formed_and_says_what_it_shows() -> None:
    root = ET.fromstring(_plot().svg())  # noqa: S314 — our own text
    space = "{http://www.w3.org/2000/svg}"
    title, description = root.find(f"{space}title"), root.find(f"{space}desc")
    assert title is not None
    assert description is not None
    assert (title.text, description.text) == ("Rates <b> & more", 'what "is" seen')
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"
    words = {element.text for element in root.iter(f"{space}text")}
    assert {"a<b", "stairs", "bars", "dots", "none", "here & now", "x & y", "share", "1e−6", "0.2"} <= words
    assert len(list(root.iter(f"{space}circle"))) == 2


def test_values_lie_inside_the_frame_and_in_order() -> None:
    text = _plot(series=[Series("a", [1e-9, 1e-3, 5.0], [2.0, 0.5, -1.0])], marks=[]).svg()
    path = re.findall(r'class="series"[^>]* d="M([^"]*)"', text)[0]
    points = [tuple(float(value) for value in point.split()) for point in path.split("L")]
    assert points[0] == (70.0, 28.0)
    assert points[2] == (704.0, 400 - 48 - 18)
    assert points[1][0] == pytest.approx((70 + 704) / 2, abs=0.1)


def test_series_differ_by_dashes_and_follow_the_page() -> None:
    text = _plot().svg()
    dashes = re.findall(r'class="series" stroke="var\(--c(\d)\)"(?: stroke-dasharray="([^"]*)")?', text)
    assert len(set(dashes)) == 5
    assert "currentColor" in STYLE
    assert "prefers-color-scheme: dark" in STYLE
    assert not re.search(r"(?i)<script|href|url\(|#[0-9a-f]{6}", text)


def test_ticks() -> None:
    assert Axis("", 1e-7, 1.0, log=True).ticks() == pytest.approx([10.0**p for p in range(-7, 1)])
    assert len(Axis("", 1e-30, 1.0, log=True).ticks()) <= 10
    assert Axis("", -0.6, 1.0).ticks() == pytest.approx([-0.5, 0.0, 0.5, 1.0])
    assert Axis("", 0.0, 120.0).ticks() == pytest.approx([0, 20, 40, 60, 80, 100, 120])


def test_nonsense_is_refused() -> None:
    for low, high, log in ((1.0, 1.0, False), (0.0, 1.0, True), (float("nan"), 1.0, False)):
        with pytest.raises(ValueError, match="axis"):
            Axis("", low, high, log)
    with pytest.raises(ValueError, match="as many"):
        Series("", [1.0], [])
