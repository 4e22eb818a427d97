"""Papers in a real browser: nobody is shut out of them, and nothing in them is loaded or run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.service.about import About
from facekeep.service.claims import Lost
from facekeep.service.facts import Presence, Present, Quarter
from facekeep.service.paper import Paper, page
from facekeep.service.report_breach import Breach, BreachPack
from facekeep.service.report_dpia import ImpactAssessment
from facekeep.service.report_register import Register
from facekeep.service.report_transparency import Transparency
from tests.browser.accessible import faults
from tests.browser.devtools import chromium
from tests.unit.service.some_facts import NOW, some_drill, some_evaluation, some_facts


def _papers() -> list[Paper]:
    facts, about = some_facts(), About()
    breach = Breach(frozenset({Lost.REGISTRY, Lost.KEYS_REGISTRY, Lost.LEFT}), NOW, NOW, NOW - timedelta(0))
    presence = Presence((Present("00" * 16, "ada", "Ada", NOW, 1, (Purpose.VERIFY,)),), 1)
    return [
        Register(facts, about).paper(),
        ImpactAssessment(facts, about, some_drill("left-hoard"), some_evaluation(), ("warning: swap is on",)).paper(),
        BreachPack(breach, facts, presence, about, None).paper(),
        Transparency(facts, about, {}, Quarter(2026, 1), Quarter(2026, 4)).paper(),
    ]


@pytest.mark.enable_socket
def test_papers_shut_nobody_out(tmp_path: Path) -> None:
    with chromium(tmp_path) as browser:
        for number, paper in enumerate(_papers()):
            file = tmp_path / f"{number}.html"
            file.write_text(page(paper), encoding="utf-8")
            for scheme in ("light", "dark") if number == 2 else ("light",):  # all have one style
                browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
                browser.open(file.as_uri())
                assert faults(browser) == [], (paper.title, scheme)
            assert browser.evaluate("document.scripts.length + performance.getEntriesByType('resource').length") == 0
