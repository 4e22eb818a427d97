"""What a keep holds beside people and comparisons: galleries, references one by one, notices, cases."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Iterable

from facekeep.domain.accounts import Operator
from facekeep.domain.consent import Notice, Purpose
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.domain.row import Pseudonym
from facekeep.domain.search import Case, CaseId
from facekeep.domain.subject import SubjectId
from facekeep.domain.webhooks import Delivery, Event, EventKind, Webhook, WebhookId
from facekeep.errors import NotFoundError
from facekeep.service.answers import GallerySummary, ReferenceDetails
from facekeep.service.enrolment import check_notice
from facekeep.service.keep_life import KeepLife
from facekeep.service.opening import Roles
from facekeep.service.references import comparable
from facekeep.service.rights import RightsService
from facekeep.service.webhooks import WebhookService, WebhookStatus

__all__ = ["KeepRecords"]

_PAGE = 100


class KeepRecords(KeepLife):
    """The records of a keep. See :class:`facekeep.service.keep.Keep`."""

    _told: Callable[[], None] | None = None

    def _adopt(self, roles: Roles) -> None:
        super()._adopt(roles)
        self._rights = RightsService(roles)
        self._webhooks = WebhookService(roles.registry)
        roles.registry.watch_events(self._told_of_events)
        self._counted: tuple[int, tuple[GallerySummary, ...]] | None = None

    # Galleries

    def galleries(self) -> tuple[GallerySummary, ...]:
        """The galleries that hold references, by name.

        Every reference is read, a page of people at a time, after each change that three stores did together.
        Between changes the answer is remembered.
        """
        with self._reading():
            generation, known = self._roles.registry.generation, self._counted
        if known is not None and known[0] == generation:
            return known[1]
        counts: Counter[str] = Counter()
        last: SubjectId | None = None
        while True:
            with self._reading(), self._roles.registry.read() as view:
                people = view.subjects(after=last, limit=_PAGE)
                for person in people:
                    counts.update(reference.gallery for reference in comparable(view.references_of(person.id)))
            if len(people) < _PAGE:
                break
            last = people[-1].id
        found = tuple(GallerySummary(name, counts[name]) for name in sorted(counts))
        self._counted = generation, found
        return found

    # References

    def references(self, label: str) -> tuple[ReferenceDetails, ...]:
        """The references of a person, oldest first.

        Raises:
            NotFoundError: there is no such person.
        """
        with self._reading():
            person = self._rights.subject(label)
            alarms = {*self._roles.left.alarms(), *self._roles.right.alarms()}
            return tuple(
                ReferenceDetails(self._shown(r.pseudonym), r.gallery, r.created, r.pseudonym in alarms)
                for r in comparable(self._roles.registry.references_of(person.id))
            )

    def remove_reference(self, label: str, reference: str) -> None:
        """Remove one reference of a person from all three stores; the person stays.

        Args:
            label: whose.
            reference: its identifier, as :meth:`references` gives it.

        Raises:
            NotFoundError: there is no such person, or no such reference of this person.
        """
        with self._using():
            person = self._rights.subject(label)
            known = {
                self._shown(r.pseudonym): r.pseudonym for r in comparable(self._roles.registry.references_of(person.id))
            }
            if reference not in known:
                raise NotFoundError("there is no such reference", hint="List them: facekeep reference list LABEL.")
            self._rights.remove_reference(label, known[reference], self._now())

    def _shown(self, pseudonym: Pseudonym) -> str:
        """What a reference is called outside: its pseudonym is in the logs of both halves, and stays there."""
        return hmac.digest(self._secret, b"facekeep/1/reference/" + pseudonym, "sha256")[:16].hex()

    # Notices

    def add_notice(
        self,
        text: str,
        *,
        language: str = "",
        purposes: Iterable[Purpose] = (),
        retention: str = "",
        recipients: str = "",
        alternative: str = "",
        replaces: str = "",
    ) -> Notice:
        """Keep a notice, so that consents can name it by its hash.

        Args:
            text: what people are shown.
            language: a tag of BCP 47, "" if it does not matter.
            purposes: what it speaks of, and so what may be consented to by it; none for all.
            retention: for how long the data are kept; "" if the text says it.
            recipients: who else gets any of them; the same.
            alternative: what whoever says no can do instead; the same.
            replaces: digest of the version before, "" of a first one.

        Raises:
            ConsentError: there is no text.
            UsageError: the text is kept with another language or other purposes; or the notice replaces one that is
                not kept, or that was replaced before.
            FormatError: a text is too long, the language is none, or ``replaces`` is no digest.
        """
        check_notice(text)
        notice = Notice(text, language, frozenset(purposes), retention, recipients, alternative, replaces)
        with self._using(), self._roles.registry.transaction() as tx:
            if tx.notice(notice.digest) != notice:
                tx.add_notice(notice)
                facts = {"notice": notice.digest, "language": language} | ({"replaces": replaces} if replaces else {})
                tx.record([LedgerEntry(EntryKind.NOTICE_ADDED, self._now(), facts)])
        return notice

    def notices(self) -> tuple[Notice, ...]:
        """All notices, in the order of their hashes."""
        with self._reading():
            return self._roles.registry.notices()

    def replacement_of(self, digest: str) -> str:
        """The digest of the version that replaced a notice, "" of the newest."""
        with self._reading(), self._roles.registry.read() as view:
            return view.replacement_of(digest)

    def notice(self, digest: str) -> Notice:
        """A notice by its digest, 64 hexadecimal digits.

        Raises:
            NotFoundError: there is none.
        """
        with self._reading():
            found = self._roles.registry.notice(digest)
        if found is None:
            raise NotFoundError("there is no such notice", hint="List them: facekeep notice list.")
        return found

    # Cases

    def cases(self) -> tuple[Case, ...]:
        """All cases, oldest first."""
        with self._reading():
            return self._roles.registry.cases()

    def case(self, case: str) -> Case:
        """A case by its identifier, 32 hexadecimal digits.

        Raises:
            NotFoundError: there is none.
        """
        try:
            identifier = CaseId(bytes.fromhex(case))
        except ValueError:
            raise NotFoundError("there is no such case") from None
        with self._reading():
            return self._roles.registry.case(identifier)

    def close_case(self, title: str) -> Case:
        """Close a case: no search is made for it any more, and it never opens again.

        Raises:
            NotFoundError: there is no such case.
        """
        with self._using(), self._roles.registry.transaction() as tx:
            case = tx.case_by_title(title)
            if case is None:
                raise NotFoundError("there is no such case", hint="List them: facekeep case show.")
            if case.closed is None:
                now = self._now()
                tx.close_case(case.id, now)
                facts = {"case": case.id.hex(), "purpose": case.purpose.value}
                tx.tell(Event(EventKind.CASE_CLOSED, now, facts))
                tx.record([LedgerEntry(EntryKind.CASE_CLOSED, now, facts)])
            return tx.case(case.id)

    # Webhooks

    def add_webhook(
        self,
        url: str,
        events: Iterable[EventKind],
        *,
        private: bool = False,
        mail: bool = False,
        by: Operator | None = None,
        organisation: str = "",
    ) -> Webhook:
        """Have an endpoint told of events while the keep is served. Its secret is shown this once.

        Args:
            url: https beyond this machine, or ``mailto:`` and one address.
            events: of which kinds.
            private: whether the endpoint may be in this network, or on this machine.
            mail: whether mail can be sent.
            by: who asks, if anybody with a name does.
            organisation: whose it is, "" for the keep's own: it is told of captures and reviews of that organisation,
                and of people and cases if it is the keep's own.

        Raises:
            UsageError: the address does not fit, no kind was named, or there are too many endpoints.
        """
        with self._using():
            known = self._known_as(by)
            return self._webhooks.add(
                url, events, self._now(), known, private=private, mail=mail, organisation=organisation
            )

    def webhooks(self, organisation: str | None = None) -> tuple[WebhookStatus, ...]:
        """All endpoints, or those of an organisation; oldest first."""
        with self._reading():
            return self._webhooks.statuses(organisation)

    def webhook(self, webhook: str, organisation: str | None = None) -> WebhookStatus:
        """An endpoint by its identifier, 32 hexadecimal digits; of an organisation, if one is named.

        Raises:
            NotFoundError: there is none.
        """
        with self._reading():
            return self._webhooks.status(webhook, organisation)

    def remove_webhook(self, webhook: str, *, by: Operator | None = None, organisation: str | None = None) -> None:
        """Forget an endpoint and what waits for it.

        Args:
            webhook: its identifier.
            by: who asks, if anybody with a name does.
            organisation: of which it has to be; None for any.

        Raises:
            NotFoundError: there is none.
        """
        with self._using():
            self._webhooks.remove(webhook, self._now(), self._known_as(by), organisation)

    def waiting_deliveries(self, webhook: WebhookId) -> tuple[Delivery, ...]:
        """What waits for an endpoint, oldest first."""
        with self._reading():
            return self._webhooks.deliveries(webhook)

    def delivery_taken(self, delivery: Delivery) -> None:
        """Record that a message was taken."""
        with self._using():
            self._webhooks.delivered(delivery)

    def delivery_failed(self, webhook: WebhookId, *, jitter: float, gone: bool) -> int:
        """Record that an attempt failed; gives how many messages were given up. See :class:`WebhookService`.

        Raises:
            NotFoundError: there is no such endpoint any more.
        """
        with self._using():
            return self._webhooks.failed(webhook, self._now(), jitter=jitter, gone=gone)

    def tell(self, event: Event, organisation: str | None = None) -> None:
        """Record an event that changes nothing in the registry, for the endpoints that want to be told of its kind.

        Args:
            event: what happened.
            organisation: whose it is. Without one it is the keep's own.
        """
        with self._reading():
            wanted = any(status.webhook.wants(event, organisation) for status in self._webhooks.statuses())
        if wanted:
            with self._using(), self._roles.registry.transaction() as tx:
                tx.tell(event, organisation)

    def watch_events(self, told: Callable[[], None]) -> None:
        """Have somebody told when messages for webhooks were recorded."""
        self._told = told

    def _told_of_events(self) -> None:
        if self._told is not None:
            self._told()
