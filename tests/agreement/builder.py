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
    "REDUCE_MIN": "ReducerOptions",
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
    "STRIDED_SLICE": "StridedSliceOptions",
    "SPLIT": "SplitOptions",
    "SPLIT_V": "SplitVOptions",
    "PACK": "PackOptions",
    "UNPACK": "UnpackOptions",
    "GATHER": "GatherOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "BATCH_MATMUL": "BatchMatMulOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "VAR_HANDLE": "VarHandleOptions",
    "CALL_ONCE": "CallOnceOptions",
}  # the others have none


class Net:
    """A model that is being written: tensors and operators in their order; tensors are numbers.

    ``main``: the model of which this one is a further subgraph.
    """

    def __init__(self, main: Net | None = None) -> None:
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        # number 0 is empty by definition
        self._buffers: list[Any] = main._buffers if main else [schema.BufferT()]
        self._codes: list[int] = main._codes if main else []
        self._others: list[Net] = []
        if main:
            main._others.append(self)
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

    def numbers(self, values: npt.ArrayLike) -> int:
        """An int32 constant, as operators take their axes, sizes and paddings."""
        data = np.asarray(values, np.int32)
        return self.tensor(data.shape, dtype="int32", data=data)

    def op(self, kind: str, inputs: Sequence[int], output: int | Sequence[int], **options: Any) -> Any:
        """An operator; options have the names of the schema. Returns ``output``, one tensor or several."""
        code = getattr(schema.BuiltinOperator, kind)
        if code not in self._codes:
            self._codes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex = self._codes.index(code)
        op.inputs = list(inputs)
        op.outputs = [output] if isinstance(output, int) else list(output)
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

    def build(self, x: int | Sequence[int], y: int | Sequence[int]) -> bytes:
        """The file, with the input x and the output y, or several of them."""
        model = schema.ModelT()
        model.version = 3
        model.description = "case"
        graphs = [self._graph(x, y), *(other._graph([], []) for other in self._others)]
        model.subgraphs, model.buffers = graphs, self._buffers
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

    def _graph(self, x: int | Sequence[int], y: int | Sequence[int]) -> Any:
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs = [x] if isinstance(x, int) else list(x)
        graph.outputs = [y] if isinstance(y, int) else list(y)
        return graph


def activation(name: str) -> int:
    """Number of a fused activation: NONE, RELU, RELU6, RELU_N1_TO_1."""
    return int(getattr(schema.ActivationFunctionType, name))


def padding(name: str) -> int:
    """Number of a padding: SAME, VALID."""
    return int(getattr(schema.Padding, name))
