"""What a served keep does unasked: what is too old goes, and a role on another host that comes back is noticed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Self

from facekeep.errors import FacekeepError
from facekeep.service.keep import Keep

EVERY_SECONDS = 1.0
FRESH_SECONDS = 15.0
"""A look that is older than this says nothing any more: the last one has not come back."""


class Tending:
    """Looks after a keep every second, in a thread of its own, while its block lasts."""

    def __init__(
        self,
        keep: Keep,
        *,
        also: Callable[[], None] = lambda: None,
        every: float = EVERY_SECONDS,
        unmeant: Callable[[Exception], None] = lambda _: None,
    ) -> None:
        """Be ready; entering the block begins.

        Args:
            keep: open, and open for longer than this.
            also: is called at each look, for what is kept beside the keep.
            every: seconds between two looks.
            unmeant: is told of an error that nobody meant; looking goes on.
        """
        self._keep = keep
        self._also = also
        self._every = every
        self._unmeant = unmeant
        self._seen: float | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="facekeep-tending", daemon=True)

    @property
    def well(self) -> bool:
        """Whether every store answered when it was looked at last, a moment ago. Asks nobody and never waits."""
        seen = self._seen
        return seen is not None and monotonic() - seen < FRESH_SECONDS

    def __enter__(self) -> Self:
        """Begin, with a first look."""
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(self._every):
            self._look()

    def _look(self) -> None:
        try:
            self._keep.tend()
            self._also()
        except FacekeepError:  # whoever asks meanwhile is told the same, with its reason
            self._seen = None
        except Exception as error:  # noqa: BLE001 - told, and looked at again: nobody restarts this thread
            self._seen = None
            self._unmeant(error)
        else:
            self._seen = monotonic()
