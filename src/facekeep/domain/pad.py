"""Presentation attack detection (ISO/IEC 30107): what each check found, and the decision in three values.

Invariants: no single voice makes a decision: an attack takes one that refutes and another that at least doubts, a bona
fide presentation takes three that support, the challenge among them. What is missing is never taken for good: a voice
that could not speak supports nothing, and three of them have to be heard.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from facekeep.domain.curves import Curve

__all__ = ["URGENT", "Examined", "Finding", "PadDecision", "PadOutcome", "PadReason", "Verdict", "Voice", "decide"]


class PadDecision(StrEnum):
    """What is decided about a presentation."""

    BONA_FIDE = "bona-fide"
    ATTACK = "attack"
    INCONCLUSIVE = "inconclusive"


class Voice(StrEnum):
    """A check that is independent of the others."""

    PASSIVE = "passive"
    """A trained model on several frames: paper, screens, masks as its trainers saw them."""
    CHALLENGE = "challenge"
    """What was asked was done, in its order and time."""
    DEPTH = "depth"
    """The face moves as a head does, and not as a plane."""
    LIGHT = "light"
    """The skin answers the colours of the screen."""
    VITAL_SIGNS = "vital-signs"
    """Spontaneous blinks, and a pulse in the colour of the skin."""
    CONTINUITY = "continuity"
    """One face runs through all frames."""
    INJECTION = "injection"
    """The frames come from a camera, as far as that can be told."""
    DURESS = "duress"
    """Nobody else was seen, and nothing lies over the face. It only ever doubts, for a person to look."""


SUPPORT_MIN = 3
"""Voices that have to support a bona fide presentation."""
DOUBTS_MAX = 1
"""Voices that may doubt one."""
NEEDED = frozenset({Voice.PASSIVE, Voice.DEPTH, Voice.CONTINUITY})
"""Voices that have to be heard, whatever they say: they hear what a page sends, and it could send too little."""


class Verdict(StrEnum):
    """What a voice says about a bona fide presentation."""

    SUPPORTS = "supports"
    DOUBTS = "doubts"
    REFUTES = "refutes"
    SILENT = "silent"
    """It could not be measured, or was not asked."""


class PadReason(StrEnum):
    """Why a presentation is doubted. The page and the integrator word them."""

    PASSIVE_MODEL = "passive-model"
    STEP_NOT_DONE = "step-not-done"
    STEPS_MIXED_UP = "steps-mixed-up"
    FLAT = "flat"
    COLOURS_NOT_REFLECTED = "colours-not-reflected"
    NO_VITAL_SIGNS = "no-vital-signs"
    EYES_CLOSED = "eyes-closed"
    SECOND_FACE = "second-face"
    HAND_OVER_FACE = "hand-over-face"
    ANOTHER_FACE = "another-face"
    FACE_JUMPED = "face-jumped"
    VIRTUAL_CAMERA = "virtual-camera"
    FRAME_TIMES = "frame-times"
    FRAMES_DUPLICATED = "frames-duplicated"
    NO_SENSOR_NOISE = "no-sensor-noise"
    MARKED_GENERATED = "marked-generated"
    MARKED_REPLACED = "marked-replaced"
    TOO_LITTLE_EVIDENCE = "too-little-evidence"


URGENT = frozenset({PadReason.NO_VITAL_SIGNS, PadReason.EYES_CLOSED, PadReason.SECOND_FACE, PadReason.HAND_OVER_FACE})
"""Somebody may be in need of help: these are never passed over, and never refuse somebody without a person's look."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one voice found.

    Attributes:
        voice: which.
        verdict: what it says.
        reasons: why it doubts or refutes; empty otherwise.
        figures: what it measured, finite, by names that docs/reference/pad.md explains.
    """

    voice: Voice
    verdict: Verdict
    reasons: tuple[PadReason, ...] = ()
    figures: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if bool(self.reasons) != (self.verdict in (Verdict.DOUBTS, Verdict.REFUTES)):
            raise ValueError("who doubts gives reasons, and nobody else")
        if not all(math.isfinite(value) for value in self.figures.values()):
            raise ValueError("a figure is a finite number")
        object.__setattr__(self, "figures", MappingProxyType(dict(self.figures)))


@dataclass(frozen=True, slots=True)
class Examined:
    """What all voices made of a recording.

    Attributes:
        findings: of every voice, each at most once.
        curves: what a reviewer sees of it without a face.
        best: places, among the recording's frames, of one to three that serve a comparison or a reviewer best, the best
            first.
    """

    findings: tuple[Finding, ...]
    curves: tuple[Curve, ...]
    best: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PadOutcome:
    """The decision and all it rests on.

    Attributes:
        decision: one of three.
        reasons: why it is not bona fide, urgent ones first; of a bona fide presentation, what one voice doubted.
        findings: of every voice, each at most once.
    """

    decision: PadDecision
    reasons: tuple[PadReason, ...]
    findings: tuple[Finding, ...]

    def plain(self) -> dict[str, Any]:
        """As values of JSON, under the names of the fields."""
        findings = [
            {"voice": f.voice, "verdict": f.verdict, "reasons": f.reasons, "figures": dict(f.figures)}
            for f in self.findings
        ]
        return {"decision": self.decision, "reasons": self.reasons, "findings": findings}

    @property
    def urgent(self) -> bool:
        """Whether a person has to look at once."""
        return any(reason in URGENT for reason in self.reasons)


def decide(findings: Iterable[Finding]) -> PadOutcome:
    """The decision that findings make.

    An urgent reason makes it inconclusive, whatever the others say: somebody has to look. Else a voice that refutes and
    another that at least doubts make an attack; one that refutes alone, two that doubt, or light that was asked for and
    doubts, leave it inconclusive. What remains is bona fide if the challenge and two further voices support it, and
    those that are needed were heard.

    Args:
        findings: at most one of each voice.

    Raises:
        ValueError: two of one voice.
    """
    found = tuple(findings)
    by_voice = {finding.voice: finding for finding in found}
    if len(by_voice) != len(found):
        raise ValueError("each voice speaks once")
    of = {verdict: [f for f in found if f.verdict is verdict] for verdict in Verdict}
    refuting, doubting, supporting = of[Verdict.REFUTES], of[Verdict.DOUBTS], of[Verdict.SUPPORTS]
    named = dict.fromkeys(reason for f in (*refuting, *doubting) for reason in f.reasons)
    reasons = tuple(sorted(named, key=lambda reason: reason not in URGENT))  # stable: the rest keeps its order
    if any(reason in URGENT for reason in reasons):
        return PadOutcome(PadDecision.INCONCLUSIVE, reasons, found)
    if refuting and len(refuting) + len(doubting) > 1:
        return PadOutcome(PadDecision.ATTACK, reasons, found)
    # Light is asked for by whoever fears a screen that is driven in time, which nothing else tells from a head.
    dark = any(finding.voice is Voice.LIGHT for finding in doubting)
    if refuting or dark or len(doubting) > DOUBTS_MAX:
        return PadOutcome(PadDecision.INCONCLUSIVE, reasons, found)
    challenged = any(finding.voice is Voice.CHALLENGE for finding in supporting)
    heard = {finding.voice for finding in found if finding.verdict is not Verdict.SILENT}
    if not challenged or len(supporting) < SUPPORT_MIN or not heard >= NEEDED:
        return PadOutcome(PadDecision.INCONCLUSIVE, reasons or (PadReason.TOO_LITTLE_EVIDENCE,), found)
    return PadOutcome(PadDecision.BONA_FIDE, reasons, found)
