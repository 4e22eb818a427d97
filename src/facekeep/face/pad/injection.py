"""Injection: do the frames come from a camera, as far as that can be told from what the page says and sends?

What a browser cannot know is in docs/threat-model.md, "Injection". Each check finds what a careless injection leaves
behind; a careful one passes all of them. So this voice supports only where every check could be made.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import Camera, RecordedFrame, Recording, StepKind
from facekeep.domain.pad import Finding, PadReason, Verdict, Voice
from facekeep.domain.sample import Pixels
from facekeep.face.pad.measures import FrameMeasures
from facekeep.face.pad.skin import skin_mask

__all__ = ["VIRTUAL_CAMERAS", "examine", "remaining_noise"]

VIRTUAL_CAMERAS = (
    ".mjpeg", ".y4m", "akvcam", "altercam", "avatarify", "bandicam", "camo", "camtwist", "chromacam", "deepfacelive",
    "droidcam", "dummy video device", "e2esoft", "ecamm", "epoccam", "facerig", "fake_device", "fake device",
    "fineshare", "ip camera adapter", "iriun", "ivcam", "logi capture", "loopback", "magic camera", "manycam", "mmhmm",
    "ndi video", "ndi webcam", "nvidia broadcast", "obs virtual", "obs-camera", "obs camera", "perfect corp",
    "prism live", "screencapturerecorder", "snap camera", "sparkocam", "splitcam", "streamlabs", "unity video capture",
    "vcam", "vdo.ninja", "virtual cam", "virtual video", "virtual webcam", "vtube", "webcammax", "webcamoid", "xsplit",
    "xeoma", "youcam",
)  # fmt: skip
"""Parts of names, in lower case, of cameras that are programs: compositors, loop devices, telephones as webcams, what
browsers offer for tests. Honest people have them too, so that a name alone only doubts."""

INTERVALS_MIN = 60
"""Intervals between presented frames below which their statistics say nothing: two seconds at 30 frames in a second."""
REGULAR = 0.02
"""Milliseconds of deviation below which intervals are those of a program: browsers' clocks step by 0.1 ms or more."""
FASTER = 0.8
"""Median interval, by that of the claimed rate, below which frames come faster than the camera gives them. Slower is
usual: cameras halve their rate in the dark."""
GAP = 1.5
"""Seconds without a frame within a step from which the stream was not continuous."""
REPEATED_SHARE = 0.1
"""Part of the frames that may be the same, to the pixel, as the one before: drivers repeat one now and then."""
RETURNED_MAX = 1
"""Frames that may be the same, to the pixel, as one further back. A sensor never gives the same noise twice."""
NEARLY = 0.1
"""Mean difference of two frames, in levels, below which they are one."""
NOISE_PAIRS = 8
"""Pairs of frames in which the skin held still enough, below which noise is not judged."""
NOISE_MIN, NOISE_SURE = 0.30, 0.95
"""Levels of 255 in smooth skin: below the first no sensor was there, from the second one was. Between, JPEG's own
rounding hides what there is (0.54 to 0.86 without any noise, if the face moves); docs/reference/pad.md, "Injection"."""

_PAIR_GAP = 0.3  # seconds between two frames that are compared
_COLOURED = frozenset({StepKind.LIGHT})


def examine(recording: Recording, measures: Sequence[FrameMeasures]) -> Finding:
    """What name, times, repetitions and noise say.

    One kind of sign doubts, two refute: each alone has an honest explanation.

    Args:
        recording: the try.
        measures: of its frames, in their order.

    Returns:
        Figures: ``virtual_name`` 0 or 1; ``interval_deviation`` in milliseconds and ``interval_by_claim``;
        ``longest_gap`` in seconds; ``repeated`` and ``returned`` frames; ``noise`` in levels with ``noise_pairs``.
    """
    figures: dict[str, float] = {}
    reasons = []
    unmade = 0
    camera = recording.camera
    if camera is None:
        unmade += 1
    else:
        figures["virtual_name"] = float(any(part in camera.label.casefold() for part in VIRTUAL_CAMERAS))
        unmade += not camera.label.strip()
        if figures["virtual_name"]:
            reasons.append(PadReason.VIRTUAL_CAMERA)
    odd, told = _times(recording, camera, figures)
    unmade += not told
    if odd:
        reasons.append(PadReason.FRAME_TIMES)
    if _repeats(recording.frames, figures):
        reasons.append(PadReason.FRAMES_DUPLICATED)
    noise = remaining_noise(recording, measures)
    figures["noise_pairs"] = float(len(noise))
    if len(noise) < NOISE_PAIRS:
        unmade += 1
    else:
        figures["noise"] = float(np.median(noise))
        unmade += figures["noise"] < NOISE_SURE
        if figures["noise"] < NOISE_MIN:
            reasons.append(PadReason.NO_SENSOR_NOISE)
    if reasons:
        verdict = Verdict.REFUTES if len(reasons) > 1 else Verdict.DOUBTS
        return Finding(Voice.INJECTION, verdict, tuple(reasons), figures)
    return Finding(Voice.INJECTION, Verdict.SILENT if unmade else Verdict.SUPPORTS, (), figures)


def _times(recording: Recording, camera: Camera | None, figures: dict[str, float]) -> tuple[bool, bool]:
    """Whether the times are no camera's, and whether all that can be said of them could be."""
    at = np.array([frame.at for frame in recording.frames])
    same_step = np.diff([frame.step for frame in recording.frames]) == 0
    gaps = np.diff(at)[same_step]
    figures["longest_gap"] = float(gaps.max()) if len(gaps) else 0.0
    odd = figures["longest_gap"] > GAP
    if camera is None:
        return odd, False
    intervals = np.array(camera.intervals, np.float64)
    if len(intervals) < INTERVALS_MIN:
        return odd, False
    figures["interval_deviation"] = float(intervals.std())
    odd |= figures["interval_deviation"] < REGULAR
    if camera.frame_rate > 0:
        figures["interval_by_claim"] = float(np.median(intervals)) * camera.frame_rate / 1000
        odd |= figures["interval_by_claim"] < FASTER
    return odd, True


def _repeats(frames: Sequence[RecordedFrame], figures: dict[str, float]) -> bool:
    """Whether frames come twice. Two frames that differ by rounding alone count as one."""
    seen: dict[bytes, int] = {}
    repeated = returned = 0
    for number, frame in enumerate(frames):
        digest = hashlib.sha256(frame.face.tobytes()).digest()
        before = frames[number - 1].face if number else None
        if before is not None and before.shape == frame.face.shape and _difference(before, frame.face) < NEARLY:
            repeated += 1
        elif digest in seen and number - seen[digest] > 1:
            returned += 1
        seen[digest] = number
    figures["repeated"], figures["returned"] = float(repeated), float(returned)
    return repeated > REPEATED_SHARE * len(frames) or returned > RETURNED_MAX


def _difference(first: Pixels, second: Pixels) -> float:
    return float(cv2.norm(first, second, cv2.NORM_L1)) / first.size


def remaining_noise(recording: Recording, measures: Sequence[FrameMeasures]) -> list[float]:
    """Noise of a single frame in smooth skin, in levels of green, of each pair of frames that lie close in time.

    What is left of the difference of two frames once a shift, a slope and a change of brightness are taken off, by the
    square root of 2.
    """
    faces = {frame.at: frame.face for frame in recording.frames}
    found = []
    for first, second in pairwise(measures):
        light = recording.steps[first.step].kind in _COLOURED if recording.steps else False
        one, two = faces[first.at], faces[second.at]
        if first.step != second.step or light or second.at - first.at > _PAIR_GAP or one.shape != two.shape:
            continue
        mask = skin_mask(one.shape[:2], first.points)
        if mask is None:
            continue
        left = _unexplained(one[..., 1].astype(np.float32), two[..., 1].astype(np.float32), mask > 0)
        if left is not None:
            found.append(left)
    return found


def _unexplained(first: NDArray[np.float32], second: NDArray[np.float32], inside: NDArray[np.bool_]) -> float | None:
    """None of too little skin, or skin that moved by more than a pixel, where the slope no longer tells the shift."""
    if int(inside.sum()) < 200:
        return None
    mean = cv2.GaussianBlur((first + second) / 2, (0, 0), 1.0)
    rows, columns = (place - place.mean() for place in np.nonzero(inside))
    across, down = (cv2.Sobel(mean, cv2.CV_32F, dx, dy, scale=1 / 8)[inside] for dx, dy in ((1, 0), (0, 1)))
    design = np.column_stack([np.ones(len(rows)), columns, rows, mean[inside], across, down])
    change = (second - first)[inside]
    fitted = np.linalg.lstsq(design, change, rcond=None)[0]
    if float(np.hypot(*fitted[-2:])) > 1.0:
        return None
    # A spot or a hair that moved differently must not count as noise.
    left = change - design @ fitted
    return float(1.4826 * np.median(np.abs(left - np.median(left)))) / math.sqrt(2)
