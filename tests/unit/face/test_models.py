"""The model pack: strict manifests, verified files, no telemetry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto

from facekeep.errors import ModelError
from facekeep.face.manifest import LARGEST_MANIFEST_BYTES, parse_manifest
from facekeep.face.model_spec import ModelInput, ModelRole
from facekeep.face.models import ModelPack
from tests.unit.face.graphs import constant_model, embedding_entry, mean_model, write_pack

MODEL = mean_model(16, 112)


def _entry(**changes: Any) -> dict[str, Any]:
    return embedding_entry(MODEL, 16, **changes)


def _parse(*entries: object) -> object:
    return parse_manifest(json.dumps({"format": "facekeep-models/1", "models": entries}).encode(), Path())


def test_the_pack_is_complete_and_unaltered(pack: ModelPack) -> None:
    assert {spec.role for spec in pack.models} == set(ModelRole)
    assert {
        "centerface",
        "fr_feature",
        "dlib_resnet",
        "fr_landmark",
        "fr_eye",
        "fr_pose",
        "fr_detect",
        "fr_liveness",
    } == {spec.name for spec in pack.models}
    assert pack.verify() == ()
    assert all(spec.licence.startswith("MIT") for spec in pack.models)


@pytest.mark.parametrize("name", [spec.name for spec in ModelPack.load().models])
def test_every_model_runs_as_its_manifest_says(pack: ModelPack, name: str) -> None:
    session = pack.open(name, threads=1)
    spec = session.spec
    side = spec.input.multiple * 2
    picture = np.zeros((1, spec.input.height or side, spec.input.width or side, 3), np.uint8)
    outputs = session.run(spec.input.tensor(picture))
    assert len(outputs) == len(spec.output.names)
    assert all(np.isfinite(values).all() for values in outputs)
    if spec.output.dimension:
        assert spec.output.dimension in outputs[0].shape


def test_nothing_of_a_face_stays_in_an_arena(pack: ModelPack) -> None:
    """What is freed in an arena of the runtime's own is not erased, as what is freed to the C library is."""
    options = pack.open("fr_detect", threads=1)._inference.get_session_options()
    assert options.enable_cpu_mem_arena is False


def test_an_altered_model_is_refused(pack: ModelPack, tmp_path: Path) -> None:
    spec = pack.spec("fr_eye")
    data = bytearray(spec.path.read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "fr_eye.onnx").write_bytes(data)
    whole = json.loads((spec.path.parent / "manifest.json").read_text())
    whole["models"] = [model for model in whole["models"] if model["name"] == "fr_eye"]
    (tmp_path / "manifest.json").write_text(json.dumps(whole))
    copy = ModelPack.load(tmp_path)
    with pytest.raises(ModelError, match="altered") as caught:
        copy.open("fr_eye")
    assert "make models" in caught.value.hint
    assert [str(error) for error in copy.verify()] == [str(caught.value)]


def test_a_missing_pack_or_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        ModelPack.load(tmp_path)
    assert "make models" in caught.value.hint
    write_pack(tmp_path, _entry())
    with pytest.raises(ModelError, match="cannot be read"):
        ModelPack.load(tmp_path).open("other")


def test_an_operator_adds_a_model(tmp_path: Path) -> None:
    pack = ModelPack.load(extra=[write_pack(tmp_path, _entry(), MODEL)])
    assert pack.of_role(ModelRole.EMBEDDING)[-1].name == "other"
    rows = pack.open("other", threads=1).run(np.full((3, 3, 112, 112), 7, np.float32))[0]
    assert np.allclose(rows, 7 + np.arange(16))


def test_an_operator_cannot_take_the_name_of_another_model(tmp_path: Path) -> None:
    path = write_pack(tmp_path, _entry(name="fr_feature", file="fr_feature.onnx"), MODEL)
    with pytest.raises(ModelError, match="one name"):
        ModelPack.load(extra=[path])


def test_an_unknown_name_lists_the_known(pack: ModelPack) -> None:
    with pytest.raises(ModelError) as caught:
        pack.open("emotion")
    assert "centerface" in caught.value.hint


def _without(key: str) -> Callable[[dict[str, Any]], None]:
    return lambda entry: entry.pop(key)


def _set(*path_and_value: Any) -> Callable[[dict[str, Any]], None]:
    *path, last, value = path_and_value

    def change(entry: dict[str, Any]) -> None:
        for key in path:
            entry = entry[key]
        entry[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set("url", "x"),
        _set("input", "colour", "RGB"),
        _set("output", "more", 1),
        _set("source", "home", ""),
        _without("sha256"),
        _set("name", "Other"),
        _set("name", ""),
        _set("file", "../other.onnx"),
        _set("file", "/other.onnx"),
        _set("file", "a/other.onnx"),
        _set("file", "a\\other.onnx"),
        _set("file", ".onnx"),
        _set("file", "other.bin"),
        _set("file", 7),
        _set("sha256", "0" * 63),
        _set("sha256", "G" * 64),
        _set("role", "emotion"),
        _set("licence", None),
        _set("alignment", None),
        _set("alignment", "dlib-150"),
        _set("alignment", "other"),
        _set("input", "width", 0),
        _set("input", "width", 1025),
        _set("input", "width", True),
        _set("input", "width", 112.0),
        _set("input", "width", None),
        _set("input", "layout", "NHWC"),
        _set("input", "channels", "rgb"),
        _set("input", "mean", [0, 0]),
        _set("input", "mean", [0, 0, "0"]),
        _set("input", "mean", [0, 0, 1e9]),
        _set("input", "scale", [1, 1, 0]),
        _set("input", "multiple", 0),
        _set("input", "batch", 1),
        _set("input", []),
        _set("output", "names", []),
        _set("output", "names", ["a", "b"]),
        _set("output", "names", [""]),
        _set("output", "names", "output"),
        _set("output", "form", "logits"),
        _set("output", "dimension", None),
        _set("output", "dimension", 0),
        _set("output", "dimension", 8193),
        _set("source", "files", "none"),
    ],
)
def test_a_manifest_that_breaks_a_rule_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    entry = _entry()
    _parse(entry)
    change(entry)
    with pytest.raises(ModelError):
        _parse(entry)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"format": "facekeep-models/2", "models": []}',
        b'{"format": "facekeep-models/1", "models": []}',
        b'{"format": "facekeep-models/1", "models": {}}',
        b'{"format": "facekeep-models/1", "format": "facekeep-models/1", "models": []}',
        b'{"format": NaN, "models": []}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError):
        parse_manifest(data, Path())


def test_a_huge_manifest_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(b" " * (LARGEST_MANIFEST_BYTES + 1))
    with pytest.raises(ModelError, match="at most"):
        ModelPack.load(tmp_path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(_entry())), JSON)
def test_no_value_escapes_the_parser(key: str, value: object) -> None:
    try:
        _parse(_entry() | {key: value})
    except ModelError:
        return
    assert isinstance(value, str | list | dict) or value is None


@pytest.mark.parametrize(
    ("data", "entry"),
    [
        (b"no model", {}),
        (constant_model({"other": np.ones((1, 16), np.float32)}, ("batch", 3, 112, 112)), {}),
        (constant_model({"output": np.ones((1, 16), np.float32)}, ("batch", 3, 96, 112)), {}),
        (constant_model({"output": np.ones((1, 16), np.float32)}, ("batch", 1, 112, 112)), {}),
        (constant_model({"output": np.ones((1, 16), np.float32)}, (1, 3, 112, 112)), {}),  # batch is promised
        (constant_model({"output": np.ones((1, 8), np.float32)}, ("batch", 3, 112, 112)), {}),
    ],
)
def test_a_model_that_differs_from_its_manifest_is_refused(data: bytes, entry: dict[str, Any], tmp_path: Path) -> None:
    path = write_pack(tmp_path, embedding_entry(data, 16) | entry, data)
    with pytest.raises(ModelError):
        ModelPack.load(extra=[path]).open("other", threads=1)


def test_weights_outside_the_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # They would escape the digest: the file names them, and the runtime would read them from the working directory.
    model = onnx.load_from_string(MODEL)
    ramp = onnx.TensorProto(name="ramp", data_type=TensorProto.FLOAT, dims=[16], data_location=TensorProto.EXTERNAL)
    ramp.external_data.add(key="location", value="outside.bin")
    model.graph.initializer.append(ramp)
    del model.graph.node[0]
    (tmp_path / "outside.bin").write_bytes(np.arange(16, dtype=np.float32).tobytes())
    monkeypatch.chdir(tmp_path)
    data = model.SerializeToString()
    path = write_pack(tmp_path, embedding_entry(data, 16), data)
    with pytest.raises(ModelError, match="cannot be loaded"):
        ModelPack.load(extra=[path]).open("other", threads=1)


def test_an_input_of_the_wrong_shape_is_an_error_of_ours(pack: ModelPack) -> None:
    with pytest.raises(ModelError, match="failed"):
        pack.open("fr_eye", threads=1).run(np.zeros((1, 3, 24, 24), np.float32))


def test_pictures_become_tensors_in_the_order_of_the_channels() -> None:
    def tensor(channels: str, planes: int) -> list[float]:
        described = ModelInput("input", channels, 1, 1, 1, (10.0,) * planes, (2.0,) * planes, batch=True)
        picture = np.array([[[[30, 20, 10]]]], np.uint8)
        return [float(value) for value in described.tensor(picture).ravel()]

    assert tensor("RGB", 3) == [10, 5, 0]
    assert tensor("BGR", 3) == [0, 5, 10]
    assert tensor("grey", 1) == [(round(0.299 * 30 + 0.587 * 20 + 0.114 * 10) - 10) / 2]


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    # Left alone, ONNX Runtime 1.29 and later keeps a device identifier and a queue of events in the home directory.
    script = (
        "from facekeep.face.models import ModelPack\n"
        "import os, threading\n"
        "ModelPack.load().open('fr_eye', threads=1)\n"
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'\n"
    )
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script], env=clean, check=True, timeout=60)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_runtime_that_was_loaded_before_is_named(tmp_path: Path) -> None:
    script = (
        "import sys, types; sys.modules['onnxruntime'] = types.ModuleType('onnxruntime')\nimport facekeep.face.runtime"
    )
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", script], env=clean, check=False, timeout=60, capture_output=True, text=True
    )
    assert "RuntimeWarning: onnxruntime was imported before facekeep" in result.stderr
