"""What is particular to one key provider; what all share is in tests/contract/test_key_providers.py."""

import os
import stat
from pathlib import Path

import keyring
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest
from keyring.backend import KeyringBackend

from facekeep.errors import DamagedStoreError, KeyMissingError, UsageError
from facekeep.store.keyfiles import FileKeyProvider
from facekeep.store.keyrings import KeyringKeyProvider
from facekeep.store.keys import MemoryKeyProvider, RoutedKeyProvider, new_key
from facekeep.store.keywraps import PassphraseKeyProvider

KEY = bytes(range(32))


def test_new_keys_are_long_and_differ() -> None:
    assert len({new_key() for _ in range(100)}) == 100
    assert {len(new_key()) for _ in range(3)} == {32}


class TestFiles:
    def file(self, directory: Path, name: str = "left.epoch.1") -> Path:
        return directory / name.partition(".")[0] / f"{name}.key"

    def test_roles_lie_apart_and_only_the_owner_can_read(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            provider = FileKeyProvider(tmp_path / "keys")
            provider.put("left.epoch.1", KEY)
            provider.put("registry", KEY)
        finally:
            os.umask(before)
        assert {p.name for p in (tmp_path / "keys").iterdir()} == {"left", "registry"}
        for path in (tmp_path / "keys").rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
        assert sorted(p.name for p in (tmp_path / "keys").rglob("*") if p.is_file()) == [
            "left.epoch.1.key",
            "registry.key",
        ]

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o677])
    def test_a_loose_file_is_refused_with_the_fix_and_without_the_path(self, tmp_path: Path, mode: int) -> None:
        provider = FileKeyProvider(tmp_path)
        provider.put("left.epoch.1", KEY)
        self.file(tmp_path).chmod(mode)
        with pytest.raises(KeyMissingError) as caught:
            provider.get("left.epoch.1")
        assert "chmod 600" in caught.value.hint
        assert caught.value.store == "left"
        assert str(tmp_path) not in caught.value.hint + caught.value.message

    def test_a_loose_directory_is_refused(self, tmp_path: Path) -> None:
        provider = FileKeyProvider(tmp_path)
        provider.put("left.epoch.1", KEY)
        (tmp_path / "left").chmod(0o750)
        for call in (lambda: provider.get("left.epoch.1"), lambda: provider.put("left", KEY)):
            with pytest.raises(KeyMissingError) as caught:
                call()
            assert "chmod 700" in caught.value.hint
        (tmp_path / "left").chmod(0o700)
        tmp_path.chmod(0o755)
        with pytest.raises(KeyMissingError):
            FileKeyProvider(tmp_path)

    def test_a_file_of_another_account_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        provider = FileKeyProvider(tmp_path)
        provider.put("left", KEY)
        monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
        with pytest.raises(KeyMissingError) as caught:
            provider.get("left")
        assert "chown" in caught.value.hint

    @pytest.mark.parametrize("length", [0, 3, 7, 8, 20, 47])
    def test_a_cut_file_is_told_from_a_wrong_key(self, tmp_path: Path, length: int) -> None:
        provider = FileKeyProvider(tmp_path)
        provider.put("left.epoch.1", KEY)
        path = self.file(tmp_path)
        path.write_bytes(path.read_bytes()[:length])
        with pytest.raises(KeyMissingError, match=r"cut|key file"):
            provider.get("left.epoch.1")

    def test_an_altered_a_longer_and_a_renamed_file_are_noticed(self, tmp_path: Path) -> None:
        provider = FileKeyProvider(tmp_path)
        provider.put("left.epoch.1", KEY)
        whole = self.file(tmp_path).read_bytes()
        for content in (whole[:10] + b"\xff" + whole[11:], whole + b"\x00", whole * 20):
            self.file(tmp_path).write_bytes(content)
            with pytest.raises(KeyMissingError, match=r"altered|added"):
                provider.get("left.epoch.1")
        self.file(tmp_path).write_bytes(whole)
        self.file(tmp_path).rename(self.file(tmp_path, "left.epoch.2"))
        with pytest.raises(KeyMissingError, match="renamed"):
            provider.get("left.epoch.2")

    def test_a_symbolic_link_is_never_followed(self, tmp_path: Path) -> None:
        provider = FileKeyProvider(tmp_path)
        provider.put("left", KEY)
        target = tmp_path / "elsewhere"
        self.file(tmp_path, "left").rename(target)
        self.file(tmp_path, "left").symlink_to(target)
        with pytest.raises(KeyMissingError, match="cannot be read"):
            provider.get("left")
        provider.delete("left")
        assert provider.names() == ()
        assert KEY in target.read_bytes()

    def test_delete_overwrites_what_lies_there_and_what_a_crash_left(self, tmp_path: Path) -> None:
        provider = FileKeyProvider(tmp_path)
        provider.put("left.epoch", KEY)
        provider.put("left.epoch.3", KEY)
        # Hard links show what became of the bytes.
        witness, leftover = tmp_path / "witness", tmp_path / "left" / ".left.epoch~00ff"
        os.link(self.file(tmp_path, "left.epoch"), witness)
        leftover.write_bytes(KEY)
        provider.delete("left.epoch")
        assert witness.read_bytes() == bytes(len(witness.read_bytes()))
        assert not leftover.exists()
        assert provider.get("left.epoch.3") == KEY

    def test_names_leaves_out_what_is_no_key_file(self, tmp_path: Path) -> None:
        provider = FileKeyProvider(tmp_path)
        provider.put("left", KEY)
        provider.put("right", KEY)
        for stray in ("right.key", "Left.key", "left.txt", ".left~12", ".left.key", "a b.key"):
            (tmp_path / "left" / stray).write_bytes(b"")
        assert provider.names() == ("left", "right")

    def test_nothing_is_left_beside_a_key_that_was_refused(self, tmp_path: Path) -> None:
        provider = FileKeyProvider(tmp_path)
        provider.put("left", KEY)
        with pytest.raises(DamagedStoreError):
            provider.put("left", new_key())
        assert [p.name for p in (tmp_path / "left").iterdir()] == ["left.key"]


class TestPassphrase:
    def test_the_kept_form_holds_no_key_and_opens_only_with_the_passphrase(self) -> None:
        inner = MemoryKeyProvider()
        PassphraseKeyProvider(inner, "correct horse battery", cost=14).put("right", KEY)
        assert KEY not in inner.get("right")
        # ﬁ is a ligature: NFKC makes it the same as fi, so a passphrase can be typed on another keyboard.
        assert PassphraseKeyProvider(inner, "correct horse battery").get("right") == KEY
        with pytest.raises(KeyMissingError, match="passphrase"):
            PassphraseKeyProvider(inner, "correct horse batteri").get("right")

    def test_unicode_forms_are_alike(self) -> None:
        inner = MemoryKeyProvider()
        PassphraseKeyProvider(inner, "zwölf ﬁnstere", cost=14).put("right", KEY)
        assert PassphraseKeyProvider(inner, "zwo\u0308lf finstere").get("right") == KEY

    def test_a_key_under_another_name_does_not_open(self) -> None:
        inner = MemoryKeyProvider()
        provider = PassphraseKeyProvider(inner, "correct horse battery", cost=14)
        provider.put("right", KEY)
        inner.put("left", inner.get("right"))
        with pytest.raises(KeyMissingError) as caught:
            provider.get("left")
        assert caught.value.store == "left"

    @pytest.mark.parametrize("kept", [KEY, b"FKPP\x01" + bytes(40), b"FKPP\x01\x1f" + bytes(40)])
    def test_a_bare_key_and_a_forged_cost_are_refused(self, kept: bytes) -> None:
        inner = MemoryKeyProvider()
        inner.put("right", kept)
        with pytest.raises(KeyMissingError, match="not wrapped"):
            PassphraseKeyProvider(inner, "correct horse battery").get("right")

    def test_a_short_passphrase_and_an_odd_cost_are_refused(self) -> None:
        with pytest.raises(UsageError, match="short"):
            PassphraseKeyProvider(MemoryKeyProvider(), "elevenchars")
        for cost in (13, 21):
            with pytest.raises(UsageError, match="cost"):
                PassphraseKeyProvider(MemoryKeyProvider(), "correct horse battery", cost=cost)


class Ring(KeyringBackend):
    """A keyring in memory whose failures can be chosen."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.fails: set[str] = set()
        self.forgets = False

    def _maybe_fail(self, call: str, error: type[Exception]) -> None:
        if call in self.fails:
            raise error

    def get_password(self, service: str, username: str) -> str | None:
        self._maybe_fail("get", keyring.errors.KeyringLocked)
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._maybe_fail("set", keyring.errors.PasswordSetError)
        if not self.forgets:
            self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._maybe_fail("delete", keyring.errors.PasswordDeleteError)
        del self.entries[service, username]


class PlaintextKeyring(Ring):
    """Named as keyrings.alt names its own."""


class Chain(Ring):
    def __init__(self, *backends: KeyringBackend) -> None:
        super().__init__()
        self.backends = backends


class TestKeyring:
    @pytest.mark.parametrize(
        "backend",
        [
            keyring.backends.fail.Keyring(),
            keyring.backends.null.Keyring(),
            PlaintextKeyring(),
            Chain(),
            Chain(PlaintextKeyring(), keyring.backends.null.Keyring()),
        ],
    )
    def test_a_keyring_that_keeps_nothing_or_plaintext_is_refused(self, backend: KeyringBackend) -> None:
        with pytest.raises(KeyMissingError, match="no keyring"):
            KeyringKeyProvider("keep", backend)

    def test_the_keyring_of_the_system_is_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ring = Ring()
        monkeypatch.setattr(keyring, "get_keyring", lambda: ring)
        KeyringKeyProvider("keep").put("right", KEY)
        assert ("keep", "right") in ring.entries

    def test_of_a_chain_the_first_safe_one_is_taken(self) -> None:
        ring, plain = Ring(), PlaintextKeyring()
        KeyringKeyProvider("keep", Chain(plain, ring)).put("right", KEY)
        assert not plain.entries
        assert KeyringKeyProvider("keep", ring).get("right") == KEY

    def test_services_are_apart(self) -> None:
        ring = Ring()
        KeyringKeyProvider("one", ring).put("right", KEY)
        assert KeyringKeyProvider("other", ring).names() == ()
        with pytest.raises(KeyMissingError):
            KeyringKeyProvider("other", ring).get("right")

    @pytest.mark.parametrize("failing", ["get", "set"])
    def test_a_locked_keyring_is_named(self, failing: str) -> None:
        ring = Ring()
        ring.fails = {failing}
        with pytest.raises(KeyMissingError, match="keyring cannot"):
            KeyringKeyProvider("keep", ring).put("right", KEY)

    def test_a_key_that_was_not_kept_or_deleted_is_noticed(self) -> None:
        ring = Ring()
        provider = KeyringKeyProvider("keep", ring)
        provider.put("right", KEY)
        ring.fails = {"delete"}
        with pytest.raises(KeyMissingError, match="cannot be deleted"):
            provider.delete("right")
        ring.forgets = True
        with pytest.raises(KeyMissingError, match="not kept"):
            provider.put("left", KEY)

    def test_damaged_entries_are_noticed(self) -> None:
        ring = Ring()
        provider = KeyringKeyProvider("keep", ring)
        for entry in ("?", "AAAA"):
            ring.entries["keep", "right"] = entry
            with pytest.raises(KeyMissingError, match="damaged"):
                provider.get("right")
        for index in ("{", "{}", "[1]", '["A B"]'):
            ring.entries["keep", "facekeep:index"] = index
            with pytest.raises(KeyMissingError, match="list of key names"):
                provider.names()


class TestRoutes:
    def test_the_longest_prefix_of_whole_words_decides(self) -> None:
        files, ring = MemoryKeyProvider(), MemoryKeyProvider()
        routed = RoutedKeyProvider({"right": files, "right.epoch": ring})
        for name in ("right", "right.epoch", "right.epoch.2", "right.epochs", "right.next"):
            routed.put(name, KEY)
        assert ring.names() == ("right.epoch", "right.epoch.2")
        assert files.names() == ("right", "right.epochs", "right.next")
        assert routed.names() == tuple(sorted(files.names() + ring.names()))

    def test_a_key_in_the_wrong_place_does_not_count(self) -> None:
        files, ring = MemoryKeyProvider(), MemoryKeyProvider()
        files.put("right.epoch.1", KEY)
        files.put("other", KEY)
        assert RoutedKeyProvider({"right": files, "right.epoch": ring}).names() == ()

    def test_a_name_without_a_route_is_refused(self) -> None:
        routed = RoutedKeyProvider({"right": MemoryKeyProvider()})
        for call in (lambda: routed.get("left"), lambda: routed.put("left", KEY), lambda: routed.delete("rights")):
            with pytest.raises(KeyMissingError, match="no place"):
                call()

    def test_routes_are_needed(self) -> None:
        with pytest.raises(ValueError, match="route"):
            RoutedKeyProvider({})
        with pytest.raises(ValueError, match="key name"):
            RoutedKeyProvider({"Right": MemoryKeyProvider()})


def test_a_key_whose_destruction_was_cut_short_is_gone(tmp_path: Path) -> None:
    keys = FileKeyProvider(tmp_path / "keys")
    keys.put("left", new_key())
    (path,) = (tmp_path / "keys").rglob("*.key")
    path.write_bytes(bytes(path.stat().st_size))
    again = FileKeyProvider(tmp_path / "keys")
    assert again.names() == ()
    again.put("left", new_key())
    assert again.names() == ("left",)
