"""What differs between the emulated processors: registers, sizes of instructions, cycles of a Cortex-M0+."""

from __future__ import annotations

from dataclasses import dataclass

from unicorn import UC_ARCH_ARM, UC_ARCH_RISCV, UC_MODE_RISCV32, UC_MODE_THUMB, arm_const, riscv_const


class NotInArchitecture(Exception):
    """An instruction that the emulator would run but the real processor does not have."""


@dataclass(frozen=True)
class Cpu:
    """One architecture as mpy-cross names it; registers are unicorn's numbers."""

    name: str
    arch: int
    mode: int
    model: int
    args: tuple[int, ...]  # registers of the first four arguments; the first also takes the result
    link: int
    stack: int
    counter: int
    saved: dict[str, int]  # registers that a function must leave as it found them
    ret: bytes  # the instruction that returns
    thumb: int = 0  # set in the addresses of functions


@dataclass
class Block:
    """A straight run of instructions, with those that an IT instruction may skip.

    `cycles` is without the extra one of a conditional branch that is taken; `after` is the address behind
    such a branch, or -1 when the block ends otherwise.
    """

    instructions: int
    cycles: int
    after: int = -1


def _arm(name: str, model: int) -> Cpu:
    def reg(number: int) -> int:
        return int(getattr(arm_const, f"UC_ARM_REG_R{number}"))

    return Cpu(
        name=name,
        arch=UC_ARCH_ARM,
        # not UC_MODE_MCLASS: that makes a Cortex-M33 of any model that is set
        mode=UC_MODE_THUMB,
        model=model,
        args=tuple(reg(i) for i in range(4)),
        link=arm_const.UC_ARM_REG_LR,
        stack=arm_const.UC_ARM_REG_SP,
        counter=arm_const.UC_ARM_REG_PC,
        saved={f"r{i}": reg(i) for i in range(4, 12)},
        ret=bytes.fromhex("7047"),
        thumb=1,
    )


def _riscv() -> Cpu:
    def reg(name: str) -> int:
        return int(getattr(riscv_const, f"UC_RISCV_REG_{name.upper()}"))

    return Cpu(
        name="rv32imc",
        arch=UC_ARCH_RISCV,
        mode=UC_MODE_RISCV32,
        model=riscv_const.UC_CPU_RISCV32_SIFIVE_E31,  # RV32IMAC: traps on floating point
        args=tuple(reg(f"a{i}") for i in range(4)),
        link=reg("ra"),
        stack=reg("sp"),
        counter=reg("pc"),
        saved={name: reg(name) for name in ["gp", "tp", *(f"s{i}" for i in range(12))]},
        ret=bytes.fromhex("8280"),
    )


CPUS = {
    "armv6m": _arm("armv6m", arm_const.UC_CPU_ARM_CORTEX_M0),
    "armv7m": _arm("armv7m", arm_const.UC_CPU_ARM_CORTEX_M3),
    "armv7em": _arm("armv7em", arm_const.UC_CPU_ARM_CORTEX_M4),
    "rv32imc": _riscv(),
}


def decode(cpu: Cpu, address: int, code: bytes) -> Block:
    """Count the instructions of one block, and for armv6m its cycles.

    Raises NotInArchitecture for the two 16-bit instructions of Thumb-2 that the emulated Cortex-M0 runs.
    """
    block = Block(0, 0)
    at = 0
    while at < len(code):
        half = code[at] | code[at + 1] << 8
        wide = half & 3 == 3 if cpu.name == "rv32imc" else half >= 0xE800
        at += 4 if wide else 2
        block.instructions += 1
        if cpu.name == "armv6m":
            if half & 0xF500 == 0xB100 or (half & 0xFF00 == 0xBF00 and half & 15):
                raise NotInArchitecture(f"{half:04x} at 0x{address + at - 2:08x} is Thumb-2 (CBZ or IT)")
            block.cycles += 3 if wide else _m0plus_cycles(half)
            if half & 0xF000 == 0xD000:
                block.after = address + at
    return block


def _m0plus_cycles(half: int) -> int:
    """Cycles of a 16-bit instruction by the Cortex-M0+ manual, with memory that never waits."""
    top = half >> 12
    if 5 <= top <= 9 or half & 0xF800 == 0x4800:  # loads and stores of one register
        return 2
    if half & 0xF600 == 0xB400:  # PUSH, POP; a POP into PC is a jump too
        return 1 + (half & 0x1FF).bit_count() + (2 if half & 0xFF00 == 0xBD00 else 0)
    if top == 0xC:  # LDM, STM
        return 1 + (half & 0xFF).bit_count()
    jumps = half & 0xF800 == 0xE000 or half & 0xFF00 == 0x4700 or half & 0xFD87 == 0x4487  # B, BX, to PC
    return 2 if jumps else 1


def aligned_only(cpu: Cpu, code: bytes) -> list[tuple[int, int]]:
    """Instructions that need an aligned address on ARMv7-M, where LDR and STR need none: (offset, register of it).

    LDM, STM, LDRD and STRD: the emulator runs them at any address.
    """
    found = []
    at = 0
    while cpu.name in ("armv7m", "armv7em") and at + 1 < len(code):
        half = code[at] | code[at + 1] << 8
        base = None
        if half >> 12 == 0xC:
            base = half >> 8 & 7
        elif half & 0xFE00 == 0xE800 and (half & 0x40 == 0 or half & 0x120):
            base = half & 15
        if base is not None and base < 13:
            found.append((at, getattr(arm_const, f"UC_ARM_REG_R{base}")))
        at += 4 if half >= 0xE800 else 2
    return found
