"""Vital signs: spontaneous blinks, and a pulse. Somebody whose eyes stay closed, or who shows neither, needs a look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facekeep.domain.capture import Recording, StepKind
from facekeep.domain.pad import Finding, PadReason, Verdict, Voice
from facekeep.face.pad.measures import FrameMeasures
from facekeep.face.pad.pulse import Pulse, find_pulse, resampled
from facekeep.face.pad.skin import skin_colour

__all__ = ["examine"]

EYES_CLOSED, EYES_OPEN = 0.3, 0.6
"""Figures of the eye model below which an eye has closed, and above which it has opened again."""
BLINK_MAX = 1.0
"""Seconds for which a spontaneous blink lasts at most; most take 0.1 to 0.4."""
GAP_MAX = 0.5
"""Seconds without a frame after which a closed eye is not the one that was open before."""
ASLEEP_SHARE = 0.9
"""Part of all frames in which the eyes are not open, from which they are closed throughout."""
ASLEEP_FRAMES = 12
"""Frames below which that is not said."""
PULSE_SECONDS, PULSE_FRAMES, PULSE_RATE = 7.5, 45, 5.5
"""Seconds, frames, and frames in a second below which no pulse is looked for."""
PULSE_EVIDENCE = 5.0
"""Decibels from which a rhythm is a pulse: none of 124 clips of 8 and 12 s without one passes, and 99 of 124 with 0.5 %
of green do; docs/reference/pad.md, "Pulse"."""
STILL = 8.0
"""Degrees of yaw and pitch from the pose of LOOK within which a face is still enough for its colour to be measured."""

_ORDERED = frozenset({StepKind.BLINK})
_COLOURED = frozenset({StepKind.LIGHT})


def examine(recording: Recording, measures: Sequence[FrameMeasures]) -> Finding:
    """What blinks and pulse say.

    One blink that was not asked for, or a pulse, supports. Neither doubts, ``no-vital-signs``, and so does a try too
    short to tell: absent is never taken for present. Eyes that are closed throughout doubt, ``eyes-closed``, whatever
    the pulse.

    Args:
        recording: the try.
        measures: of its frames, in their order.

    Returns:
        Figures: ``blinks``; ``open_share`` of the frames; ``pulse_seconds`` and ``pulse_frames`` that the pulse was
        looked for in; ``pulse_rate`` in beats a minute and ``pulse_evidence`` in decibels, if it could be looked for.
    """
    kinds = [step.kind for step in recording.steps]
    blinks = _blinks([frame for frame in measures if kinds[frame.step] not in _ORDERED])
    open_share = float(np.mean([frame.eyes_open >= EYES_OPEN for frame in measures])) if measures else 0.0
    still = _still([frame for frame in measures if kinds[frame.step] not in _COLOURED], kinds)
    figures = {"blinks": float(blinks), "open_share": open_share, "pulse_frames": float(len(still))}
    figures["pulse_seconds"] = still[-1].at - still[0].at if still else 0.0
    pulse = _pulse(recording, still)
    if pulse is not None:
        figures |= {"pulse_rate": pulse.rate, "pulse_evidence": pulse.evidence}
    beats = pulse is not None and pulse.evidence >= PULSE_EVIDENCE
    reasons = []
    if len(measures) >= ASLEEP_FRAMES and open_share <= 1 - ASLEEP_SHARE:
        reasons.append(PadReason.EYES_CLOSED)
    if not blinks and not beats:
        reasons.append(PadReason.NO_VITAL_SIGNS)
    return Finding(Voice.VITAL_SIGNS, Verdict.DOUBTS if reasons else Verdict.SUPPORTS, tuple(reasons), figures)


def _blinks(frames: Sequence[FrameMeasures]) -> int:
    """How often the eyes closed and opened again, with frames on both sides."""
    count = 0
    was_open, closed_at, before = False, None, -np.inf
    for frame in frames:
        if frame.at - before > GAP_MAX:
            was_open, closed_at = False, None
        before = frame.at
        if frame.eyes_open <= EYES_CLOSED:
            if was_open and closed_at is None:
                closed_at = frame.at
        elif frame.eyes_open >= EYES_OPEN:
            if closed_at is not None and frame.at - closed_at <= BLINK_MAX:
                count += 1
            was_open, closed_at = True, None
    return count


def _still(frames: Sequence[FrameMeasures], kinds: Sequence[StepKind]) -> Sequence[FrameMeasures]:
    """The longest run of frames in which the head keeps the pose that it has in step LOOK."""
    looking = [frame for frame in frames if kinds[frame.step] is StepKind.LOOK]
    if not looking:
        return ()
    yaw, pitch = (float(np.median([getattr(frame, name) for frame in looking])) for name in ("yaw", "pitch"))
    best: Sequence[FrameMeasures] = ()
    run: list[FrameMeasures] = []
    for frame in frames:
        moved = abs(frame.yaw - yaw) > STILL or abs(frame.pitch - pitch) > STILL
        if moved or (run and frame.at - run[-1].at > GAP_MAX):
            run = []
        if not moved:
            run.append(frame)
            if len(run) > 1 and run[-1].at - run[0].at > (best[-1].at - best[0].at if best else 0.0):
                best = tuple(run)
    return best


def _pulse(recording: Recording, frames: Sequence[FrameMeasures]) -> Pulse | None:
    """None if there are too few frames, or no skin in some."""
    if len(frames) < PULSE_FRAMES or frames[-1].at - frames[0].at < PULSE_SECONDS:
        return None
    faces = {frame.at: frame.face for frame in recording.frames}
    # The points jitter by half a pixel; the skin that they mark must not jump with them.
    places = np.stack([frame.points for frame in frames])
    smooth = [np.median(places[max(0, i - 2) : i + 3], axis=0) for i in range(len(places))]
    colours = [skin_colour(faces[frame.at], points) for frame, points in zip(frames, smooth, strict=True)]
    known = [colour for colour in colours if colour is not None]
    if len(known) < len(colours):
        return None
    rate, even = resampled([frame.at for frame in frames], np.stack(known))
    return find_pulse(rate, even) if rate >= PULSE_RATE else None
