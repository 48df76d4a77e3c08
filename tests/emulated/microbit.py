"""A stock MicroPython on an emulated board: the BBC micro:bit, a Cortex-M0 with 9 KB of heap.

Its firmware (Debian's firmware-microbit-micropython) has the inline assembler and no native emitter, so it runs the
kernels as `mip` installs them. It has no .mpy files: their machine code goes into a bytearray and is called there.
"""

from __future__ import annotations

import select
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

FIRMWARE = Path("/usr/share/firmware-microbit-micropython/firmware.hex")
QEMU = "qemu-system-arm"
_CHUNK = 64  # bytes that are sent as one literal
_ECHO = 32  # characters that are sent before the board must have read them
_PROMPT = b">>> "

# addr: the address of an array's data. native: calls machine code at code as a viper function, f(0, 1, 0, args).
HELPERS = """
from array import array
@micropython.asm_thumb
def addr(r0):
    pass
@micropython.asm_thumb
def native(r0, r1):
    add(r0, r0, 1)
    mov(r4, r0)
    mov(r3, r1)
    mov(r1, 1)
    mov(r2, 0)
    data(2, 0x47A0)
def fill(to, at, text):
    for i in range(0, len(text), 2):
        to[at] = int(text[i:i+2], 16)
        at += 1
"""


class Raised(Exception):
    """The board raised an exception; str() is its last line."""


def missing() -> str:
    """What is not installed here, or ""."""
    if not shutil.which(QEMU):
        return QEMU
    return "" if FIRMWARE.exists() else "firmware-microbit-micropython"


class Microbit:
    """The board, at the prompt of its REPL."""

    def __init__(self) -> None:
        command = [QEMU, "-machine", "microbit", "-display", "none", "-monitor", "null", "-serial", "stdio"]
        command += ["-device", f"loader,file={FIRMWARE}"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        self._read(_PROMPT)
        self.run("import gc" + HELPERS)

    def run(self, text: str) -> str:
        """Runs Python text and returns what it printed; Raised for an exception.

        In paste mode, as the board echoes there what it has read: more than it can hold would be lost.
        """
        self._send(b"\x05")
        self._read(b"=== ")
        for line in text.encode().split(b"\n"):
            for at in range(0, len(line), _ECHO):
                self._send(line[at : at + _ECHO])
                self._read(line[at : at + _ECHO])
            self._send(b"\r")
            self._read(b"=== ")
        self._send(b"\x04")
        printed = self._read(_PROMPT).removeprefix(b"\r\n").removesuffix(_PROMPT).decode().replace("\r", "")
        if "Traceback (most recent call last):" in printed:
            raise Raised(printed.strip().rpartition("\n")[2])
        return printed

    def put(self, name: str, content: bytes) -> None:
        """Makes a bytearray of these bytes; it begins at a multiple of 16."""
        self.run(f"{name} = bytearray({len(content)})")
        for at in range(0, len(content), _CHUNK):
            piece = content[at : at + _CHUNK]
            if any(piece):
                self.run(f"fill({name}, {at}, '{piece.hex()}')")

    def get(self, name: str) -> bytes:
        """The bytes of a bytearray."""
        return bytes.fromhex(self.run(f"for b in {name}: print('%02x' % b, end='')"))

    def _send(self, data: bytes) -> None:
        assert self._process.stdin
        self._process.stdin.write(data)

    def _read(self, end: bytes, timeout_s: float = 20.0) -> bytes:
        assert self._process.stdout
        until = time.monotonic() + timeout_s
        got = b""
        while not got.endswith(end):
            if not select.select([self._process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
                raise AssertionError(f"no answer from the micro:bit within {timeout_s:g} s; it said {got[-300:]!r}")
            piece = self._process.stdout.read(4096)
            if not piece:
                raise AssertionError(f"QEMU ended; it said {got[-300:]!r}")
            got += piece
        return got

    def close(self) -> None:
        """Switches it off."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Microbit:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
