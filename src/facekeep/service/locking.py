"""A lock that many may share, or one may have alone: searches and look-ups side by side, writes by themselves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SharedLock:
    """Shared by readers, or held by one writer. A writer who waits goes before readers who come after it.

    The writer may enter again, either way. A reader may not become a writer: it would wait for itself.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._waiting = 0
        self._writer: int | None = None
        self._depth = 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Hold it together with others who share it."""
        if self._writer == threading.get_ident():
            with self.exclusive():
                yield
            return
        with self._changed:
            self._changed.wait_for(lambda: self._writer is None and self._waiting == 0)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold it alone."""
        me = threading.get_ident()
        with self._changed:
            if self._writer != me:
                self._waiting += 1
                try:
                    self._changed.wait_for(lambda: self._writer is None and self._readers == 0)
                finally:
                    self._waiting -= 1
                    self._changed.notify_all()  # if it was interrupted, readers waited for nothing
                self._writer = me
            self._depth += 1
        try:
            yield
        finally:
            with self._changed:
                self._depth -= 1
                if self._depth == 0:
                    self._writer = None
                    self._changed.notify_all()
