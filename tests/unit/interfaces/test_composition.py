import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facekeep.errors import DamagedStoreError, UsageError
from facekeep.interfaces.composition import ROLES, Composition, KeyRecord, account_name
from facekeep.interfaces.settings import Settings

_roles = st.frozensets(st.sampled_from(ROLES))


def _nobody(role: str, new: bool) -> str:
    pytest.fail(f"asked for the passphrase of {role}, new: {new}")


@settings(deadline=None)  # each writes a file
@given(_roles, _roles, st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_a_record_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, one: frozenset[str], other: frozenset[str], name: str | None
) -> None:
    folder = tmp_path_factory.mktemp("keep")
    record = KeyRecord(None if name is None else Path(name), one - other, other - one)
    record.write(folder)
    assert KeyRecord.read(folder) == record
    assert (folder / "keys.toml").stat().st_mode & 0o777 == 0o600


def test_without_a_record_the_keys_are_in_the_keep(tmp_path: Path) -> None:
    assert KeyRecord.read(tmp_path) == KeyRecord()
    assert KeyRecord.read(tmp_path / "nothing") == KeyRecord()


@pytest.mark.parametrize(
    "text",
    [
        "directory = 1\nkeyring = []\npassphrase = []",
        'keyring = ["left"]',
        'keyring = ["gate"]\npassphrase = []',
        "keyring = []\npassphrase = [[]]",
        "keyring = []\npassphrase = []\nmore = 1",
        'keyring = "left"\npassphrase = []',
        "keyring = [",
        "\udcff",
    ],
)
def test_a_damaged_record_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DamagedStoreError) as caught:
        KeyRecord.read(tmp_path)
    assert caught.value.store == "keys.toml"


@pytest.mark.parametrize(("keyring", "passphrase"), [({"gate"}, set()), (set(), {"middle"}), ({"left"}, {"left"})])
def test_roles_that_cannot_be_are_refused(keyring: set[str], passphrase: set[str]) -> None:
    with pytest.raises(UsageError):
        KeyRecord(None, frozenset(keyring), frozenset(passphrase))


def test_an_option_goes_before_the_environment_and_neither_is_refused() -> None:
    set_up = Composition(Settings(keep=Path("b"), operator="bea"), _nobody)
    assert (set_up.directory(Path("a")), set_up.directory(None)) == (Path("a"), Path("b"))
    assert (set_up.operator("ann"), set_up.operator(None)) == ("ann", "bea")
    bare = Composition(Settings(), _nobody)
    assert bare.operator(None) == account_name()
    with pytest.raises(UsageError, match="no keep"):
        bare.directory(None)


def test_the_environment_moves_the_keys(tmp_path: Path) -> None:
    KeyRecord(Path("old"), frozenset(), frozenset({"left"})).write(tmp_path)
    moved = Composition(Settings(keys=Path("new")), _nobody).record(tmp_path)
    assert moved == KeyRecord(Path("new"), frozenset(), frozenset({"left"}))


def test_passphrases_come_from_the_descriptor_then_the_environment_then_a_person() -> None:
    record = KeyRecord(None, frozenset(), frozenset(ROLES))
    settings = {"passphrase_left": "left from the environment"}
    asked: list[tuple[str, bool]] = []

    def ask(role: str, new: bool) -> str:
        asked.append((role, new))
        return f"{role} from a person"

    plan = Composition(Settings.model_validate(settings), ask).plan(record, new=True)
    assert plan.passphrases == {
        "left": "left from the environment",
        "registry": "registry from a person",
        "right": "right from a person",
    }
    assert asked == [("registry", True), ("right", True)]
    reading, writing = os.pipe()
    os.write(writing, "first passphrase\nsecond passphrase\nthe third — naïve\n".encode())
    os.close(writing)
    parts = Composition(Settings.model_validate({**settings, "passphrase_fd": reading}), ask)
    plan = parts.plan(record)
    os.close(reading)
    assert parts.plan(record) == plan, "asked a second time"
    assert len(asked) == 2
    assert [plan.passphrases[role] for role in ROLES] == [
        "first passphrase",
        "second passphrase",
        "the third — naïve",
    ]


@pytest.mark.parametrize("content", [b"", b"only one line\n", b"\xff\n\xfe\n"])
def test_a_descriptor_without_enough_lines_is_refused(content: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    record = KeyRecord(None, frozenset(), frozenset({"left", "right"}))
    with pytest.raises(UsageError, match="FACEKEEP_PASSPHRASE_FD"):
        Composition(Settings(passphrase_fd=reading), _nobody).plan(record)
    os.close(reading)


def test_a_descriptor_that_is_not_open_is_refused() -> None:
    record = KeyRecord(None, frozenset(), frozenset({"left"}))
    with pytest.raises(UsageError, match="FACEKEEP_PASSPHRASE_FD"):
        Composition(Settings(passphrase_fd=987), _nobody).plan(record)


def test_the_descriptor_is_not_read_when_nothing_is_under_a_passphrase() -> None:
    assert Composition(Settings(passphrase_fd=987), _nobody).plan(KeyRecord()).passphrases == {}


def test_models_of_the_operator_are_added() -> None:
    from facekeep.errors import ModelError

    with pytest.raises(ModelError):
        Composition(Settings(models="nowhere/manifest.json:"), _nobody).models()
    _, chosen = Composition(Settings(detector="other", embedding="own"), _nobody).models()
    assert (chosen.detector, chosen.embedding) == ("other", "own")
