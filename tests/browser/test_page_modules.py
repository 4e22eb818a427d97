"""The capture page's modules that need no browser, by node's own test runner."""

from __future__ import annotations

import json
import math
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from facekeep.domain.sample import BiometricSample
from facekeep.face.images import decode
from facekeep.face.light_detection import LightDetector
from facekeep.face.models import ModelPack
from facekeep.face.pad.crops import crop

WEB = Path(__file__).resolve().parents[2] / "web"


def test_the_modules_of_the_page() -> None:
    done = subprocess.run(
        ["npm", "test", "--silent"], cwd=WEB, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout


def test_the_lock_names_no_registry_and_every_package_has_its_digest() -> None:
    lock = json.loads((WEB / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())


def test_only_the_runtime_of_the_models_and_what_opens_sealed_pictures_go_to_people() -> None:
    package = json.loads((WEB / "package.json").read_text())
    assert list(package["dependencies"]) == ["hpke", "onnxruntime-web"]


def _run(program: str, arguments: list[str], pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What a program made of the page's modules writes; it reads the pixels as RGBA."""
    subprocess.run(["npx", "tsc", "--project", "tsconfig.tests.json"], cwd=WEB, check=True, timeout=120)
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", program, "--", *arguments],
        cwd=WEB,
        input=cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA).tobytes(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    return np.frombuffer(done.stdout, np.uint8)


_STRETCHED = """
import { readFileSync } from "node:fs";
import { stretched } from "./.build/src/frames/pixels.js";
const [side] = process.argv.slice(1).map(Number);
const picture = { data: new Uint8ClampedArray(readFileSync(0)), width: side, height: side };
process.stdout.write(stretched(picture, 320, 240).data);
"""


@pytest.mark.parametrize("side", [97, 128, 224])
def test_the_detector_of_the_page_sees_a_crop_as_that_of_the_gate_does(pictures: Path, side: int) -> None:
    picture = cv2.resize(decode((pictures / "astronaut.png").read_bytes()).pixels, (side, side))
    seen = _run(_STRETCHED, [str(side)], np.asarray(picture)).reshape(240, 320, 4)[..., :3]
    gate = cv2.resize(picture, (320, 240), interpolation=cv2.INTER_LINEAR)
    assert np.abs(seen.astype(int) - gate).max() <= 1


_CUT = """
import { readFileSync } from "node:fs";
import { faceCrop, thumbnail } from "./.build/src/frames/crops.js";
const [width, height, left, top, boxWidth, boxHeight, angle] = process.argv.slice(1).map(Number);
const picture = { data: new Uint8ClampedArray(readFileSync(0)), width, height };
const box = { left, top, width: boxWidth, height: boxHeight };
for (const crop of [faceCrop(picture, box, angle), thumbnail(picture, box, angle)]) process.stdout.write(crop.data);
"""


@pytest.mark.parametrize(("width", "height", "roll"), [(512, 512, 0.0), (640, 480, 12.0), (480, 300, -25.0)])
def test_crops_are_those_that_the_server_knows(pictures: Path, width: int, height: int, roll: float) -> None:
    picture = cv2.resize(decode((pictures / "astronaut.png").read_bytes()).pixels, (512, 512))
    turn = cv2.getRotationMatrix2D((222, 120), -roll, height / 512)
    turn[:, 2] += np.array([width / 2, height / 2.6]) - (222, 120)
    sample = BiometricSample(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT))
    box = max(LightDetector.build(ModelPack.load()).detect(sample.pixels), key=lambda face: face.confidence).box
    made = crop(sample, box, roll)
    assert made is not None
    whole = (made.box.left, made.box.top, made.box.width, made.box.height)
    arguments = [str(value) for value in (width, height, *whole, math.radians(roll))]
    made_there = _run(_CUT, arguments, sample.pixels)
    face, small = np.split(made_there, [4 * made.face.shape[0] ** 2])
    for name, ours, theirs in (("face", face, made.face), ("thumbnail", small, made.thumbnail)):
        side = theirs.shape[0]
        apart = np.abs(ours.reshape(side, side, 4)[..., :3].astype(int) - theirs.astype(int))
        # The edge of an ellipse or of the picture may fall on the one or the other side of a pixel.
        assert apart.mean() < 2, name
        assert np.percentile(apart, 99) < 30, name
