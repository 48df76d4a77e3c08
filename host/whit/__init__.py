"""whit: machine learning on the MicroPython that a board already runs (the host side).

The library says what the command line says: ``whit.convert``, ``whit.inspect``, ``whit.run``, ``whit.bench``,
``whit.deploy``, ``whit.Recorder``, ``whit.Board``, ``whit.VirtualBoard``. Names load when
first used, so ``import whit`` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from whit.errors import WhitError
from whit.version import __version__

if TYPE_CHECKING:
    from whit.board import Board as Board
    from whit.conversion import Report as Report
    from whit.conversion import convert as convert
    from whit.deployment import deploy as deploy
    from whit.inspection import Inspection as Inspection
    from whit.inspection import inspect as inspect
    from whit.measurement import Bench as Bench
    from whit.measurement import bench as bench
    from whit.recording import Recorder as Recorder
    from whit.running import run as run
    from whit.virtual import VirtualBoard as VirtualBoard

_HOMES = {
    "Bench": "measurement",
    "Board": "board",
    "bench": "measurement",
    "Inspection": "inspection",
    "Recorder": "recording",
    "Report": "conversion",
    "VirtualBoard": "virtual",
    "convert": "conversion",
    "deploy": "deployment",
    "inspect": "inspection",
    "run": "running",
}

__all__ = ["WhitError", "__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'whit' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"whit.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
