"""``whit.bench``: how long each layer takes, measured on a board, and whether the known answer comes out."""

from __future__ import annotations

import ast
import statistics
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from whit import drawing, latency
from whit.blob import Blob, read
from whit.board import Board, Progress
from whit.errors import WhitError
from whit.latency import Latency
from whit.probe import BoardInfo
from whit.profiles import recognise
from whit.running import prepared
from whit.runtime import untried

_RUN_S = 600.0  # of one run; bytecode kernels on a slow board take their time

_ROUND_US = 3000  # a round takes at least so long: ticks_us counts whole microseconds, and a small layer takes two
_MOST_RUNS = 500  # in a round

# Model.profile prints; a print of its module's own keeps it silent. The self-test leaves a typical input. The model of
# other kernels goes first: there may be no room for two.
_START = f"""\
def _whit_bench(m, n):
    import gc
    from time import ticks_us, ticks_diff
    gc.collect()
    t = ticks_us()
    for _ in range(n):
        m.run()
    return ticks_diff(ticks_us(), t) / n
def _whit_layers(m, n):
    import whit.report
    whit.report.print = lambda *words: None
    return [row[1] for row in m.profile(n)]
import whit
_whit_model = None
_whit_model = whit.load({{file!r}}{{kernels}})
_whit_wrong = _whit_model.selftest()
_whit_runs = max(1, min({_MOST_RUNS}, int({_ROUND_US} / max(1, _whit_bench(_whit_model, 1)))))
print(_whit_model.kernels, _whit_runs, _whit_wrong)
"""
_ROUND = "print([_whit_bench(_whit_model, _whit_runs)] + _whit_layers(_whit_model, _whit_runs))"


@dataclass(frozen=True)
class Times:
    """Microseconds of a run: the median of all rounds, the least and the most."""

    us: float
    us_min: float
    us_max: float

    @classmethod
    def of(cls, rounds: list[float]) -> Times:
        return cls(statistics.median(rounds), min(rounds), max(rounds))


@dataclass(frozen=True)
class LayerTimes:
    """A layer: ``kind`` in TensorFlow Lite's names, shape of its output, multiply-accumulates; its times."""

    kind: str
    shape: tuple[int, ...]
    macs: int
    times: Times
    share: float  # of the time of all layers, 0 .. 1
    estimate_us: float | None  # where the kind of board is known

    @property
    def macs_per_s(self) -> float:
        return 1e6 * self.macs / self.times.us if self.times.us else 0.0


@dataclass(frozen=True)
class Beside:
    """What the board's own choice of kernels takes, for a family that no one has seen run."""

    kernels: str
    layers: list[Times]
    total: Times


@dataclass(frozen=True)
class Bench:
    """What `bench` measured, in so many rounds of so many runs; quick models run more than once in a round.

    ``total`` is of whole runs, so also of what is between the layers. ``wrong`` of the known answer's ``known`` bytes
    differ (``known`` is 0 where the model has none).
    """

    model: str
    port: str | None  # None: of a virtual board that is gone
    machine: str
    kernels: str
    rounds: int
    runs: int  # in each
    layers: list[LayerTimes]
    total: Times
    profile: str | None  # the kind of board that estimates are of
    estimate_us: float | None  # of a whole run
    wrong: int = 0
    known: int = 0
    beside: Beside | None = None

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries and lists, for ``json.dumps``."""
        document = asdict(self) | {"macs": self.macs}
        for layer, row in zip(self.layers, document["layers"], strict=True):
            row.update(row.pop("times"), macs_per_s=round(layer.macs_per_s))
        return document


def bench(
    blob: Blob | str | Path,
    *,
    port: str | None = None,
    rounds: int = 10,
    kernels: str | None = None,
    progress: Progress | None = None,
) -> Bench:
    """Times every layer of ``blob`` on the board at ``port`` or on a fresh virtual board, in ``rounds`` rounds.

    A round is one run, or as many quick ones as the board's clock needs. ``kernels``: another family than the
    board's best. The model stays on the board, and its main.py is started again.
    Raises WhitError where the model does not run there.
    """
    path = Path(blob.name + ".whit") if isinstance(blob, Blob) else Path(blob)
    blob = blob if isinstance(blob, Blob) else read(blob)
    if rounds < 1:
        raise WhitError(f"{rounds} runs measure nothing", "take at least one, as with --runs 10")
    with prepared(blob, path, port, kernels) as (board, file):
        try:
            board.clear()  # neither the memory nor the timers of a main.py
            info = board.info
            twice = 2 if kernels in untried(info) else 1

            def told(done: int, _: int) -> None:
                if progress:
                    progress(done, twice * rounds)

            family, runs, wrong, rows = _measure(board, file, kernels, rounds, told)
            beside = None
            if twice == 2:
                own, _, _, others = _measure(board, file, None, rounds, lambda i, n: told(n + i, n))
                total, *times = (Times.of(list(column)) for column in zip(*others, strict=True))
                beside = Beside(own, times, total)
        finally:
            board.soft_reset()
    if any(len(row) != 1 + len(blob.layers) for row in rows):
        raise WhitError(f"the board timed {len(rows[0]) - 1} layers; {path.name} has {len(blob.layers)}", "try again")
    result = _collected(blob, path.name, port, info, (family, runs), rows)
    known = sum(output.size for output in blob.outputs) if blob.test else 0
    return replace(result, wrong=wrong, known=known, beside=beside)


def _measure(
    board: Board, file: str, kernels: str | None, rounds: int, progress: Progress | None
) -> tuple[str, int, int, list[list[float]]]:
    """(family of kernels, runs in a round, wrong bytes of the known answer, microseconds of a whole run and of each
    layer, round by round)"""
    chosen = f", kernels={kernels!r}" if kernels else ""
    family, runs, wrong = board.exec(_START.format(file=file, kernels=chosen), _RUN_S).split()[-3:]
    rows = []
    for i in range(rounds):
        rows.append(ast.literal_eval(board.exec(_ROUND, _RUN_S)))
        if progress:
            progress(i + 1, rounds)
    return family, int(runs), int(wrong), rows


def _collected(
    blob: Blob, name: str, port: str | None, info: BoardInfo, how: tuple[str, int], rows: list[list[float]]
) -> Bench:
    total, *times = (Times.of(list(column)) for column in zip(*rows, strict=True))
    guess = _estimate(blob, info, how[0])
    whole = sum(t.us for t in times) or 1.0
    layers = [
        LayerTimes(layer.kind, layer.shape, layer.macs, t, t.us / whole, 1000 * guess.layers_ms[i] if guess else None)
        for i, (layer, t) in enumerate(zip(blob.layers, times, strict=True))
    ]
    return Bench(
        name,
        port,
        info.name,
        how[0],
        len(rows),
        how[1],
        layers,
        total,
        guess.board if guess else None,
        1000 * guess.total_ms if guess else None,
    )


def _estimate(blob: Blob, info: BoardInfo, family: str) -> Latency | None:
    """What `whit inspect --board` says of such a board; None where its kind, or this family there, is unknown."""
    kind = recognise(info.machine)
    if kind is None or kind.clock_mhz is None:
        return None
    try:
        return latency.estimate(blob, kind, family)
    except KeyError:
        return None


def plot(result: Bench, path: Path) -> None:
    """Draws a bar for each layer as .png or .svg, with the estimates. Needs matplotlib, an extra of the package."""
    pyplot = drawing.pyplot(path)
    layers = result.layers
    figure, axes = pyplot.subplots(figsize=(9, 1.6 + 0.28 * len(layers)), layout="constrained")
    rows = range(len(layers))
    scale, unit = (1, "us") if result.total.us < 1000 else (1000, "ms")
    times = [layer.times.us / scale for layer in layers]
    spread = [
        [(layer.times.us - layer.times.us_min) / scale for layer in layers],
        [(layer.times.us_max - layer.times.us) / scale for layer in layers],
    ]
    axes.barh(rows, times, xerr=spread, color="#4878a8", ecolor="#222222", capsize=2, label="median, min .. max")
    if result.profile:
        guesses = [(layer.estimate_us or 0) / scale for layer in layers]
        axes.plot(guesses, rows, "D", color="#d08030", markersize=5, label=f"estimate for {result.profile}")
    else:
        guesses = []
    axes.set_xlim(0, 1.5 * max([*times, *guesses, 0.001]))  # one slow round must not make the bars tiny
    axes.set_yticks(rows, [f"{layer.kind} {i}" for i, layer in enumerate(layers)])
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.set_title(
        f"{result.model} on {result.machine}, {result.kernels} kernels: {result.total.us / 1000:.3g} ms a run"
    )
    axes.legend(frameon=False)
    drawing.save(figure, path)
