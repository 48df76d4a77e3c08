"""Where the data of the package lives, in a wheel and in a checkout."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def device_root() -> Path:
    """The folder that holds the device package ``whit`` (copied to ``/lib`` of a board)."""
    packaged = _HERE / "_device"
    return packaged if packaged.is_dir() else _HERE.parents[1] / "device"


def mpy_root() -> Path:
    """The folder that holds machine code for boards, as ``<family>/<kernel>.mpy``."""
    return device_root() / "mpy"


def boards_root() -> Path:
    """The folder of the board profiles."""
    packaged = _HERE / "_boards"
    return packaged if packaged.is_dir() else _HERE.parents[1] / "boards"


def drivers_root() -> Path:
    """The folder of the drivers of sensors that `whit record` knows by name."""
    packaged = _HERE / "_drivers"
    return packaged if packaged.is_dir() else _HERE.parents[1] / "examples" / "gesture_control" / "drivers"
