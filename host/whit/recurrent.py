"""The recurrent operators in numpy, for ``simulate``: the arithmetic of device/whit/viper/lstm.py and svdf.py."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from whit.fixed import rescale_array, signed32

Array = npt.NDArray[Any]


def lstm(arena: Array, data: Array, r: list[int]) -> None:
    src, out, hidden, cell, _, biases, times, n, units, stride_x, stride_y, zero, clip, factor, shift = r[4:19]
    scales = [(r[i], r[i + 1]) for i in range(19, 41, 2)]
    table = data[:512].view("<u2").astype(np.int64)
    weights = data[512 : 512 + 4 * units * (n + units)].astype(np.int64).reshape(units, 4, n + units) - 128
    bias = signed32(data[biases : biases + 32 * units].view("<u4")).reshape(units, 4, 2)
    c = arena[cell : cell + 2 * units].view("<i2").astype(np.int64)
    for t in range(times):
        x = arena[src + t * stride_x :][:n].astype(np.int64) + 128
        h = arena[hidden : hidden + units].astype(np.int64) + 128
        gates = []
        for k in range(4):
            inner = _int16(rescale_array(weights[:, k, :n] @ x + bias[:, k, 0], *scales[2 * k]))
            recurrent = _int16(rescale_array(weights[:, k, n:] @ h + bias[:, k, 1], *scales[2 * k + 1]))
            gates.append(_squash(table, 3 * _int16(inner + recurrent), k == 3))
        f, i, o, g = gates
        c = _int16(_int16(rescale_array(f * c, *scales[8])) + _int16(rescale_array(i * g, *scales[9])))
        if clip:
            c = np.clip(c, 1 - clip, clip - 1)
        tanh = _squash(table, (c * factor + (1 << shift >> 1)) >> shift, True)
        y = np.clip(rescale_array(tanh * o, *scales[10]) + zero, 0, 255) - 128
        arena[hidden : hidden + units] = y
        arena[out + t * stride_y :][:units] = y
    arena[cell : cell + 2 * units] = c.astype("<i2").view(np.int8)


def _int16(x: Array) -> Array:
    return np.clip(x, -32768, 32767)


def _squash(table: Array, x: Array, tanh: bool) -> Array:
    """sigmoid or tanh, Q0.15, by linear interpolation."""
    bits = 8 if tanh else 9
    size = np.abs(x)
    i = np.minimum(size >> bits, 254)
    value = (table[i] << bits) + (size & (1 << bits) - 1) * (table[i + 1] - table[i])
    value = np.where(size >> bits > 254, 65543 - bits << bits, value) - (1 << bits + 15)
    value = np.where(x < 0, -1 - value, value)
    result: Array = value + 128 >> 8 if tanh else value + (1 << 24) + 512 >> 10
    return result


def svdf(arena: Array, data: Array, r: list[int]) -> None:
    src, out, at, _, table, time, n, units, rank, memory, size, zero = r[4:16]
    filters = units * rank
    x = arena[src : src + n].astype(np.int64) + 128
    features = data[: filters * n].astype(np.int64).reshape(filters, n) - 128
    words = signed32(data[table : table + 4 * (units + filters)].view("<u4")).reshape(units, 1 + rank)
    span = filters * memory * size
    limit = 1 << 8 * size - 1
    times = data[time : time + span].view(f"<u{size}").astype(np.int64).reshape(filters, memory) - limit
    state = arena[at : at + span].view(f"<i{size}").reshape(filters, memory)
    new = rescale_array(features @ x + words[:, 1:].ravel(), r[16], r[17])
    state[:, :-1] = state[:, 1:].copy()
    state[:, -1] = (np.clip(new, -limit, limit - 1) + zero - 128).astype(f"<i{size}")
    sums = ((state.astype(np.int64) - (zero - 128)) * times).sum(1)
    total = rescale_array(words[:, 0] + sums.reshape(units, rank).sum(1), r[18], r[19])
    arena[out : out + units] = np.clip(total + r[20], 0, 255) - 128
