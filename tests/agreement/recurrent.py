"""Cases of UNIDIRECTIONAL_SEQUENCE_LSTM and SVDF."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from .builder import Net, activation
from .draws import SEEDS, ZEROS, Array, Case, Draw, int8, scales

ABSENT = -1


@st.composite
def lstm(draw: Draw) -> Case:
    n, units, times = draw(st.integers(1, 9)), draw(st.integers(1, 9)), draw(st.integers(1, 4))
    batch, major = draw(st.sampled_from([(1, False), (1, False), (1, True), (2, False), (2, True)]))
    # inner values of about the range of sigmoid and tanh, and some far beyond
    x_scale, w_scale = draw(scales(-9, -3)), draw(scales(-10, -5))
    h_scale = draw(st.one_of(st.just(2.0**-7), scales(-9, -5)))
    power = draw(st.sampled_from([-11, -11, -12, -10, -13, -15, -9, -17]))
    clip = draw(st.sampled_from([0.0, 0.0, 10.0, 0.5, 3e-5, -1.0]))
    zx, zh = draw(ZEROS), draw(ZEROS)
    net = Net()
    shape = (times, batch, n) if major else (batch, times, n)
    x = net.tensor(shape, x_scale, zx)
    inputs = [ABSENT] * 24
    inputs[0] = x
    for i in range(1, 9):
        size = (units, n if i < 5 else units)
        scale = float(np.float32(w_scale * draw(scales(-1, 1))))
        inputs[i] = net.tensor(size, scale, data=_weights(draw, size))
    for i in range(12, 16):
        inputs[i] = net.tensor((units,), x_scale * w_scale, dtype="int32", data=_biases(draw, units, x_scale * w_scale))
    inputs[18] = net.tensor((batch, units), h_scale, zh, variable=True)
    inputs[19] = net.tensor((batch, units), 2.0**power, dtype="int16", variable=True)
    y = net.tensor((*shape[:2], units), h_scale, zh)
    tanh = activation("TANH")
    net.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, y, fusedActivationFunction=tanh, cellClip=clip, timeMajor=major)
    text = f"LSTM {shape}, {units} units, time major {major}, scales {x_scale} {w_scale} {h_scale} 2**{power}, "
    return Case(net.build(x, y), _runs(draw, shape, zx), text + f"clip {clip}, zeros {zx} {zh}")


def two_precisions() -> Case:
    """An LSTM with a cell that would differ if its scales were multiplied in single precision: one of some 10 ** 5."""
    x_scale, w_scale = 0.005615090020000935, 0.0054696607403457165
    net = Net()
    x = net.tensor((1, 1, 8), x_scale)
    inputs = [x] + [ABSENT] * 23
    for i in range(1, 9):
        size = (1, 8 if i < 5 else 1)
        values = [-124, -101, -110, -127, 73, -69, 104, 121] if i == 3 else np.zeros(size)
        inputs[i] = net.tensor(size, w_scale, data=np.reshape(values, size))
    for i, bias in ((12, 1 << 22), (13, -(1 << 22)), (14, 0), (15, 1 << 22)):  # only the cell gate is half open
        inputs[i] = net.tensor((1,), x_scale * w_scale, dtype="int32", data=[bias])
    inputs[18] = net.tensor((1, 1), 2.0**-7, variable=True)
    inputs[19] = net.tensor((1, 1), 2.0**-15, dtype="int16", variable=True)
    y = net.tensor((1, 1, 1), 2.0**-7)
    net.op("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, y, fusedActivationFunction=activation("TANH"))
    run = np.array([121, 31, 20, 74, -51, -9, 57, -97], np.int8).reshape(1, 1, 8)
    return Case(net.build(x, y), [run], "LSTM of one unit")


@st.composite
def svdf(draw: Draw) -> Case:
    n, units, rank = draw(st.integers(1, 9)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    memory, batch = draw(st.integers(1, 10)), draw(st.sampled_from([1, 1, 1, 2]))
    wide = draw(st.booleans())
    filters = units * rank
    x_scale, f_scale = draw(scales(-6, -2)), draw(scales(-9, -3))
    zx, zy = draw(ZEROS), draw(ZEROS)
    # the reference wraps around where the zero point takes an int8 state out of its range
    zs = 0 if wide else draw(st.one_of(st.just(0), ZEROS))
    top = 15 if wide else 7  # bits of a state
    fill = draw(st.one_of(st.floats(-1, 2), st.floats(-1, 2), st.floats(-9, 6)))
    state_scale = float(np.float32(x_scale * f_scale * 2.0 ** (14 + math.log2(n) / 2 - top + fill)))
    t_scale = draw(scales(-16, -9) if wide else scales(-9, -4))
    bias_scale = float(np.float32(state_scale) * np.float32(t_scale))
    # sums of 16-bit products beyond int32 are undefined in the reference
    most = min(32767, ((1 << 31) - (1 << 21)) // (32768 * memory * rank)) if wide else 127
    spread = top + math.log2(most * memory * rank) / 2 + math.log2(most) / 2 - 7
    fill = draw(st.one_of(st.floats(-2, 1), st.floats(-2, 1), st.floats(-12, 6)))
    y_scale = float(np.float32(bias_scale * 2.0 ** (spread + fill)))
    net = Net()
    x = net.tensor((batch, n), x_scale, zx)
    features = net.tensor((filters, n), f_scale, data=_weights(draw, (filters, n)))
    dtype = "int16" if wide else "int8"
    times = _wide(draw, (filters, memory), most) if wide else _weights(draw, (filters, memory))
    weights = net.tensor((filters, memory), t_scale, dtype=dtype, data=times)
    bias = net.tensor((units,), bias_scale, dtype="int32", data=_biases(draw, units, bias_scale))
    state = net.tensor((batch, filters * memory), state_scale, zs, dtype=dtype, variable=True)
    y = net.tensor((batch, units), y_scale, zy)
    none = activation("NONE")
    net.op("SVDF", [x, features, weights, bias, state], y, rank=rank, fusedActivationFunction=none)
    text = f"SVDF {n} -> {units}, batch {batch}, rank {rank}, memory {memory}, {dtype}, "
    text += f"scales {x_scale} {f_scale} {state_scale} {t_scale} {y_scale}, zeros {zx} {zs} {zy}"
    return Case(net.build(x, y), _runs(draw, (batch, n), zx), text)


def _weights(draw: Draw, shape: tuple[int, int]) -> Array:
    """Mostly any bytes: the extreme ones drive all to where gates are open or shut, and nothing is to be seen."""
    if draw(st.integers(0, 7)) == 7:
        return int8(draw, shape)
    return np.random.default_rng(draw(SEEDS)).integers(-128, 128, shape).astype(np.int8)


def _biases(draw: Draw, n: int, scale: float) -> Array:
    """Biases that stand for -1 to 1, as far as int32 sums allow; zero now and then."""
    rng = np.random.default_rng(draw(SEEDS))
    most = draw(st.sampled_from([0, 1, min(1 << 20, max(1, int(1 / scale)))]))
    return rng.integers(-most, most + 1, n).astype(np.int32)


def _wide(draw: Draw, shape: tuple[int, ...], most: int) -> Array:
    rng = np.random.default_rng(draw(SEEDS))
    if draw(st.booleans()):
        return rng.choice(np.array([-most, most], np.int16), shape)
    return rng.integers(-most, most + 1, shape).astype(np.int16)


def _runs(draw: Draw, shape: tuple[int, ...], zero: int) -> list[Array]:
    """Inputs of runs in a row: enough for the state to matter."""
    rng = np.random.default_rng(draw(SEEDS))
    ends = rng.choice(np.array([-128, 127], np.int8), shape)
    steady = np.full(shape, draw(st.sampled_from([-128, 127, zero])), np.int8)
    return [rng.integers(-128, 128, shape).astype(np.int8) for _ in range(3)] + [ends, steady, steady]
