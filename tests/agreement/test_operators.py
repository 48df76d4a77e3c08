"""Every operator with random shapes and parameters: the bytes of TensorFlow Lite Micro, in every form of the kernels.

WHIT_CASES=N sets the number of cases per operator (200). Under CI=true the cases are always the same; elsewhere
every run draws others, and a failure says how to see it again: WHIT_SEED=N.
Each case runs in the numpy simulator and in 64-bit MicroPython (viper); small ones also as bytecode and as 32-bit
machine code of two architectures. See bench.py.
"""

from __future__ import annotations

import os
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis.strategies import SearchStrategy
from whit.compile import compile_graph
from whit.importers import tflite
from whit.ops.unary import FLOAT

from tests.emulated.runtime import Runtime

from . import (
    convs,
    edges,
    islands,
    matmuls,
    memories,
    moves,
    pairs,
    pools,
    resizes,
    several,
    shuffles,
    slices,
    tables,
)
from .bench import Bench
from .builder import Net
from .device import Device
from .draws import Case

CASES = int(os.environ.get("WHIT_CASES", "200"))
CI = os.environ.get("CI") == "true"
SEED = int(os.environ.get("WHIT_SEED") or (0 if CI else random.randrange(1 << 32)))

OPERATORS: dict[str, SearchStrategy[Case]] = {
    "CONV_2D": convs.conv_2d(),
    "DEPTHWISE_CONV_2D": convs.depthwise_conv_2d(),
    "FULLY_CONNECTED": convs.fully_connected(),
    "TRANSPOSE_CONV": convs.transpose_conv(),
    "BATCH_MATMUL": matmuls.batch_matmul(),
    "MAX_POOL_2D": pools.pool("MAX_POOL_2D"),
    "AVERAGE_POOL_2D": pools.pool("AVERAGE_POOL_2D"),
    "MEAN": pools.reduce("MEAN"),
    "SUM": pools.reduce("SUM"),
    "REDUCE_MAX": pools.reduce("REDUCE_MAX"),
    "REDUCE_MIN": pools.reduce("REDUCE_MIN"),
    "ADD": pairs.add("ADD"),
    "SUB": pairs.add("SUB"),
    "SQUARED_DIFFERENCE": pairs.squared_difference(),
    "PRELU": pairs.prelu(),
    "MAXIMUM": pairs.extreme("MAXIMUM"),
    "MINIMUM": pairs.extreme("MINIMUM"),
    "MUL": pairs.mul(),
    "SOFTMAX": tables.softmax(),
    "LOGISTIC": tables.table("LOGISTIC"),
    "RELU": tables.table("RELU"),
    "RELU6": tables.table("RELU6"),
    "TANH": tables.table("TANH"),
    "HARD_SWISH": tables.table("HARD_SWISH"),
    "LEAKY_RELU": tables.table("LEAKY_RELU"),
    "ABS": tables.table("ABS"),
    "RSQRT": tables.table("RSQRT"),
    "ELU": tables.table("ELU"),
    "QUANTIZE": tables.table("QUANTIZE"),
    **{f"float {kind}": islands.island(kind) for kind in sorted(FLOAT)},
    "PAD": moves.pad("PAD"),
    "PADV2": moves.pad("PADV2"),
    "CONCATENATION": moves.concatenation(),
    "STRIDED_SLICE": slices.strided_slice(),
    "SLICE": slices.slice_(),
    "SPLIT": slices.split("SPLIT"),
    "SPLIT_V": slices.split("SPLIT_V"),
    "UNPACK": slices.split("UNPACK"),
    "PACK": slices.pack(),
    "GATHER": slices.gather(),
    "TRANSPOSE": shuffles.transpose(),
    "TILE": shuffles.tile(),
    "DEPTH_TO_SPACE": shuffles.depth("DEPTH_TO_SPACE"),
    "SPACE_TO_DEPTH": shuffles.depth("SPACE_TO_DEPTH"),
    "SPACE_TO_BATCH_ND": shuffles.batch("SPACE_TO_BATCH_ND"),
    "BATCH_TO_SPACE_ND": shuffles.batch("BATCH_TO_SPACE_ND"),
    "RESIZE_NEAREST_NEIGHBOR": resizes.resize("RESIZE_NEAREST_NEIGHBOR"),
    "RESIZE_BILINEAR": resizes.resize("RESIZE_BILINEAR"),
    "chains of RESHAPE, EXPAND_DIMS, SQUEEZE": moves.chain(),
    "uint8, int16 and float32 edges": edges.edge(),
    "several inputs and outputs": several.several(),
    "variables": memories.memory(),
}


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator(operator: str, device: Device, boards: list[Runtime]) -> None:
    bench = Bench(device, boards)

    @seed(SEED)
    @settings(
        max_examples=CASES,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(OPERATORS[operator])
    def agree(case: Case) -> None:
        note(f"WHIT_SEED={SEED}")
        bench.check(case)

    agree()
    print(operator, bench.ran, bench.refused)
    assert bench.ran["numpy"] == bench.ran["viper"] >= CASES
    assert bench.refused * 10 <= CASES, f"the reference refuses {bench.refused} cases"
    for form in ("bytecode", "emulated"):
        assert bench.small.get(form, 0) * 2 >= CASES, f"{form}: {bench.small.get(form, 0)} of {CASES} cases are small"
    for form in ("bytecode", *(board.name for board in boards if board.family == "viper")):
        assert bench.ran.get(form, 0) >= CASES // 50, f"{form}: {bench.ran.get(form, 0)} of {CASES} cases"


def test_sums_at_the_end_of_int32_where_the_inputs_allow_them(device: Device, boards: list[Runtime]) -> None:
    """A bias so large that other inputs would overflow: what the host makes of it wraps, and wraps back."""
    bench = Bench(device, boards)
    few = [np.full((1, 4), 127, np.int8), np.full((1, 4), 126, np.int8)]  # zero point 127: these are 0 and -1
    for bias, weight in (((1 << 31) - 600, -128), (600 - (1 << 31), 127)):
        net = Net()
        x = net.tensor((1, 4), 1.0, 127)
        tensors = [x, net.tensor((1, 4), 1.0, data=np.full((1, 4), weight))]
        tensors.append(net.tensor((1,), 1.0, dtype="int32", data=[bias]))
        y = net.op("FULLY_CONNECTED", tensors, net.tensor((1, 1), 2.0**25))
        case = Case(net.build(x, y), few, f"FULLY_CONNECTED with a bias of {bias}")
        bench.check(case)
        blob = compile_graph(tflite.parse(case.model, "case.tflite"))
        want = [bytes([64 if bias > 0 else 192])] * 2
        assert device.run(blob, few, "bytecode") == want
        assert all(board.run(blob, few) == want for board in boards)
