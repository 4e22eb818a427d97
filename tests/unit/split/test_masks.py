from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.domain.row import Pseudonym
from facekeep.errors import FormatError
from facekeep.split.codes import coarse_code, fine_code
from facekeep.split.masks import MaskRow, RightShare, coarse_mask, fine_mask, new_seed, reseed, split
from tests.unit.split.cluster import units

seeds = st.binary(min_size=32, max_size=32)
numbers = st.integers(0, 2**32 - 1)
mask_rows = st.builds(
    MaskRow, st.binary(min_size=16, max_size=16).map(Pseudonym), numbers, numbers, st.binary(min_size=32, max_size=32)
)
ROW = MaskRow(Pseudonym(bytes(16)), 1, 1, bytes(32))


@given(seeds, mask_rows, st.integers(16, 1024), numbers)
def test_the_shares_add_up_to_the_codes(seed: bytes, row: MaskRow, dimension: int, which: int) -> None:
    fine = fine_code(units(1, dimension, which)[0])
    coarse = coarse_code(fine)
    share = split(fine, coarse, seed, row)
    assert np.array_equal((share.fine + fine_mask(seed, row, dimension)).view(np.int16), fine)
    assert np.array_equal((share.coarse + coarse_mask(seed, row, dimension)).view(np.int8), coarse)
    again = RightShare.from_bytes(*share.to_bytes())
    assert np.array_equal(again.fine, share.fine)
    assert np.array_equal(again.coarse, share.coarse)


@given(seeds, mask_rows, seeds, mask_rows, numbers)
def test_reseeding_keeps_the_codes(old: bytes, before: MaskRow, new: bytes, after: MaskRow, which: int) -> None:
    fine = fine_code(units(1, 64, which)[0])
    moved = split(fine, coarse_code(fine), old, before).minus(reseed(old, before, new, after, 64))
    direct = split(fine, coarse_code(fine), new, after)
    assert moved.to_bytes() == direct.to_bytes()


def test_every_part_of_the_row_and_every_use_has_a_stream_of_its_own() -> None:
    seed = new_seed()
    rows = [
        ROW,
        replace(ROW, pseudonym=Pseudonym(b"\x01" * 16)),
        replace(ROW, epoch=2),
        replace(ROW, version=2),
        replace(ROW, model=b"\x01" * 32),
    ]
    streams = [fine_mask(seed, row, 512).tobytes() for row in rows]
    streams += [coarse_mask(seed, row, 512).tobytes() for row in rows]
    streams += [fine_mask(new_seed(), ROW, 512).tobytes()]
    blocks = [{stream[i : i + 16] for i in range(0, 512, 16)} for stream in streams]
    # Not one block is shared: a version in the counter would shift the stream by a block.
    assert all(not a & b for a, b in combinations(blocks, 2))


def test_a_share_alone_is_uniform() -> None:
    fine = fine_code(np.repeat(units(1), 400, axis=0))
    shares = [split(code, coarse_code(code), new_seed(), ROW) for code in fine]
    for column in (np.stack([s.fine for s in shares]).view(np.uint8), np.stack([s.coarse for s in shares])):
        counts = np.bincount(column.ravel(), minlength=256)
        expected = column.size / 256
        chi = float(((counts - expected) ** 2 / expected).sum())
        assert chi < 400  # 255 degrees of freedom: mean 255, standard deviation 23


def test_refuses_codes_of_different_dimensions() -> None:
    with pytest.raises(FormatError):
        RightShare.from_bytes(bytes(16), bytes(16))


def test_no_secret_shows_in_a_representation() -> None:
    share = split(fine_code(units(1)[0]), coarse_code(fine_code(units(1)[0])), new_seed(), ROW)
    delta = reseed(new_seed(), ROW, new_seed(), ROW, 16)
    assert "[" not in repr(share) + repr(delta)
