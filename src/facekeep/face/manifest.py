"""The manifest of a model pack, read strictly.

A manifest is JSON, ``{"format": "facekeep-models/1", "models": […]}``. An operator may write one to add models, so
nothing in it is trusted: unknown and missing keys, wrong types, sizes out of range, names that leave the folder are
refused. The meaning of each key is that of the attribute of the same name in :mod:`facekeep.face.model_spec`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from facekeep.errors import ModelError
from facekeep.face.model_spec import Alignment, ModelInput, ModelOutput, ModelRole, ModelSource, ModelSpec, OutputForm

FORMAT = "facekeep-models/1"

LARGEST_MANIFEST_BYTES = 1 << 20
LARGEST_SIDE = 1024
LARGEST_DIMENSION = 8192
LARGEST_MODELS = 64

_HINT = "Compare the manifest with docs/how-to/other-models.md; for the pack that comes with Facekeep: make models."
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}\.onnx")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_T = TypeVar("_T")

_FORMS = {
    ModelRole.DETECTOR: {OutputForm.CENTERFACE, OutputForm.FACES},
    ModelRole.EMBEDDING: {OutputForm.EMBEDDING},
    ModelRole.LANDMARKS: {OutputForm.POINTS_68},
    ModelRole.EYE_STATE: {OutputForm.LOGITS},
    ModelRole.HEAD_POSE: {OutputForm.ANGLE_BINS},
    ModelRole.LIGHT_DETECTOR: {OutputForm.ULTRA_LIGHT},
    ModelRole.PASSIVE_PAD: {OutputForm.LOGITS},
}

_OUTPUTS = {
    OutputForm.CENTERFACE: 4,
    OutputForm.FACES: 3,
    OutputForm.ULTRA_LIGHT: 2,
    OutputForm.EMBEDDING: 1,
    OutputForm.POINTS_68: 1,
    OutputForm.LOGITS: 1,
    OutputForm.ANGLE_BINS: 3,
}


def read_manifest(path: Path) -> tuple[ModelSpec, ...]:
    """The models that a manifest names. The model files themselves are not opened.

    Raises:
        ModelError: the manifest is missing, too large or breaks a rule.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_MANIFEST_BYTES + 1)
    except OSError as error:
        raise ModelError(
            "the manifest of the models cannot be read", hint="Build the model pack: make models."
        ) from error
    if len(data) > LARGEST_MANIFEST_BYTES:
        raise ModelError(f"a manifest has at most {LARGEST_MANIFEST_BYTES} bytes", hint=_HINT)
    return parse_manifest(data, path.parent)


def parse_manifest(data: bytes, folder: Path) -> tuple[ModelSpec, ...]:
    """The models that these bytes name, their files in ``folder``.

    Raises:
        ModelError: the bytes are no manifest or break a rule.
    """
    try:
        document = json.loads(data, object_pairs_hook=_no_duplicates, parse_constant=_no_constants)
    except (ValueError, RecursionError) as error:
        raise ModelError("the manifest is not JSON", hint=_HINT) from error
    whole = _Object(document, "manifest")
    whole.only("format", "models")
    if whole.text("format") != FORMAT:
        raise ModelError(f"the manifest is not of the format {FORMAT}", hint=_HINT)
    models = whole.array("models")
    if not 1 <= len(models) <= LARGEST_MODELS:
        raise ModelError(f"a manifest names 1 to {LARGEST_MODELS} models", hint=_HINT)
    return tuple(_model(_Object(item, f"models[{index}]"), folder) for index, item in enumerate(models))


def _model(item: _Object, folder: Path) -> ModelSpec:
    item.only(
        *("name", "role", "file", "sha256", "licence", "source", "input", "output", "alignment", "preprocessing"),
    )
    role = item.one_of("role", ModelRole)
    output = _output(item.object("output"), role)
    alignment = None if item.values["alignment"] is None else item.one_of("alignment", Alignment)
    source = item.object("source")
    source.only("registry", "package", "version", "files")
    source.array("files")
    spec = ModelSpec(
        name=item.text("name", _NAME),
        role=role,
        path=folder / item.text("file", _FILE),
        sha256=item.text("sha256", _DIGEST),
        licence=item.text("licence"),
        source=ModelSource(source.text("registry"), source.text("package"), source.text("version")),
        input=_input(item.object("input")),
        output=output,
        alignment=alignment,
        preprocessing=item.text("preprocessing"),
    )
    if (spec.alignment is not None) != (role is ModelRole.EMBEDDING):
        raise item.error("alignment belongs to an embedding, and an embedding needs one")
    if spec.alignment and (spec.input.width, spec.input.height) != (spec.alignment.side, spec.alignment.side):
        raise item.error("the input's size is not that of the alignment")
    if role is ModelRole.EMBEDDING and output.dimension is None:
        raise item.error("an embedding has a dimension")
    return spec


def _input(item: _Object) -> ModelInput:
    item.only("name", "layout", "channels", "width", "height", "multiple", "mean", "scale", "batch")
    if item.text("layout") != "NCHW":
        raise item.error("layout is NCHW")
    channels = item.text("channels")
    if channels not in ("RGB", "BGR", "grey"):
        raise item.error("channels is RGB, BGR or grey")
    width, height = (item.whole(key, 1, LARGEST_SIDE, optional=True) for key in ("width", "height"))
    if (width is None) != (height is None):
        raise item.error("width and height are both free or both given")
    planes = 1 if channels == "grey" else 3
    mean, scale = item.numbers("mean", planes), item.numbers("scale", planes)
    if min(scale) <= 0:
        raise item.error("scale is above 0")
    batch = item.values["batch"]
    if not isinstance(batch, bool):
        raise item.error("batch is true or false")
    multiple = item.whole("multiple", 1, 128) or 1
    return ModelInput(item.text("name"), channels, width, height, multiple, mean, scale, batch)


def _output(item: _Object, role: ModelRole) -> ModelOutput:
    item.only("names", "form", "dimension")
    form = item.one_of("form", OutputForm)
    names = item.array("names")
    if form not in _FORMS[role]:
        raise item.error(f"a {role} has no output of the form {form}")
    if len(names) != _OUTPUTS[form] or not all(isinstance(name, str) and name for name in names):
        raise item.error(f"the form {form} has {_OUTPUTS[form]} named outputs")
    return ModelOutput(tuple(names), form, item.whole("dimension", 1, LARGEST_DIMENSION, optional=True))


class _Object:
    """A JSON object under examination; each accessor raises ModelError with the place, never with the value."""

    def __init__(self, values: object, place: str) -> None:
        self.place = place
        if not isinstance(values, Mapping):
            raise self.error("an object is expected")
        self.values: Mapping[str, Any] = values

    def error(self, message: str) -> ModelError:
        return ModelError(f"manifest of the models, {self.place}: {message}", hint=_HINT)

    def only(self, *keys: str) -> None:
        missing = [key for key in keys if key not in self.values]
        if missing:
            raise self.error(f"{missing[0]} is missing")
        if len(self.values) > len(keys):
            raise self.error(f"there is an unknown key; known are {', '.join(keys)}")

    def text(self, key: str, pattern: re.Pattern[str] | None = None) -> str:
        value = self.values[key]
        if not isinstance(value, str) or not 1 <= len(value) <= 500 or (pattern and not pattern.fullmatch(value)):
            raise self.error(f"{key} is not {pattern.pattern if pattern else 'text of 1 to 500 characters'}")
        return value

    def one_of(self, key: str, kind: Callable[[str], _T]) -> _T:
        try:
            return kind(self.text(key))
        except ValueError as error:
            raise self.error(f"{key} has an unknown value") from error

    def whole(self, key: str, low: int, high: int, *, optional: bool = False) -> int | None:
        value = self.values[key]
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(f"{key} is a whole number from {low} to {high}")
        return value

    def numbers(self, key: str, count: int) -> tuple[float, ...]:
        values = self.array(key)
        sound = all(isinstance(v, int | float) and not isinstance(v, bool) and abs(v) <= 1e6 for v in values)
        if len(values) != count or not sound:
            raise self.error(f"{key} holds {count} numbers from -1e6 to 1e6")
        return tuple(float(v) for v in values)

    def array(self, key: str) -> list[Any]:
        value = self.values[key]
        if not isinstance(value, list):
            raise self.error(f"{key} is an array")
        return value

    def object(self, key: str) -> _Object:
        return _Object(self.values[key], f"{self.place}.{key}")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice")
    return result


def _no_constants(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
