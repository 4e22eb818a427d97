"""From frames of a simulated camera to what the server has of them: cropped as the page does, admitted by the gate."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import (
    ACTIVE_STEPS,
    FACE_SIDE,
    FRAMES_MAX,
    TURN_STEPS,
    Camera,
    Colour,
    Recording,
    SentFrame,
    Step,
    StepKind,
)
from facekeep.domain.sample import BiometricSample
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import Cropper, encode
from facekeep.face.pad.gate import FrameGate
from facekeep.face.pad.light import CHANGES_MIN, changes_of_hue
from tests.clips.attacks import KINDS, Attacker
from tests.clips.head import FRAME_HEIGHT, FRAME_WIDTH, Head
from tests.clips.live import Frame, Light, played
from tests.clips.script import Act, Timeline

__all__ = ["RATE", "Page", "acts", "asked", "blinks", "shine", "webcam", "whole_view"]

RATE = 10.0
"""Frames in a second that a page takes."""
_THUMBNAIL_EVERY, _THUMBNAILS = 4, 32
_LOOK, _ACT = 6.0, 2.4
_MARGIN = 0.5  # seconds of a step of light in which no colour is shown any more
_LAG = 0.1  # seconds from the page's clock to what the camera sees of the screen
_SCREEN = 0.06  # what a screen at half a metre adds to a face in a room, of what it reflects already


class Page:
    """The page and the gate, without a browser."""

    def __init__(self, pack: ModelPack) -> None:
        self._cropper, self._gate = Cropper.build(pack), FrameGate.build(pack)

    def sent(self, frames: Iterable[Frame], steps: Sequence[Step]) -> list[SentFrame]:
        """What a page sends of these frames; one without a face is left out, as the page does."""
        sent: list[SentFrame] = []
        thumbnails, first = 0, None
        for number, frame in enumerate(frames):
            made = self._cropper.make(BiometricSample(np.ascontiguousarray(frame.picture)))
            if made is None or len(sent) == FRAMES_MAX:
                continue
            kind = steps[frame.act].kind
            wanted = kind is StepKind.LOOK or kind in ACTIVE_STEPS - {StepKind.COME_CLOSER}
            wanted = wanted and number % _THUMBNAIL_EVERY == 0 and thumbnails < _THUMBNAILS
            thumbnails += wanted
            first = frame.at if first is None else first
            box = made.box
            sent.append(
                SentFrame(
                    at=round(1000 * (frame.at - first)),
                    step=frame.act,
                    box=(round(box.left), round(box.top), round(box.width), round(box.height)),
                    camera_width=FRAME_WIDTH,
                    camera_height=FRAME_HEIGHT,
                    face=encode(made.face),
                    thumbnail=encode(made.thumbnail) if wanted else b"",
                )
            )
        return sent

    def recording(self, frames: Iterable[Frame], steps: Sequence[Step]) -> Recording:
        """What the server has once the gate has admitted it.

        Raises:
            FrameTooWideError: the gate refused a crop.
            ValueError: there was no face in any frame.
        """
        admitted = self._gate.admit(self.sent(frames, steps))
        return Recording(tuple(steps), admitted.frames, webcam(), admitted.second_faces)

    def obedient(self, head: Head, steps: Sequence[Step], *, seed: int, alive: bool = True) -> Recording:
        """Somebody who does what is asked, one step after the other, as the server gets it."""
        done = acts(steps, seed)
        timeline = Timeline(done, blinks(done, seed))
        frames = played(head, timeline, seed=seed, rate=RATE, light=shine(steps, done), alive=alive)
        return self.recording(frames, steps)

    def attacked(self, attacker: Attacker, kind: str, steps: Sequence[Step], *, seed: int) -> Recording:
        """What the server gets of an attack, by its name in :data:`tests.clips.attacks.KINDS`."""
        done = acts(steps, seed)
        return self.recording(KINDS[kind](attacker, done, seed, RATE, shine(steps, done)), steps)


def webcam() -> Camera:
    """What a page says of an ordinary camera, whose frames come every 33 milliseconds or so."""
    intervals = np.random.default_rng(5).normal(33.3, 1.1, 300)
    return Camera("Integrated Camera", FRAME_WIDTH, FRAME_HEIGHT, 30.0, tuple(float(each) for each in intervals))


def whole_view(picture: NDArray[np.uint8]) -> SentFrame:
    """What a page sends that keeps nothing back: all that the camera sees, as large as a face crop may be."""
    square = picture[:, (FRAME_WIDTH - FRAME_HEIGHT) // 2 :][:, :FRAME_HEIGHT]
    small = cv2.resize(square, (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_AREA)
    face = encode(np.asarray(small, np.uint8))
    return SentFrame(0, 0, (240, 160, 160, 200), FRAME_WIDTH, FRAME_HEIGHT, face)


def asked(seed: int, *, light: bool = True) -> tuple[Step, ...]:
    """Steps as a service draws them, but the same for the same seed."""
    drawn = random.Random(seed)
    turn = drawn.choice(sorted(TURN_STEPS))
    active = [turn, *drawn.sample(sorted(ACTIVE_STEPS - {turn}), 2)]
    drawn.shuffle(active)
    steps = [Step(StepKind.LOOK, 12.0), *(Step(kind, 8.0) for kind in active)]
    if light:
        colours: list[Colour] = []
        while changes_of_hue(colours) < CHANGES_MIN:
            colours = []
            while len(colours) < 6:
                colours.append(drawn.choice([colour for colour in Colour if [colour] != colours[-1:]]))
        steps.append(Step(StepKind.LIGHT, 6.0, tuple(colours)))
    return tuple(steps)


def acts(steps: Sequence[Step], seed: int) -> list[Act]:
    """How somebody follows steps: half a second until it is understood, then it is done once."""
    rng = np.random.default_rng(seed)
    done = []
    for step in steps:
        if step.kind is StepKind.LOOK:
            done.append(Act(step.kind, _LOOK))
        elif step.kind is StepKind.LIGHT:
            done.append(Act(step.kind, step.seconds - _MARGIN))
        else:
            done.append(Act(step.kind, _ACT, float(rng.uniform(0.35, 0.7))))
    return done


def blinks(done: Sequence[Act], seed: int) -> tuple[float, ...]:
    """When somebody blinks unasked: about 17 times in a minute, but not while doing something else with the face."""
    rng = np.random.default_rng(seed + 7)
    found, begun = [], 0.0
    for act in done:
        if act.kind in (StepKind.LOOK, StepKind.LIGHT):
            at = begun + float(rng.uniform(0.8, 2.5))
            while at < begun + act.seconds - 0.4:
                found.append(at)
                at += float(rng.uniform(2.2, 4.8))
        begun += act.seconds
    return tuple(found)


def shine(steps: Sequence[Step], done: Sequence[Act]) -> Light:
    """What the screen adds to a face in a step of light: its colours one after the other, each for the same time."""
    amounts = {
        "red": (1.0, 0.05, 0.05), "green": (0.05, 1.0, 0.1), "blue": (0.05, 0.1, 1.0),
        "white": (1.0, 1.0, 1.0), "black": (0.0, 0.0, 0.0),
    }  # fmt: skip
    spans, begun = [], 0.0
    for step, act in zip(steps, done, strict=True):
        for number, colour in enumerate(step.colours):
            each = act.seconds / len(step.colours)
            start = begun + number * each + _LAG
            spans.append((start, start + each, amounts[colour.value]))
        begun += act.seconds

    def light(at: float) -> tuple[float, float, float]:
        for start, end, (red, green, blue) in spans:
            if start <= at < end:
                return red * _SCREEN, green * _SCREEN, blue * _SCREEN
        return 0.0, 0.0, 0.0

    return light
