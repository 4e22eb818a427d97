"""Frames of a capture from pictures, through the real crops and the real gate."""

from __future__ import annotations

import cv2
import numpy as np

from facekeep.domain.capture import RecordedFrame, SentFrame
from facekeep.domain.sample import BiometricSample, Pixels
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import Cropper, encode
from facekeep.face.pad.gate import FrameGate


class Booth:
    """A page and a gate in one: from a picture of the camera to an admitted frame."""

    def __init__(self, pack: ModelPack) -> None:
        self._cropper, self._gate = Cropper.build(pack), FrameGate.build(pack)

    def frame(self, pixels: Pixels, at: float = 0.0, step: int = 0, *, thumbnail: bool = False) -> RecordedFrame:
        """Raises the gate's errors; a picture without a face is a fault of the test."""
        crops = self._cropper.make(BiometricSample(np.ascontiguousarray(pixels)))
        assert crops is not None
        box = (int(crops.box.left), int(crops.box.top), int(crops.box.width), int(crops.box.height))
        height, width = pixels.shape[:2]
        small = encode(crops.thumbnail) if thumbnail else b""
        sent = SentFrame(round(at * 1000), step, box, width, height, encode(crops.face), small)
        (admitted,) = self._gate.admit([sent]).frames
        return admitted


def moved(pixels: Pixels, random: np.random.Generator, *, noise: float = 4.0) -> Pixels:
    """A picture as the next frame of a hand-held camera: turned by two degrees or so, shifted, scaled, with noise."""
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.normal(0, 2), 1 + random.normal(0, 0.03))
    turn[:, 2] += random.normal(0, 0.02 * width, 2)
    painted = cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.clip(painted + random.normal(0, noise, painted.shape), 0, 255).astype(np.uint8)
