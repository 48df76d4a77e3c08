"""``whit flash``"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from whit import downloads, flashing
from whit.cli.common import print_json, talk
from whit.errors import WhitError
from whit.firmware import Image, read_image
from whit.flashing import Step
from whit.probe import BoardInfo
from whit.profiles import Profile
from whit.versions import OLDEST


@click.command(
    epilog="\b\nExample:\n  whit flash pico --dry-run",
    short_help="Put MicroPython on a board.",
)
@click.argument("board", required=False)
@click.option(
    "--firmware", type=click.Path(readable=False, path_type=Path), help="The image. [default: downloaded by mpflash]"
)
@click.option("--port", help="Serial port of the board. [default: that of the only board]")
@click.option("--erase", is_flag=True, help="Erase all of the flash first, files included (ESP32s).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Check the image, say what would be done; touch nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(
    board: str | None, firmware: Path | None, port: str | None, erase: bool, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Put stock MicroPython on a board.

    BOARD is a name that 'whit boards --all' lists; without it, the board that is connected. Before anything is written
    the image is checked: is it MicroPython, for this chip, and whole? ESP32s are written by esptool, a Pico through its
    drive.
    """
    kind = flashing.which(board, port)
    if erase and kind.esp_chip is None:
        raise WhitError(f"--erase is for ESP32s; a {kind.name} keeps its files", "leave it out")
    image = None if firmware is None else read_image(firmware, kind)
    if image is None and not dry_run:
        with talk().status(f"downloading {kind.firmware} ..."):
            image = downloads.fetch(kind)
    drive = flashing.find_drive(kind)
    todo = flashing.steps(kind, image, port, drive, erase)
    if not as_json:
        _tell(kind, image, todo, to_stderr=not dry_run)
    if dry_run:
        _finish(kind, image, todo, None, as_json)
        return
    assert image is not None
    _ask(kind, yes)
    try:
        with _Bar() as bar:
            info = flashing.flash(kind, image, port, erase, bar.update)
    except KeyboardInterrupt:
        talk().print("the board may have half an image now; the same command writes it anew")
        raise
    _finish(kind, image, todo, info, as_json)


def _tell(kind: Profile, image: Image | None, todo: list[Step], to_stderr: bool) -> None:
    lines = []
    if image is not None:
        lines.append(f"{image.path}: MicroPython {image.version} of {image.date} for the {image.chip}, whole")
        if image.old:
            lines.append(f"MicroPython {OLDEST} is the oldest version that whit is tested with: this one is older")
    for number, step in enumerate(todo, 1):
        lines.append(f"{number}. {step.text}")
        if step.command:
            lines.append(f"   {step.command}")
    click.echo("\n".join(lines), err=to_stderr)


def _ask(kind: Profile, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise WhitError("there is no terminal to ask on", "--yes goes on without asking, --dry-run only tells")
    if not click.confirm(f"Write it to the {kind.title}?", err=True):
        raise WhitError("nothing was written", "'whit flash --dry-run' only tells what would be done")


def _finish(kind: Profile, image: Image | None, todo: list[Step], info: BoardInfo | None, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {"board": kind.name, "image": None, "steps": [dataclasses.asdict(s) for s in todo]}
        if image is not None:
            document["image"] = dataclasses.asdict(image) | {"path": str(image.path)}
        print_json(document | {"written": info is not None, "runs": info and dataclasses.asdict(info)})
    elif info is None:
        click.echo("nothing was changed")
    else:
        click.echo(f"{info.machine} on {info.port} runs MicroPython {info.version_string}")


class _Bar(Progress):
    """Progress on stderr, a line for each part of the work."""

    def __init__(self) -> None:
        super().__init__(
            TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), console=talk()
        )

    def update(self, what: str, done: int, total: int) -> None:  # type: ignore[override]
        task = next((task for task in self.tasks if task.description == what), None)
        number = self.add_task(what, total=total or None) if task is None else task.id
        super().update(number, completed=done)
