"""What the tests of the registry share: people to enrol, and a look at the bare file."""

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Account, Role
from facekeep.domain.appeals import AppealAnswer, AppealKind
from facekeep.domain.capture import Assurance, Intent
from facekeep.domain.consent import Notice, Purpose
from facekeep.domain.ledger import EntryKind, LedgerEntry, SignedHead, WatchedLog, Witness
from facekeep.domain.requests import KeptAnswer
from facekeep.domain.review import (
    Decision,
    PictureRole,
    ReasonCode,
    Review,
    ReviewedCapture,
    ReviewId,
    ReviewKind,
    ReviewPicture,
    ReviewReason,
    ReviewView,
    ViewReason,
    Vote,
)
from facekeep.domain.review_words import (
    Concern,
    ConcernId,
    ReportedConcern,
    ReviewWords,
    ReviewWordsId,
    WordsKind,
)
from facekeep.domain.reviewer import DutyDay, Reviewer, ReviewerKey
from facekeep.domain.row import Pseudonym
from facekeep.domain.subject import SubjectId
from facekeep.domain.webhooks import Event, EventKind
from facekeep.store.journal import JournalKind
from facekeep.store.registry import Registry
from facekeep.store.transaction import Transaction

MODEL = "ab" * 32
KEEP = b"keep identifier."
NOW = datetime(2026, 11, 23, 12, 0, 0, 123456, tzinfo=UTC)
NOTICE = Notice("We keep two random halves of your template.")
NOBODY = SubjectId(bytes(16))
DIGEST = b"digest of a token, 32 bytes long"


def pseudonym() -> Pseudonym:
    return Pseudonym(os.urandom(16))


def enrol(tx: Transaction, label: str, *pseudonyms: Pseudonym, name: str = "") -> SubjectId:
    subject = tx.add_subject(label, name, {})
    for each in pseudonyms:
        tx.add_reference(subject, each, gallery="staff", model=MODEL, created=NOW)
    tx.give_consent(subject, Purpose.VERIFY, tx.add_notice(NOTICE), NOW)
    return subject


def fill(registry: Registry, *, ledger: bool = True) -> None:
    with registry.transaction() as tx:
        for i in range(5):
            enrol(tx, f"person {i}", pseudonym(), pseudonym(), name=f"Name {i}")
        gone = enrol(tx, "gone", pseudonym())
        tx.erase_subject(gone, NOW)
        tx.join_never_return(tx.subjects()[0].id, NOW)
        tx.add_case("case", Purpose.VERIFY, opened_by="op", opened=NOW, expires=NOW + timedelta(days=1))
        tx.add_client("till", [Scope.VERIFY], DIGEST, created=NOW, expires=NOW + timedelta(days=1))
        tx.add_client(
            "agency", [Scope.READ], bytes(32), created=NOW, expires=NOW + timedelta(days=1), organisation="Acme"
        )
        person = tx.add_account("ada", [Role.OPERATOR, Role.AUDITOR], subject=None, created=NOW)
        tx.add_account("somebody enrolled", [Role.DATA_SUBJECT], subject=tx.subjects()[1].id, created=NOW)
        tx.add_account("eve", [Role.REVIEWER], subject=None, created=NOW, organisation="Acme")
        tx.add_passkey(person.id, credential=b"a credential", public_key=b"a key", sign_count=7, created=NOW)
        tx.add_session(person.id, DIGEST, NOW)
        tx.add_invitation(person.id, DIGEST, NOW)
        tx.bind_identity(person.id, "https://issuer.example", "ada there")
        tx.answer_request(tx.add_request(DIGEST, bytes(32), NOW), KeptAnswer(201, b"an answer"))
        tx.add_webhook("https://example.org/hook", [EventKind.CASE_OPENED], NOW)
        tx.add_webhook("https://acme.example/hook", [EventKind.REVIEW_OPENED], NOW, "Acme")
        tx.tell(Event(EventKind.CASE_OPENED, NOW, {"case": "00" * 16}))
        tx.tell(Event(EventKind.REVIEW_OPENED, NOW, {"review": "00" * 16}), "Acme")
        if ledger:
            tx.record([LedgerEntry(EntryKind.SWITCHED, NOW, {"purpose": "verify", "on": "yes"})])
            tx.record([LedgerEntry(EntryKind.CONSENT_GIVEN, NOW)] * 3, tx.subjects()[0].id)
            tx.keep_ledger_head(SignedHead(4, "a note"))
            for about in (3, None):
                appeal = tx.add_appeal(tx.subjects()[0].id, AppealKind.APPEAL, about=about, text="No.", filed=NOW)
            tx.answer_appeal(appeal.id, AppealAnswer(True, "You are right.", NOW, "reviewer"))
            tx.cosign_ledger_head(SignedHead(4, "a note that was co-signed"))
            tx.set_ledger_witness(Witness("auditor", "a key", 4))
            tx.set_watched_log(WatchedLog("another", ("a note", "a later one")))
            _fill_reviews(tx, person)
        tx.set_switch(Purpose.VERIFY, on=True)
        tx.journal_begin(JournalKind.REFRESH, {"epoch": 2})
        tx.advance_generation()


def a_review(account: Account, subject: SubjectId | None = None) -> Review:
    return Review(
        id=ReviewId(os.urandom(16)),
        kind=ReviewKind.PRESENTATION,
        reasons=(ReviewReason.NO_VITAL_SIGNS, ReviewReason.INCONCLUSIVE),
        organisation="",
        subject=subject,
        owner=account.id,
        owner_kind="account",
        pictures=(ReviewPicture(0, PictureRole.PROBE),),
        created=NOW,
        deadline=datetime(2026, 11, 26, 12, tzinfo=UTC),
        votes=(Vote(account.id, Decision.ATTACK, ReasonCode.SCREEN, NOW, 40),),
        views=(ReviewView(account.id, ViewReason.URGENT_SIGN, NOW),),
        recused=(account.id,),
        capture=ReviewedCapture(
            "0" * 32,
            "1" * 32,
            Intent.VERIFY,
            Purpose.VERIFY,
            Assurance.LIVE,
            "2" * 64,
            "",
            1e-4,
            True,
            False,
            ("flat",),
        ),
    )


def _fill_reviews(tx: Transaction, account: Account) -> None:
    subject = tx.subjects()[0].id
    for about in (subject, None):
        review = a_review(account, about)
        tx.add_review(review, '{"pad":null}')
        tx.add_concern(ReportedConcern(ConcernId(os.urandom(16)), review.id, Concern.HARM, "A hand.", account.id, NOW))
    words = ReviewWords(ReviewWordsId(os.urandom(16)), review.id, WordsKind.STATEMENT, "It was dark.", NOW)
    tx.add_review_words(subject, words)
    tx.set_reviewer(Reviewer(account.id, (ReviewerKey(bytes(32), NOW),), NOW, (DutyDay("2026-11-22", 60),)))


def snapshot(registry: Registry) -> list[object]:
    """All that can be read, found through every index."""
    people = list(registry.subjects())
    found: list[object] = [people, registry.cases(), registry.journal(), registry.never_returned()]
    for person in people:
        assert registry.subject_by_label(person.label) == person
        references = registry.references_of(person.id)
        assert {registry.subject_of_pseudonym(reference.pseudonym) for reference in references} <= {person.id}
        found += [references, registry.consents_of(person.id), registry.allowed_purposes(person.id)]
    assert all(registry.case_by_title(case.title) == case for case in registry.cases())
    assert all(registry.client_by_name(client.name) == client for client in registry.clients())
    found += [registry.clients(), registry.client_by_digest(DIGEST)]
    with registry.read() as view:
        found += [(webhook, view.deliveries(webhook.id)) for webhook in view.webhooks()]
        found += [view.ledger_openings(), view.ledger_heads(), view.ledger_nodes(0, 100)]
        found += [view.ledger_head(4), view.ledger_witnesses(), view.watched_log("another")]
        found += [view.ledger_openings(person.id) for person in people]
        found += [view.appeals(), [view.appeals_of(person.id) for person in people]]
        found += [view.requests(), view.request_by_digest(DIGEST)]
        found += [(review, view.review_figures(review.id)) for review in view.reviews()]
        found += [view.reviewers(), view.concerns(), [view.words_of(person.id) for person in people]]
        found += [
            (a, view.passkeys_of(a.id), view.sessions_of(a.id), view.identities_of(a.id)) for a in view.accounts()
        ]
        assert all(view.account_by_name(account.name) == account for account in view.accounts())
        found += [view.passkey_by_credential(b"a credential"), view.session_by_digest(DIGEST)]
        found += [view.invitation_by_digest(DIGEST), view.account_by_identity("https://issuer.example", "ada there")]
    return [*found, registry.notice(NOTICE.digest), registry.switches(), registry.generation, registry.keep_id]


def contents(folder: Path) -> list[bytes]:
    return [p.read_bytes() for p in folder.rglob("*") if p.is_file()]


def stored_bytes(path: Path, subject: SubjectId) -> set[bytes]:
    """Every sealed cell and blind index that belongs to one person, as it lies in the file."""
    connection = sqlite3.connect(path)
    found: set[bytes] = set()
    for table, column in (("subjects", "id"), ("references", "subject"), ("consents", "subject")):
        for row in connection.execute(f'SELECT * FROM "{table}" WHERE {column} = ?', (subject,)):
            found |= {bytes(cell) for cell in row if bytes(cell) != subject}
    connection.close()
    return found


def root_cells(path: Path) -> list[tuple[bytes, ...]]:
    connection = sqlite3.connect(path)
    rows = [
        row
        for table, column in (
            ("subjects", "key"),
            ("meta", "sealed"),
            ("cases", "sealed"),
            ("clients", "sealed"),
            ("requests", "sealed"),
            ("accounts", "sealed"),
            ("passkeys", "sealed"),
            ("sessions", "sealed"),
            ("invitations", "sealed"),
            ("identities", "sealed"),
            ("notices", "sealed"),
            ("journal", "sealed"),
            ("webhooks", "sealed"),
            ("deliveries", "sealed"),
            ("tombstones", "sealed"),
            ("reviews", "sealed"),
            ("reviews", "figures"),
            ("reviewers", "sealed"),
            ("concerns", "sealed"),
        )
        for row in connection.execute(f"SELECT {column} FROM {table}")
    ]
    connection.close()
    return rows


def blind_indexes(path: Path) -> set[bytes]:
    connection = sqlite3.connect(path)
    found = {
        row[0]
        for table, column in (
            ("subjects", "label"),
            ("references", "pseudonym"),
            ("cases", "title"),
            ("clients", "name"),
            ("clients", "secret"),
            ("requests", "request"),
            ("accounts", "handle"),
            ("passkeys", "credential"),
            ("sessions", "secret"),
            ("invitations", "secret"),
            ("identities", "identity"),
            ("notices", "digest"),
        )
        for row in connection.execute(f'SELECT {column} FROM "{table}"')
    }
    connection.close()
    return found


def execute(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(statement, values)
    connection.close()


def fetch(path: Path, statement: str) -> list[tuple[bytes, ...]]:
    connection = sqlite3.connect(path)
    rows = connection.execute(statement).fetchall()
    connection.close()
    return rows
