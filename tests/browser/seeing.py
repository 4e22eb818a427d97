"""The pixel test: what crossed the wire, looked at."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facekeep.domain.capture import SentFrame
from tests.browser.posing import STRIPE

__all__ = ["check_only_heads", "striped"]


def striped(pixels: NDArray[np.uint8], period: float = 2 * STRIPE) -> float:
    """How strong stripes of a period are, in levels."""
    row = pixels[..., 1].astype(float).mean(axis=0)
    place = np.arange(len(row))
    row -= np.polyval(np.polyfit(place, row, 2), place)  # the light on the wall
    window = np.hanning(len(row))
    return float(2 * abs((row * window * np.exp(-2j * np.pi * place / period)).sum()) / window.sum())


def check_only_heads(frames: Sequence[SentFrame]) -> None:
    """No crop shows more than a head, and the stripes of the room are nowhere to be seen."""
    assert len(frames) > 20
    thumbnails = 0
    for frame in frames:
        face = np.asarray(Image.open(io.BytesIO(frame.face)))
        _, _, width, height = frame.box
        assert face.shape[0] == face.shape[1] == min(224, int(1.5 * max(width, height)))
        scale = face.shape[0] / (1.5 * max(width, height))
        edge = round(face.shape[0] / 2 - 0.6 * width * scale) - 1
        for strip in (face[:, :edge], face[:, -edge:]):
            assert striped(strip, 2 * STRIPE * scale) < 1.5
        assert not any(marker in frame.face for marker in (b"Exif", b"http://", b"\xff\xfe"))
        if frame.thumbnail:
            thumbnails += 1
            small = np.asarray(Image.open(io.BytesIO(frame.thumbnail)))
            assert small.shape == (128, 128, 3)
            reach = min(2.7, 479 / height, 639 / width)
            period = 2 * STRIPE * 128 / (width * reach)
            side = round(64 - 0.6 * 128 / reach) - 2
            # 51 in the room; a pixel of the thumbnail averages, and a Gaussian of 0.015 of the face's width blurs.
            left = 51 * np.sinc(1 / period) * np.exp(-2 * (np.pi * 0.015 * 128 / reach / period) ** 2)
            assert striped(small[:64, :side], period) < 1.3 * left < 30
    assert 5 <= thumbnails <= 32
