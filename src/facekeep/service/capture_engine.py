"""Captures with the models of the package."""

from __future__ import annotations

from facekeep.domain.capture import Recording
from facekeep.domain.pad import Finding
from facekeep.face.models import ModelPack
from facekeep.face.pad.gate import FrameGate
from facekeep.service.capture_judging import Judge
from facekeep.service.captures import CaptureService
from facekeep.service.keep import Keep
from facekeep.service.opening import Clock, system_clock

__all__ = ["shipped_captures"]


class _NoVoice:
    """No voice speaks yet, so that nothing is decided: too little evidence."""

    def examine(self, recording: Recording) -> tuple[Finding, ...]:
        del recording
        return ()

    def best(self, recording: Recording, most: int) -> tuple[int, ...]:
        return tuple(range(len(recording.frames)))[:most]


def shipped_captures(keep: Keep, clock: Clock = system_clock) -> CaptureService:
    """The captures of a keep; models are loaded when the first frames come."""
    return CaptureService(keep, Judge(keep, lambda: FrameGate.build(ModelPack.load()), _NoVoice), clock=clock)
