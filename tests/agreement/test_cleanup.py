"""What the converter moves out of the way: the bytes stay those of the reference, and the steps do become fewer.

WHIT_CASES and WHIT_SEED as in test_operators.py.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from whit import compile as compiling
from whit import layout
from whit.blob import Blob
from whit.compile import compile_graph
from whit.importers import tflite

from tests.emulated.runtime import Runtime

from . import graphs
from .bench import Bench
from .builder import Net, padding
from .device import Device
from .draws import Case
from .test_operators import CASES, SEED

_RNG = np.random.default_rng(1)


def test_random_graphs(device: Device, boards: list[Runtime]) -> None:
    bench = Bench(device, boards)

    @seed(SEED)
    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(graphs.graph())
    def agree(case: Case) -> None:
        note(f"WHIT_SEED={SEED}")
        bench.check(case)

    agree()
    print(bench.ran, bench.refused)
    assert bench.ran["numpy"] == bench.ran["viper"] >= CASES
    assert bench.refused * 10 <= CASES


class _Model:
    """A net with one input; every tensor has one scale and zero point, as joined parts must."""

    def __init__(self, *shape: int) -> None:
        self.net = Net()
        self.x = self.tensor(shape)

    def tensor(self, shape: tuple[int, ...]) -> int:
        return self.net.tensor(shape, 0.5, 3)

    def relu(self, t: int) -> int:
        return int(self.net.op("RELU", [t], self.tensor(self.net.shapes[t])))

    def sigmoid(self, t: int) -> int:
        return int(self.net.op("LOGISTIC", [t], self.net.tensor(self.net.shapes[t], 1 / 256, -128)))

    def sigmoidal(self) -> int:
        return int(self.net.op("QUANTIZE", [self.sigmoid(self.x)], self.tensor(self.net.shapes[self.x])))

    def conv(self, t: int, channels: int, kernel: tuple[int, int] = (1, 1), depthwise: bool = False) -> int:
        b, h, w, c = self.net.shapes[t]
        stored = (1, *kernel, c) if depthwise else (channels, *kernel, c)
        weights = self.net.tensor(stored, 0.01, data=_RNG.integers(-127, 128, stored), axis=3 if depthwise else 0)
        options = {"depthMultiplier": 1} if depthwise else {}
        options |= {"padding": padding("VALID"), "strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}
        y = self.tensor((b, h - kernel[0] + 1, w - kernel[1] + 1, channels))
        return int(self.net.op("DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [t, weights], y, **options))

    def pad(self, t: int, *pads: tuple[int, int]) -> int:
        shape = tuple(n + sum(p) for n, p in zip(self.net.shapes[t], pads, strict=True))
        return int(self.net.op("PAD", [t, self.net.numbers(pads)], self.tensor(shape)))

    def shaped(self, t: int, *shape: int) -> int:
        return int(self.net.op("RESHAPE", [t, self.net.numbers(shape)], self.tensor(shape), newShape=list(shape)))

    def join(self, axis: int, *parts: int) -> int:
        shape = list(self.net.shapes[parts[0]])
        shape[axis] = sum(self.net.shapes[p][axis] for p in parts)
        return int(self.net.op("CONCATENATION", parts, self.tensor(tuple(shape)), axis=axis))

    def pack(self, *parts: int) -> int:
        y = self.tensor((len(parts), *self.net.shapes[parts[0]]))
        return int(self.net.op("PACK", parts, y, axis=0, valuesCount=len(parts)))

    def split(self, t: int, axis: int, count: int) -> list[int]:
        shape = list(self.net.shapes[t])
        shape[axis] //= count
        parts = [self.tensor(tuple(shape)) for _ in range(count)]
        self.net.op("SPLIT", [self.net.numbers(axis), t], parts, numSplits=count)
        return parts

    def case(self, *outputs: int) -> Case:
        shape = self.net.shapes[self.x]
        values = [_RNG.integers(-128, 128, shape).astype(np.int8) for _ in range(3)]
        return Case(self.net.build(self.x, outputs), values, "a model of test_cleanup.py")


def _pad_conv() -> tuple[Case, list[str]]:
    m = _Model(1, 9, 8, 3)
    return m.case(m.conv(m.pad(m.x, (0, 0), (1, 2), (0, 1), (0, 0)), 4, (3, 3))), ["CONV_2D"]


def _pad_depthwise() -> tuple[Case, list[str]]:
    m = _Model(1, 9, 8, 3)
    t = m.relu(m.x)
    return m.case(m.conv(m.pad(t, (0, 0), (0, 2), (3, 1), (0, 0)), 3, (2, 3), True)), ["RELU", "DEPTHWISE_CONV_2D"]


def _pad_reshape_conv() -> tuple[Case, list[str]]:
    m = _Model(1, 12, 3)  # a causal Conv1D
    t = m.shaped(m.pad(m.x, (0, 0), (2, 0), (0, 0)), 1, 1, 14, 3)
    return m.case(m.conv(t, 4, (1, 3))), ["CONV_2D"]


def _pad_of_channels_stays() -> tuple[Case, list[str]]:
    m = _Model(1, 4, 4, 3)
    return m.case(m.conv(m.pad(m.x, (0, 0), (1, 1), (1, 1), (0, 1)), 4, (3, 3))), ["PAD", "CONV_2D"]


def _pad_used_twice_stays() -> tuple[Case, list[str]]:
    m = _Model(1, 4, 4, 3)
    t = m.pad(m.x, (0, 0), (1, 1), (1, 1), (0, 0))
    return m.case(m.conv(t, 4, (3, 3)), m.conv(t, 2, (2, 2))), ["PAD", "CONV_2D", "CONV_2D"]


def _joined_convs() -> tuple[Case, list[str]]:
    m = _Model(1, 5, 5, 4)
    a, b = m.conv(m.x, 3), m.conv(m.x, 5)
    return m.case(m.relu(m.join(3, a, b))), ["CONV_2D", "CONV_2D", "RELU"]


def _joined_rows() -> tuple[Case, list[str]]:
    m = _Model(1, 5, 6, 4)
    return m.case(m.relu(m.join(1, m.relu(m.x), m.conv(m.x, 4)))), ["RELU", "CONV_2D", "RELU"]


def _joined_twice() -> tuple[Case, list[str]]:
    m = _Model(1, 5, 6, 4)
    inner = m.join(1, m.relu(m.x), m.conv(m.x, 4))
    return m.case(m.join(1, m.conv(m.x, 4), inner)), ["RELU", "CONV_2D", "CONV_2D"]


def _joined_with_what_cannot_move() -> tuple[Case, list[str]]:
    m = _Model(1, 5, 6, 4)  # the input, a tensor that is there twice, and one that is an output are copied
    twice, seen = m.relu(m.x), m.conv(m.x, 4)
    joined = m.join(1, m.x, twice, m.conv(m.x, 4), twice, seen)
    return m.case(joined, seen), ["RELU", "CONV_2D", "CONV_2D", *["CONCATENATION"] * 4]


def _packed() -> tuple[Case, list[str]]:
    m = _Model(4, 6)
    return m.case(m.pack(m.relu(m.x), m.sigmoidal())), ["RELU", "LOGISTIC+QUANTIZE"]


def _split_and_joined() -> tuple[Case, list[str]]:
    m = _Model(6, 5)
    a, b, c = m.split(m.x, 0, 3)
    return m.case(m.relu(b), m.join(0, m.relu(c), m.relu(a))), ["RELU", "RELU", "RELU"]


def _tables() -> tuple[Case, list[str]]:
    m = _Model(1, 40)
    return m.case(m.sigmoid(m.relu(m.sigmoidal()))), ["LOGISTIC+QUANTIZE+RELU+LOGISTIC"]


def _table_seen_between() -> tuple[Case, list[str]]:
    m = _Model(1, 40)
    t = m.relu(m.x)
    return m.case(m.sigmoid(t), t), ["RELU", "LOGISTIC"]


def _part_of_what_is_overwritten() -> tuple[Case, list[str]]:
    m = _Model(3, 5)  # the sum may not take the memory of x: the kernel still reads the first row of it, broadcast
    x = m.relu(m.x)
    first, _, _ = m.split(x, 0, 3)
    return m.case(int(m.net.op("ADD", [x, first], m.tensor((3, 5))))), ["RELU", "ADD"]


MODELS: list[Callable[[], tuple[Case, list[str]]]] = [
    _pad_conv,
    _pad_depthwise,
    _pad_reshape_conv,
    _pad_of_channels_stays,
    _pad_used_twice_stays,
    _joined_convs,
    _joined_rows,
    _joined_twice,
    _joined_with_what_cannot_move,
    _packed,
    _split_and_joined,
    _part_of_what_is_overwritten,
    _tables,
    _table_seen_between,
]


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__.strip("_"))
def test_steps_that_stay(
    make: Callable[[], tuple[Case, list[str]]],
    device: Device,
    boards: list[Runtime],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The layers are these; without the clean-up there are more of them, in as much memory or more."""
    case, layers = make()
    Bench(device, boards).check(case)
    tidy = _blob(case)
    assert [layer.kind for layer in tidy.layers] == layers
    monkeypatch.setattr(layout, "arrange", lambda graph: None)
    monkeypatch.setattr(compiling, "merge_tables", lambda graph, steps: steps)
    untidy = _blob(case)
    Bench(device, boards).check(case)
    assert len(tidy.layers) <= len(untidy.layers)
    # (a part that is not copied may keep a sum from being made in place; where a layer's scratch is what takes most,
    # the whole of a joined tensor lies beside it, not only the part that the layer makes)
    assert tidy.arena_bytes <= untidy.arena_bytes or make in (
        _part_of_what_is_overwritten,
        _joined_with_what_cannot_move,
    )
    if not make.__name__.endswith(("stays", "between")):
        assert len(tidy.layers) < len(untidy.layers)


def _blob(case: Case) -> Blob:
    return compile_graph(tflite.parse(case.model, "case.tflite"))
