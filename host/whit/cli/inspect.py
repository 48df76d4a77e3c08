"""whit inspect"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from whit import latency, memory
from whit.blob import Blob, TensorInfo, read
from whit.cli.common import digits, kilobytes, page, print_json, shape, talk
from whit.fit import Fit, fit
from whit.inspection import Inspection, inspect
from whit.latency import Choice, Latency
from whit.profiles import Profile, names, profile


@click.command(
    epilog="\b\nExample:\n  whit inspect gesture.whit --board pico",
    short_help="Show what is in a .whit file: layers, sizes, memory.",
)
@click.argument("blob", type=click.Path(readable=False, path_type=Path))
@click.option("--plot", type=click.Path(readable=False, path_type=Path), help="Draw the memory plan as .png or .svg.")
@click.option("--board", metavar="NAME", help=f"Does it fit, how long does a run take: {', '.join(names())}.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(blob: Path, plot: Path | None, board: str | None, as_json: bool) -> None:
    """Show layers, shapes, multiply-accumulates (MACs), bytes and the memory plan of the file BLOB.

    With --board, also whether it fits on such a board, how long each layer takes there, and what other ways to run the
    model cost. NAME may be the id of its firmware: rpi_pico is the pico.
    """
    kind = None if board is None else profile(board)
    model = read(blob)
    facts = inspect(model)
    times = None if kind is None or kind.clock_mhz is None else latency.estimate(model, kind)
    if plot is not None:
        with talk().status("drawing ..."):
            memory.plot(model, plot)
        talk().print(f"saved {plot}")
    if as_json:
        print_json(facts.to_json() | ({} if kind is None else _document(model, kind)))
        return
    console = page()
    edges = [" + ".join(_edge(info, len(side) > 1) for info in side) for side in (facts.inputs, facts.outputs)]
    console.print(f"{facts.name}: format {facts.format}, {edges[0]} -> {edges[1]}", soft_wrap=True)
    if facts.labels:
        console.print(f"labels: {', '.join(facts.labels)}", soft_wrap=True)
    console.print(_layers(facts, times))
    console.print(
        f"file {kilobytes(facts.blob_bytes)} (weights {kilobytes(facts.weight_bytes)}), "
        f"arena {kilobytes(facts.arena_bytes)}: {kilobytes(facts.blob_bytes + facts.arena_bytes)} of RAM"
    )
    if kind:
        console.print(_fits(fit(model, kind)), soft_wrap=True)
        if times:
            console.print(_how(kind, times), soft_wrap=True)
            console.print(_choices(latency.choices(model, kind)))
        else:
            console.print(f"{kind.remark} 'whit run' tells how long a run takes.", soft_wrap=True)
    for line in memory.text(memory.draw(model)):
        console.print(line, soft_wrap=True)


def _edge(info: TensorInfo, named: bool) -> str:
    return (f"{info.name} " if named else "") + f"{shape(info.shape)} {info.dtype}"


def _layers(facts: Inspection, times: Latency | None) -> Table:
    """A row per layer and one for all; with ``times`` also what the board needs."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("layer", "output", "MACs", "bytes", *(["ms"] if times else [])):
        table.add_column(heading, justify="left" if heading in ("layer", "output") else "right")
    rows = [[layer.kind, shape(layer.shape), f"{layer.macs:,}", f"{layer.data_bytes:,}"] for layer in facts.layers]
    total = ["total", "", f"{facts.macs:,}", f"{sum(layer.data_bytes for layer in facts.layers):,}"]
    if times:
        rows = [[*row, digits(ms)] for row, ms in zip(rows, times.layers_ms, strict=False)]
        rows.append(["between layers", "", "", "", digits(times.between_ms)])
        total.append(digits(times.total_ms))
    for row in rows:
        table.add_row(*row)
    table.add_section()
    table.add_row(*total, style="bold")
    return table


def _fits(found: Fit) -> str:
    """Does it fit, and the numbers that say so."""
    need = f"{kilobytes(found.need_bytes)} of RAM, {kilobytes(found.piece_bytes)} of it in one piece"
    free = f"about {found.free_bytes / 1024:.0f} KB are free beside stock MicroPython and whit"
    if found.free_piece_bytes < found.free_bytes:
        free += f", {found.free_piece_bytes / 1024:.0f} KB in one piece"
    streamed = f"; streamed from the file it needs {kilobytes(found.stream_bytes)}" if found.verdict != "fits" else ""
    return f"{found.board}: {found.verdict}: it needs {need}; {free}{streamed}"


def _how(board: Profile, times: Latency) -> str:
    """What a run takes, and how that is known."""
    per = f", {board.cycles_per_instruction:g} per instruction" if board.cycles_per_instruction else ""
    source = f" on {board.counted_on}" if board.counted_on else ""
    where = f"{board.name} ({board.chip}, {board.clock_mhz:g} MHz), {times.kernels} kernels"
    known = f"instructions {times.instructions}{source}, cycles {times.cycles}{per}"
    return f"{where}: {digits(times.total_ms)} ms a run; {known}. {board.remark}"


def _choices(choices: list[Choice]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("to load it with", "RAM", "ms", "reads per run"):
        table.add_column(heading, justify="right" if table.columns else "left")
    for choice in choices:
        reads = kilobytes(choice.read_bytes) if choice.read_bytes else ""
        table.add_row(choice.name, kilobytes(choice.ram_bytes), digits(choice.ms), reads)
    return table


def _document(model: Blob, board: Profile) -> dict[str, Any]:
    """What --board adds; a board without a clock has no times."""
    document: dict[str, Any] = {"fit": dataclasses.asdict(fit(model, board))}
    if board.clock_mhz is not None:
        times = latency.estimate(model, board)
        choices = [dataclasses.asdict(choice) for choice in latency.choices(model, board)]
        document["latency"] = dataclasses.asdict(times) | {"total_ms": times.total_ms, "choices": choices}
    return document
