"""The benchmark of the ledger gives figures of what it says it did."""

import pytest

from facekeep.errors import UsageError
from facekeep.service.benchmark_ledger import benchmark_ledger


def test_it_times_what_it_writes() -> None:
    told: list[tuple[int, int]] = []
    found = benchmark_ledger(1050, 100, progress=lambda done, every: told.append((done, every)))
    assert told[-1] == (1050, 1050)
    assert found.leaves == 1050
    assert min(found.appends_per_second, found.peer_appends_per_second, found.rehash) > 0
    assert found.bytes_per_entry > 512
    for median, slowest in (found.inclusion, found.consistency):
        assert 0 < median <= slowest


@pytest.mark.parametrize(("leaves", "batch"), [(999, 1), (1000, 0), (10_000_001, 1), (1000, 10_001)])
def test_numbers_out_of_range_are_refused(leaves: int, batch: int) -> None:
    with pytest.raises(UsageError):
        benchmark_ledger(leaves, batch)
