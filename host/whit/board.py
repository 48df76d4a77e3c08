"""A board on a serial port: run code on it, move files.

How code gets into the raw REPL is a library's matter (`whit.transport`). How the raw REPL is entered is not: mpremote
waits for ever on a pty that says nothing, and prints when it fails.
"""

from __future__ import annotations

import contextlib
import struct
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from whit import snippets
from whit.errors import BoardError as BoardError
from whit.errors import WhitError
from whit.files import Files
from whit.files import Progress as Progress
from whit.probe import BoardInfo, read_info
from whit.transport import SERIAL_S, VIA, open_transport

_RAW = b"raw REPL; CTRL-B to exit\r\n"
_REBOOT = b"soft reboot\r\n"


class Board(Files):
    """A MicroPython board on ``port``. Opening it interrupts the program that runs there (``interrupted``).

    ``via`` names the library that sends code (`transport.VIA`). A context manager; `close` leaves the board at its
    REPL, `soft_reset` starts its main.py again.
    """

    def __init__(self, port: str, via: str = VIA[0]) -> None:
        self.port = port
        self.interrupted = False
        self._transport, self._failure = open_transport(port, via)
        self._at_prompt = False
        try:
            self._enter()
        except BaseException:
            self.close()  # it never fails: the port may be gone by now
            raise

    def exec(self, code: str, timeout_s: float | None = 30.0) -> str:
        """Run ``code`` and return what it printed, lines ended by \\n.

        ``timeout_s``: how long the board may say nothing. BoardError when the code raised, WhitError when the
        board is silent for too long (the code is stopped) or gone.
        """
        self._enter()
        out = bytearray()
        with self._guard():
            try:
                self._patience(timeout_s)
                _, error = self._transport.exec_raw(code, timeout=timeout_s, data_consumer=out.extend)
            except BaseException:
                self._at_prompt = False  # what is sent next must get the board's attention first
                raise
        if error:
            raise BoardError(error.decode(errors="replace").replace("\r\n", "\n"))
        return out.removesuffix(b"\x04").decode(errors="replace").replace("\r\n", "\n")

    def stream(self, code: str, timeout_s: float = 5.0) -> Iterator[str]:
        """Run ``code`` and yield each line that it prints, as it comes, without its end.

        ``timeout_s``: how long the board may say nothing. Whoever leaves the loop early, by an exception too, stops
        the code: the next call interrupts it. Raises as `exec` does.
        """
        self._enter()
        self._at_prompt = False  # until all has come: what is sent before must get the board's attention first
        with self._guard():
            self._patience(timeout_s)
            self._transport.exec_raw_no_follow(code)
        while (line := self._line(b"\n\x04")).endswith(b"\n"):
            yield line.decode(errors="replace").rstrip("\r\n")
        if line != b"\x04":
            yield line[:-1].decode(errors="replace")
        error = self._line(b"\x04")[:-1]
        self._at_prompt = True
        if error:
            raise BoardError(error.decode(errors="replace").replace("\r\n", "\n"))

    @property
    def info(self) -> BoardInfo:
        """What the board is and how much memory it has free now."""
        return read_info(self.port, self.exec(snippets.PROBE))

    def clear(self) -> None:
        """Soft-reset without main.py: a fresh heap, no modules loaded, boot.py run again."""
        self._enter()
        self._room = None
        with self._guard():
            self._write(b"\x04")
            self._expect(_REBOOT, 10)
            self._expect(_RAW, 30)

    def soft_reset(self) -> None:
        """Restart the board's program: boot.py and main.py run, as after power-on. Does not wait for them."""
        self._enter()
        with self._guard():
            self._transport.exit_raw_repl()
            self._at_prompt = False
            self._expect(b">>> ", 5)
            self._write(b"\x04")
            self._expect(_REBOOT, 10)

    def close(self) -> None:
        """Leave the board at its REPL and free the port. Never fails."""
        with contextlib.suppress(self._failure, OSError):
            if self._at_prompt:
                self._transport.exit_raw_repl()
        with contextlib.suppress(self._failure, OSError):
            self._transport.close()
        self._at_prompt = False

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _enter(self) -> None:
        """Get the raw REPL's prompt, whatever the board is doing."""
        if self._at_prompt:
            return
        said = b""
        with self._guard():
            for wait_s in (0.15, 0.4, 0.8):
                self._write(b"\r\x03")
                said += self._read_for(wait_s, until=b">>> ")
                self._write(b"\r\x01")
                answer = self._read_for(1.0, until=_RAW)
                said += answer
                self.interrupted = self.interrupted or b"KeyboardInterrupt" in said
                if answer.endswith(_RAW):
                    self._at_prompt = True
                    return
        text = " ".join("".join(c if c.isprintable() else " " for c in said.decode(errors="replace")).split())
        if "Traceback" in text or ">>>" in text:
            raise WhitError(f"the program on {self.port} does not stop at Ctrl-C", "press the board's reset button")
        raise WhitError(
            f"{self.port} does not answer as MicroPython" + (f"; it says {text[:40]!r}" if text else "; it is silent"),
            "press its reset button, or install MicroPython from micropython.org/download",
        )

    def _patience(self, timeout_s: float | None) -> None:
        """No single read may wait longer than all of them: on a pty mpremote looks at the clock after each."""
        seconds = min(timeout_s or SERIAL_S, SERIAL_S)
        if self._transport.serial.timeout != seconds:
            self._transport.serial.timeout = seconds

    def _write(self, data: bytes) -> None:
        self._transport.serial.write(data)

    def _read_for(self, seconds: float, until: bytes) -> bytes:
        """What comes within ``seconds``, up to and with ``until``."""
        device: Any = self._transport.serial
        end = time.monotonic() + seconds
        data = bytearray()
        try:
            while not data.endswith(until) and (left := end - time.monotonic()) > 0:
                device.timeout = left
                data += device.read(1)
        finally:
            device.timeout = SERIAL_S
        return bytes(data)

    def _line(self, ends: bytes) -> bytes:
        """What comes up to and with one of the bytes in ``ends``; not a byte more, mpremote wants the prompt."""
        device: Any = self._transport.serial
        line = bytearray()
        with self._guard():
            while not line or line[-1] not in ends:
                byte = device.read(1)
                if not byte:
                    raise TimeoutError
                line += byte
        return bytes(line)

    def _expect(self, text: bytes, seconds: float) -> None:
        if not self._read_for(seconds, until=text).endswith(text):
            self._at_prompt = False
            raise TimeoutError

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Turn what the transport and pyserial raise into WhitError."""
        silent = WhitError(f"the board on {self.port} says nothing any more", "press its reset button")
        try:
            yield
        except (TimeoutError, struct.error) as error:  # mpremote unpacks the size of the window that did not come
            raise silent from error
        except (OSError, TypeError) as error:  # pyserial: SerialException is an OSError; TypeError after a close
            raise WhitError(
                f"the board on {self.port} went away in the middle",
                "check the cable; 'whit boards' lists what is connected",
            ) from error
        except self._failure as error:
            if "timeout" in str(error) or str(error).endswith("b''"):
                raise silent from error
            raise WhitError(
                f"the board on {self.port} answers out of turn ({error})", "press its reset button and try again"
            ) from error
