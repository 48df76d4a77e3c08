"""mpremote as the way to a board. The only module that touches it.

It is used as a library, for what it knows best and has not changed since 1.24: opening a serial port the way each
operating system and USB chip needs it, and sending code in raw-paste mode (`SerialTransport`, `exec_raw`), where the
board says when it can take more. As a command it would soft-reset the board at every call, take 0.1 s each time, and
answer in prose.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from mpremote import transport_serial
from mpremote.transport import TransportError

from whit.errors import WhitError
from whit.transport import Transport

Error: type[BaseException] = TransportError

# It prints what it did not expect before it raises; stdout is for data, and several boards may share it.
transport_serial.print = lambda *words, **options: None


def open_port(port: str) -> Transport:
    transport: Transport = transport_serial.SerialTransport(port)
    return transport


def terminal(port: str, code: str) -> int:
    """mpremote's terminal on the board at ``port``, in this one, after running ``code``; returns its exit code.

    A process of its own: mpremote puts this process's terminal into raw mode, and exits where it ends.
    """
    command = [sys.executable, "-m", "mpremote", "connect", port, "resume", "exec", code, "repl"]
    return subprocess.run(command, check=False).returncode


def rom_writer() -> Any:
    """What builds ROMFS images; mpremote has it since 1.25."""
    try:
        from mpremote.romfs import VfsRomWriter
    except ImportError as error:
        raise WhitError("this mpremote builds no ROMFS images", "pip install --upgrade mpremote") from error
    return VfsRomWriter()
