"""What an image puts into flash: what checking it finds out, whatever its format is, and how it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from whit.errors import WhitError
from whit.profiles import Profile


@dataclass(frozen=True)
class Content:
    """``data`` as it lies in flash from ``offset`` on. ``writes``: the parts of flash that it overwrites, in words;
    ``keeps_files``: the file system is not among them."""

    chip: str
    data: bytes
    offset: int
    writes: list[str]
    keeps_files: bool


def damaged(name: str, why: str, hint: str) -> WhitError:
    """An image whose bytes are not what they were."""
    return WhitError(f"{name} is damaged: {why}", hint)


def cut_off(name: str, need: str, have: int, hint: str) -> WhitError:
    """An image that is too short, or too long. ``need``: what needs how many bytes, in words."""
    return WhitError(f"{name} is not whole: {need}, it has {have:,}", hint)


def another_chip(name: str, what: str, board: Profile, right: Profile | None, hint: str) -> WhitError:
    """An image for another chip than that of the board. ``right``: a board that it would be for."""
    way = f"is that the board? then: whit flash {right.name} --firmware {name}" if right else hint
    return WhitError(f"{name} is for the {what}; {board.name} has an {board.chip}", way)
