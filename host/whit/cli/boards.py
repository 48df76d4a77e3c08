"""``whit boards``"""

from __future__ import annotations

import contextlib
import dataclasses

import click
from rich.table import Table

from whit.board import Board
from whit.cli.common import kilobytes, page, print_json, talk
from whit.errors import WhitError
from whit.ports import Port, connected, nothing_connected
from whit.probe import BoardInfo
from whit.profiles import everything, of_usb, recognise


@click.command(
    epilog="\b\nExample:\n  whit boards --all",
    short_help="List the boards that are connected.",
)
@click.option("--all", "every", is_flag=True, help="List the kinds of boards that whit knows; no board is needed.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def command(every: bool, as_json: bool) -> None:
    """List the boards that are connected, and the virtual boards that run.

    A program that runs on a board is interrupted for the question and started again. PROFILE is the name that --board
    and 'whit flash' take.
    """
    if every:
        _list_profiles(as_json)
        return
    ports = connected()
    found: list[tuple[Port, BoardInfo | WhitError]] = []
    with talk().status("asking the boards ...") if ports else contextlib.nullcontext():
        for port in ports:
            found.append((port, _ask(port)))
    if as_json:
        print_json([_document(port, answer) for port, answer in found])
        return
    if not found:
        nothing = nothing_connected()
        talk().print(f"{nothing}\n\nhint: {nothing.hint}", soft_wrap=True)
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
    known = {"profile": _profile(port, answer), "usb": port.usb and f"{port.usb[0]:04x}:{port.usb[1]:04x}"}
    if isinstance(answer, WhitError):
        return {"port": port.name, "machine": port.description, **known, "error": str(answer), "hint": answer.hint}
    return dataclasses.asdict(answer) | {"machine": _machine(port, answer), **known}


def _profile(port: Port, answer: BoardInfo | WhitError) -> str | None:
    """The kind of board: by what it says of itself, else by its USB id where only one kind has that."""
    if isinstance(answer, BoardInfo):
        kind = recognise(answer.machine)
        return kind.name if kind else None
    kinds = of_usb(*port.usb) if port.usb else []
    return kinds[0].name if len(kinds) == 1 else None


def _machine(port: Port, info: BoardInfo) -> str:
    return port.description if info.virtual else info.machine


def _print(found: list[tuple[Port, BoardInfo | WhitError]]) -> None:
    rows = []
    for port, answer in found:
        if isinstance(answer, BoardInfo):
            native = answer.arch if answer.native else "no"
            cells = [answer.version_string, native, kilobytes(answer.free_ram), answer.runtime or "-"]
            rows.append([port.name, _machine(port, answer), _profile(port, answer) or "-", *cells])
    if rows:
        _table(["port", "board", "profile", "MicroPython", "native", "free RAM", "whit"], rows, {"free RAM"})
    for port, answer in found:
        if isinstance(answer, WhitError):
            kinds = [kind.name for kind in of_usb(*port.usb)] if port.usb else []
            may = f" (its USB id is that of {', '.join(kinds)})" if kinds else ""
            talk().print(f"{answer}{may}\n  hint: {answer.hint}", soft_wrap=True)


def _list_profiles(as_json: bool) -> None:
    kinds = everything()
    if as_json:
        print_json([dataclasses.asdict(kind) for kind in kinds])
        return
    rows = []
    for kind in kinds:
        clock = f"{kind.clock_mhz:g} MHz" if kind.clock_mhz else "-"
        sizes = [f"{kind.heap_kb} KB", f"{kind.files_kb} KB"]
        rows.append([kind.name, kind.title, kind.chip, clock, *sizes, kind.family, kind.firmware or "-"])
    heads = ["profile", "board", "chip", "clock", "free RAM", "files", "kernels", "firmware"]
    _table(heads, rows, {"clock", "free RAM", "files"}, ("firmware", "files"))


def _table(heads: list[str], rows: list[list[str]], right: set[str], spare: tuple[str, ...] = ()) -> None:
    """``spare``: columns that a narrow terminal does without, the first of them first."""
    console = page()
    wide = {head: 2 + max(map(len, column)) for head, column in zip(heads, zip(heads, *rows, strict=True), strict=True)}
    left_out = []
    for head in spare:
        if sum(wide.values()) - 2 > console.width:
            left_out.append(head)
            del wide[head]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in wide:
        table.add_column(head, justify="right" if head in right else "left", no_wrap=head != "board")
    for row in rows:
        table.add_row(*[cell for head, cell in zip(heads, row, strict=True) if head in wide])
    console.print(table)
    if left_out:
        talk().print(f"a wider terminal has {' and '.join(left_out)} as well")
