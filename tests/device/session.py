"""A real MicroPython (the Unix port) that runs pieces of Python text, one after another, with the heap of a board."""

from __future__ import annotations

import ast
import select
import struct
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from whit.paths import device_root
from whit.virtual import micropython

HEAP = "190k"  # what a Pico with MicroPython has
_END = b"\x04\n"

# Runs inside MicroPython. A request is two sizes, the text to run, and the bytes that it finds as `data`.
_DRIVER = """
import sys
from struct import unpack
sys.path[:] = {path!r}
_names = {{"__name__": "__main__"}}
while True:
    _sizes = sys.stdin.buffer.read(8)
    if len(_sizes) < 8:
        break
    _sizes = unpack("<II", _sizes)
    _text = sys.stdin.buffer.read(_sizes[0]).decode()
    _names["data"] = sys.stdin.buffer.read(_sizes[1])
    try:
        exec(_text, _names)
    except Exception as _e:
        print("\\x15" + type(_e).__name__ + ": " + str(_e))
    print("\\x04")
"""


class Raised(Exception):
    """The text raised an exception inside MicroPython; str() is what its REPL would print last."""


class Died(AssertionError):
    """MicroPython crashed, exited, or gave no answer in time."""


class Session:
    """A MicroPython process; globals live from one `run` to the next, as at a REPL."""

    def __init__(self, heap: str = HEAP, paths: tuple[Path, ...] | None = None) -> None:
        where = [str(p) for p in (paths or (device_root(),))]
        command = [micropython(), "-X", f"heapsize={heap}", "-c", _DRIVER.format(path=where)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )

    def run(self, text: str, data: bytes = b"", timeout_s: float = 30.0) -> str:
        """Runs Python text, which finds `data` under this name. Returns what it printed.

        Raises Raised for an exception in MicroPython, Died when no answer comes.
        """
        assert self._process.stdin
        source = text.encode()
        try:
            self._process.stdin.write(struct.pack("<II", len(source), len(data)) + source + data)
        except BrokenPipeError:
            raise Died(f"MicroPython ended with {self._process.wait()}") from None
        printed = self._answer(timeout_s)
        start = printed.rfind("\x15")
        if start >= 0:
            raise Raised(printed[start + 1 :].rstrip("\n"))
        return printed

    def value(self, expression: str, data: bytes = b"") -> Any:
        """The value of an expression whose repr is a Python literal."""
        return ast.literal_eval(self.run(f"print(repr({expression}))", data))

    def error(self, text: str, data: bytes = b"") -> str:
        """The exception that the text must raise, as "Type: words"."""
        try:
            printed = self.run(text, data)
        except Raised as error:
            return str(error)
        raise AssertionError(f"{text!r} raised nothing and printed {printed!r}")

    def _answer(self, timeout_s: float) -> str:
        assert self._process.stdout
        until = time.monotonic() + timeout_s
        got = b""
        while not got.endswith(_END):
            if not select.select([self._process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                self.close()
                raise Died(f"no answer from MicroPython within {timeout_s:g} s; it said {got[-200:]!r}")
            piece = self._process.stdout.read(65536)
            if not piece:
                code = self._process.wait()
                raise Died(f"MicroPython ended with {code}; it said {got[-500:]!r}")
            got += piece
        return got[: -len(_END)].decode()

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
