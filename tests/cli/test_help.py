"""The help is quick, light and the same as the page."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from tools.docs.cli import PAGE, page

from facekeep.interfaces.cli.app import build
from tests.cli.conftest import Ran, clean_environment, process

_HEAVY = ("numpy", "cv2", "onnxruntime", "numba", "sqlalchemy", "PIL", "pydantic", "cryptography", "jinja2")
_COMMANDS = {
    "account",
    *("appeal", "audit", "backup", "backup-identity", "export", "restore"),
    "report",
    *("init", "enrol", "verify", "identify", "list", "show", "consent", "erase", "refresh", "rotate", "evaluate"),
    *("drill", "bench", "doctor", "demo", "case", "switch", "never-return", "unlock"),
    *("serve", "token", "compare", "operator", "canary", "pair", "vault", "registrar", "ready"),
    *("reference", "gallery", "notice", "webhook", "retention", "review"),
}


def test_the_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from facekeep.interfaces.cli import main; code = main(['--help']);"
        f"print([m for m in {_HEAVY!r} if m in sys.modules], code, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env=clean_environment(), check=True, text=True
    )
    assert ran.stderr.strip() == "[] 0"


def test_a_keep_is_opened_without_what_only_some_commands_need(keep: Path) -> None:
    """Masked arrays of numpy and the library of passkeys take longer to load than a keep takes to open."""
    program = (
        "import sys; from facekeep.interfaces.cli import main; code = main(['list', '--keep', sys.argv[1]]);"
        "print([m for m in ('numpy.ma', 'webauthn', 'cedarpy', 'alembic') if m in sys.modules], code, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(keep)], capture_output=True, env=clean_environment(), check=True, text=True
    )
    assert ran.stderr.strip() == "[] 0"


def test_the_help_takes_less_than_half_a_second() -> None:
    # Time of the processor, not of the clock: other processes of this machine are not what is measured.
    spent = []
    for _ in range(3):
        before = os.times()
        assert process(["--help"]).code == 0
        after = os.times()
        spent.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(spent) < 0.5


def test_all_commands_are_there_and_each_has_help_and_json() -> None:
    group = typer.main.get_command(build())
    commands = dict(group.commands)  # type: ignore[attr-defined]
    assert set(commands) == _COMMANDS
    leaves = {name: command for name, command in commands.items() if not hasattr(command, "commands")}
    for name, command in commands.items():
        leaves |= {f"{name} {child}": leaf for child, leaf in getattr(command, "commands", {}).items()}
    for name, command in leaves.items():
        assert command.help, name
        assert any("--json" in parameter.opts for parameter in command.params), name
        assert all(parameter.help for parameter in command.params), name


def test_the_page_is_what_the_program_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python tools/docs/cli.py"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"], ["verify", "--help"], ["consent", "give", "-h"]])
def test_help_is_on_the_standard_output(arguments: list[str]) -> None:
    ran: Ran = process(arguments)
    assert (ran.code, ran.error) == (0, "")
    assert "Usage: facekeep" in ran.out


def test_the_version() -> None:
    ran = process(["--version"])
    assert ran.code == 0
    assert ran.out.strip()[0].isdigit()
