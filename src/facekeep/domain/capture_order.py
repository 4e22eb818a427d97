"""What an integrator orders of a capture, before anybody holds it against a keep.

Invariant: an order is whole: about somebody exactly if its intent is, and within every bound that can be told alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from facekeep.domain.capture import Assurance, Intent, Statement
from facekeep.domain.capture_session import EXPIRES_DEFAULT, EXPIRES_MAX, EXPIRES_MIN
from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import OPERATORS_WORD, Circumstances, Evidence, EvidenceKind, Guardian
from facekeep.domain.review import Decision
from facekeep.errors import UsageError

__all__ = ["DOUBT_FACTOR", "FMR_MAX", "NOTICES_MAX", "RETURN_URL_MAX", "CaptureOrder", "Newcomer"]

FMR_MAX: Final = 1e-4
"""False match rate of a verification, at the most; the halves hold the same bound."""
DOUBT_FACTOR: Final = 10
"""By how much the rate of doubt is laxer than that of the verification, unless an order says otherwise."""
NOTICES_MAX: Final = 16
RETURN_URL_MAX: Final = 2048


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is enrolled by a capture.

    Attributes:
        label: what operators call the person by; nobody has it yet.
        name: the person's name.
        purposes: what the person is asked to consent to, at least one.
        guardian: who consents for a minor, or None; the capture is the evidence of the consent itself.
        age: of the person in whole years, as the relying party knows it; None if it does not say.
    """

    label: str = field(repr=False)
    name: str = field(default="", repr=False)
    purposes: tuple[Purpose, ...] = (Purpose.VERIFY,)
    guardian: Guardian | None = None
    age: int | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.circumstances("")

    def circumstances(self, capture: str) -> Circumstances:
        """How the consent comes about.

        Args:
            capture: identifier of the session, "" before there is one.

        Raises:
            FormatError: the age is none.
        """
        evidence = Evidence(EvidenceKind.CAPTURE, capture) if capture else OPERATORS_WORD
        return Circumstances(evidence, self.guardian, self.age)


@dataclass(frozen=True, slots=True)
class CaptureOrder:
    """What is ordered.

    Attributes:
        intent: what the capture is for.
        purpose: of the verification, a purpose of 1:1; of an enrolment the first one consented to.
        subject: identifier of the person who is claimed, or who gets further references; "" for none, or by label.
        label: the same by label.
        newcomer: who is enrolled, of an enrolment of somebody new.
        gallery: the group of new references.
        notices: digests of the notices that are shown, one for each language, at least one.
        statement: what is confirmed, of a verification.
        assurance: ``live`` or ``live+passkey``.
        alternatives: whether the person may take a passkey in place of the face; of no effect with ``live+passkey``
            and ``known``.
        light: whether the step of light is asked for.
        fmr: false match rate of a verification, at most 1e-4.
        doubt_fmr: a claim that fails at ``fmr`` and holds at this laxer rate is undecided; at least ``fmr`` and at most
            1e-4, so that with an ``fmr`` of 1e-4 there is no doubt. 0 for ten times ``fmr``, as far as that goes.
        expires_in: for how long the link and all after it work, 30 to 900 s.
        return_url: where the page leads when it is done, "" for nowhere.
        known: ``bona-fide`` or ``attack``, where it is a question of known answer that measures reviewers: of a
            verification or of nobody, by the face alone. It is gone through as every other, and passes nobody.
    """

    intent: Intent
    purpose: Purpose
    notices: tuple[str, ...]
    subject: str = field(default="", repr=False)
    label: str = field(default="", repr=False)
    newcomer: Newcomer | None = None
    gallery: str = "main"
    statement: Statement | None = None
    assurance: Assurance = Assurance.LIVE
    alternatives: bool = True
    light: bool = False
    fmr: float = 1e-4
    doubt_fmr: float = 0.0
    expires_in: timedelta = EXPIRES_DEFAULT
    return_url: str = field(default="", repr=False)
    known: Decision | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        claims = sum((bool(self.subject), bool(self.label), self.newcomer is not None))
        if claims != (self.intent is not Intent.PROVE_LIVE):
            raise UsageError("this intent is about somebody, or about nobody", hint="Give one of subject and label.")
        if self.newcomer is not None and self.intent is not Intent.ENROL:
            raise UsageError("only an enrolment has somebody new")
        if not self.purpose.is_one_to_one and self.newcomer is None:
            raise UsageError("this purpose searches a gallery", hint="A capture is for verify or payment.")
        if self.assurance not in (Assurance.LIVE, Assurance.LIVE_PASSKEY):
            raise UsageError("a capture gives live or live+passkey")
        if self.intent is not Intent.VERIFY and (self.statement or self.assurance is not Assurance.LIVE):
            raise UsageError("only a verification confirms a statement, or takes a passkey")
        if self.known is not None:
            self._check_known(self.known)
        if not EXPIRES_MIN <= self.expires_in <= EXPIRES_MAX:
            raise UsageError("a capture is open for 30 to 900 seconds")
        if not 0 < self.fmr <= FMR_MAX:
            raise UsageError("verification takes a false match rate above 0 and at most 1e-4")
        if not self.doubt_fmr:
            object.__setattr__(self, "doubt_fmr", min(DOUBT_FACTOR * self.fmr, FMR_MAX))
        if not self.fmr <= self.doubt_fmr <= FMR_MAX:
            raise UsageError("the rate of doubt is at least that of the verification, and at most 1e-4")
        _check_notices(self.notices)
        if self.return_url:
            _check_url(self.return_url)

    def _check_known(self, known: Decision) -> None:
        # An urgent sign makes it a question of a live person: people could not be asked then, were anything else known.
        if known not in (Decision.BONA_FIDE, Decision.ATTACK):
            raise UsageError("of a capture is known whether it is a live person", hint="bona-fide or attack.")
        if self.intent is Intent.ENROL or self.assurance is not Assurance.LIVE:
            raise UsageError("what measures reviewers enrols nobody, and is about the face alone")

    @property
    def purposes(self) -> tuple[Purpose, ...]:
        """What the person is told of, and agrees to."""
        return (self.purpose,) if self.newcomer is None else self.newcomer.purposes


def _check_notices(notices: tuple[str, ...]) -> None:
    if not 1 <= len(notices) <= NOTICES_MAX:
        raise UsageError(f"a capture shows 1 to {NOTICES_MAX} notices", hint="One for each language.")
    if len(set(notices)) != len(notices):
        raise UsageError("a notice is named twice", hint="Name each once.")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= RETURN_URL_MAX
    if not plain or not host or parts.username is not None or "\\" in url:
        raise UsageError("this is no address to return to", hint="For example https://shop.example/paid.")
    if parts.scheme != "https" and not (parts.scheme == "http" and host == "localhost"):
        raise UsageError("the page returns to https only", hint="Plain http works with localhost only.")
