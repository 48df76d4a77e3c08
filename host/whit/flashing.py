"""Putting stock MicroPython on a board: what is to be done, step by step, and doing it."""

from __future__ import annotations

import contextlib
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from whit import downloads, drives, esp
from whit.board import Board
from whit.errors import WhitError
from whit.firmware import Image, file_name
from whit.ports import choose, connected
from whit.probe import BoardInfo
from whit.profiles import Profile, profile, recognise
from whit.transport import refusal

Progress = Callable[[str, int, int], None]
SETTLE_S = 3.0  # a first start makes a file system, and is not to be interrupted
ANSWER_S = 30.0
DRIVE_S = 10.0


@dataclass(frozen=True)
class Step:
    """A step in words, and the command that does the same."""

    text: str
    command: str | None = None


def which(board: str | None, port: str | None) -> Profile:
    """The kind of board that is meant: as named, or else as the connected board says."""
    if board is not None:
        kind = profile(board)
    else:
        port = choose(port)
        with Board(port) as connected_board:
            machine = connected_board.info.machine
        found = recognise(machine)
        if found is None:
            raise WhitError(f"whit does not know the board on {port}: {machine}", "'whit boards --all' lists names")
        kind = found
    if kind.firmware is None:
        hint = (
            "its page on https://micropython.org/download says how" if kind.chip != "this computer" else kind.bootloader
        )
        raise WhitError(f"whit cannot flash {kind.name}: {kind.title}", hint)
    return kind


def steps(board: Profile, image: Image | None, port: str | None, drive: Path | None, erase: bool) -> list[Step]:
    """What is to be done, in words and as commands. ``image=None``: it has yet to be downloaded."""
    path = str(image.path) if image else file_name(board)
    found = []
    if image is None:
        found.append(Step(f"downloads {path} from micropython.org and checks it", shlex.join(downloads.command(board))))
    if board.uf2_family is not None:
        if drive is None:
            enter = f"starts the boot loader. Where MicroPython does not answer: {board.bootloader}"
            found.append(Step(enter, f"mpremote connect {port or 'PORT'} bootloader"))
        line = shlex.join(["copy" if sys.platform == "win32" else "cp", path, f"{drive or 'DRIVE'}/"])
        found.append(Step(f"copies it to {drive or f'the drive {board.uf2_drive}'}; {_effect(image, erase)}", line))
    else:
        line = shlex.join(esp.command(board, port or "PORT", path, erase))
        found.append(Step(f"esptool restarts the board in its boot loader. Where it cannot: {board.bootloader}"))
        found.append(Step(f"writes it{' after erasing everything' if erase else ''}; {_effect(image, erase)}", line))
    found.append(Step("waits until MicroPython answers", "whit boards"))
    return found


def _effect(image: Image | None, erase: bool) -> str:
    """What is overwritten, and what becomes of the files."""
    files = "the files on the board are lost" if erase or (image and not image.keeps_files) else "its files stay"
    if image is None:
        return files
    return f"{image.image_bytes:,} bytes at {image.offset:#x} of flash ({', '.join(image.writes)}); {files}"


def find_drive(board: Profile) -> Path | None:
    """The drive of the board where it is in its boot loader already."""
    return drives.find(board.uf2_drive) if board.uf2_drive else None


def flash(board: Profile, image: Image, port: str | None, erase: bool, progress: Progress) -> BoardInfo:
    """Write a checked image and wait for the board. Raises WhitError that says what the board is left with."""
    if board.uf2_family is not None:
        drive = find_drive(board) or _enter(board, port)
        others = {entry.name for entry in connected()}  # in its boot loader the board has no port
        drives.copy(image.path, drive, lambda done, total: progress("copying", done, total))
        left = drive
    else:
        port = choose(port)
        error = None if "://" in port else refusal(port)
        if error is not None:
            raise error
        others = {entry.name for entry in connected()} - {port}
        esp.write(board, port, str(image.path), erase, lambda done, total: progress("writing", done, total))
        left = Path(port)
    progress("waiting for MicroPython", 0, 0)
    return wait(port, others, left)


def _enter(board: Profile, port: str | None) -> Path:
    """Start the boot loader of a board that runs MicroPython; its drive."""
    assert board.uf2_drive is not None
    hint = f"{board.bootloader} Then try again"
    try:
        port = choose(port)
    except WhitError as error:
        raise _no_boot_loader(f"there is no drive {board.uf2_drive}, and {error}", hint) from error
    with Board(port) as running:
        kind = recognise(running.info.machine)
        if kind is not None and kind.firmware is not None and kind.chip != board.chip:
            raise WhitError(f"{port} has an {kind.chip}; {board.name} has an {board.chip}", f"whit flash {kind.name}")
        with contextlib.suppress(WhitError):  # it goes away in the middle, as it should
            running.exec("import machine\nmachine.bootloader()", timeout_s=2)
    end = time.monotonic() + DRIVE_S
    while time.monotonic() < end:
        drive = drives.find(board.uf2_drive)
        if drive is not None:
            return drive
        time.sleep(0.2)
    device = drives.unmounted(board.uf2_drive)
    if device is not None:
        hint = f"mount it and try again: udisksctl mount -b {device}"
        raise _no_boot_loader(f"its drive {board.uf2_drive} is not mounted", hint)
    raise _no_boot_loader(f"no drive {board.uf2_drive} appeared within {DRIVE_S:.0f} s", hint)


def _no_boot_loader(why: str, hint: str) -> WhitError:
    return WhitError(f"no boot loader: {why}", hint)


def wait(port: str | None, others: set[str], left: Path) -> BoardInfo:
    """The board that answers, on its port or on one that was not there before."""
    time.sleep(SETTLE_S)
    end = time.monotonic() + ANSWER_S
    while time.monotonic() < end:
        new = [entry.name for entry in connected() if entry.name not in others]
        for name in dict.fromkeys([port, *new] if port else new):
            with contextlib.suppress(WhitError), Board(str(name)) as board:
                return board.info
        time.sleep(0.5)
    raise WhitError(
        f"the image was written to {left}, but no MicroPython answers after {ANSWER_S:.0f} s",
        "unplug the board and plug it in again; 'whit boards' shows whether it answers then",
    )
