"""adafruit-ampy as the way to a board, for firmware that mpremote cannot talk to. The only module that touches it.

Its `Pyboard` sends code in the plain raw REPL that every MicroPython ever had, 256 bytes each 10 ms, so that boards
without flow control do not lose any.
"""

from __future__ import annotations

from whit.errors import WhitError
from whit.transport import Transport

try:
    from ampy import pyboard
except ImportError as error:
    raise WhitError("ampy is not installed", "pip install 'whit[ampy]'") from error

Error: type[BaseException] = pyboard.PyboardError

pyboard.print = lambda *words, **options: None  # stdout is for data


def open_port(port: str) -> Transport:
    transport: Transport = pyboard.Pyboard(port)
    try:
        transport.serial.exclusive = True  # or two programs would share the port, and each miss half
    except OSError as error:
        transport.close()
        raise Error(str(error)) from error
    return transport
