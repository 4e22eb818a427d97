from __future__ import annotations

import math
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.service.drill_statistics import (
    ALARM,
    by_position,
    chi_square_tail,
    corrected,
    guessing_tail,
    pooled,
    uniformity,
)


# NIST/SEMATECH e-Handbook, table of upper critical values of the chi-square distribution.
@pytest.mark.parametrize(
    ("freedom", "statistic", "tail"),
    [(1, 3.841, 0.05), (10, 18.307, 0.05), (10, 29.588, 0.001), (100, 124.342, 0.05), (100, 77.929, 0.95)],
)
def test_chi_square_tail(freedom: int, statistic: float, tail: float) -> None:
    assert chi_square_tail(statistic, freedom) == pytest.approx(tail, rel=2e-3)


def test_chi_square_tail_with_two_degrees_is_exponential_far_out() -> None:
    for statistic in (0.0, 0.1, 1.0, 50.0, 500.0):
        assert chi_square_tail(statistic, 2) == pytest.approx(math.exp(-statistic / 2), rel=1e-9)


@given(st.integers(1, 60), st.integers(1, 60), st.integers(2, 40))
def test_guessing_tail_is_the_binomial_one(hits: int, trials: int, candidates: int) -> None:
    hits = min(hits, trials)
    chance = 1 / candidates
    expected = sum(math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(hits, trials + 1))
    assert guessing_tail(hits, trials, chance) == pytest.approx(expected, rel=1e-6)


def test_guessing_tail_at_its_ends() -> None:
    assert guessing_tail(0, 5, 0.5) == 1
    assert guessing_tail(5, 5, 1.0) == 1


def test_corrected() -> None:
    assert corrected([]) == 1
    assert corrected([0.01, 0.5]) == pytest.approx(0.02)
    assert corrected([0.9, 0.9]) == 1


def noise(rows: int, width: int) -> np.ndarray:
    return np.frombuffer(os.urandom(rows * width), np.uint8).reshape(rows, width)


def test_noise_is_noise() -> None:
    p_values = [corrected([pooled(rows), by_position(rows)]) for rows in (noise(64, 256) for _ in range(200))]
    assert min(p_values) > ALARM
    assert np.mean(np.asarray(p_values) < 0.1) < 0.25  # 0.1 on average at most; 200 tries


@pytest.mark.parametrize("bits", [1, 7])
def test_one_biased_bit_of_one_position_is_seen(bits: int) -> None:
    rows = noise(128, 64).copy()
    rows[:, 11] |= 1 << bits
    rows[:, 11] |= 1 << (bits - 1)
    rows[:, 11] &= 0xF0 if bits > 3 else 0x0F
    assert by_position(rows) < ALARM


def test_a_small_bias_everywhere_is_seen() -> None:
    rows = noise(128, 1024).copy()
    rows[noise(128, 1024) < 16] = 0
    assert pooled(rows) < ALARM


def test_rows_that_are_too_even_are_seen() -> None:
    rows = np.tile(np.arange(256, dtype=np.uint8), (64, 4)).T.copy().reshape(64, -1)
    every = np.stack([np.roll(np.arange(64, dtype=np.uint8) * 4, shift) for shift in range(64)])
    assert by_position(every) < ALARM
    assert rows.shape[0] == 64


def test_too_little_to_tell() -> None:
    assert pooled(noise(1, 16)) == 1
    assert by_position(noise(4, 16)) == 1
    assert by_position(noise(64, 4)[:, :0]) == 1


def test_uniformity_names_the_odd_stream() -> None:
    p_value, oddest = uniformity({"good": noise(64, 64), "bad": np.zeros((64, 64), np.uint8)})
    assert p_value < ALARM
    assert oddest == "bad"
    assert uniformity({}) == (1.0, "")
