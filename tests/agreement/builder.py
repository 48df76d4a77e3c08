"""Writes small .tflite files, operator by operator, with the schema that comes with TensorFlow Lite Micro."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from tflite_micro.python.tflite_micro.runtime import schema_fb as schema  # its own place differs by version

Array = npt.NDArray[Any]

_OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "SUM": "ReducerOptions",
    "REDUCE_MAX": "ReducerOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "SOFTMAX": "SoftmaxOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "CONCATENATION": "ConcatenationOptions",
    "RESHAPE": "ReshapeOptions",
    "EXPAND_DIMS": "ExpandDimsOptions",
    "SQUEEZE": "SqueezeOptions",
    "PAD": "PadOptions",
    "PADV2": "PadV2Options",
    "QUANTIZE": "QuantizeOptions",
    "DEQUANTIZE": "DequantizeOptions",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTMOptions",
    "SVDF": "SVDFOptions",
}  # the others have none


class Net:
    """A model that is being written: tensors and operators in their order; tensors are numbers."""

    def __init__(self) -> None:
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._buffers: list[Any] = [schema.BufferT()]  # number 0 is empty by definition
        self._codes: list[int] = []
        self.shapes: list[tuple[int, ...]] = []

    def tensor(
        self,
        shape: Sequence[int],
        scale: float | Iterable[float] | None = None,
        zero: int = 0,
        *,
        dtype: str = "int8",
        data: npt.ArrayLike | None = None,
        axis: int = 0,
        variable: bool = False,
    ) -> int:
        """A tensor; ``data`` makes it a constant, several scales go along ``axis``; a variable lives between runs."""
        t = schema.TensorT()
        t.shape = [int(n) for n in shape]
        t.type = getattr(schema.TensorType, dtype.upper())
        t.name = f"t{len(self._tensors)}"
        t.hasRank = True
        t.isVariable = variable
        if scale is not None:
            scales = [float(s) for s in np.atleast_1d(np.asarray(scale, np.float32))]
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale = scales
            t.quantization.zeroPoint = [zero] * len(scales)
            t.quantization.quantizedDimension = axis
        if data is not None:
            t.buffer = len(self._buffers)
            content = schema.BufferT()
            content.data = np.frombuffer(np.asarray(data, dtype).tobytes(), np.uint8)
            self._buffers.append(content)
        self._tensors.append(t)
        self.shapes.append(tuple(t.shape))
        return len(self._tensors) - 1

    def op(self, kind: str, inputs: Sequence[int], output: int, **options: Any) -> int:
        """An operator; options have the names of the schema. Returns ``output``."""
        code = getattr(schema.BuiltinOperator, kind)
        if code not in self._codes:
            self._codes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex = self._codes.index(code)
        op.inputs = list(inputs)
        op.outputs = [output]
        if options and kind not in _OPTIONS:
            raise AttributeError(f"{kind} has no options")
        if kind in _OPTIONS:
            op.builtinOptionsType = getattr(schema.BuiltinOptions, _OPTIONS[kind])
            op.builtinOptions = getattr(schema, _OPTIONS[kind] + "T")()
            for name, value in options.items():
                if not hasattr(op.builtinOptions, name):
                    raise AttributeError(f"{kind} has no option {name}")
                setattr(op.builtinOptions, name, value)
        self._operators.append(op)
        return output

    def build(self, x: int, y: int) -> bytes:
        """The file, with the one input x and the one output y."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = [x], [y]
        model = schema.ModelT()
        model.version = 3
        model.description = "case"
        model.subgraphs, model.buffers = [graph], self._buffers
        model.operatorCodes = []
        for code in self._codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode = code
            entry.deprecatedBuiltinCode = min(code, 127)
            entry.version = 1
            model.operatorCodes.append(entry)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def activation(name: str) -> int:
    """Number of a fused activation: NONE, RELU, RELU6, RELU_N1_TO_1."""
    return int(getattr(schema.ActivationFunctionType, name))


def padding(name: str) -> int:
    """Number of a padding: SAME, VALID."""
    return int(getattr(schema.Padding, name))
