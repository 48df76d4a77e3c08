"""Fits the cost table of the host package (host/whit/costs.json) to layers that are counted in emulated boards.

    python bench/costs.py              counts, fits, writes the table, prints how far it is from what was counted
    python bench/costs.py thumb        only of cores with this word in their name; the others stay

A layer's cost is a sum of amounts (host/whit/amounts.py), each times what one of its kind takes. These are found
by least squares over the shapes below, relative to each layer's cost, and are never negative.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from whit.amounts import amounts
from whit.blob import Blob

from bench import layers
from bench.counts import ROOT, Core, Counter, cores, kernel_records, noise

COSTS = ROOT / "host" / "whit" / "costs.json"
# Of Model.run, which is bytecode: [instructions, Cortex-M0+ cycles] of each layer and of the rest. Counted once on an
# emulated Cortex-M0 that runs a stock MicroPython.
CALL, RUN = [1424, 2314], [3200, 5200]

# Amounts whose name begins with a way to compute are for families that go it.
WAYS = {
    "viper": ["parts", "pieces"],
    "thumb": ["eights"],
    "dsp": ["twos", "twos left", "lines"],
    "rv32": ["threes", "threes left", "plane"],
    "xtensa": ["rows"],
    "xtensa-s2": ["rows", "fours"],
}
LEAST = 0.003  # an amount that makes up less of every layer is left out
PRICE = 0.003  # of an amount: of several that tell the same, one is enough

Array = npt.NDArray[np.float64]


def spread() -> Iterator[Blob]:
    """Layers of many shapes, drawn at random but always the same, small ones and such as are in models."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        yield _window(rng, KERNELS[int(rng.integers(len(KERNELS)))])
    for i, kernel in enumerate([(3, 3), (3, 3), (5, 5), (8, 4), (10, 8), (5, 1), (4, 4), (7, 3)] * 2):
        # first layers: images of few channels
        h, w, filters = (int(rng.integers(*size)) for size in ((16, 50), (6, 44), (3, 20)))
        stride, pad = (1, 2)[i % 3 > 0], ("SAME", "VALID")[i % 2]
        yield layers.conv(max(h, kernel[0]), max(w, kernel[1]), (1, 1, 3)[i % 3], filters, kernel, stride, pad)
    for i in range(30):
        yield _window(rng, KERNELS[int(rng.integers(len(KERNELS)))], least=150_000)
        yield _window(rng, ((3, 3), (1, 3), (5, 3))[i % 3], dilated=True)
    for i in range(60):
        yield _window(rng, (1, 1), least=100_000 if i % 3 == 0 else 500)
    for _ in range(50):
        yield _window(rng, groups=int(rng.integers(2, 4)))
    for kernel in ((3, 3), (3, 3), (3, 3), (5, 3), (1, 3), (1, 5), (3, 1), (2, 2), (10, 8), (4, 4)):
        for i in range(30):
            yield _window(rng, kernel, depthwise=True, usual=i % 3 > 0)
    for _ in range(60):
        inputs = int(1200 ** rng.random())
        outputs = min(int(1 + 40 * rng.random() ** 2), 16_000 // inputs)
        act = ("RELU", "NONE", "RELU6")[rng.integers(3)]
        yield layers.dense(inputs, outputs, act, -127 if rng.random() < 0.7 else -128)
    yield from _others()
    rng = np.random.default_rng(6)
    for i in range(40):
        inputs = int(97 * 9 ** rng.random())
        outputs = int(13 * (min(128, 16_000 // inputs) / 13) ** rng.random())
        yield layers.dense(inputs, outputs, ("RELU", "NONE", "RELU6")[i % 3], -127 if i % 4 else -128)


KERNELS = [(3, 3), (3, 3), (3, 3), (5, 5), (1, 3), (1, 5), (3, 1), (5, 3), (4, 4), (2, 2), (10, 4), (10, 8)]


def _window(
    rng: np.random.Generator,
    kernel: tuple[int, int] = (3, 3),
    groups: int = 1,
    depthwise: bool = False,
    least: int = 500,
    usual: bool | None = None,
    dilated: bool = False,
) -> Blob:
    """A convolution of at least so many MACs; ``usual``: with the usual requantisation."""
    pad, stride = ("SAME", "VALID")[rng.integers(2)], int(rng.choice([1, 1, 2]))
    if dilated:
        pad, stride = "SAME", 1
    while True:
        h, w = (int(1 + 30 * rng.random() ** 2) for _ in range(2))
        channels = int(rng.choice([1, 1, 2, 3, 4, 4, 6, 8, 8, 10, 12, 16, 16, 24, 32, 40, 48, 64]))
        filters = int(rng.choice([1, 2, 3, 4, 4, 6, 8, 8, 10, 12, 16, 16, 24, 32, 48, 64]))
        if depthwise:
            filters = channels * int(rng.choice([1, 1, 1, 2, 8]))
        work = h * w * filters * kernel[0] * kernel[1] * (1 if depthwise else channels // groups)
        fits = kernel[0] <= h and kernel[1] <= w if pad == "VALID" else True
        if channels % groups or filters % groups or (depthwise and channels == 1):
            continue
        if (
            fits
            and least < work < max(30_000 if depthwise else 150_000, 4 * least)
            and filters * channels * kernel[0] * kernel[1] < 16_000
        ):
            break
    dilation = 2 if dilated and min(h, w) > 3 else 1
    act, low = ("RELU", "RELU", "NONE", "RELU6")[rng.integers(4)], -127 if rng.random() < 0.8 else -128
    coarse = 150.0 if rng.random() < 0.1 else 1.0
    if usual is not None:
        act, coarse = ("RELU", 1.0) if usual else (("RELU6", 1.0), ("NONE", 150.0))[rng.integers(2)]
    return layers.conv(h, w, channels, filters, kernel, stride, pad, act, dilation, depthwise, groups, low, coarse)


def _others() -> Iterator[Blob]:
    shapes = [(1, 4, 5, 3), (1, 8, 8, 16), (1, 9, 7, 8), (1, 12, 4, 30), (1, 1, 40, 6), (1, 16, 16, 4), (1, 6, 6, 64)]
    shapes += [(1, 3, 2, 32), (1, 2, 2, 18), (1, 5, 5, 10)]
    for i, shape in enumerate(shapes):
        _, h, w, c = shape
        for kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
            for kernel, stride in (((2, 2), 2), ((3, 3), 1), ((h, w), 1), ((1, 3), 2), ((4, 1), 3)):
                yield layers.pool(kind, h, w, c, (min(kernel[0], h), min(kernel[1], w)), stride)
        for kind in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"):
            for axes in ((1, 2), (2,), (3,)):
                yield layers.reduce(kind, shape, axes)
        for kind in ("ADD", "SUB", "MUL", "MAXIMUM", "SQUARED_DIFFERENCE"):
            yield layers.pair(kind, shape, shape)
            yield layers.pair(kind, shape, (1, 1, 1, c), constant=True)
            yield layers.pair(kind, shape, (1, h, w, 1), constant=True)
        yield layers.pair("PRELU", shape, (1, 1, c), constant=True)
        yield layers.pair("PRELU", shape, (1, 1, 1), constant=True)
        yield layers.one("TANH", shape)
        yield layers.transpose(shape, (0, 2, 1, 3))
        yield layers.transpose(shape, (0, 3, 1, 2))
        yield layers.pad(shape, [(0, 0), (1, 1), (i, 1), (0, 0)])
        yield layers.resize("RESIZE_NEAREST_NEIGHBOR", h, w, c, 2 * h, 2 * w)
        yield layers.resize("RESIZE_BILINEAR", h, w, c, 2 * h, w + 3)
        yield layers.matmul(h, w, c)
        yield layers.lstm(1 + i, 2 + c % 9, 3 + 2 * i)
        yield layers.svdf(4 + c, 2 + i, 1 + i % 2, 3 + h % 7)
    for rows, depth in ((1, 2), (1, 3), (1, 10), (1, 12), (1, 40), (4, 10), (8, 4), (1, 100)):
        yield layers.one("SOFTMAX", (rows, depth))


def fitted(rows: Array, counts: Array) -> Array:
    """x >= 0 for which rows @ x is near counts, relative to these; what hardly matters is 0."""
    weight = (counts / counts.max()) ** 0.25  # what is large matters more
    a = rows * (weight / counts)[:, None]
    x = not_negative(a, weight)
    matters = (a * x / weight[:, None]).max(0) > LEAST
    x[:] = 0
    x[matters] = not_negative(a[:, matters], weight)
    return x


def not_negative(a: Array, b: Array) -> Array:
    """x >= 0 with a small sum of squares of a @ x - b, and few not 0: the active-set method of Lawson and Hanson."""
    scale = np.maximum(np.abs(a).max(0), 1e-30)
    a = a / scale
    square, right = a.T @ a + 1e-9 * np.eye(a.shape[1]), a.T @ b - PRICE
    x = np.zeros(a.shape[1])
    free = np.zeros(a.shape[1], bool)
    for _ in range(10 * len(x)):
        gradient = right - square @ x
        gradient[free] = 0
        if gradient.max() < 1e-9:
            break
        free[gradient.argmax()] = True
        while True:
            step = np.zeros(len(x))
            step[free] = np.linalg.solve(square[np.ix_(free, free)], right[free])
            if step[free].min() > 0:
                x = step
                break
            low = free & (step <= 0)
            ratio = (x[low] / (x[low] - step[low] + 1e-30)).min()
            x = x + ratio * (step - x)
            free &= x > 1e-12
            x[~free] = 0
    return x / scale


@dataclass(frozen=True)
class Sample:
    """A layer that was counted: [instructions], or on armv6m [instructions, cycles]."""

    record: list[int]
    data: bytes
    kept: bool
    counts: list[int]


def samples(core: Core, blobs: list[Blob]) -> list[Sample]:
    """Every layer on this core; dense ones with weights kept as well."""
    counter = Counter(core)
    found = []
    for blob in blobs:
        (record,) = kernel_records(blob)
        data = blob.data[record[2] : record[2] + record[3]]
        for kept in (False, True):
            if not kept or amounts(record, data, kept)[0].endswith(", kept"):
                (cost,) = counter.count(blob, noise(blob), kept)
                counts = [cost.instructions, cost.cycles][: 1 + (core.arch == "armv6m")]
                found.append(Sample(record, data, kept, counts))
    return found


def fit(core: Core, layers: list[Sample]) -> dict[str, dict[str, list[float]]]:
    """By form and amount: what one takes, [instructions] or [instructions, cycles]."""
    by_form: dict[str, list[tuple[dict[str, float], list[int]]]] = defaultdict(list)
    for layer in layers:
        form, found = amounts(layer.record, layer.data, layer.kept)
        by_form[form].append((found, layer.counts))
    table: dict[str, dict[str, list[float]]] = {}
    for form, some in sorted(by_form.items()):
        names = list(dict.fromkeys(name for found, _ in some for name in found))
        names = [name for name in names if name.rpartition(": ")[0] in ["", *WAYS[core.family]]]
        rows = [np.array([found.get(name, 0) for name in names], float) for found, _ in some]
        counts = np.array([count for _, count in some], float)
        columns = [fitted(np.array(rows), column) for column in counts.T]
        table[form] = {
            name: [_short(column[i]) for column in columns]
            for i, name in enumerate(names)
            if any(column[i] for column in columns)
        }
        errors = np.array(rows) @ columns[0] / counts[:, 0] - 1
        off = f"{abs(errors).mean():6.1%} off, at most {abs(errors).max():6.1%}"
        print(f"{core!s:16} {form:28} {len(some):3} layers, {off}")
    return table


def keepers() -> list[str]:
    """Cores that run faster where expanded weights are kept."""
    blob = layers.conv(6, 6, 8, 8)
    found = []
    for core in cores():
        counter = Counter(core)
        each, kept = (counter.count(blob, noise(blob), how)[0].instructions for how in (False, True))
        if kept < each:
            found.append(str(core))
    return found


def _short(value: float) -> float | int:
    """Four digits."""
    value = float(f"{value:.4g}")
    return int(value) if value.is_integer() else value


def text(table: dict[str, Any]) -> str:
    """As JSON, a form per line."""
    lines = [f'{{"call": {table["call"]}, "run": {table["run"]}, "keeps": {json.dumps(table["keeps"])}, "cores": {{']
    for core, forms in table["cores"].items():
        lines.append(f'"{core}": {{')
        lines += [f"{json.dumps(form)}: {json.dumps(each, separators=(',', ':'))}," for form, each in forms.items()]
        lines[-1] = lines[-1][:-1]
        lines.append("},")
    lines[-1] = "}"
    return "\n".join(lines) + "\n}}\n"


def main() -> None:
    before = json.loads(COSTS.read_text()) if COSTS.exists() else {}
    table = {"call": CALL, "run": RUN, "keeps": keepers(), "cores": before.get("cores", {})}
    blobs = list(spread())
    print(f"{len(blobs)} layers")
    for core in cores():
        if all(word in str(core) for word in sys.argv[1:]):
            table["cores"][str(core)] = fit(core, samples(core, blobs))
    COSTS.write_text(text(table))


if __name__ == "__main__":
    main()
