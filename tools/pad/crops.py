"""The face of a picture as the page would send it, and its 68 points as the service measures them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facekeep.domain.capture import RecordedFrame
from facekeep.domain.sample import BiometricSample, BoundingBox, Pixels
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import FACE_REACH, Cropper
from facekeep.face.pad.meter import FaceMeter


@dataclass(frozen=True, slots=True)
class Cut:
    """Finds, cuts and measures."""

    cropper: Cropper
    meter: FaceMeter

    @classmethod
    def build(cls, pack: ModelPack) -> Cut:
        """Of the models that come with Facekeep."""
        return cls(Cropper.build(pack), FaceMeter.build(pack))

    def __call__(self, sample: BiometricSample) -> tuple[Pixels, NDArray[np.float64]] | None:
        """Face crop and points; None without a face."""
        made = self.cropper.make(sample)
        if made is None:
            return None
        side = made.face.shape[0]
        width, height = (
            side / FACE_REACH * part / max(made.box.width, made.box.height)
            for part in (made.box.width, made.box.height)
        )
        inner = BoundingBox((side - width) / 2, (side - height) / 2, width, height)
        frame = RecordedFrame(0.0, 0, made.face, inner, None, made.box, sample.width, sample.height)
        return made.face, self.meter.measure(frame).points
