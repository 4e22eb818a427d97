"""The ledger of a keep with real people: every deed is in it, each person's own opens for that person alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.domain.ledger import Part
from facekeep.domain.webhooks import EventKind
from facekeep.errors import DamagedStoreError, NotFoundError, UsageError
from facekeep.ledger_verifier import Report, VerifierKey, read_head, verify
from facekeep.service.answers import AccessOutcome
from facekeep.service.keep import Keep
from facekeep.service.keep_telling import Told
from facekeep.service.opening import registry_path
from facekeep.store.transaction import Transaction
from tests.unit.service.conftest import MovedClock

Picture = Callable[[str], bytes]


def whole(keep: Keep) -> Report:
    report = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key))
    assert report.faults == []
    return report


def own(keep: Keep, label: str) -> list[str]:
    report = verify(keep.ledger_bundle_of(label), VerifierKey.read(keep.ledger_key))
    assert report.faults == []
    told = [entry for _, entry in sorted(report.opened.items()) if entry["kind"] != "viewed"]
    return [f"{entry['kind']} {entry.get('purpose', '')}".strip() for entry in told]


def test_every_deed_is_in_it(keep: Keep, picture: Picture, clock: MovedClock) -> None:
    first, *consents = own(keep, "obama")
    assert (first, sorted(consents)) == ("enrolled", ["consent-given identify", "consent-given verify"])
    before = keep.ledger_head().size
    clock.forward(hours=1)
    keep.give_consent("obama", Purpose.ATTENDANCE, "Attendance.")
    keep.withdraw_consent("obama", Purpose.IDENTIFY)
    keep.add_references("obama", [picture("obama2.jpg")], operator="op")
    keep.remove_reference("obama", keep.references("obama")[0].id)
    keep.never_return("obama", picture("obama.jpg"), operator="op")
    size = keep.ledger_head().size
    assert own(keep, "obama")[3:] == [
        "consent-given attendance",
        "consent-withdrawn identify",
        "references-added",
        "reference-removed",
        "never-return-joined",
    ]
    assert own(keep, "biden")[3:] == []
    assert keep.ledger_head().size == size + 2  # that they were read; the halves logged nothing
    keep.switch(Purpose.PAYMENT, True)
    keep.open_case("found dog", operator="op")
    keep.close_case("found dog")
    keep.add_notice("Another.", language="en")
    keep.add_notice("Another.", language="en")  # as it was: nothing is done
    keep.erase("obama")
    report = whole(keep)
    assert report.size == before + 15  # with what the two heads took down of the logs of the halves
    told = [entry for leaf, entry in sorted(report.opened.items()) if leaf >= before]
    assert [entry["kind"] for entry in told] == [
        *("logs", "switched", "case-opened", "case-closed", "notice-added", "erased", "logs", "exported")
    ]
    assert {entry["time"][:13] for entry in told} == {"2027-03-01T13"}
    with pytest.raises(NotFoundError):
        keep.ledger_bundle_of("obama")


def test_a_bundle_names_nobody(keep: Keep) -> None:
    names = (b"obama", b"biden", b"Canary", b"lost child")
    for data in (keep.ledger_bundle(), keep.ledger_bundle_of("obama")):
        assert not [name for name in names if name in data]
    # What a bundle of the whole log opens is about nobody.
    assert {entry["kind"] for entry in whole(keep).opened.values()} <= {
        *("begun", "case-opened", "notice-added", "switched", "exported", "logs")
    }


def test_who_kept_a_head_sees_that_the_log_only_grew(keep: Keep) -> None:
    key, head = VerifierKey.read(keep.ledger_key), keep.ledger_head()
    keep.withdraw_consent("obama", Purpose.VERIFY)
    seen = [read_head(head.note)]
    assert verify(keep.ledger_bundle(), key, seen=seen).faults == []
    report = verify(keep.ledger_bundle_of("obama", seen=[head.size]), key, seen=seen)
    assert (report.faults, report.size) == ([], head.size + 4)  # the withdrawal, the export, the logs, the look
    with pytest.raises(UsageError):
        keep.ledger_bundle_of("obama", seen=[1000])


def test_it_goes_on_after_the_keep_was_closed_refreshed_and_rotated(reopen: Callable[[], Keep]) -> None:
    keep = reopen()
    key, head = keep.ledger_key, keep.ledger_head()
    keep.refresh()
    keep.rotate()
    keep = reopen()
    assert keep.ledger_key == key
    keep.switch(Purpose.PAYMENT, True)
    assert verify(keep.ledger_bundle(), VerifierKey.read(key), seen=[read_head(head.note)]).faults == []
    assert own(keep, "obama")[0] == "enrolled"


def test_a_registry_that_was_put_back_is_found_out_by_a_head(
    reopen: Callable[[], Keep], folder: Path, clock: MovedClock
) -> None:
    reopen().close()
    old = registry_path(folder).read_bytes()
    keep = reopen()
    clock.forward(minutes=1)
    keep.add_notice("Another.")
    keep.add_notice("Yet another.")  # of the registry alone: the halves count nothing, and do not notice
    key, head = VerifierKey.read(keep.ledger_key), keep.ledger_head()
    keep.close()
    registry_path(folder).write_bytes(old)
    keep = reopen()
    report = verify(keep.ledger_bundle(), key, seen=[read_head(head.note)])
    assert [fault.kind for fault in report.faults] == ["dropped"]


def test_an_entry_is_kept_to_the_millisecond_of_the_deed(keep: Keep, clock: MovedClock) -> None:
    clock.now += timedelta(microseconds=123_456)
    keep.switch(Purpose.PAYMENT, True)
    report = whole(keep)
    assert report.opened[report.size - 2]["time"] == "2027-03-01T12:00:00.123Z"


def facts(report: Report, kind: str) -> list[dict[str, str]]:
    told = [entry for _, entry in sorted(report.opened.items()) if entry["kind"] == kind]
    return [{name: fact for name, fact in entry.items() if name not in ("kind", "time")} for entry in told]


def test_a_person_reads_who_asked_for_them(keep: Keep, picture: Picture) -> None:
    operator = keep.operator_pseudonym("guard")
    keep.verify("obama", picture("obama2.jpg"), operator="guard")
    keep.verify("obama", picture("biden.jpg"), operator="guard")
    keep.identify(picture("obama2.jpg"), operator="guard", case="lost child")
    key = VerifierKey.read(keep.ledger_key)
    obama, biden = (verify(keep.ledger_bundle_of(label), key) for label in ("obama", "biden"))
    asked = {"purpose": "verify", "operator": operator}
    assert facts(obama, "verified") == [asked | {"verified": "yes"}, asked | {"verified": "no"}]
    (case,) = keep.cases()
    searched = {"purpose": "identify", "operator": operator, "case": case.id.hex()}
    assert facts(obama, "returned") == [searched]
    assert facts(biden, "verified") == facts(biden, "returned") == []
    # The whole log says that there was a search, and not of whom.
    assert facts(whole(keep), "searched") == [searched | {"found": "1"}]
    assert facts(whole(keep), "verified") == []


def test_a_claim_about_nobody_is_recorded_like_one_about_somebody(keep: Keep, picture: Picture) -> None:
    before = keep.ledger_head().size
    keep.verify("nobody", picture("biden.jpg"), operator="guard")
    keep.compare(picture("obama.jpg"), picture("biden.jpg"), operator="guard")
    report = whole(keep)
    assert report.size == before + 4  # the two, the export, the logs
    assert facts(report, "verified")[0]["verified"] == "no"
    assert facts(report, "compared") == [{"operator": keep.operator_pseudonym("guard")}]


def test_a_claim_about_somebody_who_does_not_consent_is_theirs_to_read(keep: Keep, picture: Picture) -> None:
    keep.withdraw_consent("obama", Purpose.VERIFY)
    assert not keep.verify("obama", picture("obama2.jpg"), operator="guard").verified
    assert own(keep, "obama")[-1] == "verified verify"


def test_what_cannot_be_recorded_has_no_answer(keep: Keep, picture: Picture, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise DamagedStoreError("the disk is full", store="registry")

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "record", full)
        with pytest.raises(DamagedStoreError):
            keep.verify("obama", picture("obama2.jpg"), operator="guard")
        with pytest.raises(DamagedStoreError):
            keep.identify(picture("obama2.jpg"), operator="guard", case="lost child")
        with pytest.raises(DamagedStoreError):
            keep.compare(picture("obama.jpg"), picture("obama2.jpg"), operator="guard")
    assert keep.verify("obama", picture("obama2.jpg"), operator="guard").verified


def test_of_somebody_erased_between_comparison_and_record_nothing_is_said(
    keep: Keep, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = keep._tell

    def erased_first(told: Sequence[Told]) -> list[bool]:
        keep.erase("obama")
        return tell(told)

    monkeypatch.setattr(keep, "_tell", erased_first)
    assert keep.verify("obama", picture("obama2.jpg"), operator="guard").verified is False
    monkeypatch.undo()
    keep.enrol("obama", [picture("obama.jpg")], purposes=[Purpose.IDENTIFY], notice="x", operator="op")
    monkeypatch.setattr(keep, "_tell", erased_first)
    assert keep.identify(picture("obama2.jpg"), operator="guard", case="lost child").candidates == ()


def test_questions_that_come_together_are_all_in_it(keep: Keep, picture: Picture) -> None:
    probe = picture("obama2.jpg")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: keep.verify("obama", probe, operator="guard").verified, range(16)))
    assert all(found)
    report = verify(keep.ledger_bundle_of("obama"), VerifierKey.read(keep.ledger_key))
    assert len(facts(report, "verified")) == 16


def test_an_erasure_gives_a_receipt_that_anybody_can_check(keep: Keep, clock: MovedClock) -> None:
    key, subject = VerifierKey.read(keep.ledger_key), keep.subject("obama").id
    erased = keep.erase("obama")
    report = verify(erased.receipt.encode(), key)
    assert report.faults == []
    (entry,) = report.opened.values()
    assert (entry["kind"], entry["subject"], entry["references"]) == ("erased", subject, "1")
    assert entry["copies-readable-until"] == erased.backups_readable_until.isoformat()[:19] + ".000Z"
    assert "obama" not in erased.receipt
    # It is of the log that everybody else sees.
    notes = [json.loads(line)["note"] for line in erased.receipt.splitlines() if line.startswith('{"note"')]
    keep.switch(Purpose.PAYMENT, True)
    assert verify(keep.ledger_bundle(), key, seen=[read_head(note) for note in notes]).faults == []


def test_a_person_reads_names_purposes_and_cases_of_who_asked(keep: Keep, picture: Picture, clock: MovedClock) -> None:
    probe, start = picture("obama2.jpg"), clock.now
    desk = keep.issue_token("front desk", [Scope.VERIFY], days=9).client
    ann = keep.invite("ann", [Role.OPERATOR]).account
    keep.verify("obama", probe, operator=desk)
    clock.forward(minutes=1)
    keep.verify("obama", picture("biden.jpg"), operator=ann)
    clock.forward(minutes=1)
    keep.open_case("found dog", operator="guard")
    keep.identify(probe, operator="guard", case="found dog")
    clock.forward(minutes=1)
    keep.compare(probe, probe, operator=ann)  # of nobody known
    keep.verify("obama", probe, operator="night watch")
    newest, *before = keep.accesses("obama")
    case = next(case.id.hex() for case in keep.cases() if case.title == "found dog")
    assert [(each.operator, each.purpose, each.case, each.outcome) for each in before] == [
        ("guard", Purpose.IDENTIFY, case, AccessOutcome.RETURNED),
        ("account ann", Purpose.VERIFY, "", AccessOutcome.NOT_VERIFIED),
        ("client front desk", Purpose.VERIFY, "", AccessOutcome.VERIFIED),
    ]
    assert [each.time for each in before] == [start + timedelta(minutes=minutes) for minutes in (2, 1, 0)]
    assert (newest.operator, newest.outcome) == (None, AccessOutcome.VERIFIED)  # opened no case: nobody kept the name
    opened = verify(keep.ledger_bundle_of("obama"), VerifierKey.read(keep.ledger_key)).opened
    assert {opened[each.leaf]["kind"] for each in before} == {"returned", "verified"}
    assert keep.accesses("biden") == ()
    # That somebody exported what is about them is theirs to read too.
    assert [(each.operator, each.purpose, each.outcome) for each in keep.accesses("obama")][:1] == [
        (None, None, AccessOutcome.SHOWN)
    ]
    # Who takes the name of somebody who has left is not taken for them.
    keep.revoke_account("ann")
    keep.invite("ann", [Role.OPERATOR])
    assert [each.operator for each in keep.accesses("obama")][1:] == [None, "guard", None, "client front desk"]
    with pytest.raises(NotFoundError):
        keep.accesses("nobody")


def told_since(keep: Keep, size: int) -> list[dict[str, str]]:
    """What was done about nobody, after the first leaves, without its time and without the export that shows it."""
    opened = [entry for leaf, entry in sorted(whole(keep).opened.items()) if leaf >= size and entry["kind"] != "logs"]
    return [{name: fact for name, fact in entry.items() if name != "time"} for entry in opened][:-1]


def test_who_may_ask_is_in_it(keep: Keep) -> None:
    root = keep.invite("root", [Role.ADMINISTRATOR, Role.AUDITOR], by="op").account
    op, by = keep.operator_pseudonym("op"), keep.operator_pseudonym(root)
    size = keep.ledger_head().size
    till = keep.issue_token("till", [Scope.VERIFY, Scope.READ], days=2, by=root).client
    ann = keep.invite("ann", [Role.OPERATOR], by=root).account
    keep.invite_again("ann")
    keep.change_roles("ann", [Role.REVIEWER], by=root)
    hook = keep.add_webhook("https://canary.example/secret", [EventKind.CASE_OPENED, EventKind.CASE_CLOSED], by=root)
    keep.remove_webhook(hook.id.hex(), by=root)
    keep.revoke_account("ann", by="op")
    keep.revoke_token("till", by=root)
    client, account, webhook = ({"client": till.id.hex()}, {"account": ann.id.hex()}, {"webhook": hook.id.hex()})
    until = "2027-03-03T12:00:00.000Z"
    assert told_since(keep, size) == [
        client | {"kind": "token-created", "scopes": "read verify", "until": until, "operator": by},
        account | {"kind": "account-created", "roles": "operator", "operator": by},
        account | {"kind": "account-invited"},  # by nobody who gave a name
        account | {"kind": "account-changed", "roles": "reviewer", "operator": by},
        webhook | {"kind": "webhook-added", "events": "case.closed case.opened", "operator": by},
        webhook | {"kind": "webhook-removed", "operator": by},
        account | {"kind": "account-revoked", "operator": op},
        client | {"kind": "token-revoked", "operator": by},
    ]
    # None of it, if it came to nothing.
    size = keep.ledger_head().size
    for refused in (
        lambda: keep.revoke_token("till"),
        lambda: keep.revoke_account("ann"),
        lambda: keep.invite("x", []),
    ):
        with pytest.raises((NotFoundError, UsageError)):
            refused()
    assert keep.ledger_head().size == size
    bundle = keep.ledger_bundle()
    assert not [name for name in (b"root", b"ann", b"till", b"canary") if name in bundle]


def test_what_was_done_with_keys_is_in_it(keep: Keep) -> None:
    assert facts(whole(keep), "begun") == [{"ledger-key": keep.ledger_key}]
    size = keep.ledger_head().size
    public = Ed25519PrivateKey.generate().public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ann = keep.invite("ann", [Role.OPERATOR]).account
    key = keep.add_operator_key(ann, der, purposes=[Purpose.VERIFY, Purpose.IDENTIFY], days=1)
    desk = keep.limit_desk([Purpose.IDENTIFY])
    epoch = keep.status().epoch
    keep.refresh()
    keep.rotate()
    keep.revoke_account("ann")
    holder = keep.operator_pseudonym(ann)
    assert told_since(keep, size)[1:] == [
        {"kind": "key-granted", "key": key.id, "holder": holder, "purposes": "identify verify"}
        | {"until": "2027-03-02T12:00:00.000Z"},
        {"kind": "key-granted", "key": desk.id, "holder": "", "purposes": "identify"},
        {"kind": "refreshed", "epoch": str(epoch + 1)},
        {"kind": "rotated"},
        {"kind": "key-revoked", "key": key.id},  # with the account whose it is
        {"kind": "account-revoked", "account": ann.id.hex()},
    ]
    assert keep.status().epoch == epoch + 1


def test_who_forgave_is_the_persons_to_read(keep: Keep) -> None:
    keep.unlock("obama", ["guard", "chief"])
    reviewers = " ".join(sorted(keep.operator_pseudonym(name) for name in ("guard", "chief")))
    key = VerifierKey.read(keep.ledger_key)
    assert facts(verify(keep.ledger_bundle_of("obama"), key), "budget-forgiven") == [{"reviewers": reviewers}]
    assert facts(verify(keep.ledger_bundle_of("biden"), key), "budget-forgiven") == []


def test_who_looked_at_a_record_is_the_persons_to_read(keep: Keep) -> None:
    ann = keep.invite("ann", [Role.OPERATOR]).account
    myself = keep.invite("barack", [Role.DATA_SUBJECT], label="obama").account
    size = keep.ledger_head().size
    for part in Part:
        keep.tell_viewed("obama", part, by=ann)
        keep.tell_viewed("obama", part, by=myself)
        keep.tell_viewed("nobody", part, by=ann)
    keep.tell_listed(2, by=ann)
    assert keep.ledger_head().size == size + len(Part) + 1
    by = keep.operator_pseudonym(ann)
    report = verify(keep.ledger_bundle_of("obama", by=myself), VerifierKey.read(keep.ledger_key))
    assert facts(report, "viewed") == [{"part": part.value, "operator": by} for part in Part]
    assert {(each.operator, each.outcome) for each in keep.accesses("obama")} == {("account ann", AccessOutcome.SHOWN)}
    assert told_since(keep, size) == [{"kind": "listed", "people": "2", "operator": by}]


def test_what_cannot_be_recorded_is_not_shown(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise DamagedStoreError("the disk is full", store="registry")

    monkeypatch.setattr(Transaction, "record", full)
    for shown in (
        lambda: keep.tell_viewed("obama", Part.RECORD, by="op"),
        lambda: keep.tell_listed(2, by="op"),
        keep.ledger_bundle,
        lambda: keep.ledger_bundle_of("obama"),
    ):
        with pytest.raises(DamagedStoreError):
            shown()
