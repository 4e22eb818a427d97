"""``facekeep`` as it would be without interfaces/memory.py: the control, by which a hunt shows that it would find."""

from __future__ import annotations

import sys

from facekeep.interfaces import memory
from facekeep.interfaces.cli import main


def _careless() -> None:
    memory.harden = lambda: ()
    memory.settle = lambda: None
    memory.Sweeper.soon = lambda _: None  # type: ignore[method-assign]


if __name__ == "__main__":
    _careless()
    sys.exit(main())
