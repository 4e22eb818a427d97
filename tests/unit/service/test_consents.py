"""What a keep asks of consents, and what it keeps of them: with real people, over all three stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from facekeep.domain.consent import Consent, KnownNotice, Purpose
from facekeep.domain.evidence import UNTOLD, Circumstances, ConsentRules, Evidence, Guardian
from facekeep.errors import ConsentError, NotFoundError, UsageError
from facekeep.ledger_verifier import VerifierKey, verify
from facekeep.service.enrolment import Person
from facekeep.service.keep import Keep
from tests.unit.service.conftest import BOTH, NOTICE, MovedClock

Picture = Callable[[str], bytes]
FATHER = Guardian("MARKED-GUARDIAN", "father", Evidence.form(b"custody"))
MINOR = Circumstances(Evidence.form(b"signed"), FATHER, 16)


def last(keep: Keep, label: str) -> Consent:
    return max(keep.consents(label), key=lambda consent: consent.given)


def test_a_guardian_consents_until_the_minor_is_of_age_who_is_asked_anew(keep: Keep, clock: MovedClock) -> None:
    clock.forward(hours=1)
    keep.give_consent("obama", Purpose.PAYMENT, NOTICE, MINOR)
    given = last(keep, "obama")
    assert (given.guardian, given.evidence, given.age_given) == (FATHER, MINOR.evidence, True)
    assert given.of_age == datetime(2029, 3, 1, 23, 59, 59, tzinfo=UTC)
    clock.now = given.of_age
    assert not given.is_outgrown(clock())
    clock.forward(seconds=1)
    assert given.is_outgrown(clock())
    # It goes on until somebody withdraws it: who says nothing has not taken it back.
    keep.switch(Purpose.PAYMENT, True)
    assert Purpose.PAYMENT in keep.subject("obama").purposes
    with pytest.raises(ConsentError, match="of age since"):
        keep.withdraw_consent("obama", Purpose.PAYMENT, by_guardian=True)
    # The person's own consent is recorded beside it, to the same purpose and notice.
    keep.give_consent("obama", Purpose.PAYMENT, NOTICE, Circumstances(age=18))
    assert [c.guardian for c in keep.consents("obama") if c.purpose is Purpose.PAYMENT] == [FATHER, None]
    keep.withdraw_consent("obama", Purpose.PAYMENT)
    assert not any(c.holds for c in keep.consents("obama") if c.purpose is Purpose.PAYMENT)


def test_who_is_known_for_a_minor_is_no_adult_by_saying_nothing(keep: Keep, clock: MovedClock) -> None:
    keep.give_consent("obama", Purpose.PAYMENT, NOTICE, MINOR)
    keep.withdraw_consent("obama", Purpose.PAYMENT, by_guardian=True)
    with pytest.raises(ConsentError, match="said before"):
        keep.give_consent("obama", Purpose.PAYMENT, NOTICE)
    keep.give_consent("obama", Purpose.ATTENDANCE, NOTICE, Circumstances(age=18))  # 16 was a mistake
    keep.give_consent("obama", Purpose.PAYMENT, NOTICE)
    clock.forward(hours=1)
    keep.give_consent("obama", Purpose.PAYMENT, NOTICE, MINOR)
    with pytest.raises(ConsentError, match="said before"):
        keep.give_consent("obama", Purpose.OWN_PHOTOS, NOTICE)
    clock.forward(days=2 * 366)
    keep.give_consent("obama", Purpose.OWN_PHOTOS, NOTICE)


def test_what_a_guardian_withdraws_is_gone_from_the_next_search(
    keep: Keep, picture: Picture, clock: MovedClock
) -> None:
    keep.withdraw_consent("obama", Purpose.IDENTIFY)
    keep.give_consent("obama", Purpose.IDENTIFY, NOTICE, MINOR)
    probe, case = picture("obama2.jpg"), "lost child"
    assert keep.identify(probe, operator="op", case=case).candidates
    with pytest.raises(ConsentError, match="no guardian"):
        keep.withdraw_consent("obama", Purpose.VERIFY, by_guardian=True)  # which the person gave
    with pytest.raises(NotFoundError):
        keep.withdraw_consent("obama", Purpose.ATTENDANCE, by_guardian=True)
    keep.withdraw_consent("obama", Purpose.IDENTIFY, by_guardian=True)
    assert not keep.identify(probe, operator="op", case=case).candidates
    keep.check()


def test_the_ledger_has_the_evidence_and_no_guardian_by_name(keep: Keep) -> None:
    keep.give_consent("obama", Purpose.PAYMENT, NOTICE, MINOR)
    keep.withdraw_consent("obama", Purpose.PAYMENT, by_guardian=True)
    keep.set_consent_rules(ConsentRules(14, age_required=True))
    keep.set_consent_rules(ConsentRules(14, age_required=True))  # as it was: nothing is done
    first = keep.add_notice("Erstens.", language="de", retention="ein Jahr")
    second = keep.add_notice("Zweitens.", language="de", replaces=first.digest)
    bundle = keep.ledger_bundle_of("obama")
    assert b"MARKED" not in bundle
    own = verify(bundle, VerifierKey.read(keep.ledger_key))
    entries = [entry for _, entry in sorted(own.opened.items())]
    given, withdrawn = [entry for entry in entries if entry["kind"].startswith("consent-")][-2:]
    assert {name: given[name] for name in ("purpose", "evidence", "guardian")} == {
        "purpose": "payment",
        "evidence": MINOR.evidence.written,
        "guardian": "yes",
    }
    assert {entry.get("guardian") for entry in own.opened.values()} == {None, "no", "yes"}
    assert (withdrawn["kind"], withdrawn["guardian"]) == ("consent-withdrawn", "yes")
    assert {entry.get("evidence", "") for entry in own.opened.values()} == {"", "word", MINOR.evidence.written}
    told = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key))
    entries = [entry for _, entry in sorted(told.opened.items())]
    *_, rules, _, newer = [entry for entry in entries if entry["kind"] in ("consent-rules-set", "notice-added")]
    assert (rules["kind"], rules["guardian-under"], rules["age-required"]) == ("consent-rules-set", "14", "yes")
    assert (newer["notice"], newer["replaces"]) == (second.digest, first.digest)


def test_of_many_each_has_circumstances_of_their_own(keep: Keep, picture: Picture) -> None:
    keep.set_consent_rules(ConsentRules(14, age_required=True))
    people = [
        Person("child", [lambda: picture("astronaut.png")], circumstances=replace(MINOR, age=13)),
        Person("orphan", [lambda: picture("obama2.jpg")], circumstances=Circumstances(age=13)),
        Person("unasked", [lambda: picture("obama2.jpg")]),
        Person("grown", [lambda: picture("obama3.jpg")], circumstances=Circumstances(age=14)),
        Person("biden", [lambda: picture("biden.jpg")]),  # known: no consent is recorded, and no age is asked
    ]
    done = keep.enrol_many(people, purposes=BOTH, notice=NOTICE, operator="op")
    assert {outcome.label: type(outcome.error) for outcome in done.failed} == {
        "orphan": ConsentError,
        "unasked": ConsentError,
    }
    assert {consent.guardian for consent in keep.consents("child")} == {FATHER}
    assert {consent.guardian for consent in keep.consents("grown")} == {None}
    keep.check()


def test_rules_ask_of_later_consents_and_survive(keep: Keep, reopen: Callable[[], Keep]) -> None:
    assert keep.consent_rules() == ConsentRules(18, age_required=False)
    keep.set_consent_rules(ConsentRules(0, age_required=True))
    again = reopen()
    assert again.consent_rules() == ConsentRules(0, age_required=True)
    assert all(consent.holds for consent in again.consents("obama"))
    with pytest.raises(ConsentError, match="age"):
        again.give_consent("obama", Purpose.PAYMENT, NOTICE)
    assert again.plant_canaries(1) == 1  # nobody, who has no age to say
    again.give_consent("obama", Purpose.PAYMENT, NOTICE, Circumstances(age=0))
    again.refresh()
    assert again.consent_rules() == ConsentRules(0, age_required=True)


def test_a_refused_consent_leaves_three_stores_as_they_were(keep: Keep, picture: Picture) -> None:
    before = keep.status()
    for said, error in ((Circumstances(age=3), ConsentError), (Circumstances(guardian=FATHER), UsageError)):
        with pytest.raises(error):
            keep.give_consent("obama", Purpose.PAYMENT, NOTICE, said)
        with pytest.raises(error):
            keep.enrol("x", [picture("astronaut.png")], purposes=BOTH, notice=NOTICE, operator="op", circumstances=said)
    assert keep.status() == before
    keep.check()


def test_notices_of_all_kinds_are_found_after_their_keys_are_drawn_anew(keep: Keep, clock: MovedClock) -> None:
    notice = keep.add_notice("Whole.", language="en", retention="a year", recipients="nobody", alternative="a card")
    later = keep.add_notice("Whole.", language="en", replaces=notice.digest)
    keep.rotate()
    clock.forward(hours=1)
    assert keep.notice(notice.digest) == notice
    assert keep.replacement_of(notice.digest) == later.digest
    keep.give_consent("obama", Purpose.PAYMENT, KnownNotice(notice.digest), UNTOLD)
    assert last(keep, "obama").notice == notice.digest
