"""``whit boards``"""

from __future__ import annotations

import contextlib
import dataclasses
import sys

import click
from rich.console import Console
from rich.table import Table

from whit.board import Board
from whit.cli.common import kilobytes, print_json, talk
from whit.errors import WhitError
from whit.ports import Port, connected
from whit.probe import BoardInfo


@click.command(
    epilog="\b\nExample:\n  whit boards --json",
    short_help="List the boards that are connected.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(as_json: bool) -> None:
    """List the boards that are connected, and the virtual boards that run.

    A program that runs on a board is interrupted for the question and started again.
    """
    ports = connected()
    found: list[tuple[Port, BoardInfo | WhitError]] = []
    with talk().status("asking the boards ...") if ports else contextlib.nullcontext():
        for port in ports:
            found.append((port, _ask(port)))
    if as_json:
        print_json([_document(port, answer) for port, answer in found])
        return
    if not found:
        talk().print("no board is connected")
        talk().print("\nhint: plug one in with a data cable, or start one with 'whit virtual'", markup=False)
        return
    _print(found)


def _ask(port: Port) -> BoardInfo | WhitError:
    try:
        with Board(port.name) as board:
            running = board.interrupted
            if running:
                board.clear()  # the RAM that is free for a program, not beside one
            info = board.info
            if running:
                board.soft_reset()
            return info
    except WhitError as error:
        return error


def _document(port: Port, answer: BoardInfo | WhitError) -> dict[str, object]:
    if isinstance(answer, WhitError):
        return {"port": port.name, "machine": port.description, "error": str(answer), "hint": answer.hint}
    return dataclasses.asdict(answer) | {"machine": _machine(port, answer)}


def _machine(port: Port, info: BoardInfo) -> str:
    return port.description if info.virtual else info.machine


def _print(found: list[tuple[Port, BoardInfo | WhitError]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("port", "board", "MicroPython", "native", "free RAM", "whit"):
        table.add_column(name, justify="right" if name == "free RAM" else "left", no_wrap=name != "board")
    for port, answer in found:
        if isinstance(answer, BoardInfo):
            native = answer.arch if answer.native else "no"
            cells = [answer.version_string, native, kilobytes(answer.free_ram), answer.runtime or "-"]
            table.add_row(port.name, _machine(port, answer), *cells)
    if table.row_count:
        wide = None if sys.stdout.isatty() else 120  # a pipe has no width; nothing is cut short there
        Console(highlight=False, width=wide).print(table)
    for _, answer in found:
        if isinstance(answer, WhitError):
            talk().print(f"{answer}\n  hint: {answer.hint}", markup=False)
