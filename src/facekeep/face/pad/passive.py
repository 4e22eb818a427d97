"""The passive voice: what a trained model makes of the surroundings of a face, over several frames.

One frame says little: of one attack's frames the figure goes from 0.01 to 0.72 as the camera moves. The middle of
several is steady. docs/model-cards/fr_liveness.md has the figures, and says why the thresholds rest on little.
"""

from __future__ import annotations

import numpy as np

from facekeep.domain.capture import RecordedFrame, Recording
from facekeep.domain.pad import Finding, PadReason, Verdict, Voice
from facekeep.domain.sample import Pixels
from facekeep.errors import ModelError
from facekeep.face.model_spec import ModelRole
from facekeep.face.models import ModelPack
from facekeep.face.runtime import Session

__all__ = ["FRAMES_MIN", "REFUTED_BELOW", "SUPPORTED_FROM", "PassiveVoice"]

FRAMES_MIN = 3
"""Thumbnails below which the voice is silent."""
SUPPORTED_FROM = 0.7
"""Median from which it supports: 121 of 124 recordings of the London set, simulated by moving its pictures."""
REFUTED_BELOW = 0.15
"""Median below which it refutes: none of the 124, both attacks at hand (0.006 and 0.028)."""


class PassiveVoice:
    """A model of the role passive-pad. Several threads may use it at once."""

    def __init__(self, session: Session) -> None:
        """Wraps a loaded model.

        Raises:
            ModelError: the model has another role.
        """
        if session.spec.role is not ModelRole.PASSIVE_PAD:
            raise ModelError(f"the model {session.spec.name} is not of the role {ModelRole.PASSIVE_PAD}")
        self._session = session

    @classmethod
    def build(cls, pack: ModelPack) -> PassiveVoice:
        """Loads the model of the pack, on one thread.

        Raises:
            ModelError: the model is missing or altered.
        """
        return cls(pack.open("fr_liveness", threads=1))

    def liveness(self, thumbnail: Pixels) -> float:
        """The model's figure that a thumbnail is of a bona fide presentation, 0 to 1. No probability of anything.

        Args:
            thumbnail: RGB, 128 × 128, as docs/spec/capture.md has it.

        Raises:
            ModelError: the model gave no three finite figures.
        """
        (output,) = self._session.run(self._session.spec.input.tensor(thumbnail[np.newaxis]))
        logits = output.ravel().astype(np.float64)
        if logits.size != 3 or not np.isfinite(logits).all():
            raise ModelError(f"the model {self._session.spec.name} did not give three figures")
        weights = np.exp(logits - logits.max())
        return float(weights[0] / weights.sum())

    def examine(self, recording: Recording) -> Finding:
        """What the thumbnails of a try say."""
        return self.judge([self.liveness(thumbnail) for thumbnail in _thumbnails(recording.frames)])

    @staticmethod
    def judge(figures: list[float], frames_min: int = FRAMES_MIN) -> Finding:
        """The finding that figures of single frames make.

        Args:
            figures: 0 to 1 each.
            frames_min: how many it takes to speak.
        """
        if len(figures) < frames_min:
            return Finding(Voice.PASSIVE, Verdict.SILENT, figures={"frames": len(figures)})
        lowest, middle = float(np.min(figures)), float(np.median(figures))
        told = {"frames": float(len(figures)), "median": middle, "lowest": lowest}
        if middle >= SUPPORTED_FROM:
            return Finding(Voice.PASSIVE, Verdict.SUPPORTS, figures=told)
        verdict = Verdict.REFUTES if middle < REFUTED_BELOW else Verdict.DOUBTS
        return Finding(Voice.PASSIVE, verdict, (PadReason.PASSIVE_MODEL,), told)


def _thumbnails(frames: tuple[RecordedFrame, ...]) -> list[Pixels]:
    return [frame.thumbnail for frame in frames if frame.thumbnail is not None]
