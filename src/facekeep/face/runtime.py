"""ONNX Runtime, loaded with its telemetry off. The only module that imports it.

Since version 1.29 the official builds report each process and session to their publisher over the network and keep a
device identifier in the home directory, by default. Only the environment variable ``ORT_DISABLE_TELEMETRY``, set before
the import, prevents both; the call ``disable_telemetry_events`` comes too late for the first event.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from facekeep.errors import ModelError
from facekeep.face.model_spec import ModelSpec

if "onnxruntime" in sys.modules and os.environ.get("ORT_DISABLE_TELEMETRY") != "1":
    warnings.warn(
        "onnxruntime was imported before facekeep, with its telemetry on: set ORT_DISABLE_TELEMETRY=1",
        RuntimeWarning,
        stacklevel=2,
    )
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

onnxruntime.disable_telemetry_events()
onnxruntime.set_default_logger_severity(4)  # fatal only: its messages would name files of the operator

Values = NDArray[np.float32]


class Session:
    """One model, ready to run. Several threads may use it at once.

    Attributes:
        spec: what the manifest says of it.
    """

    __slots__ = ("_inference", "spec")

    def __init__(self, spec: ModelSpec, data: bytes, *, threads: int) -> None:
        """Load verified bytes.

        Args:
            spec: what the manifest says of the model.
            data: the ONNX file, already held against its digest.
            threads: how many run one picture; at least 1.

        Raises:
            ModelError: the bytes are no model, or not the one that the manifest describes.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # Waiting threads sleep: a server holds several sessions, and most of them are idle.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # What was computed of a face would stay in an arena of the runtime's own: freeing there erases nothing.
        options.enable_cpu_mem_arena = False
        # Weights outside the file would escape the digest; there is no folder in which they could be found.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        try:
            self._inference = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise ModelError(f"the model {spec.name} cannot be loaded") from error
        self.spec = spec
        self._compare_with_manifest()

    def run(self, tensor: Values) -> Sequence[Values]:
        """The outputs, in the order of the manifest.

        Raises:
            ModelError: the model does not take this input, or failed on it.
        """
        try:
            outputs: Sequence[Values] = self._inference.run(
                list(self.spec.output.names), {self.spec.input.name: tensor}
            )
        except Exception as error:
            raise ModelError(f"the model {self.spec.name} failed on an input of shape {tensor.shape}") from error
        return outputs

    def _compare_with_manifest(self) -> None:
        described, inputs = self.spec.input, self._inference.get_inputs()
        outputs = {output.name: output for output in self._inference.get_outputs()}
        if [value.name for value in inputs] != [described.name] or set(self.spec.output.names) - set(outputs):
            raise self._differs("the names of its inputs and outputs")
        if inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            raise self._differs("its input is not float32 of four dimensions")
        planes = 1 if described.channels == "grey" else 3
        expected = (None if described.batch else 1, planes, described.height, described.width)
        for real, wanted in zip(inputs[0].shape, expected, strict=True):
            # A free dimension of the graph takes any size; a fixed one has to be the described one.
            if isinstance(real, int) and real != wanted:
                raise self._differs("the shape of its input")
        rows = outputs[self.spec.output.names[0]].shape
        if self.spec.alignment and isinstance(rows[-1], int) and rows[-1] != self.spec.output.dimension:
            raise self._differs("its dimension")

    def _differs(self, what: str) -> ModelError:
        return ModelError(f"the model {self.spec.name} is not what its manifest says: {what}")
