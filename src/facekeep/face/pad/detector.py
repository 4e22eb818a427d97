"""All voices over a recording. Each is independent of the others; :func:`facekeep.domain.pad.decide` decides.

The order is that of cost: what needs no model comes first. No voice is left out because another has spoken, so
that the time of an answer does not tell which one refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from facekeep.domain.capture import Recording, StepKind
from facekeep.domain.pad import Examined, Finding
from facekeep.face.models import ModelPack
from facekeep.face.pad import challenge, depth, duress, injection, light, vital_signs
from facekeep.face.pad.continuity import ContinuityVoice
from facekeep.face.pad.curves import curves_of
from facekeep.face.pad.measures import FrameMeasures
from facekeep.face.pad.meter import FaceMeter
from facekeep.face.pad.passive import PassiveVoice
from facekeep.face.pad.selection import SERVING, best_frames

__all__ = ["PresentationAttackDetector", "Told"]

Told = Callable[[str, float], None]
"""Gets the name of a stage (``measure``, then each voice's) and how many seconds it took."""

_Voice = Callable[[Recording, Sequence[FrameMeasures]], Finding]

_OF_POINTS: dict[str, _Voice] = {
    "challenge": challenge.examine,
    "depth": depth.examine,
    "duress": duress.examine,
    "injection": injection.examine,
    "light": light.examine,
    "vital-signs": vital_signs.examine,
}


@dataclass(frozen=True, slots=True)
class PresentationAttackDetector:
    """The voices, with their models. Several threads may use it at once."""

    meter: FaceMeter
    passive: PassiveVoice
    continuity: ContinuityVoice

    @classmethod
    def build(cls, pack: ModelPack) -> PresentationAttackDetector:
        """Loads the models of the pack, each on one thread: recordings are judged side by side.

        Raises:
            ModelError: a model is missing or altered.
        """
        return cls(FaceMeter.build(pack), PassiveVoice.build(pack), ContinuityVoice.build(pack))

    def examine(self, recording: Recording, told: Told | None = None) -> Examined:
        """What each voice found, the curves, and the frames that serve best.

        These are taken from the first step, in which a person looks and keeps still, as long as there is one. Each of
        them was looked at by the voice of continuity, so that no face is compared that was not there all the while.

        Args:
            recording: admitted by the gate.
            told: gets the stages with their times.

        Returns:
            One finding of each voice that there is, silent ones included.
        """
        watch = _Watch(told)
        with watch("measure"):
            measures = self.meter.measure_all(recording.frames)
        places = _looks(recording)
        serving = _serving(recording, places, [measures[place] for place in places])
        voices: dict[str, _Voice] = {
            **_OF_POINTS,
            "passive": lambda recording, _: self.passive.examine(recording),
            "continuity": partial(self.continuity.examine, serving=serving),
        }
        findings = []
        for name, voice in voices.items():
            with watch(name):
                findings.append(voice(recording, measures))
        return Examined(tuple(findings), curves_of(measures), serving)


def _looks(recording: Recording) -> list[int]:
    """Places of the frames of the first step, or of all if there is none."""
    looks = {index for index, step in enumerate(recording.steps) if step.kind is StepKind.LOOK}
    places = [place for place, frame in enumerate(recording.frames) if frame.step in looks]
    return places or list(range(len(recording.frames)))


def _serving(recording: Recording, places: Sequence[int], measures: Sequence[FrameMeasures]) -> tuple[int, ...]:
    frames = [recording.frames[place] for place in places]
    return tuple(places[place] for place in best_frames(frames, measures, SERVING))


class _Watch:
    """Times stages for whoever is told."""

    def __init__(self, told: Told | None) -> None:
        self._told = told

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        if self._told is not None:
            self._told(stage, time.perf_counter() - began)
