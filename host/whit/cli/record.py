"""``whit record``"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from whit import takes
from whit.cli.common import page, print_json, talk
from whit.cli.sparklines import BLOCKS, PLAIN, ranges, spark
from whit.errors import WhitError
from whit.ports import choose
from whit.recording import Quality, Recorder, Taking, countdown

_SHOWN_S = 5.0  # of samples in the plot
_TOLERABLE = 0.01  # share of samples that may be lost without a hint


class _Range(click.FloatRange):
    """Without nan, which is not outside of any range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is no number", param, ctx)
        return number


_RATE, _SECONDS = _Range(0.1, 2000), _Range(0.01, 3600)
_TAKES, _WAIT = click.IntRange(1, 999), click.IntRange(0, 60)
_FOLDER = click.Path(readable=False, path_type=Path)


@click.command(
    epilog="\b\nExample:\n  whit record --label wave --rate 50 --seconds 5 --takes 10",
    short_help="Record a sensor on a board, a CSV file per take.",
)
@click.option("--label", metavar="NAME", help="What is recorded: the name of its folder.")
@click.option("--rate", metavar="HZ", type=_RATE, default=50, show_default=True, help="Samples per second.")
@click.option("--seconds", metavar="S", type=_SECONDS, default=5, show_default=True, help="Length of a take.")
@click.option("--takes", "number", metavar="N", type=_TAKES, default=1, show_default=True, help="One after another.")
@click.option("--countdown", "wait_s", metavar="S", type=_WAIT, default=3, show_default=True, help="Before a take.")
@click.option("--out", metavar="DIR", type=_FOLDER, default=Path("takes"), show_default=True, help="Folder of takes.")
@click.option("--sensor", metavar="NAME", help="mpu6050, lsm6ds3, adxl345, FILE.py. [default: what answers]")
@click.option("--sda", metavar="PIN", help="I2C data. [default: from the board's profile]")
@click.option("--scl", metavar="PIN", help="I2C clock. [default: from the board's profile]")
@click.option("--port", metavar="PORT", help="Serial port. [default: that of the only board]")
@click.option("--stats", metavar="[DIR]", is_flag=False, flag_value="", help="Show what there is; record nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the takes, or --stats, as JSON.")
def command(
    label: str | None,
    rate: float,
    seconds: float,
    number: int,
    wait_s: int,
    out: Path,
    sensor: str | None,
    sda: str | None,
    scl: str | None,
    port: str | None,
    stats: str | None,
    as_json: bool,
) -> None:
    """Record a sensor on a board: OUT/LABEL/LABEL-001.csv and so on.

    Ctrl-C keeps what has come. The board's own program starts again afterwards.
    """
    if stats is not None:
        _stats(Path(stats) if stats else out, as_json)
        return
    if label is None:
        raise click.UsageError("--label is missing: what is recorded, as in --label wave")
    takes.folder(out, label)  # what is recorded must have a place
    console = talk()
    made: list[dict[str, Any]] = []
    with contextlib.ExitStack() as stack:
        with console.status("asking the board ..."):
            recorder = stack.enter_context(Recorder(choose(port), sensor, sda, scl))
        found = recorder.sensor
        channels = ", ".join(takes.headings(found.names, found.units))
        console.print(f"{found.driver} on {recorder.machine}: {channels}")
        for i in range(number):
            title = f"{label}, take {i + 1} of {number}" if number > 1 else label
            taking = recorder.take(label, rate, seconds)
            made.append(_take(taking, title, wait_s, out, console, as_json))
    if as_json:
        columns = [{"name": name, "unit": unit} for name, unit in zip(found.names, found.units, strict=True)]
        print_json({"sensor": found.driver, "machine": recorder.machine, "channels": columns, "takes": made})


def _take(taking: Taking, title: str, wait_s: int, out: Path, console: Console, as_json: bool) -> dict[str, Any]:
    """Count down, record, save: what came is saved however the take ends."""
    try:
        with _view(taking, title, console) as view:
            for left in countdown(wait_s):
                view(f"in {left} ...")
            for rows in taking:
                view(rows)
    except BaseException:
        take = taking.take
        if len(take.x) > 1:
            path = takes.save(take, out)
            kept = f"kept {take.seconds:.1f} of {taking.wanted / taking.rate_hz:.1f} s: {path}"
            console.print(kept, soft_wrap=True)
        raise
    take, quality = taking.take, taking.quality
    if not len(take.x):
        raise WhitError(f"{title}: of {taking.wanted} samples none came", "try a lower --rate")
    path = takes.save(take, out)
    if not as_json:
        click.echo(f"{path}: {take.seconds:.1f} s, {len(take.x)} samples, {_words(quality)}")
    if not np.isfinite(take.x).all():
        console.print(f"\nhint: {path} has readings that are no finite numbers; nothing will read it\n", soft_wrap=True)
    if quality.lost > _TOLERABLE * taking.wanted:
        console.print(f"\nhint: {_hint(quality)}\n")
    return {
        "path": str(path),
        "label": take.label,
        "seconds": round(take.seconds, 3),
        "samples": len(take.x),
        **{name: round(value, 4) for name, value in dataclasses.asdict(quality).items()},
    }


def _words(quality: Quality) -> str:
    lost = f"{quality.lost} lost" if quality.lost else "none lost"
    return f"{quality.rate_hz:.2f} Hz, jitter {quality.jitter_ms:.2f} ms (at most {quality.jitter_max_ms:.2f}), {lost}"


def _hint(quality: Quality) -> str:
    if quality.broken > quality.late:
        return f"{quality.broken} of the samples were damaged on their way: another cable, or a lower --rate"
    return f"the board was late for {quality.late} of the samples: --rate {max(1, int(quality.rate_hz * 0.8))} may hold"


class _Plot:
    """The latest samples of each channel as a line; in the middle of a terminal's width."""

    def __init__(self, taking: Taking, title: str, console: Console) -> None:
        self._taking, self._title, self._console = taking, title, console
        self._kept = max(2, round(_SHOWN_S * taking.rate_hz))
        self._x = np.empty((0, len(taking.sensor.names)), np.float32)
        self._came, self._note = 0, ""
        self._levels = BLOCKS if (console.encoding or "").lower().startswith("utf") else PLAIN

    def add(self, what: str | npt.NDArray[np.float32]) -> None:
        if isinstance(what, str):
            self._note = what
            return
        self._note = ""
        self._came += len(what)
        self._x = np.concatenate([self._x, what])[-self._kept :]

    def __rich__(self) -> Group:
        x, came = self._x, self._came  # another thread draws than adds
        sensor, rate = self._taking.sensor, self._taking.rate_hz
        note = self._note or f"{came / rate:.1f} of {self._taking.wanted / rate:.1f} s"
        ends = max(map(len, sensor.names)), max(map(len, sensor.units))
        width = max(8, min(self._console.width - 1, 120) - sum(ends) - 12)
        per, first = -(-self._kept // width), max(0, came - len(x))
        lines = [Text(f"{self._title}: {note}", "bold")]
        for i, (low, high) in enumerate(ranges(x, sensor.units)):
            plot = spark(x[:, i], low, high, width, per=per, first=first, levels=self._levels)
            value = f"{x[-1, i]:9.3g}" if len(x) else " " * 9
            lines.append(Text(f"{sensor.names[i]:>{ends[0]}} {plot} {value} {sensor.units[i]}", no_wrap=True))
        return Group(*lines)


@contextlib.contextmanager
def _view(taking: Taking, title: str, console: Console) -> Iterator[Callable[[str | npt.NDArray[np.float32]], None]]:
    """What shows a take: a plot on a terminal, else a line each second."""
    if console.is_terminal:
        plot = _Plot(taking, title, console)
        with Live(plot, console=console, refresh_per_second=10, transient=True):
            yield plot.add
        return
    said = came = 0

    def line(what: str | npt.NDArray[np.float32]) -> None:
        nonlocal said, came
        if isinstance(what, str):
            console.print(f"{title}: {what}")
            return
        came += len(what)
        at = int(came / taking.rate_hz)
        if at > said:
            said = at
            values = "  ".join(f"{n} {v:.3g}" for n, v in zip(taking.sensor.names, what[-1], strict=True))
            console.print(f"{title}: {at} s  {values}", soft_wrap=True)

    yield line


def _stats(folder: Path, as_json: bool) -> None:
    found = takes.statistics(takes.read(folder))
    if as_json:
        print_json(
            {
                "folder": str(folder),
                "labels": [
                    {
                        "label": s.label,
                        "takes": len(s.takes),
                        "seconds": round(s.seconds, 3),
                        "samples": s.samples,
                        "rate_hz": [round(rate, 3) for rate in s.rates_hz],
                        "channels": [dataclasses.asdict(channel) for channel in s.channels],
                    }
                    for s in found
                ],
            }
        )
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("label", "takes", "seconds", "samples", "Hz", "channel", "mean", "std", "min", "max"):
        table.add_column(name, justify="left" if name in ("label", "channel") else "right", no_wrap=True)
    for s in found:
        low, high = s.rates_hz
        near, far = (f"{rate:.0f}" if rate >= 100 else f"{rate:.3g}" for rate in (low, high))
        rate = far if high - low < 0.01 * high else f"{near}-{far}"
        head = [s.label, str(len(s.takes)), f"{s.seconds:.1f}", str(s.samples), rate]
        for channel in s.channels:
            # as many decimals as make three digits of the deviation
            decimals = max(0, 2 - math.floor(math.log10(channel.std or 1)))
            values = (f"{value:.{decimals}f}" for value in (channel.mean, channel.std, channel.min, channel.max))
            table.add_row(*head, f"{channel.name} {channel.unit}".rstrip(), *values)
            head = [""] * 5
    page().print(table)
