"""Loops: recurrent layers are unrolled, and what stays a loop is refused, for TensorFlow's converter crashes on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tflite_micro.python.tflite_micro import runtime
from whit.compile import compile_graph
from whit.errors import WhitError
from whit.importers import keras as importer
from whit.importers import tflite
from whit.simulate import Simulator

from tests.agreement.builder import Net

STEPS = importer.MAX_STEPS + 1


def recurrent(steps: int, batch: int | None = None, **options: Any) -> Any:
    import keras

    x = keras.Input((steps, 2), batch_size=batch)
    return keras.Model(x, keras.layers.SimpleRNN(2, **options)(x), name="model")


@pytest.mark.parametrize(
    ("steps", "batch", "options"), [(STEPS, None, {}), (3, 1, {"stateful": True})], ids=["long", "stateful"]
)
def test_loops_that_stay_are_refused(tensorflow: None, steps: int, batch: int | None, options: dict[str, Any]) -> None:
    model = recurrent(steps, batch, **options)
    with pytest.raises(WhitError, match=r"^model: has a loop .* over 200 steps$") as caught:
        importer.to_tflite(model, np.zeros((2, steps, 2)))
    assert caught.value.hint


def test_a_loop_of_the_users_own_is_refused(tensorflow: None) -> None:
    import keras

    def body(i: Any, y: Any) -> Any:
        return i + 1, y * 2

    class Doubled(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.while_loop(lambda i, y: i < keras.ops.cast(x[0, 0], "int32"), body, (0, x))[1]

    x = keras.Input((4,))
    with pytest.raises(WhitError, match="^own: has a loop"):
        importer.to_tflite(keras.Model(x, Doubled()(x), name="own"), np.zeros((2, 4)))


def test_the_users_model_is_left_as_it_was(tensorflow: None) -> None:
    model = recurrent(3)
    content = importer.to_tflite(model, np.random.default_rng(0).normal(size=(4, 3, 2)))
    assert model.layers[-1].unroll is False
    assert "WHILE" not in {op.kind for op in tflite.parse(content, "model").ops}


def test_an_operator_that_tensorflow_lite_lacks_is_named(tensorflow: None) -> None:
    import keras

    x = keras.Input((4,))
    with pytest.raises(WhitError, match=r"^m: TensorFlow cannot convert it to int8 \(TensorFlow Lite has no Erf\)$"):
        importer.to_tflite(keras.Model(x, keras.ops.erf(x), name="m"), np.zeros((2, 4)))


@pytest.mark.parametrize("unused", [0, 1, 2])
def test_a_split_in_float_moves_int8(unused: int) -> None:
    """As the converter leaves it at the first step of a recurrent layer."""
    net = Net()
    x = net.tensor((1, 6), 0.05, 3)
    real = net.op("DEQUANTIZE", [x], net.tensor((1, 6), dtype="float32"))
    parts = [net.tensor((1, 2), dtype="float32") for _ in range(3)]
    net.op("SPLIT", [net.numbers(1), real], parts, numSplits=3)
    used = [
        net.op("QUANTIZE", [part], net.tensor((1, 2), 0.02 + 0.03 * i, -5 * i))
        for i, part in enumerate(parts)
        if i != unused
    ]
    content = net.build(x, used)
    interpreter = runtime.Interpreter.from_bytes(content, arena_size=1 << 16)
    simulator = Simulator(compile_graph(tflite.parse(content, "model")))
    for seed in range(20):
        values = np.random.default_rng(seed).integers(-128, 128, (1, 6)).astype(np.int8)
        interpreter.set_input(values, 0)
        interpreter.invoke()
        expected = np.concatenate([np.array(interpreter.get_output(i)).ravel() for i in range(2)])
        assert simulator.run(values.ravel()).tolist() == expected.tolist()
