"""Looking after a keep goes on after an error that nobody meant, which is told."""

from __future__ import annotations

import threading
from typing import cast

from facekeep.errors import UnavailableError
from facekeep.service.keep import Keep
from facekeep.service.tending import Tending


class Tended:
    """Stands in for a keep whose roles are apart: it fails as it is told to, then is well."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.well = threading.Event()

    def tend(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.well.set()


def test_an_error_that_nobody_meant_is_told_and_looking_goes_on() -> None:
    keep, unmeant = Tended(UnavailableError("away"), ValueError("anything")), list[Exception]()
    with Tending(cast("Keep", keep), every=0.001, unmeant=unmeant.append) as tending:
        assert keep.well.wait(10)
    assert tending.well
    assert [type(error) for error in unmeant] == [ValueError]
