"""The facade that library users hold: a keep, open in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

from facekeep.domain.accounts import Account, Operator, Principal, Role, operator_name
from facekeep.domain.actions import Action
from facekeep.domain.consent import Consent, KnownNotice, Purpose
from facekeep.domain.evidence import UNTOLD, Circumstances, ConsentRules
from facekeep.domain.ledger import EntryKind, LedgerEntry
from facekeep.domain.requests import KeptAnswer, RequestId
from facekeep.domain.subject import SubjectId, named_subject
from facekeep.domain.webhooks import Event, EventKind
from facekeep.errors import ImageError, NotFoundError, UsageError
from facekeep.service.acquisition import Probe
from facekeep.service.answers import (
    Enrolment,
    EnrolOutcome,
    EnrolSummary,
    Erasure,
    Identification,
    SubjectDetails,
    SubjectSummary,
    Verification,
)
from facekeep.service.canary_labels import check_person
from facekeep.service.comparison import Claimed, Planned, Search
from facekeep.service.enrolment import EnrolmentService, Person, Terms, resolved
from facekeep.service.keep_access import KeepAccess
from facekeep.service.keep_backups import KeepBackups
from facekeep.service.keep_canaries import KeepCanaries
from facekeep.service.keep_own import KeepOwn
from facekeep.service.keep_own_reviews import KeepOwnReviews
from facekeep.service.keep_paper import KeepPaper
from facekeep.service.keep_retention import KeepRetention
from facekeep.service.keep_signing import acquired_probes
from facekeep.service.keep_witnessing import KeepWitnessing
from facekeep.service.never_return import NeverReturn
from facekeep.service.opening import Roles
from facekeep.service.references import comparable
from facekeep.service.repeating import RepeatingService
from facekeep.service.rights import REFRESH_DAYS
from facekeep.service.word_requests import AskedForgiveness
from facekeep.split.asking import Signer
from facekeep.split.codes import fine_code
from facekeep.split.forgiveness import FORGIVEN_ROWS_MAX

__all__ = ["REFRESH_DAYS", "Keep", "Person"]

_PAGE = 100


class Keep(KeepAccess, KeepRetention, KeepOwn, KeepPaper, KeepWitnessing, KeepBackups, KeepCanaries, KeepOwnReviews):
    """A keep: a registry of people, and their references as two halves. Safe for threads; one process at a time.

    Example:
        >>> with Keep.open(Path("my-keep")) as keep:  # doctest: +SKIP
        ...     keep.verify("ada", Path("probe.jpg").read_bytes(), operator="desk 1").verified
        True
    """

    def _adopt(self, roles: Roles) -> None:
        super()._adopt(roles)
        self._never_return = NeverReturn(roles, self._calibration)
        self._enrolment = EnrolmentService(roles, self._acquisition, self._never_return)
        self._repeating = RepeatingService(roles.registry)

    # People

    def enrol(
        self,
        label: str,
        pictures: Sequence[bytes],
        *,
        purposes: Sequence[Purpose],
        notice: str | KnownNotice,
        operator: Operator,
        name: str = "",
        gallery: str = "main",
        new_only: bool = False,
        circumstances: Circumstances = UNTOLD,
    ) -> Enrolment:
        """Enrol a person, or give a known person further references. When this returns it is on disk in three stores.

        Of a known person no consent is recorded: one that was withdrawn stays so, until ``give_consent`` is called.

        Args:
            label: what operators call the person by, unique in the keep.
            pictures: 1 to 16, each of this person alone.
            purposes: what the person consented to; somebody who is known has to consent to each of them already.
            notice: the text that the person was shown, or a notice that the keep holds; recorded of new people only.
            operator: who enrols.
            name: the person's name.
            gallery: the group, 1 to 64 bytes in UTF-8 without control characters; ``never-return`` is reserved.
            new_only: whether a person who is known gets nothing.
            circumstances: how the consent came about; recorded of new people only.

        Raises:
            ConsentError: no purpose or no notice; or the person is known and does not consent to one of the purposes;
                or is new, and the rules of the keep want a guardian, or none, or an age.
            UsageError: the keep holds no such notice; or there is a guardian, and no age.
            LabelTakenError: the person is known, with ``new_only``.
            BadInputError: a picture is not fit; nothing was enrolled.
        """
        self.check_canaries()
        with self._reading():  # a closed keep is told before pictures are taken apart
            shown = resolved(notice, self._roles.registry)
            terms = Terms(tuple(purposes), shown, gallery, self._comparison.operator(operator), new_only)
            enrolment = self._enrolment
            enrolment.check_consent(label, circumstances, self._now())
        acquired = enrolment.acquire(label, pictures, name, circumstances)
        with self._using():
            return self._enrolment.enrol(acquired, terms, self._now())

    def add_references(
        self, label: str, pictures: Sequence[bytes], *, operator: Operator, gallery: str = "main"
    ) -> Enrolment:
        """Give a known person further references, under what the person consents to already.

        Args:
            label: whose.
            pictures: 1 to 16, each of this person alone.
            operator: who enrols.
            gallery: the group.

        Raises:
            NotFoundError: there is no such person.
            ConsentError: the person consents to nothing at present.
            BadInputError: a picture is not fit; nothing was enrolled.
        """
        terms = Terms((), None, gallery, self._comparison.operator(operator))
        self.check_canaries()
        with self._reading():
            self._rights.subject(label)
            enrolment = self._enrolment
        acquired = enrolment.acquire(label, pictures, "")
        with self._using():
            return self._enrolment.enrol(acquired, terms, self._now())

    def enrol_many(
        self,
        people: Iterable[Person],
        *,
        purposes: Sequence[Purpose],
        notice: str | KnownNotice,
        operator: Operator,
        gallery: str = "main",
        progress: Callable[[EnrolOutcome], None] | None = None,
    ) -> EnrolSummary:
        """Enrol many people; one who fails does not stop the others. See :meth:`enrol`."""
        self.check_canaries()
        with self._using():
            shown = resolved(notice, self._roles.registry)
            terms = Terms(tuple(purposes), shown, gallery, self._comparison.operator(operator))
            return self._enrolment.enrol_many(people, terms, self._now, progress)

    def subjects(self, *, after: str | None = None) -> Iterator[SubjectSummary]:
        """Everybody, in a random order that stays the same; read some dozens at a time, each as they are then.

        Args:
            after: begin behind this identifier, 32 hexadecimal digits.
        """
        last = None if after is None else SubjectId(bytes.fromhex(after))
        while True:
            with self._reading(), self._roles.registry.read() as view:
                people = view.subjects(after=last, limit=_PAGE)
                page = []
                for person in people:
                    references = comparable(view.references_of(person.id))
                    allowed = view.allowed_purposes(person.id)
                    page.append(
                        SubjectSummary(
                            person.id.hex(),
                            person.label,
                            person.name,
                            len(references),
                            tuple(purpose for purpose in Purpose if purpose in allowed),
                            min((r.created for r in references), default=None),
                        )
                    )
            yield from page
            if len(people) < _PAGE:
                return
            last = people[-1].id

    def label_of(self, subject: str) -> str:
        """The label of a data subject by identifier, 32 hexadecimal digits, as in lists.

        Raises:
            NotFoundError: there is no such person, or not any more.
        """
        identifier = named_subject(subject)
        with self._reading():
            return self._roles.registry.subject(identifier).label

    def subject(self, label: str) -> SubjectDetails:
        """All that the registry holds of a person.

        Raises:
            NotFoundError: there is no such person.
        """
        with self._reading():
            person = self._rights.subject(label)
            alarms = {*self._roles.left.alarms(), *self._roles.right.alarms()}
            with self._roles.registry.read() as view:
                references = comparable(view.references_of(person.id))
                allowed = view.allowed_purposes(person.id)
                return SubjectDetails(
                    person.id.hex(),
                    person.label,
                    person.name,
                    tuple(sorted({r.gallery for r in references})),
                    len(references),
                    tuple(purpose for purpose in Purpose if purpose in allowed),
                    min((r.created for r in references), default=None),
                    view.consents_of(person.id),
                    view.is_never_returned(person.id),
                    any(r.pseudonym in alarms for r in references),
                )

    # Comparing

    def verify(
        self,
        label: str,
        picture: bytes,
        *,
        operator: Operator,
        fmr: float = 1e-4,
        purpose: Purpose = Purpose.VERIFY,
        signer: Signer | None = None,
    ) -> Verification:
        """Say whether a picture is of the person it claims to be of.

        An unknown label, a missing consent, a locked reference and another face look alike: not verified.

        Args:
            label: the claim.
            picture: the probe.
            operator: who asks.
            fmr: false match rate of the whole answer, at most 1e-4.
            purpose: ``VERIFY`` or ``PAYMENT``.
            signer: the operator's own key; by default the keep's desk signs, as far as it may.

        Raises:
            PurposeOffError: the purpose is switched off.
            TicketError: the halves do not take the operator's signature.
            ImageError: the picture cannot be decoded.
            DisagreementError: the halves disagree; nothing was released.
        """
        return self._compared(self._claimed(label, fmr, purpose, operator), picture, signer)

    def verify_for_review(
        self, label: str, picture: bytes, *, operator: Operator, fmr: float = 1e-4, purpose: Purpose = Purpose.VERIFY
    ) -> bool:
        """The same where people have to look first: the ledger has that it was asked, and not what came of it.

        Whoever calls this tells nobody before people said that a live person was there.

        Raises:
            RefusedError: see :meth:`verify`.
            ImageError: the picture cannot be decoded.
        """
        claimed = self._claimed(label, fmr, purpose, operator)
        return self._compared(claimed, picture, None, for_review=True).verified

    def _compared(
        self, claimed: Claimed, picture: bytes, signer: Signer | None, *, for_review: bool = False
    ) -> Verification:
        probe = self._acquisition.for_probe(picture)
        if probe.template is None:
            return Verification(False, acquired=False, reasons=probe.reasons)
        with self._reading():
            search = self._prepared(probe, claimed.questions, claimed, self._key_of(signer))
        answers = self._search(self._signed(search, signer))
        return self._verified(claimed, answers, for_review=for_review)

    def compare(self, first: bytes, second: bytes, *, operator: Operator, fmr: float = 1e-4) -> Verification:
        """Say whether two pictures are of one person. Nobody has to be enrolled, and nothing is kept.

        Args:
            first: a picture of one person.
            second: another.
            operator: who asks.
            fmr: false match rate, at most 1e-4.

        Raises:
            PurposeOffError: verification is switched off.
            ImageError: a picture cannot be decoded.
        """
        with self._reading():
            level = self._comparison.level_of_pair(fmr, operator)
        probes = self._acquisition.for_probes([first, second])
        for probe in probes:
            if isinstance(probe, ImageError):
                raise probe
        acquired = [probe for probe in probes if isinstance(probe, Probe)]
        codes = [fine_code(probe.template.vector) for probe in acquired if probe.template is not None]
        if len(codes) < len(probes):
            reasons = dict.fromkeys(reason for probe in acquired for reason in probe.reasons)
            return Verification(False, acquired=False, reasons=tuple(reasons))
        one, other = codes
        self._tell_compared(self.operator_pseudonym(operator))
        return self._comparison.alike(one, other, level)

    def identify(
        self,
        picture: bytes,
        *,
        operator: Operator,
        case: str = "",
        fpir: float = 0.01,
        gallery: str = "",
        candidates: int = 5,
        purpose: Purpose = Purpose.IDENTIFY,
        signer: Signer | None = None,
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
            signer: the operator's own key; by default the keep's desk signs, as far as it may.

        Raises:
            RefusedError: the purpose is off, the case does not fit, a budget is used up, or the halves disagree.
            NotFoundError: there is no such case.
            ImageError: the picture cannot be decoded.
        """
        search = Search(operator, case, fpir, gallery, candidates, purpose)
        (answer,) = self.identify_many([picture], search, signer=signer)
        if isinstance(answer, ImageError):
            raise answer
        return answer

    def identify_many(
        self, pictures: Sequence[bytes], search: Search, *, signer: Signer | None = None
    ) -> list[Identification | ImageError]:
        """Several searches that share passes over the gallery; each counts, and is signed by itself.

        A bad picture gives its error. For ``signer`` see :meth:`identify`.

        Raises:
            RefusedError: a half refused one of them.
            NotFoundError: there is no such case.
        """
        with self._reading():
            planned = self._comparison.plan(search, self._now())
        # Pictures are taken apart without the lock, so that others can search meanwhile.
        probes = self._acquisition.for_probes(pictures)
        with self._reading():
            searches = [
                self._prepared(probe, [planned.question], planned, self._key_of(signer))
                for probe in acquired_probes(probes)
            ]
        answers = self._search([asked for one in searches for asked in self._signed(one, signer)])
        found = iter(self._identified(planned, answers))
        return [_identification(planned, probe, found) for probe in probes]

    def open_case(self, title: str, *, operator: Operator, purpose: Purpose = Purpose.IDENTIFY, days: int = 30) -> str:
        """Open a case, the reason of searches, for 1 to 366 days; gives its title.

        Raises:
            UsageError: there is already one with this title.
        """
        if not 1 <= days <= 366:
            raise UsageError("a case is open for 1 to 366 days")
        with self._using():
            self._comparison.operator(operator)
            now = self._now()
            expires = now + timedelta(days=days)
            with self._roles.registry.transaction() as tx:
                case = tx.add_case(title, purpose, opened_by=operator_name(operator), opened=now, expires=expires)
                facts = {"case": case.hex(), "purpose": purpose.value}
                tx.tell(Event(EventKind.CASE_OPENED, now, facts))
                tx.record([LedgerEntry(EntryKind.CASE_OPENED, now, facts | {"operator": operator_name(operator)})])
                return tx.case(case).title

    # Rights

    def give_consent(
        self,
        label: str,
        purpose: Purpose,
        notice: str | KnownNotice,
        circumstances: Circumstances = UNTOLD,
    ) -> None:
        """Record that a person consented to a purpose after reading the notice.

        A consent that holds and says the same is renewed: it has been given now, and the ledger has both times.

        Args:
            label: who.
            purpose: to what.
            notice: the text that was shown, or a notice that the keep holds.
            circumstances: how the consent came about.

        Raises:
            ConsentError: the notice does not speak of the purpose, or the rules of the keep want a guardian, or none,
                or an age.
            UsageError: the keep holds no such notice; or there is a guardian, and no age.
        """
        check_person(label)
        with self._using():
            self._rights.give_consent(label, purpose, notice, self._now(), circumstances)

    def withdraw_consent(self, label: str, purpose: Purpose, *, by_guardian: bool = False) -> None:
        """Record that a person withdrew, or a minor's guardian; both halves know before this returns.

        Raises:
            NotFoundError: no such person, or no consent to withdraw.
            ConsentError: by a guardian, where none consented to this, or the person is of age since.
        """
        check_person(label)
        with self._using():
            self._rights.withdraw_consent(label, purpose, self._now(), by_guardian=by_guardian)

    def consent_rules(self) -> ConsentRules:
        """What is asked of every consent."""
        with self._reading():
            return self._roles.registry.consent_rules()

    def check_consent(self, circumstances: Circumstances) -> None:
        """See to it that somebody new may consent so today.

        Raises:
            ConsentError: the rules of the keep want a guardian, or none, or an age.
            UsageError: there is a guardian, and no age.
        """
        with self._reading():
            self._roles.registry.consent_rules().of_age(circumstances, self._now())

    def set_consent_rules(self, rules: ConsentRules) -> None:
        """Ask something else of every consent from now on. Those that were given stay."""
        with self._using():
            self._rights.set_consent_rules(rules, self._now())

    def consents(self, label: str) -> tuple[Consent, ...]:
        """A person's consents, withdrawn ones too."""
        with self._reading():
            return self._roles.registry.consents_of(self._rights.subject(label).id)

    def switch(self, purpose: Purpose, on: bool) -> None:
        """Switch a purpose on or off for everybody, in all three stores."""
        with self._using():
            self._rights.switch(purpose, on, self._now())

    def switches(self) -> dict[Purpose, bool]:
        """Which purposes are on."""
        with self._reading():
            return dict(self._roles.registry.switches())

    def erase(self, label: str) -> Erasure:
        """Erase a person. When this returns, key, rows and records are gone from all three stores.

        Raises:
            NotFoundError: there is no such person.
        """
        with self._using():
            now = self._now()
            until = self._copies_readable_until(now)
            subject = self._rights.subject(label).id
            references, leaf, opening = self._rights.erase(subject, now, until)
            self._forget_reviews(subject)
            return Erasure(references, until, self._receipt(leaf, opening))

    def never_return(self, label: str, picture: bytes, *, operator: Operator) -> int:
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
            return self._never_return.join(label, template, self._comparison.operator(operator), self._now())

    def never_return_known(self, label: str, *, by: Operator | None = None) -> int:
        """Put an enrolled person on "never return me" without a picture: the person's own references are taken out.

        What others enrolled of the person under another label is not found by it: that takes :meth:`never_return`.

        Args:
            label: who joins.
            by: who records it; None for the person.

        Returns:
            How many references were taken out of searches.

        Raises:
            NotFoundError: there is no such person.
        """
        check_person(label)
        operator = "" if by is None else self.operator_pseudonym(by)
        with self._using():
            return self._never_return.join_known(self._rights.subject(label).id, operator, self._now())

    def unlock(self, label: str, reviewers: Sequence[str]) -> None:
        """Forget the rejected comparisons of a person's references, which two different reviewers looked into.

        Raises:
            NotFoundError: there is no such person, or no reference to compare.
            RefusedError: there are not two different reviewers.
            UnsignedError: the registrar, whose word it takes, is on another host.
        """
        with self._using():
            # One name is no list of two, whatever its letters.
            named = () if isinstance(reviewers, str) else reviewers
            names = {self._comparison.operator(name): name.strip() for name in named}
            references = self._roles.registry.references_of(self._rights.subject(label).id)
            rows = [reference.pseudonym.hex() for reference in comparable(references)]
            if len(names) == 2 and not rows:
                raise NotFoundError("the person has no reference that is compared")
            asked = AskedForgiveness(
                self._file.keep_id.hex(), tuple(sorted(rows[-FORGIVEN_ROWS_MAX:])), tuple(sorted(names)), names
            )
            self._ask_registrar(asked)

    # Requests that may be sent again

    def begin_request(self, who: Principal, key: str, fingerprint: bytes) -> KeptAnswer | RequestId:
        """Begin a request under a key, unless it was done before. See service.repeating.

        Raises:
            RepeatedError: a request with this key is under way, or its outcome is not known.
            UsageError: the key served another request, or cannot be one.
        """
        with self._using():
            return self._repeating.begin(who.id, key, fingerprint, self._now())

    def finish_request(self, request: RequestId, answer: KeptAnswer) -> None:
        """Keep the answer of a request for a day."""
        with self._using():
            self._repeating.finish(request, answer)

    def tend(self) -> None:
        """See :meth:`KeepLife.tend`; and forget the answers of requests that nobody may send again."""
        super().tend()
        with self._reading():
            now = self._now()
            old = self._repeating.has_old(now)
        if old:
            with self._using():
                self._repeating.forget_old(now)

    def drop_request(self, request: RequestId) -> None:
        """Forget a request that changed nothing, so that it may be sent again."""
        with self._using():
            self._repeating.drop(request)

    # Counters

    def size(self) -> int:
        """References in the keep."""
        with self._reading():
            return len(self._roles.left)

    def waiting(self) -> int:
        """Calls that wait for a pass over the gallery."""
        return self._combined.waiting

    # Whoever may not ask any more signs nothing any more

    def revoke_token(self, name: str, *, by: Operator | None = None) -> None:
        """Forget a machine client; its token is refused from then on, and its keys sign nothing.

        Raises:
            NotFoundError: there is none of this name.
            UnsignedError: it is forgotten, and has keys that the registrar has to revoke on its own host.
            DamagedStoreError: it is forgotten, and evidence of reviews is damaged.
        """
        with self._using():
            client = self.client_named(name)
            with self._without_reviews(client), self._without_keys(client):
                super().revoke_token(name, by=by)

    def revoke_account(self, name: str, *, by: Operator | None = None) -> None:
        """Forget an account with its sessions and passkeys; they sign nothing from then on.

        Raises:
            NotFoundError: there is none of this name.
            UnsignedError: it is forgotten, and has keys that the registrar has to revoke on its own host.
            DamagedStoreError: it is forgotten, and evidence of reviews is damaged.
        """
        with self._using():
            account = self.account_named(name)
            with ExitStack() as losing:
                losing.enter_context(self._without_reviews(account))
                losing.enter_context(self._without_reviewer_keys(account, by))
                losing.enter_context(self._without_keys(account))
                super().revoke_account(name, by=by)

    def change_roles(self, name: str, roles: Iterable[Role], *, by: Operator | None = None) -> Account:
        """Give an account other roles, from its next request on. One that may not search any more loses its keys.

        Raises:
            NotFoundError: there is no such account.
            UsageError: the roles do not fit the account.
            UnsignedError: the roles are changed, and there are keys that the registrar has to revoke on its own host.
            DamagedStoreError: the roles are changed, and evidence of reviews is damaged.
        """
        wanted = frozenset(roles)
        with self._using(), ExitStack() as losing:
            account = self._accounts.with_roles(name, wanted)
            if not wanted & {Role.REVIEWER, Role.OFFICER}:
                losing.enter_context(self._without_reviewer_keys(account, by))
            elif Role.REVIEWER not in wanted:
                self._end_duty(account)
            if not _may_search(account, self._now()):
                losing.enter_context(self._without_keys(account))
            return super().change_roles(name, wanted, by=by)


def _identification(
    planned: Planned, probe: Probe | ImageError, found: Iterator[Identification]
) -> Identification | ImageError:
    if isinstance(probe, ImageError):
        return probe
    if probe.template is None:
        return Identification((), planned.fmr, planned.searched, acquired=False, reasons=probe.reasons)
    return next(found)


def _may_search(account: Account, now: datetime) -> bool:
    """Whether the shipped policies, which others can only tighten, let an account make any search that is signed."""
    from facekeep.service.policies import Policies  # noqa: PLC0415 - commands that change no roles need not load Cedar

    decide = Policies.shipped().decide
    return any(decide(account, action, "", now).allowed for action in (Action.VERIFY, Action.IDENTIFY))
