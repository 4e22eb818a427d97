"""A pulse in the colour of the skin, without touching it.

"Plane orthogonal to skin" (POS): W. Wang, A. C. den Brinker, S. Stuijk, G. de Haan, "Algorithmic Principles of Remote
PPG", IEEE Transactions on Biomedical Engineering 64(7):1479-1491, 2017, doi 10.1109/TBME.2016.2609282. Evidence is the
signal-to-noise ratio of the spectrum's peak and its harmonic, after G. de Haan and V. Jeanne, doi
10.1109/TBME.2013.2266196.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LOWEST", "Pulse", "find_pulse", "resampled"]

LOWEST, HIGHEST = 0.7, 3.0
"""Hertz: 42 to 180 beats a minute."""
_WINDOW = 1.6  # seconds, as in the paper: 32 frames of 20 in a second
_PEAK = 0.15  # hertz to either side that belong to the peak; a pulse is not steady
_LENGTH = 2048  # points of the transform: steps of 0.006 Hz at 12 frames in a second


@dataclass(frozen=True, slots=True)
class Pulse:
    """The strongest rhythm between 0.7 and 3 Hz, a pulse or not.

    Attributes:
        rate: beats a minute.
        evidence: decibels of the peak and its harmonic over the rest of the spectrum.
    """

    rate: float
    evidence: float


def resampled(times: Sequence[float], colours: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Colours at even times, straight lines between.

    Args:
        times: seconds, growing, at least two.
        colours: shape (n, 3).

    Returns:
        Samples in a second, as many as there were on average; and the colours, shape (n, 3).
    """
    at = np.asarray(times, np.float64)
    even = np.linspace(at[0], at[-1], len(at))
    return (len(at) - 1) / float(at[-1] - at[0]), np.column_stack([np.interp(even, at, c) for c in colours.T])


def find_pulse(rate: float, colours: NDArray[np.float64]) -> Pulse | None:
    """The strongest rhythm in the colour of skin.

    Args:
        rate: samples in a second, more than twice the lowest pulse.
        colours: red, green, blue at even times, shape (n, 3).

    Returns:
        None if there is no colour, or nothing changes.
    """
    signal = _pos(rate, colours)
    if signal is None or float(signal.std()) < 1e-9:
        return None
    power = np.abs(np.fft.rfft((signal - signal.mean()) * np.hanning(len(signal)), _LENGTH)) ** 2
    frequency = np.fft.rfftfreq(_LENGTH, 1 / rate)
    # Near half the sampling rate there is nothing left to compare a peak with.
    highest = min(HIGHEST, 0.47 * rate)
    band = (frequency >= LOWEST) & (frequency <= highest)
    if not band.any():
        return None
    peak = float(frequency[band][np.argmax(power[band])])
    near = (np.abs(frequency - peak) <= _PEAK) | (np.abs(frequency - 2 * peak) <= _PEAK)
    signal_power, rest = float(power[band & near].sum()), float(power[band & ~near].sum())
    if signal_power <= 0:
        return None
    return Pulse(60 * peak, min(60.0, 10 * math.log10(signal_power / max(rest, 1e-12 * signal_power))))


def _pos(rate: float, colours: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Algorithm 1 of the paper: windows of 1.6 s, each divided by its mean, projected, tuned, added up."""
    length = max(4, round(_WINDOW * rate))
    if len(colours) < length:
        return None
    pulse = np.zeros(len(colours))
    for start in range(len(colours) - length + 1):
        part = colours[start : start + length]
        mean = part.mean(axis=0)
        if (mean <= 0).any():
            return None
        red, green, blue = (part / mean).T
        first, second = green - blue, green + blue - 2 * red
        spread = float(second.std())
        mixed = first + (float(first.std()) / spread if spread > 1e-12 else 0.0) * second
        pulse[start : start + length] += mixed - mixed.mean()
    return pulse
