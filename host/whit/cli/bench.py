"""whit bench"""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from whit import drawing
from whit.cli.common import digits, page, print_json, shape, talk
from whit.errors import WhitError
from whit.measurement import Bench, Times, bench, plot

_BAR = 24  # characters, where there is room


@click.command(
    epilog="\b\nExample:\n  whit bench gesture.whit --plot gesture.png",
    short_help="Measure how long each layer takes on a board.",
)
@click.argument("blob", type=click.Path(readable=False, path_type=Path))
@click.option("--port", help="Serial port of a board. [default: a fresh virtual board]")
@click.option("--runs", type=click.IntRange(min=1), default=10, show_default=True, help="How often it is timed.")
@click.option("--kernels", metavar="FAMILY", help="bytecode, viper, thumb, dsp, rv32, xtensa, xtensa-s2 or pie.")
@click.option(
    "--plot", "picture", type=click.Path(readable=False, path_type=Path), help="Draw the times as .png or .svg."
)
@click.option("--json", "as_json", is_flag=True, help="Print the times as JSON.")
def command(blob: Path, port: str | None, runs: int, kernels: str | None, picture: Path | None, as_json: bool) -> None:
    """Measure how long each layer of the model BLOB takes on a board.

    The median of all runs, the least and the most, millions of multiply-accumulates (MACs) a second; beside it what
    whit inspect --board estimates, where the kind of board is known. Kernels that answer the model's self-test with
    another byte are an error. The model stays on the board.
    """
    if picture is not None:
        drawing.pyplot(picture)  # before the board is asked: without matplotlib it would be for nothing
    with talk().status(f"bringing {blob.name} to the board ...") as status:
        result = bench(
            blob, port=port, rounds=runs, kernels=kernels, progress=lambda i, n: status.update(f"{i} of {n} runs")
        )
    if picture is not None:
        plot(result, picture)
        talk().print(f"saved {picture}")
    if as_json:
        print_json(result.to_json())
    else:
        _print(result)
    if result.wrong:
        raise WhitError(
            f"{result.kernels}: {result.wrong} of {result.known} output bytes differ",
            "please report it, with the model and what 'whit doctor' says",
        )


def _print(result: Bench) -> None:
    estimates = result.profile is not None
    console = page()
    table = Table(box=None, pad_edge=False, header_style="bold")
    scale, unit = (1, "us") if result.total.us < 1000 else (1000, "ms")
    more = [*([result.beside.kernels] if result.beside else []), *(["estimate"] if estimates else [])]
    headings = ["layer", "output", unit, "min .. max", *more, "share", "MMAC/s", ""]
    bar = min(_BAR, max(6, console.width - 76 - 10 * len(more)))
    for heading in headings:
        left = heading in ("layer", "output", "")
        table.add_column(heading, justify="left" if left else "right", no_wrap=True)
    most = max((layer.share for layer in result.layers), default=0) or 1
    for i, layer in enumerate(result.layers):
        cells = [layer.kind, shape(layer.shape), *_times(layer.times, scale)]
        cells += [digits(result.beside.layers[i].us / scale)] if result.beside else []
        cells += _estimate(estimates, layer.estimate_us, scale)
        cells += [f"{100 * layer.share:.1f} %", _speed(layer.macs, layer.times)]
        table.add_row(*cells, "#" * max(1, round(bar * layer.share / most)))
    table.add_section()
    cells = ["total", "", *_times(result.total, scale)]
    cells += [digits(result.beside.total.us / scale)] if result.beside else []
    cells += [*_estimate(estimates, result.estimate_us, scale), ""]
    table.add_row(*cells, _speed(result.macs, result.total), "", style="bold")
    console.print(table)
    of = f"; estimates of {result.profile}" if estimates else ""
    times = f" times {result.runs}" if result.runs > 1 else ""
    where = f"{result.port} ({result.machine})" if result.port else f"a {result.machine}"
    median = f"median of {result.rounds}{times} runs"
    console.print(f"{result.model} on {where}, {result.kernels} kernels, {median}{of}", soft_wrap=True)
    if result.beside and not result.wrong:
        right = f"all {result.known} output bytes are right" if result.known else "the model has no known answer"
        times = digits(result.beside.total.us / (result.total.us or 1))
        console.print(f"{result.kernels}: {right}; {times} times as fast as {result.beside.kernels}", soft_wrap=True)


def _times(times: Times, scale: float) -> list[str]:
    least, most = (digits(us / scale) for us in (times.us_min, times.us_max))
    return [digits(times.us / scale), f"{least} .. {most}"]


def _estimate(shown: bool, us: float | None, scale: float) -> list[str]:
    return [digits((us or 0) / scale)] if shown else []


def _speed(macs: int, times: Times) -> str:
    return digits(macs / times.us) if macs and times.us else ""
