"""An emulated ESP32 for kernels: qemu-xtensa runs a stub that takes commands, memory is mapped for each buffer.

It has what the tests use of `machine.Machine`. Around a buffer nothing is mapped: an access there ends the process,
which is an EmulationError. Every other call has its buffers at the start of a page, the others at the end of one, so
that an access before and one behind is met. Bytes between a buffer and its page's other end are looked at afterwards.

`Xtensa("xtensawin")` is an ESP32 or an ESP32-S3, "xtensawin-s2" stops at what an ESP32-S2 does not have. With
`counts=True` it counts the instructions of a call, from qemu's log of translated blocks; what such a board answers is
to be compared, as qemu may be wrong then (ONE_BY_ONE).
"""

from __future__ import annotations

import importlib
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from whit.paths import device_root

from . import mpyfile
from .glue import ENTRIES
from .machine import EmulationError, Function, compile_mpy
from .memory import FILL, PAGE, pack

QEMU = "qemu-xtensa"
CPUS = {"xtensawin": "dc233c", "xtensawin-s2": "sample_controller"}  # cores of qemu with the same options
BASE, CODE, CODE_SIZE = 0x08000000, 0x10000000, 0x100000
# qemu has m0 to m3 twice, as registers of MAC16 and as special registers, and LDINC writes the other ones: the next
# instruction of a block may read what was there before. So a block has one instruction (the second name is qemu 8.1's).
ONE_BY_ONE = {"QEMU_SINGLESTEP": "1", "QEMU_ONE_INSN_PER_TB": "1"}
_HEADERS = 84  # of an ELF file with one segment
OBJECTS, OBJECTS_SIZE = 0x18000000, 0x400000
BUFFERS, BUFFERS_END = 0x20000000, 0x38000000
_READ, _WRITE, _MMAP, _MUNMAP = 12, 13, 80, 81  # system calls
_PIECE = 16384  # bytes that go through a pipe at once

# What kernels call of MicroPython's runtime. An object that is passed is an int, or an array: its data is at offset 12.
# Floor division corrects QUOS; that and SRAI are unknown to the assembler.
RUNTIME = """
@micropython.asm_xtensa
def convert_obj_to_native(a2, a3):
    movi(a4, 1)
    and_(a4, a2, a4)
    bnez(a4, number)
    l32i(a2, a2, 12)
    j(done)
    label(number)
    data(3, 0x212120)
    label(done)

@micropython.asm_xtensa
def convert_native_to_obj(a2, a3):
    add(a2, a2, a2)
    addi(a2, a2, 1)

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


class Buffer:
    """A piece of the board's memory: `size` bytes at `addr`, a multiple of 4."""

    def __init__(self, board: Xtensa, start: int, pages: int, addr: int, size: int, name: str) -> None:
        self.board, self.start, self.pages, self.addr, self.size, self.name = board, start, pages, addr, size, name
        self.object = board.place(pack([0, 0, size, addr]))

    def read(self) -> bytes:
        """The bytes that are in it now. EmulationError where those around it have changed."""
        page = self.board.read(self.start, self.pages)
        at = self.addr - self.start
        around = page[:at] + page[at + self.size :]
        if around != bytes([FILL]) * len(around):
            raise EmulationError(f"{self.board.name}: writes outside of {self.name}")
        return page[at : at + self.size]

    def write(self, data: bytes, offset: int = 0) -> None:
        assert offset >= 0 and offset + len(data) <= self.size
        self.board.write(self.addr + offset, data)

    def words(self) -> list[int]:
        return list(struct.unpack_from(f"<{self.size // 4}I", self.read()))

    def free(self) -> None:
        self.board.system(_MUNMAP, self.start, self.pages)


class Trace:
    """Counts instructions, by the log that qemu writes of blocks that it translates and runs."""

    def __init__(self, path: str) -> None:
        os.mkfifo(path)
        self._path = path
        self._lengths: dict[bytes, int] = {}
        self._runs: Counter[bytes] = Counter()
        self._mark = b"nothing yet"
        self._marked = threading.Semaphore(0)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self) -> None:
        # "0x10000003:  ..." for each instruction of a block that is new, then "Trace 0: 0x7f.. [../10000003/..]"
        lines = 0
        with open(self._path, "rb") as log:
            for line in log:
                if line.startswith(b"Trace"):
                    block = line.split(b" ", 3)[2]
                    if lines:
                        self._lengths[block], lines = lines, 0
                    self._runs[block] += 1
                    if self._mark in line:
                        self._marked.release()
                elif line.startswith(b"0x"):
                    lines += 1

    def total(self, mark: int, run_mark: Callable[[], object]) -> int:
        """Instructions up to now; `run_mark` runs a function whose last block is at `mark`."""
        self._mark = b"/%08x/" % mark
        run_mark()
        if not self._marked.acquire(timeout=120):
            raise EmulationError("qemu writes no log")
        return sum(self._lengths[block] * n for block, n in self._runs.items())


class Xtensa:
    """One board. After a call `instructions` is what it took if it counts, otherwise 0."""

    cycles = 0

    def __init__(self, arch: str = "xtensawin", counts: bool = False) -> None:
        self.name = arch
        self.counts = counts
        self.instructions = 0
        self._folder = tempfile.TemporaryDirectory()
        self._start()

    def _start(self) -> None:
        self._code, self._objects, self._buffers = CODE, OBJECTS, BUFFERS
        self._calls = self._total = 0
        program = Path(self._folder.name, "stub")
        program.write_bytes(_elf(_stub()))
        program.chmod(0o755)
        command = [QEMU, "-cpu", CPUS[self.name], str(program)]
        if self.counts:
            log = str(Path(tempfile.mkdtemp(dir=self._folder.name), "log"))
            self._trace = Trace(log)
            command[1:1] = ["-d", "exec,nochain,in_asm", "-dfilter", f"{CODE:#x}+{CODE_SIZE:#x}", "-D", log]
        environment = os.environ | ({} if self.counts else ONE_BY_ONE)
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self._process = subprocess.Popen(command, bufsize=0, env=environment, **pipes)
        for start, size in ((CODE, CODE_SIZE), (OBJECTS, OBJECTS_SIZE)):
            self._map(start, size)
        self._room = self.place(bytes(256))  # for arguments
        self._mark = self._place_code(bytes.fromhex("3641001df0"))  # ENTRY, RETW.N
        illegal = self._place_code(bytes(4))
        parsed = mpyfile.parse(compile_mpy(RUNTIME, "xtensawin"))
        codes = zip(mpyfile.native_names(RUNTIME), parsed.outer.children, strict=True)
        there = {name: self._place_code(raw.code) for name, raw in codes}
        self._table = self.place(pack([there.get(name, illegal) for name in ENTRIES]))

    def close(self) -> None:
        """End the process. It is started again when it is needed."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe
            pipe.close()
        self._process.wait()

    def __del__(self) -> None:
        process = getattr(self, "_process", None)
        if process and process.returncode is None:
            self.close()

    # --- commands

    def _command(self, *words: int, data: bytes = b"", answer: int = 0) -> tuple[int, bytes]:
        out, back = self._process.stdin, self._process.stdout
        assert out and back
        try:
            out.write(pack([*words, *[0] * (8 - len(words))]) + data)
        except BrokenPipeError:
            self._ended()
        content = bytearray()
        while len(content) < answer + 4:
            piece = back.read(answer + 4 - len(content))
            if not piece:
                self._ended()
            content += piece
        return int.from_bytes(content[-4:], "little"), bytes(content[:-4])

    def _ended(self) -> None:
        assert self._process.stderr
        words = self._process.stderr.read().decode(errors="replace").strip()
        self.close()
        raise EmulationError(f"{self.name}: exit code {self._process.returncode}: {words}")

    def system(self, number: int, *arguments: int) -> int:
        """Answer of a system call."""
        return self._command(0, number, *arguments)[0]

    def _map(self, start: int, size: int) -> None:
        read_write_run, private_fixed_anonymous = 7, 0x812
        found = self.system(_MMAP, start, size, read_write_run, private_fixed_anonymous, 0xFFFFFFFF)
        if found != start:
            raise EmulationError(f"{self.name}: no memory at 0x{start:08x}: {found:x}")

    def read(self, address: int, size: int) -> bytes:
        content = b""
        while len(content) < size:
            n = min(_PIECE, size - len(content))
            content += self._command(0, _WRITE, 1, address + len(content), n, answer=n)[1]
        return content

    def write(self, address: int, content: bytes) -> None:
        for at in range(0, len(content), _PIECE):
            piece = content[at : at + _PIECE]
            if self._command(0, _READ, 0, address + at, len(piece), data=piece)[0] != len(piece):
                raise EmulationError(f"{self.name}: cannot write to 0x{address:08x}")

    # --- memory

    def place(self, content: bytes) -> int:
        """Put an object of MicroPython somewhere for good; returns its address."""
        address = self._objects
        self._objects += len(content) + 15 & -16
        assert self._objects <= OBJECTS + OBJECTS_SIZE
        self.write(address, content)
        return address

    def _place_code(self, code: bytes) -> int:
        # in one page if it fits: blocks end with a page, and those of a kernel that counts are always the same then
        if self._code % PAGE + len(code) > PAGE >= len(code):
            self._code += -self._code % PAGE
        address = self._code
        self._code += len(code) + 15 & -16
        self.write(address, code)
        return address

    def buffer(self, content: bytes | int, *, name: str = "") -> Buffer:
        """Memory with these bytes, or with so many zeros."""
        if self._process.returncode is not None or self._objects > OBJECTS + OBJECTS_SIZE - 65536:
            raise EmulationError("the board has ended")
        data = bytes(content)
        pages = (max(len(data), 1) + PAGE - 1) & -PAGE
        start = self._buffers
        self._buffers += pages + PAGE
        if self._buffers >= BUFFERS_END - (1 << 24):
            self._buffers = BUFFERS
        self._map(start, pages)
        at = 0 if self._calls & 1 else pages - (max(len(data), 1) + 3 & -4)
        filled = bytearray([FILL]) * pages
        filled[at : at + len(data)] = data
        self.write(start, bytes(filled))
        return Buffer(self, start, pages, start + at, len(data), name or "a buffer")

    def array(self, words: Iterable[int], name: str = "") -> Buffer:
        return self.buffer(pack(words), name=name)

    # --- functions

    def load(self, path: Path) -> dict[str, Function]:
        """Compile a file with mpy-cross and place its functions."""
        return self.load_source(path.read_text(encoding="utf-8"), path.name)

    def load_source(self, text: str, name: str = "source.py") -> dict[str, Function]:
        """The same with Python text."""
        return self.load_mpy(compile_mpy(text, "xtensawin", name), mpyfile.native_names(text))

    def load_mpy(self, data: bytes, names: list[str]) -> dict[str, Function]:
        """Place the viper functions of a .mpy file; `names` are theirs in the order of the file."""
        parsed = mpyfile.parse(data)
        if parsed.arch != mpyfile.ARCHS["xtensawin"]:
            raise EmulationError(f"a .mpy for architecture {parsed.arch}")
        found = [child for child in parsed.outer.children if child.kind == "viper"]
        if any(value is not mpyfile.FUN_TABLE for value in parsed.objects):
            raise EmulationError(f"constants that are not emulated: {parsed.objects}")
        tables = [self.place(bytes(4 * len(parsed.qstrs))), self.place(pack([self._table] * len(parsed.objects)))]
        context = self.place(pack([0, 0, *tables]))
        placed = {}
        for name, raw in zip(names, found, strict=True):
            code = self._place_code(raw.code)
            placed[name] = Function(name, code, len(raw.code), self.place(pack([0, context, 0, code])))
        return placed

    def load_code(self, name: str, code: bytes) -> Function:
        """Place machine code that keeps to the calling convention of a viper function."""
        address = self._place_code(code)
        return Function(name, address, len(code), self.place(pack([0, 0, 0, address])))

    def call(self, function: Function, *args: Any, limit: int = 0) -> int:
        """Call a function as MicroPython does, with ints, lists of words or buffers; returns the word of its answer."""
        self._calls += 1
        objects = self._scratch(pack([self._object(a) for a in args]), 0)
        result, _ = self._command(1, function.addr, function.object, len(args), 0, objects)
        if self.counts:
            before, self._total = self._total, self._trace.total(self._mark + 3, lambda: self._command(1, self._mark))
            self.instructions = self._total - before - 2
        return result

    def _object(self, x: Any) -> int:
        # a buffer, an int, or words for an array object
        if isinstance(x, list):
            return self._scratch(pack([0, 0, len(x), self._scratch(pack(x), 80)]), 64)
        return x << 1 | 1 if isinstance(x, int) else x.object

    def _scratch(self, content: bytes, at: int) -> int:
        self.write(self._room + at, content)
        return self._room + at


def _stub() -> bytes:
    assembler = load_assembler()
    return assembler.Assembler({}).assemble(Path(__file__).with_name("stub.s"))


def load_assembler() -> Any:
    """device/asm/assembler.py as a module."""
    folder = str(device_root() / "asm")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module("assembler")


def _elf(code: bytes) -> bytes:
    head = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    size = _HEADERS + len(code)
    head += struct.pack("<HHIIIIIHHHHHH", 2, 94, 1, BASE + _HEADERS, 52, 0, 0, 52, 32, 1, 40, 0, 0)
    return head + struct.pack("<IIIIIIII", 1, 0, BASE, BASE, size, size, 5, PAGE) + code
