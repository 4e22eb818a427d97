"""The facade that library users hold: a keep, open in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from facekeep.domain.comparison import Calibration
from facekeep.domain.consent import Consent, Purpose
from facekeep.domain.row import TransactionId
from facekeep.domain.search import Case
from facekeep.domain.subject import DataSubject
from facekeep.errors import DamagedStoreError, ImageError, RefusedError, UsageError
from facekeep.face.models import ModelPack
from facekeep.face.pipeline import FacePipeline, PipelineSettings
from facekeep.face.quality import QualityAssessor
from facekeep.service.acquisition import Acquisition
from facekeep.service.answers import (
    Enrolment,
    EnrolOutcome,
    EnrolSummary,
    Erasure,
    Identification,
    KeepStatus,
    Refreshed,
    SubjectDetails,
    SubjectSummary,
    Verification,
)
from facekeep.service.calibration import read_calibration, shipped_calibration, shipped_calibration_text
from facekeep.service.comparison import ComparisonService, Search
from facekeep.service.enrolment import EnrolmentService, Person, Terms
from facekeep.service.keep_file import KeepFile
from facekeep.service.key_plan import KeyPlan
from facekeep.service.never_return import NeverReturn
from facekeep.service.opening import CALIBRATION, Clock, Roles, create_stores, open_roles, rotate_stores, system_clock
from facekeep.service.rights import RightsService
from facekeep.split.budget import Limits
from facekeep.split.ticket import NEVER_RETURN
from facekeep.store.journal import JournalKind

__all__ = ["REFRESH_DAYS", "Keep", "Person"]

REFRESH_DAYS = 30
"""How often a keep is to be refreshed; copies made before a refresh are unreadable after it."""

_DEFAULT_PURPOSES = (Purpose.VERIFY, Purpose.IDENTIFY)


class Keep:
    """A keep: a registry of people, and their references as two halves. Safe for threads; one process at a time.

    Example:
        >>> with Keep.open(Path("my-keep")) as keep:  # doctest: +SKIP
        ...     keep.verify("ada", Path("probe.jpg").read_bytes(), operator="desk 1").verified
        True
    """

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
        plan: KeyPlan,
    ) -> None:
        """Use :meth:`create` or :meth:`open`."""
        self._directory = directory
        self._file = file
        self._acquisition = acquisition
        self._calibration = calibration
        self._clock = clock
        self._secret = secret
        self._plan = plan
        self._lock = threading.RLock()
        self._closed = False
        self._adopt(roles)

    def _adopt(self, roles: Roles) -> None:
        self._roles = roles
        self._comparison = ComparisonService(roles, self._acquisition, self._calibration, self._secret)
        self._never_return = NeverReturn(roles, self._calibration)
        self._enrolment = EnrolmentService(roles, self._acquisition, self._never_return)
        self._rights = RightsService(roles)

    # Life

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
    ) -> Keep:
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
    ) -> Keep:
        """Open a keep; what a crash interrupted is finished or undone first.

        Raises:
            UsageError: the folder is no keep, or another process has it open.
            DamagedStoreError: a store is damaged, swapped, or older than its twins.
            ModelError: the model that the keep is bound to is missing.
        """
        KeepFile.read(directory)  # before the models are loaded: a wrong folder is told at once
        return cls._opened(directory, keys or KeyPlan(), _acquisition(pack, settings), clock, threads)

    @classmethod
    def _opened(
        cls, directory: Path, plan: KeyPlan, acquisition: Acquisition, clock: Clock, threads: int | None
    ) -> Keep:
        file = KeepFile.read(directory)
        if file.model != acquisition.model:
            raise UsageError(
                "the keep is bound to another embedding model",
                hint="Open it with the model that it was made with: references of two models do not compare.",
            )
        calibration = read_calibration(directory / CALIBRATION, file.model)
        roles = open_roles(directory, plan, file, levels=len(calibration.levels), clock=clock, threads=threads)
        expected = calibration.integer_thresholds(), tuple(level.fmr for level in calibration.levels)
        if roles.left.levels() != expected or roles.right.levels() != expected:
            roles.close()
            raise DamagedStoreError("the calibration is not the one the halves know", store=CALIBRATION)
        secret = plan.provider(directory, file.keep_id).get("gate.sign")
        return cls(
            directory=directory,
            file=file,
            roles=roles,
            acquisition=acquisition,
            calibration=calibration,
            clock=clock,
            secret=secret,
            plan=plan,
        )

    def close(self) -> None:
        """Close the three stores. Closing twice changes nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._roles.close()

    @contextmanager
    def _using(self) -> Iterator[None]:
        with self._lock:
            if self._closed:
                raise UsageError("the keep is closed", hint="Open it again.")
            yield

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # People

    def enrol(
        self,
        label: str,
        pictures: Sequence[bytes],
        *,
        purposes: Sequence[Purpose],
        notice: str,
        operator: str,
        name: str = "",
        gallery: str = "main",
    ) -> Enrolment:
        """Enrol a person, or give a known person further references. When this returns it is on disk in three stores.

        Args:
            label: what operators call the person by, unique in the keep.
            pictures: 1 to 16, each of this person alone.
            purposes: what the person consented to.
            notice: the text that the person was shown.
            operator: who enrols.
            name: the person's name.
            gallery: the group.

        Raises:
            ConsentError: no purpose or no notice.
            BadInputError: a picture is not fit; nothing was enrolled.
        """
        with self._using():
            terms = Terms(tuple(purposes), notice, gallery, self._comparison.operator(operator) if operator else "")
            return self._enrolment.enrol(label, pictures, name, terms, self._clock())

    def enrol_many(
        self,
        people: Iterable[Person],
        *,
        purposes: Sequence[Purpose],
        notice: str,
        operator: str,
        gallery: str = "main",
        progress: Callable[[EnrolOutcome], None] | None = None,
    ) -> EnrolSummary:
        """Enrol many people; one who fails does not stop the others. See :meth:`enrol`."""
        with self._using():
            terms = Terms(tuple(purposes), notice, gallery, self._comparison.operator(operator) if operator else "")
            return self._enrolment.enrol_many(people, terms, self._clock, progress)

    def subjects(self) -> Iterator[SubjectSummary]:
        """Everybody, in a random order that stays the same."""
        with self._using():
            people = self._roles.registry.subjects()
        for person in people:
            details = self._details(person)
            yield SubjectSummary(details.label, details.name, details.references, details.purposes, details.enrolled)

    def subject(self, label: str) -> SubjectDetails:
        """All that the registry holds of a person.

        Raises:
            NotFoundError: there is no such person.
        """
        with self._using():
            return self._details(self._rights.subject(label))

    def _details(self, person: DataSubject) -> SubjectDetails:
        registry = self._roles.registry
        references = [r for r in registry.references_of(person.id) if r.gallery != NEVER_RETURN]
        alarms = {*self._roles.left.alarms(), *self._roles.right.alarms()}
        allowed = registry.allowed_purposes(person.id)
        return SubjectDetails(
            person.label,
            person.name,
            tuple(sorted({r.gallery for r in references})),
            len(references),
            tuple(purpose for purpose in Purpose if purpose in allowed),
            min((r.created for r in references), default=None),
            registry.consents_of(person.id),
            person.id in registry.never_returned(),
            any(r.pseudonym in alarms for r in references),
        )

    # Comparing

    def verify(
        self, label: str, picture: bytes, *, operator: str, fmr: float = 1e-4, purpose: Purpose = Purpose.VERIFY
    ) -> Verification:
        """Say whether a picture is of the person it claims to be of.

        An unknown label, a missing consent, a locked reference and another face look alike: not verified.

        Args:
            label: the claim.
            picture: the probe.
            operator: who asks.
            fmr: false match rate of the whole answer, at most 1e-4.
            purpose: ``VERIFY`` or ``PAYMENT``.

        Raises:
            PurposeOffError: the purpose is switched off.
            ImageError: the picture cannot be decoded.
            DisagreementError: the halves disagree; nothing was released.
        """
        with self._using():
            return self._comparison.verify(label, picture, fmr, purpose, operator)

    def identify(
        self,
        picture: bytes,
        *,
        operator: str,
        case: str = "",
        fpir: float = 0.01,
        gallery: str = "",
        candidates: int = 5,
        purpose: Purpose = Purpose.IDENTIFY,
    ) -> Identification:
        """Search a gallery for the person in a picture, under a case. No candidate means unknown.

        Args:
            picture: the probe.
            operator: who asks.
            case: title of an open case; purposes ``ATTENDANCE`` and ``OWN_PHOTOS`` need none.
            fpir: how often the search of a stranger may give anybody; turned into a rate of a single comparison.
            gallery: the only group to search, "" for all.
            candidates: how many people at most, 1 to 10.
            purpose: a purpose of 1:N search.

        Raises:
            RefusedError: the purpose is off, the case does not fit, a budget is used up, or the halves disagree.
            NotFoundError: there is no such case.
            ImageError: the picture cannot be decoded.
        """
        search = Search(operator, case, fpir, gallery, candidates, purpose)
        with self._using():
            (answer,) = self._comparison.identify([picture], search, self._clock())
        if isinstance(answer, ImageError):
            raise answer
        return answer

    def identify_many(self, pictures: Sequence[bytes], search: Search) -> list[Identification | ImageError]:
        """Several searches that share passes over the gallery; each counts. A bad picture gives its error."""
        with self._using():
            return self._comparison.identify(pictures, search, self._clock())

    def open_case(self, title: str, *, operator: str, purpose: Purpose = Purpose.IDENTIFY, days: int = 30) -> str:
        """Open a case, the reason of searches, for 1 to 366 days; gives its title.

        Raises:
            UsageError: there is already one with this title.
        """
        if not 1 <= days <= 366:
            raise UsageError("a case is open for 1 to 366 days")
        now = self._clock()
        with self._using(), self._roles.registry.transaction() as tx:
            case = tx.add_case(title, purpose, opened_by=operator, opened=now, expires=now + timedelta(days=days))
            return tx.case(case).title

    def cases(self) -> tuple[Case, ...]:
        """All cases, oldest first."""
        return self._roles.registry.cases()

    # Rights

    def give_consent(self, label: str, purpose: Purpose, notice: str) -> None:
        """Record that a person consented to a purpose after reading the notice."""
        with self._using():
            self._rights.give_consent(label, purpose, notice, self._clock())

    def withdraw_consent(self, label: str, purpose: Purpose) -> None:
        """Record that a person withdrew; both halves know before this returns."""
        with self._using():
            self._rights.withdraw_consent(label, purpose, self._clock())

    def consents(self, label: str) -> tuple[Consent, ...]:
        """A person's consents, withdrawn ones too."""
        with self._using():
            return self._roles.registry.consents_of(self._rights.subject(label).id)

    def switch(self, purpose: Purpose, on: bool) -> None:
        """Switch a purpose on or off for everybody, in all three stores."""
        with self._using():
            self._rights.switch(purpose, on)

    def switches(self) -> dict[Purpose, bool]:
        """Which purposes are on."""
        with self._using():
            return dict(self._roles.registry.switches())

    def erase(self, label: str) -> Erasure:
        """Erase a person. When this returns, key, rows and records are gone from all three stores.

        Raises:
            NotFoundError: there is no such person.
        """
        with self._using():
            references = self._rights.erase(label, self._clock())
            return Erasure(references, self._file.refreshed + timedelta(days=REFRESH_DAYS))

    def never_return(self, label: str, picture: bytes, *, operator: str) -> int:
        """Put a person on "never return me": no 1:N search gives them from now on, whoever enrolled or enrols them.

        Args:
            label: who joins, enrolled or not.
            picture: of the person.
            operator: who records it.

        Returns:
            How many references were taken out of searches.
        """
        with self._using():
            template = self._acquisition.for_right(picture)
            return self._never_return.join(label, template, self._comparison.operator(operator), self._clock())

    def unlock(self, label: str, reviewers: Sequence[str]) -> None:
        """Release a person's references after too many rejected comparisons; two different reviewers."""
        if len(set(reviewers)) < 2:
            raise RefusedError("a lock is released by two different reviewers", hint="Name both reviewers.")
        with self._using():
            names = [self._comparison.operator(name) for name in reviewers]
            for reference in self._roles.registry.references_of(self._rights.subject(label).id):
                self._roles.left.forgive(reference.pseudonym, names)
                self._roles.right.forgive(reference.pseudonym, names)

    # Keeping

    def refresh(self) -> Refreshed:
        """Draw new shares of every row and new epoch keys, and destroy the old: copies made before are dead."""
        with self._using():

            def stage(transaction: TransactionId) -> None:
                self._roles.left.stage_refresh(transaction)
                self._roles.right.stage_refresh(transaction)

            self._roles.coordinator.run(JournalKind.REFRESH, stage=stage, decide=lambda _: None)
            self._roles.registry.begin_epoch()
            self._roles.registry.finish_epoch()
            self._file = replace(self._file, refreshed=self._clock())
            self._file.write(self._directory)
            return Refreshed(self._roles.left.epoch, len(self._roles.left))

    def rotate(self) -> None:
        """Draw new role keys for the three stores and destroy the old."""
        with self._using():
            self._roles.close()
            rotate_stores(self._directory, self._plan, self._file)
            levels = len(self._calibration.levels)
            self._adopt(open_roles(self._directory, self._plan, self._file, levels=levels, clock=self._clock))

    def status(self) -> KeepStatus:
        """How the keep is."""
        with self._using():
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
        with self._using():
            self._roles.coordinator.check()


def _acquisition(pack: ModelPack | None, settings: PipelineSettings | None) -> Acquisition:
    models = pack or ModelPack.load()
    return Acquisition(FacePipeline.build(models, settings), QualityAssessor.build(models))
