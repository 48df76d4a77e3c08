"""What an image puts into flash: what checking it finds out, whatever its format is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Content:
    """``data`` as it lies in flash from ``offset`` on. ``writes``: the parts of flash that it overwrites, in words;
    ``keeps_files``: the file system is not among them."""

    chip: str
    data: bytes
    offset: int
    writes: list[str]
    keeps_files: bool
