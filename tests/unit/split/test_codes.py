import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.errors import FormatError, ProbeError
from facekeep.split.codes import (
    DIMENSION_MAX,
    DIMENSION_MIN,
    check_dimension,
    check_probe,
    coarse_code,
    coarse_support,
    encode_probe,
    fine_code,
    score_bound,
)
from tests.unit.split.cluster import units

dimensions = st.integers(DIMENSION_MIN, DIMENSION_MAX)


def test_no_score_of_an_allowed_dimension_can_wrap() -> None:
    assert score_bound(512) == 29348
    assert all(score_bound(d) < 2**15 for d in range(DIMENSION_MIN, DIMENSION_MAX + 1))


@pytest.mark.parametrize("dimension", [0, 15, 1025, -512])
def test_refuses_a_dimension_that_the_codes_cannot_carry(dimension: int) -> None:
    with pytest.raises(FormatError):
        check_dimension(dimension)


def test_refuses_a_dimension_whose_scores_would_wrap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facekeep.split.codes.DIMENSION_MAX", 4096)
    with pytest.raises(FormatError):
        check_dimension(2048)


@given(dimensions, st.integers(0, 2**32 - 1))
def test_a_fine_code_is_a_probe_that_every_half_takes(dimension: int, seed: int) -> None:
    fine = fine_code(units(1, dimension, seed)[0])
    taken = check_probe(encode_probe(fine), dimension)
    assert taken.dtype == np.int16
    assert np.array_equal(taken, fine)
    assert abs(math.hypot(*fine.tolist()) - 160) <= math.sqrt(dimension) / 2


@given(dimensions, st.integers(0, 2**32 - 1))
def test_scores_stay_within_the_bound(dimension: int, seed: int) -> None:
    a, b = fine_code(units(2, dimension, seed)).astype(int)
    assert max(abs(int(a @ b)), int(a @ a), int(b @ b)) <= score_bound(dimension)


def test_half_way_cases_go_to_the_even_integer() -> None:
    vector = np.zeros(16, np.float32)
    vector[:2] = 2.5 / 160, 3.5 / 160
    vector[2] = math.sqrt(1 - float(vector @ vector))
    # Divided by a length a little off 1, so that the half-way case is exact in binary only by the choice of entries.
    halves = np.rint(160 * np.asarray([2.5 / 160, 3.5 / 160]))
    assert halves.tolist() == [2, 4]
    assert fine_code(vector)[2] == 160


@pytest.mark.parametrize(
    "vector",
    [
        np.zeros(64),
        np.full(64, np.nan),
        np.full(64, np.inf),
        np.full(64, 1.0),
        np.eye(64)[0] * 1.01,
        np.eye(64)[:2] * 0.99,
    ],
)
def test_refuses_what_is_no_unit_vector(vector: np.ndarray) -> None:
    with pytest.raises(FormatError):
        fine_code(vector.astype(np.float32))


def test_takes_a_length_a_little_off_one_and_normalises_it() -> None:
    vector = units(1, 64)[0]
    assert np.array_equal(fine_code(vector * np.float32(1.0009)), fine_code(vector))


@given(dimensions, st.integers(0, 2**32 - 1))
def test_the_coarse_code_holds_the_signs_of_the_largest_magnitudes(dimension: int, seed: int) -> None:
    fine = fine_code(units(1, dimension, seed)[0])
    ranked = sorted(range(dimension), key=lambda i: (-abs(int(fine[i])), i))[: coarse_support(dimension)]
    expected = [(int(fine[i]) > 0) - (int(fine[i]) < 0) if i in ranked else 0 for i in range(dimension)]
    assert coarse_code(fine).tolist() == expected
    assert np.array_equal(coarse_code(np.stack([fine, -fine])), np.stack([coarse_code(fine), -coarse_code(fine)]))


def test_equal_magnitudes_go_to_the_lower_index() -> None:
    fine = np.asarray([5, -5] * 256, np.int16)
    assert coarse_code(fine).tolist() == [1, -1] * 60 + [0] * 392


def test_the_support_of_known_dimensions() -> None:
    assert [coarse_support(d) for d in (16, 128, 256, 512, 1024)] == [3, 30, 60, 120, 120]


@given(st.binary(max_size=2 * 64 + 2))
def test_bytes_are_a_probe_only_if_they_are_the_code_of_a_unit_vector(probe: bytes) -> None:
    try:
        fine = check_probe(probe, 64).astype(int)
    except ProbeError:
        return
    assert len(probe) == 128
    assert abs(math.sqrt(fine @ fine) - 160) <= 4


def _unit_probe(first: int, others: float) -> bytes:
    probe = np.full(512, others, np.int16)
    probe[0] = first
    return encode_probe(probe)


@pytest.mark.parametrize(
    "probe",
    [
        b"",
        bytes(1024),
        bytes(1023),
        bytes(1026),
        _unit_probe(161, 0),  # of a fitting length, but an entry no rounding can give
        _unit_probe(-32768, 0),
        _unit_probe(148, 0),  # shorter than rounding can make it
        _unit_probe(160, 4),  # longer
    ],
)
def test_refuses_free_form_probes(probe: bytes) -> None:
    with pytest.raises(ProbeError):
        check_probe(probe, 512)
