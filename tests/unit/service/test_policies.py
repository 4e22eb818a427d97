"""Policies: deny by default, what an operator may add, and what nothing can loosen."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import combinations
from pathlib import Path

import cedarpy
import pytest

from facekeep.domain.access import Client, ClientId, Scope
from facekeep.domain.accounts import Account, AccountId, Role
from facekeep.domain.actions import ABOUT_A_SUBJECT, Action
from facekeep.domain.capture import Assurance
from facekeep.domain.consent import Purpose
from facekeep.domain.subject import SubjectId
from facekeep.errors import UsageError
from facekeep.service.policies import Policies

NOW = datetime(2026, 11, 26, 3, tzinfo=UTC)
OWN, OTHER = SubjectId(b"o" * 16), SubjectId(b"x" * 16)
SEARCHES = {Action.VERIFY, Action.COMPARE, Action.IDENTIFY, Action.CREATE_CAPTURE}
ADMINISTERING = {
    Action.CREATE_TOKEN, Action.REVOKE_TOKEN, Action.CREATE_ACCOUNT, Action.INVITE_ACCOUNT, Action.CHANGE_ACCOUNT,
    Action.REVOKE_ACCOUNT, Action.SIGN_OUT_ACCOUNT,
}  # fmt: skip
WRITES = ADMINISTERING | {
    Action.ENROL, Action.ERASE_SUBJECT, Action.GIVE_CONSENT, Action.WITHDRAW_CONSENT, Action.OPEN_CASE,
    Action.CLAIM_REVIEW, Action.VIEW_REVIEW, Action.VOTE_REVIEW, Action.ANSWER_CONCERN, Action.CREATE_KNOWN_REVIEW,
}  # fmt: skip
DECIDING = {
    Action.CLAIM_REVIEW, Action.RELEASE_REVIEW, Action.RECUSE_REVIEW, Action.VOTE_REVIEW, Action.REPORT_CONCERN,
    Action.SET_REVIEWER_DUTY,
}  # fmt: skip
LOOKING = {
    Action.VIEW_REVIEW, Action.LIST_REVIEWS, Action.READ_REVIEWER, Action.ADD_REVIEWER_KEY, Action.REMOVE_REVIEWER_KEY,
}  # fmt: skip
CONCERNS = {Action.LIST_CONCERNS, Action.ANSWER_CONCERN}
FILING = {Action.CREATE_REVIEW, Action.ADD_REVIEW_REFERENCE, Action.WITHDRAW_REVIEW}
OWN_REVIEWS = {
    Action.LIST_SUBJECT_REVIEWS, Action.VIEW_SUBJECT_REVIEW, Action.STATE_SUBJECT_REVIEW, Action.APPEAL_SUBJECT_REVIEW,
}  # fmt: skip
_OF_STAFF = [role for role in Role if role is not Role.DATA_SUBJECT]
REVIEWS = DECIDING | LOOKING | CONCERNS | FILING | OWN_REVIEWS
REVIEWS |= {Action.READ_REVIEW, Action.CREATE_KNOWN_REVIEW, Action.READ_REVIEW_STATISTICS}


def person(*roles: Role) -> Account:
    subject = OWN if Role.DATA_SUBJECT in roles else None
    return Account(AccountId(b"a" * 16), "somebody", frozenset(roles), subject, NOW)


def client(*scopes: Scope) -> Client:
    return Client(ClientId(b"c" * 16), "till", frozenset(scopes), NOW, NOW + timedelta(days=1))


def allowed(policies: Policies, who: Account | Client, about: SubjectId = OTHER) -> set[Action]:
    return {action for action in Action if policies.decide(who, action, about.hex(), NOW).allowed}


@pytest.fixture(scope="module")
def shipped() -> Policies:
    return Policies.shipped()


@pytest.fixture(scope="module")
def everything_permitted() -> Policies:
    """As if somebody had found a way to permit everything: what the forbids alone hold back."""
    forbids = (resources.files("facekeep") / "policies" / "forbids.cedar").read_text(encoding="utf-8")
    return Policies(f"permit (principal, action, resource);\n{forbids}")


def test_the_policies_of_the_package_fit_their_schema() -> None:
    folder = resources.files("facekeep") / "policies"
    schema = (folder / "facekeep.cedarschema").read_text(encoding="utf-8")
    for name in ("permits.cedar", "forbids.cedar"):
        result = cedarpy.validate_policies((folder / name).read_text(encoding="utf-8"), schema)
        assert result.validation_passed, result.errors
    wrong = 'permit (principal, action == Action::"verify", resource) when { principal.shoe_size > 40 };'
    assert not cedarpy.validate_policies(wrong, schema).validation_passed


def test_a_data_subject_reaches_own_data_only(shipped: Policies, everything_permitted: Policies) -> None:
    who = person(Role.DATA_SUBJECT)
    session = {Action.READ_SESSION, Action.END_SESSION}
    session |= {Action.LIST_NOTICES, Action.READ_NOTICE}  # nobody's secret
    assert allowed(shipped, who) == session
    own = set(ABOUT_A_SUBJECT) - {Action.ADD_REFERENCES, Action.REMOVE_REFERENCE}
    assert allowed(shipped, who, OWN) == session | own
    assert allowed(everything_permitted, who) == session
    assert allowed(everything_permitted, who, OWN) == session | set(ABOUT_A_SUBJECT)


def test_who_asked_for_somebody_is_told_to_nobody_else_whatever_is_permitted(everything_permitted: Policies) -> None:
    for principal in (client(*Scope), *(person(role) for role in set(Role) - {Role.DATA_SUBJECT})):
        assert not allowed(everything_permitted, principal, OWN) & {
            Action.READ_SUBJECT_LEDGER, Action.READ_SUBJECT_ACCESSES, Action.EXPORT_SUBJECT, *OWN_REVIEWS,
        }  # fmt: skip


def test_reviewers_alone_answer_appeals(everything_permitted: Policies) -> None:
    for principal in (client(*Scope), *(person(role) for role in Role)):
        answers = Action.ANSWER_APPEAL in allowed(everything_permitted, principal, OWN)
        assert answers == (isinstance(principal, Account) and Role.REVIEWER in principal.roles)


def test_whoever_reviews_sees_no_statistics(everything_permitted: Policies) -> None:
    for roles in combinations(_OF_STAFF, 2):
        sees = Action.READ_REVIEW_STATISTICS in allowed(everything_permitted, person(*roles))
        assert sees == (Role.REVIEWER not in roles), roles


def test_whoever_reviews_or_works_for_an_organisation_sees_no_counters(
    shipped: Policies, everything_permitted: Policies
) -> None:
    for roles in combinations(_OF_STAFF, 2):
        who = person(*roles)
        assert (Action.READ_METRICS in allowed(everything_permitted, who)) == (Role.REVIEWER not in roles), roles
    watching: tuple[Account | Client, ...] = (person(Role.ADMINISTRATOR), person(Role.AUDITOR), client(Scope.METRICS))
    for own in watching:
        other = replace(own, organisation="other")
        assert shipped.decide(own, Action.READ_METRICS, "", NOW).allowed
        assert shipped.decide(other, Action.READ_METRICS, "", NOW).reason == "organisations-see-no-counters"
        assert Action.READ_METRICS not in allowed(everything_permitted, other)
    both = person(Role.REVIEWER, Role.ADMINISTRATOR)
    assert shipped.decide(both, Action.READ_METRICS, "", NOW).reason == "reviewers-see-no-counters"


def test_who_may_do_what_with_reviews(shipped: Policies) -> None:
    may: dict[Role | Scope, set[Action]] = {
        Role.DATA_SUBJECT: OWN_REVIEWS,
        Role.OPERATOR: FILING | {Action.READ_REVIEW},
        Role.REVIEWER: DECIDING | LOOKING | {Action.READ_REVIEW},
        Role.OFFICER: LOOKING | CONCERNS | {Action.READ_REVIEW, Action.READ_REVIEW_STATISTICS},
        Role.ADMINISTRATOR: {Action.CREATE_KNOWN_REVIEW, Action.READ_REVIEW_STATISTICS},
        Role.AUDITOR: {Action.READ_REVIEW_STATISTICS},
        Scope.REVIEW: FILING | {Action.READ_REVIEW},
        Scope.CAPTURE: {Action.ADD_REVIEW_REFERENCE},
        Scope.ADMINISTER: {Action.CREATE_KNOWN_REVIEW, Action.READ_REVIEW_STATISTICS},
    }
    for role in Role:
        assert allowed(shipped, person(role), OWN) & REVIEWS == may.get(role, set()), role
    for scope in Scope:
        assert allowed(shipped, client(scope), OWN) & REVIEWS == may.get(scope, set()), scope
    assert {action for action in Action if "review" in action or "concern" in action} == REVIEWS


@pytest.mark.parametrize("roles", [c for n in (1, 2, 3) for c in combinations(_OF_STAFF, n)])
def test_only_people_who_review_see_a_face_or_decide(everything_permitted: Policies, roles: tuple[Role, ...]) -> None:
    found, writes = allowed(everything_permitted, person(*roles)), Role.AUDITOR not in roles
    assert (found & DECIDING == DECIDING) == (Role.REVIEWER in roles and writes)
    assert bool(found & DECIDING) == (Role.REVIEWER in roles and writes)
    looks = bool({Role.REVIEWER, Role.OFFICER} & set(roles))
    assert (Action.VIEW_REVIEW in found) == (Action.ADD_REVIEWER_KEY in found) == (looks and writes)
    assert (Action.LIST_REVIEWS in found) == looks
    assert (Action.LIST_CONCERNS in found) == (Role.OFFICER in roles)
    assert not allowed(everything_permitted, client(*Scope)) & (DECIDING | LOOKING | CONCERNS)


@pytest.mark.parametrize("others", [c for n in (0, 1, 2) for c in combinations(_OF_STAFF, n)])
def test_auditors_reviewers_and_officers_are_held_back_whatever_else_they_are(
    everything_permitted: Policies, others: tuple[Role, ...]
) -> None:
    assert not allowed(everything_permitted, person(Role.AUDITOR, *others)) & (SEARCHES | WRITES)
    assert not allowed(everything_permitted, person(Role.REVIEWER, *others)) & SEARCHES
    assert not allowed(everything_permitted, person(Role.OFFICER, *others)) & SEARCHES


def test_nobody_but_administrators_administers(everything_permitted: Policies) -> None:
    for role in Role:
        found = allowed(everything_permitted, person(role), OWN)
        assert bool(found & ADMINISTERING) == (role is Role.ADMINISTRATOR)
        assert (Action.LIST_TOKENS in found) == (role in {Role.ADMINISTRATOR, Role.AUDITOR})
    for scope in Scope:
        assert bool(allowed(everything_permitted, client(scope)) & ADMINISTERING) == (scope is Scope.ADMINISTER)
    assert not allowed(everything_permitted, client(*Scope)) & {Action.READ_SESSION, Action.END_SESSION}


def test_without_policies_nothing_is_allowed() -> None:
    nothing = Policies("")
    assert not any(allowed(nothing, who) for who in (person(Role.ADMINISTRATOR), client(*Scope)))
    assert nothing.decide(client(*Scope), Action.VERIFY, "", NOW).reason == "not-permitted"


def test_a_payment_takes_more_than_a_photo(shipped: Policies, everything_permitted: Policies) -> None:
    till = client(Scope.VERIFY, Scope.CAPTURE)
    for policies in (shipped, everything_permitted):
        for purpose in (Purpose.VERIFY, Purpose.PAYMENT):
            for assurance in Assurance:
                ruling = policies.decide(till, Action.VERIFY, "", NOW, purpose=purpose, assurance=assurance)
                photo_pays = (purpose, assurance) == (Purpose.PAYMENT, Assurance.PHOTO)
                assert ruling.reason == ("payment-needs-a-live-face" if photo_pays else "")


def test_the_page_on_policies_is_true(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "how-to" / "policies.md").read_text(encoding="utf-8")
    first, second = (block for block in text.split("```")[1::2] if "@id" in block)
    policies = Policies.tightened(_folder(tmp_path, first=first, second=second))
    other = client(Scope.VERIFY, Scope.CAPTURE, Scope.ERASE)
    other = replace(other, name="other")
    asked = {
        (Action.VERIFY, Purpose.VERIFY, Assurance.PHOTO): "nobody-is-verified-by-a-photo",
        (Action.VERIFY, Purpose.VERIFY, Assurance.LIVE): "",
        (Action.CREATE_CAPTURE, Purpose.VERIFY, Assurance.LIVE): "",
        (Action.CREATE_CAPTURE, Purpose.PAYMENT, Assurance.LIVE): "payments-take-a-passkey-too",
        (Action.CREATE_CAPTURE, Purpose.PAYMENT, Assurance.LIVE_PASSKEY): "",
    }
    for (action, purpose, assurance), reason in asked.items():
        assert policies.decide(other, action, "", NOW, purpose=purpose, assurance=assurance).reason == reason
    assert policies.decide(other, Action.VERIFY, "", NOW).allowed  # before the body is read
    assert policies.decide(client(Scope.CAPTURE), Action.CREATE_CAPTURE, "", NOW).reason == "the-till-verifies-only"
    sunday = datetime(2026, 11, 29, tzinfo=UTC)
    assert policies.decide(other, Action.ERASE_SUBJECT, "", sunday).reason == "nobody-erases-on-sundays"
    night = policies.decide(person(Role.OPERATOR), Action.IDENTIFY, "", NOW)
    assert night.reason == "no-searches-at-night"


def _folder(tmp_path: Path, **files: str) -> Path:
    for name, text in files.items():
        (tmp_path / f"{name}.cedar").write_text(text, encoding="utf-8")
    return tmp_path


def test_an_operator_can_tighten(tmp_path: Path) -> None:
    folder = _folder(
        tmp_path,
        night='@id("not-at-night")\nforbid (principal, action == Action::"identify", resource)\n'
        "when { context.hour < 6 };",
        till='forbid (principal is Client, action, resource) when { principal.name == "till" };',
    )
    policies = Policies.tightened(folder)
    operator = person(Role.OPERATOR)
    assert policies.decide(operator, Action.IDENTIFY, "", NOW).reason == "not-at-night"
    assert policies.decide(operator, Action.IDENTIFY, "", NOW.replace(hour=6)).allowed
    assert policies.decide(operator, Action.VERIFY, "", NOW).allowed
    assert policies.decide(client(Scope.VERIFY), Action.VERIFY, "", NOW).reason == "forbidden"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("permit (principal, action, resource);", "permits"),
        ("forbid (principal, action, resource);\npermit (principal, action, resource);", "permits"),
        ("forbid (principal == ?principal, action, resource);", "template"),
        ("permit (principal == ?principal, action, resource);", "template"),
        ('forbid (principal, action == Action::"fly", resource);', "schema"),
        ("forbid (principal, action, resource) when { principal.shoe_size > 40 };", "schema"),
        ("forbid (principal, action, resource) when { context.hour > 9223372036854775807 + 1 };", ""),
        ("forbid", "parse"),
        ("\0", "parse"),
        ("// nothing\n", "no policy"),
        ("", "no policy"),
    ],
)
def test_what_cannot_be_added(tmp_path: Path, text: str, why: str) -> None:
    folder = _folder(tmp_path, good="forbid (principal, action, resource);", other=text)
    if why:
        with pytest.raises(UsageError, match=why):
            Policies.tightened(folder)
        return
    # What parses and can fail when it is evaluated denies then, though no policy forbids it.
    (folder / "good.cedar").unlink()
    ruling = Policies.tightened(folder).decide(person(Role.OPERATOR), Action.VERIFY, "", NOW)
    assert (ruling.allowed, ruling.reason) == (False, "policy-error")


def test_a_folder_that_gives_no_policies_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UsageError, match="no policies"):
            Policies.tightened(folder)
    (tmp_path / "x.cedar").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="cannot be read"):
        Policies.tightened(tmp_path)
    (tmp_path / "x.cedar").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(UsageError, match="larger"):
        Policies.tightened(tmp_path)
