"""Retention in a keep with real people: the clock is moved, and what the rules say is gone from all three stores."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from facekeep.domain.consent import Purpose
from facekeep.domain.retention import PRESETS, Basis, Effect, RetentionRule
from facekeep.domain.webhooks import EventKind
from facekeep.errors import DueAtOnceError, NotFoundError, UsageError
from facekeep.ledger_verifier import Report, VerifierKey, verify
from facekeep.service.answers import RetentionReport
from facekeep.service.keep import Keep
from facekeep.service.keep_retention import KeepRetention
from tests.unit.service.conftest import BOTH, NOTICE, MovedClock

Picture = Callable[[str], bytes]
ILLINOIS, TEXAS = PRESETS["illinois"], PRESETS["texas"]
LAW = "740 ILCS 14/15(a)"


def own(basis: Basis, days: int, purpose: Purpose | None = None) -> RetentionRule:
    return RetentionRule("own rule", basis, purpose, days)


def labels(keep: Keep) -> list[str]:
    return sorted(person.label for person in keep.subjects())


def planned(keep: Keep, days: int = 90) -> list[tuple[str, str, str]]:
    return sorted(
        (going.label, ending.purpose or ending.effect.value, ending.due.isoformat()[:10])
        for going in keep.retention_plan(days)
        for ending in going.endings
    )


def ledger(keep: Keep, label: str | None = None) -> Report:
    bundle = keep.ledger_bundle() if label is None else keep.ledger_bundle_of(label)
    report = verify(bundle, VerifierKey.read(keep.ledger_key))
    assert report.faults == []
    return report


def told(report: Report, kind: str) -> list[dict[str, str]]:
    return [entry for _, entry in sorted(report.opened.items()) if entry["kind"] == kind]


def test_a_moved_clock_purges(keep: Keep, clock: MovedClock, picture: Picture) -> None:
    webhook = keep.add_webhook("https://hooks.example.org/", [EventKind.SUBJECT_ERASED])
    subject = keep.subject("obama").id
    assert keep.set_retention(ILLINOIS) == ILLINOIS
    keep.open_case("of then", operator="op", days=366)
    clock.forward(days=1094)
    keep.verify("biden", picture("biden.jpg"), operator="op")
    assert keep.keep_retention() == RetentionReport()
    assert planned(keep) == [("obama", "person-goes", "2030-02-28")]
    clock.forward(days=1)
    assert keep.keep_retention() == RetentionReport(people=1)
    # Gone from the registry and from both halves; the other one is as before.
    assert labels(keep) == ["biden"]
    assert len(keep._roles.left) == len(keep._roles.right) == 1
    keep.check()
    with pytest.raises(NotFoundError, match="erased"):
        keep.label_of(subject)
    keep.open_case("of now", operator="op")
    for name, found in (("obama2.jpg", []), ("biden.jpg", ["biden"])):
        candidates = keep.identify(picture(name), operator="op", case="of now").candidates
        assert [candidate.label for candidate in candidates] == found
    assert not keep.verify("obama", picture("obama2.jpg"), operator="op").verified
    (erased,) = told(ledger(keep), "erased")
    assert (erased["by"], erased["law"], erased["subject"], erased["references"]) == ("retention", LAW, subject, "1")
    assert [delivery.event.about for delivery in keep.waiting_deliveries(webhook.id)] == [{"subject": subject}]
    assert keep.keep_retention() == RetentionReport()


def test_a_verification_renews_the_last_contact_and_a_search_or_a_refusal_does_not(
    keep: Keep, clock: MovedClock, picture: Picture
) -> None:
    keep.set_retention([own(Basis.LAST_CONTACT, 100)])
    clock.forward(days=20)
    keep.identify(picture("obama2.jpg"), operator="op", case="lost child")
    assert not keep.verify("obama", picture("biden.jpg"), operator="op").verified
    assert planned(keep) == [("biden", "person-goes", "2027-06-09"), ("obama", "person-goes", "2027-06-09")]
    assert keep.verify("obama", picture("obama2.jpg"), operator="op").verified
    assert planned(keep, 200) == [("biden", "person-goes", "2027-06-09"), ("obama", "person-goes", "2027-06-29")]
    assert planned(keep, 79) == []
    clock.forward(days=80)
    assert keep.keep_retention() == RetentionReport(people=1)
    assert labels(keep) == ["obama"]


def test_a_withdrawal_begins_the_year_of_texas(keep: Keep, clock: MovedClock) -> None:
    keep.set_retention(TEXAS)
    assert planned(keep, 30_000) == []
    clock.forward(days=10)
    keep.withdraw_consent("obama", Purpose.VERIFY)
    keep.withdraw_consent("biden", Purpose.VERIFY)
    clock.forward(days=10)
    keep.withdraw_consent("obama", Purpose.IDENTIFY)
    assert planned(keep, 365) == [("obama", "person-goes", "2028-03-20")]
    # A switch for everybody ends no purpose: it may be on again tomorrow.
    keep.switch(Purpose.IDENTIFY, False)
    clock.forward(days=364)
    assert keep.keep_retention().people == 0
    clock.forward(days=1)
    assert keep.keep_retention().people == 1
    assert labels(keep) == ["biden"]


def test_a_rule_for_one_purpose_switches_it_off_in_both_halves(keep: Keep, clock: MovedClock, picture: Picture) -> None:
    keep.set_retention([*ILLINOIS, own(Basis.CONSENT_GIVEN, 20, Purpose.IDENTIFY)])
    clock.forward(days=20)
    assert keep.keep_retention() == RetentionReport(purposes=2)
    (row,) = keep._roles.registry.references_of(keep._rights.subject("obama").id)
    for half in (keep._roles.left, keep._roles.right):
        head = half.head_of(row.pseudonym)
        assert head is not None
        assert head.purposes == Purpose.VERIFY.bit
    assert keep.identify(picture("obama2.jpg"), operator="op", case="lost child").candidates == ()
    assert keep.verify("obama", picture("obama2.jpg"), operator="op").verified
    (withdrawn,) = told(ledger(keep, "obama"), "consent-withdrawn")
    assert (withdrawn["by"], withdrawn["law"], withdrawn["purpose"]) == ("retention", "own rule", "identify")
    # That a rule ended a purpose was no contact with the person.
    assert planned(keep, 2000) == [("biden", "person-goes", "2030-02-28"), ("obama", "person-goes", "2030-03-20")]


def test_who_consents_anew_before_the_run_stays(keep: Keep, clock: MovedClock, monkeypatch: pytest.MonkeyPatch) -> None:
    keep.set_retention([own(Basis.CONSENT_GIVEN, 20)])
    clock.forward(days=20)
    let_go = KeepRetention._let_go

    def came_by(self: Keep, subject: bytes, ahead: timedelta) -> list[Effect]:
        if self.label_of(subject.hex()) == "obama":
            self.give_consent("obama", Purpose.IDENTIFY, "Another notice.")
        return let_go(self, subject, ahead)  # type: ignore[arg-type]

    monkeypatch.setattr(KeepRetention, "_let_go", came_by)
    assert keep.keep_retention() == RetentionReport(people=1, purposes=1)
    assert labels(keep) == ["obama"]
    assert keep.subject("obama").purposes == (Purpose.IDENTIFY,)


def test_who_consents_anew_in_the_same_words_renews_the_term(keep: Keep, clock: MovedClock) -> None:
    keep.set_retention([own(Basis.CONSENT_GIVEN, 20)])
    clock.forward(days=15)
    for purpose in BOTH:
        keep.give_consent("obama", purpose, NOTICE)
    clock.forward(days=15)
    assert keep.keep_retention() == RetentionReport(people=1)
    assert labels(keep) == ["obama"]
    # Of each time the ledger has an entry; what holds is the last.
    given = [entry["time"][:10] for entry in told(ledger(keep, "obama"), "consent-given")]
    assert sorted(given) == ["2027-03-01", "2027-03-01", "2027-03-16", "2027-03-16"]
    assert {consent.given.isoformat()[:10] for consent in keep.consents("obama")} == {"2027-03-16"}
    clock.forward(days=5)
    assert keep.keep_retention() == RetentionReport(people=1)


def test_canaries_stay(keep: Keep, clock: MovedClock) -> None:
    keep.plant_canaries(2)
    keep.set_retention(ILLINOIS)
    clock.forward(days=4000)
    assert {going.label for going in keep.retention_plan(0)} == {"obama", "biden"}
    assert keep.keep_retention().people == 2
    assert labels(keep) == ["canary 1", "canary 2"]
    assert keep.ask_canaries().fault is None


def test_who_is_never_to_be_returned_stays_so_and_loses_the_rest(
    keep: Keep, clock: MovedClock, picture: Picture
) -> None:
    keep.never_return("obama", picture("obama.jpg"), operator="op")
    keep.set_retention([own(Basis.LAST_CONTACT, 30)])
    clock.forward(days=30)
    assert {ending for _, ending, _ in planned(keep)} == {"verify", "identify", "references-go", "person-goes"}
    assert keep.keep_retention() == RetentionReport(purposes=2, people=1, references=1)
    details = keep.subject("obama")
    assert (details.references, details.purposes, details.never_returned) == (0, (), True)
    (removed,) = told(ledger(keep, "obama"), "reference-removed")
    assert (removed["by"], removed["law"]) == ("retention", "own rule")
    assert keep.keep_retention() == RetentionReport()
    assert planned(keep, 30_000) == []
    # Whoever enrols the same face under another label: no search returns it.
    assert keep.enrol(
        "another", [picture("obama2.jpg")], purposes=[Purpose.IDENTIFY], notice=NOTICE, operator="op"
    ).never_returned


def test_a_case_that_ended_goes_by_its_own_rule(keep: Keep, clock: MovedClock) -> None:
    keep.open_case("closed", operator="op", days=300)
    keep.close_case("closed")
    keep.open_case("open", operator="op", days=300)
    keep.set_retention([own(Basis.CASE_ENDED, 60)])
    clock.forward(days=60)
    assert planned(keep) == [("closed", "case-goes", "2027-04-30"), ("lost child", "case-goes", "2027-05-30")]
    (case,) = (case.id.hex() for case in keep.cases() if case.title == "closed")
    assert keep.keep_retention() == RetentionReport(cases=1)
    assert {case.title for case in keep.cases()} == {"lost child", "open"}
    (removed,) = told(ledger(keep), "case-removed")
    assert (removed["case"], removed["by"], removed["law"]) == (case, "retention", "own rule")
    assert labels(keep) == ["biden", "obama"]


def test_a_rule_that_is_due_at_once_is_set_only_if_that_is_meant(
    keep: Keep, reopen: Callable[[], Keep], clock: MovedClock
) -> None:
    clock.forward(days=30)
    rule = own(Basis.LAST_CONTACT, 30)
    with pytest.raises(DueAtOnceError, match="2"):
        keep.set_retention([rule])
    assert keep.retention_rules() == ()
    assert labels(keep) == ["biden", "obama"]
    keep.set_retention([*TEXAS, rule], sure=True)
    assert labels(keep) == ["biden", "obama"]  # until the next run
    keep = reopen()
    assert keep.retention_rules() == (*TEXAS, rule)
    assert keep.set_retention([own(Basis.LAST_CONTACT, 40)]) == (*TEXAS, own(Basis.LAST_CONTACT, 40))
    assert keep.set_retention(TEXAS) == keep.retention_rules()  # as it was: nothing is written
    assert keep.remove_retention("own rule") == (own(Basis.LAST_CONTACT, 40),)
    with pytest.raises(NotFoundError):
        keep.remove_retention("own rule")
    keep.refresh()
    keep.rotate()
    assert keep.retention_rules() == TEXAS
    report = ledger(keep)
    facts = [(entry["law"], entry["basis"], entry["days"]) for entry in told(report, "retention-set")]
    assert facts == [
        (TEXAS[0].law, "purpose-ended", "365"),
        ("own rule", "last-contact", "30"),
        ("own rule", "last-contact", "40"),
    ]
    assert [entry["days"] for entry in told(report, "retention-removed")] == ["40"]


def test_a_plan_looks_no_further_than_it_can(keep: Keep) -> None:
    for days in (-1, 36_526):
        with pytest.raises(UsageError):
            list(keep.retention_plan(days))


def test_a_run_that_is_told_to_end_is_taken_up_by_the_next(keep: Keep, clock: MovedClock) -> None:
    keep.set_retention([own(Basis.LAST_CONTACT, 30)])
    clock.forward(days=30)
    asked = iter([False, False, True, True])
    assert keep.keep_retention(stopped=lambda: next(asked)) == RetentionReport(people=1, finished=False)
    assert len(labels(keep)) == 1
    clock.now += timedelta(seconds=1)
    assert keep.keep_retention() == RetentionReport(people=1)
    assert labels(keep) == []
