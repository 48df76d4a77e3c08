"""What is known of kinds of boards: one TOML file each, in the folder boards."""

from __future__ import annotations

import difflib
import sys
from dataclasses import MISSING, dataclass, fields
from typing import Any

from whit.errors import WhitError
from whit.paths import boards_root

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Profile:
    """A kind of board; the names are those of the file.

    ``arch`` as mpy-cross names it, ``family``: the best kernels that run there. ``cycles_per_instruction`` is absent
    where cycles are modelled instruction by instruction. ``counted_on``: the architecture whose counts stand in where
    no emulator runs its own.
    """

    name: str
    chip: str
    arch: str
    clock_mhz: float
    family: str
    remark: str
    cycles_per_instruction: float | None = None
    counted_on: str | None = None

    @property
    def counts(self) -> str:
        """The architecture whose counts are used."""
        return self.counted_on or self.arch


def names() -> list[str]:
    """All boards there is a profile of."""
    return sorted(path.stem for path in boards_root().glob("*.toml"))


def profile(name: str) -> Profile:
    """The Profile of a board. Raises WhitError with the names that there are."""
    known = names()
    if name not in known:
        close = difflib.get_close_matches(name.lower(), known, 1)
        guess = f"did you mean {close[0]}? " if close else ""
        raise WhitError(f"no board is called '{name}'", f"{guess}there are {', '.join(known)}")
    return parse((boards_root() / f"{name}.toml").read_text(encoding="utf-8"))


def parse(text: str) -> Profile:
    """A Profile from a file's text. Raises ValueError that names the fields that are missing, unknown or no numbers."""
    found: dict[str, Any] = tomllib.loads(text)
    known = {f.name: f for f in fields(Profile)}
    numbers = ("clock_mhz", "cycles_per_instruction")
    wrong = [name for name, f in known.items() if f.default is MISSING and name not in found]
    wrong += [name for name in found if name not in known]
    wrong += [name for name in numbers if not isinstance(found.get(name, 1), int | float) or found.get(name, 1) <= 0]
    wrong += [name for name in known if name not in numbers and not isinstance(found.get(name, ""), str)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)}: missing, unknown, or not of its kind")
    return Profile(**found)
