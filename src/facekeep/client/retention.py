"""Retention of a served keep, as its client asks for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from facekeep.client.calls import Call, Json, Page
from facekeep.domain.consent import Purpose
from facekeep.domain.retention import Basis, Effect, Ending, RetentionRule
from facekeep.service.answers import Going

__all__ = ["add_rules", "plan", "remove_rules", "rules"]

_RULES = "/v1/retention/rules"


def rules() -> Call[tuple[RetentionRule, ...]]:
    """See :meth:`facekeep.client.Client.retention_rules`."""
    return Call("GET", _RULES, _rules)


def add_rules(added: Iterable[RetentionRule], key: str, *, sure: bool) -> Call[tuple[RetentionRule, ...]]:
    """See :meth:`facekeep.client.Client.set_retention`."""
    told = [{"law": rule.law, "basis": rule.basis.value, "purpose": rule.purpose, "days": rule.days} for rule in added]
    return Call("POST", _RULES, _rules, json={"rules": told, "sure": sure}, key=key)


def remove_rules(law: str, key: str) -> Call[tuple[RetentionRule, ...]]:
    """See :meth:`facekeep.client.Client.remove_retention`."""
    return Call("DELETE", _RULES, _rules, query={"law": law}, key=key)


def plan(days: int, after: str | None) -> Call[Page[Going]]:
    """A page of :meth:`facekeep.client.Client.retention_plan`."""
    query = {"days": str(days)} | ({} if after is None else {"after": after})
    return Call("GET", "/v1/retention/plan", _page, query=query)


def _page(d: Json) -> Page[Going]:
    people = [Going(one["subject"], one["label"], _endings(one)) for one in d["people"]]
    cases = [Going(one["case"], one["title"], _endings(one)) for one in d["cases"]]
    return Page((*people, *cases), d["next"])


def _endings(d: Json) -> tuple[Ending, ...]:
    return tuple(
        Ending(Effect(one["effect"]), datetime.fromisoformat(one["due"]), _rule(one["rule"]), _purpose(one["purpose"]))
        for one in d["endings"]
    )


def _rules(d: Json) -> tuple[RetentionRule, ...]:
    return tuple(map(_rule, d["rules"]))


def _rule(d: Any) -> RetentionRule:
    return RetentionRule(d["law"], Basis(d["basis"]), _purpose(d["purpose"]), d["days"])


def _purpose(word: str | None) -> Purpose | None:
    return None if word is None else Purpose(word)
