"""The commands of docs/how-to/three-hosts.md, with the names of this machine in place of those of three hosts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

_PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "three-hosts.md"
_FOLDER = "/var/lib/facekeep/"
_PORTS = {"8745": "registrar", "8746": "left", "8747": "right"}


def commands(folder: Path, ports: Mapping[str, int]) -> list[list[str]]:
    """Every command of the page, without the word ``facekeep``, in its order; pins are still to be filled in.

    Args:
        folder: stands for the folder that holds those of the roles.
        ports: of this machine, by role.
    """
    lines = re.findall(r"^\$ facekeep (.+)$", _PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return [[_here(word, folder, ports) for word in shlex.split(line)] for line in lines]


def _here(word: str, folder: Path, ports: Mapping[str, int]) -> str:
    if found := re.fullmatch(r"[\w.]+:(\d+)", word):
        return f"127.0.0.1:{ports[_PORTS[found[1]]]}"
    if found := re.fullmatch(r"(\w+)\.card", word):
        return str(folder / found[1] / word)
    return word.replace(_FOLDER, f"{folder}/")
