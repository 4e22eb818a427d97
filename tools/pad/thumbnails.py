"""How alike the face in a thumbnail and in a face crop are, of one person and of different ones.

``python -m tools.pad.thumbnails LONDON`` (the folder of people). Pictures are shrunk to what a camera of 640 × 480 sees
of a face, cropped as the page does, and sent through JPEG.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np

from facekeep.domain.sample import BiometricSample
from facekeep.face.images import decode
from facekeep.face.models import ModelPack
from facekeep.face.pad.continuity import ContinuityVoice
from facekeep.face.pad.crops import Cropper, encode


def main(people: Path) -> None:
    """Print percentiles of cosines."""
    pack = ModelPack.load()
    cropper, voice = Cropper.build(pack), ContinuityVoice.build(pack)
    faces, thumbnails, owners = [], [], []
    for number, folder in enumerate(sorted(people.iterdir())):
        for kind in ("neutral", "smiling"):
            room = np.full((480, 640, 3), 120, np.uint8)
            picture = decode((folder / f"{kind}.jpg").read_bytes()).pixels
            room[40:440, 120:520] = cv2.resize(picture, (400, 400), interpolation=cv2.INTER_AREA)
            made = cropper.make(BiometricSample(room))
            if made is None:
                raise SystemExit("no face was found in a picture")
            faces.append(voice.of_crop(decode(encode(made.face)).pixels))
            thumbnails.append(voice.of_crop(decode(encode(made.thumbnail)).pixels))
            owners.append(number)
    cosines, who = np.stack(faces) @ np.stack(thumbnails).T, np.array(owners)
    alike = who[:, np.newaxis] == who
    for name, values in (("own thumbnail", np.diag(cosines)), ("different people", cosines[~alike])):
        shown = ", ".join(f"{share} %: {np.percentile(values, share):.3f}" for share in (0, 1, 50, 99.9, 100))
        print(f"{name}, n = {values.size}: {shown}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
