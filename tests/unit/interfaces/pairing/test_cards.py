"""Cards and folders of roles: what is refused, and that nothing but the pinned bytes is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from facekeep.errors import DamagedStoreError, FormatError, RefusedError, UsageError
from facekeep.interfaces.cli import main
from facekeep.interfaces.pairing.cards import Card, KeepFacts, pin_of_card, read_address, show_address
from facekeep.interfaces.pairing.folder import RoleFolder
from facekeep.interfaces.vault.certificates import make
from facekeep.split.wire.methods import Role

DESK = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
FACTS = KeepFacts(bytes(range(16)), "0f" * 32, 512, (6400, 8448), (1e-2, 1e-3), DESK)
PEM = make("facekeep left", now=datetime.now(UTC)).certificate.decode()
LEFT = Card(Role.LEFT, ("left.example", 8746), PEM, "ab" * 32)
GATE = Card(Role.GATE, None, PEM, "ab" * 32, FACTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    assert main(["pair", "new", str(tmp_path / "right"), "--role", "right", "--address", "[::1]:8747", "--json"]) == 0
    return tmp_path / "right"


@pytest.mark.parametrize("card", [LEFT, GATE, replace(LEFT, role=Role.REGISTRAR)], ids=lambda c: c.role)
def test_cards_come_back_from_their_files(card: Card) -> None:
    again = Card.from_bytes(card.to_bytes())
    assert replace(again, certificate=again.certificate.strip()) == replace(card, certificate=card.certificate.strip())
    assert "PRIVATE" not in card.to_bytes().decode()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("format = 1", "format = 2"),
        lambda text: text.replace('"left"', '"middle"'),
        lambda text: text.replace('"left"', '"gate"'),
        lambda text: text.replace("left.example:8746", "left.example"),
        lambda text: text.replace("left.example:8746", "left.example:70000"),
        lambda text: text.replace("left.example:8746", ""),
        lambda text: text.replace("ab", "zz"),
        lambda text: text.replace("ab" * 32, ""),
        lambda text: text.replace("MI", "mi"),
        lambda text: text + 'more = "x"\n',
        lambda text: text + "[keep]\n",
        lambda text: text + text,
        lambda text: text[: len(text) // 2],
        lambda text: text + "é",
        lambda text: text + "#" * 70_000,
    ],
)
def test_what_is_no_card(change: Callable[[str], str]) -> None:
    with pytest.raises(FormatError):
        Card.from_bytes(change(LEFT.to_bytes().decode("ascii")).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"dimension": 4},
        {"dimension": 2.5},
        {"thresholds": [8448, 6400]},
        {"thresholds": []},
        {"fmrs": [1e-3, 1e-2]},
        {"fmrs": [1, 2]},
        {"id": "00"},
        {"model": "x"},
        {"desk": "00"},
    ],
    ids=str,
)
def test_what_a_half_would_refuse_as_rules_is_no_card(change: dict[str, Any]) -> None:
    text = GATE.to_bytes().decode()
    for key, value in change.items():
        lines = [f"{key} = {json.dumps(value)}" if line.startswith(f"{key} = ") else line for line in text.splitlines()]
        text = "\n".join(lines)
    with pytest.raises(FormatError):
        Card.from_bytes(text.encode())


@given(st.ip_addresses() | st.sampled_from(["a", "left.example", "x" * 253]), st.integers(0, 65_535))
def test_addresses_come_back(host: object, port: int) -> None:
    assert read_address(show_address((str(host), port))) == (str(host), port)


@pytest.mark.parametrize("text", ["", ":1", "a:", "a:b", "::1:80", "[::1]", "a b:1", "a:1:2", "a:123456"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(FormatError):
        read_address(text)


def test_a_card_is_taken_by_its_pin_alone(folder: Path) -> None:
    right, card = RoleFolder.read(folder), LEFT.to_bytes()
    with pytest.raises(RefusedError, match="another pin"):
        right.add(card + b"\n", pin_of_card(card), None)
    with pytest.raises(RefusedError, match="another pin"):
        right.add(card, "", None)
    right.add(card, f"SHA256:{pin_of_card(card).upper()}", None)
    right.add(card, pin_of_card(card), ("10.0.0.7", 9))  # again, and elsewhere
    assert RoleFolder.read(folder).address_of(Role.LEFT) == ("10.0.0.7", 9)
    other = replace(LEFT, identity="cd" * 32).to_bytes()
    with pytest.raises(RefusedError, match="known by another card"):
        right.add(other, pin_of_card(other), None)
    own = (folder / "right.card").read_bytes()
    with pytest.raises(UsageError, match="own role"):
        right.add(own, pin_of_card(own), None)
    with pytest.raises(UsageError, match="does not know the gate"):
        right.facts()


def test_what_was_altered_on_the_host_is_found(folder: Path) -> None:
    (folder / "role.toml").write_text('format = 1\nrole = "right"\nanswer_seconds = 5\nmore = 1\n')
    with pytest.raises(DamagedStoreError):
        RoleFolder.read(folder)
    (folder / "role.toml").write_text('format = 1\nrole = "right"\nanswer_seconds = 0\n')
    with pytest.raises(DamagedStoreError):
        RoleFolder.read(folder)
    (folder / "right.card").write_text("nonsense")
    (folder / "role.toml").write_text('format = 1\nrole = "right"\nanswer_seconds = 5\n')
    with pytest.raises(DamagedStoreError, match="card"):
        RoleFolder.read(folder).card()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["pair", "new", "{new}", "--role", "middle"], 2),
        (["pair", "new", "{new}", "--role", "left"], 2),
        (["pair", "new", "{new}", "--role", "gate", "--address", "a:1"], 2),
        (["pair", "new", "{new}", "--role", "gate", "--keyring"], 2),
        (["pair", "new", "{new}", "--role", "left", "--address", "a:1", "--calibration", "c"], 2),
        (["pair", "new", "{new}", "--role", "left", "--address", "a"], 4),
        (["pair", "new", "{folder}", "--role", "left", "--address", "a:1"], 2),
        (["pair", "add", "{folder}", "{new}", "--pin", "00"], 2),
        (["pair", "add", "{folder}", "{folder}/right.card", "--pin", "00"], 3),
        (["pair", "finish", "{folder}"], 2),
        (["pair", "show", "{new}"], 2),
        (["vault", "{folder}", "--side", "middle", "--listen", "127.0.0.1:0"], 2),
        (["vault", "{folder}", "--side", "left", "--listen", "127.0.0.1:0"], 2),
        (["vault", "{folder}", "--side", "right", "--listen", "127.0.0.1:0"], 2),
        (["registrar", "{folder}", "--listen", "127.0.0.1:0"], 2),
        (["list", "--keep", "{folder}"], 2),
        (["pair", "show", "{folder}"], 0),
    ],
    ids=str,
)
def test_commands_that_do_not_fit(
    arguments: list[str], code: int, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given_words = [word.format(folder=folder, new=tmp_path / "new") for word in arguments]
    assert main(given_words) == code
    assert ("hint:" in capsys.readouterr().err) is (code != 0)
    if code:
        assert not (tmp_path / "new").exists() or not any((tmp_path / "new").iterdir())
