"""Train a small network on the power signatures of household appliances and convert it for a board.

Run as ``python examples/sensor_classification/train.py``. It writes into ``build/`` beside this file:
``appliance.whit`` (the model for the board), ``appliance.tflite`` (the same int8 model for TensorFlow Lite
Micro), ``appliances.bin`` (recordings that ``main.py`` replays where no meter is connected), ``test.npz``.
With ``--cross-validate`` it tells how well appliances are recognised that the model has never met.

The data is ACSF1, which the package aeon carries: 100 appliances of ten kinds, each measured for two hours
every ten seconds. One hour of each is in the training half, the other in the test half.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

# TensorFlow reads these when it is imported: be quiet, and give the same sums on every run.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
# In the order of the data set's class numbers.
LABELS = ["fridge", "television", "laptop", "coffee machine", "computer"]
LABELS += ["lamp", "hi-fi", "printer", "microwave", "phone charger"]
SEED = 1
EPOCHS = 40
CUTS = 12  # pieces of each recording, of ten minutes to an hour, each with another strength
STRENGTH = 0.5  # a piece is made up to exp(0.5) = 1.65 times stronger or weaker
MAINS = 230  # volts
MINUTES = [10, 20, 30, 60]  # of a recording that are heard when the accuracy is told
REPLAYED = ["fridge", "microwave", "lamp", "laptop", "coffee machine", "phone charger"]


def board_program() -> ModuleType:
    """main.py, so that training counts exactly as the board does."""
    spec = importlib.util.spec_from_file_location("appliance_main", HERE / "main.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Signature = board_program().Signature


@dataclass
class Trained:
    """A trained network with the data that it never saw."""

    model: Any  # keras.Model
    x_train: np.ndarray
    readings: np.ndarray  # int (100, 365, 2) of the test half
    x_test: np.ndarray  # (100, 47), after an hour
    y_test: np.ndarray
    right: np.ndarray  # bool (100, 4): named rightly by the float model, after each of MINUTES


def tenths(series: np.ndarray) -> np.ndarray:
    """(365, 2) integers, tenths of watt and var, from a row of 1460 numbers that carry no unit.

    Each row is four interleaved ones, reactive power, active power, voltage and current, from all of which one
    mean was taken off, and which one number then divides. Both are found again: voltage is that of the mains,
    and current, in amperes, is power by voltage.
    """
    reactive, active, voltage, current = series.reshape(-1, 4).T
    zero = float(current.min())
    for _ in range(4):  # it settles at once: currents are small beside powers
        power = np.hypot(active - zero, reactive - zero)
        zero = min(float(np.median(current - power / MAINS)), float(current.min()))
    scale = MAINS / float(np.median(voltage - zero))
    return np.rint(10 * scale * (np.stack([active, reactive], axis=1) - zero)).astype(int)


def recordings(split: str) -> tuple[np.ndarray, np.ndarray]:
    """100 recordings (100, 365, 2) and the index of each one's label; split is "train" or "test"."""
    from aeon.datasets import load_classification

    x, y = load_classification("ACSF1", split=split)
    return np.array([tenths(row) for row in x[:, 0]]), y.astype(int)


def signature(readings: np.ndarray) -> np.ndarray:
    """What the board computes of these readings, the latest hour of them."""
    made = Signature()
    for active, reactive in readings.tolist():
        made.add(active, reactive)
    return np.array(made.shares())


def pieces(readings: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Signatures of CUTS pieces of each recording: what a board has seen after ten minutes to an hour."""
    x = []
    for recording in readings:
        for _ in range(CUTS):
            length = rng.integers(60, len(recording) + 1)
            start = rng.integers(0, len(recording) - length + 1)
            strength = np.exp(rng.uniform(-STRENGTH, STRENGTH))
            x.append(signature(np.rint(recording[start : start + length] * strength).astype(int)))
    return np.array(x, np.float32), np.repeat(y, CUTS)


def network() -> Any:
    """1,866 parameters."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((Signature.LENGTH,)),
            layers.Dense(32, activation="relu"),
            layers.Dropout(0.2),
            layers.Dense(len(LABELS), activation="softmax"),
        ]
    )


def fit(readings: np.ndarray, y: np.ndarray, seed: int = SEED) -> tuple[Any, np.ndarray]:
    """A network trained on these recordings, and the signatures that it saw."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    model = network()
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    x, y = pieces(readings, y, np.random.default_rng(seed))
    model.fit(x, y, batch_size=32, epochs=EPOCHS, verbose=0)
    return model, x


def right(model: Any, readings: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Which recordings are named rightly (n, 4), after each of MINUTES."""
    columns = []
    for minutes in MINUTES:
        x = np.array([signature(recording[: 6 * minutes]) for recording in readings], np.float32)
        columns.append(np.asarray(model(x)).argmax(axis=1) == y)
    return np.stack(columns, axis=1)


def error_range(share: float, count: int) -> tuple[float, float]:
    """Where the true share lies with 95 % probability when `share` of `count` came out (Wilson)."""
    z2 = 1.96**2 / count
    middle = (share + z2 / 2) / (1 + z2)
    half = (z2 * (share * (1 - share) + z2 / 4)) ** 0.5 / (1 + z2)
    return middle - half, middle + half


def told(right: np.ndarray) -> str:
    """A line of shares named rightly, that after an hour with its error range."""
    shares = right.mean(axis=0)
    low, high = error_range(float(shares[-1]), len(right))
    times = ", ".join(f"{minutes} min {share:.2f}" for minutes, share in zip(MINUTES, shares, strict=True))
    return f"{times} (95 %: {low:.2f} to {high:.2f})"


def cross_validate(folds: int = 5) -> np.ndarray:
    """Which appliances are named rightly by a model that has met none of them (100, 4). Reads no test half."""
    readings, y = recordings("train")
    order = np.random.default_rng(SEED).permuted(np.arange(100).reshape(10, 10), axis=1)
    fold = np.empty(100, int)
    for label in range(len(LABELS)):  # two appliances of each kind per fold
        fold[np.flatnonzero(y == label)[order[label] % 10]] = np.arange(10) % folds
    found = np.empty((100, len(MINUTES)), bool)
    for part in range(folds):
        out = fold == part
        model, _ = fit(readings[~out], y[~out])
        found[out] = right(model, readings[out], y[out])
        print(f"fold {part + 1} of {folds}: {found[out, -1].sum()} of {out.sum()} appliances", flush=True)
    return found


def train(seed: int = SEED) -> Trained:
    """Train on the training half; the test half is only used to tell the accuracy."""
    readings, y = recordings("train")
    model, x = fit(readings, y, seed)
    readings, y = recordings("test")
    x_test = np.array([signature(recording[: 6 * MINUTES[-1]]) for recording in readings], np.float32)
    return Trained(model, x, readings, x_test, y, right(model, readings, y))


def replayed(readings: np.ndarray, y: np.ndarray) -> bytes:
    """The first recording of each kind in REPLAYED: how many readings, then two int16 for each."""
    chosen = [readings[np.flatnonzero(y == LABELS.index(label))[0]] for label in REPLAYED]
    return b"".join(len(r).to_bytes(2, "little") + r.astype("<i2").tobytes() for r in chosen)


def build(folder: Path = BUILD) -> Trained:
    """Train, convert, and write everything that the board and the demo need into ``folder``."""
    import whit

    started = time.monotonic()
    print(f"training on 100 recordings, {CUTS} pieces of each, {EPOCHS} times over ...", flush=True)
    trained = train()
    print(f"trained in {time.monotonic() - started:.0f} s; float accuracy on 100 unseen recordings after")
    print(f"  {told(trained.right)}")
    print("converting: TensorFlow quantises to int8 ...", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    report = whit.convert(
        trained.model, folder / "appliance.whit", samples=trained.x_train, labels=LABELS, name="appliance"
    )
    (folder / "appliance.tflite").write_bytes(report.tflite)
    (folder / "appliances.bin").write_bytes(replayed(trained.readings, trained.y_test))
    np.savez(folder / "test.npz", x=trained.x_test, y=trained.y_test)
    for name in ("appliance.whit", "appliance.tflite", "appliances.bin"):
        print(f"{folder.name}/{name}  {(folder / name).stat().st_size / 1024:.1f} KB")
    return trained


if __name__ == "__main__":
    if sys.argv[1:] == ["--cross-validate"]:
        found = cross_validate()
        print(f"accuracy on appliances that the model never met after\n  {told(found)}")
    else:
        build()
