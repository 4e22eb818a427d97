import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.domain.row import Pseudonym
from facekeep.split.bands import BANDS, CODEWORDS, RING, band_of_score, codeword_of_score
from facekeep.split.codes import coarse_code, fine_code
from facekeep.split.masks import MaskRow, coarse_mask, fine_mask, new_seed, split
from facekeep.split.onetime import (
    band_picks,
    band_tables,
    open_bands,
    open_tokens,
    token_picks,
    token_tables,
    tokens_of,
)
from tests.unit.split.cluster import THRESHOLDS, near, units

keys = st.binary(min_size=32, max_size=32)
shares = st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), min_size=1, max_size=4)


def _ring(values: list[int]) -> np.ndarray:
    return np.asarray(values, np.uint16)


@settings(max_examples=40, deadline=None)
@given(shares, keys, keys, st.integers(0, 4))
def test_one_entry_of_each_table_opens_to_the_band_of_the_sum(
    pairs: list[tuple[int, int]], shift: bytes, pad: bytes, level: int
) -> None:
    a, b = _ring([p[0] for p in pairs]), _ring([p[1] for p in pairs])
    tables = band_tables(a, codeword_of_score(THRESHOLDS, level), shift, pad)
    indices, pads = band_picks(b, shift, pad)
    assert tables.shape == (len(pairs), RING)
    bands = band_of_score(THRESHOLDS, level)
    assert open_bands(tables, indices, pads).tolist() == [CODEWORDS[bands[(x + y) % RING]] for x, y in pairs]


@settings(max_examples=15, deadline=None)
@given(shares, keys, keys, st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_one_entry_of_each_token_table_opens_to_its_token(
    pairs: list[tuple[int, int]], shift: bytes, pad: bytes, level: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    a, b = _ring([p[0] for p in pairs]), _ring([p[1] for p in pairs])
    tokens = [[rng.bytes(16) for _ in range(BANDS)] for _ in pairs]
    bands = band_of_score(THRESHOLDS, level)
    tables = token_tables(a, bands, [tokens_of(token) for token in tokens], shift, pad)
    indices, pads = token_picks(b, shift, pad)
    opened = open_tokens(tables, indices, pads)
    assert opened == [token[bands[(x + y) % RING]] for token, (x, y) in zip(tokens, pairs, strict=True)]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-0.2, 0.9), st.integers(0, 4))
def test_what_is_opened_is_exactly_what_the_plaintext_gives(seed: int, cosine: float, level: int) -> None:
    vector = units(1, seed=seed)[0]
    rows = fine_code(np.stack([near(vector, cosine, seed), *units(5, seed=seed + 1), -vector, vector]))
    probe = fine_code(vector)
    left, right = [], []
    for number, code in enumerate(rows):
        head = MaskRow(Pseudonym(number.to_bytes(16, "big")), 0, 1, bytes(32))
        seed_ = new_seed()
        share = split(code, coarse_code(code), seed_, head)
        left.append((fine_mask(seed_, head, 512), coarse_mask(seed_, head, 512)))
        right.append((share.fine, share.coarse))
    wide = probe.astype(np.int64)
    a = np.asarray([int(f.astype(np.int64) @ wide) & 0xFFFF for f, _ in left], np.uint16)
    b = np.asarray([int(f.astype(np.int64) @ wide) & 0xFFFF for f, _ in right], np.uint16)
    exact = rows.astype(np.int64) @ wide
    assert np.array_equal((a + b).view(np.int16), exact)
    opened = open_bands(
        band_tables(a, codeword_of_score(THRESHOLDS, level), b"s" * 32, b"p" * 32), *band_picks(b, b"s" * 32, b"p" * 32)
    )
    expected = [sum(s >= t for t in THRESHOLDS) if s >= THRESHOLDS[level] else 0 for s in exact.tolist()]
    assert opened.tolist() == [CODEWORDS[e] for e in expected]
    ternary = coarse_code(probe).astype(int)
    coarse = [
        int(lc.astype(int) @ ternary) + int(rc.astype(int) @ ternary)
        for (_, lc), (_, rc) in zip(left, right, strict=True)
    ]
    assert [(c + 128) % 256 - 128 for c in coarse] == [int(coarse_code(row).astype(int) @ ternary) for row in rows]


def test_unopened_entries_are_noise() -> None:
    tables = band_tables(_ring([0]), codeword_of_score(THRESHOLDS, 0), b"s" * 32, b"p" * 32)
    counts = np.bincount(tables.ravel(), minlength=256)
    assert float(((counts - 256) ** 2 / 256).sum()) < 400


def test_halves_with_other_keys_open_noise() -> None:
    a = _ring(list(range(1000))[::10])
    tables = band_tables(a, codeword_of_score(THRESHOLDS, 0), b"s" * 32, b"p" * 32)
    opened = open_bands(tables, *band_picks(a, b"t" * 32, b"q" * 32))
    assert sum(word in CODEWORDS for word in opened.tolist()) < 25  # 16 of 256 are valid: 6 of 100 are expected
