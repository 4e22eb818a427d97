"""What axe-core finds on a page, put into it by DevTools: the page's own policy allows no such script."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from tests.browser.devtools import Page

__all__ = ["faults"]

_AXE = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"
_RUN = """axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations
  .filter(one => one.impact === 'serious' || one.impact === 'critical' || one.tags.some(tag => /^wcag/.test(tag)))
  .map(one => one.id + ': ' + one.nodes.map(node => node.target + ' ' + node.failureSummary).join('; ')))"""


@cache
def _axe() -> str:
    return _AXE.read_text()


def faults(page: Page) -> list[str]:
    """Faults that are serious or critical, and those against WCAG of any weight."""
    if not page.evaluate("typeof axe !== 'undefined'"):
        page.evaluate(f"{_axe()}; undefined")
    found: Any = page.evaluate(_RUN)
    return [str(fault) for fault in found]
