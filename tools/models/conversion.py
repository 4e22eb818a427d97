"""Freeing the fixed shapes of published ONNX files, without touching a weight."""

from __future__ import annotations

import onnx
from onnx import numpy_helper


def free_size(data: bytes) -> bytes:
    """CenterFace for any input whose sides are multiples of 32.

    The published file has a fixed 10×3×32×32 input and lists its weights as inputs; the latter are dropped.
    """
    model = onnx.load_from_string(data)
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    del model.graph.value_info[:]
    for value in [*model.graph.input, *model.graph.output]:
        batch, _, height, width = value.type.tensor_type.shape.dim
        batch.dim_param = "batch"
        height.dim_param, width.dim_param = f"{value.name}_height", f"{value.name}_width"
    return _checked(model)


def free_batch(data: bytes) -> bytes:
    """An embedding for any number of faces at once: first dimension free, the closing Reshape without a fixed 1."""
    model = onnx.load_from_string(data)
    graph = model.graph
    reshaped = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for tensor in graph.initializer:
        if tensor.name in reshaped:
            tensor.CopyFrom(_without_batch(tensor))
    for node in graph.node:
        if node.op_type == "Constant" and node.output[0] in reshaped:
            node.attribute[0].t.CopyFrom(_without_batch(node.attribute[0].t))
    del graph.value_info[:]
    for value in [*graph.input, *graph.output]:
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    return _checked(model)


def _without_batch(shape: onnx.TensorProto) -> onnx.TensorProto:
    sizes = numpy_helper.to_array(shape).copy()
    if sizes[0] != 1:
        raise ValueError(f"a Reshape to {sizes.tolist()} cannot be freed")
    sizes[0] = 0  # "as many as the input has"
    return numpy_helper.from_array(sizes, shape.name)


def _checked(model: onnx.ModelProto) -> bytes:
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))
