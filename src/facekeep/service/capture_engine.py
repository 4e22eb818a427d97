"""Captures with the models of the package."""

from __future__ import annotations

from facekeep.face.models import ModelPack
from facekeep.face.pad.detector import PresentationAttackDetector
from facekeep.face.pad.gate import FrameGate
from facekeep.service.capture_judging import Judge
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from facekeep.service.opening import Clock, system_clock

__all__ = ["shipped_captures"]


def shipped_captures(keep: Keep, clock: Clock = system_clock) -> CaptureService:
    """The captures of a keep; models are loaded when the first frames come."""
    judge = Judge(
        keep,
        lambda: FrameGate.build(ModelPack.load()),
        lambda: PresentationAttackDetector.build(ModelPack.load()),
    )
    return CaptureService(keep, judge, clock=clock)
