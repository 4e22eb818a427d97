"""What is weak about a keep and the machine that it lies on: findings, each with a severity and a hint.

Pure functions over facts. The facts of the machine come through :class:`Host`, so that each finding can be tested
without root, a second disk or a swap partition. No message holds a path, a label or a name.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

from facekeep.errors import DamagedStoreError, FacekeepError, KeyMissingError, ModelError
from facekeep.service.answers import KeepStatus
from facekeep.service.canaries import CanaryReport
from facekeep.service.facts import ReviewingFacts
from facekeep.service.filing import Filing, FilingState
from facekeep.service.rights import REFRESH_DAYS

__all__ = [
    "Finding",
    "Host",
    "Layout",
    "Place",
    "Severity",
    "Space",
    "error_finding",
    "inspect_canaries",
    "inspect_filing",
    "inspect_host",
    "inspect_layout",
    "inspect_models",
    "inspect_retention",
    "inspect_reviewing",
    "inspect_status",
    "worst_first",
]

LOW_SPACE: Final = 1 << 30
"""Free space below which the disk is called low, in bytes."""

NO_SPACE: Final = 64 << 20
"""Free space below which enrolments and erasures are at risk, in bytes."""

URGENT_HOURS: Final = 1.0
"""For how long an urgent review may wait."""

_LOOSE: Final = stat.S_IRWXG | stat.S_IRWXO
_STORES: Final = ("registry", "left", "right")


class Severity(StrEnum):
    """How much a finding weighs."""

    CRITICAL = "critical"
    """It breaks a promise now: a key that others can read, a store that does not open."""
    WARNING = "warning"
    """It breaks a promise if something else happens too: one theft takes all, swap may hold a key."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something weak.

    Attributes:
        code: for programs, stable.
        severity: how much it weighs.
        message: what is weak.
        hint: what to do.
    """

    code: str
    severity: Severity
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder.

    Attributes:
        disk: identifier of the disk that it lies on.
        owner: number of the account that it belongs to.
        mode: type and permission bits, as ``st_mode``.
    """

    disk: str
    owner: int
    mode: int


@dataclass(frozen=True, slots=True)
class Space:
    """Room on a file system, in bytes."""

    free: int
    total: int


class Host(Protocol):
    """Facts of a machine."""

    @property
    def account(self) -> int:
        """Number of the account that this process runs as."""
        ...

    def place(self, path: Path) -> Place | None:
        """Of a file or folder, not following a symbolic link; None if it cannot be had."""
        ...

    def children(self, folder: Path) -> Sequence[Path]:
        """What a folder holds, sorted; empty if it cannot be read."""
        ...

    def space(self, path: Path) -> Space | None:
        """Room on the file system of ``path``."""
        ...

    def swap_devices(self) -> Sequence[str]:
        """Swap areas in use that lie on a disk (memory that is compressed in memory is none)."""
        ...

    def core_limit(self) -> int:
        """Bytes that a core dump of this process may have; −1 for any number."""
        ...

    def core_pattern(self) -> str:
        """Where the kernel sends core dumps; empty if unknown."""
        ...

    def erases_freed(self) -> bool:
        """Whether the C library overwrites what is freed, if it is told to."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the parts of a keep are.

    Attributes:
        keep: its folder.
        keys: the folder of key files.
        keyring: roles whose epoch keys are in the keyring of the operating system.
        passphrase: roles whose epoch keys are under a passphrase.
        apart: whether the folder is that of one role, and the others are on other hosts.
    """

    keep: Path
    keys: Path
    keyring: frozenset[str] = frozenset()
    passphrase: frozenset[str] = frozenset()
    apart: bool = False

    @property
    def stores(self) -> tuple[Path, ...]:
        """The folders of the three stores: registry, left half, right half."""
        return tuple(self.keep / name for name in _STORES)

    @property
    def evidence(self) -> Path:
        """The folder of the gate's store of evidence, which may be absent."""
        return self.keep / "evidence"


def inspect_layout(layout: Layout, host: Host) -> Iterator[Finding]:
    """Who can reach what, and what one theft takes."""
    keep = host.place(layout.keep)
    if keep is None:
        yield Finding("no-keep", Severity.CRITICAL, "the keep's folder cannot be read", "Check --keep.")
        return
    yield from _access(layout, host)
    yield from _parents(layout, host)
    yield from _together(layout, host)


def _access(layout: Layout, host: Host) -> Iterator[Finding]:
    keys = list(_below(layout.keys, host))
    stores = [place for store in (*layout.stores, layout.evidence) for place in _below(store, host)]
    keep = [place for place in [host.place(layout.keep)] if place is not None]
    if any(place.mode & _LOOSE for place in keys):
        yield Finding(
            "loose-keys",
            Severity.CRITICAL,
            "other accounts can reach keys",
            "chmod -R go-rwx the folder of keys, then facekeep rotate and facekeep refresh: they may have been copied.",
        )
    if any(place.mode & _LOOSE for place in [*keep, *stores]):
        yield Finding(
            "loose-stores",
            Severity.WARNING,
            "other accounts can reach the keep's folder or a store",
            "chmod -R go-rwx the keep's folder. The stores are sealed, but a copy waits for its key.",
        )
    if any(place.owner != host.account for place in [*keep, *keys, *stores]):
        yield Finding(
            "foreign-owner",
            Severity.CRITICAL,
            "a file or folder of the keep belongs to another account",
            "chown it to the account that runs Facekeep, and find out how that came about.",
        )
    if any(stat.S_ISLNK(place.mode) for place in [*keep, *keys, *stores]):
        yield Finding(
            "symbolic-link",
            Severity.WARNING,
            "a part of the keep is a symbolic link",
            "Mount or bind the place itself, so that a link cannot be turned elsewhere.",
        )


def _parents(layout: Layout, host: Host) -> Iterator[Finding]:
    parents = [*layout.keep.parents, *layout.keys.parents]
    places = [place for path in dict.fromkeys(parents) if (place := host.place(path)) is not None]
    # In a sticky folder, as /tmp is, nobody but its owner can exchange an entry.
    if any(place.mode & stat.S_IWOTH and not place.mode & stat.S_ISVTX for place in places):
        yield Finding(
            "writable-parent",
            Severity.CRITICAL,
            "every account can write in a folder above the keep, and so exchange it",
            "chmod o-w that folder, or move the keep below one that only its account may write in.",
        )
    direct = host.place(layout.keep.parent)
    if direct is not None and direct.mode & stat.S_IROTH:
        yield Finding(
            "readable-parent",
            Severity.NOTE,
            "every account can list the folder that the keep lies in",
            "chmod o-r that folder if it shall not be known that there is a keep.",
        )


def _together(layout: Layout, host: Host) -> Iterator[Finding]:
    disks = [place.disk for store in layout.stores if (place := host.place(store)) is not None]
    keys = host.place(layout.keys)
    if len(set(disks)) < len(disks):
        yield Finding(
            "same-disk",
            Severity.WARNING,
            "stores lie on one disk: one theft takes both halves or a half with the registry",
            "Mount left, right and registry from different disks or, better, hosts of different administrators.",
        )
    if keys is not None and keys.disk in disks:
        yield Finding(
            "keys-beside-stores",
            Severity.WARNING,
            "keys lie on the disk of a store that they open",
            "Give facekeep init --keys a folder on another disk, or a --keyring or --passphrase-half.",
        )
    kept = [place.disk for name in _STORES if (place := host.place(layout.keys / name)) is not None]
    if len(set(kept)) < len(kept):
        yield Finding(
            "keys-together",
            Severity.WARNING,
            "the keys of all stores are in one folder that one account can read: one theft takes all",
            "Mount the folders of the roles from different places. Backups of a store must never hold its keys.",
        )
    if not layout.apart and not {"left", "right"} & (layout.keyring | layout.passphrase):
        yield Finding(
            "keys-in-files",
            Severity.WARNING,
            "the epoch keys of both halves lie in plain files",
            "Keep those of one half under a passphrase or in the keyring: facekeep init --passphrase-half right.",
        )


def _below(folder: Path, host: Host) -> Iterator[Place]:
    place = host.place(folder)
    if place is None:
        return
    yield place
    if stat.S_ISDIR(place.mode):
        for child in host.children(folder):
            yield from _below(child, host)


def inspect_host(layout: Layout, host: Host) -> Iterator[Finding]:
    """What the machine may write to disk behind Facekeep's back, and whether there is room."""
    if host.swap_devices():
        yield Finding(
            "swap",
            Severity.WARNING,
            "swap is on: keys, faces and templates in memory may be written to disk",
            "swapoff -a and remove it from /etc/fstab, or encrypt swap with a key that is drawn at each start.",
        )
    pattern = host.core_pattern()
    # RLIMIT_CORE is not enforced for a dump that is piped to a program (core(5)).
    if pattern != "/dev/null" and (host.core_limit() != 0 or pattern.startswith("|")):
        yield Finding(
            "core-dumps",
            Severity.WARNING,
            "core dumps are on: a crash would write keys, faces and templates to disk",
            "ulimit -c 0 for the account (LimitCORE=0 in systemd), and sysctl kernel.core_pattern=/dev/null. "
            "A process that serves forbids its own; other commands do not.",
        )
    if not host.erases_freed():
        yield Finding(
            "freed-memory",
            Severity.WARNING,
            "what is freed is not known to be overwritten: pictures may stay in memory after they were judged",
            "Run it on glibc without another allocator (LD_PRELOAD); musl cannot do it.",
        )
    spaces = [space for store in layout.stores if (space := host.space(store)) is not None]
    free = min((space.free for space in spaces), default=None)
    if free is not None and free < LOW_SPACE:
        yield Finding(
            "low-disk",
            Severity.CRITICAL if free < NO_SPACE else Severity.WARNING,
            f"{free >> 20} MiB are free where a store lies",
            "Make room: enrolments and erasures fail, and are undone, when the disk is full.",
        )


def inspect_models(errors: Iterable[ModelError]) -> Iterator[Finding]:
    """Models that are missing or altered, as the model pack found them."""
    for error in errors:
        yield Finding("model", Severity.CRITICAL, error.message, error.hint)


def inspect_status(status: KeepStatus, now: datetime) -> Iterator[Finding]:
    """What an open keep says of itself."""
    if status.alarms:
        yield Finding(
            "alarm",
            Severity.WARNING,
            f"{status.alarms} references saw so many rejected comparisons that the halves raised an alarm",
            "Somebody may be trying to find a face by asking. Find the operator in the logs; see facekeep unlock.",
        )
    if now - status.refreshed > timedelta(days=REFRESH_DAYS):
        yield Finding(
            "old-epoch",
            Severity.WARNING,
            f"the last refresh is {(now - status.refreshed).days} days ago: backups as old can still be opened",
            "facekeep refresh, and let a timer do it every month.",
        )
    if not status.switches:
        yield Finding("all-off", Severity.NOTE, "every purpose is switched off", "facekeep switch PURPOSE on.")


def inspect_filing(filing: Filing) -> Iterator[Finding]:
    """How near the number of people is to the one that has to be filed with an authority."""
    if filing.state is not FilingState.FAR:
        yield Finding(
            f"people-{filing.state}",
            Severity.WARNING,
            filing.said,
            "In China: file within 30 working days of 100,000 people (measures of 2025, article 15). Elsewhere this "
            "asks for nothing.",
        )


def inspect_canaries(report: CanaryReport) -> Iterator[Finding]:
    """What asking for canaries gave."""
    if report.fault is not None:
        yield Finding(
            "canary",
            Severity.CRITICAL,
            f"a canary was answered wrongly ({report.fault})",
            "Trust no answer before it is known which half is wrong; restore the stores of one moment.",
        )
    elif report.canaries == 0:
        yield Finding(
            "no-canaries",
            Severity.NOTE,
            "there is no canary: a half that answers wrongly for everybody is not noticed",
            "facekeep canary plant.",
        )


def inspect_retention(overdue: int) -> Iterator[Finding]:
    """How many people and cases are kept for longer than the keep's own rules say."""
    if overdue:
        yield Finding(
            "retention-overdue",
            Severity.WARNING,
            f"people and cases that are kept for longer than the rules of retention say: {overdue}",
            "facekeep retention run, and let a timer do it every day; a served keep does it by itself.",
        )


def inspect_reviewing(reviewing: ReviewingFacts) -> Iterator[Finding]:
    """Whether somebody in need of help would be seen in time."""
    if reviewing.reviewers and not reviewing.told:
        yield Finding(
            "review-unheard",
            Severity.WARNING,
            "there are reviewers of whose organisation nobody is told when somebody before the camera may be in need "
            "of help",
            "facekeep webhook add mailto:ADDRESS --events review.urgent,review.concern, which somebody awake reads; or "
            "the URL of an endpoint. Whoever administers another organisation adds its own by POST /v1/webhooks.",
        )
    waiting = reviewing.urgent_hours
    if waiting is not None and waiting > URGENT_HOURS:
        yield Finding(
            "review-urgent",
            Severity.WARNING,
            f"an urgent review waits for {waiting:.0f} h: somebody before the camera may be in need of help",
            "Have two reviewers open /review now; urgent ones stand first.",
        )


def error_finding(error: FacekeepError) -> Finding:
    """The finding that an error of opening or checking is."""
    if isinstance(error, KeyMissingError):
        code = "key-missing"
    elif isinstance(error, DamagedStoreError):
        code = "damaged-store"
    else:
        code = "model" if isinstance(error, ModelError) else "not-open"
    where = f" ({error.store})" if isinstance(error, DamagedStoreError) else ""
    return Finding(code, Severity.CRITICAL, error.message + where, error.hint)


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings by falling severity, each once."""
    order = list(Severity)
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.severity)))
