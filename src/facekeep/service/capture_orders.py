"""An order of a capture held against the keep, before a link exists."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from facekeep.domain.accounts import Account
from facekeep.domain.capture import Intent
from facekeep.domain.capture_order import CaptureOrder, Newcomer
from facekeep.domain.consent import Notice
from facekeep.domain.subject import NAME_MAX, is_text, normalised_label
from facekeep.errors import FormatError, LabelTakenError, NotFoundError, PurposeOffError, UsageError
from facekeep.service.canary_labels import check_person, is_canary
from facekeep.service.keep import Keep

__all__ = ["Notices", "Resolved", "claimed", "resolve"]


@dataclass(frozen=True, slots=True)
class SignIn:
    """That a capture signs somebody in at the service itself.

    A name that nobody has is gone through like any other and refused as another face is, so that nobody can ask who
    has an account.

    Attributes:
        account: who, or None for a name that nobody has.
    """

    account: Account | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Resolved:
    """An order that the keep understands.

    Attributes:
        order: as it was given.
        subject: identifier of the person who is claimed, "" for nobody known.
        notices: what is shown.
        sign_in: whom it signs in; None of what somebody ordered for themselves.
    """

    order: CaptureOrder
    subject: str = field(repr=False)
    notices: tuple[Notice, ...] = field(repr=False)
    sign_in: SignIn | None = None


class Notices:
    """Notices of orders, each in memory once for all sessions that show it: one may have a million characters."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._lock = threading.Lock()
        self._shown: WeakValueDictionary[str, Notice] = WeakValueDictionary()

    def of(self, digest: str) -> Notice:
        """A notice by its digest, as the keep describes it now.

        Raises:
            UsageError: the keep holds none.
        """
        try:
            found = self._keep.notice(digest)
        except NotFoundError:
            raise UsageError(
                "the keep holds no notice of this hash", hint="Add it first: facekeep notice add, or POST /v1/notices."
            ) from None
        with self._lock:
            known = self._shown.get(digest)
            if known is None or known != found:  # its language, or what it speaks of, may be told later than its text
                known = self._shown[digest] = found
            return known


def resolve(keep: Keep, order: CaptureOrder, known: Notices) -> Resolved:
    """Hold an order against the keep. Whether somebody is known is not told: an unknown claim is found out later.

    Raises:
        PurposeOffError: one of the purposes is switched off.
        UsageError: there is no such notice, or one does not speak of a purpose; or there is a guardian, and no age.
        ConsentError: the rules of the keep want a guardian for somebody new, or none, or an age.
        LabelTakenError: the label of somebody new is taken.
        NotFoundError: further references are for somebody who is not known.
    """
    switches = keep.switches()
    if not all(switches[purpose] for purpose in order.purposes):
        raise PurposeOffError("the purpose is switched off")
    notices = []
    for digest in order.notices:
        notice = known.of(digest)
        if not all(notice.speaks_of(purpose) for purpose in order.purposes):
            raise UsageError("a notice does not speak of the purpose", hint="Give one that does.")
        notices.append(notice)
    if order.newcomer is not None:
        _check_newcomer(keep, order.newcomer)
        return Resolved(order, "", tuple(notices))
    return Resolved(order, claimed(keep, order), tuple(notices))


def _check_newcomer(keep: Keep, newcomer: Newcomer) -> None:
    if not newcomer.purposes:
        raise UsageError("an enrolment needs a purpose to consent to")
    if not is_text(newcomer.name, NAME_MAX):
        raise UsageError(f"a name has at most {NAME_MAX} characters")
    check_person(newcomer.label)
    keep.check_consent(newcomer.circumstances(""))
    try:
        keep.subject(normalised_label(newcomer.label))
    except NotFoundError:
        return
    raise LabelTakenError("somebody of this label is known")


def claimed(keep: Keep, order: CaptureOrder) -> str:
    """The identifier of who is claimed; "" for nobody known.

    Raises:
        NotFoundError: further references are for somebody who is not known.
    """
    found = "" if order.intent is Intent.PROVE_LIVE else _known(keep, order)
    if not found and order.intent is Intent.ENROL:
        raise NotFoundError("there is no such data subject")
    return found


def _known(keep: Keep, order: CaptureOrder) -> str:
    try:
        label = order.label or keep.label_of(order.subject)
        # To everybody who asks, a canary is an unknown label.
        return "" if is_canary(label) else keep.subject(label).id
    except (NotFoundError, FormatError):
        return ""
