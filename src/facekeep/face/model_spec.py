"""What the engine knows about a model: its role, its input and its outputs. Values only; nothing is read here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # luma of ITU-R BT.601, as OpenCV and Pillow use it


class ModelRole(StrEnum):
    """What a model is for."""

    DETECTOR = "detector"
    EMBEDDING = "embedding"
    LANDMARKS = "landmarks"
    EYE_STATE = "eye-state"
    HEAD_POSE = "head-pose"
    LIGHT_DETECTOR = "light-detector"
    PASSIVE_PAD = "passive-pad"


class OutputForm(StrEnum):
    """How the outputs of a model are to be read.

    ``centerface`` is a heatmap (1×1×h×w), logarithms of sizes (1×2×h×w: height, width), offsets (likewise: y, x) and
    points (1×10×h×w: y, x in turn) at a quarter of the input's size. ``faces`` is for graphs that decode by themselves:
    boxes (k×4: left, top, right, bottom, in pixels of the input), scores (k) and points (k×10: x, y in turn).
    """

    CENTERFACE = "centerface"
    FACES = "faces"
    ULTRA_LIGHT = "ultra-light"
    EMBEDDING = "embedding"
    POINTS_68 = "points-68"
    LOGITS = "logits"
    ANGLE_BINS = "angle-bins"


class Alignment(StrEnum):
    """The template that a face is moved onto before its embedding."""

    ARCFACE_112 = "arcface-112"
    DLIB_150 = "dlib-150"

    @property
    def side(self) -> int:
        """Width and height of the aligned picture, in pixels."""
        return {Alignment.ARCFACE_112: 112, Alignment.DLIB_150: 150}[self]


@dataclass(frozen=True, slots=True)
class ModelInput:
    """The one input of a model.

    Attributes:
        name: of the graph's input.
        channels: ``RGB``, ``BGR`` or ``grey``.
        width: in pixels, or None if it is free.
        height: likewise; both are free or neither.
        multiple: free sides must be multiples of this.
        mean: per channel, in the order of ``channels``, on the scale 0 to 255.
        scale: likewise; input = (pixel − mean) / scale.
        batch: whether several pictures may go in at once.
    """

    name: str
    channels: str
    width: int | None
    height: int | None
    multiple: int
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    batch: bool

    def tensor(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pictures as the model wants them.

        Args:
            pictures: RGB, shape (n, height, width, 3).

        Returns:
            Shape (n, 3 or 1, height, width), float32, contiguous.
        """
        if self.channels == "grey":
            planes = np.rint(pictures.astype(np.float32) @ _GREY)[:, np.newaxis]
        else:
            ordered = pictures if self.channels == "RGB" else pictures[..., ::-1]
            planes = ordered.transpose(0, 3, 1, 2).astype(np.float32, order="C")
        planes -= np.asarray(self.mean, np.float32)[:, np.newaxis, np.newaxis]
        planes /= np.asarray(self.scale, np.float32)[:, np.newaxis, np.newaxis]
        return np.ascontiguousarray(planes)


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """The outputs of a model.

    Attributes:
        names: of the graph's outputs, in the order of ``form``.
        form: how to read them.
        dimension: length of each row of the first output, or None where there is none.
    """

    names: tuple[str, ...]
    form: OutputForm
    dimension: int | None


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from: registry or publisher, package, version. For people to read."""

    registry: str
    package: str
    version: str


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model of a pack.

    Attributes:
        name: unique in the pack.
        role: what it is for.
        path: the ONNX file, in the folder of the manifest that names it.
        sha256: of that file, 64 hexadecimal digits.
        licence: of the package it comes from.
        source: that package.
        input: its input.
        output: its outputs.
        alignment: the template of an embedding; None for other roles.
        preprocessing: what else to know, for people to read.
    """

    name: str
    role: ModelRole
    path: Path
    sha256: str
    licence: str
    source: ModelSource
    input: ModelInput
    output: ModelOutput
    alignment: Alignment | None
    preprocessing: str
