"""Which bytes of the arena every step of a Blob reads, writes and keeps: what ``whit inspect`` draws."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from whit import drawing, program
from whit.blob import Blob
from whit.errors import WhitError
from whit.ops import form
from whit.ops.conv import conv_scratch, depthwise_scratch

Span = tuple[int, int]  # offset, size

_MOST_CELLS = 1 << 28
_HINT = "convert the model again"

FREE, KEPT, READ, WRITTEN, SCRATCH = range(5)
MARKS = " .:#s"
NAMES = ("free", "kept", "read", "written", "scratch")
COLOURS = ("#ffffff", "#c9d6e8", "#6fa0d8", "#1f4e9c", "#e8a33d")


@dataclass(frozen=True)
class Access:
    """Spans of the arena that one record reads, writes, and uses as scratch."""

    reads: list[Span]
    writes: list[Span]
    scratch: list[Span]


@dataclass(frozen=True)
class Map:
    """``cells``: one row per step, one column per byte of the arena; each FREE, KEPT, READ, WRITTEN or SCRATCH.

    ``peak_bytes``: the most bytes that are in use at one step.
    """

    layers: list[str]
    cells: npt.NDArray[np.uint8]

    @property
    def peak_bytes(self) -> int:
        return int((self.cells != FREE).sum(1).max(initial=0))


def access(r: list[int], data: bytes) -> Access:
    """What a record does to the arena; the words are those of device/FORMAT.md. ``data``: its part of DATA."""
    code = r[0]
    if code in (program.CONV, program.DEPTHWISE):
        channels = r[10] * r[14]
        size = (r[12] - 1) * r[27] + (r[13] - 1) * r[28] + channels
        scratch_bytes = conv_scratch(r[10], r[11], r[15] * r[16] * r[11] + 3 & ~3, r[29])
        if code == program.DEPTHWISE:
            scratch_bytes = depthwise_scratch(r[10], channels, (r[15], r[16]), r[13], (r[17], r[18]), (r[19], r[20]))
        needed = form.depthwise_scratch if code == program.DEPTHWISE else form.pairs_scratch
        scratch_bytes = max(scratch_bytes, needed(r, r[31]))
        return Access([(r[4], r[8] * r[9] * r[10] * r[11])], [(r[5], size)], [(r[6], scratch_bytes)])
    if code == program.POOL:
        return Access([(r[4], r[6] * r[7] * r[8])], [(r[5], r[9] * r[10] * r[8])], [])
    if code == program.REDUCE:
        return Access([(r[4], _extent(r[6:14:2], r[7:14:2]))], [(r[5], r[6] * r[8])], [])
    if code in (program.ADD, program.MUL, program.MINMAX):
        reads = [
            (ref >> 1, _extent(r[8:12], strides))
            for ref, strides in ((r[4], r[12:16]), (r[5], r[16:20]))
            if not ref & 1
        ]
        scratch = [(r[7], 2048)] if code == program.ADD else []
        return Access(reads, [(r[6], int(np.prod(r[8:12])))], scratch)
    if code == program.SOFTMAX:
        return Access([(r[4], r[6] * r[7])], [(r[5], r[6] * r[7])], [])
    if code == program.LUT:
        return Access([(r[4], r[6])], [(r[5], r[6])], [])
    if code == program.COPY:
        reads = [] if r[4] & 1 else [(r[4] >> 1, _extent(r[9:13], r[13:17]))]
        return Access(reads, [(r[5], _extent(r[9:13], r[17:21])), (r[6], r[7])], [])
    if code == program.MATMUL:
        reads = [
            (ref >> 1, _extent(sizes, strides))
            for ref, sizes, strides in (
                (r[4], [r[7], r[8], r[9], r[11]], r[12:16]),
                (r[5], [r[7], r[8], r[10], r[11]], r[16:20]),
            )
            if not ref & 1
        ]
        return Access(reads, [(r[6], r[7] * r[8] * r[9] * r[10])], [])
    if code == program.GATHER:
        places = np.frombuffer(data, "<u4", r[6] + r[7], r[9])
        size = int(places[: r[6]].max()) + int(places[r[6] :].max()) + r[8]
        return Access([] if r[4] & 1 else [(r[4] >> 1, size)], [(r[5], r[6] * r[7] * r[8])], [])
    if code == program.BILINEAR:
        table = np.frombuffer(data, "<u4", 3 * (r[7] + r[8])).reshape(-1, 3)[:, :2]
        size = int(table[: r[7]].max()) + int(table[r[7] :].max()) + r[6]
        return Access([(r[4], size)], [(r[5], r[6] * r[7] * r[8])], [])
    if code == program.LSTM:
        steps, inputs, units = r[10:13]
        padded = (inputs + 3 & ~3) + (units + 3 & ~3)
        states = [(r[6], units), (r[7], 2 * units)]
        reads = [(r[4], (steps - 1) * r[13] + inputs)]
        return Access(reads, [(r[5], (steps - 1) * r[14] + units), *states], [(r[8], 12 + padded)])
    if code == program.SVDF:
        state = (r[6], r[11] * r[12] * r[13] * r[14])
        return Access([(r[4], r[10])], [(r[5], r[11]), state], [(r[7], r[10] + 3 & ~3)])
    if code == program.STATE:
        return Access([], [(r[4], r[5])], [])
    return Access([], [], [])


def draw(blob: Blob) -> Map:
    """The Map of a Blob: what each step touches, and what it must leave alone because it is still wanted.

    Raises WhitError for a plan that no board would run.
    """
    if len(blob.layers) * blob.arena_bytes > _MOST_CELLS:
        raise WhitError(f"{blob.name}: an arena of {blob.arena_bytes} B; boards have at most 8 MB", _HINT)
    kernels, before, after, always = [], [], [], []
    for r in blob.records:
        span = (r[4], r[5])
        if r[0] == program.INPUT:
            before.append(span)
        elif r[0] == program.OUTPUT:
            after.append(span)
        elif r[0] == program.STATE:
            always.append(span)
        else:
            try:
                kernels.append(access(r, blob.data[r[2] : r[2] + r[3]]))
            except (ValueError, LookupError, ArithmeticError) as error:
                raise WhitError(f"{blob.name}: op {r[0]} has words that are damaged", _HINT) from error
    cells = np.zeros((len(kernels), blob.arena_bytes), np.uint8)
    wanted = np.zeros(blob.arena_bytes, bool)
    _mark(wanted, [*after, *always], True)
    for row, step in zip(cells[::-1], kernels[::-1], strict=True):
        # from the end: what a step writes is not wanted before it, what it reads is
        row[wanted] = KEPT
        _mark(wanted, step.writes, False)
        _mark(wanted, [*step.reads, *always], True)
        row[wanted & (row == FREE)] = KEPT
        for spans, what in ((step.scratch, SCRATCH), (step.reads, READ), (step.writes, WRITTEN)):
            _mark(row, spans, what)
    return Map([layer.kind for layer in blob.layers], cells)


def _mark(row: npt.NDArray[np.generic], spans: list[Span], value: int) -> None:
    for start, size in spans:
        row[start : start + size] = value


def text(memory: Map, width: int = 60) -> list[str]:
    """A line per step: its name, and the arena from left to right in ``width`` characters."""
    size = max(1, memory.cells.shape[1])
    width = min(width, size)
    edges = np.linspace(0, size, width + 1).astype(int)
    lines = []
    for name, row in zip(memory.layers, memory.cells, strict=True):
        marks = "".join(MARKS[int(row[a:b].max(initial=0))] for a, b in zip(edges[:-1], edges[1:], strict=True))
        lines.append(f"{name[:20]:20} |{marks}|")
    legend = ", ".join(f"{mark} {name}" for mark, name in zip(MARKS[1:], NAMES[1:], strict=True))
    return [*lines, f"{'':20}  0 .. {size} bytes of arena: {legend}"]


def plot(blob: Blob, path: Path) -> None:
    """Draws the Map as .png or .svg. Needs matplotlib, an extra of the package."""
    pyplot = drawing.pyplot(path)
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    memory = draw(blob)
    steps = len(memory.layers)
    figure, axes = pyplot.subplots(figsize=(9, 1.6 + 0.28 * steps), layout="constrained")
    colours = ListedColormap(list(COLOURS))
    axes.imshow(memory.cells, cmap=colours, vmin=0, vmax=len(COLOURS) - 1, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(steps), memory.layers)
    axes.set_xlabel("byte of the arena")
    axes.set_title(f"{blob.name}: {blob.arena_bytes:,} B of arena, at most {memory.peak_bytes:,} B in use at one time")
    handles = [Patch(facecolor=c, edgecolor="#888888", label=n) for c, n in zip(COLOURS, NAMES, strict=True)]
    figure.legend(handles=handles, loc="outside lower center", ncols=len(NAMES), frameon=False)
    drawing.save(figure, path)


def _extent(sizes: list[int], strides: list[int]) -> int:
    """Bytes from the first to the last value of a strided view."""
    return 1 + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
