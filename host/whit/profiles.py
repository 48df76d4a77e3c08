"""What is known of kinds of boards: one TOML file each, in the folder boards; boards/README.md explains the fields."""

from __future__ import annotations

import difflib
import sys
from dataclasses import MISSING, dataclass, fields
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from whit.errors import WhitError
from whit.paths import boards_root

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Profile:
    """A kind of board; the names are those of the file. KB are 1024 bytes.

    ``arch``: the core whose instructions are counted, ``march``: what mpy-cross compiles for, ``family``: the best
    kernels that run there. ``clock_mhz`` is absent where the time of a run cannot be told, ``cycles_per_instruction``
    where cycles are modelled instruction by instruction. ``counted_on``: the architecture whose counts stand in where
    no emulator runs its own. ``heap_kb``: free on stock MicroPython after its start, ``piece_kb``: of it in one piece.
    """

    name: str
    title: str
    chip: str
    arch: str
    march: str
    family: str
    remark: str
    flash_kb: int
    files_kb: int
    ram_kb: int
    heap_kb: int
    piece_kb: int
    native: bool
    assembler: str
    bootloader: str
    clock_mhz: float | None = None
    cycles_per_instruction: float | None = None
    counted_on: str | None = None
    firmware: str | None = None
    uf2_family: int | None = None
    uf2_drive: str | None = None
    esp_chip: str | None = None
    esp_offset: int | None = None
    sda: int | str | None = None
    scl: int | str | None = None
    usb: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()

    @property
    def counts(self) -> str:
        """The architecture whose counts are used."""
        return self.counted_on or self.arch


def names() -> list[str]:
    """All boards there is a profile of."""
    return sorted(path.stem for path in boards_root().glob("*.toml"))


def everything() -> list[Profile]:
    """All profiles, by name."""
    return [profile(name) for name in names()]


def profile(name: str) -> Profile:
    """The Profile of a board, by its name or the id of its firmware. Raises WhitError with the names that there are."""
    known = names()
    if name in known:
        return parse((boards_root() / f"{name}.toml").read_text(encoding="utf-8"))
    found = [board for board in everything() if board.firmware == name.upper()]
    if found:
        return found[0]
    close = difflib.get_close_matches(name.lower(), known, 1)
    guess = f"did you mean {close[0]}? " if close else ""
    raise WhitError(f"no board is called '{name}'", f"{guess}there are {', '.join(known)}")


def recognise(machine: str) -> Profile | None:
    """The Profile of a board that says this of itself in ``sys.implementation._machine``: its longest pattern wins."""
    found = [(len(p), board) for board in everything() for p in board.machine if fnmatchcase(machine, p)]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def of_usb(vid: int, pid: int) -> list[Profile]:
    """The boards that a USB id may stand for: several, where they share a chip or a USB bridge."""
    return [board for board in everything() if f"{vid:04x}:{pid:04x}" in board.usb]


@cache
def parse(text: str) -> Profile:
    """A Profile from a file's text. Raises ValueError that names the fields that are missing, unknown or of another
    kind: numbers are above zero, but for an offset."""
    found: dict[str, Any] = tomllib.loads(text)
    known = {f.name: f for f in fields(Profile)}
    wrong = [name for name, f in known.items() if f.default is MISSING and name not in found]
    wrong += [name for name in found if name not in known]
    wrong += [name for name in known if name in found and not _is(str(known[name].type), name, found[name])]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: missing, unknown, or not of its kind")
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in found.items()}
    return Profile(**values)


def _is(kind: str, name: str, value: object) -> bool:
    if "tuple" in kind:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(value, bool):
        return "bool" in kind
    if isinstance(value, str):
        return "str" in kind and value != ""
    if isinstance(value, float):
        return "float" in kind and value > 0
    return isinstance(value, int) and ("int" in kind or "float" in kind) and (value > 0 or name == "esp_offset")
