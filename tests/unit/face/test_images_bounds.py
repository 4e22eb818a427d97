"""Memory, disk and 500 malformed pictures, each watched in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
GIB = 1 << 30

_WATCH_DISK = """
import os, sys
from tests.unit.face import malformed as made
from facekeep.errors import ImageError
from facekeep.face.images import decode

pictures = list(made.base_pictures().values()) + [picture.data for picture in made.malformed(3, 260)]
for data in made.base_pictures().values():  # whatever is imported on first use is imported now
    decode(data)
seen = []

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC)
        if writes or (isinstance(mode, str) and set(mode) & set("wxa+")):
            seen.append(event)
    elif event.startswith(("tempfile.", "os.mkdir", "os.rename", "os.truncate", "os.link", "os.symlink", "shutil.")):
        seen.append(event)

sys.addaudithook(watch)
for data in pictures:
    try:
        decode(data)
    except ImageError:
        pass
clean = list(seen)
open(os.devnull, "wb").close()  # the watch itself works
print(clean, len(seen) - len(clean), len(os.listdir(".")))
"""

_PEAK = """
import sys
from pathlib import Path
from tests.unit.face import malformed as made
from facekeep.face.images import decode

for data in made.base_pictures().values():
    decode(data)
data = Path(sys.argv[1]).read_bytes()
before = made.peak_kib()
decode(data)
print((made.peak_kib() - before) * 1024 / 4000**2)
"""


def _run(*arguments: str, cwd: Path = ROOT) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, f"ended with {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout


def test_five_hundred_malformed_pictures() -> None:
    """No crash, no other exception (the process would end), memory bounded, and the decoders still work afterwards.

    No time limit, as those are flaky: that work is bounded follows from the bounds on pixels, scans and pieces. The
    bound on memory is for these pictures, which are small or refused: at most 512 MiB more than before, in 4 GiB of
    address space.
    """
    result = json.loads(_run("-m", "tests.unit.face.malformed", "2026", "500", str(4 * GIB)))
    assert sum(result["outcomes"].values()) == 500
    assert result["wrong"] == []
    assert result["outcomes"]["refused"] > 300
    assert result["outcomes"]["decoded"] > 50
    assert result["bases"] == 19
    assert result["grown_kib"] < 512 * 1024
    assert not any("/" in message or "CANARY" in message for message in result["messages"])


def test_nothing_is_written(tmp_path: Path) -> None:
    assert _run("-c", _WATCH_DISK, cwd=tmp_path).split() == ["[]", "1", "0"]


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("jpeg", "CMYK", {"progressive": True, "subsampling": 0}),
        ("png", "RGBA", {"compress_level": 1}),
        ("webp", "RGBA", {"lossless": True, "quality": 0, "method": 0}),
        ("tiff", "RGBA", {"compression": "tiff_deflate"}),
    ],
)
def test_peak_memory_is_bounded_by_the_pixels(tmp_path: Path, kind: str, mode: str, options: dict[str, object]) -> None:
    """The documented bound: 20 bytes a pixel (docs/how-to/pictures.md)."""
    from PIL import Image

    from tests.unit.face import malformed as made

    path = tmp_path / "large"
    path.write_bytes(made.encode(Image.new(mode, (4000, 4000), (90, 120, 150, 200)), kind, **options))
    per_pixel = float(_run("-c", _PEAK, str(path)))
    assert 3 < per_pixel < 20
