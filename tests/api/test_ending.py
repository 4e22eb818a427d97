"""A service that is told to end while it begins ends, and leaves no thread behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from facekeep.interfaces.http import serving
from facekeep.interfaces.http.app import build
from facekeep.interfaces.http.rates import Rates
from facekeep.interfaces.http.serving import Listening
from facekeep.service.keep import Keep


@pytest.mark.enable_socket
def test_told_to_end_while_a_thread_starts_it_ends_that_too(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    @contextmanager
    def retaining(_: Keep) -> Iterator[None]:
        done.append("started")
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            yield
        finally:
            done.append("ended")

    monkeypatch.setattr(serving, "Retaining", retaining)
    monkeypatch.setattr(serving, "warm_up", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended:
        serving._run(build(keep, Rates(None, None)), Listening("127.0.0.1", 0), done.append)
    assert ended.value.code == 0
    assert (done[1:], signal.getsignal(signal.SIGTERM)) == (["started", "ended"], before)
