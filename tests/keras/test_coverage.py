"""What becomes of each layer of Keras: it runs with the bytes of the reference, is folded, or is refused.

The outcome is that of host/whit/coverage.json, which `whit ops` and host/KERAS.md show. ``WHIT_UPDATE=1 pytest
tests/keras`` writes both anew.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
import pytest
from tflite_micro.python.tflite_micro import runtime
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema
from whit import coverage, program
from whit.blob import Blob
from whit.compile import compile_graph
from whit.errors import WhitError
from whit.importers import keras as importer
from whit.importers import tflite
from whit.simulate import Simulator

from tests.agreement.device import Device

from .layers import ABSENT, Row, rows

ROOT = Path(__file__).resolve().parents[2]
UPDATE = os.environ.get("WHIT_UPDATE") == "1"
RUNS = 10
Outcome = dict[str, str]


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    """A MicroPython with the heap of a large board: unrolled LSTMs are long."""
    with Device("600k") as one:
        yield one


def outcome(row: Row, device: Device) -> Outcome:
    """{"outcome": "runs", "folded" or "refused", and "reason" where there is one}. Fails where bytes differ."""
    try:
        content = importer.to_tflite(row.model(), row.samples(16))
        blob = compile_graph(tflite.parse(content, "model"))
    except WhitError as error:
        assert "\n" not in str(error) and error.hint
        return {"outcome": "refused", "reason": reason(str(error))}
    inputs = list(np.random.default_rng(3).integers(-128, 128, (RUNS, 1, *row.shape)).astype(np.int8))
    try:
        expected, note = micro(content, inputs, len(blob.outputs)), {}
    except RuntimeError:
        expected = lite(content, inputs)
        note = {"reason": "TensorFlow Lite Micro does not run it: compared with TensorFlow Lite"}
    simulator = Simulator(blob)
    check_kernels(blob)
    assert [simulator.run(x.ravel()).tobytes() for x in inputs] == expected, f"{row.name}: numpy simulator"
    assert device.run(blob, [x.ravel() for x in inputs]) == expected, f"{row.name}: viper"
    return {"outcome": "folded" if folded(row, blob) else "runs", **note}


def reason(message: str) -> str:
    """What `whit convert` says, without places in the model, and each operator once.

    Float operators around one that has no int8 form are left out: how many there are, and where, the converter
    decides anew each time.
    """
    _, listed, operators = message.removeprefix("model: ").partition(" cannot run: ")
    if not listed:
        return message.removeprefix("model: ")
    found = re.findall(r"([A-Z0-9_]+) \(layer \d+(?:: (.*?))?\)(?:, |$)", operators)
    kept = {f"{name} ({detail})" if detail else name for name, detail in found if not detail.startswith("float32")}
    return f"cannot run: {', '.join(sorted(kept - {'DEQUANTIZE'}))}"


def check_kernels(blob: Blob) -> None:
    """`whit ops` names the kernel that really runs each operator."""
    names = {code: name.lower() for name, code in vars(program).items() if name.isupper() and isinstance(code, int)}
    records = [r for r in blob.records if names[r[0]] not in ("input", "output", "state")]
    for layer, record in zip(blob.layers, records, strict=True):
        ours = [kernel for kernel, ops in coverage.KERNELS.items() for kind in layer.kind.split("+") if kind in ops]
        # places that no strides reach are gathered; with one input channel, or one per group, the geometry decides
        others = [("gather", ["copy"]), ("conv", ["depthwise"]), ("depthwise", ["conv"])]
        assert names[record[0]] in ours or (names[record[0]], ours) in others, layer


def micro(content: bytes, inputs: list[npt.NDArray[np.int8]], outputs: int) -> list[bytes]:
    """The answers of TensorFlow Lite Micro, in order, from a fresh interpreter. RuntimeError: it does not run it."""
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 20)
    answers = []
    for x in inputs:
        interpreter.set_input(x, 0)
        interpreter.invoke()
        answers.append(b"".join(np.array(interpreter.get_output(i)).tobytes() for i in range(outputs)))
    return answers


def lite(content: bytes, inputs: list[npt.NDArray[np.int8]]) -> list[bytes]:
    """The answers of TensorFlow Lite's own reference kernels, which a microcontroller's are made from."""
    import tensorflow as tf

    kernels = tf.lite.experimental.OpResolverType.BUILTIN_REF
    with warnings.catch_warnings():  # of a successor that is another package
        warnings.simplefilter("ignore")
        interpreter = tf.lite.Interpreter(model_content=_first_versions(content), experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    answers = []
    for x in inputs:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
        interpreter.invoke()
        outputs = [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]
        answers.append(b"".join(y.tobytes() for y in outputs))
    return answers


def _first_versions(content: bytes) -> bytes:
    """The reference kernels of TILE do take int8, but are registered with an older version number."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for code in model.operatorCodes:
        code.version = 1
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def folded(row: Row, blob: Blob) -> bool:
    """Does the program have no step more than without the layer?"""
    return len(blob.layers) == (_steps(replace(row, code="")) if row.after else 0)


@cache
def _steps(row: Row) -> int:
    content = importer.to_tflite(row.model(), row.samples(16))
    return len(compile_graph(tflite.parse(content, "model")).layers)


@pytest.fixture(scope="module", autouse=True)
def update(request: pytest.FixtureRequest) -> None:
    """With WHIT_UPDATE=1, writes coverage.json and the document before anything is compared with them."""
    if not UPDATE:
        return
    request.getfixturevalue("tensorflow")
    board = request.getfixturevalue("device")
    found: dict[str, Any] = versions()
    found["sections"], wrong = {}, []
    for section, row in rows():
        try:
            result = outcome(row, board)
        except AssertionError as error:
            wrong.append(str(error).splitlines()[0])
        else:
            found["sections"].setdefault(section, []).append({**title(row), **result})
    assert not wrong, "\n".join(wrong)
    coverage.PATH.write_text(json.dumps(found, indent=1) + "\n")
    (ROOT / "host" / "KERAS.md").write_text(coverage.markdown(coverage.load()))


def versions() -> dict[str, str]:
    import keras
    import tensorflow

    return {"keras": keras.__version__, "tensorflow": tensorflow.__version__}


def title(row: Row) -> Outcome:
    return {"layer": row.name, "input": "x".join(map(str, row.shape))}


def test_every_row_is_in_the_document(update: None) -> None:
    sections = coverage.load()["sections"]
    told = [(section, row["layer"], row["input"]) for section, these in sections.items() for row in these]
    assert told == [(section, *title(row).values()) for section, row in rows()]
    assert len(set(told)) == len(told)


def test_every_layer_of_keras_has_a_row(tensorflow: None) -> None:
    import keras

    if versions()["keras"] != coverage.load()["keras"]:
        pytest.skip("layers come and go from one version of Keras to the next")
    shown = " ".join(f"{row.code} {row.after}" for _, row in rows())
    layers = {name: kind for name, kind in vars(keras.layers).items() if isinstance(kind, type)}
    aliases = {kind: [name for name in layers if layers[name] is kind] for kind in layers.values()}
    missing = [names for names in aliases.values() if not any(re.search(rf"\b{name}\(", shown) for name in names)]
    assert sorted(names[0] for names in missing) == sorted(name for names in ABSENT.values() for name in names)


@pytest.mark.skipif(UPDATE, reason="just written")
@pytest.mark.parametrize("row", [row for _, row in rows()], ids=lambda row: row.name)
def test_outcome(row: Row, device: Device, tensorflow: None) -> None:
    told = [entry for these in coverage.load()["sections"].values() for entry in these]
    assert {**title(row), **outcome(row, device)} in told
