"""Drivers of sensors: MicroPython files that a board runs from RAM; nothing of them is written to its flash.

A driver is a module with a class ``Sensor(i2c)`` that has ``names`` and ``units`` (of the channels) and
``read(buffer)``, which fills an array of as many numbers. ``Sensor`` raises OSError where no such sensor answers.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path

from whit.board import Board, BoardError
from whit.errors import WhitError
from whit.paths import drivers_root
from whit.probe import BoardInfo
from whit.profiles import recognise

Pin = int | str

# Pins that no hardware bus of this chip reaches are served by software.
_BUS = """
def _whit_bus(sda, scl):
    from machine import I2C, Pin, SoftI2C
    for bus in (0, 1):
        try:
            return I2C(bus, sda=Pin(sda), scl=Pin(scl), freq=400_000)
        except (ValueError, TypeError):
            pass
    return SoftI2C(sda=Pin(sda), scl=Pin(scl), freq=400_000)
_whit_i2c = _whit_bus({sda!r}, {scl!r})
del _whit_bus
"""

_START = """
_whit_sensor = Sensor(_whit_i2c)
def _whit_about():
    import json
    print(json.dumps([list(_whit_sensor.names), list(_whit_sensor.units)]))
_whit_about()
"""


@dataclass(frozen=True)
class Sensor:
    """A sensor that answered; on the board it is ``_whit_sensor``."""

    driver: str
    names: tuple[str, ...]
    units: tuple[str, ...]


def drivers() -> list[str]:
    """The drivers that come with whit."""
    return sorted(path.stem for path in drivers_root().glob("*.py"))


def attach(board: Board, info: BoardInfo, wanted: str | None, sda: str | None, scl: str | None) -> Sensor:
    """Start the driver ``wanted`` on the board (a name, or the path of a file), or the one whose sensor answers."""
    file = wanted is not None and wanted not in drivers()
    names = [wanted] if wanted is not None else drivers()
    sources = {name: _source(name) for name in names}
    pins = _pins(info, sda, scl)
    if pins is None and not file:
        if info.virtual:
            raise WhitError("the virtual board has no I2C bus", "--sensor FILE.py runs a driver that needs none")
        raise WhitError(f"the I2C pins of {info.machine} are not known", "name them, as with --sda 4 --scl 5")
    wires = f"SDA {pins[0]}, SCL {pins[1]}" if pins else "no pins"
    try:
        board.exec("_whit_i2c = None" if pins is None else _BUS.format(sda=pins[0], scl=pins[1]))
    except BoardError as error:
        raise WhitError(f"there is no I2C bus on {wires}: {error}", "--sda and --scl name other pins") from error
    for name, source in sources.items():
        try:
            board.exec(source)
            told = board.exec(_START)
        except BoardError as error:
            if file or not str(error).startswith("OSError"):
                raise BoardError(error.traceback, f"{name} is started as Sensor(i2c) on the board") from error
            continue
        return Sensor(Path(name).stem, *_channels(told, name))
    answering = board.exec("print(_whit_i2c.scan())").strip()
    there = ", ".join(f"0x{address:02x}" for address in ast.literal_eval(answering)) or "nothing"
    raise WhitError(
        f"no {' or '.join(name.upper() for name in names)} answers on {wires}; {there} does",
        "check its wires and its 3.3 V; --sda and --scl name other pins",
    )


def _source(name: str) -> str:
    path = drivers_root() / f"{name}.py" if name in drivers() else Path(name)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise WhitError(
            f"there is no driver '{name}'", f"--sensor takes {', '.join(drivers())}, or the path of a file"
        ) from error


def _pins(info: BoardInfo, sda: str | None, scl: str | None) -> tuple[Pin, Pin] | None:
    """The pins of the I2C bus: those given, else those of the board's profile."""
    if (sda is None) != (scl is None):
        raise WhitError(f"--{'scl' if scl is None else 'sda'} is missing", "I2C takes two pins: --sda 4 --scl 5")
    if sda is not None and scl is not None:
        return _pin(sda), _pin(scl)
    board = recognise(info.machine)
    return (board.sda, board.scl) if board and board.sda is not None and board.scl is not None else None


def _pin(text: str) -> Pin:
    return int(text) if text.isdecimal() else text


def _channels(told: str, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        names, units = json.loads(told.splitlines()[-1])
    except (ValueError, IndexError, TypeError):
        names, units = [], []
    if not names or len(names) != len(units) or not all(isinstance(n, str) for n in [*names, *units]):
        raise WhitError(f"{name}: its Sensor has no names, or not as many units", "names and units are tuples of text")
    return tuple(names), tuple(units)
