"""Papers from facts: what is missing is shown as missing, and nothing that is hidden can be worked out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.access import Scope
from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.domain.evidence import OPERATORS_WORD, Circumstances, Evidence, Guardian
from facekeep.domain.ledger import EntryKind
from facekeep.domain.review import Decision, ReviewReason
from facekeep.domain.review_words import (
    Concern,
)
from facekeep.domain.subject import SubjectId
from facekeep.domain.webhooks import EventKind
from facekeep.errors import BadInputError, UsageError
from facekeep.service.about import FIELDS, About, template
from facekeep.service.claims import Lost, Taken, claims_of
from facekeep.service.facts import Presence, Present, Quarter, ReviewingFacts, ToldOf
from facekeep.service.filing import FilingState, FilingThreshold
from facekeep.service.keep import Keep
from facekeep.service.keep_reviews import REVIEW_DAYS
from facekeep.service.measured import DrillSummary, EvaluationSummary
from facekeep.service.paper import Missing, Table, page
from facekeep.service.report_breach import Breach, BreachPack, Risk
from facekeep.service.report_dpia import ImpactAssessment
from facekeep.service.report_register import Register
from facekeep.service.report_transparency import SMALL, Published, Transparency
from tests.unit.service.conftest import MovedClock
from tests.unit.service.reviewing import a_person, decide, filed
from tests.unit.service.some_facts import NOW, some_drill, some_evaluation, some_facts

SAID = About({"controller.name": "Lock <script>alert(1)</script> & Co", "purpose.verify.ground": "consent"})
Q1, Q2 = Quarter(2026, 1), Quarter(2026, 2)

# Facts of a real keep


def test_facts_are_those_of_the_keep_and_name_nobody(keep: Keep, picture: Callable[[str], bytes]) -> None:
    keep.plant_canaries(2)
    keep.withdraw_consent("biden", Purpose.IDENTIFY)
    keep.add_webhook("https://hooks.example.org/secret-path", [EventKind.SUBJECT_ERASED])
    facts = keep.facts()
    assert (facts.people, facts.canaries, facts.references, keep.filing().people) == (2, 2, 4, 2)
    by = {one.purpose: one for one in facts.purposes}
    assert (by[Purpose.VERIFY].people, by[Purpose.IDENTIFY].people, by[Purpose.PAYMENT].people) == (2, 1, 0)
    assert by[Purpose.VERIFY].notices == by[Purpose.IDENTIFY].notices != frozenset()
    assert (facts.consents.holding, facts.consents.withdrawn, facts.consents.without_notice) == (3, 1, 0)
    assert (facts.open_cases, facts.apart, [one.host for one in facts.recipients]) == (1, False, ["hooks.example.org"])
    assert (facts.consents.evidenced, facts.guardian_under, facts.age_required) == (0, 18, False)
    assert not re.search("obama|biden|lost child|secret-path", repr(facts), re.IGNORECASE)


def test_facts_tell_how_people_decide(keep: Keep, clock: MovedClock) -> None:
    assert keep.reviewing() == ReviewingFacts()
    both = a_person(keep, "till and reviewer", Role.OPERATOR, Role.REVIEWER)
    a_person(keep, "reviewer 1")
    keep.invite("reviewer without a key", [Role.REVIEWER])
    # Nobody decides about what they filed: with the till's own, one is left.
    assert keep.reviewing() == ReviewingFacts(organisations=1, able=0, reviewers=2)
    a_person(keep, "reviewer 2")
    keep.invite("officer", [Role.OFFICER])
    keep.issue_token("bank's", [Scope.CAPTURE], days=1, organisation="bank")
    a_person(keep, "elsewhere", organisation="bank")
    usual = ReviewingFacts(organisations=2, able=1, overseen=1, reviewers=4)
    assert keep.reviewing() == usual
    a_person(keep, "elsewhere too", Role.REVIEWER, Role.OFFICER, organisation="bank")
    began = clock.now
    urgent = filed(keep, both.account, reasons=(ReviewReason.EYES_CLOSED,))
    filed(keep, both.account, known=Decision.ATTACK)
    keep.add_webhook("https://hooks.example.org/", [EventKind.REVIEW_URGENT])
    assert not keep.reviewing().told, "nobody of the bank is"
    keep.add_webhook("https://bank.example/", [EventKind.REVIEW_URGENT], organisation="bank")
    clock.forward(hours=2)
    filed(keep, both.account)
    able = ReviewingFacts(organisations=2, able=2, overseen=2, reviewers=5, open=3, urgent_hours=2, told=True)
    assert keep.facts().reviewing == able
    # A client whose token is over asks for nothing.
    clock.forward(days=2)
    keep.withdraw_review(urgent.id.hex(), owner=both.account)
    assert keep.reviewing() == replace(able, organisations=1, able=1, overseen=1, open=2, urgent_hours=None)
    for since, until, reviews in ((-9, -1, 0), (0, 1, 2), (0, 3, 3), (49, 51, 3), (51, 60, 2), (99, 101, 0)):
        window = began + timedelta(hours=since), began + timedelta(hours=until)
        assert keep.presence(*window).reviews == reviews, (since, until)


def test_who_is_affected_was_there_in_the_window(keep: Keep, clock: MovedClock) -> None:
    began = clock.now
    before = keep.presence(began - timedelta(days=9), began - timedelta(days=1))
    assert (before.people, before.erased) == ((), 0)
    clock.forward(days=3)
    keep.erase("biden")
    during = keep.presence(began, began + timedelta(days=1))
    assert [(one.label, one.since, one.references) for one in during.people] == [("obama", began, 1)]
    assert during.erased == 1
    assert "obama" not in repr(during)
    guardian = Guardian("Marian R", "", Evidence.form(b"signed"))
    keep.give_consent("obama", Purpose.ATTENDANCE, "Attendance.", Circumstances(OPERATORS_WORD, guardian, 9))
    keep.add_notice("Told.", purposes=[Purpose.ATTENDANCE], recipients="nobody", retention=" ")  # which says nothing
    ((ada,), facts) = keep.presence(began, began + timedelta(days=1)).people, keep.facts()
    assert (ada.guardians, "Marian" in repr(ada)) == (("Marian R",), False)
    assert (facts.consents.by_guardians, facts.consents.by_evidenced_guardians) == (1, 1)
    assert {"recipients": "nobody"} in [notice.items for notice in facts.notices]
    keep.give_consent("obama", Purpose.PAYMENT, "Payment.", Circumstances(Evidence.form(b"signed"), age=18))
    assert keep.facts().consents.evidenced == 1
    # Who was erased before it began was not there.
    assert keep.presence(began + timedelta(days=4), began + timedelta(days=5)).erased == 0


def test_the_ledger_is_counted_by_quarter_purpose_and_outcome(
    keep: Keep, clock: MovedClock, picture: Callable[[str], bytes]
) -> None:
    keep.identify(picture("obama2.jpg"), operator="op", case="lost child")
    clock.forward(days=31)  # the case is over, and it is the next quarter
    keep.verify("obama", picture("obama2.jpg"), operator="op")
    keep.verify("obama", picture("biden.jpg"), operator="op")
    told = keep.told()
    first, second = Quarter(2027, 1), Quarter(2027, 2)
    assert told[ToldOf(EntryKind.SEARCHED, first, "identify", "found")] == 1
    assert told[ToldOf(EntryKind.CONSENT_GIVEN, first, "verify")] == 2
    assert told[ToldOf(EntryKind.VERIFIED, second, "verify", "yes")] == 1
    assert told[ToldOf(EntryKind.VERIFIED, second, "verify", "no")] == 1
    assert sum(told.values()) == keep.facts().ledger


def test_what_people_decided_is_counted_whether_or_not_it_is_about_somebody_known(
    keep: Keep, clock: MovedClock
) -> None:
    owner = keep.invite("till", [Role.OPERATOR]).account
    people = [a_person(keep, f"reviewer {number}") for number in range(2)]
    subject = SubjectId(bytes.fromhex(keep.subject("obama").id))
    for number in range(12):
        review = filed(keep, owner, subject=subject if number % 2 else None)
        if number < 10:
            decide(keep, review, Decision.BONA_FIDE if number < 5 else Decision.ATTACK, *people)
        elif number == 10:
            keep.withdraw_review(review.id.hex(), owner=owner)
    keep.report_concern(review.id.hex(), Concern.HARM, "", who=people[0].account)
    quarter = Quarter(2027, 1)
    told, kinds = keep.told(), EntryKind
    assert told[ToldOf(kinds.REVIEW_OPENED, quarter)] == 12
    assert [told[ToldOf(kinds.REVIEW_DECIDED, quarter, "", how)] for how in ("bona-fide", "attack", "withdrawn")] == [
        5,
        5,
        1,
    ]
    assert told[ToldOf(kinds.REVIEW_VIEWED, quarter)] == 20
    clock.forward(days=31)
    keep.tend()
    facts = keep.facts()
    lines = Transparency(facts, About(), keep.published(), quarter, quarter).lines
    shown = {line.name: line.total.shown for line in lines if not line.purpose}
    assert shown["reviews that people were asked for, anew by an appeal too"] == "10–19"
    assert shown["times that a face was shown to a reviewer or officer"] == "20–29"
    assert shown["reviews: refused as no live person"] == "<10"
    assert shown["reports of harm, a minor or a death by reviewers"] == "<10"
    keep.erase("obama")
    again = {
        line.name: line.total.shown for line in Transparency(facts, About(), keep.published(), quarter, quarter).lines
    }
    assert {name: again[name] for name in shown if name != "people erased"} == {
        name: count for name, count in shown.items() if name != "people erased"
    }


def test_an_erasure_changes_no_count_that_was_published(
    keep: Keep, clock: MovedClock, picture: Callable[[str], bytes]
) -> None:
    """Somebody did as much as makes a line of tens, is erased, and every later report says the same of that quarter."""
    for _ in range(6):
        keep.verify("obama", picture("obama2.jpg"), operator="op")
    for _ in range(4):
        keep.verify("biden", picture("biden.jpg"), operator="op")
    clock.forward(days=31)
    quarter = Quarter(2027, 1)

    def report() -> list[dict[str, object]]:
        facts = keep.facts()
        document = Transparency(facts, About(), keep.published(), quarter, Quarter.of(facts.made).before).as_json()
        lines = [line for line in document["counts"] if line["what"] != "people erased"]  # type: ignore[attr-defined]
        return [{**line, "by_quarter": line["by_quarter"][0], "total": None} for line in lines]

    first = report()
    verified = ToldOf(EntryKind.VERIFIED, quarter, "verify", "yes")
    assert (keep.told()[verified], keep.published()[verified]) == (10, 10)
    keep.erase("obama")
    assert keep.told()[verified] == 4
    assert report() == first
    clock.forward(days=92)
    assert report() == first
    assert keep.published()[verified] == 10
    # Each quarter is counted once.
    counted = [opening.entry.facts for opening in keep._told_of_nobody() if opening.entry.kind is EntryKind.COUNTED]
    assert sorted(one["quarter"] for one in counted) == ["2027-Q1", "2027-Q2"]
    assert {one["counts"] for one in counted} == {"verified verify yes 10", ""}


def test_every_purpose_has_its_lines_whatever_was_counted() -> None:
    off = tuple(replace(one, on=False) for one in some_facts().purposes)
    none, one = (
        Transparency(some_facts(purposes=off), SAID, told, Q1, Q2).as_json()["counts"]
        for told in ({}, {ToldOf(EntryKind.VERIFIED, Q1, "payment", "yes"): 1})
    )
    assert none == one
    assert {line["purpose"] for line in none} >= {purpose.value for purpose in Purpose}  # type: ignore[attr-defined]


def test_what_has_to_be_filed_stays_so_whoever_is_erased(
    reopen: Callable[[], Keep], clock: MovedClock, picture: Callable[[str], bytes]
) -> None:
    keep, two = reopen(), FilingThreshold(limit=2, ahead=1, working_days=30)
    since = clock.now
    clock.forward(days=3)
    first = keep.filing(two)
    assert (first.state, first.reached, first.people) == (FilingState.REACHED, since, 2)
    keep.erase("biden")
    clock.forward(days=3)
    keep.enrol("eileen", [picture("biden.jpg")], purposes=[Purpose.VERIFY], notice="x", operator="op")
    assert keep.facts(filing=two).filing.until == first.until
    keep.erase("eileen")
    keep = reopen()
    for found in (keep.filing(two), keep.facts(filing=two).filing):
        assert (found.state, found.reached, found.people) == (FilingState.REACHED, since, 1)
        assert "1 people are enrolled, and 2 were" in found.said
    entries = [opening.entry for opening in keep._told_of_nobody()]
    assert [one.facts["limit"] for one in entries if one.kind is EntryKind.FILING_REACHED] == ["2"]
    assert keep.filing().state is FilingState.FAR


# What was said


def test_the_template_asks_for_every_field_and_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "about.toml"
    file.write_text(template(), encoding="utf-8")
    assert About.read(file) == About()
    empty = '[controller]\n# name of the controller\nname = ""'
    file.write_text(template().replace(empty, '[controller]\nname = "Lock & Co"'), encoding="utf-8")
    assert About.read(file).said == {"controller.name": "Lock & Co"}
    for other in ('[controller]\nofficer = "x"', "[controller]\nname = 1", "[[controller]]", "no TOML"):
        file.write_text(other, encoding="utf-8")
        with pytest.raises(BadInputError):
            About.read(file)


def test_what_is_missing_is_shown_as_missing_and_never_made_up() -> None:
    empty, some = Register(some_facts(), About()), Register(some_facts(), SAID)
    missing = {one["what"] for one in empty.as_json()["missing"]}  # type: ignore[attr-defined]
    assert {FIELDS["controller.name"], FIELDS["processing.transfers"]} <= missing
    assert set(empty.as_json()["said"].values()) == {None}  # type: ignore[attr-defined]
    assert len(some.paper().missing) == len(empty.paper().missing) - 2
    html = page(empty.paper())
    assert html.count("Missing: name of the controller.") == 2  # in the list, and in its place
    json.dumps(some.as_json())


def test_a_page_has_no_script_and_escapes_what_was_said() -> None:
    html = page(Register(some_facts(), SAID).paper())
    assert "<script" not in html
    assert "Lock &lt;script&gt;" in html
    assert "default-src 'none'" in html
    assert not re.search(r"(?:src|href)=", html)
    assert "@media print" in html


# The impact assessment


def test_an_assessment_says_that_drill_and_evaluation_are_missing() -> None:
    report = ImpactAssessment(some_facts(), SAID, None, None, ("warning: swap is on",))
    missing = [one.what for one in report.paper().missing]
    assert "what a thief gets: no drill was given" in missing
    assert "how often the model errs on your people: no evaluation was given" in missing
    measured = {risk["name"]: risk["measured"] for risk in report.as_json()["risks"]}  # type: ignore[attr-defined]
    assert measured["store-stolen"] is None
    assert measured["false-match"] is None
    assert "swap is on" in page(report.paper())


def test_an_assessment_shows_what_was_measured() -> None:
    def measured(drill: DrillSummary | None, evaluation: EvaluationSummary | None) -> dict[str, str | None]:
        report = ImpactAssessment(some_facts(), SAID, drill, evaluation, ())
        return {risk["name"]: risk["measured"] for risk in report.as_json()["risks"]}  # type: ignore[attr-defined]

    sound = measured(some_drill(), some_evaluation())
    assert sound["store-stolen"] == "chance: 9 thieves of the drill got no face"
    assert "false non-match rate 0.012" in str(sound["false-match"])
    assert "LEAK in the drill: Thief right-with-keys" in str(measured(some_drill("right-with-keys"), None))
    # Figures of another model say nothing of this keep.
    assert measured(None, some_evaluation(model="ff" * 32))["false-match"] is None


# The breach pack

_K = {Lost.LEFT: Lost.KEYS_LEFT, Lost.RIGHT: Lost.KEYS_RIGHT, Lost.REGISTRY: Lost.KEYS_REGISTRY}
LEFT, RIGHT, REGISTRY = ({store, key} for store, key in _K.items())


@pytest.mark.parametrize(
    ("lost", "apart", "risk", "faces"),
    [
        ({Lost.LEFT}, False, Risk.UNLIKELY, False),
        ({Lost.LEFT, Lost.RIGHT, Lost.REGISTRY}, False, Risk.UNLIKELY, False),
        ({Lost.KEYS_LEFT, Lost.KEYS_RIGHT}, False, Risk.UNLIKELY, False),
        (LEFT, False, Risk.RISK, False),
        (LEFT | {Lost.RIGHT}, False, Risk.RISK, False),
        (REGISTRY, False, Risk.HIGH, False),
        (LEFT | REGISTRY, False, Risk.HIGH, False),
        (LEFT | RIGHT, True, Risk.HIGH, True),
        ({Lost.GATE}, False, Risk.HIGH, True),
        ({Lost.GATE}, True, Risk.HIGH, False),
        ({Lost.GATE} | RIGHT, True, Risk.HIGH, True),
        ({Lost.KEYS_GATE} | LEFT, True, Risk.HIGH, True),
        ({Lost.KEYS_GATE} | RIGHT, False, Risk.HIGH, True),
        ({Lost.KEYS_GATE, Lost.LEFT}, True, Risk.RISK, False),
        ({Lost.KEYS_GATE, Lost.KEYS_REGISTRAR}, True, Risk.RISK, False),
        ({Lost.EVIDENCE}, False, Risk.UNLIKELY, False),
        ({Lost.KEYS_REVIEWER}, False, Risk.UNLIKELY, False),
        ({Lost.EVIDENCE, Lost.KEYS_REVIEWER}, False, Risk.UNLIKELY, False),
        ({Lost.EVIDENCE, Lost.KEYS_GATE}, False, Risk.RISK, False),
        ({Lost.EVIDENCE, Lost.KEYS_GATE, Lost.KEYS_REVIEWER}, False, Risk.HIGH, False),
    ],
)
def test_what_a_thief_of_exactly_these_has(lost: set[Lost], apart: bool, risk: Risk, faces: bool) -> None:
    pack = _pack(frozenset(lost), apart=apart)
    assert (pack.risk, any(claim.faces for claim in pack.claims)) == (risk, faces)
    titles = [draft["title"] for draft in pack.as_json()["drafts"]]  # type: ignore[attr-defined]
    assert len(titles) == (2 if risk is Risk.HIGH else 1)
    assert ("facekeep review revoke-key" in json.dumps(pack.as_json())) is (Lost.KEYS_REVIEWER in lost)


def test_each_loss_is_told_once_and_at_its_worst() -> None:
    everything = claims_of(frozenset(Lost), apart=True)
    assert not any(claim.taken <= other.taken and claim.lost < other.lost and claim.measured
                   for claim in everything for other in everything if other.faces)  # fmt: skip
    assert claims_of(frozenset({Lost.LEFT, Lost.KEYS_LEFT}), apart=False)[0].thief == "left-with-keys"


def test_pictures_of_reviews_take_the_gates_key_and_a_reviewers() -> None:
    one, gate = {Lost.EVIDENCE, Lost.KEYS_REVIEWER}, {Lost.EVIDENCE, Lost.KEYS_GATE}
    for lost in (one, gate, one | gate, {Lost.GATE}, {Lost.GATE, Lost.KEYS_REVIEWER}):
        taken = frozenset[Taken]().union(*(claim.taken for claim in claims_of(frozenset(lost), apart=False)))
        seen = Lost.KEYS_REVIEWER in lost and bool(lost & {Lost.GATE, Lost.KEYS_GATE})
        assert (Taken.EVIDENCE in taken) is seen, lost
    # What the gate's keys do by themselves is told beside.
    assert {claim.thief for claim in claims_of(frozenset(gate), apart=True)} >= {"gate-keys", "evidence-with-gate-keys"}
    pack = _pack(frozenset(one | gate))
    text = page(pack.paper())
    assert "Reviews of which the gate held pictures in that time: 7" in text
    assert pack.as_json()["affected"]["reviews"] == 7  # type: ignore[index]
    assert any("reviewer&#39;s key" in step or "reviewer's key" in step for step in pack.as_json()["to_do"])  # type: ignore[attr-defined]
    assert "masked faces of the reviews" in str(pack.as_json()["drafts"])
    assert "Reviews of which" not in page(_pack(frozenset({Lost.LEFT})).paper())


def test_papers_tell_of_human_review() -> None:
    facts = some_facts(reviewing=ReviewingFacts(2, 1, 0, 3, 4, told=True))
    register = Register(facts, SAID).as_json()
    assert {one["what"] for one in register["human_review"]} >= {"who sees the face", "how long", "how it ends"}  # type: ignore[attr-defined]
    periods = {one["what"]: one["kept_for"] for one in register["fixed_periods"]}  # type: ignore[attr-defined]
    assert f"{REVIEW_DAYS} days after it was over" in periods.values()
    assert any("72 hours, or 1 to 168" in length for length in periods.values())
    assert register["keep"]["reviewing"] == {  # type: ignore[index]
        "organisations": 2, "able": 1, "overseen": 0, "reviewers": 3, "open": 4, "told": True,
    }  # fmt: skip
    for paper in (Register(facts, SAID).paper(), ImpactAssessment(facts, SAID, None, None, ()).paper()):
        text = page(paper)
        assert "nobody is refused by a machine alone" in text
        assert re.search(r"of these with two reviewers.*?<td[^>]*>1<", text, re.DOTALL)
        assert "No picture is written to disk;" not in text


def test_hours_are_counted_from_when_it_was_known() -> None:
    for passed, left in ((0, 72.0), (0.51, 71.4), (71.95, 0.0), (80, -8.0)):
        pack = _pack(frozenset({Lost.LEFT}), known=NOW - timedelta(hours=passed))
        assert pack.hours_left == left
        assert ("72 hours are over" in page(pack.paper())) == (left <= 0)
    assert "Reasons for the delay" in str(_pack(frozenset({Lost.LEFT}), known=NOW - timedelta(days=9)).as_json())


def test_a_drill_that_found_a_leak_refutes_the_claim() -> None:
    pack = _pack(frozenset({Lost.LEFT}), drill=some_drill("left-without-keys"))
    assert pack.risk is Risk.HIGH
    assert "possibly biometric templates" in str(pack.as_json()["drafts"])
    assert _pack(frozenset({Lost.LEFT}), drill=some_drill("right-with-keys")).risk is Risk.UNLIKELY


def test_the_pack_names_who_is_affected_and_what_it_lacks() -> None:
    pack = _pack(frozenset({Lost.REGISTRY, Lost.KEYS_REGISTRY}))
    affected = pack.as_json()["affected"]
    assert affected["list"][0]["label"] == "ada"  # type: ignore[index]
    assert "Ada L" in page(pack.paper())
    assert "ada" not in repr(pack)
    assert [part.names for section in pack.paper().sections for part in section.parts if isinstance(part, Table)].count(
        True
    ) == 1
    assert "[missing: name of the controller]" in str(pack.as_json()["drafts"])


def test_a_breach_has_an_order_in_time() -> None:
    day = timedelta(days=1)
    for lost, since, until, known in (
        (frozenset[Lost](), NOW, NOW, NOW),
        (frozenset({Lost.LEFT}), NOW, NOW - day, NOW),
        (frozenset({Lost.LEFT}), NOW, NOW, NOW - day),
    ):
        with pytest.raises(UsageError):
            Breach(lost, since, until, known)


def _pack(
    lost: frozenset[Lost], *, apart: bool = False, known: object = NOW, drill: DrillSummary | None = None
) -> BreachPack:
    since = NOW - timedelta(days=30)
    ada = Present("00" * 16, "ada", "Ada L", since, 2, (Purpose.VERIFY,))
    breach = Breach(lost, since, NOW, known)
    return BreachPack(breach, some_facts(apart=apart), Presence((ada,), 1, 7), About(), drill)


# Public counts

LEAVES = [
    ToldOf(EntryKind.SEARCHED, quarter, "identify", outcome) for quarter in (Q1, Q2) for outcome in ("found", "nobody")
] + [ToldOf(EntryKind.VERIFIED, quarter, "verify", "no") for quarter in (Q1, Q2)]
COUNT = st.one_of(st.integers(0, 25), st.integers(0, 10**6))


@settings(max_examples=40, deadline=None)
@given(st.lists(COUNT, min_size=len(LEAVES), max_size=len(LEAVES)), st.randoms(use_true_random=False))
def test_a_hidden_count_cannot_be_worked_out(counts: list[int], random: Random) -> None:
    """Whatever a hidden count is instead, the whole report is the same: so nothing in it tells which it was."""
    told = dict(zip(LEAVES, counts, strict=True))
    other = {leaf: _another(leaf, count, random) for leaf, count in told.items()}
    one, two = (Transparency(some_facts(), SAID, given, Q1, Q2) for given in (told, other))
    assert one.as_json() == two.as_json()
    assert page(one.paper()) == page(two.paper())
    # And it is true.
    searched = sum(count for leaf, count in told.items() if leaf.kind is EntryKind.SEARCHED)
    assert one.searches.least <= searched <= one.searches.most
    for line in one.lines:
        assert all(count.least in (0, 1) or count.least >= SMALL for count in line.counts)


def _another(leaf: ToldOf, count: int, random: Random) -> int:
    """A count that is published like this one."""
    if leaf.kind is not EntryKind.SEARCHED:
        return count // 10 * 10 + random.randint(0, 9)
    return random.randint(1, SMALL - 1) if 0 < count < SMALL else count


def test_counts_that_erasures_change_are_told_by_tens() -> None:
    assert [Published.of(n, by_tens=True).shown for n in (0, 1, 9, 10, 97, 100)] == [
        "<10", "<10", "<10", "10–19", "90–99", "100–109",
    ]  # fmt: skip
    assert Published.of(97).shown == "97"
    refused = next(
        line
        for line in Transparency(some_facts(), SAID, {LEAVES[4]: 57}, Q1, Q2).lines
        if line.name.startswith("verifications refused") and line.purpose == "verify"
    )
    assert (refused.counts[0].shown, refused.counts[1].shown, refused.total.shown) == ("50–59", "<10", "50–68")


def test_a_quarter_that_is_not_over_is_not_counted() -> None:
    running = Quarter.of(NOW)
    with pytest.raises(UsageError, match="not over"):
        Transparency(some_facts(), SAID, {}, Q1, running)
    with pytest.raises(UsageError, match="before the first"):
        Transparency(some_facts(), SAID, {}, Q2, Q1)
    seen = Transparency(some_facts(), SAID, {}, Q1, running, unfinished=True)
    assert seen.as_json()["publishable"] is False
    assert "Do NOT publish" in page(seen.paper())
    assert [str(one) for one in seen.quarters] == ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4", "2027-Q1"]
    assert [Quarter(2026, 4).next, Quarter(2027, 1).before] == [Quarter(2027, 1), Quarter(2026, 4)]
    with pytest.raises(UsageError):
        Quarter.read("2026-Q5")
    assert isinstance(seen.paper().missing, tuple)
    assert Missing("x") == Missing("x")
