"""Simulated people and simulated attacks before every voice: who is let through, and why not.

SIMULATIONS of the London set's people (tests/clips). The rates are those of these programs, and of no attack and no
person in the world: docs/reference/pad.md, "Simulated attacks".
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from facekeep.domain.capture import Recording
from facekeep.domain.pad import PadDecision, PadOutcome, PadReason, Verdict, Voice, decide
from facekeep.domain.performance import Rate
from facekeep.errors import FrameTooWideError
from facekeep.face.models import ModelPack
from facekeep.face.pad.detector import PresentationAttackDetector
from tests.clips.attacks import KINDS, Attacker
from tests.clips.people import Cast
from tests.clips.recording import Page, asked

pytestmark = pytest.mark.extended

ALIVE, ATTACKED = slice(0, 62, 2), slice(0, 40, 8)
"""Which of the 62 people are simulated alive, 31, and which are attacked, 5, in each way."""
REFUSED_FOR = {
    "still": {PadReason.STEP_NOT_DONE, PadReason.NO_VITAL_SIGNS},
    "print": {PadReason.FLAT, PadReason.STEP_NOT_DONE, PadReason.NO_VITAL_SIGNS},
    "bent-print": {PadReason.FLAT, PadReason.STEP_NOT_DONE, PadReason.NO_VITAL_SIGNS},
    "cut-out-eyes": {PadReason.FLAT, PadReason.STEP_NOT_DONE},
    "screen": {PadReason.STEPS_MIXED_UP, PadReason.STEP_NOT_DONE},
    "swap": {PadReason.ANOTHER_FACE},
    "driven-screen": {PadReason.COLOURS_NOT_REFLECTED},
}
"""Of each kind, reasons of which at least one has to be given."""


@dataclass
class Tally:
    """What became of one kind."""

    outcomes: list[PadOutcome] = field(default_factory=list)
    at_the_gate: int = 0

    @property
    def presentations(self) -> int:
        return len(self.outcomes) + self.at_the_gate

    def decided(self, decision: PadDecision) -> int:
        return sum(outcome.decision is decision for outcome in self.outcomes)

    def said(self, voice: Voice) -> str:
        found = Counter(f.verdict for outcome in self.outcomes for f in outcome.findings if f.voice is voice)
        return "/".join(str(found[verdict]) for verdict in Verdict)


@pytest.fixture(scope="module")
def tallies(data: Path, pack: ModelPack) -> dict[str, Tally]:
    cast, page, detector = Cast(data, pack), Page(pack), PresentationAttackDetector.build(pack)
    found: dict[str, Tally] = defaultdict(Tally)
    for kind, recording in _presentations(cast, page):
        if recording is None:
            found[kind].at_the_gate += 1
        else:
            found[kind].outcomes.append(decide(detector.examine(recording).findings))
    sys.stdout.write(_table(found))
    return found


def _presentations(cast: Cast, page: Page) -> Iterator[tuple[str, Recording | None]]:
    names = cast.names
    for seed, name in enumerate(names[ALIVE]):
        try:
            yield "live", page.obedient(cast.head(name), asked(seed), seed=seed)
        except FrameTooWideError:
            yield "live", None
    for seed, name in enumerate(names[ATTACKED], 100):
        other = names[(names.index(name) + len(names) // 2) % len(names)]
        attacker = Attacker(cast.head(name), cast.portrait(name), cast.head(other))
        for kind in KINDS:
            try:
                yield kind, page.attacked(attacker, kind, asked(seed), seed=seed)
            except FrameTooWideError:
                yield kind, None


def _table(tallies: dict[str, Tally]) -> str:
    lines = [
        "| presentation | n | bona fide | attack | inconclusive | gate | error rate | " + " | ".join(Voice) + " |",
        "|---|---|---|---|---|---|---|" + "---|" * len(Voice),
    ]
    for kind, tally in tallies.items():
        passed = tally.decided(PadDecision.BONA_FIDE)
        rate = Rate(tally.presentations - passed if kind == "live" else passed, tally.presentations)
        low, high = rate.interval
        decisions = [str(tally.decided(decision)) for decision in PadDecision]
        error = f"{rate.value:.2f} ({low:.2f}–{high:.2f})"
        cells = [kind, str(tally.presentations), *decisions, str(tally.at_the_gate), error]
        lines.append("| " + " | ".join([*cells, *(tally.said(voice) for voice in Voice)]) + " |")
    for kind, tally in tallies.items():
        reasons = Counter(reason for outcome in tally.outcomes for reason in outcome.reasons)
        lines.append(f"{kind}: " + ", ".join(f"{reason} {count}" for reason, count in reasons.most_common()))
    return "\n" + "\n".join(lines) + "\n"


@pytest.mark.parametrize("kind", sorted(REFUSED_FOR))
def test_no_attack_is_let_through_and_each_for_its_reason(tallies: dict[str, Tally], kind: str) -> None:
    assert set(KINDS) == set(REFUSED_FOR)
    tally = tallies[kind]
    assert tally.presentations == 5
    assert tally.decided(PadDecision.BONA_FIDE) == 0
    for outcome in tally.outcomes:
        assert REFUSED_FOR[kind] & set(outcome.reasons)


def test_most_people_are_let_through(tallies: dict[str, Tally]) -> None:
    live = tallies["live"]
    assert live.presentations == 31
    assert live.decided(PadDecision.ATTACK) == 0
    assert live.decided(PadDecision.BONA_FIDE) >= 0.8 * live.presentations
