"""Counting of requests: a bucket for each key, full at first, filling steadily."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facekeep.errors import UsageError
from facekeep.interfaces.http import rates
from facekeep.interfaces.http.rates import Meter, Rate, Standing
from facekeep.interfaces.settings import Settings

SECOND = 10**9


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 5 * SECOND

    def __call__(self) -> int:
        return self.now


def test_all_may_come_at_once_and_then_one_at_a_time() -> None:
    clock = Clock()
    meter = Meter("client", Rate(3, 60), clock)
    assert [meter.take("a").left for _ in range(3)] == [2, 1, 0]
    refused = meter.take("a")
    assert (refused.left, refused.wait, refused.full) == (0, 20, 60)
    assert refused.headers() == {
        "RateLimit-Policy": '"client";q=3;w=60', "RateLimit": '"client";r=0;t=60', "Retry-After": "20"
    }  # fmt: skip
    assert meter.take("b").wait == 0
    clock.now += 20 * SECOND - 1
    assert meter.look("a").wait == 1
    clock.now += 1
    assert meter.look("a").wait == 0
    assert "Retry-After" not in meter.take("a").headers()
    assert meter.take("a").wait == 20


def test_what_is_given_back_may_be_taken_again() -> None:
    clock = Clock()
    meter = Meter("address", Rate(2, 60), clock)
    meter.take("a"), meter.take("a")
    assert meter.take("a").wait
    meter.give_back("a")
    assert not meter.take("a").wait
    assert meter.take("a").wait
    clock.now += 3600 * SECOND
    meter.give_back("a")  # of long ago: nobody has more than a full bucket by it
    assert [bool(meter.take("a").wait) for _ in range(3)] == [False, False, True]
    meter.give_back("b")
    assert meter.look("b").left == 2


def test_looking_counts_nothing() -> None:
    meter = Meter("address", Rate(1, 1), Clock())
    for _ in range(5):
        assert (meter.look("a").wait, meter.look("a").left) == (0, 1)
    assert len(meter) == 0


def test_no_more_keys_are_held_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "KEYS_MAX", 10)
    meter = Meter("address", Rate(1, 1000), Clock())
    for number in range(100):
        meter.take(str(number))
    assert len(meter) == 10
    assert meter.look("99").wait
    assert not meter.look("0").wait  # it begins anew


@given(
    st.integers(1, 1000),
    st.integers(1, 3600),
    st.lists(st.integers(0, 10 * SECOND), min_size=1, max_size=200),
)
def test_never_more_than_a_window_allows_and_what_was_waited_for_is_given(
    requests: int, seconds: int, pauses: list[int]
) -> None:
    clock = Clock()
    meter = Meter("client", Rate(requests, seconds), clock)
    began, taken = clock.now, 0
    for pause in pauses:
        clock.now += pause
        standing = meter.take("x")
        assert 0 <= standing.left <= requests
        assert 0 <= standing.full <= seconds
        if standing.wait:
            clock.now += standing.wait * SECOND
            assert meter.take("x").wait == 0
        taken += 1
    step = seconds * SECOND // requests
    assert taken <= requests + (clock.now - began) // step + 1


@pytest.mark.parametrize("text", ["", "0/60", "60", "60/0", "x", "1/1/1", "none ", "-1/60"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(UsageError):
        Rate.read(text)
    if text:
        with pytest.raises(UsageError):
            Settings.from_environment({"FACEKEEP_RATE_CLIENT": text})


def test_rates_are_read() -> None:
    assert Rate.read("none") is None
    assert Rate.read("5/60") == Rate(5, 60)
    assert Settings.from_environment({"FACEKEEP_RATE_ADDRESS": "none"}).rate_address == "none"
    usual = Settings()
    assert rates.Rates(Rate.read(usual.rate_client), Rate.read(usual.rate_address)) == rates.Rates()


@pytest.mark.parametrize(
    ("given", "counted"),
    [
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3::4", 1), "2001:db8:1:2::/64"),
        (("::ffff:192.0.2.7", 1), "::ffff:192.0.2.7"),
        (("testclient", 1), "testclient"),
        (None, ""),
    ],
)
def test_a_caller_is_not_many_because_its_network_is_large(given: tuple[str, int] | None, counted: str) -> None:
    expected = str(__import__("ipaddress").ip_address(counted)) if counted.startswith("::") else counted
    assert rates._address({"client": given}) == expected


def test_a_standing_is_told_in_whole_seconds() -> None:
    assert Standing("client", Rate(1, 1), 0, 1, 1).headers()["Retry-After"] == "1"
