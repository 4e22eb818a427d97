"""The tutorial does what it says: its commands are run by a shell, and what they print is compared."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, clean_environment

_PAGES = ROOT / "docs" / "tutorial"
_MARK = "=== next command ==="


def _steps(text: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of the console blocks, each with the lines it prints."""
    command, printed, inside = "", list[str](), False
    for line in text.splitlines():
        if line.startswith("```"):
            if command:
                yield command, printed
            command, printed, inside = "", [], line == "```console"
        elif inside and line.startswith("$ "):
            if command:
                yield command, printed
            command, printed = line.removeprefix("$ "), []
        elif inside:
            printed.append(line)


def _free_port() -> int:
    """A port that nobody listens on, as another process finds it: this one may open no sockets."""
    program = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1])"
    return int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)


@pytest.mark.parametrize(("page", "count"), [("first-keep.md", 20), ("first-server.md", 15)])
def test_the_tutorial_is_what_happens(page: str, count: int, tmp_path: Path, pictures: Path) -> None:
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "pictures").symlink_to(pictures)
    text = (_PAGES / page).read_text(encoding="utf-8").replace("8744", str(_free_port()))
    if "`ask.py`" in text:
        (tmp_path / "ask.py").write_text(text.partition("```python\n")[2].partition("```")[0])
    steps = list(_steps(text))
    assert len(steps) >= count
    script = "".join(f"{command}\necho '{_MARK}'\n" for command, _ in steps)
    tools = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    ran = subprocess.run(
        ["bash", "-c", f"exec 2>&1\n{script}"],
        capture_output=True,
        cwd=tmp_path,
        env=clean_environment(PATH=tools, LC_ALL="C.UTF-8"),
        check=True,
        text=True,
        timeout=300,
    )
    outputs = [part.strip("\n").splitlines() for part in ran.stdout.split(_MARK)[:-1]]
    assert len(outputs) == len(steps)
    for (command, expected), output in zip(steps, outputs, strict=True):
        assert output == expected, command
