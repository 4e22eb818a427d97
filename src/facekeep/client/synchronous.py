"""The client for synchronous code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx2

from facekeep.client import administration, calls, captures, ledger, retention, reviews
from facekeep.client.administration import AccountSummary, TokenDetails
from facekeep.client.calls import (
    AddedReferences,
    Call,
    CaseDetails,
    EnrolledSubject,
    NewWebhook,
    NoticeSummary,
    Page,
    SubjectPage,
    WebhookDetails,
)
from facekeep.client.captures import CaptureDetails, NewCapture
from facekeep.client.exchange import TIMEOUT_SECONDS, answer_of, checked, headers_for, request_of, trusted, unreachable
from facekeep.client.reviews import ReviewDetails, ReviewFigures
from facekeep.client.signing import approve
from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.capture_order import CaptureOrder
from facekeep.domain.consent import Consent, KnownNotice, Notice, Purpose
from facekeep.domain.evidence import UNTOLD, Circumstances
from facekeep.domain.ledger import SignedHead
from facekeep.domain.retention import RetentionRule
from facekeep.domain.review import Decision, ReviewKind, ReviewReason
from facekeep.domain.webhooks import EventKind
from facekeep.service.answers import (
    Erasure,
    GallerySummary,
    Going,
    Identification,
    ReferenceDetails,
    SubjectDetails,
    SubjectSummary,
    Verification,
)
from facekeep.split.asking import Signer

_T = TypeVar("_T")


class Client:
    """A connection to a served keep, with a token; safe for threads. May raise UnavailableError."""

    def __init__(
        self,
        address: str,
        token: str,
        *,
        timeout: float = TIMEOUT_SECONDS,
        authorities: Path | None = None,
        insecure_plain_http: bool = False,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """Be ready; nothing is sent yet.

        Args:
            address: of the service, for instance ``https://faces.example``.
            token: what ``facekeep token create`` printed.
            timeout: seconds that an answer may take.
            authorities: certificates to trust in place of the usual ones, PEM.
            insecure_plain_http: whether pictures and token may leave this machine in clear.
            transport: how to connect, for tests and special networks.

        Raises:
            UsageError: the token cannot be one, the address is none, or would be plain HTTP beyond this machine.
        """
        self._http = httpx2.Client(
            base_url=checked(address, plain=insecure_plain_http or transport is not None),
            headers=headers_for(token),
            timeout=timeout,
            transport=transport,
            trust_env=False,
            verify=trusted(authorities),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connection."""
        self._http.close()

    def _do(self, call: Call[_T]) -> _T:
        arguments: dict[str, Any] = request_of(call)
        try:
            response = self._http.request(**arguments)
        except httpx2.TransportError as problem:
            raise unreachable(problem) from None
        return answer_of(call, response)

    def _all(self, page_of: Callable[[str | None], Call[Page[_T]]]) -> tuple[_T, ...]:
        found: list[_T] = []
        after: str | None = None
        while True:
            page = self._do(page_of(after))
            found += page.items
            if page.next is None:
                return tuple(found)
            after = page.next

    # People

    def enrol(
        self,
        label: str,
        pictures: Sequence[bytes],
        *,
        purposes: Sequence[Purpose],
        notice: str | KnownNotice,
        name: str = "",
        gallery: str = "main",
        circumstances: Circumstances = UNTOLD,
        key: str = "",
    ) -> EnrolledSubject:
        """Enrol a person, or give a known person further references. Needs the scope ``enrol``.

        Of a known person no consent is recorded: one that was withdrawn stays so, until ``give_consent`` is called.

        Args:
            label: what operators call the person by, unique in the keep.
            pictures: 1 to 16, each of this person alone.
            purposes: what the person consented to; somebody who is known has to consent to each of them already.
            notice: the text that the person was shown, or a notice that the keep holds; recorded of new people only.
            name: the person's name.
            gallery: the group.
            circumstances: how the consent came about; recorded of new people only.
            key: a new random one, by which the request is not done twice if it is sent again within a day.

        Raises:
            ConsentError: no purpose or no notice; or the person is known and does not consent to one of the purposes;
                or is new, and the rules of the keep want a guardian, or none, or an age.
            BadInputError: a picture is not fit; nothing was enrolled.
        """
        return self._do(
            calls.enrolment(
                label,
                pictures,
                purposes=purposes,
                notice=notice,
                name=name,
                gallery=gallery,
                circumstances=circumstances,
                key=key,
            )
        )

    def page(self, *, after: str | None = None, limit: int = 50) -> SubjectPage:
        """A page of data subjects, in a random order that stays the same. Needs the scope ``read``.

        Args:
            after: ``next`` of the page before, None for the first.
            limit: 1 to 100.
        """
        return self._do(calls.subjects(after, limit))

    def subjects(self) -> Iterator[SubjectSummary]:
        """Everybody, a page at a time. Needs the scope ``read``."""
        page = self.page()
        while True:
            yield from page.subjects
            if page.next is None:
                return
            page = self.page(after=page.next)

    def subject(self, subject: str) -> SubjectDetails:
        """All that the registry holds of a person, by identifier. Needs the scope ``read``.

        Raises:
            NotFoundError: there is no such person, or not any more.
        """
        return self._do(calls.subject(subject))

    def find(self, label: str) -> SubjectDetails:
        """All that the registry holds of a person, by label. Needs the scope ``read``.

        Raises:
            NotFoundError: there is no such person, or not any more.
        """
        return self._do(calls.find(label))

    def erase(self, subject: str, *, key: str = "") -> Erasure:
        """Erase a person. When this returns, key, rows and records are gone. Needs the scope ``erase``.

        For ``key`` see ``enrol``.

        Raises:
            NotFoundError: there is no such person, or not any more.
        """
        return self._do(calls.erasure(subject, key))

    def give_consent(
        self,
        subject: str,
        purpose: Purpose,
        notice: str | KnownNotice,
        *,
        circumstances: Circumstances = UNTOLD,
        key: str = "",
    ) -> tuple[Consent, ...]:
        """Record a consent; gives all of the person, without the scope ``read`` this one. Needs the scope ``consent``.

        For ``circumstances`` and ``key`` see ``enrol``.

        Raises:
            NotFoundError: there is no such person.
            ConsentError: the notice does not speak of the purpose, or the rules of the keep want a guardian, or none,
                or an age.
            UsageError: the keep holds no such notice; or there is a guardian, and no age.
        """
        return self._do(calls.consent(subject, purpose, notice, circumstances, key))

    def withdraw_consent(
        self, subject: str, purpose: Purpose, *, by_guardian: bool = False, key: str = ""
    ) -> tuple[Consent, ...]:
        """Record a withdrawal, which the next comparison knows. Needs the scope ``consent``.

        Gives all consents of the person; without the scope ``read`` the one that was withdrawn.

        Args:
            subject: whose.
            purpose: which.
            by_guardian: whether a minor's guardian withdraws.
            key: see ``enrol``.

        Raises:
            NotFoundError: no such person, or no consent to withdraw.
            ConsentError: by a guardian, where none consented to this, or the person is of age since.
        """
        return self._do(calls.withdrawal(subject, purpose, key, by_guardian=by_guardian))

    def never_return(self, subject: str, *, key: str = "") -> int:
        """Take a person out of every search of a gallery; how many references it were. Needs the scope ``consent``.

        Raises:
            NotFoundError: there is no such person.
        """
        return self._do(calls.never_return(subject, key))

    def consents(self, subject: str) -> tuple[Consent, ...]:
        """All consents of a person, oldest first, withdrawn ones too. Needs the scope ``read``.

        Raises:
            NotFoundError: there is no such person.
        """
        return self._all(lambda after: calls.consents(subject, after))

    # References and galleries

    def references(self, subject: str) -> tuple[ReferenceDetails, ...]:
        """The references of a person, oldest first. Needs the scope ``read``.

        Raises:
            NotFoundError: there is no such person.
        """
        found = self._all(lambda after: calls.references(subject, after))
        return tuple(sorted(found, key=lambda reference: (reference.enrolled, reference.id)))

    def add_references(
        self, subject: str, pictures: Sequence[bytes], *, gallery: str = "main", key: str = ""
    ) -> AddedReferences:
        """Give a known person further references. Needs the scope ``enrol``. For ``key`` see ``enrol``.

        Raises:
            NotFoundError: there is no such person.
            ConsentError: the person consents to nothing at present.
            BadInputError: a picture is not fit; nothing was enrolled.
        """
        return self._do(calls.add_references(subject, pictures, gallery, key))

    def remove_reference(self, subject: str, reference: str, *, key: str = "") -> int:
        """Remove one reference; gives how many are left. Needs the scope ``erase``. For ``key`` see ``enrol``.

        Raises:
            NotFoundError: no such person, or no such reference of this person.
        """
        return self._do(calls.remove_reference(subject, reference, key))

    def galleries(self) -> tuple[GallerySummary, ...]:
        """The galleries that hold references, by name. Needs the scope ``read``."""
        found = self._all(calls.galleries)
        return tuple(sorted(found, key=lambda gallery: gallery.name))

    # Notices

    def add_notice(
        self,
        text: str,
        *,
        language: str,
        purposes: Sequence[Purpose],
        retention: str = "",
        recipients: str = "",
        alternative: str = "",
        replaces: str = "",
        key: str = "",
    ) -> Notice:
        """Keep a notice, so that consents can name it by its hash. Needs the scope ``consent``.

        Args:
            text: what people are shown.
            language: a tag of BCP 47, for instance ``en``.
            purposes: what it speaks of, and so what may be consented to by it.
            retention: for how long the data are kept; "" if the text says it.
            recipients: who else gets any of them; the same.
            alternative: what whoever says no can do instead; the same.
            replaces: hash of the version before, "" of a first one.
            key: see ``enrol``.

        Raises:
            UsageError: the text is kept with another language or other purposes.
        """
        notice = Notice(text, language, frozenset(purposes), retention, recipients, alternative, replaces)
        return self._do(calls.add_notice(notice, key))

    def notices(self) -> tuple[NoticeSummary, ...]:
        """All notices, without their texts, in the order of their hashes. Needs the scope ``read``."""
        return self._all(calls.notices)

    def notice(self, digest: str) -> Notice:
        """A notice by its SHA-256. Needs the scope ``read``.

        Raises:
            NotFoundError: there is none.
        """
        return self._do(calls.notice(digest))

    # Comparing

    def verify(
        self,
        subject: str,
        picture: bytes,
        *,
        fmr: float = 1e-4,
        purpose: Purpose = Purpose.VERIFY,
        by_label: bool = False,
        signer: Signer | None = None,
    ) -> Verification:
        """Say whether a picture is of the person it claims to be of. Needs the scope ``verify``.

        Args:
            subject: the claim, an identifier.
            picture: the probe.
            fmr: false match rate of the whole answer, at most 1e-4.
            purpose: ``VERIFY`` or ``PAYMENT``.
            by_label: whether the claim is a label instead of an identifier.
            signer: the operator's own key; else the service's desk signs, if it may. See ``read_operator_key``.

        Raises:
            PurposeOffError: the purpose is switched off.
            RefusedError: the halves do not take the signature, or the service states another search.
            ImageError: the picture cannot be decoded.
        """
        if signer is None:
            return self._do(calls.verification(subject, picture, fmr, purpose, by_label=by_label))
        stated = self._do(calls.verification_statement(subject, picture, fmr, purpose, signer.id, by_label=by_label))
        if isinstance(stated, Verification):
            return stated
        return self._do(calls.signed_verification(stated, approve(stated, signer, purpose=purpose)))

    def compare(self, first: bytes, second: bytes, *, fmr: float = 1e-4) -> Verification:
        """Say whether two pictures are of one person; nothing is kept. Needs the scope ``compare``.

        Args:
            first: a picture of one person.
            second: another.
            fmr: false match rate, at most 1e-4.

        Raises:
            PurposeOffError: verification is switched off.
            ImageError: a picture cannot be decoded.
        """
        return self._do(calls.comparison(first, second, fmr))

    def identify(
        self,
        picture: bytes,
        *,
        case: str = "",
        fpir: float = 0.01,
        gallery: str = "",
        candidates: int = 5,
        purpose: Purpose = Purpose.IDENTIFY,
        signer: Signer | None = None,
    ) -> Identification:
        """Search a gallery for the person in a picture. No candidate means unknown. Needs the scope ``identify``.

        Args:
            picture: the probe.
            case: title of an open case; purposes ``ATTENDANCE`` and ``OWN_PHOTOS`` need none.
            fpir: how often the search of a stranger may give anybody.
            gallery: the only group to search, "" for all.
            candidates: how many people at most, 1 to 10.
            purpose: a purpose of 1:N search.
            signer: as in ``verify``.

        Raises:
            RefusedError: the purpose is off, the case does not fit, a budget is used up, or the signature is not taken.
            NotFoundError: there is no such case.
        """
        if signer is None:
            return self._do(
                calls.identification(
                    picture, case=case, fpir=fpir, gallery=gallery, candidates=candidates, purpose=purpose
                )
            )
        stated = self._do(
            calls.identification_statement(
                picture,
                case=case,
                fpir=fpir,
                gallery=gallery,
                candidates=candidates,
                purpose=purpose,
                key=signer.id,
            )
        )
        if isinstance(stated, Identification):
            return stated
        approval = approve(stated, signer, purpose=purpose, gallery=gallery, candidates=candidates)
        return self._do(calls.signed_identification(stated, approval))

    def cases(self) -> tuple[CaseDetails, ...]:
        """All cases, oldest first. Needs the scope ``read``."""
        found = self._all(calls.cases)
        return tuple(sorted(found, key=lambda case: (case.opened, case.id)))

    def case(self, case: str) -> CaseDetails:
        """A case by identifier. Needs the scope ``read``.

        Raises:
            NotFoundError: there is none.
        """
        return self._do(calls.case(case))

    def close_case(self, case: str, *, key: str = "") -> CaseDetails:
        """Close a case by identifier, for good. Needs the scope ``cases``. For ``key`` see ``enrol``.

        Raises:
            NotFoundError: there is none.
        """
        return self._do(calls.close_case(case, key))

    def open_case(
        self, title: str, *, purpose: Purpose = Purpose.IDENTIFY, days: int = 30, key: str = ""
    ) -> CaseDetails:
        """Open a case, the reason of searches, for 1 to 366 days. Needs the scope ``cases``. For ``key`` see ``enrol``.

        Raises:
            UsageError: there is already one with this title.
        """
        return self._do(calls.open_case(title, purpose, days, key))

    # Captures

    def create_capture(self, order: CaptureOrder) -> NewCapture:
        """Have a person's browser capture a face. Needs the scope ``capture``, and ``enrol`` for somebody new.

        Args:
            order: what the person shall do, and for what.

        Raises:
            PurposeOffError: one of the purposes is switched off.
            UsageError: the order does not fit the keep.
            NotFoundError: further references are for somebody who is not known.
        """
        return self._do(captures.create_capture(order))

    def capture(self, capture: str) -> CaptureDetails:
        """How a capture of one's own stands. Needs the scope ``capture``.

        Raises:
            NotFoundError: there is none, or it ended more than ten minutes ago.
        """
        return self._do(captures.capture(capture))

    def cancel_capture(self, capture: str) -> None:
        """Forget a capture of one's own, and what it came to. Needs the scope ``capture``.

        Raises:
            NotFoundError: there is none.
            RefusedError: what it asks for is being done just now.
        """
        self._do(captures.cancel_capture(capture))

    def result_keys(self) -> Mapping[str, Any]:
        """The keys that sign results, as a JWK set, for :func:`facekeep.client.read_result`."""
        return self._do(captures.result_keys())

    # Reviews

    def file_review(
        self,
        kind: ReviewKind,
        probes: Sequence[bytes],
        *,
        reference: bytes = b"",
        subject: str = "",
        days: int = 3,
        key: str = "",
    ) -> ReviewDetails:
        """Have two people of the own organisation decide about pictures. Needs the scope ``review``.

        The service masks each picture in memory: reviewers see a face, and nothing around it.

        Args:
            kind: whether it is a live person, or whether it is the same one.
            probes: 1 to 3 pictures of one face each.
            reference: a picture to compare with, of one face; it can be added later.
            subject: identifier of the person whom it is about, who is told; "" if nobody knows.
            days: for how long the evidence lasts at most, 1 to 7.
            key: see ``enrol``.

        Raises:
            BadInputError: a picture cannot be read, or does not show one face, and one alone.
            NotFoundError: there is no such person.
            ReviewConflictError: there are not two reviewers with keys.
        """
        return self._do(reviews.file_review(kind, probes, reference, subject=subject, days=days, key=key))

    def file_known_review(
        self,
        kind: ReviewKind,
        answer: Decision,
        probes: Sequence[bytes],
        *,
        reference: bytes = b"",
        reasons: Sequence[ReviewReason] = (ReviewReason.ASKED,),
        key: str = "",
    ) -> str:
        """Have people decide what is known, to learn how well they do; gives its identifier.

        Needs the scope ``administer``. For the rest see ``file_review``.

        Args:
            kind: what is asked.
            answer: the right one.
            probes: 1 to 3 pictures of one face each.
            reference: a picture to compare with, of one face.
            reasons: why people have to look, as the queue has it; no urgent one, and no appeal.
            key: see ``enrol``.
        """
        return self._do(reviews.file_known_review(kind, answer, probes, reference, reasons=reasons, key=key))

    def review(self, review: str) -> ReviewDetails:
        """A review that one filed, as it is now. Needs the scope ``review``.

        Raises:
            NotFoundError: there is none.
        """
        return self._do(reviews.review(review))

    def add_review_reference(self, review: str, picture: bytes, *, media: str = "image/jpeg") -> None:
        """Add a picture to compare with, before anybody voted. Needs the scope ``review`` or ``capture``.

        Args:
            review: that one filed, or of a capture that one ordered.
            picture: of one face.
            media: its media type.

        Raises:
            BadInputError: the picture cannot be read, or does not show one face, and one alone.
            GoneError: the evidence was destroyed.
            NotFoundError: there is no such review of one's own.
            ReviewConflictError: it has one, or somebody voted.
        """
        self._do(reviews.add_reference(review, picture, media))

    def withdraw_review(self, review: str) -> None:
        """Take back a review that one filed; its evidence is destroyed. Needs the scope ``review``.

        Raises:
            NotFoundError: there is none.
            ReviewConflictError: it is over, cannot be taken back any more, or goes with its capture alone.
        """
        self._do(reviews.withdraw(review))

    def review_statistics(self, days: int = 30) -> ReviewFigures:
        """How the reviews of the own organisation go. Needs the scope ``administer``.

        Args:
            days: of what was filed in so many days, 1 to 90.
        """
        return self._do(reviews.statistics(days))

    # The ledger

    def ledger_key(self) -> str:
        """The public key of the ledger. Compare it with one that was got in another way."""
        return self._do(ledger.key())

    def ledger_head(self) -> SignedHead:
        """The newest head of the ledger, with the co-signatures that it has. Needs the scope ``read``."""
        return self._do(ledger.head())

    def witnessed_head(self) -> str | None:
        """The largest head of the ledger that a witness of the keep has co-signed. Needs the scope ``read``."""
        return self._do(ledger.witnessed_head())

    def ledger_inclusion(self, leaf: int, size: int) -> tuple[bytes, ...]:
        """The proof that a leaf is in the tree of the first leaves, the lowest node first. Needs the scope ``read``.

        Args:
            leaf: its number, from 0.
            size: leaves of the tree.
        """
        return self._do(ledger.inclusion(leaf, size))

    def ledger_consistency(self, old: int, size: int) -> tuple[bytes, ...]:
        """The proof that the log only grew from the first leaves, the lowest node first. Needs the scope ``read``.

        Args:
            old: leaves of the smaller tree.
            size: leaves of the larger one.
        """
        return self._do(ledger.consistency(old, size))

    def cosign_ledger(self, size: int, cosignature: str) -> SignedHead:
        """Give the co-signature of a witness to a head; gives the head with it. Needs the scope ``read``.

        Args:
            size: leaves of the head.
            cosignature: the line that goes under it.
        """
        return self._do(ledger.cosign(size, cosignature))

    def ledger_bundle(self) -> bytes:
        """The whole ledger as a bundle, which is checked offline. Needs the scope ``read``."""
        return self._do(ledger.bundle())

    # Retention

    def retention_rules(self) -> tuple[RetentionRule, ...]:
        """The rules of retention, in their order. Needs the scope ``administer``."""
        return self._do(retention.rules())

    def set_retention(
        self, rules: Sequence[RetentionRule], *, sure: bool = False, key: str = ""
    ) -> tuple[RetentionRule, ...]:
        """Add rules of retention; gives all. Needs the scope ``administer``.

        Args:
            rules: which; one of the same law, basis and purpose has its place taken.
            sure: whether they are set even if somebody, or a case, is due at once.
            key: a new random one; sent again, the request is not done twice.

        Raises:
            DueAtOnceError: something is due at once; no rule was set.
            UsageError: there would be too many.
        """
        return self._do(retention.add_rules(rules, key, sure=sure))

    def remove_retention(self, law: str, *, key: str = "") -> tuple[RetentionRule, ...]:
        """Remove every rule of a law; gives those that are left. Needs the scope ``administer``.

        Raises:
            NotFoundError: there is none.
        """
        return self._do(retention.remove_rules(law, key))

    def retention_plan(self, days: int = 90) -> tuple[Going, ...]:
        """What will go within some days unless somebody comes by before. Needs the scope ``read``."""
        return self._all(lambda after: retention.plan(days, after))

    # Webhooks

    def add_webhook(self, url: str, events: Sequence[EventKind], *, key: str = "") -> NewWebhook:
        """Have an endpoint told of events; its secret is shown this once. Needs the scope ``webhooks``.

        Args:
            url: https beyond the service's own machine, or ``mailto:`` and one address.
            events: of which kinds.
            key: see ``enrol``; who sends the request again is not shown the secret.

        Raises:
            UsageError: the address does not fit.
        """
        return self._do(calls.add_webhook(url, events, key))

    def webhooks(self) -> tuple[WebhookDetails, ...]:
        """All endpoints, oldest first. Needs the scope ``webhooks``."""
        found = self._all(calls.webhooks)
        return tuple(sorted(found, key=lambda webhook: (webhook.created, webhook.id)))

    def webhook(self, webhook: str) -> WebhookDetails:
        """An endpoint by identifier. Needs the scope ``webhooks``.

        Raises:
            NotFoundError: there is none.
        """
        return self._do(calls.webhook(webhook))

    def remove_webhook(self, webhook: str, *, key: str = "") -> None:
        """Forget an endpoint and what waits for it. Needs the scope ``webhooks``. For ``key`` see ``enrol``.

        Raises:
            NotFoundError: there is none.
        """
        self._do(calls.remove_webhook(webhook, key))

    def check_ready(self) -> None:
        """Whether the service can work at present; needs no scope.

        Raises:
            UnavailableError: a store cannot be used, or a canary was answered wrongly.
        """
        self._do(calls.ready())

    def metrics(self) -> str:
        """Counters, as Prometheus reads them. Needs the scope ``metrics``."""
        return self._do(calls.metrics())

    def version(self) -> str:
        """The version of the service; needs no scope."""
        return self._do(calls.version())

    # Administration

    def tokens(self) -> tuple[TokenDetails, ...]:
        """All machine clients, oldest first, without their tokens. Needs the scope ``administer``."""
        found = self._all(administration.tokens)
        return tuple(sorted(found, key=lambda one: (one.created, one.id)))

    def create_token(
        self, name: str, scopes: Sequence[Scope], *, days: int = 30, organisation: str = "", key: str = ""
    ) -> TokenDetails:
        """Make a machine client with a token, which is told this once. Needs the scope ``administer``.

        Args:
            name: what operators call it, unique in the keep.
            scopes: what it may do, at least one; not ``administer``, which the command line alone gives.
            days: for how long, 1 to 366.
            organisation: for whom it asks, "" for the keep's own.
            key: see ``enrol``; sent again, the request is answered without the token.

        Raises:
            UsageError: the name is taken.
            RefusedError: it would administer.
        """
        return self._do(administration.create_token(name, scopes, days, organisation, key))

    def revoke_token(self, token: str, *, key: str = "") -> None:
        """Revoke the token of a machine client, named by the client's identifier. Needs the scope ``administer``.

        Raises:
            NotFoundError: there is no such client.
            UnsignedError: it is done, and there are keys that the registrar has to revoke on its own host.
        """
        self._do(administration.revoke_token(token, key))

    def accounts(self) -> tuple[AccountSummary, ...]:
        """All accounts of people, oldest first. Needs the scope ``administer``."""
        found = self._all(administration.accounts)
        return tuple(sorted(found, key=lambda one: (one.created, one.id)))

    def create_account(
        self,
        name: str,
        roles: Sequence[Role],
        *,
        subject: str = "",
        identity: tuple[str, str] | None = None,
        organisation: str = "",
        key: str = "",
    ) -> AccountSummary:
        """Make an account with a link by which its person registers a passkey, once. Needs the scope ``administer``.

        Args:
            name: what others call it, unique in the keep.
            roles: what the person is, at least one.
            subject: identifier of the data subject that the person is, exactly if that is the role.
            identity: issuer and subject of an identity elsewhere that may sign in as this account.
            organisation: for whom the person works, "" for the keep's own, as for a data subject.
            key: see ``enrol``; sent again, the request is answered without the link.

        Raises:
            UsageError: roles, subject and organisation do not fit each other, or the name or the identity is taken.
            NotFoundError: there is no such data subject.
        """
        return self._do(
            administration.create_account(name, roles, subject, identity, organisation=organisation, key=key)
        )

    def change_account(self, account: str, roles: Sequence[Role], *, key: str = "") -> AccountSummary:
        """Give an account other roles, from its next request on. Needs the scope ``administer``.

        Raises:
            NotFoundError: there is no such account.
            UsageError: the roles do not fit the account.
            UnsignedError: it is done, and there are keys that the registrar has to revoke on its own host.
        """
        return self._do(administration.change_account(account, roles, key))

    def revoke_account(self, account: str, *, key: str = "") -> None:
        """Revoke an account with its passkeys, sessions and invitations. Needs the scope ``administer``.

        Raises:
            NotFoundError: there is no such account.
            UnsignedError: it is done, and there are keys that the registrar has to revoke on its own host.
        """
        self._do(administration.revoke_account(account, key))

    def sign_out_account(self, account: str, *, key: str = "") -> None:
        """End every session of an account; its person may sign in again. Needs the scope ``administer``.

        Raises:
            NotFoundError: there is no such account.
        """
        self._do(administration.sign_out_account(account, key))

    def invite_account(self, account: str, *, key: str = "") -> AccountSummary:
        """Make a new link for an account; an older one works no more. Needs the scope ``administer``.

        Raises:
            NotFoundError: there is no such account.
        """
        return self._do(administration.invite_account(account, key))
