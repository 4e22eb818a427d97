"""Small ONNX models whose outputs are known, and manifests for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Shape = Sequence[int | str]


def constant_model(outputs: Mapping[str, NDArray[np.float32]], shape: Shape = (1, 3, 64, 64)) -> bytes:
    """A model that gives these values whatever goes in."""
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(values))
        for name, values in outputs.items()
    ]
    return _model(nodes, shape, {name: values.shape for name, values in outputs.items()})


def mean_model(dimension: int, side: int) -> bytes:
    """An embedding of any number of pictures: each row is the mean of the picture, plus the coordinate's number."""
    ramp = np.arange(dimension, dtype=np.float32)
    nodes = [
        helper.make_node("Constant", [], ["ramp"], value=numpy_helper.from_array(ramp)),
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Constant", [], ["axis"], value=numpy_helper.from_array(np.array([1], np.int64))),
        helper.make_node("Unsqueeze", ["mean", "axis"], ["column"]),
        helper.make_node("Add", ["column", "ramp"], ["output"]),
    ]
    return _model(nodes, ("batch", 3, side, side), {"output": ("batch", dimension)})


def _model(nodes: list[onnx.NodeProto], shape: Shape, outputs: Mapping[str, Shape]) -> bytes:
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(size)) for name, size in outputs.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def detector_entry(data: bytes) -> dict[str, Any]:
    """The manifest's object of a detector of the form ``faces``, 64 × 64 pixels."""
    output = {"names": ["boxes", "scores", "points"], "form": "faces", "dimension": None}
    return _entry(data, "other_detector", 64) | {"role": "detector", "output": output, "alignment": None}


def embedding_entry(data: bytes, dimension: int, **changes: Any) -> dict[str, Any]:
    """The manifest's object of an embedding, 112 × 112 pixels."""
    output = {"names": ["output"], "form": "embedding", "dimension": dimension}
    entry = _entry(data, "other", 112) | {"role": "embedding", "output": output, "alignment": "arcface-112"}
    entry["input"]["batch"] = True
    return entry | changes


def _entry(data: bytes, name: str, side: int) -> dict[str, Any]:
    sizes = {"width": side, "height": side, "multiple": 1}
    values = {"mean": [0, 0, 0], "scale": [1, 1, 1], "batch": False}
    return {
        "name": name,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "licence": "Apache-2.0",
        "source": {"registry": "own", "package": "test", "version": "1", "files": []},
        "input": {"name": "input", "layout": "NCHW", "channels": "RGB"} | sizes | values,
        "preprocessing": "none",
    }


def write_pack(folder: Path, entry: Mapping[str, Any], data: bytes | None = None) -> Path:
    """The manifest of one model, with the model beside it; gives the manifest's path."""
    folder.mkdir(parents=True, exist_ok=True)
    if data is not None:
        (folder / f"{entry['name']}.onnx").write_bytes(data)
    path = folder / "manifest.json"
    path.write_text(json.dumps({"format": "facekeep-models/1", "models": [entry]}))
    return path
