"""Halves and registrar on hosts of their own, for tests in which the gate is a command at a time, or the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.apart.hosts import SERVERS, Hosts


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """They run until the last test that uses them, which may end them."""
    made = Hosts(tmp_path_factory.mktemp("servers"))
    try:
        made.set_up()
        made.start(*SERVERS)
        yield made
    finally:
        made.close()
