"""Keys are replaced whole, whatever happens meanwhile."""

from pathlib import Path

import pytest

from facekeep.errors import DamagedStoreError, KeyMissingError, UsageError
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry
from facekeep.store.registry_keys import RegistryKeys
from tests.unit.store.registry_scenes import (
    KEEP,
    MODEL,
    blind_indexes,
    fill,
    root_cells,
    snapshot,
)


class Crash(BaseException):
    """Stands for the end of the process."""


class Crashing(MemoryKeyProvider):
    """Dies before or after the n-th change of a key."""

    countdown: int | None = None

    def _tick(self) -> None:
        if self.countdown is not None:
            self.countdown -= 1
            if self.countdown < 0:
                raise Crash

    def put(self, name: str, key: bytes) -> None:
        self._tick()
        super().put(name, key)
        self._tick()

    def delete(self, name: str) -> None:
        self._tick()
        super().delete(name)
        self._tick()


class TestEpochs:
    def test_an_epoch_seals_all_anew_and_old_copies_die_with_the_old_key(
        self, registry: Registry, path: Path, keys: MemoryKeyProvider, tmp_path: Path
    ) -> None:
        fill(registry)
        before = snapshot(registry)
        backup = tmp_path / "backup.sqlite"
        backup.write_bytes(path.read_bytes())
        cells = {c for row in root_cells(path) for c in row}
        assert registry.begin_epoch() == registry.epoch == 2
        assert keys.names() == ("registry", "registry.epoch.1", "registry.epoch.2")
        assert snapshot(registry) == before
        registry.finish_epoch()
        assert keys.names() == ("registry", "registry.epoch.2")
        assert not cells & {c for row in root_cells(path) for c in row}
        assert not any(c in content for c in cells for content in (p.read_bytes() for p in path.parent.glob("reg*")))
        registry.check()
        registry.close()
        with Registry.open(path, keys) as again:
            assert snapshot(again) == before
            assert again.epoch == 2
        with pytest.raises(KeyMissingError, match="another epoch") as caught:
            Registry.open(backup, keys)
        assert "older copy" in caught.value.hint
        assert keys.names() == ("registry", "registry.epoch.2")

    def test_a_rotation_replaces_role_key_epoch_key_and_every_index(
        self, registry: Registry, path: Path, keys: MemoryKeyProvider
    ) -> None:
        fill(registry)
        before, old = snapshot(registry), {name: keys.get(name) for name in keys.names()}
        indexes = blind_indexes(path)
        assert registry.rotate() == 2
        assert keys.names() == ("registry", "registry.epoch.2")
        assert keys.get("registry") != old["registry"]
        assert not indexes & blind_indexes(path)
        assert snapshot(registry) == before
        registry.check()
        registry.close()
        with Registry.open(path, keys) as again:
            assert snapshot(again) == before
            assert again.rotate() == 3
            assert snapshot(again) == before

    @pytest.mark.parametrize("act", ["begin_epoch", "rotate"])
    def test_a_crash_at_any_change_of_keys_leaves_a_registry_that_opens(self, tmp_path: Path, act: str) -> None:
        """Crashes before and after every single call on the key provider, and around the commit."""
        for step in range(40):
            keys = Crashing()
            path = tmp_path / f"{act}{step}.sqlite"
            registry = Registry.create(path, keys, keep_id=KEEP, model=MODEL)
            fill(registry)
            before = snapshot(registry)
            keys.countdown = step
            crashed = True
            try:
                getattr(registry, act)()
                registry.finish_epoch()
                crashed = False
            except Crash:
                pass
            keys.countdown = None
            registry.close()
            # What the crash left may be opened by a process that crashes in the same way.
            for second in range(12):
                keys.countdown = second
                try:
                    Registry.open(path, keys).close()
                except Crash:
                    continue
                break
            keys.countdown = None
            with Registry.open(path, keys) as again:
                assert snapshot(again) == before
                assert keys.names() == ("registry", f"registry.epoch.{again.epoch}")
                again.check()
                getattr(again, act)()
                again.finish_epoch()
                assert snapshot(again) == before
            if not crashed:
                break
        else:
            pytest.fail("the countdown never reached the end")
        assert step > 5

    def test_a_rollback_after_the_keys_were_drawn_keeps_the_old_ones(
        self, registry: Registry, keys: MemoryKeyProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(registry)
        before = snapshot(registry)

        def fail(*_: object, **__: object) -> None:
            raise Crash

        with monkeypatch.context() as patch:
            patch.setattr("facekeep.store.registry.rekey", fail)
            with pytest.raises(Crash):
                registry.rotate()
        assert snapshot(registry) == before
        assert "registry.next" in keys.names()
        registry.rotate()
        assert snapshot(registry) == before
        assert keys.names() == ("registry", "registry.epoch.2")

    def test_an_opening_never_destroys_the_keys_of_a_change_under_way(
        self, registry: Registry, path: Path, keys: MemoryKeyProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = RegistryKeys.successor
        monkeypatch.setattr("facekeep.store.database._BUSY_SECONDS", 0.01)
        refused = []

        def open_meanwhile(self: RegistryKeys, **arguments: object) -> object:
            with pytest.raises(UsageError, match="another process") as caught:
                Registry.open(path, keys)
            refused.append(caught.value)
            return real(self, **arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(RegistryKeys, "successor", open_meanwhile)
        registry.rotate()
        registry.check()
        assert len(refused) == 1

    def test_a_registry_whose_keys_another_process_changed_says_so(
        self, registry: Registry, path: Path, keys: MemoryKeyProvider
    ) -> None:
        with Registry.open(path, keys) as other:
            other.rotate()
        for call in (registry.subject_count, registry.rotate, registry.finish_epoch):
            with pytest.raises(DamagedStoreError, match="another process changed"):
                call()
        Registry.open(path, keys).close()
