"""A board on a serial port: run code on it, move files. The only module that touches mpremote.

mpremote is used as a library, for what it knows best and has not changed since 1.24: opening a serial port the
way each operating system and USB chip needs it, and sending code in raw-paste mode (`SerialTransport`,
`exec_raw`). As a command it would soft-reset the board at every call, take 0.1 s each time, and answer in
prose. Two things are done here instead. Entering the raw REPL: mpremote prints to stdout when it fails, and
waits for ever on a pty that says nothing. Moving files: base64 needs half the bytes of mpremote's literals.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport

from whit import snippets
from whit.errors import WhitError
from whit.probe import BoardInfo, read_info

Progress = Callable[[int, int], None]  # (bytes done, bytes in all)

_RAW = b"raw REPL; CTRL-B to exit\r\n"
_REBOOT = b"soft reboot\r\n"
_PUT_BYTES = 1536  # a piece is 2 KB of base64: some 8 KB of the board's heap for a moment
_GET_BYTES = 3072
_SERIAL_S = 5.0  # how long one read or write may take; a board that compiles or collects garbage is slow


class BoardError(WhitError):
    """Code on the board raised: ``str(error)`` is the last line of ``traceback``."""

    def __init__(self, traceback: str, hint: str = "") -> None:
        lines = traceback.strip().splitlines()
        super().__init__(lines[-1].removeprefix("whit: ") if lines else "the board failed without a word", hint)
        self.traceback = traceback


class Board:
    """A MicroPython board on ``port``. Opening it interrupts the program that runs there (``interrupted``).

    A context manager; `close` leaves the board at its REPL, `soft_reset` starts its main.py again.
    """

    def __init__(self, port: str) -> None:
        self.port = port
        self.interrupted = False
        self._transport = _open(port)
        self._at_prompt = False
        try:
            self._enter()
        except BaseException:
            self._transport.close()
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

    def put(self, data: bytes, path: str, progress: Progress | None = None) -> None:
        """Write a file on the board; its folder must exist."""
        self.exec(snippets.PUT_OPEN.format(path=path))
        for start in range(0, len(data), _PUT_BYTES):
            piece = data[start : start + _PUT_BYTES]
            self.exec(f"_whit_put({b2a_base64(piece, newline=False)!r})")
            if progress:
                progress(start + len(piece), len(data))
        self.exec(snippets.PUT_CLOSE)

    def get(self, path: str) -> bytes:
        """Content of a file on the board."""
        self.exec(snippets.GET_OPEN.format(path=path, size=_GET_BYTES))
        data = bytearray()
        while piece := a2b_base64(self.exec("_whit_get()")):
            data += piece
        self.exec(snippets.GET_CLOSE)
        return bytes(data)

    def remove(self, path: str) -> None:
        """Remove a file on the board, if it is there."""
        if self.exists(path):
            self.exec(f"import os\nos.remove({path!r})")

    def exists(self, path: str) -> bool:
        """Is there a file or a folder ``path`` on the board?"""
        return self.exec(snippets.EXISTS.format(path=path)).strip() == "True"

    def sha256(self, path: str) -> str | None:
        """SHA-256 (hex) of a file, computed on the board; None when there is no such file."""
        if not self.exists(path):
            return None
        return self.exec(f"{snippets.SHA256}\nprint(_whit_sha256({path!r}))\ndel _whit_sha256").strip()

    @property
    def info(self) -> BoardInfo:
        """What the board is and how much memory it has free now."""
        return read_info(self.port, self.exec(snippets.PROBE))

    def clear(self) -> None:
        """Soft-reset without main.py: a fresh heap, no modules loaded, boot.py run again."""
        self._enter()
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
        with contextlib.suppress(TransportError, OSError, serial.SerialException):
            if self._at_prompt:
                self._transport.exit_raw_repl()
        with contextlib.suppress(TransportError, OSError, serial.SerialException):
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
                    self._at_prompt = self._transport.in_raw_repl = True
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
        seconds = min(timeout_s or _SERIAL_S, _SERIAL_S)
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
            device.timeout = _SERIAL_S
        return bytes(data)

    def _line(self, ends: bytes) -> bytes:
        """What comes up to and with one of the bytes in ``ends``; not a byte more, mpremote wants the prompt."""
        device: Any = self._transport.serial
        line = bytearray()
        with self._guard():
            while not line or line[-1] not in ends:
                byte = device.read(1)
                if not byte:
                    raise TransportError("timeout in a line")
                line += byte
        return bytes(line)

    def _expect(self, text: bytes, seconds: float) -> None:
        if not self._read_for(seconds, until=text).endswith(text):
            self._at_prompt = False
            raise TransportError(f"timeout waiting for {text!r}")

    @contextlib.contextmanager
    def _guard(self) -> Iterator[None]:
        """Turn what mpremote and pyserial raise into WhitError, and keep mpremote's prints off stdout."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except TransportError as error:
            if "timeout" in str(error):
                raise WhitError(f"the board on {self.port} says nothing any more", "press its reset button") from error
            raise WhitError(
                f"the board on {self.port} answers out of turn ({error})", "press its reset button and try again"
            ) from error
        except (OSError, TypeError) as error:  # pyserial: SerialException is an OSError; TypeError after a close
            raise WhitError(
                f"the board on {self.port} went away in the middle",
                "check the cable; 'whit boards' lists what is connected",
            ) from error


def terminal(port: str, code: str) -> int:
    """mpremote's terminal on the board at ``port``, in this one, after running ``code``; returns its exit code.

    A process of its own: mpremote puts this process's terminal into raw mode, and exits where it ends.
    """
    command = [sys.executable, "-m", "mpremote", "connect", port, "resume", "exec", code, "repl"]
    return subprocess.run(command, check=False).returncode


def _open(port: str) -> SerialTransport:
    """Open the port, or say which of the ways to fail it is."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            transport = SerialTransport(port)
    except TransportError as error:  # says only that it failed
        raise _why_not(port) from error
    transport.serial.timeout = transport.serial.write_timeout = _SERIAL_S
    return transport


def _why_not(port: str) -> WhitError:
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
    return WhitError(f"{port} could not be opened at first", "try again")


def _permission_hint(port: str) -> str:
    try:
        group = Path(port).group()
    except (OSError, KeyError, NotImplementedError):
        group = "dialout"
    return f"sudo usermod -a -G {group} $USER, then log in again"
