"""Clips of a real face with a colour that changes: by a pulse, or by the light of a screen.

The picture is a face crop of a real person who sat still; what moves, flickers and makes noise is simulated. No
recording of a real pulse was at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facekeep.domain.sample import Pixels

PULSE = np.array([0.33, 0.77, 0.53]) / 0.77
"""Red, green and blue of a pulse by green (de Haan and van Leest 2014, doi 10.1088/0967-3334/35/9/1913)."""


@dataclass(frozen=True, slots=True)
class Clip:
    """How a clip is taken.

    Attributes:
        rate: frames in a second.
        seconds: of the whole.
        noise: of the sensor, in levels of 255.
        sway: standard deviation of how far the face drifts in its crop, pixels.
        drift: standard deviation of the light's slow changes.
        jitter: standard deviation of the points in each frame, pixels.
    """

    rate: float = 10.0
    seconds: float = 12.0
    noise: float = 2.5
    sway: float = 0.7
    drift: float = 0.01
    jitter: float = 0.5

    @property
    def count(self) -> int:
        """Frames of it."""
        return round(self.rate * self.seconds)


def frame_times(clip: Clip, rng: np.random.Generator) -> NDArray[np.float64]:
    """Seconds, uneven by a tenth of an interval, as a browser's frames are."""
    even = np.arange(clip.count) / clip.rate
    return np.asarray(even + rng.uniform(0, 0.1 / clip.rate, clip.count), np.float64)


def heart(times: NDArray[np.float64], beats: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A wave of amplitude 1 with its harmonic, its rate wandering by some hundredths as hearts do."""
    wander = 0.02 * np.sin(2 * np.pi * 0.1 * times + rng.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(np.gradient(times) * beats / 60 * (1 + wander)) + rng.uniform(0, 6)
    return np.asarray((np.sin(phase) + 0.25 * np.sin(2 * phase + 0.6)) / 1.1, np.float64)


def play(
    face: Pixels,
    points: NDArray[np.float64],
    clip: Clip,
    gain: NDArray[np.float64],
    rng: np.random.Generator,
) -> list[tuple[Pixels, NDArray[np.float64]]]:
    """The frames, each encoded as the page does and decoded again, and their points.

    Args:
        face: RGB, a face crop.
        points: its 68 points.
        clip: how it is taken.
        gain: factor on red, green and blue of each frame, shape (frames, 3).
        rng: draws motion and noise.
    """
    slow = _slow(clip, rng, 4)
    light = (
        1
        + clip.drift * slow[0][:, np.newaxis] * np.array([1, 1, 1])
        + 0.2 * clip.drift * rng.normal(0, 1, 3) * (slow[3][:, np.newaxis])
    )
    soft = cv2.GaussianBlur(face, (0, 0), 0.6).astype(np.float32)
    made = []
    for number in range(clip.count):
        move = np.array([slow[1][number], slow[2][number]]) * clip.sway
        matrix = np.array([[1, 0, move[0]], [0, 1, move[1]]])
        moved = cv2.warpAffine(soft, matrix, face.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        lit = moved * (light[number] * gain[number]).astype(np.float32)
        noisy = lit + rng.standard_normal(lit.shape, dtype=np.float32) * clip.noise
        written = cv2.imencode(".jpg", np.clip(np.round(noisy), 0, 255).astype(np.uint8)[..., ::-1], [1, 90])[1]
        shown = cv2.imdecode(written, cv2.IMREAD_COLOR)
        seen = points + move + rng.normal(0, clip.jitter, points.shape)
        made.append((np.ascontiguousarray(np.asarray(shown, np.uint8)[..., ::-1]), seen))
    return made


def _slow(clip: Clip, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Wandering below 1 Hz and a little above, standard deviation 1, shape (count, frames)."""
    spectrum = np.fft.rfft(rng.normal(0, 1, (count, 4 * clip.count)))
    frequency = np.fft.rfftfreq(4 * clip.count, 1 / clip.rate)
    wave = np.fft.irfft(spectrum / (1 + (frequency / 0.3) ** 2), axis=1)[:, : clip.count]
    return np.asarray((wave - wave.mean(axis=1, keepdims=True)) / wave.std(axis=1, keepdims=True), np.float64)
