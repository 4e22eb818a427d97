"""The life of a keep: made, opened, refreshed, rotated, closed; and opened anew where a write was cut short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock
from time import monotonic
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from facekeep.domain.accounts import Operator
from facekeep.domain.comparison import Calibration
from facekeep.domain.consent import Purpose
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.errors import DamagedStoreError, UnavailableError, UsageError
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import FacePipeline, PipelineSettings
from facekeep.face.quality import QualityAssessor
from facekeep.service.acquisition import Acquisition
from facekeep.service.answers import KeepStatus, Refreshed
from facekeep.service.apart import Connect, OneGate, open_gate
from facekeep.service.calibration import read_calibration, shipped_calibration, shipped_calibration_text
from facekeep.service.keep_file import KeepFile
from facekeep.service.key_plan import KeyPlan
from facekeep.service.ledger_signing import LedgerSigner, ledger_origin
from facekeep.service.locking import SharedLock
from facekeep.service.opening import (
    CALIBRATION,
    Clock,
    Roles,
    create_stores,
    evidence_path,
    ledger_key,
    open_roles,
    result_key,
    rotate_stores,
    system_clock,
)
from facekeep.service.pseudonyms import pseudonym_of
from facekeep.service.rights import readable_until
from facekeep.service.stages import Stage, Stages
from facekeep.split.approval import ClientKey
from facekeep.split.budget import Limits
from facekeep.store.evidence import EvidenceStore
from facekeep.store.evidence_keys import BucketKeys, hours_begun
from facekeep.store.journal import JournalKind
from facekeep.store.transaction import Transaction

_DEFAULT_PURPOSES = (Purpose.VERIFY, Purpose.IDENTIFY)
_AWAY_SECONDS = 1.0


class KeepLife:
    """What a keep is before it does anything with people. See :class:`facekeep.service.keep.Keep`."""

    def __init__(
        self,
        *,
        directory: Path,
        file: KeepFile,
        roles: Roles,
        acquisition: Acquisition,
        calibration: Calibration,
        clock: Clock,
        secret: bytes,
        results: Ed25519PrivateKey,
        ledger: Ed25519PrivateKey,
        opener: Callable[[], Roles],
        rotate: Callable[[], None],
        gate: OneGate | None,
        evidence: EvidenceStore,
    ) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self._directory = directory
        self._file = file
        self._acquisition = acquisition
        self._calibration = calibration
        self._clock = clock
        self._secret = secret
        self._results = results
        self._ledger = LedgerSigner(ledger_origin(file.keep_id), ledger)
        self._witness = self._ledger.witness(f"facekeep/{file.keep_id.hex()}/witness")
        self._opener = opener
        self._rotate = rotate
        self._gate = gate
        self._evidence = evidence
        self._away: tuple[float, UnavailableError] | None = None
        self._lock = SharedLock()
        self._closed = self._stale = False
        self._limits_reached: dict[int, datetime | None] = {}
        self._copying = Lock()
        """Held while the stores are copied for a backup, before the other lock."""
        self._ending = False
        self._begin()
        self._adopt(roles)

    @property
    def stages(self) -> Stages:
        """Times what the keep does; watch it to count."""
        return self._acquisition.stages

    @property
    def results_key(self) -> Ed25519PrivateKey:
        """Signs what captures came to (service.capture_results)."""
        return self._results

    def _begin(self) -> None:
        """Make what outlives the stores being opened anew."""

    def _adopt(self, roles: Roles) -> None:
        self._roles = roles
        self._roles_open = True

    @classmethod
    def create(
        cls,
        directory: Path,
        *,
        keys: KeyPlan | None = None,
        pack: ModelPack | None = None,
        settings: PipelineSettings | None = None,
        calibration: Path | None = None,
        purposes: Sequence[Purpose] = _DEFAULT_PURPOSES,
        limits: Limits | None = None,
        clock: Clock = system_clock,
        threads: int | None = None,
    ) -> Self:
        """Make a keep in an empty folder, with three stores and three keys, and open it.

        Args:
            directory: an empty or new folder.
            keys: where keys live; by default in ``keys`` inside the folder, each role apart.
            pack: the models; by default those of the package.
            settings: which of them.
            calibration: thresholds of an own model; by default the ones shipped for the model.
            purposes: which purposes are switched on.
            limits: budgets of the halves.
            clock: the time.
            threads: cores that a search may use.

        Raises:
            UsageError: the folder is not empty.
            ModelError: a model or its calibration is missing.
        """
        plan = keys or KeyPlan()
        acquisition = _acquisition(pack, settings)
        if calibration is None:
            levels, text = shipped_calibration(acquisition.model), shipped_calibration_text(acquisition.model)
        else:
            levels, text = read_calibration(calibration, acquisition.model), calibration.read_text(encoding="utf-8")
        create_stores(
            directory,
            plan,
            dimension=acquisition.dimension,
            calibration=levels,
            calibration_text=text,
            purposes=purposes,
            limits=limits or Limits(),
            now=clock(),
        )
        return cls._opened(directory, plan, acquisition, clock, threads)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        keys: KeyPlan | None = None,
        pack: ModelPack | None = None,
        settings: PipelineSettings | None = None,
        clock: Clock = system_clock,
        threads: int | None = None,
        connect: Connect | None = None,
    ) -> Self:
        """Open a keep; what a crash interrupted is finished or undone first.

        Args:
            directory: its folder.
            keys: where keys live.
            pack: the models; by default those of the package.
            settings: which of them.
            clock: the time.
            threads: cores that a search may use.
            connect: reaches the other roles where this folder is that of a gate alone.

        Raises:
            UsageError: the folder is no keep, or another process has it open.
            DamagedStoreError: a store is damaged, swapped, or older than its twins.
            ModelError: the model that the keep is bound to is missing.
            UnavailableError: another host cannot be reached.
        """
        KeepFile.read(directory)  # before the models are loaded: a wrong folder is told at once
        return cls._opened(directory, keys or KeyPlan(), _acquisition(pack, settings), clock, threads, connect=connect)

    @classmethod
    def _opened(
        cls,
        directory: Path,
        plan: KeyPlan,
        acquisition: Acquisition,
        clock: Clock,
        threads: int | None,
        *,
        connect: Connect | None = None,
    ) -> Self:
        file = KeepFile.read(directory)
        if file.model != acquisition.model:
            raise UsageError(
                "the keep is bound to another embedding model",
                hint="Open it with the model that it was made with: references of two models do not compare.",
            )
        calibration = read_calibration(directory / CALIBRATION, file.model)
        provider = plan.provider(directory, file.keep_id)
        secret = provider.get("gate.sign")
        results, ledger = result_key(provider), ledger_key(provider)
        levels = len(calibration.levels)
        if connect is None:
            opener = partial(open_roles, directory, plan, file, levels=levels, clock=clock, threads=threads)
        else:
            desk = ClientKey.of(Ed25519PrivateKey.from_private_bytes(provider.get("gate.desk")))
            opener = partial(open_gate, connect, secret, desk, file, levels=levels, clock=clock)
        with ExitStack() as opened:
            gate = None if connect is None else OneGate(directory)
            if gate is not None:
                opened.callback(gate.release)
            # What is over is so whether or not the stores can be opened, or another host answers.
            BucketKeys(provider).destroy_until(hours_begun(clock()))
            roles = opener()
            opened.callback(roles.close)
            _check_calibration(roles, calibration)
            evidence = EvidenceStore(evidence_path(directory), provider)
            opened.callback(evidence.close)
            evidence.expire(clock())
            keep = cls(
                directory=directory,
                file=file,
                roles=roles,
                acquisition=acquisition,
                calibration=calibration,
                clock=clock,
                secret=secret,
                results=results,
                ledger=ledger,
                opener=opener,
                rotate=partial(rotate_stores, directory, plan, file),
                gate=gate,
                evidence=evidence,
            )
            keep._begin_ledger()
            opened.pop_all()
        return keep

    def _begin_ledger(self) -> None:
        """Say in the first entry of all by which key the ledger's heads are signed."""
        with self._roles.registry.read() as view:
            begun = view.ledger_size() > 0
        if not begun:
            with self._roles.registry.transaction() as tx:
                tx.record([LedgerEntry(EntryKind.BEGUN, self._now(), {"ledger-key": self._ledger.key})])

    @property
    def is_apart(self) -> bool:
        """Whether the other roles run on other hosts."""
        return self._gate is not None

    def close(self) -> None:
        """Close the three stores. Closing twice changes nothing. A backup under way is given up."""
        self._ending = True
        with self._copying, self._lock.exclusive():
            closed, self._closed = self._closed, True
            self._shut()
            self._evidence.close()
            if self._gate is not None and not closed:
                self._gate.release()

    def _shut(self) -> None:
        if self._roles_open:
            # After a write that failed half-way not everything can be saved; the logs are read at the next open.
            closing = suppress(DamagedStoreError) if self._is_stale() else nullcontext()
            self._roles_open = False
            with closing:
                self._roles.close()

    def _is_stale(self) -> bool:
        return self._stale or not self._roles_open or self._roles.coordinator.unsettled

    def _reopen(self) -> None:
        """Open the stores anew, which finishes or undoes what was cut short, in memory too.

        Raises:
            UnavailableError: another host is away. Whoever comes within a second is told so without trying again, so
                that those who wait do not wait for each other's attempts.
        """
        self._stale = True  # also if this fails: then the next use tries again
        if self._away is not None and monotonic() < self._away[0]:
            raise UnavailableError(self._away[1].message, hint=self._away[1].hint)
        self._shut()
        try:
            roles = self._opener()
        except UnavailableError as problem:
            self._away = monotonic() + _AWAY_SECONDS, problem
            raise
        self._adopt(roles)
        self._stale, self._away = False, None

    @contextmanager
    def _noticing(self) -> Iterator[None]:
        """Have the stores opened anew if one of them turns out to be away: the halves may have to be paired again."""
        try:
            yield
        except UnavailableError:
            self._stale = True
            raise

    @contextmanager
    def _using(self) -> Iterator[None]:
        """Have the keep to oneself, whole: after a write that failed half-way (a full disk), it is opened anew."""
        with self.stages(Stage.WRITE), self._lock.exclusive():
            self._check_open()
            if self._is_stale():
                self._reopen()
            with self._noticing():
                yield

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Share the keep, whole, with others who only read and search."""
        while True:
            with self._lock.shared():
                self._check_open()
                if not self._is_stale():
                    with self._noticing():
                        yield
                    return
            with self._using():
                """Open it anew."""

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError("the keep is closed", hint="Open it again.")

    def _known_as(self, who: Operator | None) -> str:
        """The pseudonym of an operator, "" of nobody who has a name."""
        return "" if who is None else pseudonym_of(self._secret, who)

    def _now(self) -> datetime:
        now = self._clock()
        if now.tzinfo is None:
            raise UsageError("the clock of a keep gives times with their time zone")
        return now

    def _copies_readable_until(self, now: datetime) -> datetime:
        """When the last copy of before now that could be opened is unreadable: the next refresh is due by then."""
        return readable_until(self._file.refreshed, now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def refresh(self) -> Refreshed:
        """Draw new shares of every row and new epoch keys, and destroy the old: copies made before are dead."""
        with self._using():
            began, epoch = self._now(), self._roles.left.epoch + 1

            def decide(tx: Transaction) -> None:
                tx.record([LedgerEntry(EntryKind.REFRESHED, began, {"epoch": str(epoch)})])

            self._roles.coordinator.run_on_halves(
                JournalKind.REFRESH, lambda half, transaction: half.stage_refresh(transaction), decide=decide
            )
            # Should this not come to pass, the next refresh is due earlier than need be.
            file = replace(self._file, refreshed=began)
            file.write(self._directory)
            self._file = file
            return Refreshed(self._roles.left.epoch, len(self._roles.left))

    def rotate(self) -> None:
        """Draw new role keys for the three stores and destroy the old.

        Raises:
            UsageError: the stores are on other hosts.
        """
        if self.is_apart:
            raise UsageError("the stores of this keep are on other hosts", hint="Rotate each on its own host.")
        with self._copying, self._using():
            self._shut()
            self._stale = True
            self._rotate()
            self._reopen()
            with self._roles.registry.transaction() as tx:
                tx.record([LedgerEntry(EntryKind.ROTATED, self._now())])

    def tend(self) -> None:
        """See whether every store answers, and open what was cut off anew.

        Raises:
            UnavailableError: one does not.
        """
        with self._reading():
            for half in (self._roles.left, self._roles.right):
                len(half)
            self._roles.registry.switches()

    def status(self) -> KeepStatus:
        """How the keep is."""
        with self._reading():
            left, right = self._roles.left.status(), self._roles.right.status()
            on = self._roles.registry.switches()
            return KeepStatus(
                self._roles.registry.subject_count(),
                left.rows,
                left.epoch,
                left.generation,
                self._file.model,
                self._file.refreshed,
                len({*left.alarms, *right.alarms}),
                tuple(purpose for purpose in Purpose if on.get(purpose)),
            )

    def check(self) -> None:
        """Hold the three stores against each other.

        Raises:
            DamagedStoreError: they do not fit.
        """
        with self._reading():
            self._roles.coordinator.check()


def _acquisition(pack: ModelPack | None, settings: PipelineSettings | None) -> Acquisition:
    models = pack or ModelPack.load()
    return Acquisition(FacePipeline.build(models, settings), QualityAssessor.build(models))


def _check_calibration(roles: Roles, calibration: Calibration) -> None:
    expected = calibration.integer_thresholds(), tuple(level.fmr for level in calibration.levels)
    if roles.left.levels() != expected or roles.right.levels() != expected:
        raise DamagedStoreError("the calibration is not the one the halves know", store=CALIBRATION)
