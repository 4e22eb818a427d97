"""Rules of the tree that no other tool checks: no registry host, path of a machine, weights or conflict marks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 1 << 20
FORBIDDEN = {
    "the host of a package registry": re.compile(
        "|".join(
            [
                r"pypi\." + "org",
                r"pythonhosted\." + "org",
                r"npmjs\." + "(org|com)",
                r"yarnpkg\." + "com",
                r"deb\.debian\." + "org",
            ]
        )
    ),
    "an absolute path of a machine": re.compile(r"(?<![\w.])/(work|farm|home|root)/\w"),
}
CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)


def main() -> None:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    problems = []
    for name in filter(None, names.split("\0")):
        path = ROOT / name
        if not path.is_file():
            continue
        if path.suffix in {".onnx", ".db", ".key"} or path.name == "uv.lock" or path.stat().st_size > LARGEST:
            problems.append(f"{name}: does not belong into the repository")
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        problems += [f"{name}: names {what}" for what, pattern in FORBIDDEN.items() if pattern.search(text)]
        if CONFLICT.search(text):
            problems.append(f"{name}: has a conflict mark")
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
