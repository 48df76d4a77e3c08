"""Assembles the kernels of device/asm into the two forms in which a board takes machine code.

    python device/asm/assemble.py            writes what has changed (or: make kernels)
    python device/asm/assemble.py --check    writes nothing; exit code 1 when a file is out of date

device/asm/<family>/<kernel>.s  ->  device/whit/<family>/<kernel>.py    the inline assembler's source, for mip install
                                    device/mpy/<family>/<kernel>.mpy    machine code, for whit deploy

A .s file defines `run`, a function of the C calling convention: its one argument is the address of the parameter
block. It is position independent and holds no data. What stands around it here makes it callable from Python.
Needs Debian's binutils-arm-none-eabi and binutils-riscv64-unknown-elf. Xtensa has an assembler of its own
(assembler.py, opcodes.py) and no .py: firmware for ESP32 has no inline assembler.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ASM = Path(__file__).resolve().parent
sys.path.insert(0, str(ASM))

import assembler
import opcodes

DEVICE = ASM.parent
WIDTH = 120  # of a line of Python


class AssemblyError(Exception):
    """A kernel does not assemble, or is not position independent; str() names the file."""


@dataclass(frozen=True)
class Family:
    """Kernels for one instruction set.

    `inline` and `native` are assembler text with {kernel} where the kernel stands, for the .py and the .mpy.
    """

    name: str
    tools: str  # prefix of the commands of binutils
    flags: str  # of as
    link: str  # of ld
    arch: int  # the number that a .mpy has for the architecture
    decorator: str  # of the inline assembler
    argument: str  # its name for the register of the first argument
    head: str
    inline: str
    native: str
    skip: int = 0  # bytes at the start of `inline` that the inline assembler makes by itself


# The inline assembler passes the address of the array's data in r0, starts with PUSH {r1, r4-r7, lr} and ends with the
# POP. The kernel lies between two calls, as a branch over it would not reach. An answer of 0 needs no int object.
_THUMB_INLINE = """
    push {{r1, r4-r7, lr}}
    nop
    bl .Lcall
    .balign 4
{kernel}
.Lcall:
    bl run
    movs r0, #0
"""
# MicroPython calls code of viper functions as f(function, n_args, n_kw, args) -> object. The data of an array object is
# at its offset 12. The answer is the small int 0, without doing anything unless there is one argument.
_THUMB_NATIVE = """
    push {{r4, lr}}
    cmp r1, #1
    bne .Ldone
    ldr r0, [r3]
    ldr r0, [r0, #12]
    bl run
.Ldone:
    movs r0, #1
    pop {{r4, pc}}
    .balign 4
{kernel}
"""
_THUMB_HEAD = ".syntax unified\n.cpu {cpu}\n.thumb\n"
# The same on RISC-V, where the inline assembler saves nothing and adds a RET.
_RV32_INLINE = """
    addi sp, sp, -16
    sw ra, 12(sp)
    j .Lcall
    .balign 4
{kernel}
.Lcall:
    jal run
    lw ra, 12(sp)
    addi sp, sp, 16
    li a0, 0
"""
_RV32_NATIVE = """
    addi sp, sp, -16
    sw ra, 12(sp)
    li t0, 1
    bne a1, t0, .Ldone
    lw a0, 0(a3)
    lw a0, 12(a0)
    jal run
.Ldone:
    lw ra, 12(sp)
    addi sp, sp, 16
    li a0, 1
    ret
    .balign 4
{kernel}
"""


def _thumb(name: str, cpu: str, arch: int) -> Family:
    head = _THUMB_HEAD.format(cpu=cpu)
    return Family(name, "arm-none-eabi-", "", "", arch, "asm_thumb", "r0", head, _THUMB_INLINE, _THUMB_NATIVE, skip=2)


FAMILIES = (
    _thumb("thumb", "cortex-m0plus", 4),  # armv6m: loads on every Cortex-M
    _thumb("dsp", "cortex-m4", 6),  # armv7em: loads on Cortex-M4, M7 and M33, with or without FPU
    Family(
        name="rv32",
        tools="riscv64-unknown-elf-",
        flags="-march=rv32imc -mabi=ilp32",
        link="-m elf32lriscv --no-relax",
        arch=11,
        decorator="asm_rv32",
        argument="a0",
        head=".option norelax\n",
        inline=_RV32_INLINE,
        native=_RV32_NATIVE,
    ),
)


@dataclass(frozen=True)
class Xtensa:
    """Kernels for Xtensa with windowed registers; `without`: instructions that the processor lacks.

    A source is the whole viper function: f(function, n_args, n_kw, args) in a2 to a5, after ENTRY.
    """

    name: str
    without: frozenset[str] = frozenset()
    arch: int = 10  # xtensawin


XTENSA = (
    Xtensa("xtensa", opcodes.SIMD),
    Xtensa("xtensa-s2", opcodes.SIMD | opcodes.LOOPS | {"mac16", "clamps"}),
    Xtensa("pie"),
)


def sources(family: Family | Xtensa) -> list[Path]:
    """The kernels of a family, sorted by name."""
    return sorted((ASM / family.name).glob("*.s"))


def machine_code(family: Family, source: Path, around: str) -> bytes:
    """The kernel with the text around it, as machine code. AssemblyError with the words of the tool that refuses it."""
    if not shutil.which(family.tools + "as"):
        raise AssemblyError(f"{family.tools}as is not installed (Debian: binutils-{family.tools.rstrip('-')})")
    text = family.head + around.format(kernel=f'.include "{source.name}"')
    with tempfile.TemporaryDirectory() as folder:

        def tool(name: str, *arguments: str) -> None:
            command = [family.tools + name, *arguments]
            done = subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                raise AssemblyError(f"{source}: {done.stderr.strip()}")

        def linked(address: int, *sections: str) -> bytes:
            tool("ld", *family.link.split(), "-e", "0", "-Ttext", hex(address), "-o", "kernel.elf", "kernel.o")
            tool("objcopy", "-O", "binary", *sections, "kernel.elf", "kernel.bin")
            return Path(folder, "kernel.bin").read_bytes()

        tool("as", *family.flags.split(), "-I", str(source.parent), "-o", "kernel.o", "-")
        code = linked(0, "-j", ".text")
        if code != linked(0x10000):
            raise AssemblyError(f"{source}: the code depends on where it lies, or has data")
    return code + bytes(-len(code) % 2)


def python_form(family: Family, source: Path) -> str:
    """The .py file: a function of the inline assembler that consists of numbers."""
    code = machine_code(family, source, family.inline)[family.skip :]
    numbers = [f"0x{int.from_bytes(code[i : i + 2], 'little'):X}" for i in range(0, len(code), 2)]
    lines = [
        f"# Made from device/asm/{family.name}/{source.name} by device/asm/assemble.py: make kernels",
        "",
        "",
        f"@micropython.{family.decorator}",
        f"def run({family.argument}):",
    ]
    line = ""
    for number in numbers:
        if line and len(line) + len(number) + 3 > WIDTH:
            lines.append(line + ")")
            line = ""
        line += f", {number}" if line else f"    data(2, {number}"
    return "\n".join([*lines, line + ")", ""])


def number(value: int) -> bytes:
    """A number as a .mpy has it: seven bits a byte, the highest first, bit 7 set in all but the last."""
    groups = [value & 127]
    while value := value >> 7:
        groups.append(value & 127 | 128)
    return bytes(reversed(groups))


def xtensa_code(family: Xtensa, source: Path) -> bytes:
    """The machine code of a kernel for Xtensa, which knows as LOOP and MAC16 whether it may use them."""
    has = {"LOOP": int("loop" not in family.without), "MAC16": int("mac16" not in family.without)}
    try:
        return assembler.Assembler(has, family.without).assemble(source)
    except assembler.SourceError as error:
        raise AssemblyError(f"{source}: {error}") from None


def mpy_form(family: Family | Xtensa, source: Path) -> bytes:
    """The .mpy file, version 6.3: a module whose `run` is machine code of kind viper.

    It is never of kind assembler: firmware without the inline assembler would take that for bytecode.
    """
    made = xtensa_code(family, source) if isinstance(family, Xtensa) else machine_code(family, source, family.native)
    code = made + bytes(-len(made) % 2)
    header = b"M" + bytes([6, family.arch << 2 | 3, 31])  # 31: bits of a small int
    # names stay in RAM for ever: "<module>", the 7th that MicroPython has built in, serves as that of the file too
    module = number(7 << 1 | 1)
    strings = [module, module, number(len(b"run") << 1) + b"run\0"]
    # no arguments, no exceptions; 1 byte of information: the name;
    # MAKE_FUNCTION 0, STORE_NAME 2, LOAD_CONST_NONE, RETURN
    outer = bytes([0, 2, 1, 0x32, 0, 0x16, 2, 0x51, 0x63])
    bytecode, has_children, viper = 0, 4, 2
    body = number(len(outer) << 3 | has_children | bytecode) + outer + number(1)
    body += number(len(code) << 3 | viper) + code + number(0)  # no flags
    return header + number(len(strings)) + number(0) + b"".join(strings) + body


def outputs() -> dict[Path, bytes]:
    """Every file that is made, with its content."""
    made = {}
    for family in (*FAMILIES, *XTENSA):
        for source in sources(family):
            if isinstance(family, Family):
                made[DEVICE / "whit" / family.name / f"{source.stem}.py"] = python_form(family, source).encode()
            made[DEVICE / "mpy" / family.name / f"{source.stem}.mpy"] = mpy_form(family, source)
    return made


def stale(made: dict[Path, bytes]) -> list[Path]:
    """Files that are missing, differ, or have no source any more."""
    found = [path for path, content in made.items() if not path.exists() or path.read_bytes() != content]
    for family in (*FAMILIES, *XTENSA):
        there = [*(DEVICE / "whit" / family.name).glob("*.py"), *(DEVICE / "mpy" / family.name).glob("*.mpy")]
        found += [path for path in sorted(there) if path not in made and path.name != "__init__.py"]
    return found


def main(arguments: list[str]) -> int:
    """Bring the files up to date, or with --check say which are not."""
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        made = outputs()
    except AssemblyError as error:
        print(f"assemble: {error}", file=sys.stderr)
        return 1
    changed = stale(made)
    for path in changed:
        print(f"{'out of date' if arguments else 'made' if path in made else 'removed'}: {path.relative_to(DEVICE)}")
        if not arguments:
            if path in made:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(made[path])
            else:
                path.unlink()
    return 1 if arguments and changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
