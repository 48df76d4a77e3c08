"""What runs: operators of TensorFlow Lite by the kernel that runs them, and the layers of Keras as tests found them.

The layers stand in coverage.json, which tests/keras writes and compares: each is built, converted and run, and every
byte of its output is compared with the reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from whit.ops.unary import FLOAT

PATH = Path(__file__).with_name("coverage.json")

_SAME_SCALE = "output scale as that of the input"

# kernel of the board -> {operator: condition, or nothing}
KERNELS: dict[str, dict[str, str]] = {
    "conv": {
        "CONV_2D": "int8 weights; groups, dilations, a scale per channel",
        "FULLY_CONNECTED": "int8 weights",
        "TRANSPOSE_CONV": "int8 weights",
    },
    "depthwise": {"DEPTHWISE_CONV_2D": "int8 weights; a single input channel is for conv"},
    "matmul": {"BATCH_MATMUL": "2 to 4 axes; either side may be constant"},
    "pool": {"MAX_POOL_2D": _SAME_SCALE, "AVERAGE_POOL_2D": _SAME_SCALE},
    "reduce": {
        "MEAN": "axes in at most two separate runs",
        "SUM": "axes in at most two separate runs",
        "REDUCE_MAX": _SAME_SCALE,
        "REDUCE_MIN": _SAME_SCALE,
    },
    "add": {"ADD": "broadcasting", "SUB": "broadcasting", "SQUARED_DIFFERENCE": "broadcasting"},
    "mul": {"MUL": "broadcasting", "PRELU": "broadcasting"},
    "minmax": {"MAXIMUM": "broadcasting", "MINIMUM": "broadcasting"},
    "softmax": {"SOFTMAX": "over the last axis, up to 512 classes"},
    "lut": {
        "RELU": "",
        "RELU6": "",
        "LEAKY_RELU": "",
        "ELU": "",
        "TANH": "",
        "LOGISTIC": "",
        "HARD_SWISH": "",
        "ABS": "",
        "RSQRT": "",
        "QUANTIZE": "from int8 to int8",
        "FLOAT": f"DEQUANTIZE, then QUANTIZE, between them any of {', '.join(sorted(FLOAT))}",
    },
    "copy": {
        "PAD": "no step of its own before a convolution",
        "PADV2": "",
        "CONCATENATION": "no step of its own where its parts are written in place",
        "PACK": "",
        "UNPACK": "",
        "SLICE": "constant places",
        "STRIDED_SLICE": "constant places",
        "SPLIT": "",
        "SPLIT_V": "",
        "TRANSPOSE": "",
        "TILE": "",
        "SPACE_TO_DEPTH": "",
        "DEPTH_TO_SPACE": "",
        "SPACE_TO_BATCH_ND": "",
        "BATCH_TO_SPACE_ND": "",
        "ASSIGN_VARIABLE": "",
        "READ_COPY": "READ_VARIABLE of what is assigned before the value has been used",
    },
    "gather": {"GATHER": "constant indices", "RESIZE_NEAREST_NEIGHBOR": ""},
    "bilinear": {"RESIZE_BILINEAR": ""},
    "lstm": {"UNIDIRECTIONAL_SEQUENCE_LSTM": "no peepholes, projection or layer normalisation"},
    "svdf": {"SVDF": ""},
}

# what the host does once, so that the board has nothing to do
FREE: dict[str, str] = {
    "RESHAPE": "",
    "EXPAND_DIMS": "",
    "SQUEEZE": "",
    "SHAPE": "",
    "CAST": "of constants",
    "PACK, CONCATENATION, STRIDED_SLICE": "of shapes and other constant integers",
    "QUANTIZE, DEQUANTIZE": "at inputs and outputs: predict() takes and gives numbers in the unit of training",
    "VAR_HANDLE, READ_VARIABLE, CALL_ONCE": "variables live in the arena between runs",
}

_INTRODUCTION = """\
# Layers of Keras

What becomes of a Keras model in `whit convert`, layer by layer. A test builds every row of these tables, converts it
to int8 with TensorFlow's converter and runs it on ten inputs in MicroPython:

- **runs**: every byte of the output is that of TensorFlow Lite Micro; or of TensorFlow Lite's own reference kernels,
  where Micro lacks an operator.
- **folded**: the same, and the layer takes no step of its own on the board: the one before it does its work, or there
  is none.
- **refused**: `whit convert` says so, with the reason, and writes nothing.

Recurrent layers are unrolled when they are converted: the file grows with every step of the sequence.

This file is what `whit ops --keras` prints.
"""


def load() -> dict[str, Any]:
    """coverage.json: versions, and under "sections" a list of {"layer", "input", "outcome", "reason"} for each."""
    document: dict[str, Any] = json.loads(PATH.read_text())
    return document


def markdown(document: dict[str, Any]) -> str:
    """host/KERAS.md."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield _INTRODUCTION
    yield f"Keras {document['keras']}, TensorFlow {document['tensorflow']}. {_summary(document)}"
    for section, rows in document["sections"].items():
        yield f"\n## {section}\n"
        yield "| layer, or code with x | shape of x | outcome | remark |"
        yield "| --- | --- | --- | --- |"
        for row in rows:
            cells = (f"`{row['layer']}`", row["input"], row["outcome"], _cell(row.get("reason", "")))
            yield "| " + " | ".join(cells) + " |"


def _summary(document: dict[str, Any]) -> str:
    outcomes = [row["outcome"] for rows in document["sections"].values() for row in rows]
    counts = ", ".join(f"{outcomes.count(what)} {what}" for what in ("runs", "folded", "refused"))
    return f"{len(outcomes)} layers and variants: {counts}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")
