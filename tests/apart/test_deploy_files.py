"""What deploy/ starts is what the command line takes, and nothing in it is looser than it says."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from facekeep.interfaces.cli.app import build

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSED = sorted((DEPLOY / "compose").glob("*.yaml"))
_YES = (
    "NoNewPrivileges", "ProtectHome", "ProtectClock", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules",
    "ProtectKernelTunables", "ProtectControlGroups", "PrivateTmp", "PrivateDevices", "LockPersonality",
    "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
)  # fmt: skip


def _parses(arguments: list[str]) -> str:
    """Parse a command, and give its name; typer raises for what it does not know."""
    commands: dict[str, Any] = typer.main.get_command(build()).commands  # type: ignore[attr-defined]
    name, *rest = arguments
    commands[name].make_context(name, rest)
    return name


class _Unit(configparser.RawConfigParser):
    """A unit; of a key that is given several times the last one counts here, or all where they are asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(strict=False, interpolation=None, comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment, method-assign]
        self.read_string(path.read_text(encoding="utf-8"))


def test_there_is_one_for_each_role_and_one_for_all() -> None:
    roles = {"gate", "registrar", "left", "right"}
    assert {path.stem for path in UNITS} == {"facekeep"} | {f"facekeep-{role}" for role in roles}
    assert [path.stem for path in COMPOSED] == ["front", "left", "one-host", "right"]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_its_role_with_nothing_to_spare(path: Path) -> None:
    service = _Unit(path)["Service"]
    binary, *arguments = shlex.split(service["ExecStart"])
    role = path.stem.removeprefix("facekeep").removeprefix("-") or "one"
    assert binary == "/usr/local/bin/facekeep"
    command = {"one": "serve", "gate": "serve", "registrar": "registrar"}.get(role, "vault")
    assert _parses(arguments) == command
    assert service["User"] == path.stem
    state = f"/var/lib/{service['StateDirectory']}"
    assert state in arguments
    if command == "vault":
        assert arguments[arguments.index("--side") + 1] == role
    assert {name for name in _YES if service[name] != "yes"} == set()
    assert (service["ProtectSystem"], service["LimitCORE"], service["MemorySwapMax"]) == ("strict", "0", "0")
    assert (service["CapabilityBoundingSet"], service["UMask"], service["StateDirectoryMode"]) == ("", "0077", "0700")
    assert "MemoryDenyWriteExecute" not in service  # numba could not compile


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.stem)
def test_a_compose_file_starts_its_roles_with_nothing_to_spare(path: Path) -> None:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    expected = {"front": {"gate", "registrar"}, "one-host": {"keep"}}.get(path.stem, {path.stem})
    assert set(document["services"]) == set(document["volumes"]) == expected
    for name, service in document["services"].items():
        assert _parses(service["command"]) in {"serve", "registrar", "vault"}
        assert f"/var/lib/facekeep/{name}" in service["command"]
        assert service["volumes"] == [f"{name}:/var/lib/facekeep"]  # one for each role
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["ulimits"]["core"] == 0
        assert service["user"] == "facekeep"


def test_commands_are_really_parsed() -> None:
    with pytest.raises(Exception, match="No such option"):
        _parses(["vault", "/x", "--sides", "left", "--listen", "a:1"])
