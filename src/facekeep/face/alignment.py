"""Moving a face onto the template that its embedding was trained with: turned, scaled and shifted, never sheared."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.sample import BiometricSample, Landmarks
from facekeep.face.model_spec import Alignment

Transform = NDArray[np.float64]

# Eyes, nose tip and mouth corners in 112² pixels, as published with ArcFace (Deng et al. 2019) and used since by most.
_ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float64
)

# dlib crops 150² around five other points (eye corners, nose base); its eye centres lie at (47.7, 47.1) and
# (100.3, 47.1). Here are the points above, scaled and shifted so that the eye centres agree.
_TEMPLATES = {Alignment.ARCFACE_112: _ARCFACE, Alignment.DLIB_150: _ARCFACE * 1.4926 + np.array([-9.6, -29.9])}


def similarity(landmarks: Landmarks, alignment: Alignment) -> Transform:
    """The similarity that brings the points nearest to the template, in the sense of least squares.

    Umeyama 1991 in two dimensions, where it has a closed form: with centred points s and d read as complex numbers, the
    factor is Σ s̄·d / Σ |s|², and a reflection is not expressible.

    Returns:
        Shape (2, 3): picture to template, in pixels. Points that all coincide give the identity scale.
    """
    source, target = landmarks.points.astype(np.float64), _TEMPLATES[alignment]
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    s = (source - source_mean) @ np.array([1, 1j])
    d = (target - target_mean) @ np.array([1, 1j])
    spread = float(np.vdot(s, s).real)
    factor = np.vdot(s, d) / spread if spread > 1e-9 else 1.0 + 0j
    rotation = np.array([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return np.column_stack([rotation, target_mean - rotation @ source_mean])


def align(sample: BiometricSample, landmarks: Landmarks, alignment: Alignment) -> NDArray[np.uint8]:
    """The face on its template, RGB, shape (side, side, 3); what lies outside the picture is black."""
    transform = similarity(landmarks, alignment)
    return np.asarray(cv2.warpAffine(sample.pixels, transform, (alignment.side, alignment.side)), np.uint8)
