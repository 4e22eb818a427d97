"""A biometric sample (a decoded picture) and the faces found in it.

Invariants: pixels are 8-bit RGB, height × width × 3, contiguous and read-only; a bounding box and landmarks are in
pixels of that picture, x to the right and y downwards, the origin at the outer corner of the upper left pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class BiometricSample:
    """A decoded picture, upright.

    Attributes:
        pixels: RGB, shape (height, width, 3), uint8.
    """

    pixels: Pixels

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"a sample is height × width × 3 of uint8, not {self.pixels.shape} of {self.pixels.dtype}")
        self.pixels.setflags(write=False)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """An upright rectangle around a face, in pixels; it may reach over the edge of the picture."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """The middle, (x, y) in pixels."""
        return self.left + self.width / 2, self.top + self.height / 2


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Five points of a face, (x, y) in pixels: left eye as seen in the picture, right eye, nose tip, mouth corners.

    Attributes:
        points: shape (5, 2), float32.
    """

    points: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.points.shape != (5, 2):
            raise ValueError(f"landmarks are 5 points of x and y, not {self.points.shape}")
        self.points.setflags(write=False)

    @property
    def inter_eye_distance(self) -> float:
        """Distance between the eye centres, in pixels (ISO/IEC 29794-5, inter-eye distance)."""
        return float(np.linalg.norm(self.points[1] - self.points[0]))


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """One face found in a sample.

    Attributes:
        box: where it is.
        landmarks: its five points.
        confidence: the detector's own figure from 0 to 1; it orders faces and means nothing else.
    """

    box: BoundingBox
    landmarks: Landmarks
    confidence: float
