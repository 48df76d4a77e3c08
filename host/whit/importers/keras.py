"""Keras models: full-integer quantisation by TensorFlow's converter, then the .tflite importer.

TensorFlow is an extra of the package (``pip install "whit[keras]"``); it is imported only here, only when needed.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whit.archive import check_size
from whit.errors import WhitError

MAX_SAMPLES = 500  # ranges of activations do not get better with more; time does grow
MAX_STEPS = 200  # of a recurrent layer, each a copy of its operators


def load(path: Path) -> Any:
    """The Keras model of a .keras or .h5 file."""
    check_size(path, "a model", "boards have at most 8 MB: train a smaller one")
    keras = _keras()
    try:
        with _quiet():
            return keras.models.load_model(path, compile=False)
    except Exception as error:  # keras raises anything, from zipfile's errors to its own
        raise WhitError(
            f"{path.name}: Keras cannot read it ({_first_line(error)})", "save it again with model.save()"
        ) from error


def input_shape(model: Any) -> tuple[int | None, ...]:
    """Shape of the model's input without the batch; None where it is open."""
    shapes = [tuple(t.shape) for t in model.inputs]
    if len(shapes) != 1:
        raise WhitError(
            f"{model.name}: has {len(shapes)} inputs; whit runs models with 1",
            "split the model, or join its inputs",
        )
    return shapes[0][1:]


def to_tflite(model: Any, samples: npt.NDArray[Any]) -> bytes:
    """The int8 .tflite of a Keras model, batch 1.

    ``samples``: (n, *input), typical inputs in the unit of training; they set the range of every activation.
    """
    keras = _keras()
    import tensorflow as tf

    samples = np.asarray(samples, np.float32)
    chosen = samples[np.linspace(0, len(samples) - 1, min(len(samples), MAX_SAMPLES)).astype(int)]

    def representative() -> Iterator[list[Any]]:
        for sample in chosen:
            yield [sample[None]]

    try:
        with _quiet(), _unrolled(model):
            entry = keras.Input(batch_shape=(1, *samples.shape[1:]), name="input")
            fixed = keras.Model(entry, model(entry, training=False))
            _refuse_loops(fixed, entry, model.name)
            converter = tf.lite.TFLiteConverter.from_keras_model(fixed)
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = representative
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.int8
            converter.inference_output_type = tf.int8
            content: bytes = converter.convert()
    except WhitError:
        raise
    except Exception as error:  # the converter raises anything, with pages of text
        raise WhitError(
            f"{getattr(model, 'name', 'model')}: TensorFlow cannot convert it to int8 ({_missing(error)})",
            "build it from layers that TensorFlow Lite knows, with fixed shapes",
        ) from error
    return content


@contextlib.contextmanager
def _unrolled(model: Any) -> Iterator[None]:
    """Recurrent layers as one copy of their operators per step: neither TensorFlow's int8 nor whit has loops."""
    keras = _keras()

    def looped(layer: Any) -> bool:
        if not isinstance(layer, keras.layers.RNN) or layer.unroll or layer.stateful:
            return False
        steps = (layer.get_build_config() or {}).get("input_shape", (None, None))[1]
        return steps is not None and steps <= MAX_STEPS

    layers = [layer for layer in model._flatten_layers() if looped(layer)]
    for layer in layers:
        layer.unroll = True
    try:
        yield
    finally:
        for layer in layers:
            layer.unroll = False


def _refuse_loops(model: Any, entry: Any, name: str) -> None:
    """TensorFlow's converter crashes on a loop, and takes the whole process with it, so nothing with one gets there."""
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(entry.shape, entry.dtype)])  # type: ignore[untyped-decorator]
    def run(x: Any) -> Any:
        return model(x, training=False)

    graph = run.get_concrete_function().graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    if any(node.op in ("While", "StatelessWhile") for node in nodes):
        raise WhitError(
            f"{name}: has a loop over tensors, or a recurrent layer that is stateful or over {MAX_STEPS} steps",
            "shorten its sequences, for example with a Conv1D with strides; stateful=False",
        )


def _keras() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    try:
        with _quiet():
            import keras
            import tensorflow  # noqa: F401  (keras comes first, but TensorFlow is what converts)
    except ImportError as error:
        raise WhitError(
            "a Keras model needs TensorFlow, which is not installed", "pip install 'whit[keras]'"
        ) from error
    return keras


def _missing(error: Exception) -> str:
    """The operators that TensorFlow Lite does not have, which stand far down in the converter's error."""
    names = re.findall(r"^(?:TF Select|Custom) ops: (.+)$", str(error), re.MULTILINE)
    return f"TensorFlow Lite has no {', '.join(names)}" if names else _first_line(error)


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:160]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Sends what C++ code writes to file descriptors 1 and 2 to nowhere: TensorFlow says much that helps nobody."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as sink:
        try:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, number in zip(saved, (1, 2), strict=True):
                os.dup2(descriptor, number)
                os.close(descriptor)
