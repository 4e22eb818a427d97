"""From light to a camera's picture: pulse in the skin, light of the screen, exposure that drifts, noise."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips.head import FRAME_HEIGHT, FRAME_WIDTH, Layer, compose

__all__ = ["PULSE", "Sensor", "jpeg"]

PULSE = 72.0
"""Beats in a minute."""
_BLOOD = np.array([0.003, 0.006, 0.002], np.float32)  # how far the skin's red, green and blue follow the pulse
_SPARE = (160, 160)
_SHOT, _READ = 0.03, 1.0  # variance of the noise: a share of the level, and the square of so many levels


class Sensor:
    """One camera before one person. Frames have to be taken in the order of their times."""

    def __init__(self, seed: int, pulse: float = PULSE, noise: float = 1.0, blood: float = 1.0) -> None:
        """A camera.

        Args:
            seed: of noise, drift and variability.
            pulse: beats in a minute.
            noise: 1 as a webcam indoors; 0 for none.
            blood: strength of the pulse in the skin; 0 for none.
        """
        self._rng = np.random.default_rng(seed)
        self._pulse, self._noise, self._blood = pulse, noise, blood
        # Another piece of one large field for each frame: a third of the time that fresh noise takes.
        size = (FRAME_HEIGHT + _SPARE[0], FRAME_WIDTH + _SPARE[1], 3)
        self._grain = self._rng.standard_normal(size, np.float32) * np.float32(noise)
        self._phase, self._then, self._drift = float(self._rng.uniform(0, 2 * math.pi)), 0.0, 0.0

    def take(
        self,
        at: float,
        background: NDArray[np.uint8],
        layers: tuple[Layer, ...],
        *,
        shift: tuple[float, float] = (0.0, 0.0),
        light: tuple[float, float, float] = (0.0, 0.0, 0.0),
        alive: bool = True,
    ) -> NDArray[np.uint8]:
        """The picture at a time.

        Args:
            at: seconds, not before that of the picture before.
            background: what stays where it is.
            layers: people before it.
            shift: of the whole picture, pixels.
            light: what a screen before the person adds, by red, green and blue, as a share of what the face reflects.
            alive: whether blood runs in the skin.

        Returns:
            RGB, shape (480, 640, 3).
        """
        beat = self._beat(at) * self._blood * alive
        lit = []
        for layer in layers:
            gain = 1 + layer.skin[..., np.newaxis] * (_BLOOD * beat) + np.array(light, np.float32)
            lit.append(Layer(layer.colour * gain, layer.opacity, layer.skin))
        return self.expose(compose(background, *lit), shift)

    def expose(self, picture: NDArray[np.float32], shift: tuple[float, float] = (0.0, 0.0)) -> NDArray[np.uint8]:
        """A picture of a scene: drift of the exposure, and noise."""
        self._drift = 0.97 * self._drift + float(self._rng.normal(0, 0.0015))
        if shift != (0.0, 0.0):
            moved = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
            size = (FRAME_WIDTH, FRAME_HEIGHT)
            picture = np.asarray(cv2.warpAffine(picture, moved, size, borderMode=cv2.BORDER_REPLICATE), np.float32)
        picture = np.clip(picture * np.float32(1 + self._drift), 0, 255)
        if self._noise:
            down, right = (int(self._rng.integers(0, spare + 1)) for spare in _SPARE)
            grain = self._grain[down : down + FRAME_HEIGHT, right : right + FRAME_WIDTH]
            picture = picture + grain * cv2.sqrt(_SHOT * picture + _READ)
        return np.asarray(np.clip(np.rint(picture), 0, 255), np.uint8)

    def _beat(self, at: float) -> float:
        """A pulse wave at that time, about −1 to 1, whose rate wanders by some percent as a heart's does."""
        rate = self._pulse * (1 + 0.03 * math.sin(2 * math.pi * 0.2 * at)) / 60
        self._phase += 2 * math.pi * rate * max(0.0, at - self._then)
        self._then = at
        return math.sin(self._phase) + 0.25 * math.sin(2 * self._phase + 0.6)


def jpeg(picture: NDArray[np.uint8], quality: int = 92) -> bytes:
    """A picture as JPEG.

    Raises:
        ValueError: OpenCV could not write it.
    """
    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("the picture could not be written as JPEG")
    return data.tobytes()
