"""What is measured of the face in one frame of a capture, on which the voices rest."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["FrameMeasures"]


@dataclass(frozen=True, slots=True)
class FrameMeasures:
    """One frame.

    Attributes:
        at: seconds since the first frame of the try.
        step: index of the step during which it was taken.
        points: 68 points in pixels of the face crop, shape (68, 2), float64; numbered as in the 300-W set.
        yaw: degrees, to the subject's left positive, as all angles with the signs of ISO/IEC 39794-5.
        pitch: degrees, downwards positive.
        roll: degrees, to the subject's right positive; what the crop's own turn left over.
        eyes_open: the lower of both eyes' figures, 0 closed to 1 open.
        mouth_width: between the mouth's corners, in inter-eye distances foreshortened as the face is.
        lip_gap: between the inner lips, in inter-eye distances.
        face_width: of the face in the camera's picture, in pixels: 2.1 inter-eye distances as if seen from the front,
            in the scale that the page claims.
        disagreement: how far the points lie from each other in the four squares that they were found in, root mean
            square, in inter-eye distances: of the nose's base or of the lips, whichever is less. What covers both
            leaves the model to guess.
    """

    at: float
    step: int
    points: NDArray[np.float64] = field(repr=False)
    yaw: float
    pitch: float
    roll: float
    eyes_open: float
    mouth_width: float
    lip_gap: float
    face_width: float
    disagreement: float = 0.0
