"""Recording: a loop on the board reads the sensor by the clock, the computer takes down what it says.

A line is what fits into the buffer of a serial chip, so that printing it does not wait: base64 of some records
(microseconds since the start, then the channels in single precision), and their CRC-32.
"""

from __future__ import annotations

import contextlib
import struct
import time
import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType

import numpy as np
import numpy.typing as npt

from whit.board import Board, BoardError
from whit.errors import WhitError
from whit.sensors import Sensor, attach
from whit.takes import Take

_LINE_BYTES = 72  # 96 characters; the chips hold 128
_PROMPT_S = 0.1  # a record waits no longer than that for others

# Collecting garbage takes milliseconds: it is done where there is time for it.
_LOOP = """
def _whit_take(sensor, period, count, batch):
    import gc
    from array import array
    from binascii import b2a_base64, crc32
    from struct import calcsize, pack_into
    from time import sleep_ms, sleep_us, ticks_add, ticks_diff, ticks_us
    values = array("f", [0] * len(sensor.names))
    layout = "<I%df" % len(values)
    size = calcsize(layout)
    line = memoryview(bytearray(batch * size + 4))
    at = taken = us = 0
    gc.collect()
    due = ticks_us()
    gc.collect()
    pause = ticks_diff(ticks_us(), due) * 2
    last = due = ticks_us()
    for left in range(count - 1, -1, -1):
        late = ticks_diff(ticks_us(), due)
        if late < -2000:
            sleep_ms(-late // 1000 - 1)  # USB is served meanwhile; not so in sleep_us
        if late < 0:
            sleep_us(max(0, ticks_diff(due, ticks_us())))
        if late < period:
            now = ticks_us()
            us += ticks_diff(now, last)
            last = now
            sensor.read(values)
            pack_into(layout, line, at, us, *values)
            at += size
            taken += 1
        if at == batch * size or at and not left:
            pack_into("<I", line, at, crc32(line[:at]))
            print(str(b2a_base64(line[:at + 4]), "ascii"), end="")
            at = 0
            if ticks_diff(ticks_add(due, period), ticks_us()) > pause:
                gc.collect()
        due = ticks_add(due, period)
    print("=", taken)
"""


@dataclass(frozen=True)
class Quality:
    """How well the rate was kept. ``late``: samples that the board missed, ``broken``: that came damaged or not."""

    wanted_hz: float
    rate_hz: float  # samples that are there, by time
    jitter_ms: float  # standard deviation from the schedule
    jitter_max_ms: float
    late: int
    broken: int

    @property
    def lost(self) -> int:
        return self.late + self.broken


class Recorder:
    """A board with a sensor that is ready. A context manager: at its end main.py runs again.

    ``sensor``: a driver that comes with whit, or the path of one; None: that of the sensor that answers.
    """

    def __init__(self, port: str, sensor: str | None = None, sda: str | None = None, scl: str | None = None) -> None:
        self._board = Board(port)
        try:
            self._board.clear()
            info = self._board.info
            self.machine = info.name
            self.sensor = attach(self._board, info, sensor, sda, scl)
            self._board.exec(_LOOP)
        except BaseException:
            self.close()
            raise

    def take(self, label: str, rate_hz: float, seconds: float) -> Taking:
        """A take that begins with the first step of a loop over it."""
        return Taking(self._board, self.sensor, label, rate_hz, seconds)

    def close(self) -> None:
        """Restart the board's own program, and free the port. Never fails."""
        with contextlib.suppress(WhitError):
            self._board.soft_reset()
        self._board.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Taking:
    """A take while it is made: a loop over it gives the new rows, (n, channels). What came stays, however it ends."""

    def __init__(self, board: Board, sensor: Sensor, label: str, rate_hz: float, seconds: float) -> None:
        self.label, self.rate_hz, self.sensor = label, rate_hz, sensor
        self.wanted = max(1, round(rate_hz * seconds))
        self._board = board
        self._record = np.dtype([("us", "<u4"), ("x", "<f4", (len(sensor.names),))])
        self._parts: list[npt.NDArray[np.void]] = []
        self._taken: int | None = None

    def __iter__(self) -> Iterator[npt.NDArray[np.float32]]:
        period_us = round(1e6 / self.rate_hz)
        batch = max(1, min(_LINE_BYTES // self._record.itemsize, int(_PROMPT_S * self.rate_hz)))
        code = f"_whit_take(_whit_sensor, {period_us}, {self.wanted}, {batch})"
        try:
            for line in self._board.stream(code, timeout_s=5 + period_us * (batch + 1) / 1e6):
                if line.startswith("="):
                    self._taken = int(line[1:]) if line[1:].strip().isdecimal() else None
                elif (part := self._decode(line)) is not None:
                    self._parts.append(part)
                    yield part["x"]
        except BoardError as error:
            at = f"after {self.take.seconds:.1f} s: {error}"
            if str(error).startswith("OSError"):
                raise WhitError(f"the {self.sensor.driver} stopped answering {at}", "check its wires") from error
            raise BoardError(error.traceback, f"it comes from the driver {self.sensor.driver}, {at}") from error

    def _decode(self, line: str) -> npt.NDArray[np.void] | None:
        """The records of a line; None for one that was damaged on its way."""
        try:
            content = a2b_base64(line)
        except (Base64Error, ValueError):
            return None
        records, crc = content[:-4], content[-4:]
        if not records or len(records) % self._record.itemsize or struct.pack("<I", zlib.crc32(records)) != crc:
            return None
        return np.frombuffer(records, self._record)

    @property
    def take(self) -> Take:
        """What came until now."""
        records = np.concatenate(self._parts) if self._parts else np.empty(0, self._record)
        ms = records["us"].astype(np.float64) / 1000
        return Take(self.label, self.sensor.names, self.sensor.units, ms, records["x"])

    @property
    def quality(self) -> Quality:
        """Of what came until now."""
        period = 1000 / self.rate_hz
        ms = self.take.ms
        steps = np.round(ms / period)
        off = ms - steps * period
        n = len(ms)
        expected = self.wanted if self._taken is not None else (int(steps[-1]) + 1 if n else 0)
        broken = max(0, self._taken - n) if self._taken is not None else 0
        span = ms[-1] - ms[0] if n > 1 else 0.0
        return Quality(
            wanted_hz=self.rate_hz,
            rate_hz=float((n - 1) * 1000 / span) if span else 0.0,
            jitter_ms=float(off.std()) if n else 0.0,
            jitter_max_ms=float(np.abs(off).max()) if n else 0.0,
            late=max(0, expected - n - broken),
            broken=broken,
        )


def countdown(seconds: int) -> Iterator[int]:
    """seconds, ..., 2, 1: each lasts one second."""
    for left in range(seconds, 0, -1):
        yield left
        time.sleep(1)
