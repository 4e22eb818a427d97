"""Make a clip for Chromium's fake camera: ``python -m tests.clips DIR --person NAME --kind live --out FILE.mjpeg``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.clips.fake_camera import encoded
from tests.clips.head import Head
from tests.clips.live import Frame, cycle, played
from tests.clips.people import Cast
from tests.clips.script import Act, Timeline


def _look(head: Head, *, seed: int, rate: float) -> Iterator[Frame]:
    return played(head, Timeline([Act(None, 8.0)], blinks=(1.4, 5.3)), seed=seed, rate=rate)


KINDS: dict[str, Callable[..., Iterator[Frame]]] = {"live": cycle, "look": _look}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.clips", description=__doc__)
    parser.add_argument("folder", type=Path, help="pictures, or the folder of data that has london/")
    parser.add_argument("--person", default="astronaut", help="whose picture")
    parser.add_argument("--kind", choices=sorted(KINDS), default="live", help="live: all active steps in turn")
    parser.add_argument("--rate", type=float, default=20.0, help="frames in a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="concatenated JPEGs")
    asked = parser.parse_args()
    head = Cast(asked.folder).head(asked.person)
    frames = 0
    with asked.out.open("wb") as file:
        for frame in KINDS[asked.kind](head, seed=asked.seed, rate=asked.rate):
            file.write(encoded(frame.picture))
            frames += 1
    sys.stdout.write(f"{asked.out}: {frames} frames, {asked.out.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
