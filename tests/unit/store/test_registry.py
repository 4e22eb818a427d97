"""The registry keeps what it is told, all or nothing."""

import os
import re
import sqlite3
import stat
import threading
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import select, update

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Consent, Notice, Purpose
from facekeep.domain.evidence import USUAL_RULES, Circumstances, Evidence, Guardian
from facekeep.domain.row import Pseudonym
from facekeep.domain.search import CaseId
from facekeep.domain.webhooks import EventKind
from facekeep.errors import ConsentError, DamagedStoreError, FormatError, NotFoundError, UsageError
from facekeep.store import tables
from facekeep.store.journal import JournalKind
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.records import write_time
from facekeep.store.registry import Registry
from facekeep.store.transaction import state_record
from tests.unit.store.registry_scenes import (
    DIGEST,
    KEEP,
    MODEL,
    NOBODY,
    NOTICE,
    NOW,
    enrol,
    execute,
    fetch,
    pseudonym,
)


class TestCreation:
    def test_a_new_registry_is_empty_and_everything_is_off(self, registry: Registry) -> None:
        assert (registry.keep_id, registry.model, registry.epoch, registry.generation) == (KEEP, MODEL, 1, 0)
        assert list(registry.subjects()) == []
        assert (registry.subject_count(), registry.reference_count()) == (0, 0)
        assert registry.switches() == dict.fromkeys(Purpose, False)
        assert (registry.journal(), registry.cases(), registry.never_returned()) == ((), (), ())
        registry.check()

    def test_only_the_owner_may_read_any_of_its_files(self, path: Path, keys: MemoryKeyProvider) -> None:
        before = os.umask(0)
        try:
            with Registry.create(path, keys, keep_id=KEEP, model=MODEL) as registry:
                with registry.transaction() as tx:
                    tx.add_subject("anna")
                modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in path.parent.iterdir()}
        finally:
            os.umask(before)
        assert modes == dict.fromkeys([path.name, f"{path.name}-wal", f"{path.name}-shm"], 0o600)

    def test_durable_and_careful_settings_are_on(self, registry: Registry) -> None:
        with registry.read() as view:
            found = {
                name: view._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
            }
        assert found == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}

    @pytest.mark.usefixtures("registry")
    def test_nothing_is_overwritten(self, path: Path, keys: MemoryKeyProvider) -> None:
        with pytest.raises(UsageError, match="already a registry"):
            Registry.create(path, MemoryKeyProvider(), keep_id=KEEP, model=MODEL)
        with pytest.raises(DamagedStoreError, match="already a key"):
            Registry.create(path.with_name("other"), keys, keep_id=KEEP, model=MODEL)
        assert keys.names() == ("registry", "registry.epoch.1")

    def test_a_creation_that_crashed_can_be_tried_again(
        self, path: Path, keys: MemoryKeyProvider, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def crash(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", crash)
            with pytest.raises(KeyboardInterrupt):
                Registry.create(path, keys, keep_id=KEEP, model=MODEL)
        assert not path.exists()
        path.with_name(path.name + ".new-wal").write_bytes(b"left behind")
        with Registry.create(path, keys, keep_id=KEEP, model=MODEL) as registry:
            registry.check()
        assert [p.name for p in path.parent.iterdir()] == [path.name]


class TestLooking:
    def test_a_look_reads_beside_the_one_that_has_it_open(
        self, registry: Registry, path: Path, keys: MemoryKeyProvider
    ) -> None:
        first = pseudonym()
        with Registry.look(path, keys) as look:
            with registry.transaction() as tx:
                anna = tx.add_subject("anna")
                tx.add_reference(anna, first, gallery="staff", model=MODEL, created=NOW)
            assert look.subject_of_pseudonym(first) == anna
            assert look.subject(anna).label == "anna"
        with registry.transaction() as tx:  # closing the look closed nothing of it
            tx.add_subject("berta")
        assert registry.subject_count() == 2

    @pytest.mark.usefixtures("registry")
    def test_a_look_takes_no_key_of_an_epoch_that_is_under_way(self, path: Path, keys: MemoryKeyProvider) -> None:
        keys.put("registry.epoch.2", bytes(32))  # whoever has it open is about to write under this
        Registry.look(path, keys).close()
        assert "registry.epoch.2" in keys.names()


class TestPeople:
    def test_a_person_is_found_by_every_way(self, registry: Registry) -> None:
        first, second = pseudonym(), pseudonym()
        with registry.transaction() as tx:
            anna = tx.add_subject("anna", "Anna Ängström", {"badge": "17"})
            tx.add_reference(anna, second, gallery="staff", model=MODEL, created=NOW + timedelta(seconds=1))
            tx.add_reference(anna, first, gallery="visitors", model=MODEL, created=NOW)
            assert tx.subject(anna).name == "Anna Ängström"
        found = registry.subject_by_label("anna")
        assert found is not None
        assert found == registry.subject(anna)
        assert (found.label, found.name, dict(found.attributes)) == ("anna", "Anna Ängström", {"badge": "17"})
        assert [(r.pseudonym, r.gallery) for r in registry.references_of(anna)] == [
            (first, "visitors"),
            (second, "staff"),
        ]
        assert registry.references_of(anna)[0].created == NOW
        assert registry.subject_of_pseudonym(second) == anna
        assert registry.subject_of_pseudonym(pseudonym()) is None
        assert registry.subject_by_label("Anna") is None
        assert registry.reference_count() == 2

    def test_nothing_personal_is_shown_by_repr(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna = tx.add_subject("label-of-anna", "Anna", {"badge": "secret"})
            case = tx.add_case(
                "title", Purpose.VERIFY, opened_by="operator", opened=NOW, expires=NOW + timedelta(days=1)
            )
        shown = repr(registry.subject(anna)) + repr(registry.case(case)) + repr(registry)
        assert not re.search("anna|Anna|secret|title|operator", shown)

    def test_a_label_is_unique_in_its_normal_form(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            tx.add_subject("Zo\u00eb")
        with registry.transaction() as tx, pytest.raises(UsageError, match="already a data subject"):
            tx.add_subject(" Zoe\u0308 ")
        assert registry.subject_by_label("Zoe\u0308") is not None

    @pytest.mark.parametrize("label", ["", "  ", "a\nb", "a\x00", "x" * 129, "\ud800", "\u202e"])
    def test_what_is_no_label_is_refused(self, registry: Registry, label: str) -> None:
        with registry.transaction() as tx, pytest.raises(FormatError):
            tx.add_subject(label)
        with pytest.raises(FormatError):
            registry.subject_by_label(label)

    @pytest.mark.parametrize(
        ("name", "attributes"),
        [
            ("x" * 513, {}),
            ("\udfff", {}),
            ("", {"": "x"}),
            ("", {"a": "x" * 4097}),
            ("", {str(i): "" for i in range(65)}),
        ],
    )
    def test_too_much_is_refused(self, registry: Registry, name: str, attributes: dict[str, str]) -> None:
        with registry.transaction() as tx, pytest.raises(FormatError):
            tx.add_subject("anna", name, attributes)
        assert registry.subject_count() == 0

    def test_a_record_can_be_put_right(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna = tx.add_subject("anna", "Ana", {"badge": "17"})
        with registry.transaction() as tx:
            tx.change_subject(anna, name="Anna")
        assert (registry.subject(anna).name, dict(registry.subject(anna).attributes)) == ("Anna", {"badge": "17"})
        with registry.transaction() as tx:
            tx.change_subject(anna, attributes={})
        assert (registry.subject(anna).name, dict(registry.subject(anna).attributes)) == ("Anna", {})

    def test_pages_give_everybody_once(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            expected = {tx.add_subject(f"person {i}") for i in range(7)}
        for page in (1, 3, 7, 8):
            listed = [subject.id for subject in registry.subjects(page=page)]
            assert listed == sorted(expected)

    def test_a_pseudonym_serves_one_reference(self, registry: Registry) -> None:
        used = pseudonym()
        with registry.transaction() as tx:
            anna = enrol(tx, "anna", used)
        with registry.transaction() as tx:
            with pytest.raises(UsageError, match="in use"):
                tx.add_reference(anna, used, gallery="staff", model=MODEL, created=NOW)
            with pytest.raises(ValueError, match="16 bytes"):
                tx.add_reference(anna, Pseudonym(b"short"), gallery="staff", model=MODEL, created=NOW)
            tx.remove_reference(used)
            tx.remove_reference(used)
            tx.add_reference(anna, used, gallery="staff", model=MODEL, created=NOW)
        assert registry.reference_count() == 1

    def test_nobody_is_told_as_such(self, registry: Registry) -> None:
        for ask in (
            registry.subject,
            registry.references_of,
            registry.consents_of,
            registry.allowed_purposes,
        ):
            with pytest.raises(NotFoundError, match="no such data subject"):
                ask(NOBODY)
        with registry.transaction() as tx:
            tx.add_notice(NOTICE)
            for write in (
                lambda: tx.change_subject(NOBODY, name="x"),
                lambda: tx.add_reference(NOBODY, pseudonym(), gallery="g", model=MODEL, created=NOW),
                lambda: tx.give_consent(NOBODY, Purpose.VERIFY, NOTICE.digest, NOW),
                lambda: tx.withdraw_consent(NOBODY, Purpose.VERIFY, NOW),
                lambda: tx.erase_subject(NOBODY, NOW),
                lambda: tx.join_never_return(NOBODY, NOW),
            ):
                with pytest.raises(NotFoundError):
                    write()


class TestConsent:
    def test_what_is_allowed_needs_consent_and_switch(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna = enrol(tx, "anna")
            tx.give_consent(anna, Purpose.IDENTIFY, NOTICE.digest, NOW)
        assert registry.allowed_purposes(anna) == frozenset()
        with registry.transaction() as tx:
            tx.set_switch(Purpose.VERIFY, on=True)
            tx.set_switch(Purpose.PAYMENT, on=True)
            assert tx.allowed_purposes(anna) == {Purpose.VERIFY}
        assert registry.allowed_purposes(anna) == {Purpose.VERIFY}
        assert registry.switches()[Purpose.PAYMENT]
        with registry.transaction() as tx:
            tx.set_switch(Purpose.VERIFY, on=False)
        assert registry.allowed_purposes(anna) == frozenset()

    def test_a_withdrawn_consent_stays_on_record_and_never_holds_again(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna = enrol(tx, "anna")
            tx.set_switch(Purpose.VERIFY, on=True)
            tx.give_consent(anna, Purpose.VERIFY, tx.add_notice(Notice("another")), NOW)
            tx.give_consent(anna, Purpose.IDENTIFY, NOTICE.digest, NOW)
        later = NOW + timedelta(days=1)
        with registry.transaction() as tx:
            tx.withdraw_consent(anna, Purpose.VERIFY, later)
        assert [c.withdrawn for c in registry.consents_of(anna) if c.purpose is Purpose.VERIFY] == [later, later]
        assert registry.allowed_purposes(anna) == frozenset()
        with registry.transaction() as tx, pytest.raises(NotFoundError, match="no consent"):
            tx.withdraw_consent(anna, Purpose.VERIFY, later)
        with registry.transaction() as tx:
            tx.give_consent(anna, Purpose.VERIFY, NOTICE.digest, later)
        assert registry.allowed_purposes(anna) == {Purpose.VERIFY}
        assert sum(c.purpose is Purpose.VERIFY for c in registry.consents_of(anna)) == 3

    def test_the_same_consent_twice_is_one_of_the_later_time(self, registry: Registry) -> None:
        later = NOW + timedelta(days=1)
        with registry.transaction() as tx:
            anna = enrol(tx, "anna")
            tx.give_consent(anna, Purpose.IDENTIFY, NOTICE.digest, NOW)
            for given in (later, later, NOW):  # at the last the clock was set back
                tx.give_consent(anna, Purpose.VERIFY, NOTICE.digest, given)
        consents = registry.consents_of(anna)
        assert [(c.purpose, c.given) for c in consents] == [(Purpose.IDENTIFY, NOW), (Purpose.VERIFY, later)]
        with registry.transaction() as tx:
            tx.withdraw_consent(anna, Purpose.VERIFY, later)
            tx.give_consent(anna, Purpose.VERIFY, NOTICE.digest, later + timedelta(days=1))
        # What was withdrawn is renewed by nothing.
        assert [c.holds for c in registry.consents_of(anna)] == [True, False, True]

    def test_a_consent_needs_its_notice(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna = tx.add_subject("anna")
            with pytest.raises(NotFoundError, match="notice"):
                tx.give_consent(anna, Purpose.VERIFY, NOTICE.digest, NOW)
            assert tx.add_notice(NOTICE) == NOTICE.digest == tx.add_notice(NOTICE)
        assert registry.notice(NOTICE.digest) == NOTICE
        assert registry.notice("0" * 64) is None

    def test_a_notice_is_described_once_and_speaks_of_its_purposes(self, registry: Registry) -> None:
        described = Notice(NOTICE.text, "en", frozenset({Purpose.VERIFY}))
        with registry.transaction() as tx:
            anna = tx.add_subject("anna")
            # A record of before notices were described holds the text alone.
            tx.add_notice(NOTICE)
            row = tx._find(tables.notices.c.digest, NOTICE.digest)
            assert row is not None
            old = tx._vault.root.seal(tables.notices.c.sealed, row.id, {"text": NOTICE.text})
            tx._connection.execute(update(tables.notices).values(sealed=old))
        assert registry.notices() == (NOTICE,)
        with registry.transaction() as tx:
            tx.give_consent(anna, Purpose.IDENTIFY, tx.add_notice(NOTICE), NOW)
            assert tx.add_notice(described) == NOTICE.digest == tx.add_notice(NOTICE)
            with pytest.raises(ConsentError, match="does not speak"):
                tx.give_consent(anna, Purpose.PAYMENT, NOTICE.digest, NOW)
        assert registry.notices() == (described,)
        for other in (Notice(NOTICE.text, "de", described.purposes), Notice(NOTICE.text, "en")):
            with pytest.raises(UsageError, match="kept already"), registry.transaction() as tx:
                tx.add_notice(other)
        with registry.transaction() as tx, pytest.raises(ConsentError):
            tx.give_consent(anna, Purpose.PAYMENT, NOTICE.digest, NOW)
        assert [consent.purpose for consent in registry.consents_of(anna)] == [Purpose.IDENTIFY]

    def test_records_of_before_evidence_and_rules_are_read(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna = enrol(tx, "anna")
            ((row, cells),) = tx._owned(tables.consents, anna)
            old = {"purpose": "verify", "notice": NOTICE.digest, "given": write_time(NOW), "withdrawn": None}
            sealed = cells.seal(tables.consents.c.sealed, row.id, old)
            tx._connection.execute(update(tables.consents).values(sealed=sealed))
            state = {n: v for n, v in state_record(tx.state).items() if n not in {"guardian_under", "age_required"}}
            sealed = tx._vault.root.seal(tables.meta.c.sealed, tx._vault.store, state)
            tx._connection.execute(update(tables.meta).values(sealed=sealed))
        assert registry.consents_of(anna) == (Consent(Purpose.VERIFY, NOTICE.digest, NOW),)
        assert registry.consent_rules() == USUAL_RULES

    def test_the_circumstances_are_part_of_what_is_the_same(self, registry: Registry) -> None:
        minor = Circumstances(Evidence.form(b"x"), Guardian("Mother"), 9)
        with registry.transaction() as tx:
            anna = enrol(tx, "anna")
            for _ in range(2):
                tx.give_consent(anna, Purpose.VERIFY, NOTICE.digest, NOW, minor)
            with pytest.raises(ConsentError, match="guardian"):
                tx.give_consent(anna, Purpose.VERIFY, NOTICE.digest, NOW, Circumstances(age=9))
            # A mistake about the age is put right by saying it again.
            tx.give_consent(anna, Purpose.VERIFY, NOTICE.digest, NOW, replace(minor, age=10))
        given = registry.consents_of(anna)
        assert sorted(c.of_age.year for c in given if c.of_age is not None) == [NOW.year + 8, NOW.year + 9]
        assert {consent.evidence.written for consent in given} == {minor.evidence.written, "word"}
        assert {consent.guardian for consent in given} == {None, minor.guardian}

    def test_the_length_of_a_consent_does_not_tell_minors_apart(self, registry: Registry) -> None:
        form = Evidence.form(b"x")
        said = (
            Circumstances(),
            Circumstances(form, age=18),
            Circumstances(form, Guardian("x" * 200, "", form), 9),
            Circumstances(guardian=Guardian("Mother"), age=9),
        )
        lengths = set()
        for number, circumstances in enumerate(said):
            with registry.transaction() as tx:
                who = tx.add_subject(str(number))
                for purpose in (Purpose.VERIFY, Purpose.MISSING_PERSON):
                    tx.give_consent(who, purpose, tx.add_notice(NOTICE), NOW, circumstances)
                tx.withdraw_consent(who, Purpose.MISSING_PERSON, NOW)
                rows = tx._connection.execute(select(tables.consents)).all()
                lengths |= {len(row.sealed) for row in rows}
        assert len(lengths) == 1

    def test_versions_of_a_notice_form_a_line(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            tx.add_notice(NOTICE)
            second = Notice("Newer.", replaces=NOTICE.digest)
            assert tx.add_notice(second) == tx.add_notice(second) == second.digest
            third = Notice("Newest.", "en", frozenset({Purpose.VERIFY}), "a year", "nobody", "a card", second.digest)
            tx.add_notice(third)
        assert registry.notice(third.digest) == third
        with registry.read() as view:
            newer = [view.replacement_of(each.digest) for each in (NOTICE, second, third)]
        assert newer == [second.digest, third.digest, ""]
        for wrong in (Notice("x", replaces=NOTICE.digest), Notice("x", replaces="0" * 64)):
            with pytest.raises(UsageError), registry.transaction() as tx:
                tx.add_notice(wrong)
        assert len(registry.notices()) == 3

    @pytest.mark.parametrize("language", ["e", "en-", "en us", "en-" + "x" * 9, "a-b-c-d-e-f"])
    def test_what_is_no_language(self, language: str) -> None:
        with pytest.raises(FormatError):
            Notice("x", language)

    def test_times_need_a_zone_and_come_back_as_the_same_moment(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna = enrol(tx, "anna")
            with pytest.raises(ValueError, match="time zone"):
                tx.give_consent(anna, Purpose.PAYMENT, NOTICE.digest, NOW.replace(tzinfo=None))
            tx.give_consent(
                anna, Purpose.PAYMENT, NOTICE.digest, NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
            )
        assert {c.given for c in registry.consents_of(anna)} == {NOW}


class TestNeverReturn:
    def test_joining_and_leaving(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            anna, berta = tx.add_subject("anna"), tx.add_subject("berta")
            for _ in range(2):
                tx.join_never_return(anna, NOW)
            assert tx.is_never_returned(anna)
            assert not tx.is_never_returned(berta)
        registry.check()
        assert registry.never_returned() == (anna,)
        with registry.transaction() as tx:
            for _ in range(2):
                tx.leave_never_return(anna)
        assert registry.never_returned() == ()


class TestCases:
    def test_a_case_is_found_and_closed_once(self, registry: Registry) -> None:
        end = NOW + timedelta(days=3)
        with registry.transaction() as tx:
            case = tx.add_case("Lost child", Purpose.MISSING_PERSON, opened_by="op", opened=NOW, expires=end)
            with pytest.raises(UsageError, match="already a case"):
                tx.add_case("Lost child", Purpose.VERIFY, opened_by="op", opened=NOW, expires=end)
            with pytest.raises(ValueError, match="ends after"):
                tx.add_case("Other", Purpose.VERIFY, opened_by="op", opened=end, expires=NOW)
        found = registry.case_by_title("Lost child")
        assert found == registry.case(case)
        assert found is not None
        assert (found.title, found.purpose, found.opened_by) == ("Lost child", Purpose.MISSING_PERSON, "op")
        assert [found.is_open(t) for t in (NOW - timedelta(seconds=1), NOW, end)] == [False, True, False]
        for moment in (NOW, end):
            with registry.transaction() as tx:
                tx.close_case(case, moment)
        assert registry.case(case).closed == NOW
        assert not registry.case(case).is_open(NOW)
        assert registry.cases() == (registry.case(case),)
        assert registry.case_by_title("Other") is None
        with pytest.raises(NotFoundError):
            registry.case(CaseId(bytes(16)))


class TestClients:
    def test_records_from_before_there_were_organisations_are_of_the_keep_itself(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            end = NOW + timedelta(days=3)
            tx.add_client("till", [Scope.READ], DIGEST, created=NOW, expires=end, organisation="Acme")
            ada = tx.add_account("ada", [Role.REVIEWER], subject=None, created=NOW, organisation="Acme")
            (till,) = tx.clients()
            hook = tx.add_webhook("https://example.org/", [EventKind.CASE_OPENED], NOW, "Acme")
            assert {till.organisation, tx.account(ada.id).organisation, tx.webhook(hook.id).organisation} == {"Acme"}
            for table, identifier in ((tables.clients, till.id), (tables.accounts, ada.id), (tables.webhooks, hook.id)):
                sealed = tx._connection.execute(select(table.c.sealed)).scalar_one()
                record = tx._vault.root.open(table.c.sealed, identifier, sealed)
                assert record.pop("organisation") == "Acme"
                old = tx._vault.root.seal(table.c.sealed, identifier, record)
                tx._connection.execute(update(table).values(sealed=old))
        with registry.read() as view:
            assert view.clients() == (replace(till, organisation=""),)
            assert view.accounts() == (replace(ada, organisation=""),)
            assert view.webhooks() == (replace(hook, organisation=""),)

    def test_a_client_is_found_by_its_token_until_it_is_removed(self, registry: Registry, path: Path) -> None:
        end = NOW + timedelta(days=3)
        scopes = [Scope.VERIFY, Scope.READ]
        with registry.transaction() as tx:
            till = tx.add_client("Till  at the door", scopes, DIGEST, created=NOW, expires=end)
            other = tx.add_client("other", [Scope.ERASE], bytes(32), created=NOW, expires=end)
            with pytest.raises(UsageError, match="already a client"):
                tx.add_client("other", scopes, bytes(31), created=NOW, expires=end)
            with pytest.raises(ValueError, match="has a scope"):
                tx.add_client("third", [], bytes(30), created=NOW, expires=end)
            with pytest.raises(ValueError, match="ends after"):
                tx.add_client("third", scopes, bytes(30), created=end, expires=NOW)
        assert (till.scopes, till.created, till.expires) == (frozenset(scopes), NOW, end)
        assert registry.client_by_digest(DIGEST) == till == registry.client_by_name(till.name)
        assert registry.client_by_digest(DIGEST[:-1] + b"x") is None
        assert registry.client_by_name("nobody") is None
        assert set(registry.clients()) == {till, other}
        assert till.name not in repr(till)
        with registry.transaction() as tx:
            tx.remove_client(till.id)
            tx.remove_client(till.id)
        assert registry.client_by_digest(DIGEST) is None
        assert registry.clients() == (other,)
        assert DIGEST not in path.read_bytes()

    def test_a_token_whose_index_points_at_another_client_opens_nothing(self, registry: Registry, path: Path) -> None:
        end = NOW + timedelta(days=3)
        with registry.transaction() as tx:
            tx.add_client("weak", [Scope.VERIFY], DIGEST, created=NOW, expires=end)
            tx.add_client("strong", [Scope.ERASE], bytes(32), created=NOW, expires=end)
        secrets = [secret for (secret,) in fetch(path, "SELECT secret FROM clients")]
        execute(path, "UPDATE clients SET secret = substr(secret, 2)")
        execute(path, "UPDATE clients SET secret = ? WHERE secret = ?", secrets[0], secrets[1][1:])
        execute(path, "UPDATE clients SET secret = ? WHERE secret = ?", secrets[1], secrets[0][1:])
        with pytest.raises(DamagedStoreError, match="clients"):
            registry.client_by_digest(DIGEST)


class TestTransactions:
    def test_all_or_nothing(self, registry: Registry) -> None:
        def fail() -> None:
            with registry.transaction() as tx:
                enrol(tx, "anna", pseudonym())
                tx.set_switch(Purpose.VERIFY, on=True)
                tx.advance_generation()
                tx.journal_begin(JournalKind.ENROL, {})
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert registry.subject_by_label("anna") is None
        assert (registry.generation, registry.journal(), registry.reference_count()) == (0, (), 0)
        assert not any(registry.switches().values())

    def test_generations_count(self, registry: Registry) -> None:
        with registry.transaction() as tx:
            assert [tx.advance_generation(), tx.advance_generation()] == [1, 2]
        assert registry.generation == 2

    def test_a_transaction_within_a_transaction_is_refused(self, registry: Registry) -> None:
        with registry.transaction(), pytest.raises(UsageError, match="already"), registry.transaction():
            pass
        with registry.transaction(), pytest.raises(UsageError, match="already"):
            registry.begin_epoch()

    def test_threads_wait_for_each_other(self, registry: Registry) -> None:
        def work() -> None:
            for _ in range(5):
                with registry.transaction() as tx:
                    tx.advance_generation()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert registry.generation == 20

    def test_a_snapshot_does_not_move(self, registry: Registry) -> None:
        with registry.read() as view:
            assert view.subject_count() == 0
            with registry.transaction() as tx:
                tx.add_subject("anna")
            assert view.subject_count() == 0
        assert registry.subject_count() == 1

    def test_another_process_is_waited_for_and_then_named(self, registry: Registry, path: Path) -> None:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with registry.read() as view:
            view._connection.connection.cursor().execute("PRAGMA busy_timeout = 1")
        with pytest.raises(UsageError, match="another process"), registry.transaction():
            pass
        other.close()
