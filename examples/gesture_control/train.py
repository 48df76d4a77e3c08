"""Train a small network on wrist-sensor recordings and convert it for a board.

Run as ``python examples/gesture_control/train.py``. It writes into ``build/`` beside this file:
``gesture.whit`` (the model for the board), ``gesture.tflite`` (the same int8 model for TensorFlow Lite
Micro), ``windows.bin`` (recordings that ``main.py`` replays where no sensor is connected), ``test.npz``.

The data is BasicMotions, which the package aeon carries: four people wore a watch; 80 windows of ten
seconds at 10 Hz, each with acceleration in m/s^2 (gravity removed) and rotation in rad/s about three axes.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# TensorFlow reads these when it is imported: be quiet, and give the same sums on every run.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np

BUILD = Path(__file__).resolve().parent / "build"
LABELS = ["badminton", "running", "standing", "walking"]
SEED = 1
EPOCHS = 30
COPIES = 8  # each recording is seen as it is, and in COPIES - 1 variants
REPLAYED = ["standing", "walking", "running", "badminton"] * 3  # windows in windows.bin, in this order


@dataclass
class Trained:
    """A trained network with the data that it never saw."""

    model: Any  # keras.Model
    x_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    accuracy: float  # of the float model on the test windows, 0 to 1


def recordings(split: str) -> tuple[np.ndarray, np.ndarray]:
    """40 windows (40, 100, 6) float32 and the index of each one's label; split is "train" or "test"."""
    from aeon.datasets import load_basic_motions

    x, y = load_basic_motions(split=split)
    return x.transpose(0, 2, 1).astype(np.float32), np.array([LABELS.index(label) for label in y])


def augment(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Add variants of each window: stronger or weaker, begun at another moment, noisier."""
    variants = [x]
    for _ in range(COPIES - 1):
        strength = rng.uniform(0.7, 1.3, (len(x), 1, 1))
        starts = rng.integers(0, x.shape[1], len(x))
        moved = np.stack([np.roll(window, start, axis=0) for window, start in zip(x, starts, strict=True)])
        variants.append(moved * strength + rng.normal(0, 0.1, x.shape))
    return np.concatenate(variants).astype(np.float32), np.tile(y, COPIES)


def network() -> Any:
    """4,908 parameters, 176,000 multiplications for a window."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((100, 6)),
            layers.Conv1D(16, 5, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(24, 5, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(32, 3, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.3),
            layers.Dense(len(LABELS), activation="softmax"),
        ]
    )


def train(seed: int = SEED) -> Trained:
    """Train on the 40 training windows; the 40 test windows are only used to tell the accuracy."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    x_train, y_train = recordings("train")
    x_test, y_test = recordings("test")
    model = network()
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = augment(x_train, y_train, np.random.default_rng(seed))
    model.fit(x, y, batch_size=32, epochs=EPOCHS, verbose=0)
    guesses = model.predict(x_test, verbose=0).argmax(axis=1)
    return Trained(model, x_train, x_test, y_test, float((guesses == y_test).mean()))


def replayed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Windows of the gestures in REPLAYED, none of them twice, as one row of samples (n, 6)."""
    left = {label: iter(x[y == index]) for index, label in enumerate(LABELS)}
    return np.concatenate([next(left[label]) for label in REPLAYED]).astype("<f4")


def build(folder: Path = BUILD) -> Trained:
    """Train, convert, and write everything that the board and the demo need into ``folder``."""
    import whit

    started = time.monotonic()
    print(f"training on 40 windows, each in {COPIES} variants, {EPOCHS} times over ...", flush=True)
    trained = train()
    seconds = time.monotonic() - started
    print(f"trained in {seconds:.0f} s; float accuracy on 40 unseen windows {trained.accuracy:.3f}")
    print("converting: TensorFlow quantises to int8 ...", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    report = whit.convert(
        trained.model, folder / "gesture.whit", samples=trained.x_train, labels=LABELS, name="gesture"
    )
    (folder / "gesture.tflite").write_bytes(report.tflite)
    (folder / "windows.bin").write_bytes(replayed(trained.x_test, trained.y_test).tobytes())
    np.savez(folder / "test.npz", x=trained.x_test, y=trained.y_test)
    for name in ("gesture.whit", "gesture.tflite", "windows.bin"):
        print(f"{folder.name}/{name}  {(folder / name).stat().st_size / 1024:.1f} KB")
    return trained


if __name__ == "__main__":
    build()
