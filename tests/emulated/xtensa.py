"""Runs a small model as ESP32 code, in qemu-xtensa: its viper kernels as mpy-cross compiles them for xtensawin.

A program is built that holds PLAN, DATA, arena, the functions with what they need of MicroPython, and calls them in
order. It writes itself out at its end, so that a change of anything but the arena is seen.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from whit import program
from whit.blob import Blob
from whit.paths import device_root

from . import mpyfile
from .glue import ENTRIES
from .layers import place, steps
from .machine import EmulationError, compile_mpy
from .memory import pack

QEMU = "qemu-xtensa"
CPU = "dc233c"  # has what the cores of ESP32 and ESP32-S3 have
BASE = 0x10000000
_HEADERS = 84  # of an ELF file with one segment
_WRITE, _EXIT = 13, 118  # system calls

# What kernels call of MicroPython's runtime. An object that is passed is an array: its data is at offset 12.
# Floor division corrects QUOS, which the assembler does not know.
RUNTIME = """
@micropython.asm_xtensa
def convert_obj_to_native(a2, a3):
    l32i(a2, a2, 12)

@micropython.asm_xtensa
def small_int_floor_divide(a2, a3):
    data(3, 0xD24230)
    mull(a5, a4, a3)
    sub(a5, a2, a5)
    beqz(a5, exact)
    xor(a5, a5, a3)
    bgez(a5, exact)
    addi(a4, a4, -1)
    label(exact)
    mov(a2, a4)
"""


def missing() -> str:
    """What is not installed here, or ""."""
    return "" if shutil.which(QEMU) else QEMU


class Image:
    """Memory from BASE on, which grows by what is placed."""

    def __init__(self) -> None:
        self.memory = bytearray(_HEADERS)

    def place(self, content: Iterable[int] | bytes) -> int:
        """Puts words or bytes at the next multiple of 16 and returns their address."""
        data = content if isinstance(content, bytes) else pack(content)
        self.memory += bytes(-len(self.memory) % 16)
        address = BASE + len(self.memory)
        self.memory += data
        return address

    def array(self, data: int, size: int) -> int:
        """An array object for what lies at `data`."""
        return self.place([0, 0, size, data])


class Calls:
    """Machine code that calls functions, writes memory out and exits."""

    def __init__(self) -> None:
        self.literals: list[int] = []
        self.code: list[int | tuple[int, int]] = []  # instructions; (register, literal) for a load

    def load(self, register: int, value: int) -> None:
        self.code.append((register, len(self.literals)))
        self.literals.append(value)

    def function(self, address: int, *arguments: int) -> None:
        for register, value in enumerate(arguments, 10):  # CALLX8 turns the registers by 8
            self.load(register, value)
        self.load(8, address)
        self.code.append(0x0000E0 | 8 << 8)

    def system(self, number: int, *arguments: int) -> None:
        for register, value in zip((2, 6, 3, 4), (number, *arguments), strict=False):
            self.load(register, value)
        self.code.append(0x005000)

    def place(self, image: Image) -> int:
        """Literals, then the code that loads them relative to its place; returns where it begins."""
        pool = image.place(self.literals)
        start = pc = pool + 4 * len(self.literals)
        for step in self.code:
            if isinstance(step, tuple):
                register, number = step
                words = (pool + 4 * number - (pc + 3 & -4)) >> 2
                step = (words & 0xFFFF) << 8 | register << 4 | 1
            image.memory += step.to_bytes(3, "little")
            pc += 3
        return start


def run(blob: Blob, x: bytes, cpu: str = CPU) -> bytes:
    """The output of a model for its one input, by viper kernels. EmulationError for what a board would not survive."""
    image = Image()
    arena = place(blob, x)
    plan, data = image.place(blob.plan), image.place(blob.data)
    image.place(bytes(64))
    where = image.place(arena)
    image.place(bytes(64))
    table = _table(image)
    functions: dict[str, tuple[int, int]] = {}
    calls = Calls()
    for offset, kernel in steps(blob, viper=True):
        if kernel not in functions:
            functions[kernel] = _function(image, kernel, table)
        block = image.place([offset, plan, 0, where, 0, data, 0, 0, 0, 0])
        code, function = functions[kernel]
        calls.function(code, function, 1, 0, image.place([image.array(block, 10)]))
    before = bytes(image.memory)
    size = len(before)
    calls.system(_WRITE, 1, BASE, size)
    calls.system(_EXIT, 0)
    after = _execute(image, calls.place(image), cpu)[:size]
    begin = where - BASE
    if len(after) != size or after[_HEADERS:begin] + after[begin + len(arena) :] != (
        before[_HEADERS:begin] + before[begin + len(arena) :]
    ):
        raise EmulationError("a kernel wrote outside of the arena")
    (out,) = (r for r in blob.records if r[0] == program.OUTPUT)
    return after[begin + out[4] : begin + out[4] + out[5]]


def _table(image: Image) -> int:
    """The runtime's table of functions; what is not there stops the program by an illegal instruction."""
    illegal = image.place(bytes(4))
    parsed = mpyfile.parse(compile_mpy(RUNTIME, "xtensawin"))
    there = {
        name: image.place(raw.code)
        for name, raw in zip(mpyfile.native_names(RUNTIME), parsed.outer.children, strict=True)
    }
    return image.place([there.get(name, illegal) for name in ENTRIES])


def _function(image: Image, kernel: str, table: int) -> tuple[int, int]:
    """Places a kernel: (its code, its function object)."""
    text = (device_root() / "whit" / "viper" / f"{kernel}.py").read_text(encoding="utf-8")
    parsed = mpyfile.parse(compile_mpy(text, "xtensawin", f"{kernel}.py"))
    native = [child for child in parsed.outer.children if child.kind == "viper"]
    codes = dict(zip(mpyfile.native_names(text), native, strict=True))
    if any(value is not mpyfile.FUN_TABLE for value in parsed.objects):
        raise EmulationError(f"{kernel} has constants that are not emulated: {parsed.objects}")
    context = image.place([0, 0, image.place([0] * len(parsed.qstrs)), image.place([table] * len(parsed.objects))])
    code = image.place(codes["run"].code)
    return code, image.place([0, context, 0, code])


def _execute(image: Image, entry: int, cpu: str) -> bytes:
    size = len(image.memory)
    head = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    head += struct.pack("<HHIIIIIHHHHHH", 2, 94, 1, entry, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    head += struct.pack("<IIIIIIII", 1, 0, BASE, BASE, size, size, 7, 0x1000)
    image.memory[:_HEADERS] = head
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kernels")
        path.write_bytes(image.memory)
        path.chmod(0o755)
        done = subprocess.run([QEMU, "-cpu", cpu, str(path)], capture_output=True, timeout=50)
    if done.returncode:
        raise EmulationError(f"xtensa: exit code {done.returncode}: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
