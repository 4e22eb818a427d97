import stat
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facekeep.domain.consent import Purpose
from facekeep.errors import DamagedStoreError, KeyMissingError, ModelError, UsageError
from facekeep.service.answers import KeepStatus
from facekeep.service.doctor import (
    Finding,
    Layout,
    Place,
    Severity,
    Space,
    error_finding,
    inspect_host,
    inspect_layout,
    inspect_models,
    inspect_reviewing,
    inspect_status,
    worst_first,
)
from facekeep.service.facts import ReviewingFacts

_ME = 1000
_KEEP, _KEYS = Path("/srv/keep"), Path("/vault/keys")
_NOW = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class _Host:
    """A machine in memory: four disks, one for each store and one for the keys."""

    places: dict[Path, Place] = field(default_factory=dict)
    account: int = _ME
    swaps: Sequence[str] = ()
    limit: int = 0
    pattern: str = "core"
    erases: bool = True
    free: int = 100 << 30

    def place(self, path: Path) -> Place | None:
        return self.places.get(path)

    def children(self, folder: Path) -> Sequence[Path]:
        return sorted(path for path in self.places if path.parent == folder and path != folder)

    def space(self, path: Path) -> Space | None:
        return Space(self.free, self.free) if path in self.places else None

    def swap_devices(self) -> Sequence[str]:
        return self.swaps

    def core_limit(self) -> int:
        return self.limit

    def core_pattern(self) -> str:
        return self.pattern

    def erases_freed(self) -> bool:
        return self.erases

    def add(self, path: Path, disk: str, mode: int, *, folder: bool = True) -> None:
        self.places[path] = Place(disk, _ME, (stat.S_IFDIR if folder else stat.S_IFREG) | mode)

    def change(self, path: Path, **fields: object) -> None:
        self.places[path] = replace(self.places[path], **fields)  # type: ignore[arg-type]


def _sound() -> tuple[Layout, _Host]:
    host = _Host()
    for path in (Path("/"), Path("/srv"), Path("/vault")):
        host.add(path, "root", 0o711)
    host.add(_KEEP, "root", 0o700)
    host.add(_KEYS, "stick", 0o700)
    for number, role in enumerate(("registry", "left", "right")):
        host.add(_KEEP / role, f"disk {number}", 0o700)
        host.add(_KEEP / role / "store.db", f"disk {number}", 0o600, folder=False)
        host.add(_KEYS / role, f"stick {number}", 0o700)
        host.add(_KEYS / role / f"{role}.key", f"stick {number}", 0o600, folder=False)
    host.add(_KEEP / "evidence", "root", 0o700)
    host.add(_KEEP / "evidence" / "evidence.db", "root", 0o600, folder=False)
    return Layout(_KEEP, _KEYS, passphrase=frozenset({"right"})), host


def _codes(findings: object) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in findings}  # type: ignore[attr-defined]


def test_a_sound_keep_has_no_finding() -> None:
    layout, host = _sound()
    assert not [*inspect_layout(layout, host), *inspect_host(layout, host)]


@pytest.mark.parametrize("path", [_KEYS, _KEYS / "left", _KEYS / "right" / "right.key"])
@pytest.mark.parametrize("bit", [0o040, 0o020, 0o004, 0o001])
def test_a_key_that_others_reach_is_critical(path: Path, bit: int) -> None:
    layout, host = _sound()
    host.change(path, mode=host.places[path].mode | bit)
    assert _codes(inspect_layout(layout, host)) == {"loose-keys": Severity.CRITICAL}


@pytest.mark.parametrize(
    "path", [_KEEP, _KEEP / "left", _KEEP / "registry" / "store.db", _KEEP / "evidence" / "evidence.db"]
)
def test_a_store_that_others_reach_is_a_warning(path: Path) -> None:
    layout, host = _sound()
    host.change(path, mode=host.places[path].mode | 0o040)
    assert _codes(inspect_layout(layout, host)) == {"loose-stores": Severity.WARNING}


@pytest.mark.parametrize("path", [_KEEP, _KEEP / "left" / "store.db", _KEYS / "left"])
def test_a_foreign_owner_is_critical(path: Path) -> None:
    layout, host = _sound()
    host.change(path, owner=0)
    assert _codes(inspect_layout(layout, host)) == {"foreign-owner": Severity.CRITICAL}


def test_a_symbolic_link_is_told() -> None:
    layout, host = _sound()
    host.change(_KEEP / "left", mode=stat.S_IFLNK)
    assert _codes(inspect_layout(layout, host)) == {"symbolic-link": Severity.WARNING}


@pytest.mark.parametrize("path", [Path("/srv"), Path("/vault"), Path("/")])
def test_a_parent_that_everybody_writes_in_is_critical_unless_sticky(path: Path) -> None:
    layout, host = _sound()
    host.change(path, mode=stat.S_IFDIR | 0o773)
    assert _codes(inspect_layout(layout, host)) == {"writable-parent": Severity.CRITICAL}
    host.change(path, mode=stat.S_IFDIR | 0o1773)
    assert not _codes(inspect_layout(layout, host))


def test_a_parent_that_everybody_lists_is_a_note() -> None:
    layout, host = _sound()
    host.change(Path("/srv"), mode=stat.S_IFDIR | 0o755)
    assert _codes(inspect_layout(layout, host)) == {"readable-parent": Severity.NOTE}


def test_what_one_theft_takes_is_told() -> None:
    layout, host = _sound()
    host.change(_KEEP / "right", disk="disk 1")
    assert _codes(inspect_layout(layout, host)) == {"same-disk": Severity.WARNING}
    layout, host = _sound()
    host.change(_KEYS, disk="disk 2")
    assert _codes(inspect_layout(layout, host)) == {"keys-beside-stores": Severity.WARNING}
    layout, host = _sound()
    host.change(_KEYS / "right", disk="stick 1")
    assert _codes(inspect_layout(layout, host)) == {"keys-together": Severity.WARNING}


@pytest.mark.parametrize(
    ("keyring", "passphrase", "told"),
    [(set(), set(), True), ({"registry"}, set(), True), ({"left"}, set(), False), (set(), {"right"}, False)],
)
def test_one_half_should_have_keys_that_are_no_files(keyring: set[str], passphrase: set[str], told: bool) -> None:
    layout, host = _sound()
    layout = replace(layout, keyring=frozenset(keyring), passphrase=frozenset(passphrase))
    assert ("keys-in-files" in _codes(inspect_layout(layout, host))) is told


def test_no_keep_at_all_is_critical() -> None:
    assert _codes(inspect_layout(Layout(Path("/nowhere"), _KEYS), _Host())) == {"no-keep": Severity.CRITICAL}


def test_swap_is_told() -> None:
    layout, host = _sound()
    host.swaps = ["/dev/sda2"]
    assert _codes(inspect_host(layout, host)) == {"swap": Severity.WARNING}


@pytest.mark.parametrize(
    ("limit", "pattern", "told"),
    [
        (0, "core", False),
        (-1, "core", True),
        (4096, "core", True),
        (0, "|/usr/lib/systemd/systemd-coredump %P", True),
        (-1, "/dev/null", False),
    ],
)
def test_core_dumps_are_told(limit: int, pattern: str, told: bool) -> None:
    layout, host = _sound()
    host.limit, host.pattern = limit, pattern
    assert ("core-dumps" in _codes(inspect_host(layout, host))) is told


def test_memory_that_keeps_what_was_freed_is_told() -> None:
    layout, host = _sound()
    host.erases = False
    assert _codes(inspect_host(layout, host)) == {"freed-memory": Severity.WARNING}


@pytest.mark.parametrize(
    ("free", "severity"), [(2 << 30, None), (500 << 20, Severity.WARNING), (1 << 20, Severity.CRITICAL)]
)
def test_a_full_disk_is_told(free: int, severity: Severity | None) -> None:
    layout, host = _sound()
    host.free = free
    assert _codes(inspect_host(layout, host)).get("low-disk") == severity


def test_models_are_told() -> None:
    error = ModelError("the file of the model x was altered")
    (finding,) = inspect_models([error])
    assert (finding.code, finding.message, finding.hint) == ("model", error.message, error.hint)


def _status() -> KeepStatus:
    return KeepStatus(2, 2, 0, 5, "0" * 64, _NOW - timedelta(days=29), 0, (Purpose.VERIFY,))


def test_a_status_without_weakness() -> None:
    assert not list(inspect_status(_status(), _NOW))


def test_alarms_and_old_epochs_are_told() -> None:
    status = replace(_status(), alarms=3, refreshed=_NOW - timedelta(days=31), switches=())
    found = list(inspect_status(status, _NOW))
    assert _codes(found) == {"alarm": Severity.WARNING, "old-epoch": Severity.WARNING, "all-off": Severity.NOTE}
    assert "31 days" in next(f.message for f in found if f.code == "old-epoch")


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        (ReviewingFacts(), set()),
        (ReviewingFacts(reviewers=1), {"review-unheard"}),
        (ReviewingFacts(reviewers=2, told=True, urgent_hours=1.0), set()),
        (ReviewingFacts(reviewers=2, told=True, urgent_hours=1.1), {"review-urgent"}),
        (ReviewingFacts(urgent_hours=30), {"review-urgent"}),
    ],
)
def test_urgent_reviews_that_nobody_sees_are_told(facts: ReviewingFacts, codes: set[str]) -> None:
    assert _codes(inspect_reviewing(facts)) == dict.fromkeys(codes, Severity.WARNING)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DamagedStoreError("older than its twins: left half", store="left half"), "damaged-store"),
        (KeyMissingError("the key is missing", store="left"), "key-missing"),
        (ModelError("altered"), "model"),
        (UsageError("open elsewhere"), "not-open"),
    ],
)
def test_an_error_becomes_a_critical_finding(error: UsageError, code: str) -> None:
    finding = error_finding(error)
    assert (finding.code, finding.severity, finding.hint) == (code, Severity.CRITICAL, error.hint)
    assert error.message in finding.message


def test_the_worst_comes_first_and_each_once() -> None:
    note, critical = (Finding("a", severity, "m", "h") for severity in (Severity.NOTE, Severity.CRITICAL))
    warning = Finding("b", Severity.WARNING, "m", "h")
    assert worst_first([note, warning, critical, note]) == (critical, warning, note)
