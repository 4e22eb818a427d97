"""The desk of a keep on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from facekeep.client import NewWebhook, NoticeSummary, WebhookDetails
from facekeep.domain.consent import Consent, KnownNotice, Notice, Purpose
from facekeep.domain.evidence import Circumstances
from facekeep.domain.ledger import Part
from facekeep.domain.mailbox import is_mail
from facekeep.domain.search import Case
from facekeep.domain.webhooks import EventKind, shown_secret
from facekeep.errors import ImageError
from facekeep.service.answers import (
    Enrolment,
    EnrolOutcome,
    EnrolSummary,
    Erasure,
    GallerySummary,
    Identification,
    ReferenceDetails,
    SubjectDetails,
    SubjectSummary,
    Verification,
)
from facekeep.service.comparison import Search
from facekeep.service.enrolment import Person
from facekeep.service.keep import Keep
from facekeep.service.webhooks import WebhookStatus
from facekeep.split.asking import Signer

__all__ = ["LocalDesk"]


class LocalDesk:
    """Implements :class:`~facekeep.interfaces.cli.desk.Desk` by an open keep, for one operator."""

    def __init__(self, keep: Keep, operator: str, signer: Signer | None = None, *, private: bool, mail: bool) -> None:
        self._keep = keep
        self._operator = operator
        self._signer = signer
        self._private = private
        self._mail = mail

    def enrol(
        self,
        label: str,
        pictures: Sequence[bytes],
        *,
        purposes: Sequence[Purpose],
        notice: str | KnownNotice,
        name: str,
        gallery: str,
        circumstances: Circumstances,
    ) -> Enrolment:
        """See :meth:`Keep.enrol`."""
        return self._keep.enrol(
            label,
            pictures,
            purposes=purposes,
            notice=notice,
            name=name,
            gallery=gallery,
            circumstances=circumstances,
            operator=self._operator,
        )

    def enrol_many(
        self,
        people: Iterable[Person],
        *,
        purposes: Sequence[Purpose],
        notice: str | KnownNotice,
        gallery: str,
        progress: Callable[[EnrolOutcome], None],
    ) -> EnrolSummary:
        """See :meth:`Keep.enrol_many`."""
        return self._keep.enrol_many(
            people, purposes=purposes, notice=notice, gallery=gallery, operator=self._operator, progress=progress
        )

    def subjects(self) -> Iterator[SubjectSummary]:
        """See :meth:`Keep.subjects`."""
        people = list(self._keep.subjects())
        self._keep.tell_listed(len(people), by=self._operator)
        return iter(people)

    def subject(self, label: str) -> SubjectDetails:
        """See :meth:`Keep.subject`."""
        self._keep.tell_viewed(label, Part.RECORD, by=self._operator)
        return self._keep.subject(label)

    def erase(self, label: str) -> Erasure:
        """See :meth:`Keep.erase`."""
        return self._keep.erase(label)

    def give_consent(
        self, label: str, purpose: Purpose, notice: str | KnownNotice, circumstances: Circumstances
    ) -> None:
        """See :meth:`Keep.give_consent`."""
        self._keep.give_consent(label, purpose, notice, circumstances)

    def withdraw_consent(self, label: str, purpose: Purpose, *, by_guardian: bool) -> None:
        """See :meth:`Keep.withdraw_consent`."""
        self._keep.withdraw_consent(label, purpose, by_guardian=by_guardian)

    def consents(self, label: str) -> tuple[Consent, ...]:
        """See :meth:`Keep.consents`."""
        self._keep.tell_viewed(label, Part.CONSENTS, by=self._operator)
        return self._keep.consents(label)

    def verify(self, label: str, picture: bytes, *, fmr: float, purpose: Purpose) -> Verification:
        """See :meth:`Keep.verify`."""
        return self._keep.verify(label, picture, fmr=fmr, purpose=purpose, operator=self._operator, signer=self._signer)

    def compare(self, first: bytes, second: bytes, *, fmr: float) -> Verification:
        """See :meth:`Keep.compare`."""
        return self._keep.compare(first, second, fmr=fmr, operator=self._operator)

    def identify_many(self, pictures: Sequence[bytes], search: Search) -> Sequence[Identification | ImageError]:
        """See :meth:`Keep.identify_many`."""
        search = replace(search, operator=self._operator)
        return self._keep.identify_many(pictures, search, signer=self._signer)

    def open_case(self, title: str, *, purpose: Purpose, days: int) -> str:
        """See :meth:`Keep.open_case`."""
        return self._keep.open_case(title, purpose=purpose, days=days, operator=self._operator)

    def cases(self) -> Sequence[Case]:
        """See :meth:`Keep.cases`."""
        return self._keep.cases()

    def close_case(self, title: str) -> Case:
        """See :meth:`Keep.close_case`."""
        return self._keep.close_case(title)

    def references(self, label: str) -> Sequence[ReferenceDetails]:
        """See :meth:`Keep.references`."""
        self._keep.tell_viewed(label, Part.REFERENCES, by=self._operator)
        return self._keep.references(label)

    def add_references(self, label: str, pictures: Sequence[bytes], *, gallery: str) -> Enrolment:
        """See :meth:`Keep.add_references`."""
        return self._keep.add_references(label, pictures, gallery=gallery, operator=self._operator)

    def remove_reference(self, label: str, reference: str) -> int:
        """See :meth:`Keep.remove_reference`."""
        self._keep.remove_reference(label, reference)
        return len(self._keep.references(label))

    def galleries(self) -> Sequence[GallerySummary]:
        """See :meth:`Keep.galleries`."""
        return self._keep.galleries()

    def add_notice(self, notice: Notice) -> str:
        """See :meth:`Keep.add_notice`."""
        kept = self._keep.add_notice(
            notice.text,
            language=notice.language,
            purposes=[purpose for purpose in Purpose if purpose in notice.purposes],
            retention=notice.retention,
            recipients=notice.recipients,
            alternative=notice.alternative,
            replaces=notice.replaces,
        )
        return kept.digest

    def notices(self) -> Sequence[NoticeSummary]:
        """See :meth:`Keep.notices`."""
        every = self._keep.notices()
        newer = {notice.replaces: notice.digest for notice in every if notice.replaces}
        return [
            NoticeSummary(
                n.digest,
                n.language,
                tuple(p for p in Purpose if p in n.purposes),
                len(n.text),
                n.replaces,
                newer.get(n.digest, ""),
            )
            for n in every
        ]

    def notice(self, digest: str) -> Notice:
        """See :meth:`Keep.notice`."""
        return self._keep.notice(digest)

    def add_webhook(self, url: str, events: Sequence[EventKind]) -> NewWebhook:
        """See :meth:`Keep.add_webhook`."""
        made = self._keep.add_webhook(url, events, private=self._private, mail=self._mail, by=self._operator)
        secret = "" if is_mail(made.url) else shown_secret(made.secret)
        return NewWebhook(made.id.hex(), made.url, tuple(events), made.created, secret)

    def webhooks(self) -> Sequence[WebhookDetails]:
        """See :meth:`Keep.webhooks`."""
        return [_details(status) for status in self._keep.webhooks()]

    def webhook(self, webhook: str) -> WebhookDetails:
        """See :meth:`Keep.webhook`."""
        return _details(self._keep.webhook(webhook))

    def remove_webhook(self, webhook: str) -> None:
        """See :meth:`Keep.remove_webhook`."""
        self._keep.remove_webhook(webhook, by=self._operator)


def _details(status: WebhookStatus) -> WebhookDetails:
    webhook = status.webhook
    return WebhookDetails(
        id=webhook.id.hex(),
        url=webhook.url,
        events=tuple(kind for kind in EventKind if kind in webhook.events),
        created=webhook.created,
        disabled=webhook.disabled,
        failures=webhook.failures,
        retry=webhook.retry_at,
        waiting=status.waiting,
        delivered=webhook.delivered,
        dropped=webhook.dropped,
    )
