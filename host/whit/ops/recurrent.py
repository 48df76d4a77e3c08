"""UNIDIRECTIONAL_SEQUENCE_LSTM and SVDF: what they keep between runs are variables of the model."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from whit.graph import Op, Tensor, Unsupported
from whit.ops.common import activations, scale_words
from whit.program import LSTM, SVDF, Step, aligned

# TensorFlow Lite's numbers of the inputs, in the order in which the kernel computes the gates:
# forget, input, output, cell
_GATES = ((2, 6, 13), (1, 5, 12), (4, 8, 15), (3, 7, 14))  # weights, recurrent weights, bias
_HIDDEN, _CELL = 18, 19
_VARIANTS = {
    **dict.fromkeys(range(9, 12), "peepholes"),
    **dict.fromkeys(range(16, 18), "a projection"),
    **dict.fromkeys(range(20, 24), "layer normalisation"),
}
_GATE_SCALE, _UNIT_SCALE = 2.0**-12, 2.0**-15  # of what goes into sigmoid and tanh, and of what comes out


def sigmoid_table() -> bytes:
    """256 words of 16 bits: sigmoid(i / 24) * 2**16, from which the kernel interpolates.

    Each entry lies above the curve by half of what the chord between two entries misses of it (second derivative / 16
    * step**2), so that interpolation errs as much up as down. The last one is the end of the range.
    """
    values = []
    for i in range(255):
        s = 1 / (1 + math.exp(-i / 24))
        values.append(round(65536 * (s + s * (1 - s) * (2 * s - 1) / (16 * 24 * 24))))
    return np.array([*values, 65535], "<u2").tobytes()


def lstm(op: Op) -> list[Step]:
    """One step per batch; batches share the weights."""
    x, y = activations(op)
    hidden, cell = _lstm_states(op)
    if len(x.shape) != 3 or len(y.shape) != 3:
        raise Unsupported(f"{len(x.shape)} axes where 3 are wanted")
    batch, times = x.shape[:2]
    if op.options.get("time_major"):
        batch, times = times, batch
    n, units = x.shape[2], y.shape[2]
    if hidden.size != batch * units or cell.size != batch * units or y.shape[:2] != x.shape[:2]:
        raise Unsupported(f"states of {hidden.size} and {cell.size} values for an output of {y.shape}")
    data, biases = _lstm_data(op, x, hidden, n, units)
    tail = [times, n, units, n, units, hidden.zero_point + 128, _clip(op, cell), *_cell_shift(cell)]
    if op.options.get("time_major"):
        tail[3:5] = n * batch, units * batch
    tail += _lstm_scales(op, x, hidden, cell)

    def step(i: int) -> Step:
        move = (i * n, i * units) if op.options.get("time_major") else (i * times * n, i * times * units)
        return Step(
            LSTM,
            op.kind,
            [x],
            y,
            lambda at, scratch: [
                at(x) + move[0],
                at(y) + move[1],
                at(hidden) + i * units,
                at(cell) + 2 * i * units,
                scratch,
                biases,
                *tail,
            ],
            data=data,
            scratch=12 + len(aligned(bytes(n))) + len(aligned(bytes(units))),
            macs=times * 4 * units * (n + units),
            weight_bytes=0 if i else 4 * units * (n + units) + 16 * units,
            state=[hidden, cell],
        )

    return [step(i) for i in range(batch)]


def _lstm_states(op: Op) -> tuple[Tensor, Tensor]:
    """(hidden, cell), of the types that the reference takes. Refuses the variants that it refuses too."""
    for i, what in _VARIANTS.items():
        if op.has(i):
            raise Unsupported(f"an LSTM with {what}")
    if op.options.get("activation") != "TANH":
        raise Unsupported(f"an LSTM with activation {op.options.get('activation')}; only TANH runs")
    hidden, cell = op.tensor(_HIDDEN), op.tensor(_CELL)
    _state(hidden, "int8")
    _state(cell, "int16")
    if cell.zero_point:
        raise Unsupported("a cell state with a zero point")
    return hidden, cell


def _state(t: Tensor, *dtypes: str) -> None:
    if t.dtype not in dtypes or not t.variable:
        raise Unsupported(f"a state of {t.dtype} values; {' or '.join(dtypes)} variables run")
    if not t.scale_runs:
        raise Unsupported("a state without one scale and zero point, or with one out of range")


def _weights(op: Op, i: int, shape: tuple[int, int], *dtypes: str) -> npt.NDArray[np.int64]:
    t = op.tensor(i)
    if t.dtype not in (dtypes or ("int8",)):
        raise Unsupported(f"{t.dtype} weights")
    if not t.scale_runs or t.zero_point:
        raise Unsupported("weights with a zero point, with more than one scale, or one out of range")
    if t.shape != shape:
        raise Unsupported(f"weights of {t.shape} where {shape} are wanted")
    return op.constant(i).astype(np.int64)


def _bias(op: Op, i: int, n: int) -> npt.NDArray[np.int64]:
    t = op.tensor(i)
    if t.dtype != "int32" or t.size != n:
        raise Unsupported(f"a bias of {t.size} {t.dtype} values where {n} of int32 are wanted")
    return op.constant(i).astype(np.int64).ravel()


def _lstm_data(op: Op, x: Tensor, hidden: Tensor, n: int, units: int) -> tuple[bytes, int]:
    """(DATA, where its biases begin): table, then weights and biases unit by unit."""
    weights, biases = [], []
    for w, r, b in _GATES:
        inner, recurrent = _weights(op, w, (units, n)), _weights(op, r, (units, units))
        weights += [inner, recurrent]
        # the kernel multiplies bytes without sign; this is what that adds to every sum
        biases.append(_bias(op, b, units) - (x.zero_point + 128) * inner.sum(1))
        biases.append(-(hidden.zero_point + 128) * recurrent.sum(1))
    unsigned = (np.hstack(weights) + 128).astype(np.uint8).tobytes()
    # it reads up to three bytes beyond the last row
    data = sigmoid_table() + aligned(unsigned + bytes(3))
    return data + _words(np.stack(biases, 1)), len(data)


def _words(values: npt.NDArray[np.int64]) -> bytes:
    return (values & 0xFFFFFFFF).astype("<u4").tobytes()


def _lstm_scales(op: Op, x: Tensor, hidden: Tensor, cell: Tensor) -> list[int]:
    """Multipliers and shifts of the eleven requantisations, in double precision (see ``svdf``)."""
    words: list[int] = []
    for w, r, _ in _GATES:
        for source, i in ((x, w), (hidden, r)):
            words += scale_words(source.scale * op.tensor(i).scale / _GATE_SCALE)
    words += scale_words(_UNIT_SCALE)
    words += scale_words(_UNIT_SCALE * _UNIT_SCALE / cell.scale)
    return words + scale_words(_UNIT_SCALE * _UNIT_SCALE / hidden.scale)


def _clip(op: Op, cell: Tensor) -> int:
    """Largest cell value plus 1; 0 for none."""
    clip = float(op.options.get("cell_clip", 0.0))
    return int(min(clip / cell.scale, 32767.0)) + 1 if clip > 0 else 0


def _cell_shift(cell: Tensor) -> tuple[int, int]:
    """(factor, right shift) from the cell to the argument of tanh; the table's steps are 3 / 4 of Q3.12's."""
    power = round(math.log2(cell.scale))
    if abs(math.log2(cell.scale) - power) > 1e-3 or not -30 <= power <= 0:
        raise Unsupported(f"a cell scale of {cell.scale:g}, which is no power of 2 from 2**-30 to 1")
    return (3 << power + 12, 0) if power >= -12 else (3, -12 - power)


def svdf(op: Op) -> list[Step]:
    """One step per batch."""
    x, y = activations(op)
    state, rank = op.tensor(4), int(op.options["rank"])
    _state(state, "int8", "int16")
    if len(x.shape) != 2 or len(y.shape) != 2 or rank < 1:
        raise Unsupported(f"{len(x.shape)} axes where 2 are wanted, or rank {rank}")
    (batch, n), units = x.shape, y.shape[1]
    memory = op.tensor(2).shape[-1]
    filters = units * rank
    if state.size != batch * filters * memory or y.shape[0] != batch:
        raise Unsupported(f"a state of {state.size} values for {filters} filters of {memory}")
    features = _weights(op, 1, (filters, n))
    times = _weights(op, 2, (filters, memory), state.dtype)
    corrections = (-(x.zero_point + 128) * features.sum(1)).reshape(units, rank)
    table = _words(np.hstack([_bias(op, 3, units)[:, None], corrections]))
    # the kernel reads up to three bytes beyond the last row
    head = aligned((features + 128).astype(np.uint8).tobytes() + bytes(3))
    size = 1 if state.dtype == "int8" else 2
    unsigned = (times + (1 << 8 * size - 1)).astype(f"<u{size}").tobytes()
    # in double precision, as the reference does since October 2026
    scales = [t.scale for t in (x, op.tensor(1), state, op.tensor(2), y)]
    tail = [len(head), len(head) + len(table), n, units, rank, memory, size, state.zero_point + 128]
    tail += scale_words(scales[0] * scales[1] / scales[2]) + scale_words(scales[2] * scales[3] / scales[4])
    tail.append(y.zero_point + 128)

    def step(i: int) -> Step:
        return Step(
            SVDF,
            op.kind,
            [x],
            y,
            lambda at, scratch: [
                at(x) + i * n,
                at(y) + i * units,
                at(state) + i * filters * memory * size,
                scratch,
                *tail,
            ],
            data=head + table + aligned(unsigned),
            scratch=len(aligned(bytes(n))),
            macs=filters * (n + memory),
            weight_bytes=0 if i else filters * (n + memory * size) + 4 * units,
            state=[state],
        )

    return [step(i) for i in range(batch)]
