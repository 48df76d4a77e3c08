"""adafruit-ampy as the way to a board, for firmware that mpremote cannot talk to. The only module that touches it.

Its `Pyboard` sends code in the plain raw REPL that every MicroPython ever had, 256 bytes each 10 ms, so that boards
without flow control do not lose any.
"""

from __future__ import annotations

import time

from whit.errors import WhitError
from whit.transport import Transport

try:
    from ampy import pyboard
except ImportError as error:
    raise WhitError("ampy is not installed", "pip install 'whit[ampy]'") from error

_RELEASE_S = 0.5  # a program that was ended just now may leave one that it was starting, which still has the port

Error: type[BaseException] = pyboard.PyboardError

pyboard.print = lambda *words, **options: None  # stdout is for data


def open_port(port: str) -> Transport:
    transport: Transport = pyboard.Pyboard(port)
    until = time.monotonic() + _RELEASE_S
    while True:
        try:
            transport.serial.exclusive = True  # or two programs would share the port, and each miss half
            return transport
        except OSError as error:
            if time.monotonic() > until:
                transport.close()
                raise Error(str(error)) from error
            time.sleep(0.05)
