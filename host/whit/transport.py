"""Ways to a board's raw REPL: a serial port that is open, and code sent over it.

One module for each, which alone touches the library that it is named after; it holds ``open_port`` and ``Error``,
what that library raises. `whit.board` does the rest, in one way for all of them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import serial

from whit.errors import WhitError

# name -> module
_MODULES = {"mpremote": "whit.via_mpremote", "ampy": "whit.via_ampy"}
VIA = tuple(_MODULES)

SERIAL_S = 5.0  # how long one read or write may take; a board that compiles or collects garbage is slow


class Transport(Protocol):
    """What the libraries have in common. The board's prompt, ``>``, is read by the next ``exec_raw``."""

    serial: Any  # pyserial's port

    def exec_raw(
        self, command: str, timeout: float | None, data_consumer: Callable[[bytes], None]
    ) -> tuple[bytes, bytes]: ...

    def exec_raw_no_follow(self, command: str) -> None: ...

    def exit_raw_repl(self) -> None: ...

    def close(self) -> None: ...


def open_transport(port: str, via: str = VIA[0]) -> tuple[Transport, type[BaseException]]:
    """The port, open, and what it raises besides OSError; or WhitError that says in which of the ways it failed."""
    if via not in _MODULES:
        raise WhitError(f"there is no transport {via!r}", f"there are {' and '.join(VIA)}")
    module = importlib.import_module(_MODULES[via])
    try:
        transport: Transport = module.open_port(port)
    except module.Error as error:  # says only that it failed
        raise refusal(port) or WhitError(f"{port} could not be opened at first", "try again") from error
    transport.serial.timeout = transport.serial.write_timeout = SERIAL_S
    return transport, module.Error


def refusal(port: str) -> WhitError | None:
    """Why a port cannot be opened; None where it can."""
    boards = "'whit boards' lists what is connected"
    try:
        serial.Serial(port, exclusive=True).close()
    except FileNotFoundError:
        return WhitError(f"there is no port {port}", boards)
    except (OSError, ValueError) as error:
        text = str(error).lower()
        if "no such file" in text or "cannot find the file" in text or "filenotfound" in text:
            return WhitError(f"there is no port {port}", boards)
        if "exclusively lock" in text or "busy" in text or "access is denied" in text:
            return WhitError(
                f"{port} is in use by another program", "close the program that has it (mpremote, Thonny, screen, ...)"
            )
        if "permission denied" in text:
            return WhitError(f"permission denied: {port}", _permission_hint(port))
        return WhitError(f"{port} is not a serial port", boards)
    return None


def _permission_hint(port: str) -> str:
    try:
        group = Path(port).group()
    except (OSError, KeyError, NotImplementedError):
        group = "dialout"
    return f"sudo usermod -a -G {group} $USER, then log in again"
