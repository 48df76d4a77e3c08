"""Windows of your own recordings: takes of `whit record`, split take by take into what is trained on and what tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from whit import WhitError, takes

WINDOW_S = 2.0
HOP = 4  # a window begins at each quarter of the one before
TEST = 4  # one take of so many is kept for the test, and at least one of each label


@dataclass
class Windows:
    """Windows (n, length, channels), with mean 0 and deviation 1, and the index of each one's label."""

    labels: list[str]
    channels: list[str]
    rate_hz: float
    mean: np.ndarray  # of each channel
    std: np.ndarray  # channels of one unit share theirs
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    tested: list[takes.Take]  # the takes behind x_test


def load(folder: Path, window_s: float | None = None, seed: int = 1) -> Windows:
    """Read FOLDER/LABEL/*.csv. A take is either trained on or tested with: its windows are alike."""
    found = takes.read(folder)
    rate_hz = _alike(found)
    shortest = min(take.seconds for take in found)
    length = round((min(WINDOW_S, shortest) if window_s is None else window_s) * rate_hz)
    if length < 8:
        raise WhitError(f"a window has {length} samples; 8 are the least", "--window takes its length in seconds")
    even = [(take, _even(take, rate_hz, length)) for take in found]
    labels = sorted({take.label for take in found})
    train, test = [], []
    rng = np.random.default_rng(seed)
    for label in labels:
        own = [pair for pair in even if pair[0].label == label and len(pair[1]) >= length]
        if len(own) < 2:
            raise WhitError(
                f"{label}: {len(own)} takes of {length / rate_hz:.1f} s or longer; 2 are the least, "
                "one to train on and one to test",
                f"'whit record --label {label} --out {folder}' makes more; --window takes a shorter window",
            )
        order = [own[i] for i in rng.permutation(len(own))]
        kept = max(1, len(own) // TEST)
        test += order[:kept]
        train += order[kept:]
    if len(labels) < 2:
        raise WhitError(f"{folder}: only the label {labels[0]}", "record at least two, one of them doing nothing")
    samples = np.concatenate([x for _, x in train])
    mean, std = samples.mean(0), _deviation(samples, found[0].units)
    cut = [_cut([(labels.index(take.label), (x - mean) / std) for take, x in pairs], length) for pairs in (train, test)]
    return Windows(labels, list(found[0].names), rate_hz, mean, std, *cut[0], *cut[1], [take for take, _ in test])


def _alike(found: list[takes.Take]) -> float:
    """The rate of all; WhitError where channels or rates differ."""
    first = found[0]
    rate_hz = float(np.median([take.rate_hz for take in found]))
    for take in found:
        if (take.names, take.units) != (first.names, first.units):
            raise WhitError(
                f"{take.path}: channels {' '.join(take.names)}; {first.path} has {' '.join(first.names)}",
                "train on takes of one kind of sensor",
            )
        if not 0.95 < take.rate_hz / rate_hz < 1.05:
            raise WhitError(
                f"{take.path}: {take.rate_hz:.4g} Hz; most takes have {rate_hz:.4g}", "train on takes of one --rate"
            )
    return round(rate_hz, 1) if rate_hz >= 10 else rate_hz


def _even(take: takes.Take, rate_hz: float, length: int) -> np.ndarray:
    """Samples exactly 1 / rate apart; one that was lost lies on a straight line between its neighbours.

    A take that is all but as long as a window lasts a moment longer: its end may have been lost.
    """
    count = round(take.seconds * rate_hz)
    if 0.97 * length < count < length:
        count = length
    at = take.ms[0] + np.arange(count) * (1000 / rate_hz)
    return np.stack([np.interp(at, take.ms, column) for column in take.x.T], axis=1).astype(np.float32)


def _deviation(samples: np.ndarray, units: tuple[str, ...]) -> np.ndarray:
    """Of each unit: an axis that hardly moves stays small beside one that does."""
    variance = samples.var(0)
    shared = [variance[[other == unit for other in units]].mean() for unit in units]
    return np.sqrt(np.maximum(shared, 1e-12)).astype(np.float32)


def _cut(pairs: list[tuple[int, np.ndarray]], length: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = [], []
    for label, samples in pairs:
        starts = range(0, len(samples) - length + 1, max(1, length // HOP))
        x += [samples[start : start + length] for start in starts]
        y += [label] * len(starts)
    return np.stack(x).astype(np.float32), np.array(y)
