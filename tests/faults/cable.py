"""A cable between a program and a board: a pty pair whose bytes are counted, and one fault at a chosen byte."""

from __future__ import annotations

import contextlib
import os
import random
import select
import threading
import time
import tty
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_MOST = 4096


@dataclass(frozen=True)
class Fault:
    """What happens when ``at`` bytes have passed, both directions together.

    cut      the port is gone and does not come back; the board runs on
    power    the board is dead ``seconds`` later, and the port with it
    restart  the board starts anew ``seconds`` later, as after a drop of its supply; the port stays
    delay    nothing passes for ``seconds``
    corrupt  the next ``size`` bytes of that direction arrive as other bytes
    drop     the next ``size`` bytes of that direction do not arrive
    """

    kind: str
    at: int
    size: int = 1
    seconds: float = 0.0

    def __str__(self) -> str:
        extent = f" ({self.size} bytes)" if self.kind in ("corrupt", "drop") else ""
        return f"{self.kind} at byte {self.at}{extent}" + (f", {self.seconds * 1000:.1f} ms" if self.seconds else "")


class Cable:
    """Carries bytes between ``port``, which a client opens, and a board's port. A context manager.

    ``actions`` are what the faults "power" and "restart" do. ``passed`` counts the bytes; ``struck`` tells whether the
    fault was reached.
    """

    def __init__(
        self, board_port: str, fault: Fault | None = None, actions: Mapping[str, Callable[[], None]] | None = None
    ):
        self.fault, self.actions = fault, actions or {}
        self.passed = 0
        self.struck = False
        self._left = 0  # bytes that the fault still touches, of the direction where it struck
        self._touched = -1
        self._random = random.Random(fault.at if fault else 0)
        self._client, self._slave = os.openpty()
        self._board = os.open(board_port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._slave)
        tty.setraw(self._board)
        self.port = os.ttyname(self._slave)
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> Cable:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._stopped)
        self._thread.join()
        os.close(self._stop)
        self._unplug()

    def _unplug(self) -> None:
        """Both ends see that the other is gone: the client's reads and writes fail at once."""
        for end in (self._client, self._slave, self._board):
            with contextlib.suppress(OSError):
                os.close(end)
        self._client = self._slave = self._board = -1

    def _carry(self) -> None:
        while self._client >= 0:
            ready, _, _ = select.select([self._stop, self._client, self._board], [], [])
            if self._stop in ready:
                return
            for source, target in ((self._client, self._board), (self._board, self._client)):
                if source in ready and self._client >= 0:
                    try:
                        self._forward(source, target)
                    except OSError:  # the board is gone
                        self._unplug()

    def _forward(self, source: int, target: int) -> None:
        data = os.read(source, _MOST)
        fault = self.fault
        if fault and not self.struck and self.passed + len(data) >= fault.at:
            before = fault.at - self.passed
            self._pass(data[:before], target)
            self.struck = True
            self._strike(fault, source)
            if self._client < 0:
                return
            data = data[before:]
        if fault and self._left and source == self._touched:
            data = self._spoil(fault, data)
        self._pass(data, target)

    def _pass(self, data: bytes, target: int) -> None:
        self.passed += len(data)
        while data:
            data = data[os.write(target, data) :]

    def _strike(self, fault: Fault, source: int) -> None:
        if fault.kind == "delay":
            time.sleep(fault.seconds)
        elif fault.kind in ("corrupt", "drop"):
            self._left, self._touched = fault.size, source
        else:
            if fault.kind in self.actions:
                time.sleep(fault.seconds)
                self.actions[fault.kind]()
            if fault.kind != "restart":
                self._unplug()

    def _spoil(self, fault: Fault, data: bytes) -> bytes:
        count = min(self._left, len(data))
        self._left -= count
        if fault.kind == "drop":
            self.passed += count
            return data[count:]
        # half of them one bit flipped, half of them any other byte
        draw = self._random
        spoilt = (byte ^ draw.choice([1 << draw.randrange(8), draw.randrange(1, 256)]) for byte in data[:count])
        return bytes(spoilt) + data[count:]
