"""Retention: the rules by which people and cases go, and what they will make go. A served keep runs them by itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from facekeep.domain.accounts import Principal
from facekeep.domain.actions import Action
from facekeep.domain.consent import Purpose
from facekeep.domain.retention import DAYS_MAX, LAW_MAX, RULES_MAX, Basis, Effect, Ending, RetentionRule
from facekeep.interfaces.http.bodies import Body, documented_body, read
from facekeep.interfaces.http.once import KEYED, once
from facekeep.interfaces.http.paging import After, Next
from facekeep.interfaces.http.problems import ALWAYS, KEYED_ON, WITH_BODY, documented
from facekeep.interfaces.http.security import KeepOf, may
from facekeep.service.answers import Going
from facekeep.service.keep import Keep
from facekeep.service.keep_retention import PLAN_DAYS, PLAN_DAYS_MAX

__all__ = ["router"]

router = APIRouter(prefix="/v1/retention")

_Law = Annotated[str, Field(min_length=1, max_length=LAW_MAX, description="What asks for it, as it is cited.")]


class RuleFields(Body):
    """A rule of retention."""

    law: _Law
    basis: Basis = Field(description="From when on the days count.")
    purpose: Purpose | None = Field(None, description="For which purpose it is; null for each.")
    days: int = Field(ge=1, le=DAYS_MAX, description="How many, of 24 hours.")


class RetentionRequest(Body):
    """Further rules; one of the same law, basis and purpose has its place taken."""

    rules: list[RuleFields] = Field(min_length=1, max_length=RULES_MAX)
    sure: bool = Field(False, description="Whether they are set even if something is due at once.")


class RemovedLaw(Body):
    """A law whose rules are removed."""

    law: _Law


class RuleAnswer(BaseModel):
    """A rule of retention."""

    law: str
    basis: Basis
    purpose: Purpose | None
    days: int


class RulesAnswer(BaseModel):
    """All rules of retention, in their order."""

    rules: list[RuleAnswer]


class EndingAnswer(BaseModel):
    """What goes, when, and by which rule."""

    effect: Effect
    due: datetime
    purpose: Purpose | None = Field(description="Which ends; null if something else goes.")
    rule: RuleAnswer


class PersonGoing(BaseModel):
    """A person of whom something goes, the first first."""

    subject: str
    label: str
    endings: list[EndingAnswer]


class CaseGoing(BaseModel):
    """A case that goes."""

    case: str
    title: str
    endings: list[EndingAnswer]


class PlanPage(BaseModel):
    """What will go unless somebody comes by before, of the people who were looked at for this page."""

    people: list[PersonGoing]
    cases: list[CaseGoing]
    next: Next


@router.get("/rules", responses=documented(*ALWAYS))
async def list_rules(keep: KeepOf, _: Annotated[Principal, Depends(may(Action.READ_RETENTION))]) -> RulesAnswer:
    """The rules of retention."""
    return _rules(await run_sync(keep.retention_rules))


@router.post(
    "/rules",
    status_code=201,
    response_model=RulesAnswer,
    responses=documented(*WITH_BODY, "request-under-way", "due-at-once"),
    openapi_extra=documented_body(RetentionRequest, **KEYED),
)
async def set_rules(
    request: Request, keep: KeepOf, who: Annotated[Principal, Depends(may(Action.SET_RETENTION))]
) -> Response:
    """Add rules of retention; gives all. If something is due at once, they are set only if that is said to be meant."""
    asked = await read(request, RetentionRequest)

    def do() -> RulesAnswer:
        rules = [RetentionRule(rule.law, rule.basis, rule.purpose, rule.days) for rule in asked.rules]
        return _rules(keep.set_retention(rules, sure=asked.sure, by=who))

    return await once(request, keep, who, asked, do)


@router.delete("/rules", response_model=RulesAnswer, responses=documented(*KEYED_ON), openapi_extra=KEYED)
async def remove_rules(
    request: Request,
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.REMOVE_RETENTION))],
    law: Annotated[str, Query(min_length=1, max_length=LAW_MAX, description="Whose rules.")],
) -> Response:
    """Remove every rule of a law; gives those that are left."""

    def do() -> RulesAnswer:
        keep.remove_retention(law, by=who)
        return _rules(keep.retention_rules())

    return await once(request, keep, who, RemovedLaw(law=law), do, status=200)


@router.get("/plan", responses=documented(*ALWAYS, "invalid-request"))
async def plan(
    keep: KeepOf,
    who: Annotated[Principal, Depends(may(Action.PLAN_RETENTION))],
    days: Annotated[int, Query(ge=0, le=PLAN_DAYS_MAX, description="How far to look ahead.")] = PLAN_DAYS,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="How many people are looked at, at most.")] = 500,
) -> PlanPage:
    """What will go of the next people, which may be nothing; on the last page what will go of cases too."""
    return await run_sync(_plan, keep, days, after, limit, who)


def _plan(keep: Keep, days: int, after: str | None, limit: int, who: Principal) -> PlanPage:
    going, following = keep.retention_page(days, after=after, limit=limit)
    keep.tell_listed(sum(not one.is_case for one in going), by=who)
    return PlanPage(
        people=[
            PersonGoing(subject=one.id, label=one.label, endings=_endings(one)) for one in going if not one.is_case
        ],
        cases=[CaseGoing(case=one.id, title=one.label, endings=_endings(one)) for one in going if one.is_case],
        next=following,
    )


def _endings(going: Going) -> list[EndingAnswer]:
    return [_ending(ending) for ending in going.endings]


def _ending(ending: Ending) -> EndingAnswer:
    return EndingAnswer(effect=ending.effect, due=ending.due, purpose=ending.purpose, rule=_rule(ending.rule))


def _rules(rules: Iterable[RetentionRule]) -> RulesAnswer:
    return RulesAnswer(rules=[_rule(rule) for rule in rules])


def _rule(rule: RetentionRule) -> RuleAnswer:
    return RuleAnswer(law=rule.law, basis=rule.basis, purpose=rule.purpose, days=rule.days)
