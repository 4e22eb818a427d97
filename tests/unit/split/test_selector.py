import numpy as np
import pytest

from facekeep.errors import DisagreementError, TicketError
from facekeep.split.selector import BEST, Selector

S, T = bytes(16), b"t" * 16


def _shares(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    sums = rng.integers(-120, 121, count)
    left = rng.integers(0, 256, count, np.uint8)
    return sums, left, ((sums - left) % 256).astype(np.uint8)


@pytest.mark.parametrize("count", [1, 99, 100, 101, 5000])
def test_both_halves_get_the_best_positions_once(count: int) -> None:
    sums, left, right = _shares(count)
    selector = Selector()
    selector.offer(S, b"left", T, left, 120)
    selector.offer(S, b"right", T, right, 120)
    first, second = selector.positions(S, b"left"), selector.positions(S, b"right")
    assert np.array_equal(first, second)
    best = sorted(range(count), key=lambda i: (-sums[i], i))[:BEST]
    assert first.tolist() == sorted(best)
    for side in (b"left", b"right"):
        with pytest.raises(DisagreementError, match="no selection"):
            selector.positions(S, side)


def test_a_half_fetches_once() -> None:
    _, left, right = _shares(200)
    selector = Selector()
    selector.offer(S, b"left", T, left, 120)
    selector.offer(S, b"right", T, right, 120)
    selector.positions(S, b"left")
    with pytest.raises(DisagreementError):
        selector.positions(S, b"left")
    selector.positions(S, b"right")


@pytest.mark.parametrize(
    ("tag", "cut", "noise"), [(b"u" * 16, 0, 0), (T, 1, 0), (T, 0, 121)], ids=["tag", "length", "sum"]
)
def test_halves_that_disagree_get_nothing(tag: bytes, cut: int, noise: int) -> None:
    _, left, right = _shares(200)
    right[7] = (noise - int(left[7])) % 256 if noise else right[7]
    selector = Selector()
    selector.offer(S, b"left", T, left, 120)
    selector.offer(S, b"right", tag, right[: len(right) - cut], 120)
    for side in (b"left", b"right", b"left"):
        with pytest.raises(DisagreementError, match="disagree"):
            selector.positions(S, side)


def test_a_half_that_is_alone_gets_nothing_and_offers_once() -> None:
    _, left, _ = _shares(200)
    selector = Selector()
    with pytest.raises(DisagreementError):
        selector.positions(S, b"left")
    selector.offer(S, b"left", T, left, 120)
    with pytest.raises(DisagreementError):
        selector.positions(S, b"left")
    with pytest.raises(TicketError):
        selector.offer(S, b"left", T, left, 120)


def test_searches_that_never_complete_are_forgotten() -> None:
    _, left, right = _shares(200)
    selector = Selector()
    selector.offer(S, b"left", T, left, 120)
    for number in range(1, 129):
        selector.offer(number.to_bytes(16, "big"), b"left", T, left, 120)
    assert len(selector._open) == 128
    selector.offer(S, b"right", T, right, 120)
    with pytest.raises(DisagreementError):
        selector.positions(S, b"right")
    selector.offer((128).to_bytes(16, "big"), b"right", T, right, 120)
    assert len(selector.positions((128).to_bytes(16, "big"), b"right")) == BEST


def test_the_shares_are_dropped_once_they_are_used() -> None:
    _, left, right = _shares(200)
    selector = Selector()
    selector.offer(S, b"left", T, left, 120)
    selector.offer(S, b"right", T, right, 120)
    assert all(len(offer.shares) == 0 for offer in selector._open[S].offers.values())
