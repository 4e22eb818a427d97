"""Retention over HTTP and by the client: rules are set, planned and removed by administrators; plans come in pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import anyio
import httpx2
import pytest
from fastapi import FastAPI

from facekeep.client import AsyncClient, Client
from facekeep.domain.access import Scope
from facekeep.domain.consent import Purpose
from facekeep.domain.retention import PRESETS, Basis, Effect, RetentionRule
from facekeep.errors import DueAtOnceError, NotFoundError, UsageError
from facekeep.ledger_verifier import VerifierKey, verify
from facekeep.service.answers import Going
from facekeep.service.keep import Keep
from tests.api.conftest import Asking
from tests.api.test_client import Through

ILLINOIS = PRESETS["illinois"]
OWN = RetentionRule("own rule", Basis.CONSENT_GIVEN, Purpose.IDENTIFY, 10)
CASES = RetentionRule("own rule", Basis.CASE_ENDED, None, 30)


@pytest.fixture
def client(app: FastAPI, keep: Keep) -> Iterator[Client]:
    token = keep.issue_token("retaining", [Scope.ADMINISTER, Scope.READ], days=1).token
    with Client("http://keep", token, transport=Through(app)) as made:
        yield made
    keep.revoke_token("retaining")
    for law in {rule.law for rule in keep.retention_rules()}:
        keep.remove_retention(law)


def test_rules_are_set_planned_and_removed(client: Client, keep: Keep) -> None:
    assert client.retention_rules() == ()
    assert client.set_retention([OWN, *ILLINOIS], key="r1") == (*ILLINOIS, OWN)
    assert client.retention_rules() == keep.retention_rules() == (*ILLINOIS, OWN)
    assert client.retention_plan(9) == ()
    plan = client.retention_plan(10)
    assert plan == tuple(keep.retention_plan(10))
    assert {going.label for going in plan} == {"obama", "biden"}
    assert {(ending.effect, ending.purpose, ending.rule) for going in plan for ending in going.endings} == {
        (Effect.PURPOSE_ENDS, Purpose.IDENTIFY, OWN)
    }
    assert client.remove_retention("own rule", key="r2") == ILLINOIS
    assert client.remove_retention("own rule", key="r2") == ILLINOIS  # sent again
    with pytest.raises(UsageError):
        client.remove_retention(ILLINOIS[0].law, key="r2")  # another question with the key of that one
    with pytest.raises(NotFoundError):
        client.remove_retention("own rule")


def test_a_rule_that_is_due_at_once_is_set_only_if_that_is_meant(
    client: Client, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep.open_case("an old one", operator="op", days=1)
    # The clock moves for what is due alone: tokens would end.
    page = keep.retention_page

    def later(
        days: int, *, with_rules: Iterable[RetentionRule], after: str | None
    ) -> tuple[tuple[Going, ...], str | None]:
        return page(days + 40, with_rules=with_rules, after=after)

    with monkeypatch.context() as moved:
        moved.setattr(keep, "retention_page", later)
        with pytest.raises(DueAtOnceError, match="3"):
            client.set_retention([OWN, CASES], key="r3")
        assert client.retention_rules() == ()
        assert client.set_retention([OWN, CASES], sure=True) == (CASES, OWN)
    case = next(going for going in client.retention_plan(31) if going.is_case)
    assert (case.label, case.endings[0].rule) == ("an old one", CASES)


def test_a_plan_comes_in_pages_of_people_and_ends_with_the_cases(asking: Asking, client: Client, keep: Keep) -> None:
    client.set_retention([OWN])
    one = asking(Scope.READ)
    first = one.get("/v1/retention/plan", params={"limit": 1}).json()
    second = one.get("/v1/retention/plan", params={"limit": 1, "after": first["next"]}).json()
    third = one.get("/v1/retention/plan", params={"limit": 1, "after": second["next"]}).json()
    assert [len(page["people"]) for page in (first, second, third)] == [1, 1, 0]
    assert (third["next"], third["cases"]) == (None, [])
    assert one.get("/v1/retention/plan", params={"days": -1}).status_code == 422


def test_what_is_no_rule_is_told(asking: Asking) -> None:
    one = asking(Scope.ADMINISTER)
    good = {"law": "own rule", "basis": "last-contact", "days": 3}
    for wrong in ({"days": 0}, {"days": 40_000}, {"basis": "birth"}, {"law": ""}, {"law": "a\nb"}, {"more": 1}):
        answer = one.post("/v1/retention/rules", json={"rules": [good | wrong]})
        assert answer.status_code == 422, wrong
    assert one.get("/v1/retention/rules").json() == {"rules": []}
    for scope in set(Scope) - {Scope.READ}:  # it lists people, and titles of cases
        assert asking(scope).get("/v1/retention/plan").status_code == 403


def test_who_sets_rules_and_sees_who_is_due_is_in_the_ledger(client: Client, keep: Keep) -> None:
    def told(*kinds: str) -> list[tuple[str, str, bool]]:
        entries = verify(keep.ledger_bundle(), VerifierKey.read(keep.ledger_key)).opened
        known = keep.operator_names()
        return [
            (entry["kind"], entry.get("people", ""), known.get(entry.get("operator", "")) is not None)
            for _, entry in sorted(entries.items())
            if entry["kind"] in kinds
        ]

    before = len(told("listed", "retention-set", "retention-removed"))
    client.set_retention([OWN])
    assert client.retention_plan(36_525)
    client.remove_retention("own rule")
    after = told("listed", "retention-set", "retention-removed")[before:]
    assert after == [("retention-set", "", True), ("listed", "2", True), ("retention-removed", "", True)]


def test_the_asynchronous_client_does_the_same(app: FastAPI, keep: Keep) -> None:
    token = keep.issue_token("retaining too", [Scope.ADMINISTER, Scope.READ], days=1).token

    async def ask() -> None:
        async with AsyncClient("http://keep", token, transport=httpx2.ASGITransport(app)) as client:
            assert await client.set_retention([OWN]) == await client.retention_rules() == (OWN,)
            assert len(await client.retention_plan(20)) == 2
            assert await client.remove_retention("own rule") == ()

    anyio.run(ask)
