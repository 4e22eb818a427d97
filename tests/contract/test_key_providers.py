"""What every key provider promises."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend

from facekeep.errors import DamagedStoreError, KeyMissingError
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.keyrings import KeyringKeyProvider
from facekeep.store.keys import KeyProvider, MemoryKeyProvider, RoutedKeyProvider, check_name, new_key
from facekeep.store.keywraps import PassphraseKeyProvider


class Ring(KeyringBackend):
    """An OS keyring in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.entries[service, username]


Reopen = Callable[[], KeyProvider]


@pytest.fixture(params=["memory", "file", "keyring", "routed", "passphrase"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Reopen:
    """Gives a provider over the same keys, as a process that starts again would."""
    memory, ring = MemoryKeyProvider(), Ring()
    kinds: dict[str, Reopen] = {
        "memory": lambda: memory,
        "file": lambda: FileKeyProvider(tmp_path / "keys"),
        "keyring": lambda: KeyringKeyProvider("facekeep-test", ring),
        "routed": lambda: RoutedKeyProvider(
            {role: FileKeyProvider(tmp_path / "keys") for role in ("registry", "left")}
            | {"right": KeyringKeyProvider("facekeep-test", ring)}
        ),
        "passphrase": lambda: PassphraseKeyProvider(
            FileKeyProvider(tmp_path / "keys"), "a passphrase for tests", cost=14
        ),
    }
    return kinds[request.param]


def test_it_is_a_provider_and_begins_empty(reopen: Reopen) -> None:
    assert isinstance(reopen(), KeyProvider)
    assert reopen().names() == ()


def test_a_key_that_was_put_is_there_after_reopening(reopen: Reopen) -> None:
    keys = {name: new_key() for name in ("registry", "left.epoch.3", "right")}
    for name, key in keys.items():
        reopen().put(name, key)
    assert reopen().names() == ("left.epoch.3", "registry", "right")
    assert {name: reopen().get(name) for name in keys} == keys


def test_a_key_is_never_overwritten(reopen: Reopen) -> None:
    key = new_key()
    reopen().put("left", key)
    for another in (new_key(), key):
        with pytest.raises(DamagedStoreError) as caught:
            reopen().put("left", another)
        assert caught.value.store == "left"
    assert reopen().get("left") == key


def test_a_missing_key_is_named_with_its_role_and_never_invented(reopen: Reopen) -> None:
    reopen().put("left.epoch.1", new_key())
    with pytest.raises(KeyMissingError) as caught:
        reopen().get("left.epoch.2")
    assert caught.value.store == "left"
    assert "left.epoch.2" in caught.value.message
    assert reopen().names() == ("left.epoch.1",)


def test_deleting_destroys_one_key_and_may_be_repeated(reopen: Reopen) -> None:
    for name in ("left.epoch", "left.epoch.1", "left"):
        reopen().put(name, new_key())
    for _ in range(2):
        reopen().delete("left.epoch")
    assert reopen().names() == ("left", "left.epoch.1")
    with pytest.raises(KeyMissingError):
        reopen().get("left.epoch")
    again = new_key()
    reopen().put("left.epoch", again)
    assert reopen().get("left.epoch") == again


def test_deleting_where_nothing_is_does_nothing(reopen: Reopen) -> None:
    reopen().delete("registry.epoch.9")
    assert reopen().names() == ()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../left", "left/../right", "Left", "left\n", "left.", ".left", "left..1", "ä", "l" * 65]
)
def test_a_name_that_is_none_is_refused_everywhere(reopen: Reopen, name: str) -> None:
    provider = reopen()
    for call in (lambda: provider.get(name), lambda: provider.put(name, new_key()), lambda: provider.delete(name)):
        with pytest.raises(ValueError, match="key name"):
            call()


@pytest.mark.parametrize("length", [0, 16, 31, 257])
def test_a_key_of_odd_length_is_refused(reopen: Reopen, length: int) -> None:
    with pytest.raises(ValueError, match="32 to 256"):
        reopen().put("left", bytes(length))
    assert reopen().names() == ()


@given(name=st.text(alphabet="abz019.-/_A ", max_size=70))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_passes_as_a_name_is_a_safe_file_name(name: str) -> None:
    try:
        check_name(name)
    except ValueError:
        return
    assert set(name) <= set("abz019.-")
    assert 1 <= len(name) <= 64
    assert name[0] not in ".-"
    assert ".." not in name
