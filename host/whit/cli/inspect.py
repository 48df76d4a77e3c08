"""whit inspect"""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from whit import memory
from whit.blob import TensorInfo, read
from whit.cli.common import kilobytes, print_json, shape, talk
from whit.inspection import inspect


@click.command(
    epilog="\b\nExample:\n  whit inspect gesture.whit",
    short_help="Show what is in a .whit file: layers, sizes, memory.",
)
@click.argument("blob", type=click.Path(path_type=Path))
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the memory plan as .png or .svg.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(blob: Path, plot: Path | None, as_json: bool) -> None:
    """Show layers, shapes, multiply-accumulates (MACs), bytes and the memory plan of the file BLOB."""
    model = read(blob)
    facts = inspect(model)
    if plot is not None:
        memory.plot(model, plot)
        talk().print(f"saved {plot}")
    if as_json:
        print_json(facts.to_json())
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("layer", "output"):
        table.add_column(heading)
    for heading in ("MACs", "bytes"):
        table.add_column(heading, justify="right")
    for layer in facts.layers:
        table.add_row(layer.kind, shape(layer.shape), f"{layer.macs:,}", f"{layer.data_bytes:,}")
    table.add_section()
    table.add_row("total", "", f"{facts.macs:,}", f"{sum(layer.data_bytes for layer in facts.layers):,}", style="bold")
    console = Console(highlight=False)
    edges = [" + ".join(_edge(info, len(side) > 1) for info in side) for side in (facts.inputs, facts.outputs)]
    console.print(f"{facts.name}: format {facts.format}, {edges[0]} -> {edges[1]}", soft_wrap=True)
    if facts.labels:
        console.print(f"labels: {', '.join(facts.labels)}", soft_wrap=True)
    console.print(table)
    console.print(
        f"file {kilobytes(facts.blob_bytes)} (weights {kilobytes(facts.weight_bytes)}), "
        f"arena {kilobytes(facts.arena_bytes)}: {kilobytes(facts.blob_bytes + facts.arena_bytes)} of RAM"
    )
    for line in memory.text(memory.draw(model)):
        console.print(line, soft_wrap=True, markup=False)


def _edge(info: TensorInfo, named: bool) -> str:
    return (f"{info.name} " if named else "") + f"{shape(info.shape)} {info.dtype}"
