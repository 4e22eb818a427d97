"""What the tests of the command line share: pictures, a notice, and the command in this process or in its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from facekeep.interfaces.cli import main

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / ".cache" / "pictures"


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command gave."""

    code: int
    out: str
    error: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document of its output."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        return document


def clean_environment(**more: str) -> dict[str, str]:
    """This environment without Facekeep's own variables, as a terminal of 80 columns that is none."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACEKEEP_")}
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS"):
        kept.pop(name, None)
    return {**kept, "COLUMNS": "80", "TERM": "dumb", **more}


def process(arguments: Sequence[str], *, stdin: bytes = b"", cwd: Path | None = None, **environment: str) -> Ran:
    """Run ``facekeep`` as a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-m", "facekeep", *arguments],
        input=stdin,
        capture_output=True,
        env=clean_environment(**environment),
        cwd=cwd,
        timeout=120,
        check=False,
    )
    return Ran(ran.returncode, ran.stdout.decode(), ran.stderr.decode())


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run a command in this process, which loads the libraries once."""
    for name in [name for name in os.environ if name.startswith("FACEKEEP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    # What it does to a process cannot be undone, and this one goes on.
    monkeypatch.setattr("facekeep.interfaces.memory.harden", lambda: ())

    def running(*arguments: object) -> Ran:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, error = capfd.readouterr()
        return Ran(code, out, error)

    return running


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder of real pictures that registries carry."""
    if not (PICTURES / "astronaut.png").is_file():
        pytest.fail("the test pictures are missing: python tools/pictures/fetch.py")
    return PICTURES


@pytest.fixture(scope="session")
def notice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A notice."""
    path = tmp_path_factory.mktemp("notice") / "notice.txt"
    path.write_text("We keep a template of your face to open the door.\n", encoding="utf-8")
    return path


def new_keep(folder: Path, notice: Path, pictures: Path, *labels: str) -> Path:
    """A keep with people in it."""
    keep = folder / "keep"
    assert main(["init", str(keep), "--json"]) == 0
    for label in labels:
        options = ["--consent", "verify,identify", "--notice", str(notice), "--keep", str(keep), "--json"]
        assert main(["enrol", label, str(pictures / f"{label}.jpg"), *options]) == 0
    return keep


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory, notice: Path, pictures: Path) -> Path:
    """A keep with two people, for tests that change nothing which another one looks at."""
    return new_keep(tmp_path_factory.mktemp("keep"), notice, pictures, "obama", "biden")
