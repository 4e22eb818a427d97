"""Pin every dependency: requirements/lock.txt with hashes and no addresses. Uses pip-tools in a place of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ["hatchling>=1.25", "editables>=0.5"]


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *project["dependency-groups"]["dev"],
        *BUILD,
    ]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "pip-tools"], check=True)
        source = Path(folder) / "all.in"
        source.write_text("\n".join(wanted) + "\n")
        target = ROOT / "requirements" / "lock.txt"
        command: list[str | Path] = [python, "-m", "piptools", "compile", "--quiet", "--generate-hashes"]
        command += ["--strip-extras", "--no-header", "--no-annotate", "--allow-unsafe"]
        command += ["--no-emit-index-url", "--no-emit-find-links", "--no-emit-trusted-host"]
        subprocess.run([*command, "--output-file", target, source], check=True)
    lines = [line for line in target.read_text().splitlines() if not line.lstrip().startswith("#")]
    if any("://" in line for line in lines):
        sys.exit("the lock holds an address")
    target.write_text("\n".join(lines).strip() + "\n")


if __name__ == "__main__":
    main()
