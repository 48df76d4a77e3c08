"""Train a small network on recordings of movements and convert it for a board.

Run as ``python examples/gesture_control/train.py``, or with ``--takes DIR`` on your own recordings: the folders that
``whit record`` makes, of any labels and channels. It writes into ``build/`` beside this file: ``gesture.whit`` (the
model for the board), ``gesture.tflite`` (the same int8 model for TensorFlow Lite Micro), ``replay.csv`` (recordings
that it did not train on; ``main.py`` replays them where no sensor is connected), ``test.npz``.

Without ``--takes`` the data is BasicMotions, which the package aeon carries: four people wore a watch; 80 windows of
ten seconds at 10 Hz, each with acceleration in m/s^2 (gravity removed) and rotation in rad/s about three axes.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# TensorFlow reads these when it is imported: be quiet, and give the same sums on every run.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

import numpy as np
import windows

BUILD = Path(__file__).resolve().parent / "build"
LABELS = ["badminton", "running", "standing", "walking"]
CHANNELS = ["ax", "ay", "az", "gx", "gy", "gz"]
UNITS = ["m/s2"] * 3 + ["rad/s"] * 3
RATE_HZ = 10
SEED = 1
EPOCHS = 30
COPIES = 8  # each recording is seen as it is, and in COPIES - 1 variants
REPLAYED = ["standing", "walking", "running", "badminton"] * 3  # windows in replay.csv, in this order


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


def network(length: int = 100, channels: int = 6, classes: int = len(LABELS)) -> Any:
    """As it stands: 4,908 parameters, 176,000 multiplications for a window; long windows cost little more."""
    from keras import Input, Sequential, layers

    edges = "valid" if length >= 40 else "same"
    return Sequential(
        [
            Input((length, channels)),
            layers.Conv1D(16, 5, strides=max(1, length // 100), padding=edges, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(24, 5, padding=edges, activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(32, 3, padding=edges, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.3),
            layers.Dense(classes, activation="softmax"),
        ]
    )


def fit(model: Any, x: np.ndarray, y: np.ndarray, epochs: int = EPOCHS) -> None:
    """Train the network; the same on every run."""
    import keras

    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)


def begin(seed: int) -> None:
    """Let everything that is drawn from now on be the same on every run."""
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def train(seed: int = SEED) -> Trained:
    """Train on the 40 training windows; the 40 test windows are only used to tell the accuracy."""
    begin(seed)
    x_train, y_train = recordings("train")
    x_test, y_test = recordings("test")
    model = network()
    fit(model, *augment(x_train, y_train, np.random.default_rng(seed)))
    guesses = model.predict(x_test, verbose=0).argmax(axis=1)
    return Trained(model, x_train, x_test, y_test, float((guesses == y_test).mean()))


def replayed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Windows of the gestures in REPLAYED, none of them twice, as one row of samples (n, 6)."""
    left = {label: iter(x[y == index]) for index, label in enumerate(LABELS)}
    return np.concatenate([next(left[label]) for label in REPLAYED])


def describe(path: Path, **sensor: Any) -> Any:
    """Add to the model what main.py has to know of its input, as "sensor" in META; returns the new Blob."""
    from whit import blob as blobs

    old = blobs.read(path)
    content = blobs.write(old.meta | {"sensor": sensor}, old.plan, old.data, old.test, old.arena_bytes)
    new = blobs.parse(content, path.name)
    new.save(path)
    return new


def recording(x: np.ndarray, names: list[str], units: list[str], rate_hz: float) -> str:
    """Samples as `whit record` writes them."""
    from whit import takes

    return takes.text(takes.Take("", tuple(names), tuple(units), np.arange(len(x)) * 1000 / rate_hz, x))


def convert(model: Any, samples: np.ndarray, labels: list[str], folder: Path) -> None:
    """gesture.whit and gesture.tflite."""
    import whit

    print("converting: TensorFlow quantises to int8 ...", flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    report = whit.convert(model, folder / "gesture.whit", samples=samples, labels=labels, name="gesture")
    (folder / "gesture.tflite").write_bytes(report.tflite)


def tell(folder: Path) -> None:
    """The files, and how large they are."""
    for name in ("gesture.whit", "gesture.tflite", "replay.csv"):
        print(f"{folder.name}/{name}  {(folder / name).stat().st_size / 1024:.1f} KB")


def build(folder: Path = BUILD) -> Trained:
    """Train, convert, and write everything that the board and the demo need into ``folder``."""
    started = time.monotonic()
    print(f"training on 40 windows, each in {COPIES} variants, {EPOCHS} times over ...", flush=True)
    trained = train()
    seconds = time.monotonic() - started
    print(f"trained in {seconds:.0f} s; float accuracy on 40 unseen windows {trained.accuracy:.3f}")
    convert(trained.model, trained.x_train, LABELS, folder)
    plain = {"mean": [0.0] * 6, "std": [1.0] * 6}
    describe(folder / "gesture.whit", rate_hz=RATE_HZ, channels=CHANNELS, gravity=False, **plain)
    x = np.round(replayed(trained.x_test, trained.y_test), 3)  # as fine as a sensor; shorter to send
    (folder / "replay.csv").write_text(recording(x, CHANNELS, UNITS, RATE_HZ))
    np.savez(folder / "test.npz", x=trained.x_test, y=trained.y_test)
    tell(folder)
    return trained


def build_own(takes: Path, folder: Path = BUILD, window_s: float | None = None, epochs: int = EPOCHS) -> float:
    """The same with your own recordings; returns the accuracy of the int8 model on windows of takes it never saw."""
    data = windows.load(takes, window_s, SEED)
    count, length, channels = data.x_train.shape
    print(
        f"{len(data.labels)} labels, {channels} channels, {data.rate_hz:g} Hz; windows of {length / data.rate_hz:g} s\n"
        f"training on {count} windows, each in {COPIES} variants, {epochs} times over ...",
        flush=True,
    )
    started = time.monotonic()
    begin(SEED)
    model = network(length, channels, len(data.labels))
    fit(model, *augment(data.x_train, data.y_train, np.random.default_rng(SEED)), epochs)
    guesses = model.predict(data.x_test, verbose=0).argmax(axis=1)
    print(
        f"trained in {time.monotonic() - started:.0f} s; float accuracy on {len(guesses)} windows "
        f"of {len(data.tested)} unseen takes {(guesses == data.y_test).mean():.3f}"
    )
    convert(model, data.x_train, data.labels, folder)
    about = {"rate_hz": data.rate_hz, "channels": data.channels, "gravity": True}
    blob = describe(folder / "gesture.whit", **about, mean=data.mean.tolist(), std=data.std.tolist())
    x = np.concatenate([take.x for take in data.tested])
    (folder / "replay.csv").write_text(recording(x, data.channels, list(data.tested[0].units), data.rate_hz))
    np.savez(folder / "test.npz", x=data.x_test, y=data.y_test)
    tell(folder)
    return confusion(blob, data)


def confusion(blob: Any, data: windows.Windows) -> float:
    """Print what the int8 model takes each label for; returns the share that it is right about."""
    from rich.console import Console
    from rich.table import Table
    from whit.simulate import Simulator

    simulator = Simulator(blob)
    guesses = np.array([int(np.argmax(simulator.run(blob.inputs[0].quantise(x)))) for x in data.x_test])
    table = Table()
    table.add_column("the int8 model says")
    for label in data.labels:
        table.add_column(label, justify="right")
    for index, label in enumerate(data.labels):
        said = np.bincount(guesses[data.y_test == index], minlength=len(data.labels))
        table.add_row(f"of {label}", *(str(count) if count else "." for count in said))
    Console().print(table)
    accuracy = float((guesses == data.y_test).mean())
    print(f"int8 accuracy {accuracy:.3f}")
    return accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a gesture model, and convert it for a board.")
    parser.add_argument("--takes", type=Path, metavar="DIR", help="recordings of `whit record`; default: BasicMotions")
    parser.add_argument("--window", type=float, metavar="S", help="seconds that the model sees; default: 2, or a take")
    parser.add_argument("--epochs", type=int, metavar="N", default=EPOCHS, help="default: %(default)s")
    parser.add_argument("--out", type=Path, metavar="DIR", default=BUILD, help="default: build, beside this file")
    options = parser.parse_args()
    if options.takes:
        build_own(options.takes, options.out, options.window, options.epochs)
    else:
        build(options.out)


if __name__ == "__main__":
    from whit import WhitError
    from whit.cli import report

    try:
        main()
    except WhitError as error:
        report(error)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit("train: stopped")
