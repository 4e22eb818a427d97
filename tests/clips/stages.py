"""What a try costs the server, by stage: ``python -m tests.clips.stages PICTURES [--person NAME] [--runs N]``.

A simulated person does all that is asked, light too; the frames go through the container, the chain, the gate and every
voice, on this process alone. Milliseconds of wall time, the median of the runs, beside the frames that there were.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median

from facekeep.domain.capture import Recording, chain_start, chained
from facekeep.domain.capture_container import SentTry, decode, encode
from facekeep.domain.pad import decide
from facekeep.face.models import ModelPack
from facekeep.face.pad.detector import PresentationAttackDetector
from facekeep.face.pad.gate import FrameGate
from tests.clips.live import played
from tests.clips.people import Cast
from tests.clips.recording import RATE, Page, acts, asked, blinks, shine, webcam
from tests.clips.script import Timeline


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.clips.stages", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--person", default="astronaut")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    pack = ModelPack.load()
    gate, detector, steps = FrameGate.build(pack), PresentationAttackDetector.build(pack), asked(1)
    done = acts(steps, 1)
    clip = played(
        Cast(given.folder, pack).head(given.person), Timeline(done, blinks(done, 1)), seed=1, rate=RATE,
        light=shine(steps, done),
    )  # fmt: skip
    sent = Page(pack).sent(clip, steps)
    body = encode(SentTry(1, webcam(), tuple(sent)))
    times: dict[str, list[float]] = {}
    for _ in range(given.runs):
        began = time.perf_counter()
        found = decode(body)
        chained(chain_start(bytes(16)), found.frames)
        opened = time.perf_counter()
        frames = gate.admit(found.frames).frames
        admitted = time.perf_counter()
        recording = Recording(steps, frames, found.camera)
        examined = detector.examine(recording, lambda stage, took: times.setdefault(stage, []).append(took))
        ended = time.perf_counter()
        for stage, took in (
            ("container and chain", opened - began), ("gate", admitted - opened), ("all", ended - began),
        ):  # fmt: skip
            times.setdefault(stage, []).append(took)
    thumbnails = sum(bool(frame.thumbnail) for frame in sent)
    sys.stdout.write(
        f"{len(sent)} frames, {thumbnails} thumbnails, {len(body)} bytes: {decide(examined.findings).decision}\n"
        + "".join(f"{stage}: {1000 * median(took):.0f} ms\n" for stage, took in times.items())
    )


if __name__ == "__main__":
    main()
