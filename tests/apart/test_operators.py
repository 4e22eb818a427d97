"""Keys of operators on four hosts: asked for at the gate, signed on the registrar's host, applied to both halves."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facekeep.interfaces.cli import main
from tests.apart.hosts import Hosts

pytestmark = [pytest.mark.enable_socket, pytest.mark.extended]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    def running(*arguments: object) -> tuple[int, Any]:
        capfd.readouterr()
        code = main([*map(str, arguments), "--json"])
        return code, json.loads(capfd.readouterr().out)

    return running


def test_a_key_takes_the_registrars_signature(
    servers: Hosts, run: Callable[..., tuple[int, Any]], pictures: Path, tmp_path: Path
) -> None:
    at = ("--keep", servers.directory("gate"))
    notice = tmp_path / "notice.txt"
    notice.write_text("a notice")
    assert run("enrol", "obama", pictures / "obama.jpg", "--consent", "verify", "--notice", notice, *at)[0] == 0
    verify = ("verify", "obama", pictures / "obama2.jpg", *at, "--operator", "anna")
    signed_by = (*verify, "--key", tmp_path / "anna.key")
    assert run(*verify)[0] == 0  # at the desk
    _, made = run("operator", "key", tmp_path / "anna.key")
    assert run(*signed_by)[0] == 3

    add = ("operator", "add", "anna", "--public", tmp_path / "anna.key.pub", "--purpose", "verify", *at)
    code, told = run(*add)
    assert (code, told["error"]) == (2, "UnsignedError")
    assert "--request" in told["hint"]
    request, signed = tmp_path / "add", tmp_path / "add.signed"
    assert run(*add, "--request", request) == (0, {"requested": True})
    assert run(*signed_by)[0] == 3
    sign = ("operator", "sign", request, "--yes", "--registrar")
    assert run(*sign, servers.directory("gate"))[0] == 2  # the gate's folder has no such key
    assert run(*sign, servers.directory("registrar"), "--fingerprint", "0" * 32)[0] == 3
    assert not signed.exists()
    code, said = run(*sign, servers.directory("registrar"), "--fingerprint", made["key"])
    assert said["names"] == {said["grant"]["operator"]: "anna"}
    assert (code, said["grant"]["id"], said["grant"]["purposes"]) == (0, made["key"], 1)
    assert run("operator", "apply", signed, *at) == (0, {"applied": True})
    assert run(*signed_by)[0] == 0
    assert run("operator", "apply", signed, *at)[0] == 3  # once

    changed = json.loads(signed.read_text()) | {"payload": "e30="}
    signed.write_text(json.dumps(changed))
    assert run("operator", "apply", signed, *at)[0] == 3
    signed.write_text("no change")
    assert run("operator", "apply", signed, *at)[0] == 4

    for name, purposes, code in (("less", ("--nothing",), 3), ("more", ("--purpose", "verify,identify"), 0)):
        desk = tmp_path / name
        assert run("operator", "desk", *purposes, "--request", desk, *at)[0] == 0
        assert run("operator", "sign", desk, "--yes", "--registrar", servers.directory("registrar"))[0] == 0
        assert run("operator", "apply", tmp_path / f"{name}.signed", *at)[0] == 0
        assert run(*verify)[0] == code
        assert run(*signed_by)[0] == 0

    revoke = tmp_path / "revoke"
    assert run("operator", "revoke", made["key"], "--request", revoke, *at)[0] == 0
    sign = ("operator", "sign", revoke, "--yes", "--registrar", servers.directory("registrar"))
    assert run(*sign)[1]["revoke"] == made["key"]
    assert run("operator", "apply", tmp_path / "revoke.signed", *at)[0] == 0
    assert run(*signed_by)[0] == 3


def test_a_lock_takes_the_registrars_signature(
    servers: Hosts, run: Callable[..., tuple[int, Any]], pictures: Path, tmp_path: Path
) -> None:
    at = ("--keep", servers.directory("gate"))
    notice = tmp_path / "notice.txt"
    notice.write_text("a notice")
    for label in ("locked", "other"):
        added = run("enrol", label, pictures / "obama.jpg", "--consent", "verify", "--notice", notice, *at)
        assert added[0] == 0, added
    verify = ("verify", "locked", "--operator", "till", *at)
    assert run(*verify, pictures / "obama2.jpg")[0] == 0
    for _ in range(10):
        assert run(*verify, pictures / "biden.jpg")[0] == 1
    assert run(*verify, pictures / "obama2.jpg")[0] == 1

    unlock = ("unlock", "locked", "--reviewer", "anna", "--reviewer", "berta", *at)
    code, told = run(*unlock)
    assert (code, told["error"]) == (2, "UnsignedError")
    request, signed = tmp_path / "unlock", tmp_path / "unlock.signed"
    assert run(*unlock, "--request", request) == (0, {"requested": True})
    assert run(*verify, pictures / "obama2.jpg")[0] == 1

    sign = ("operator", "sign", request, "--registrar", servers.directory("registrar"))
    assert run(*sign)[0] == 2  # nobody is there to be asked
    assert run(*sign, "--yes", "--fingerprint", "0" * 32)[0] == 3  # it is about no key
    asked = json.loads(request.read_text())
    changed = tmp_path / "changed"
    changed.write_text(json.dumps(asked | {"rows": ["0" * 32]}))
    code, told = run("operator", "sign", changed, "--yes", "--registrar", servers.directory("registrar"))
    assert (code, told["message"]) == (3, "the request is not about the references of one person")
    other = tmp_path / "other"
    assert run("unlock", "other", *unlock[2:], "--request", other)[0] == 0
    both = sorted(asked["rows"] + json.loads(other.read_text())["rows"])
    changed.write_text(json.dumps(asked | {"rows": both}))
    assert run("operator", "sign", changed, "--yes", "--registrar", servers.directory("registrar"))[0] == 3
    changed.write_text(json.dumps(asked | {"reviewers": asked["reviewers"][:1] * 2}))
    code, told = run("operator", "sign", changed, "--yes", "--registrar", servers.directory("registrar"))
    assert (code, told["message"]) == (3, "a lock is released by two different reviewers")
    assert not signed.exists()

    code, said = run(*sign, "--yes")
    assert (code, said["forgive"], said["references"]) == (0, "locked", 1)
    assert sorted(said["reviewers"].values()) == ["anna", "berta"]
    altered = tmp_path / "altered"
    altered.write_text(json.dumps(json.loads(signed.read_text()) | {"about": "key"}))
    code, told = run("operator", "apply", altered, *at)  # a word of one kind is none of the other
    assert (code, told["message"]) == (3, "a change of the operators' keys is not signed by the registrar")
    assert run("operator", "apply", signed, *at) == (0, {"applied": True})
    assert run(*verify, pictures / "obama2.jpg")[0] == 0
    code, told = run("operator", "apply", signed, *at)
    assert (code, told["message"]) == (3, "a forgiveness was used before")
    for label in ("locked", "other"):
        assert run("erase", label, "--yes", *at)[0] == 0


def test_the_registrar_is_shown_what_is_signed_and_asked(
    servers: Hosts,
    run: Callable[..., tuple[int, Any]],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = ("--keep", servers.directory("gate"))
    _, made = run("operator", "key", tmp_path / "anna.key")
    request, signed = tmp_path / "add", tmp_path / "add.signed"
    public = ("--public", tmp_path / "anna.key.pub")
    assert run("operator", "add", "anna", *public, "--purpose", "verify", "--request", request, *at)[0] == 0
    asked = json.loads(request.read_text())
    assert set(asked) == {"about", "keep", "grant", "revoke", "names"}  # no number, no nonce, no time of signing

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def answered(file: Path, answer: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        capfd.readouterr()
        registrar = ("--registrar", str(servers.directory("registrar")))
        return main(["operator", "sign", str(file), *registrar]), capfd.readouterr().out

    code, shown = answered(request, "n\n")
    assert code != 0
    assert not signed.exists()
    for word in (made["key"], "anna", "as the gate says", "verify", "Compare the key", "until (UTC)"):
        assert word in shown
    code, shown = answered(request, "y\n")
    assert (code, signed.exists()) == (0, True)
    assert "Signed." in shown

    invented = tmp_path / "invented"  # a gate that would have its own key sign for whoever is named
    invented.write_text(json.dumps(asked | {"grant": asked["grant"] | {"operator": ""}}))
    assert answered(invented, "y\n")[0] == 3
    unreadable = tmp_path / "unreadable"
    unreadable.write_text(json.dumps(asked | {"serial": 2**53 - 1}))
    assert answered(unreadable, "y\n")[0] == 4
    steering = tmp_path / "steering"
    steering.write_text(json.dumps(asked | {"names": {asked["grant"]["operator"]: "anna\x1b[2J"}}))
    assert "\x1b" not in answered(steering, "n\n")[1]


def test_canaries_are_planted_and_asked_for_over_the_network(
    servers: Hosts, run: Callable[..., tuple[int, Any]]
) -> None:
    at = ("--keep", servers.directory("gate"))
    assert run("canary", "plant", "--count", "2", *at) == (0, {"planted": 2})
    code, report = run("canary", "ask", *at)
    assert (code, report["canaries"], report["fault"]) == (0, 2, None)
    assert report["asked"] >= 2
