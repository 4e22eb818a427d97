"""Keys of operators on four hosts: asked for at the gate, signed on the registrar's host, applied to both halves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from facekeep.interfaces.cli import main
from tests.apart.hosts import Hosts

pytestmark = pytest.mark.enable_socket


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
    sign = ("operator", "sign", request, "--registrar")
    assert run(*sign, servers.directory("gate"))[0] == 2  # the gate's folder has no such key
    code, said = run(*sign, servers.directory("registrar"))
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
        assert run("operator", "sign", desk, "--registrar", servers.directory("registrar"))[0] == 0
        assert run("operator", "apply", tmp_path / f"{name}.signed", *at)[0] == 0
        assert run(*verify)[0] == code
        assert run(*signed_by)[0] == 0

    revoke = tmp_path / "revoke"
    assert run("operator", "revoke", made["key"], "--request", revoke, *at)[0] == 0
    assert run("operator", "sign", revoke, "--registrar", servers.directory("registrar"))[1]["revoke"] == made["key"]
    assert run("operator", "apply", tmp_path / "revoke.signed", *at)[0] == 0
    assert run(*signed_by)[0] == 3


def test_canaries_are_planted_and_asked_for_over_the_network(
    servers: Hosts, run: Callable[..., tuple[int, Any]]
) -> None:
    at = ("--keep", servers.directory("gate"))
    assert run("canary", "plant", "--count", "2", *at) == (0, {"planted": 2})
    code, report = run("canary", "ask", *at)
    assert (code, report["canaries"], report["fault"]) == (0, 2, None)
    assert report["asked"] >= 2
