"""Searches that operators sign themselves, and the keys by which they do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from facekeep.domain.accounts import Operator, Principal, operator_name
from facekeep.domain.consent import Purpose, purpose_bits
from facekeep.domain.ledger import EntryKind, LedgerEntry, written
from facekeep.errors import BadInputError, ImageError, NotFoundError, UnsignedError, UsageError
from facekeep.service.acquisition import Probe
from facekeep.service.answers import Identification, Verification
from facekeep.service.canary_labels import is_canary
from facekeep.service.combining import Combiner
from facekeep.service.comparison import Answer, Claimed, ComparisonService, Planned, Search
from facekeep.service.keep_telling import KeepTelling, Told
from facekeep.service.opening import Roles
from facekeep.service.passkey_keys import spki_of_cose
from facekeep.service.stages import Stage
from facekeep.service.word_requests import AskedKey, Signed, WordAsked
from facekeep.split.approval import Approval
from facekeep.split.asking import Approved, Prepared, Question, Signer
from facekeep.split.codes import FineCode, fine_code
from facekeep.split.forgiveness import read_forgiven
from facekeep.split.gate import TOGETHER
from facekeep.split.operators import ANYBODY, EVERY_PURPOSE, KeyKind, OperatorKey, read_changed
from facekeep.split.rows import NEVER_RETURN_BIT
from facekeep.split.statement import commit
from facekeep.split.word import SignedWord
from facekeep.store.journal import JournalKind
from facekeep.store.transaction import Transaction

KEY_DAYS_MAX = 366

Asked = tuple[Approved, FineCode]


@dataclass(frozen=True, slots=True)
class PreparedSearch:
    """A search that waits for its operator's signature. It holds the probe's code, and no picture.

    Attributes:
        statement: what is to be signed (split.statement).
        salt: opens the statement's commitment to the crop, for whoever keeps the picture; 32 bytes.
        expires: when the statement ends.
        meaning: what the answers will mean: a claim, or a search of a gallery.
    """

    statement: bytes = field(repr=False)
    salt: bytes = field(repr=False)
    expires: datetime
    meaning: Claimed | Planned = field(repr=False)
    _prepared: Prepared = field(repr=False)
    _code: FineCode = field(repr=False)

    def asked(self, approval: Approval) -> list[Asked]:
        """What to ask the halves, signed."""
        return [(approved, self._code) for approved in self._prepared.approved(approval)]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An operator's key, as administrators see it.

    Attributes:
        id: of the key, 32 hexadecimal digits.
        kind: how it signs.
        operator: the pseudonym of whose it is, as in the logs of the halves; "" for the keep's own desk.
        purposes: what it may sign for.
        expires: from when on it signs nothing; None for never.
    """

    id: str
    kind: KeyKind
    operator: str = field(repr=False)
    purposes: tuple[Purpose, ...]
    expires: datetime | None


class KeepSigning(KeepTelling):
    """The part of a keep that searches in an operator's name. See :class:`facekeep.service.keep.Keep`."""

    def _begin(self) -> None:
        super()._begin()
        self._combined = Combiner[Asked, Answer](self._search_together, largest=TOGETHER)

    def _adopt(self, roles: Roles) -> None:
        super()._adopt(roles)
        self._comparison = ComparisonService(roles, self._calibration, self._secret)

    def _search(self, asked: Sequence[Asked]) -> list[Answer]:
        with self.stages(Stage.SEARCH):
            return self._combined(asked)

    def _search_together(self, asked: Sequence[Asked]) -> list[Answer]:
        """One pass over the gallery for everybody who waits for one."""
        with self.stages(Stage.PASS), self._reading():
            return self._roles.gate.search_many(asked)

    def _claimed(self, label: str, fmr: float, purpose: Purpose, operator: Operator) -> Claimed:
        # Nobody uses up what is left of a canary's comparisons: to everybody else it is an unknown label.
        with self._reading():
            return self._comparison.claim("" if is_canary(label) else label, fmr, purpose, operator)

    def _prepared(
        self, probe: Probe, questions: Sequence[Question], meaning: Claimed | Planned, key: str
    ) -> PreparedSearch:
        if probe.template is None:
            raise ValueError("a search is prepared for a probe that was acquired")
        salt, commitment = commit(probe.crop)
        level = meaning.level if isinstance(meaning, Claimed) else None
        prepared = self._roles.gate.prepare(questions, key=key, commitment=commitment, level=level)
        expires = datetime.fromtimestamp(prepared.expires, UTC)
        return PreparedSearch(prepared.statement, salt, expires, meaning, prepared, fine_code(probe.template.vector))

    def _signed(self, search: PreparedSearch, signer: Signer | None) -> list[Asked]:
        return search.asked((signer or self._roles.desk).approve(search.statement))

    def _key_of(self, signer: Signer | None) -> str:
        return (signer or self._roles.desk).id

    def _verified(self, claimed: Claimed, answers: Sequence[Answer], *, for_review: bool = False) -> Verification:
        """What answers mean, once the ledger has it; for a review it has no more than that somebody asked."""
        found = self._comparison.verified(answers)
        asked = claimed.questions[0]
        facts = {"purpose": asked.purpose, "operator": asked.operator}
        kind = EntryKind.COMPARED_FOR_REVIEW if for_review else EntryKind.VERIFIED
        if not for_review:
            facts["verified"] = "yes" if found.verified else "no"
        (told,) = self._tell([Told(LedgerEntry(kind, self._now(), facts), claimed.subject)])
        return found if told else Verification(False)  # erased meanwhile

    def _identified(self, planned: Planned, answers: Sequence[Answer]) -> list[Identification]:
        """The same of searches that were planned together."""
        if not answers:
            return []
        with self._reading():
            people = [self._comparison.found(answer) for answer in answers]
        asked, now = planned.question, self._now()
        facts = {"purpose": asked.purpose, "operator": asked.operator, "case": asked.case}
        returned = LedgerEntry(EntryKind.RETURNED, now, facts)
        searched = [LedgerEntry(EntryKind.SEARCHED, now, facts | {"found": str(len(found))}) for found in people]
        self._tell([*map(Told, searched), *(Told(returned, subject) for found in people for subject in found)])
        with self._reading():  # who withdrew or was erased meanwhile is not returned
            return [self._comparison.identified(planned, answer) for answer in answers]

    # Signed elsewhere

    def prepare_verification(
        self,
        label: str,
        picture: bytes,
        *,
        operator: Operator,
        key: str,
        fmr: float = 1e-4,
        purpose: Purpose = Purpose.VERIFY,
    ) -> PreparedSearch | Verification:
        """State a verification for an operator to sign, within five minutes. See ``verify``.

        Args:
            label: the claim.
            picture: the probe.
            operator: whose key will sign.
            key: its identifier.
            fmr: see ``verify``.
            purpose: see ``verify``.

        Returns:
            What to sign; the answer itself if no face of sufficient quality was found.
        """
        claimed = self._claimed(label, fmr, purpose, operator)
        probe = self._acquisition.for_probe(picture)
        if probe.template is None:
            return Verification(False, acquired=False, reasons=probe.reasons)
        with self._reading():
            return self._prepared(probe, claimed.questions, claimed, key)

    def finish_verification(self, search: PreparedSearch, approval: Approval) -> Verification:
        """Make a prepared verification that its operator has signed.

        Raises:
            TicketError: the signature is not the operator's, the key may not sign this, or the time is over.
        """
        if not isinstance(search.meaning, Claimed):
            raise UsageError("this search is an identification", hint="Finish it as one.")
        return self._verified(search.meaning, self._search(search.asked(approval)))

    def prepare_identification(self, picture: bytes, search: Search, *, key: str) -> PreparedSearch | Identification:
        """State an identification for an operator to sign, within five minutes. See ``identify``.

        Returns:
            What to sign; the answer itself if no face of sufficient quality was found.
        """
        with self._reading():
            planned = self._comparison.plan(search, self._now())
        probe = self._acquisition.for_probe(picture)
        if probe.template is None:
            return Identification((), planned.fmr, planned.searched, acquired=False, reasons=probe.reasons)
        with self._reading():
            return self._prepared(probe, [planned.question], planned, key)

    def finish_identification(self, search: PreparedSearch, approval: Approval) -> Identification:
        """Make a prepared identification that its operator has signed.

        Raises:
            RefusedError: a half refused it, for instance since the signature is not the operator's.
        """
        if not isinstance(search.meaning, Planned):
            raise UsageError("this search is a verification", hint="Finish it as one.")
        with self._reading():  # the case may have been closed since it was stated
            self._comparison.check_case(search.meaning, self._now())
        (found,) = self._identified(search.meaning, self._search(search.asked(approval)))
        return found

    # The keys of operators

    def add_operator_key(
        self,
        operator: Operator,
        public: bytes,
        *,
        purposes: Iterable[Purpose],
        days: int,
        rp: str = "",
        origin: str = "",
    ) -> SigningKey:
        """Register a key by which an operator signs searches; both halves know it before this returns.

        Args:
            operator: whose it is, as named at searches: a client or an account, or a name at the keep itself.
            public: SubjectPublicKeyInfo in DER: Ed25519, or for a passkey also P-256.
            purposes: what it may sign for, at least one.
            days: for how long, 1 to 366.
            rp: of a passkey, its relying party, for instance ``faces.example``.
            origin: of a passkey, the page that may use it, for instance ``https://faces.example``.

        Raises:
            UsageError: no purpose, or too long.
            FormatError: it is no such key.
        """
        if not 1 <= days <= KEY_DAYS_MAX:
            raise UsageError(f"an operator's key signs for 1 to {KEY_DAYS_MAX} days")
        bits = purpose_bits(purposes)
        if not bits:
            raise UsageError("a key signs for nothing without a purpose", hint=f"Purposes are {', '.join(Purpose)}.")
        with self._using():
            ends = int((self._now() + timedelta(days=days)).timestamp())
            kind = KeyKind.PASSKEY if rp or origin else KeyKind.CLIENT
            name = self._comparison.operator(operator)
            key = OperatorKey(kind, public.hex(), name, bits, ends, rp, origin)
            self._change_keys(grant=key, names={name: operator_name(operator)})
            return _shown(key)

    def trust_passkeys(
        self, account: str, *, origin: str, purposes: Iterable[Purpose], days: int
    ) -> tuple[SigningKey, ...]:
        """Let a person sign searches by the passkeys of an account, as they are now.

        Args:
            account: its name.
            origin: of the page where the person signs in, for instance ``https://faces.example``.
            purposes: what they may sign for, at least one.
            days: for how long, 1 to 366.

        Raises:
            NotFoundError: there is no such account, or it has no passkey.
            UsageError: no purpose, too long, or the origin is none.
            FormatError: a passkey is of an algorithm that halves do not check.
        """
        host = urlsplit(origin).hostname
        if not host or origin != f"{urlsplit(origin).scheme}://{urlsplit(origin).netloc}":
            raise UsageError("this is no origin", hint="For example https://faces.example.")
        wanted = tuple(purposes)
        with self._reading(), self._roles.registry.read() as view:
            found = view.account_by_name(account)
            passkeys = () if found is None else view.passkeys_of(found.id)
        if found is None or not passkeys:
            raise NotFoundError("there is no such account, or it has no passkey", hint="facekeep account list.")
        return tuple(
            self.add_operator_key(
                found,
                spki_of_cose(passkey.public_key),
                purposes=wanted,
                days=days,
                rp=host,
                origin=origin,
            )
            for passkey in passkeys
        )

    @contextmanager
    def _without_keys(self, who: Principal) -> Iterator[None]:
        """End in the block what somebody may do, whose keys end too. The caller holds the keep alone.

        The keys go first: if what follows fails, somebody is left who signs nothing, and never a key of somebody who is
        gone. Where the registrar has a host of its own the block goes first, since nothing that can be ended at once
        waits for somebody to go there.

        Raises:
            UnsignedError: the block is done, and the registrar has to revoke the keys.
        """
        name = self._comparison.operator(who)
        ending = [key.id for key in self._roles.left.operators() if key.operator == name]
        if self._roles.registrar is not None:
            for key in ending:
                self._change_keys(revoke=key)
            yield
            return
        yield
        if ending:
            raise UnsignedError(
                "it is done, but for keys that sign searches and that the registrar has to revoke on its own host",
                payload=AskedKey(self._file.keep_id.hex(), None, ending[0]).to_bytes(),
                hint=f"For each: facekeep operator revoke KEY --request FILE. The keys: {', '.join(ending)}.",
            )

    def operator_keys(self) -> tuple[SigningKey, ...]:
        """The keys by which operators sign, the desk's first, as both halves know them.

        Raises:
            BadInputError: the halves know different keys.
        """
        with self._reading():
            left, right = self._roles.left.operators(), self._roles.right.operators()
        if {key.id: key for key in left} != {key.id: key for key in right}:
            raise BadInputError("the halves know different keys of operators", hint="Run facekeep doctor.")
        return tuple(_shown(key) for key in sorted(left, key=lambda key: (key.operator, key.not_after, key.id)))

    def revoke_operator_key(self, key: str) -> None:
        """Take an operator's key; from then on it signs nothing.

        Raises:
            NotFoundError: there is none with this identifier.
            UsageError: it is the desk's, which looks into the list "never return me".
        """
        with self._using():
            if self._operator_key(key).operator == ANYBODY:
                raise UsageError(
                    "the desk's key is not revoked: it looks into the list of those never returned",
                    hint="Let it sign for nothing else: facekeep operator desk.",
                )
            self._change_keys(revoke=key)

    def limit_desk(self, purposes: Iterable[Purpose]) -> SigningKey:
        """Say what the keep's own desk may sign for; what it may not needs a key of the operator.

        The list "never return me" is always looked into at the desk.
        """
        with self._using():
            desk = self._operator_key(self._roles.desk.id)
            bits = purpose_bits(purposes) | NEVER_RETURN_BIT
            limited = OperatorKey(desk.kind, desk.public, desk.operator, bits & EVERY_PURPOSE, desk.not_after)
            self._change_keys(grant=limited)
            return _shown(limited)

    def operator_pseudonym(self, operator: Operator) -> str:
        """By which name the halves and their logs know an operator."""
        with self._reading():
            return self._comparison.operator(operator)

    def _operator_key(self, identifier: str) -> OperatorKey:
        found = next((key for key in self._roles.left.operators() if key.id == identifier), None)
        if found is None:
            raise NotFoundError("there is no such operator's key", hint="List them: facekeep operator list.")
        return found

    # The registrar's word

    def _change_keys(
        self, *, grant: OperatorKey | None = None, revoke: str = "", names: Mapping[str, str] | None = None
    ) -> None:
        self._ask_registrar(AskedKey(self._file.keep_id.hex(), grant, revoke, names or {}))

    def _ask_registrar(self, asked: WordAsked) -> None:
        if self._roles.registrar is None:
            raise UnsignedError(
                "the registrar's word is needed, whose key is on another host", payload=asked.to_bytes()
            )
        # The generation rises with every transaction, so that no change is taken twice.
        serial = self._roles.registry.generation + 1
        self._give(asked.signed(self._roles.registrar, now=self._now(), serial=serial))

    def apply_word(self, signed: Signed) -> None:
        """Give both halves what the registrar signed on its own host.

        Raises:
            RefusedError: a half did not take it: it is not the registrar's, for another keep, was used before or came
                too late.
        """
        with self._using():
            self._give(signed)

    def _give(self, signed: Signed) -> None:
        now = self._now()
        if signed.is_forgiveness:
            for half in (self._roles.left, self._roles.right):
                half.forgive(signed.word)
            self._record_forgiven(signed.word, now)
            return
        self._roles.coordinator.run_on_halves(
            JournalKind.PURPOSES,
            lambda half, transaction: half.stage_operators(transaction, signed.word),
            decide=lambda tx: _record_change(tx, signed.word, now),
        )

    def _record_forgiven(self, word: SignedWord, now: datetime) -> None:
        """Tell the ledger of a forgiveness, which both halves have checked and taken."""
        rows, reviewers = read_forgiven(word)
        entry = LedgerEntry(EntryKind.BUDGET_FORGIVEN, now, {"reviewers": " ".join(reviewers)})
        with self._roles.registry.transaction() as tx:
            whose = (tx.subject_of_pseudonym(row) for row in rows)
            for subject in sorted({one for one in whose if one is not None}):
                tx.record([entry], subject)


def acquired_probes(probes: Sequence[Probe | ImageError]) -> list[Probe]:
    """Those of which there is a template, in order."""
    return [probe for probe in probes if isinstance(probe, Probe) and probe.template is not None]


def _record_change(tx: Transaction, word: SignedWord, now: datetime) -> None:
    """Tell the ledger of a change of keys, which both halves have checked and are about to make."""
    key, revoked = read_changed(word)
    if key is None:
        tx.record([LedgerEntry(EntryKind.KEY_REVOKED, now, {"key": revoked})])
        return
    shown = _shown(key)
    facts = {"key": key.id, "holder": key.operator, "purposes": " ".join(sorted(shown.purposes))}
    if shown.expires is not None:
        facts["until"] = written(shown.expires)
    tx.record([LedgerEntry(EntryKind.KEY_GRANTED, now, facts)])


def _shown(key: OperatorKey) -> SigningKey:
    expires = datetime.fromtimestamp(key.not_after, UTC) if key.not_after else None
    purposes = tuple(purpose for purpose in Purpose if key.purposes & purpose.bit)
    return SigningKey(key.id, key.kind, key.operator, purposes, expires)
