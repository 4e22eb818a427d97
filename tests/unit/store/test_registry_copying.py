"""A copy of the registry is of one moment, and holds nobody up."""

from __future__ import annotations

from pathlib import Path

import pytest

from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry
from tests.unit.store.registry_scenes import NOW, enrol, pseudonym


def test_a_copy_is_of_the_moment_at_which_it_began(registry: Registry, keys: MemoryKeyProvider, tmp_path: Path) -> None:
    with registry.transaction() as tx:
        anna = enrol(tx, "anna", pseudonym())
    with registry.copying() as copy:
        with registry.transaction() as tx:
            enrol(tx, "berta", pseudonym())
            tx.erase_subject(anna, NOW)
        assert not registry.log_is_empty  # the copy still needs what it holds
        copy(tmp_path / "copy")
        with pytest.raises(FileExistsError):
            copy(tmp_path / "copy")
    assert registry.log_is_empty
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600
    with Registry.open(tmp_path / "copy", keys) as old:
        old.check()
        assert [person.label for person in old.subjects()] == ["anna"]
        with old.read() as view:
            assert view.last_erasure() is None
    with registry.read() as view:
        assert view.last_erasure() == NOW
    assert [person.label for person in registry.subjects()] == ["berta"]
