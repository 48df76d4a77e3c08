"""MicroPython images for boards: is a file one, for this chip, and whole? Nothing is written here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from whit import esp, uf2
from whit.errors import WhitError
from whit.profiles import Profile, recognise
from whit.versions import FIRMWARE, numbers

_MOST_BYTES = 1 << 27  # more than any board has flash, as UF2 too
_BANNER = re.compile(rb"MicroPython v?(\d[\w.\-]*) on (\d{4}-\d\d-\d\d)(?:; ([ -~]+))?")


@dataclass(frozen=True)
class Image:
    """A firmware image that was checked; bytes as they come to lie in flash.

    ``writes``: the parts of flash that it overwrites, in words; ``keeps_files``: the file system is not among them.
    """

    path: Path = field(repr=False)
    kind: str  # "uf2" or "esp"
    chip: str
    version: str  # of MicroPython: "1.24.1"
    date: str
    machine: str  # as the board will call itself; "" where the image does not say
    offset: int  # in flash
    image_bytes: int
    writes: list[str]
    keeps_files: bool

    @property
    def old(self) -> bool:
        """A version that whit's runtime is not tested with."""
        return numbers(self.version) < FIRMWARE


def where(board: Profile) -> str:
    """A hint: where the right image is."""
    return f"'whit flash {board.name}' downloads it, or get {file_name(board)} from {page(board)}"


def file_name(board: Profile) -> str:
    """How micropython.org names the image of a board."""
    return f"{board.firmware}-DATE-VERSION.{'uf2' if board.uf2_family else 'bin'}"


def page(board: Profile) -> str:
    """The page of a board's firmware."""
    return f"https://micropython.org/download/{board.firmware}"


def read_image(path: Path, board: Profile) -> Image:
    """The image in a file, checked for this board. WhitError says what is wrong with it."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise WhitError(f"{path}: no such file or directory", where(board)) from error
    except OSError as error:
        raise WhitError(f"{path}: {error.strerror or error}", where(board)) from error
    name = path.name
    kind = "uf2" if data.startswith(uf2.MAGIC) else "esp" if data.startswith(esp.MAGIC) else None
    if kind is None or len(data) > _MOST_BYTES:
        start = f"it begins with {data[:8]!r}" if data else "it is empty"
        start = start if kind is None else f"it has more than {_MOST_BYTES >> 20} MB"
        raise WhitError(f"{name} is no firmware image: {start}", where(board))
    wanted = "uf2" if board.uf2_family else "esp"
    if kind != wanted:
        names = {"uf2": ".uf2", "esp": ".bin"}
        raise WhitError(f"{name} is a {names[kind]} image; {board.name} takes a {names[wanted]} image", where(board))
    found = (uf2 if kind == "uf2" else esp).check(data, name, board, where(board))
    banner = _BANNER.search(found.data)
    if banner is None:
        raise WhitError(f"{name} is not MicroPython: the {found.chip} image names no version", where(board))
    version, date, machine = (part.decode() if part else "" for part in banner.groups())
    kind_of_board = recognise(machine)
    if kind_of_board is not None and kind_of_board.name != board.name:
        raise WhitError(
            f"{name} is for the {kind_of_board.title} ({machine}); {board.name} is the {board.title}",
            f"is that the board? then: whit flash {kind_of_board.name} --firmware {name}",
        )
    return Image(
        path=path,
        kind=kind,
        chip=found.chip,
        version=version,
        date=date,
        machine=machine,
        offset=found.offset,
        image_bytes=len(found.data),
        writes=found.writes,
        keeps_files=found.keeps_files,
    )
