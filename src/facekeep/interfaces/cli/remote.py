"""The desk of a keep that is served elsewhere.

Labels are turned into identifiers by the server, which needs the scope ``read`` beside the one of the command itself;
only ``verify`` sends its claim as a label.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from facekeep.client import CaseDetails, Client, NewWebhook, NoticeSummary, WebhookDetails
from facekeep.domain.consent import Consent, KnownNotice, Notice, Purpose
from facekeep.domain.evidence import Circumstances
from facekeep.domain.subject import normalised_label
from facekeep.domain.webhooks import EventKind
from facekeep.errors import ConsentError, FacekeepError, ImageError, NotFoundError, RefusedError, UnavailableError
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
from facekeep.split.asking import Signer

__all__ = ["RemoteDesk"]


class RemoteDesk:
    """Implements :class:`~facekeep.interfaces.cli.desk.Desk` by a client of the service."""

    def __init__(self, client: Client, signer: Signer | None = None) -> None:
        self._client = client
        self._signer = signer

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
        """See :meth:`Client.enrol`."""
        done = self._client.enrol(
            label,
            pictures,
            purposes=purposes,
            notice=notice,
            name=name,
            gallery=gallery,
            circumstances=circumstances,
        )
        return Enrolment(normalised_label(label), done.references, done.gallery, done.purposes, done.never_returned)

    def enrol_many(
        self,
        people: Iterable[Person],
        *,
        purposes: Sequence[Purpose],
        notice: str | KnownNotice,
        gallery: str,
        progress: Callable[[EnrolOutcome], None],
    ) -> EnrolSummary:
        """Enrol one after the other; one who fails does not stop the others, but what concerns all of them does."""
        outcomes = []
        for person in people:
            try:
                pictures = [picture() for picture in person.pictures]
                done = self.enrol(
                    person.label,
                    pictures,
                    purposes=purposes,
                    notice=notice,
                    name=person.name,
                    gallery=gallery,
                    circumstances=person.circumstances,
                )
                outcome = EnrolOutcome(done.label, done, None)
            except ConsentError as error:  # of this person alone, as where there is no guardian
                outcome = EnrolOutcome(person.label, None, error)
            except (RefusedError, UnavailableError):
                raise
            except FacekeepError as error:
                outcome = EnrolOutcome(person.label, None, error)
            outcomes.append(outcome)
            progress(outcome)
        return EnrolSummary(tuple(outcomes))

    def subjects(self) -> Iterator[SubjectSummary]:
        """See :meth:`Client.subjects`."""
        return self._client.subjects()

    def subject(self, label: str) -> SubjectDetails:
        """See :meth:`Client.find`."""
        return self._client.find(label)

    def erase(self, label: str) -> Erasure:
        """See :meth:`Client.erase`."""
        return self._client.erase(self._id(label))

    def give_consent(
        self, label: str, purpose: Purpose, notice: str | KnownNotice, circumstances: Circumstances
    ) -> None:
        """See :meth:`Client.give_consent`."""
        self._client.give_consent(self._id(label), purpose, notice, circumstances=circumstances)

    def withdraw_consent(self, label: str, purpose: Purpose, *, by_guardian: bool) -> None:
        """See :meth:`Client.withdraw_consent`."""
        self._client.withdraw_consent(self._id(label), purpose, by_guardian=by_guardian)

    def consents(self, label: str) -> tuple[Consent, ...]:
        """See :meth:`Client.find`."""
        return self._client.find(label).consents

    def verify(self, label: str, picture: bytes, *, fmr: float, purpose: Purpose) -> Verification:
        """See :meth:`Client.verify`."""
        return self._client.verify(label, picture, fmr=fmr, purpose=purpose, by_label=True, signer=self._signer)

    def compare(self, first: bytes, second: bytes, *, fmr: float) -> Verification:
        """See :meth:`Client.compare`."""
        return self._client.compare(first, second, fmr=fmr)

    def identify_many(self, pictures: Sequence[bytes], search: Search) -> Sequence[Identification | ImageError]:
        """See :meth:`Client.identify`."""
        return [self._identify(picture, search) for picture in pictures]

    def _identify(self, picture: bytes, search: Search) -> Identification | ImageError:
        try:
            return self._client.identify(
                picture,
                case=search.case,
                fpir=search.fpir,
                gallery=search.gallery,
                candidates=search.candidates,
                purpose=search.purpose,
                signer=self._signer,
            )
        except ImageError as error:
            return error

    def open_case(self, title: str, *, purpose: Purpose, days: int) -> str:
        """See :meth:`Client.open_case`."""
        return self._client.open_case(title, purpose=purpose, days=days).title

    def cases(self) -> Sequence[CaseDetails]:
        """See :meth:`Client.cases`."""
        return self._client.cases()

    def close_case(self, title: str) -> CaseDetails:
        """See :meth:`Client.close_case`."""
        wanted = normalised_label(title)
        for case in self._client.cases():
            if case.title == wanted:
                return self._client.close_case(case.id)
        raise NotFoundError("there is no such case", hint="List them: facekeep case show.")

    def references(self, label: str) -> Sequence[ReferenceDetails]:
        """See :meth:`Client.references`."""
        return self._client.references(self._id(label))

    def add_references(self, label: str, pictures: Sequence[bytes], *, gallery: str) -> Enrolment:
        """See :meth:`Client.add_references`."""
        person = self._client.find(label)
        done = self._client.add_references(person.id, pictures, gallery=gallery)
        return Enrolment(person.label, done.references, done.gallery, (), done.never_returned)

    def remove_reference(self, label: str, reference: str) -> int:
        """See :meth:`Client.remove_reference`."""
        return self._client.remove_reference(self._id(label), reference)

    def galleries(self) -> Sequence[GallerySummary]:
        """See :meth:`Client.galleries`."""
        return self._client.galleries()

    def add_notice(self, notice: Notice) -> str:
        """See :meth:`Client.add_notice`."""
        kept = self._client.add_notice(
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
        """See :meth:`Client.notices`."""
        return self._client.notices()

    def notice(self, digest: str) -> Notice:
        """See :meth:`Client.notice`."""
        return self._client.notice(digest)

    def add_webhook(self, url: str, events: Sequence[EventKind]) -> NewWebhook:
        """See :meth:`Client.add_webhook`."""
        return self._client.add_webhook(url, events)

    def webhooks(self) -> Sequence[WebhookDetails]:
        """See :meth:`Client.webhooks`."""
        return self._client.webhooks()

    def webhook(self, webhook: str) -> WebhookDetails:
        """See :meth:`Client.webhook`."""
        return self._client.webhook(webhook)

    def remove_webhook(self, webhook: str) -> None:
        """See :meth:`Client.remove_webhook`."""
        self._client.remove_webhook(webhook)

    def _id(self, label: str) -> str:
        return self._client.find(label).id
