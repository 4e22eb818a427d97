"""A request under a key is done once; its answer is kept for a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from facekeep.domain.access import ClientId
from facekeep.domain.requests import KeptAnswer
from facekeep.errors import RepeatedError, UsageError
from facekeep.service.repeating import RepeatingService
from facekeep.store.keys import MemoryKeyProvider
from facekeep.store.registry import Registry

NOW = datetime(2026, 11, 25, tzinfo=UTC)
CLIENT, OTHER = ClientId(bytes(16)), ClientId(b"another client 1")
PRINT = bytes(32)
ANSWER = KeptAnswer(201, b'{"id": "x"}')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
def registry(path: Path) -> Registry:
    return Registry.create(path, MemoryKeyProvider(), keep_id=b"keep", model="ab" * 32)


@pytest.fixture
def repeating(registry: Registry) -> RepeatingService:
    return RepeatingService(registry)


def _begin(repeating: RepeatingService, key: str = "k", client: ClientId = CLIENT, now: datetime = NOW) -> object:
    return repeating.begin(client, key, PRINT, now)


def test_the_first_answer_is_given_again_for_a_day(repeating: RepeatingService, registry: Registry) -> None:
    begun = repeating.begin(CLIENT, "k", PRINT, NOW)
    assert not isinstance(begun, KeptAnswer)
    repeating.finish(begun, ANSWER)
    for later in (NOW, NOW + timedelta(hours=23, minutes=59)):
        assert _begin(repeating, now=later) == ANSWER
        assert RepeatingService(registry).begin(CLIENT, "k", PRINT, later) == ANSWER  # after the service began anew
    assert not isinstance(_begin(repeating, now=NOW + timedelta(days=1)), KeptAnswer)


def test_what_is_under_way_or_was_cut_short_is_not_done_again(repeating: RepeatingService) -> None:
    _begin(repeating)
    for later in (NOW, NOW + timedelta(hours=12)):
        with pytest.raises(RepeatedError):
            _begin(repeating, now=later)
    assert not isinstance(_begin(repeating, now=NOW + timedelta(days=1)), KeptAnswer)


def test_a_request_that_changed_nothing_may_be_sent_again(repeating: RepeatingService) -> None:
    begun = repeating.begin(CLIENT, "k", PRINT, NOW)
    assert not isinstance(begun, KeptAnswer)
    repeating.drop(begun)
    assert not isinstance(_begin(repeating), KeptAnswer)


def test_keys_of_clients_and_keys_of_a_client_have_nothing_to_do_with_each_other(repeating: RepeatingService) -> None:
    begun = {_begin(repeating, key, client) for key in ("k", "l") for client in (CLIENT, OTHER)}
    assert len(begun) == 4


def test_a_key_serves_one_request(repeating: RepeatingService) -> None:
    begun = repeating.begin(CLIENT, "k", PRINT, NOW)
    assert not isinstance(begun, KeptAnswer)
    repeating.finish(begun, ANSWER)
    with pytest.raises(UsageError, match="another request"):
        repeating.begin(CLIENT, "k", bytes(31) + b"x", NOW)


@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 129, "a\nb", "\x00"])
def test_what_is_no_key(repeating: RepeatingService, key: str) -> None:
    with pytest.raises(UsageError, match="visible"):
        _begin(repeating, key)


def test_old_requests_go(repeating: RepeatingService, registry: Registry) -> None:
    for number in range(5):
        _begin(repeating, f"old {number}".replace(" ", "-"))
    _begin(repeating, "young", now=NOW + timedelta(hours=2))
    assert not repeating.has_old(NOW + timedelta(hours=23))
    assert not repeating.has_old(NOW + timedelta(hours=23, minutes=59))  # it does not look every time
    later = NOW + timedelta(days=1, hours=1)
    assert repeating.has_old(later)
    repeating.forget_old(later)
    _begin(repeating, "new", now=later)
    with registry.read() as view:
        assert [request.begun for request in view.requests()] == [
            NOW + timedelta(hours=2),
            NOW + timedelta(days=1, hours=1),
        ]


def test_keys_and_answers_are_sealed(repeating: RepeatingService, path: Path) -> None:
    begun = repeating.begin(CLIENT, "a-key-that-is-not-written", PRINT, NOW)
    assert not isinstance(begun, KeptAnswer)
    repeating.finish(begun, KeptAnswer(201, b"an answer that is not written"))
    kept = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"not-written" not in kept
    assert b"not written" not in kept
