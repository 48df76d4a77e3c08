"""The whole path on a tiny model: convert, inspect, deploy with mpremote, run, compare with the reference."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tflite_micro.python.tflite_micro import runtime

from tests.agreement.builder import Net, activation, padding

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the virtual board needs Linux or macOS")


def tiny() -> bytes:
    """5x5x2 -> 3 classes: a convolution, a dense layer, a softmax."""
    random = np.random.default_rng(3)
    net = Net()
    x = net.tensor((1, 5, 5, 2), 0.05, -3)
    weights = net.tensor((4, 3, 3, 2), [0.01, 0.02, 0.03, 0.005], data=random.integers(-127, 128, (4, 3, 3, 2)), axis=0)
    image = net.tensor((1, 3, 3, 4), 0.1, -128)
    net.op(
        "CONV_2D",
        [x, weights, net.tensor((4,), 0.0005, dtype="int32", data=random.integers(-500, 500, 4))],
        image,
        strideH=1,
        strideW=1,
        dilationHFactor=1,
        dilationWFactor=1,
        padding=padding("VALID"),
        fusedActivationFunction=activation("RELU"),
    )
    dense = net.tensor((3, 36), 0.02, data=random.integers(-127, 128, (3, 36)))
    logits = net.op("FULLY_CONNECTED", [image, dense, -1], net.tensor((1, 3), 0.2, 5))
    return net.build(x, net.op("SOFTMAX", [logits], net.tensor((1, 3), 1 / 256, -128), beta=1.0))


def whit(*arguments: str | Path) -> str:
    """Runs the command; returns what it prints on stdout."""
    done = subprocess.run([sys.executable, "-m", "whit", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_model_from_its_file_to_a_prediction_on_a_board(tmp_path: Path) -> None:
    model, blob = tmp_path / "tiny.tflite", tmp_path / "tiny.whit"
    model.write_bytes(tiny())
    assert "3 layers" in whit("convert", model, "-o", blob, "--labels", "left,right,rest")
    facts = json.loads(whit("inspect", blob, "--json"))
    assert facts["name"] == "tiny" and facts["macs"] == 9 * 4 * 18 + 108
    assert [layer["kind"] for layer in facts["layers"]] == ["CONV_2D", "FULLY_CONNECTED", "SOFTMAX"]

    inputs = np.random.default_rng(4).integers(-128, 128, (8, 1, 5, 5, 2)).astype(np.int8)
    np.save(tmp_path / "x.npy", inputs)
    whit("run", blob, tmp_path / "x.npy", "--raw", "-o", tmp_path / "y.npy")
    interpreter = runtime.Interpreter.from_file(str(model), arena_size=20_000)
    expected = []
    for x in inputs:
        interpreter.set_input(x, 0)
        interpreter.invoke()
        expected.append(interpreter.get_output(0))
    assert np.array_equal(np.load(tmp_path / "y.npy"), np.array(expected))
    assert "tiny.whit" in whit("deploy", blob, "--virtual")
