"""Law packs: each rule is met where facts show it, and not met, or people's, where they do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from facekeep.domain.accounts import Role
from facekeep.domain.consent import Purpose
from facekeep.domain.retention import PRESETS
from facekeep.errors import UsageError
from facekeep.service.about import FIELDS, About
from facekeep.service.doctor import inspect_filing
from facekeep.service.facts import ConsentFacts, KeepFacts, NoticeFacts, RetentionFacts, ReviewingFacts
from facekeep.service.filing import CHINA, Filing, FilingState, FilingThreshold
from facekeep.service.law_checks import CHECKS, LawFacts, Outcome, Surface
from facekeep.service.laws import Law, LawPack, LawRule
from facekeep.service.measured import GroupsSummary, PointSummary
from tests.unit.service.some_facts import DIGEST, ITEMS, NOW, some_drill, some_evaluation, some_facts

SAID = About({**dict.fromkeys(FIELDS, "said"), "purpose.verify.ground": "consent", "purpose.verify.alternative": "key"})
RULES = (RetentionFacts("a law", "last-contact", 1095), RetentionFacts("a law", "purpose-ended", 1))
DECIDING = ReviewingFacts(organisations=2, able=2, overseen=2, reviewers=4, told=True)
BARE = Surface(frozenset({"/v1/verifications", "one_in"}), frozenset({"verified", "stage"}))


def _purposes(facts: KeepFacts, **changed: Any) -> KeepFacts:
    purposes = tuple(replace(one, **changed) if one.on else one for one in facts.purposes)
    return replace(facts, purposes=purposes)


def _sound() -> LawFacts:
    """Facts by which every rule of every pack is met, or is for people."""
    keep = some_facts(
        accounts={Role.AUDITOR: 1, Role.REVIEWER: 1},
        guardian_under=18,
        age_required=True,
        confirmations=2,
        reviewing=DECIDING,
        consents=ConsentFacts(1, 0, 0, 0, evidenced=1),
    )
    evaluation = replace(some_evaluation(), groups=(GroupsSummary("region", 1e-3, 1.5, 1.2),))
    return LawFacts(_purposes(keep, retention=RULES), SAID, BARE, frozenset(), some_drill(), evaluation)


def _outcomes(law: Law, facts: LawFacts) -> dict[str, Outcome]:
    return {found.rule.name: found.outcome for found in LawPack.of(law).findings(facts)}


def _unmet(facts: LawFacts) -> set[str]:
    return {f"{law}/{name}" for law in Law for name, outcome in _outcomes(law, facts).items() if outcome == "not met"}


def test_a_keep_that_does_everything_is_met_by_every_rule() -> None:
    assert _unmet(_sound()) == set()
    for law in Law:
        asked = [found for found in LawPack.of(law).findings(_sound()) if found.rule.question]
        assert all(found.outcome is Outcome.PEOPLE and found.said == found.rule.question for found in asked)
        assert all(found.rule.article and found.rule.asks for found in LawPack.of(law).findings(_sound()))


def _keep(**changed: Any) -> Any:
    return lambda facts: replace(facts, keep=replace(facts.keep, **changed))


def _of_purposes(**changed: Any) -> Any:
    return lambda facts: replace(facts, keep=_purposes(facts.keep, **changed))


def _notice(**changed: Any) -> Any:
    return lambda facts: replace(
        facts, keep=replace(facts.keep, notices=tuple(replace(one, **changed) for one in facts.keep.notices))
    )


def _without(*fields: str) -> Any:
    return lambda facts: replace(
        facts, about=About({name: said for name, said in facts.about.said.items() if name not in fields})
    )


def _surface(name: str = "", answer: str = "") -> Any:
    return lambda facts: replace(
        facts, surface=Surface(BARE.names | {name}, BARE.answers | ({answer} if answer else frozenset()))
    )


def _evaluation(**changed: Any) -> Any:
    def change(facts: LawFacts) -> LawFacts:
        assert facts.evaluation is not None
        return replace(facts, evaluation=replace(facts.evaluation, **changed))

    return change


BROKEN: list[tuple[str, Any, set[str]]] = [
    (
        "a consent without its notice",
        _keep(consents=ConsentFacts(1, 0, 1, 0, evidenced=1)),
        {f"{law}/consent-names-notice" for law in Law if law is not Law.CHINA} | {"china/separate-consent"},
    ),
    ("one beside it", _keep(consents=ConsentFacts(1, 0, 0, 1, evidenced=1)), set()),
    (
        "a consent on an operator's word",
        _keep(consents=ConsentFacts(1, 0, 0, 0, evidenced=0)),
        {"illinois/written-release", "india/proof-of-consent"},
    ),
    ("no guardian", _keep(guardian_under=0), {"eu/guardian", "uk/guardian", "china/guardian", "india/guardian"}),
    ("under 14", _keep(guardian_under=14), {"eu/guardian", "india/guardian"}),
    ("no retention", _of_purposes(retention=()), set()),
    (
        "no rule for the end of a purpose",
        _of_purposes(retention=RULES[:1]),
        {"illinois/retention-purpose", "texas/retention"},
    ),
    (
        "three years and a day after the last contact",
        _of_purposes(retention=(replace(RULES[0], days=1096), RULES[1])),
        {"illinois/retention-contact"},
    ),
    (
        "a year after the end of a purpose",
        _of_purposes(retention=(RULES[0], replace(RULES[1], days=365))),
        {"illinois/retention-purpose"},
    ),
    ("no recipients", _notice(items={"retention": "x"}), {"eu/notice", "uk/notice", "illinois/disclosure"}),
    (
        "no purposes",
        _notice(purposes=frozenset()),
        {"illinois/notice", "china/notice", "india/notice"},
    ),
    ("no language", _notice(language=""), {"india/notice-language"}),
    ("another language", _notice(language="de-IN"), {"india/notice-language"}),
    ("old epoch", _keep(refreshed=NOW - timedelta(days=31)), {"eu/refresh", "uk/refresh"}),
    ("short log", _keep(log_days=200), {"india/logs"}),
    ("shorter log", _keep(log_days=100), {"eu/logs", "india/logs"}),
    ("no auditor", _keep(accounts={Role.REVIEWER: 3}), {"eu/oversight"}),
    ("no reviewer", _keep(accounts={Role.AUDITOR: 3}), {"eu/appeal", "uk/appeal"}),
    (
        "an organisation without two reviewers",
        _keep(reviewing=replace(DECIDING, able=1)),
        {"eu/automated-decision", "uk/automated-decision"},
    ),
    (
        "an organisation without an officer",
        _keep(reviewing=replace(DECIDING, overseen=1)),
        {"eu/automated-decision", "uk/automated-decision"},
    ),
    ("no drill", lambda facts: replace(facts, drill=None), {"eu/drill", "uk/drill"}),
    ("failed drill", lambda facts: replace(facts, drill=some_drill("left-hoard")), {"eu/drill", "uk/drill"}),
    (
        "old drill",
        lambda facts: replace(facts, drill=some_drill(made=NOW - timedelta(days=91))),
        {"eu/drill", "uk/drill"},
    ),
    (
        "drill of tomorrow",
        lambda facts: replace(facts, drill=some_drill(made=NOW + timedelta(days=3))),
        {"eu/drill", "uk/drill"},
    ),
    ("drill without a time", lambda facts: replace(facts, drill=some_drill(made=None)), {"eu/drill", "uk/drill"}),
    *(
        (what, _evaluation(**changed), {"eu/accuracy", "uk/error-rates"})
        for what, changed in dict[str, dict[str, Any]](
            {
                "groups of which nothing was measured": {"groups": (GroupsSummary("region", 1e-3, None, None),)},
                "no points": {"points": ()},
                "points without rates": {"points": (PointSummary(1e-3, None, 0.1), PointSummary(1e-3, 1e-3, None))},
                "few people": {"people": 99},
                "an evaluation without a time": {"made": None},
                "an evaluation of tomorrow": {"made": NOW + timedelta(days=3)},
            }
        ).items()
    ),
    ("no groups", lambda facts: replace(facts, evaluation=some_evaluation()), {"eu/accuracy", "uk/error-rates"}),
    ("no ground", _without("purpose.verify.ground"), {"eu/legal-ground", "uk/legal-ground"}),
    ("no officer", _without("officer.contact"), {"eu/contact", "eu/breach", "uk/breach"}),
    (
        "loose keys",
        lambda facts: replace(facts, weaknesses=frozenset({"loose-keys", "swap"})),
        {"eu/machine", "uk/machine", "illinois/care", "texas/care", "china/machine", "india/machine"},
    ),
    ("emotion", _surface("estimateEmotion"), {"eu/emotion", "india/children-not-watched"}),
    ("scraping", _surface("--crawl-depth"), {"eu/scraping"}),
    ("age in answers", _surface(answer="age"), {"eu/categorisation"}),
    ("race", _surface("race_of_face"), {"eu/categorisation"}),
    ("swapped faces", _surface("/v1/face-swap"), {"eu/replacement"}),
    ("the reason why it was an attack", _surface("swap"), set()),
]


@pytest.mark.parametrize(("what", "broken", "unmet"), BROKEN, ids=[what for what, _, _ in BROKEN])
def test_what_is_broken_is_not_met(what: str, broken: Any, unmet: set[str]) -> None:
    found = _unmet(broken(_sound()))
    if what == "one beside it":
        assert "eu/consent-names-notice" in found
    elif what == "no retention":
        assert {name.partition("/")[0] for name in found} == set(Law)
    else:
        assert found == unmet


def test_two_people_confirm_only_where_a_gallery_is_searched() -> None:
    none = _sound()
    assert _outcomes(Law.EU, none)["two-people"] is Outcome.NOT_APPLICABLE
    searching = tuple(replace(one, on=one.purpose in (Purpose.VERIFY, Purpose.IDENTIFY)) for one in none.keep.purposes)
    searched = _keep(purposes=searching)(none)
    # That nobody acts on a candidate before no program can see.
    assert _outcomes(Law.EU, searched)["two-people"] is Outcome.PEOPLE
    for broken in (_keep(confirmations=1), _keep(reviewing=replace(DECIDING, able=1))):
        assert _outcomes(Law.EU, broken(searched))["two-people"] is Outcome.NOT_MET


def test_who_cannot_have_people_decide_is_told_what_to_do() -> None:
    def said(**changed: Any) -> str:
        facts = _keep(reviewing=replace(DECIDING, **changed))(_sound())
        return next(f.said for f in LawPack.of(Law.EU).findings(facts) if f.rule.name == "automated-decision")

    assert said(able=1).startswith("of 2 organisations that ask, 1 has not two reviewers with keys")
    assert "--role reviewer" in said(able=0)
    assert "--role officer" in said(overseen=0)


def test_ages_that_need_not_be_said_are_for_people() -> None:
    assert _outcomes(Law.EU, _keep(age_required=False)(_sound()))["guardian"] is Outcome.PEOPLE


def test_a_guardian_on_a_word_is_for_people_where_it_has_to_be_verifiable() -> None:
    for by, evidenced, outcome in ((0, 0, Outcome.MET), (2, 1, Outcome.PEOPLE), (2, 2, Outcome.MET)):
        consents = ConsentFacts(2, 0, 0, 0, 2, by, evidenced)
        assert _outcomes(Law.INDIA, _keep(consents=consents)(_sound()))["guardian"] is outcome
    assert _outcomes(Law.CHINA, _keep(consents=ConsentFacts(2, 0, 0, 0, 2, 1, 0))(_sound()))["guardian"] is Outcome.MET


def test_what_indias_law_wants_kept_is_for_people() -> None:
    outcomes = _outcomes(Law.INDIA, _sound())
    # An erasure takes a person's entries with it, and a rule of one day is short of the year.
    assert (outcomes["logs"], outcomes["retention"]) == (Outcome.PEOPLE, Outcome.PEOPLE)
    year = _of_purposes(retention=(RULES[0],))(_sound())
    assert _outcomes(Law.INDIA, year)["retention"] is Outcome.MET
    for language in ("hi", "ta-IN", "EN"):
        assert _outcomes(Law.INDIA, _notice(language=language)(_sound()))["notice-language"] is Outcome.MET


def test_the_presets_meet_their_packs() -> None:
    for law in (Law.ILLINOIS, Law.TEXAS):
        rules = tuple(RetentionFacts(rule.law, rule.basis.value, rule.days) for rule in PRESETS[law])
        assert not {name for name in _unmet(_of_purposes(retention=rules)(_sound())) if name.startswith(law)}


def test_where_everything_is_off_nothing_applies_to_purposes() -> None:
    off = tuple(replace(one, on=False) for one in some_facts().purposes)
    outcomes = _outcomes(Law.EU, _keep(purposes=off, consents=ConsentFacts(0, 0, 0, 0, 0))(_sound()))
    for rule in ("legal-ground", "consent-names-notice", "retention", "notice", "alternative"):
        assert outcomes[rule] is Outcome.NOT_APPLICABLE


def test_an_alternative_is_in_every_notice_or_said() -> None:
    unsaid = _without("purpose.verify.alternative")(_sound())
    assert _outcomes(Law.CHINA, unsaid)["alternative"] is Outcome.MET  # the notice tells one
    bare = _notice(items={})(unsaid)
    assert _outcomes(Law.CHINA, bare)["alternative"] is Outcome.NOT_MET
    assert _outcomes(Law.CHINA, _keep(notices=())(unsaid))["alternative"] is Outcome.NOT_MET
    other = NoticeFacts("ee" * 32, "en", frozenset({Purpose.VERIFY}), {})
    both = (NoticeFacts(DIGEST, "en", frozenset({Purpose.VERIFY}), ITEMS), other)
    # A notice that nobody consented by does not count.
    assert _outcomes(Law.CHINA, _keep(notices=both)(unsaid))["alternative"] is Outcome.MET


# The number of people

FEW = FilingThreshold(limit=3, ahead=2, working_days=30)


@pytest.mark.parametrize(
    ("people", "state", "outcome", "codes"),
    [
        (1, FilingState.FAR, Outcome.NOT_APPLICABLE, []),
        (2, FilingState.NEAR, Outcome.PEOPLE, ["people-near"]),
        (3, FilingState.REACHED, Outcome.NOT_MET, ["people-reached"]),
    ],
)
def test_it_is_warned_before_people_have_to_be_filed(
    people: int, state: FilingState, outcome: Outcome, codes: list[str]
) -> None:
    filing = Filing(FEW, people)
    assert filing.state is state
    unfiled = _without("processing.filing")(_keep(filing=filing)(_sound()))
    assert _outcomes(Law.CHINA, unfiled)["filing"] is outcome
    assert [found.code for found in inspect_filing(filing)] == codes
    if state is FilingState.REACHED:
        assert _outcomes(Law.CHINA, _keep(filing=filing)(_sound()))["filing"] is Outcome.MET


def test_the_time_for_filing_leaves_weekends_out() -> None:
    friday = datetime(2026, 11, 27, 15, tzinfo=UTC)
    until = Filing(CHINA, 100_000, friday).until
    assert until is not None
    assert until.date().isoformat() == "2027-01-08"  # six weeks of five days
    assert until.date().isoformat() in Filing(CHINA, 100_000, friday).said
    assert (CHINA.limit, CHINA.ahead) == (100_000, 80_000)
    assert [CHINA.state(n).value for n in (79_999, 80_000, 99_999, 100_000)] == ["far", "near", "near", "reached"]
    assert Filing(FEW, 5).until is None
    with pytest.raises(ValueError, match="before"):
        FilingThreshold(limit=2, ahead=3, working_days=1)


# The form of packs


def test_every_check_is_used_and_every_code_and_field_is_one_that_there_is() -> None:
    rules = [rule for law in Law for rule in LawPack.of(law).rules]
    assert {rule.check for rule in rules if rule.check} == set(CHECKS)
    fields = {name for rule in rules for name in rule.options.get("fields", ())}
    assert fields <= set(FIELDS)
    source = _doctor_source()
    assert all(f'"{code}"' in source for rule in rules for code in rule.options.get("codes", ()))


def _doctor_source() -> str:
    from pathlib import Path

    from facekeep.service import doctor

    return Path(doctor.__file__).read_text(encoding="utf-8")


def test_a_rule_that_does_not_fit_is_no_rule() -> None:
    LawRule("a", "1", "x", check="refreshed", options={"days": 30})
    for given in (
        {"check": "refreshed"},
        {"check": "refreshed", "options": {"days": 30, "hours": 1}},
        {"check": "refreshed", "options": {"days": 30}, "question": "?"},
        {},
    ):
        with pytest.raises(ValueError, match=r"a (rule|check) is"):
            LawRule("a", "1", "x", **given)  # type: ignore[arg-type]
    text = 'title = "T"\n' + 2 * '[[rule]]\nname = "a"\narticle = "1"\nasks = "x"\nquestion = "?"\n'
    with pytest.raises(ValueError, match="one name"):
        LawPack.read(Law.EU, text)
    with pytest.raises(ValueError, match="fields that rules have"):
        LawPack.read(Law.EU, 'title = "T"\n[[rule]]\nweight = 1\n')
    with pytest.raises(UsageError, match="no such law pack"):
        LawPack.of("atlantis")


def test_names_are_taken_apart_into_words() -> None:
    surface = Surface(frozenset({"estimateAgeGroup", "/v1/face-swap", "OIDCIssuer", "one_in"}), frozenset())
    assert surface.words == {"estimate", "age", "group", "v", "face", "swap", "oidc", "issuer", "one", "in"}
