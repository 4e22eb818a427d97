"""How fast the capture page is on this machine: ``python -m tests.browser.measuring PICTURES --runs 5``."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from tests.browser.devtools import chromium
from tests.browser.posing import RATE, Actor, do_what_is_asked, press, rehearsed
from tests.browser.scripted import Script, serving
from tests.clips.fake_camera import FakeCamera

_MARK = "performance.getEntriesByName('facekeep:%s')[0]?.startTime ?? -1"
_MEASURES = ("loaded, ms", "camera to face, ms", "frames kept in a second of look")


def _run(actor: Actor, folder: Path) -> tuple[float, float, float]:
    script = Script(steps=())
    with (
        FakeCamera(folder / "camera.mjpeg", actor.rest, RATE) as camera,
        serving(script) as link,
        chromium(folder, *camera.arguments) as page,
    ):
        page.call("Page.navigate", url=link)
        page.until("document.body.dataset.view === 'notice'")
        # Nothing of the document changes when the models are loaded, so it is asked in each frame.
        holds = f"({_MARK % 'ready'}) > 0"
        page.evaluate(f"new Promise(r => {{ const f = () => {holds} ? r() : requestAnimationFrame(f); f() }})")
        press(page, "I agree: use my face")
        page.until("document.querySelector('.advice')?.dataset.good === 'true'")
        ready, opened, face = (page.evaluate(_MARK % name) for name in ("ready", "camera", "face"))
        press(page, "Begin")
        do_what_is_asked(page, camera, actor)
        press(page, "Send")
        page.until("document.body.dataset.view === 'result'")
    frames = script.sent[0].frames
    return ready, face - opened, (len(frames) - 1) / (frames[-1].at / 1000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.measuring", description=__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    actor = rehearsed(asked.pictures, "astronaut", ())
    found = []
    for _ in range(asked.runs):
        with tempfile.TemporaryDirectory() as folder:
            found.append(_run(actor, Path(folder)))
    for name, values in zip(_MEASURES, zip(*found, strict=True), strict=True):
        sys.stdout.write(f"{name}: median {statistics.median(values):.1f}, {min(values):.1f} to {max(values):.1f}\n")


if __name__ == "__main__":
    main()
