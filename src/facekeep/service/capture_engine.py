"""Captures with the gate, the voices and the models of the package."""

from __future__ import annotations

from collections.abc import Callable

from facekeep.domain.capture import Step
from facekeep.face.masking import FaceMasker
from facekeep.face.models import ModelPack
from facekeep.face.pad.detector import PresentationAttackDetector
from facekeep.face.pad.gate import FrameGate
from facekeep.service.capture_judging import Judge
from facekeep.service.capture_steps import draw_steps
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from facekeep.service.opening import Clock, system_clock

__all__ = ["shipped_captures"]


def shipped_captures(
    keep: Keep, clock: Clock = system_clock, draw: Callable[..., tuple[Step, ...]] = draw_steps
) -> CaptureService:
    """The captures of a keep; models are loaded when the first frames come.

    Args:
        keep: open, and open for longer than this.
        clock: the time.
        draw: which steps a try asks for.
    """

    def gate() -> FrameGate:
        return FrameGate.build(ModelPack.load())

    def detector() -> PresentationAttackDetector:
        return PresentationAttackDetector.build(ModelPack.load())

    def masker() -> FaceMasker:
        return FaceMasker.build(ModelPack.load())

    return CaptureService(keep, Judge(keep, gate, detector, masker), clock=clock, draw=draw)
