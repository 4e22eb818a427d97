"""Names, times, repetitions and noise of frames that come from a camera, and of frames that do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tools.pad.crops import Cut
from tools.pad.pulse import recorded
from tools.pad.skin import Clip, frame_times, play

from facekeep.domain.capture import Camera, Recording, Step, StepKind
from facekeep.domain.pad import PadReason, Verdict
from facekeep.domain.sample import Pixels
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad import injection
from facekeep.face.pad.measures import FrameMeasures

PICTURES = Path(__file__).parents[4] / ".cache" / "pictures"
LOOK = Step(StepKind.LOOK, 12)
Taken = tuple[Recording, list[FrameMeasures]]


def intervals(rate: float = 30.0, count: int = 120) -> tuple[float, ...]:
    """Milliseconds between frames of a real camera, as a browser presents them."""
    return tuple((1000 / rate + np.random.default_rng(8).normal(0, 1.5, count)).round(1).tolist())


REAL = Camera("Integrated Camera: Integrated C (04f2:b6d9)", 1280, 720, 30.0, intervals())


@pytest.fixture(scope="module")
def person() -> tuple[Pixels, NDArray[np.float64]]:
    found = Cut.build(ModelPack.load())(decode((PICTURES / "obama.jpg").read_bytes()))
    assert found is not None
    return found


def taken(person: tuple[Pixels, NDArray[np.float64]], noise: float = 2.5, sway: float = 0.5, count: int = 24) -> Taken:
    rng = np.random.default_rng(1)
    clip = Clip(rate=10, seconds=count / 10, noise=noise, sway=sway, drift=0.005)
    return recorded(play(*person, clip, np.ones((clip.count, 3)), rng), frame_times(clip, rng), LOOK)


@pytest.fixture(scope="module")
def real(person: tuple[Pixels, NDArray[np.float64]]) -> Taken:
    recording, measures = taken(person)
    return replace(recording, camera=REAL), measures


def arranged(clip: Taken, order: Sequence[int]) -> Taken:
    """The same times with the pictures in another order."""
    recording, measures = clip
    frames = tuple(
        replace(frame, face=recording.frames[number].face)
        for frame, number in zip(recording.frames, order, strict=True)
    )
    return replace(recording, frames=frames), measures


def test_a_camera_with_everything_in_order_supports(real: Taken) -> None:
    finding = injection.examine(*real)
    assert finding.verdict is Verdict.SUPPORTS
    assert finding.figures["noise"] > injection.NOISE_SURE


@pytest.mark.parametrize(
    "label",
    [
        "OBS Virtual Camera", "OBS-Camera", "ManyCam Virtual Webcam", "Snap Camera", "XSplit VCam", "mmhmm Camera",
        "Iriun Webcam", "DroidCam Source 3", "EpocCam HD", "Dummy video device (0x0000)", "fake_device_0",
        "Virtual Camera (v4l2loopback)", "/clips/camera.mjpeg", "Unity Video Capture", "NDI Webcam Video 1",
    ],
)  # fmt: skip
def test_the_names_of_programs_doubt(real: Taken, label: str) -> None:
    recording, measures = real
    finding = injection.examine(replace(recording, camera=replace(REAL, label=label)), measures)
    assert (finding.verdict, finding.reasons) == (Verdict.DOUBTS, (PadReason.VIRTUAL_CAMERA,))


@pytest.mark.parametrize(
    "label",
    [
        "FaceTime HD Camera", "HD Pro Webcam C920 (046d:082d)", "camera2 1, facing front", "Front Camera", "前置相机",
        "Integrated Webcam", "Microsoft® LifeCam HD-3000", "Surface Camera Front", "Logitech BRIO",
        "USB2.0 HD UVC WebCam",
    ],
)  # fmt: skip
def test_the_names_of_cameras_do_not(real: Taken, label: str) -> None:
    recording, measures = real
    assert (
        injection.examine(replace(recording, camera=replace(REAL, label=label)), measures).verdict is Verdict.SUPPORTS
    )


@pytest.mark.parametrize(
    ("camera", "odd"),
    [
        (replace(REAL, intervals=(100 / 3,) * 120), True),  # as even as a counter
        (replace(REAL, intervals=intervals(60)), True),  # twice as fast as the camera says it is
        (replace(REAL, intervals=intervals(15)), False),  # half as fast: it is dark
        (replace(REAL, frame_rate=0.0), False),  # the browser does not say
    ],
)
def test_times_that_no_camera_has_doubt(real: Taken, camera: Camera, odd: bool) -> None:
    recording, measures = real
    finding = injection.examine(replace(recording, camera=camera), measures)
    assert finding.reasons == ((PadReason.FRAME_TIMES,) if odd else ())


def test_a_gap_in_a_step_doubts(real: Taken) -> None:
    recording, measures = real
    late = tuple(replace(frame, at=frame.at + 2.0 * (number >= 12)) for number, frame in enumerate(recording.frames))
    moved = [replace(frame, at=frame.at + 2.0 * (number >= 12)) for number, frame in enumerate(measures)]
    assert injection.examine(replace(recording, frames=late), moved).reasons == (PadReason.FRAME_TIMES,)


def test_what_a_page_did_not_say_leaves_it_silent(real: Taken) -> None:
    recording, measures = real
    for camera in (None, replace(REAL, intervals=()), replace(REAL, label=" ")):
        assert injection.examine(replace(recording, camera=camera), measures).verdict is Verdict.SILENT
    assert injection.examine(recording, []).verdict is Verdict.SILENT


def test_a_loop_is_found(real: Taken) -> None:
    finding = injection.examine(*arranged(real, [number % 8 for number in range(24)]))
    assert PadReason.FRAMES_DUPLICATED in finding.reasons
    assert finding.figures["returned"] == 16


def test_a_still_picture_is_found_twice_over(person: tuple[Pixels, NDArray[np.float64]]) -> None:
    recording, measures = taken(person, noise=0.0, sway=0.0)
    finding = injection.examine(*arranged((replace(recording, camera=REAL), measures), [0] * 24))
    assert finding.verdict is Verdict.REFUTES
    assert finding.reasons == (PadReason.FRAMES_DUPLICATED, PadReason.NO_SENSOR_NOISE)


def test_one_frame_that_a_driver_repeats_is_none(real: Taken) -> None:
    assert injection.examine(*arranged(real, [*range(10), 9, *range(11, 24)])).verdict is Verdict.SUPPORTS


def test_a_moving_picture_without_noise_is_not_taken_for_a_camera(person: tuple[Pixels, NDArray[np.float64]]) -> None:
    recording, measures = taken(person, noise=0.0)
    finding = injection.examine(replace(recording, camera=REAL), measures)
    assert finding.verdict is Verdict.SILENT  # JPEG hides the difference
    assert finding.figures["noise"] < injection.NOISE_SURE


def test_points_anywhere_stop_nothing(real: Taken) -> None:
    recording, measures = real
    for points in (np.zeros((68, 2)), np.full((68, 2), np.nan), np.random.default_rng(1).normal(0, 1e9, (68, 2))):
        strange = [replace(frame, points=points) for frame in measures]
        assert injection.examine(recording, strange).verdict is Verdict.SILENT
