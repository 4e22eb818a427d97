"""Facts of a keep that nobody has, to be changed by each test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from facekeep.domain.accounts import Role
from facekeep.domain.comparison import Level
from facekeep.domain.consent import Purpose
from facekeep.service.claims import OPEN_BY_DESIGN
from facekeep.service.facts import ConsentFacts, KeepFacts, KeyFacts, NoticeFacts, PurposeFacts
from facekeep.service.filing import CHINA, Filing
from facekeep.service.measured import DrillSummary, EvaluationSummary, PointSummary, ThiefSummary

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)
MODEL = "ab" * 32
DIGEST = "cd" * 32
ITEMS = {"retention": "a year", "recipients": "nobody", "alternative": "a key at the desk"}


def some_facts(**changed: Any) -> KeepFacts:
    """A sound keep with one purpose on, which one person consents to."""
    purposes = tuple(
        PurposeFacts(purpose, purpose is Purpose.VERIFY, int(purpose is Purpose.VERIFY),
                     frozenset({DIGEST} if purpose is Purpose.VERIFY else ()))
        for purpose in Purpose
    )  # fmt: skip
    facts = KeepFacts(
        made=NOW,
        version="1.2.3",
        model=MODEL,
        levels=(Level(1e-4, 0.4), Level(1e-6, 0.5, extrapolated=True)),
        measured_on="pictures of the test",
        people=1,
        canaries=0,
        references=1,
        never_returned=0,
        purposes=purposes,
        consents=ConsentFacts(1, 0, 0, 0, 0),
        notices=(NoticeFacts(DIGEST, "en", frozenset({Purpose.VERIFY}), ITEMS),),
        open_cases=0,
        accounts={Role.OPERATOR: 2},
        clients=0,
        recipients=(),
        refreshed=NOW,
        apart=False,
        keys=KeyFacts(beside=False, passphrase=("right",)),
        alarms=0,
        ledger=3,
        filing=Filing(CHINA, 1),
    )
    return replace(facts, **changed)


def some_drill(*leaks: str, made: datetime | None = NOW) -> DrillSummary:
    """A drill in which these thieves got something."""
    thieves = tuple(
        ThiefSummary(name, f"Thief {name}", name not in leaks, "LEAK: x." if name in leaks else "No face.")
        for name in OPEN_BY_DESIGN
    )
    return DrillSummary(made, not leaks, 128, 0, thieves, ("The budgets stopped this gate only late.",))


def some_evaluation(model: str = MODEL) -> EvaluationSummary:
    """An evaluation without groups."""
    return EvaluationSummary(NOW, model, 100, 400, (PointSummary(1e-3, 9e-4, 0.012),), ())
