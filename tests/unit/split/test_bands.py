from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.errors import DisagreementError
from facekeep.split.bands import BANDS, CODEWORDS, RING, band_of_score, codeword_of_score, decode_bands
from facekeep.split.codes import score_bound

thresholds = st.lists(st.integers(1, score_bound(512)), min_size=1, max_size=15, unique=True).map(
    lambda values: tuple(sorted(values))
)


def test_any_two_codewords_differ_in_four_bits() -> None:
    assert len(set(CODEWORDS)) == BANDS
    assert min((a ^ b).bit_count() for a, b in combinations(CODEWORDS, 2)) == 4


@given(st.integers(0, 255), st.integers(0, 15))
def test_decodes_a_codeword_of_the_model_and_nothing_else(byte: int, levels: int) -> None:
    words = np.asarray([CODEWORDS[0], byte, CODEWORDS[levels]], np.uint8)
    if byte in CODEWORDS[: levels + 1]:
        assert [CODEWORDS[band] for band in decode_bands(words, levels)] == words.tolist()
    else:
        with pytest.raises(DisagreementError):
            decode_bands(words, levels)


@given(thresholds, st.data())
def test_a_band_names_the_strictest_threshold_passed(values: tuple[int, ...], data: st.DataObject) -> None:
    level = data.draw(st.integers(0, len(values) - 1))
    score = data.draw(st.integers(-score_bound(512), score_bound(512)) | st.sampled_from(values).map(lambda t: t - 1))
    for tried in (score, *values):
        passed = sum(tried >= t for t in values)
        expected = passed if tried >= values[level] else 0
        assert band_of_score(values, level)[tried % RING] == expected
        assert codeword_of_score(values, level)[tried % RING] == CODEWORDS[expected]


@given(thresholds)
def test_the_table_is_written_out_twice_and_cannot_be_changed(values: tuple[int, ...]) -> None:
    twice = codeword_of_score(values, 0)
    assert twice.shape == (2 * RING,)
    assert np.array_equal(twice[:RING], twice[RING:])
    with pytest.raises(ValueError, match="read-only"):
        twice[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        band_of_score(values, 0)[0] = 1
