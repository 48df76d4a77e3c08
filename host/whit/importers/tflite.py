"""Reads a .tflite file into a Graph. Needs only the schema (PyPI ``tflite``), no TensorFlow."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from whit import variables
from whit.errors import WhitError
from whit.graph import Graph, Op, Tensor, Unsupported

# What no model that a board runs comes near; flatbuffers itself checks nothing, and tables of a file may be used again
# and again, so that a small file could fill any memory.
MAX_FILE_BYTES = 256 << 20
MAX_VALUES = 8 << 20  # of a tensor: a byte each, and boards have at most 8 MB
MAX_AXES = 8
MAX_TENSORS = 50_000
MAX_OPERATORS = 4_000
MAX_EDGES = 1_024  # inputs, or outputs, of an operator
_SMALLER = "use a smaller model: boards have at most 8 MB"

_HINT = "whit reads int8 .tflite files and Keras models (.keras, .h5)"


def _names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


_OPS = _names(tflite.BuiltinOperator)
_TYPES = {value: name.lower() for value, name in _names(tflite.TensorType).items()}
_ACTIVATIONS = _names(tflite.ActivationFunctionType)
_PADDINGS = _names(tflite.Padding)
_DTYPES: dict[str, Any] = {"int8": np.int8, "uint8": np.uint8, "int16": np.int16, "int32": np.int32, "int64": np.int64}
_DTYPES |= {"float32": np.float32, "bool": np.bool_}

# operator -> (class of its options, {our name: method}); a value is looked up in a table where one is named
_CONV = {
    "stride_h": "StrideH",
    "stride_w": "StrideW",
    "dilation_h": "DilationHFactor",
    "dilation_w": "DilationWFactor",
    "padding": "Padding",
    "activation": "FusedActivationFunction",
}
_POOL = {
    "stride_h": "StrideH",
    "stride_w": "StrideW",
    "filter_h": "FilterHeight",
    "filter_w": "FilterWidth",
    "padding": "Padding",
    "activation": "FusedActivationFunction",
}
_RESIZE = {"align_corners": "AlignCorners", "half_pixel_centers": "HalfPixelCenters"}
_ACTIVATION = {"activation": "FusedActivationFunction"}
_OPTIONS: dict[str, tuple[str, dict[str, str]]] = {
    "CONV_2D": ("Conv2DOptions", _CONV),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _CONV),
    "FULLY_CONNECTED": ("FullyConnectedOptions", {**_ACTIVATION, "weights_format": "WeightsFormat"}),
    "MAX_POOL_2D": ("Pool2DOptions", _POOL),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _POOL),
    "MEAN": ("ReducerOptions", {"keep_dims": "KeepDims"}),
    "SUB": ("SubOptions", _ACTIVATION),
    "BATCH_MATMUL": ("BatchMatMulOptions", {"adj_x": "AdjX", "adj_y": "AdjY"}),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", {"block_size": "BlockSize"}),
    "SPACE_TO_DEPTH": ("SpaceToDepthOptions", {"block_size": "BlockSize"}),
    "GATHER": ("GatherOptions", {"axis": "Axis", "batch_dims": "BatchDims"}),
    "TRANSPOSE_CONV": (
        "TransposeConvOptions",
        {
            "stride_h": "StrideH",
            "stride_w": "StrideW",
            "padding": "Padding",
            "activation": "FusedActivationFunction",
        },
    ),
    "VAR_HANDLE": ("VarHandleOptions", {"name": "SharedName"}),
    "CALL_ONCE": ("CallOnceOptions", {"subgraph": "InitSubgraphIndex"}),
    "UNPACK": ("UnpackOptions", {"axis": "Axis"}),
    "RESIZE_BILINEAR": ("ResizeBilinearOptions", _RESIZE),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", _RESIZE),
    "ADD": ("AddOptions", _ACTIVATION),
    "MUL": ("MulOptions", _ACTIVATION),
    "SOFTMAX": ("SoftmaxOptions", {"beta": "Beta"}),
    "CONCATENATION": ("ConcatenationOptions", {"axis": "Axis", **_ACTIVATION}),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        "UnidirectionalSequenceLSTMOptions",
        {**_ACTIVATION, "cell_clip": "CellClip", "time_major": "TimeMajor"},
    ),
    "SVDF": ("SVDFOptions", {"rank": "Rank"}),
    "LEAKY_RELU": ("LeakyReluOptions", {"alpha": "Alpha"}),
    "PACK": ("PackOptions", {"axis": "Axis"}),
    "STRIDED_SLICE": (
        "StridedSliceOptions",
        {
            "begin_mask": "BeginMask",
            "end_mask": "EndMask",
            "ellipsis_mask": "EllipsisMask",
            "new_axis_mask": "NewAxisMask",
            "shrink_axis_mask": "ShrinkAxisMask",
        },
    ),
}


def read(path: Path) -> Graph:
    """Graph of a .tflite file. Raises WhitError for a file that is none, is damaged, or has more than one subgraph."""
    return parse(content_of(path), path.name)


def content_of(path: Path) -> bytes:
    """The bytes of a model file, which must not be larger than any model."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise WhitError(f"{path.name}: {size >> 20} MB; a model has at most {MAX_FILE_BYTES >> 20}", _SMALLER)
        return path.read_bytes()
    except OSError as error:
        raise WhitError(f"{path.name}: {(error.strerror or 'cannot be read').lower()}", _HINT) from error


def parse(content: bytes, name: str) -> Graph:
    """Graph of the bytes of a .tflite file; ``name`` is for messages."""
    if not content:
        raise WhitError(f"{name}: empty file", _HINT)
    if content[4:8] != b"TFL3":
        raise WhitError(f"{name}: not a TensorFlow Lite file", _HINT)
    try:
        graph = _graph(content, name)
    except WhitError:
        raise
    except Exception as error:  # flatbuffers checks nothing: a damaged file fails anywhere below
        raise WhitError(
            f"{name}: damaged ({type(error).__name__} at {len(content)} B)", "copy or export it again"
        ) from error
    return graph


def _graph(content: bytes, name: str) -> Graph:
    model = tflite.Model.GetRootAs(content, 0)
    count = model.SubgraphsLength()
    if not 1 <= count <= MAX_TENSORS:
        raise ValueError("subgraphs")
    subgraphs = [model.Subgraphs(i) for i in range(count)]
    for what, most, lengths in (
        ("tensors", MAX_TENSORS, [sub.TensorsLength() for sub in subgraphs]),
        ("operators", MAX_OPERATORS, [sub.OperatorsLength() for sub in subgraphs]),
    ):
        if sum(lengths) > most:
            raise WhitError(f"{name}: has {sum(lengths)} {what}; at most {most} run", _SMALLER)
    graph, *others = [_subgraph(model, sub, name) for sub in subgraphs]
    called = {op.options["subgraph"] for op in graph.ops if op.kind == "CALL_ONCE"}
    if called != set(range(1, count)):
        raise WhitError(f"{name}: has {count} subgraphs; whit runs models with 1", "rebuild it without control flow")
    graph.source_sha256 = hashlib.sha256(content).hexdigest()
    try:
        variables.resolve(graph, others)
    except (Unsupported, KeyError) as reason:
        what = str(reason) if isinstance(reason, Unsupported) else "a variable that is not there"
        raise WhitError(f"{name}: {what}", "rebuild it with constant initial values") from reason
    return graph


def _subgraph(model: Any, sub: Any, name: str) -> Graph:
    tensors = [_tensor(model, sub.Tensors(i), name) for i in range(sub.TensorsLength())]

    def pick(i: int) -> Tensor:
        if not 0 <= i < len(tensors):
            raise ValueError("tensor index")
        return tensors[i]

    ops = []
    for i in range(sub.OperatorsLength()):
        raw = sub.Operators(i)
        code = model.OperatorCodes(raw.OpcodeIndex())
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        kind = _OPS.get(number, f"operator {number}")
        if kind == "CUSTOM":
            kind = "CUSTOM " + _text(code.CustomCode() or b"?")
        if max(raw.InputsLength(), raw.OutputsLength()) > MAX_EDGES:
            most = f"{raw.InputsLength()} inputs and {raw.OutputsLength()} outputs; at most {MAX_EDGES} run"
            raise WhitError(f"{name}: {kind} (layer {i}) has {most}", _SMALLER)
        inputs = [None if raw.Inputs(j) < 0 else pick(raw.Inputs(j)) for j in range(raw.InputsLength())]
        outputs = [pick(raw.Outputs(j)) for j in range(raw.OutputsLength())]
        ops.append(Op(kind, i, inputs, outputs, _options(kind, raw)))
    return Graph(
        name=Path(name).stem,
        source=name,
        inputs=[pick(sub.Inputs(i)) for i in range(sub.InputsLength())],
        outputs=[pick(sub.Outputs(i)) for i in range(sub.OutputsLength())],
        ops=ops,
    )


def _vector(table: Any, field: str) -> npt.NDArray[Any]:
    """A vector of numbers; an absent one is empty."""
    if not getattr(table, field + "Length")():
        return np.zeros(0, np.int64)
    values: npt.NDArray[Any] = getattr(table, field + "AsNumpy")()
    return values


def _text(raw: bytes) -> str:
    """A name as messages can show it: in one line."""
    return "".join(c if c.isprintable() else "?" for c in raw[:200].decode("utf-8", "replace"))


def _tensor(model: Any, raw: Any, source: str) -> Tensor:
    dtype, name = _TYPES[raw.Type()], _text(raw.Name() or b"")
    shape = tuple(int(n) for n in _vector(raw, "Shape")[: MAX_AXES + 1])
    if any(n < 0 for n in shape):
        raise ValueError("shape")
    if len(shape) > MAX_AXES or math.prod(shape) > MAX_VALUES:
        have = "x".join(map(str, shape[:MAX_AXES]))
        limits = f"at most {MAX_AXES} axes and {MAX_VALUES} values run"
        raise WhitError(f"{source}: tensor {name} of {have} values in {len(shape)} axes; {limits}", _SMALLER)
    tensor = Tensor(name, shape, dtype, variable=bool(raw.IsVariable()))
    quantisation = raw.Quantization()
    if quantisation is not None:
        tensor.scales = _vector(quantisation, "Scale").astype(np.float32, copy=False)
        tensor.zero_points = _vector(quantisation, "ZeroPoint").astype(np.int64, copy=False)
        tensor.axis = int(quantisation.QuantizedDimension())
    if tensor.variable and dtype == "int8":
        tensor.fill = tensor.zero_point  # what the reference begins with
    buffer = model.Buffers(raw.Buffer())
    if buffer is not None and buffer.DataLength():
        if dtype not in _DTYPES:
            return tensor  # its user will be refused
        tensor.data = np.frombuffer(buffer.DataAsNumpy(), _DTYPES[dtype]).reshape(shape)
    elif buffer is not None and tensor.size == 0:
        tensor.data = np.zeros(shape, _DTYPES.get(dtype, np.int32))
    return tensor


def _options(kind: str, raw: Any) -> dict[str, Any]:
    if kind == "RESHAPE":
        return {}  # the output's shape says it all
    if kind not in _OPTIONS:
        return {}
    class_name, fields = _OPTIONS[kind]
    table = getattr(tflite, class_name)()
    union = raw.BuiltinOptions()
    if union is None:
        return {}
    table.Init(union.Bytes, union.Pos)
    values = {ours: getattr(table, method)() for ours, method in fields.items()}
    if "activation" in values:
        values["activation"] = _ACTIVATIONS[values["activation"]]
    if "name" in values:
        values["name"] = (values["name"] or b"").decode("utf-8", "replace")
    if "padding" in values:
        values["padding"] = _PADDINGS[values["padding"]]
    return values
