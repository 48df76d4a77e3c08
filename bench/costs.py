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
from itertools import product
from pathlib import Path

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

Array = npt.NDArray[np.float64]


def spread() -> Iterator[Blob]:
    """Layers of many shapes, small ones and such as are in models."""
    images = [
        (6, 6, 3),
        (8, 9, 4),
        (7, 5, 8),
        (12, 12, 16),
        (5, 8, 24),
        (9, 7, 1),
        (14, 14, 1),
        (10, 10, 6),
        (4, 4, 32),
    ]
    filters = [4, 8, 6, 16, 32, 8, 10, 12, 7]
    kernels = [(3, 3), (5, 5), (1, 3), (3, 3), (3, 1), (3, 3), (5, 3), (4, 4), (2, 2)]
    for i, (h, w, c) in enumerate(images):
        for j, (pad, stride) in enumerate(product(("SAME", "VALID"), (1, 2))):
            kernel = kernels[(i + j) % len(kernels)]
            kernel = (min(kernel[0], h), min(kernel[1], w))
            how = {"stride": stride, "pad": pad, "act": ("RELU", "NONE", "RELU6")[(i + j) % 3]}
            yield layers.conv(h, w, c, filters[(2 * i + j) % len(filters)], kernel, **how)
            if c > 1:
                yield layers.depthwise(h, w, c, **how)
                yield layers.depthwise(h, w, c, kernel, **how)
        yield layers.conv(h, w, c, 2 * filters[i], (1, 1), 1 + i % 2)
        yield layers.conv(h, w, c, filters[i], low=-128, act="NONE")
        yield layers.conv(h, w, c, filters[i], kernels[i], stride=2, low=-128)
        yield layers.conv(h, w, c, filters[i], (1, 1), low=-128)
        yield layers.conv(h, w, c, filters[i], coarse=150.0)
        if c > 1:
            yield layers.depthwise(h, w, c, multiplier=2 + i % 2)
            yield layers.depthwise(h, w, c, kernels[i], multiplier=2)
            yield layers.depthwise(h, w, c, (2, 3), multiplier=2)
            for kernel in ((3, 3), (1, 3), (5, 3), kernels[i]):
                for multiplier in (1, 2):
                    yield layers.depthwise(h, w, c, kernel, low=-128, multiplier=multiplier)
            yield layers.depthwise(h, w, c, coarse=150.0)
            yield layers.depthwise(h, w, c, dilation=2)
        if c % 2 == 0:
            yield layers.conv(h, w, c, 2 * (i + 2), kernels[i], groups=2)
            yield layers.conv(h, w, c, 4 * (i + 1), groups=2, stride=2)
            yield layers.conv(h, w, c, 4 * (i + 1), groups=2, low=-128)
    large = [(10, 8, 64, 64, (1, 1)), (6, 6, 32, 48, (3, 3)), (20, 10, 8, 16, (3, 3)), (25, 5, 1, 64, (10, 4))]
    large += [(8, 8, 64, 96, (1, 1)), (1, 50, 6, 24, (1, 5)), (1, 25, 24, 32, (1, 5)), (28, 28, 1, 3, (3, 3))]
    for shape in [*large, (9, 9, 40, 40, (3, 3))]:
        yield layers.conv(*shape, act="NONE")
        yield layers.conv(*shape, pad="VALID", stride=2 if shape[0] > 1 else 1)
    for h, w, c in ((1, 30, 16), (25, 5, 64), (14, 14, 8), (6, 12, 40)):
        yield layers.depthwise(h, w, c)
        yield layers.depthwise(h, w, c, stride=2)
        yield layers.depthwise(h, w, c, (1, 5))
        yield layers.depthwise(h, w, c, (min(h, 10), 8), stride=2, multiplier=8)
    yield layers.depthwise(30, 20, 2, (10, 8), stride=2, multiplier=4)
    sizes = [(4, 16), (16, 3), (10, 1), (64, 10), (33, 7), (128, 32), (256, 4), (640, 16), (128, 128), (1000, 2)]
    for inputs, outputs in [*sizes, (17, 20)]:
        for low, act in ((-127, "RELU"), (-127, "NONE"), (-128, "NONE")):
            yield layers.dense(inputs, outputs, act, low)
    yield from _others()


def _others() -> Iterator[Blob]:
    shapes = [(1, 4, 5, 3), (1, 8, 8, 16), (1, 9, 7, 8), (1, 12, 4, 30), (1, 1, 40, 6), (1, 16, 16, 4), (1, 6, 6, 64)]
    for i, shape in enumerate(shapes):
        _, h, w, c = shape
        for kind in ("MAX_POOL_2D", "AVERAGE_POOL_2D"):
            for kernel, stride in (((2, 2), 2), ((3, 3), 1), ((h, w), 1), ((1, 3), 2)):
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


def fitted(rows: list[Array], counts: Array) -> Array:
    """x >= 0 with the smallest sum of squares of (rows @ x) / counts - 1: the active-set method of Lawson, Hanson."""
    a = np.array(rows) / counts[:, None]
    scale = np.maximum(np.abs(a).max(0), 1e-30)
    a = a / scale
    b = np.ones(len(a))
    x = np.zeros(a.shape[1])
    free = np.zeros(a.shape[1], bool)
    for _ in range(10 * len(x)):
        gradient = a.T @ (b - a @ x)
        gradient[free] = 0
        if gradient.max() < 1e-9:
            break
        free[gradient.argmax()] = True
        while True:
            step = np.zeros(len(x))
            step[free] = np.linalg.lstsq(a[:, free], b, rcond=None)[0]
            if step[free].min() > 0:
                x = step
                break
            low = free & (step <= 0)
            ratio = (x[low] / (x[low] - step[low] + 1e-30)).min()
            x = x + ratio * (step - x)
            free &= x > 1e-12
            x[~free] = 0
    return x / scale


def fit(core: Core, blobs: list[Blob]) -> dict[str, dict[str, list[float]]]:
    """By form and amount: what one takes, [instructions] or [instructions, cycles]."""
    counter = Counter(core)
    samples: dict[str, list[tuple[dict[str, float], list[int]]]] = defaultdict(list)
    for blob in blobs:
        (record,) = kernel_records(blob)
        data = blob.data[record[2] : record[2] + record[3]]
        for kept in (False, True):
            form, found = amounts(record, data, kept)
            if kept and ", kept" not in form:
                continue
            (cost,) = counter.count(blob, noise(blob), kept)
            samples[form].append((found, [cost.instructions, cost.cycles][: 1 + (core.arch == "armv6m")]))
    table: dict[str, dict[str, list[float]]] = {}
    for form, some in sorted(samples.items()):
        names = list(some[0][0])
        rows = [np.array([found[name] for name in names], float) for found, _ in some]
        counts = np.array([count for _, count in some], float)
        columns = [fitted(rows, column) for column in counts.T]
        table[form] = {
            name: [float(f"{column[i]:.4g}") for column in columns]
            for i, name in enumerate(names)
            if any(column[i] for column in columns)
        }
        errors = np.array(rows) @ columns[0] / counts[:, 0] - 1
        off = f"{abs(errors).mean():6.1%} off, at most {abs(errors).max():6.1%}"
        print(f"{core!s:16} {form:28} {len(some):3} layers, {off}")
    return table


def main() -> None:
    before = json.loads(COSTS.read_text()) if COSTS.exists() else {}
    table = {"call": CALL, "run": RUN, "cores": before.get("cores", {})}
    blobs = list(spread())
    print(f"{len(blobs)} layers")
    for core in cores():
        if all(word in str(core) for word in sys.argv[1:]):
            table["cores"][str(core)] = fit(core, blobs)
    lines = json.dumps(table, indent=1).replace("\n    ", " ").replace("\n   }", " }")
    COSTS.write_text(lines + "\n")


if __name__ == "__main__":
    main()
