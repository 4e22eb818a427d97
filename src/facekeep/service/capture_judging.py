"""From the frames of a try to what they come to: first whether they are a live face, then what the intent asks.

Invariant: nobody is enrolled unless presentation attack detection says bona fide, and nothing is compared before, but
once where people have to look: what that came to is told to nobody before they say that it is a live person (ADR 24).
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from facekeep.domain.accounts import SIGN_IN_OPERATOR, Principal
from facekeep.domain.capture import Admitted, Intent, RecordedFrame, Recording, SentFrame, Step
from facekeep.domain.capture_container import SentTry
from facekeep.domain.capture_order import Newcomer
from facekeep.domain.capture_session import CaptureReason
from facekeep.domain.consent import KnownNotice, Purpose
from facekeep.domain.curves import Curve
from facekeep.domain.pad import Examined, PadDecision, PadOutcome, decide
from facekeep.errors import ConsentError, LabelTakenError, NotFoundError, PurposeOffError, QualityError
from facekeep.service.capture_orders import Resolved
from facekeep.service.keep import Keep

__all__ = ["Agreement", "Deed", "FrameAdmission", "Judge", "Judged", "Masker", "PresentationAttackDetector"]

JUDGED_AT_ONCE: Final = 2
"""Recordings: their pixels fill the memory, and on a few cores more of them only get in each other's way."""


class FrameAdmission(Protocol):
    """The gate: the first that looks at pictures."""

    def admit(self, frames: Sequence[SentFrame]) -> Admitted:
        """The frames that show one face alone, and when a second one was seen.

        Raises:
            FrameTooWideError: a crop shows more than it may.
            BadInputError: a crop is no picture.
        """
        ...


class PresentationAttackDetector(Protocol):
    """All voices."""

    def examine(self, recording: Recording) -> Examined:
        """What each voice found, each at most once; curves; and one to three frames that serve best."""
        ...


class Masker(Protocol):
    """Leaves of a frame what a reviewer may be shown."""

    def frame(self, frame: RecordedFrame) -> bytes:
        """PNG of the face alone.

        Raises:
            QualityError: the face's outline was not found.
        """
        ...


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a person agreed to in a capture: digest of the notice, and identifier of the session that shows it."""

    notice: str
    capture: str


@dataclass(frozen=True, slots=True)
class Deed:
    """What doing what the intent asks came to.

    Attributes:
        holds: whether the claim holds, or the person is enrolled.
        off: whether a purpose is off, for everybody or by the person, or nobody consents.
        undecided: whether it could not be decided.
        reasons: why not.
        subject: identifier of who was enrolled, "" for nobody new.
        fmr: of the comparison that was made, for each crop that was compared.
    """

    holds: bool = False
    off: bool = False
    undecided: bool = False
    reasons: tuple[CaptureReason, ...] = ()
    subject: str = field(default="", repr=False)
    fmr: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a recording was found to be, and the frames that serve best.

    Attributes:
        pad: the decision, with what each voice found.
        curves: what a reviewer sees of it without a face.
        frames: one to three, the best first, each showing one face alone; without thumbnails. Of every outcome: what is
            not decided is judged by people, who are shown nothing else.
        crops: the face crops of these, as they were sent. Nothing but a bona fide recording has them compared.
    """

    pad: PadOutcome
    curves: tuple[Curve, ...]
    frames: tuple[RecordedFrame, ...] = field(repr=False)
    crops: tuple[bytes, ...] = field(repr=False)


class Judge:
    """Judges recordings. Safe for threads."""

    def __init__(
        self,
        keep: Keep,
        gate: Callable[[], FrameAdmission],
        detector: Callable[[], PresentationAttackDetector],
        masker: Callable[[], Masker],
    ) -> None:
        """Be ready; models are loaded when the first recording comes, and when the first goes to people.

        Args:
            keep: open.
            gate: makes the gate.
            detector: makes the detector.
            masker: makes the masker.
        """
        self._keep = keep
        self._make = gate, detector
        self._make_masker = masker
        self._made: tuple[FrameAdmission, PresentationAttackDetector] | None = None
        self._masker: Masker | None = None
        self._lock = threading.Lock()
        self._room = threading.BoundedSemaphore(JUDGED_AT_ONCE)

    def look(self, sent: SentTry, steps: tuple[Step, ...]) -> Judged:
        """Whether frames are of a live face. The pixels of all but the best are dropped when this returns.

        Raises:
            FrameTooWideError: a crop shows more than it may; no other code has seen its pixels.
            BadInputError: a crop is no picture.
        """
        gate, detector = self._ready()
        with self._room:
            admitted = gate.admit(sent.frames)
            # What the page kept back counts like what the gate dropped: it can only bring a person's look nearer.
            told = (at / 1000 for at in sent.second_faces)
            second_faces = tuple(sorted({*admitted.second_faces, *told}))
            found = detector.examine(Recording(steps, admitted.frames, sent.camera, second_faces))
            outcome = decide(found.findings)
        return Judged(
            outcome,
            found.curves,
            tuple(replace(admitted.frames[place], thumbnail=None) for place in found.best),
            # The places of what was admitted are not those of what was sent: frames in between may have been dropped.
            tuple(sent.frames[admitted.places[place]].face for place in found.best),
        )

    def masked(self, judged: Judged) -> tuple[bytes, ...]:
        """The best frames as a reviewer may be shown them: PNG, at most three; none whose outline is not found.

        Args:
            judged: of any outcome.
        """
        with self._lock:
            if self._masker is None:
                self._masker = self._make_masker()
            masker = self._masker
        found: list[bytes] = []
        with self._room:
            for frame in judged.frames:
                with suppress(QualityError):
                    found.append(masker.frame(frame))
        return tuple(found)

    def holds(self, judged: Judged, what: Resolved, who: Principal) -> bool:
        """Whether the claim of a verification holds by the best crop, where people have to look: not to be told.

        It is a comparison as every other, signed for and budgeted; the ledger has that it was made, and not more.

        Args:
            judged: of any outcome.
            what: was ordered, a verification.
            who: ordered it.

        Raises:
            RefusedError: a half refused, for another reason than that the purpose is off.
        """
        try:
            label, order = self._keep.label_of(what.subject), what.order
            return self._keep.verify_for_review(
                label, judged.crops[0], operator=who, fmr=order.fmr, purpose=order.purpose
            )
        except (PurposeOffError, ConsentError, NotFoundError):
            return False

    def _ready(self) -> tuple[FrameAdmission, PresentationAttackDetector]:
        with self._lock:
            if self._made is None:
                gate, detector = self._make
                self._made = gate(), detector()
            return self._made

    def act(self, judged: Judged, what: Resolved, who: Principal, agreed: Agreement) -> Deed:
        """Do what the intent asks with the best crops of a bona fide recording.

        Args:
            judged: bona fide.
            what: was ordered.
            who: ordered it.
            agreed: what the person agreed to.

        Raises:
            RefusedError: a half refused, for another reason than that the purpose is off.
        """
        if judged.pad.decision is not PadDecision.BONA_FIDE:
            raise ValueError("nothing is compared unless it is bona fide")
        try:
            if what.order.intent is Intent.PROVE_LIVE:
                is_on = self._keep.switches()[what.order.purpose]
                return Deed(holds=is_on, off=not is_on)
            if what.order.newcomer is not None:
                return self._enrol(judged.crops, what, what.order.newcomer, who, agreed)
            return self._claim(judged.crops, what, who)
        except (PurposeOffError, ConsentError, NotFoundError):
            return Deed(off=True)
        except LabelTakenError:
            return Deed(undecided=True, reasons=(CaptureReason.LABEL_TAKEN,))
        except QualityError:
            return Deed(undecided=True, reasons=(CaptureReason.QUALITY,))

    def _claim(self, crops: Sequence[bytes], what: Resolved, who: Principal) -> Deed:
        """Compare with who is claimed; further references are added only of a face that is known already."""
        if what.sign_in is not None:
            return self._sign_in(crops[0], what)
        label = self._keep.label_of(what.subject)
        deed = self._verify(label, crops[0], what, who)
        if what.order.intent is not Intent.ENROL:
            return self._doubted(deed, label, crops[0], what, who)
        if not deed.holds:
            return deed
        fit = [crops[0]]
        for crop in crops[1:]:
            also = self._verify(label, crop, what, who)
            if also.holds:
                fit.append(crop)
            elif not also.undecided:  # another face among those of one try: nothing of it is added
                return also
        gallery = what.order.gallery
        _largest(fit, lambda some: self._keep.add_references(label, some, operator=who, gallery=gallery))
        return deed

    def _sign_in(self, crop: bytes, what: Resolved) -> Deed:
        """Compare with who wants to sign in. A name that nobody has, and a purpose that is off, look like another face.

        An unknown label is compared with a row that nobody has, which takes as long.
        """
        try:
            label = self._keep.label_of(what.subject)
        except NotFoundError:
            label = secrets.token_hex(16)
        # Whoever stands there may not be the person: the person reads in the ledger that somebody tried to sign in.
        order = what.order
        found = self._keep.verify(label, crop, operator=SIGN_IN_OPERATOR, fmr=order.fmr, purpose=order.purpose)
        if not found.acquired:
            return Deed(undecided=True, reasons=(CaptureReason.QUALITY,))
        return Deed(holds=found.verified, reasons=() if found.verified else (CaptureReason.CLAIM,), fmr=what.order.fmr)

    def _verify(self, label: str, crop: bytes, what: Resolved, who: Principal) -> Deed:
        order = what.order
        found = self._keep.verify(label, crop, operator=who, fmr=order.fmr, purpose=order.purpose)
        if not found.acquired:
            return Deed(undecided=True, reasons=(CaptureReason.QUALITY,))
        if not found.verified and not self.allows(what.subject, order.purpose):
            return Deed(off=True)  # it was withdrawn meanwhile; the halves made of it a row that nobody has
        return Deed(holds=found.verified, reasons=() if found.verified else (CaptureReason.CLAIM,), fmr=order.fmr)

    def _doubted(self, deed: Deed, label: str, crop: bytes, what: Resolved, who: Principal) -> Deed:
        """A claim that failed is in doubt if it holds at the laxer rate that the order has for that."""
        order = what.order
        if CaptureReason.CLAIM not in deed.reasons or order.doubt_fmr <= order.fmr:
            return deed
        found = self._keep.verify(label, crop, operator=who, fmr=order.doubt_fmr, purpose=order.purpose)
        return Deed(undecided=True, reasons=(CaptureReason.DOUBT_BAND,)) if found.verified else deed

    def _enrol(
        self, crops: Sequence[bytes], what: Resolved, newcomer: Newcomer, who: Principal, agreed: Agreement
    ) -> Deed:
        _largest(
            crops,
            lambda some: self._keep.enrol(
                newcomer.label,
                some,
                purposes=newcomer.purposes,
                notice=KnownNotice(agreed.notice),
                operator=who,
                name=newcomer.name,
                gallery=what.order.gallery,
                circumstances=newcomer.circumstances(agreed.capture),
                new_only=True,  # further references take a face that is known already, and an order that says so
            ),
        )
        return Deed(holds=True, subject=self._keep.subject(newcomer.label).id)

    def allows(self, subject: str, purpose: Purpose) -> bool:
        """Whether somebody is known, consents to a purpose, and it is on. Which of these fails is not told."""
        try:
            return purpose in self._keep.subject(self._keep.label_of(subject)).purposes
        except NotFoundError:
            return False


def _largest(crops: Sequence[bytes], enrol: Callable[[Sequence[bytes]], object]) -> None:
    """Enrol with as many of the crops as are fit, the best first.

    Raises:
        QualityError: not even the best one is.
    """
    for count in range(len(crops), 0, -1):
        try:
            enrol(crops[:count])
        except QualityError:
            if count == 1:
                raise
        else:
            return
