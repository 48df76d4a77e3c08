"""``whit.convert``: a trained model -> a .whit file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whit import samples as sampling
from whit.blob import Blob
from whit.compile import compile_graph, with_test
from whit.errors import WhitError
from whit.importers import tflite
from whit.simulate import Simulator

MAX_SCORED = 200  # samples whose accuracy is computed


@dataclass(frozen=True)
class Report:
    """What ``convert`` made: the Blob and where it was written, the int8 .tflite that it came from, and the
    accuracies (0 to 1) where the samples have classes: of the float model, and of the blob."""

    blob: Blob
    path: Path | None
    tflite: bytes
    accuracy_float: float | None = None
    accuracy_int8: float | None = None


def convert(
    model: Any,
    out: str | Path | None = None,
    *,
    samples: str | Path | npt.ArrayLike | None = None,
    labels: list[str] | str | None = None,
    name: str | None = None,
) -> Report:
    """Converts a model, and writes it to ``out`` where that is given.

    ``model``: path of an int8 .tflite, of a .keras or .h5 file, or a Keras model. Keras models are quantised from
    ``samples``: (n, *input) in the unit of training, or a .npy, .npz or .csv file. ``labels`` name the outputs.
    Raises WhitError with all reasons where the model cannot run; then nothing is written.
    """
    loaded = _samples(samples)
    if isinstance(model, str | Path):
        path = Path(model)
        name = name or path.stem
        content, keras_model = _open(path, loaded, name)
        source = path.name
    else:
        name = name or str(getattr(model, "name", "model"))
        content, keras_model = _quantise(model, loaded, name), model
        source = name
    graph = tflite.parse(content, source)
    graph.name = name
    blob = compile_graph(graph, labels=_labels(labels))
    info = blob.inputs[0]
    if blob.labels and len(blob.labels) != blob.outputs[0].size:
        raise WhitError(
            f"{source}: {len(blob.labels)} labels for {blob.outputs[0].size} outputs",
            "--labels names every output, in order",
        )
    scores: tuple[float | None, float | None] = (None, None)
    if loaded is not None:
        x = sampling.fit(loaded.x, info.shape[1:], source)
        blob = with_test(blob, info.quantise(x[0]).ravel(), source)
        scores = _accuracy(blob, keras_model, x, loaded.y)
    target = Path(out) if out is not None else None
    if target is not None:
        blob.save(target)
    return Report(blob, target, content, *scores)


def _samples(samples: str | Path | npt.ArrayLike | None) -> sampling.Samples | None:
    if samples is None:
        return None
    if isinstance(samples, str | Path):
        return sampling.load(Path(samples))
    return sampling.Samples(np.asarray(samples))


def _labels(labels: list[str] | str | None) -> list[str]:
    if isinstance(labels, str):
        labels = labels.split(",")
    return [label.strip() for label in labels or []]


def _open(path: Path, loaded: sampling.Samples | None, name: str) -> tuple[bytes, Any]:
    """(content of the int8 .tflite, Keras model or None), told by what the file holds, not by its name alone."""
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise WhitError(
            f"{path.name}: {(error.strerror or 'cannot be read').lower()}",
            "whit convert MODEL.tflite, .keras or .h5",
        ) from error
    if path.suffix != ".tflite" and (head[:4] == b"PK\3\4" or head == b"\x89HDF\r\n\x1a\n"):
        from whit.importers import keras

        keras_model = keras.load(path)
        return _quantise(keras_model, loaded, path.name), keras_model
    if head[:4] == b"WHIT":
        raise WhitError(f"{path.name}: is a whit file already", f"'whit inspect {path.name}' shows what is in it")
    return tflite.content_of(path), None


def _quantise(model: Any, loaded: sampling.Samples | None, name: str) -> bytes:
    from whit.importers import keras

    if not hasattr(model, "inputs"):
        raise WhitError(
            f"{name}: a {type(model).__name__} is no model that whit reads",
            "give a path or a built Keras model",
        )
    shape = keras.input_shape(model)
    if loaded is None:
        raise WhitError(
            f"{name}: a float model needs samples to be quantised",
            "--samples X.npy: an array (n, *input) of typical inputs",
        )
    return keras.to_tflite(model, sampling.fit(loaded.x, shape, name))


def _accuracy(
    blob: Blob, model: Any, x: npt.NDArray[Any], y: npt.NDArray[np.int64] | None
) -> tuple[float | None, float | None]:
    """(float, int8) accuracy on at most MAX_SCORED samples."""
    if y is None or len(y) != len(x) or blob.outputs[0].size < 2:
        return None, None
    x, y = x[:MAX_SCORED], y[:MAX_SCORED]
    simulator = Simulator(blob)
    best = [int(np.argmax(simulator.run(blob.inputs[0].quantise(sample)))) for sample in x]
    before = None
    if model is not None:
        predicted = model.predict(np.asarray(x, np.float32), verbose=0)
        before = float((predicted.reshape(len(x), -1).argmax(1) == y).mean())
    return before, float((np.array(best) == y).mean())
