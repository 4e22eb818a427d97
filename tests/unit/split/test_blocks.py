from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from facekeep.split.blocks import CoarseBlocks
from facekeep.split.codes import coarse_code, fine_code
from facekeep.split.scan import BLOCK_ROWS
from tests.unit.split.cluster import units

D = 32


def _shares(rng: np.random.Generator, slots: list[int]) -> dict[int, bytes]:
    return {slot: rng.bytes(D) for slot in slots}


def _check(blocks: CoarseBlocks, held: dict[int, bytes], count: int = 2, parts: int = 1) -> None:
    probes = [coarse_code(fine_code(vector)) for vector in units(count, D)]
    with ThreadPoolExecutor(2) as threads:
        sums = blocks.scan(probes, threads if parts > 1 else None, parts)
    assert sums.shape == (count, blocks.rows)
    for slot, share in held.items():
        wide = np.frombuffer(share, np.int8).astype(int)
        (seat,) = blocks.seats(np.asarray([slot], np.int32))
        assert sums[:, seat].tolist() == [int(wide @ probe.astype(int)) % 256 for probe in probes]


@pytest.mark.parametrize("parts", [1, 2, 5])
@pytest.mark.parametrize("probes", [1, 3, 4, 7])
def test_scan_gives_the_share_of_every_slot(parts: int, probes: int) -> None:
    rng = np.random.default_rng(parts)
    held = _shares(rng, [0, 1, 4095, 4096, 9000])
    blocks = CoarseBlocks(D, 5000)
    blocks.fill(sorted(held.items()))
    assert blocks.rows == BLOCK_ROWS  # five seats: slots far apart take no room
    _check(blocks, held, probes, parts)


def test_rows_come_in_any_order_and_in_place_of_others() -> None:
    rng = np.random.default_rng(1)
    blocks = CoarseBlocks(D)
    held = _shares(rng, [8192, 5, 4097, 6, 12288])
    blocks.fill(held.items())
    again = _shares(rng, [5, 4098])
    blocks.fill(again.items())
    held |= again
    for slot in (6, 20000, 4098):
        held[slot] = rng.bytes(D)
        blocks.put(slot, held[slot])
    _check(blocks, held)


def test_a_cleared_slot_holds_zeros() -> None:
    blocks = CoarseBlocks(D)
    blocks.put(3, bytes([7]) * D)
    blocks.clear(3)
    _check(blocks, {3: bytes(D)})
    assert not blocks._blocks[0].any()


@pytest.mark.parametrize("count", [1, 5, BLOCK_ROWS, 2 * BLOCK_ROWS + 3])
def test_arranged_rows_sit_in_the_order_given_and_later_ones_behind_them(count: int) -> None:
    rng = np.random.default_rng(count)
    slots = rng.permutation(3 * count)[:count].tolist()
    held = _shares(rng, slots)
    blocks = CoarseBlocks(D, count)
    blocks.fill(held.items())
    order = rng.permutation(np.asarray(slots, np.int32))
    blocks.arrange(order)
    assert blocks.seats(order).tolist() == list(range(count))
    kept = dict(list(held.items())[-7:])
    _check(blocks, kept)
    later = _shares(rng, [3 * count, 3 * count + 1])
    blocks.put(3 * count, later[3 * count])
    blocks.fill([(3 * count + 1, later[3 * count + 1])])
    assert blocks.seats(np.asarray(sorted(later), np.int32)).tolist() == [count, count + 1]
    _check(blocks, kept | later)


def test_no_row_at_all() -> None:
    blocks = CoarseBlocks(D)
    blocks.fill([])
    assert blocks.rows == 0
    _check(blocks, {})


def test_a_probe_without_any_sign_gives_zeros() -> None:
    blocks = CoarseBlocks(D)
    blocks.put(0, bytes([9]) * D)
    assert blocks.scan([np.zeros(D, np.int8)], None, 1)[0, 0] == 0
