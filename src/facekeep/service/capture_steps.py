"""Which steps a try asks for, drawn from the operating system's generator: nobody can know them beforehand."""

from __future__ import annotations

import secrets
from typing import Final

from facekeep.domain.capture import ACTIVE_STEPS, TURN_STEPS, Colour, Step, StepKind
from facekeep.face.pad.light import CHANGES_MIN, changes_of_hue

__all__ = ["ACTIVE_SECONDS", "LIGHT_SECONDS", "LOOK_SECONDS", "draw_steps"]

LOOK_SECONDS: Final = 12.0
ACTIVE_SECONDS: Final = 8.0
LIGHT_SECONDS: Final = 6.0

_ACTIVE: Final = 3
_COLOURS: Final = 6
_drawn = secrets.SystemRandom()


def draw_steps(*, light: bool) -> tuple[Step, ...]:
    """Look, then three different active steps in random order, a turn among them, then light if it is wanted."""
    turn = _drawn.choice(sorted(TURN_STEPS))
    active = [turn, *_drawn.sample(sorted(ACTIVE_STEPS - {turn}), _ACTIVE - 1)]
    _drawn.shuffle(active)
    steps = [Step(StepKind.LOOK, LOOK_SECONDS), *(Step(kind, ACTIVE_SECONDS) for kind in active)]
    if light:
        steps.append(Step(StepKind.LIGHT, LIGHT_SECONDS, _colours()))
    return tuple(steps)


def _colours() -> tuple[Colour, ...]:
    """Colours of which each differs from the one before, with as many changes of hue as the voice of light needs."""
    while True:
        colours: list[Colour] = []
        while len(colours) < _COLOURS:
            colours.append(_drawn.choice([colour for colour in Colour if [colour] != colours[-1:]]))
        if changes_of_hue(colours) >= CHANGES_MIN:
            return tuple(colours)
