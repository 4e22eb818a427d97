"""An empty registry for each test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry
from tests.unit.store.registry_scenes import (
    KEEP,
    MODEL,
)


@pytest.fixture
def keys() -> MemoryKeyProvider:
    return MemoryKeyProvider()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.sqlite"


@pytest.fixture
def registry(path: Path, keys: MemoryKeyProvider) -> Iterator[Registry]:
    with Registry.create(path, keys, keep_id=KEEP, model=MODEL) as made:
        yield made
