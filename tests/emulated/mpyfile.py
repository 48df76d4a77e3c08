"""Reads a .mpy file (format 6): its qstrs, constant objects and the tree of compiled functions.

Numbers are base-128, most significant group first, bit 7 set on all but the last byte. The file is a
header, the qstrs, the constants, then the module's own code, which holds its functions as children.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

KINDS = ("bytecode", "native", "viper", "asm")
ARCHS = {
    "armv6m": 4,
    "armv7m": 5,
    "armv7em": 6,
    "xtensawin": 10,
    "rv32imc": 11,
}  # the number that a .mpy has for an architecture
_MARKS = ("micropython.viper", "viper", "micropython.asm_thumb", "micropython.asm_rv32", "micropython.asm_xtensa")
_RELOCATED = 0x10 | 0x20 | 0x40  # scope flags of relocations, rodata, bss: only C modules have them


class _FunTable:
    """Stands for the one constant that a .mpy cannot hold: the address of the runtime's table."""

    def __repr__(self) -> str:
        return "FUN_TABLE"


FUN_TABLE = _FunTable()


class MpyError(ValueError):
    """The bytes are not a .mpy file that this reader knows."""


@dataclass
class RawCode:
    """One compiled function; `kind` is one of KINDS, `code` its bytes, `children` the defs inside it."""

    kind: str
    code: bytes
    flags: int = 0
    children: list[RawCode] = field(default_factory=list)


@dataclass
class MpyFile:
    """A parsed .mpy: `arch` and `version` are those of its header; a qstr is its text, or its static index (int)."""

    version: tuple[int, int]
    arch: int
    qstrs: list[str | int]
    objects: list[Any]
    outer: RawCode


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, count: int) -> bytes:
        piece = self.data[self.at : self.at + count]
        if len(piece) != count:
            raise MpyError(f"ends at byte {len(self.data)}, {count - len(piece)} too early")
        self.at += count
        return piece

    def uint(self) -> int:
        value = 0
        while True:
            byte = self.take(1)[0]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    def qstr(self) -> str | int:
        size = self.uint()
        if size & 1:
            return size >> 1
        return self.take((size >> 1) + 1)[:-1].decode()

    def object(self) -> Any:
        kind = self.take(1)[0]
        if kind < 5:
            return (FUN_TABLE, None, False, True, ...)[kind]
        size = self.uint()
        if kind == 10:
            return tuple(self.object() for _ in range(size))
        data = self.take(size)
        if kind in (5, 6):
            self.take(1)  # a NUL follows the text
            return data.decode() if kind == 5 else data
        if kind == 7:
            return int(data)
        if kind in (8, 9):
            return float(data) if kind == 8 else complex(data.decode())
        raise MpyError(f"constant of unknown type {kind}")

    def code(self) -> RawCode:
        head = self.uint()
        raw = RawCode(KINDS[head & 3], self.take(head >> 3))
        if raw.kind == "native":
            self.uint()  # where the prelude is
        elif raw.kind != "bytecode":
            raw.flags = self.uint()
            if raw.kind == "asm":
                self.uint(), self.uint()  # number of arguments, type signature
            elif raw.flags & _RELOCATED:
                raise MpyError("code with relocations or data of its own, not made from Python")
        if head & 4:
            raw.children = [self.code() for _ in range(self.uint())]
        return raw


def parse(data: bytes) -> MpyFile:
    """Parse a whole .mpy file.

    Raises MpyError when it is damaged, of another version, or was linked from C.
    """
    reader = _Reader(data)
    magic, version, feature, _ = reader.take(4)
    if magic != 0x4D or version != 6:
        raise MpyError(f"starts with {data[:2].hex()}, a version 6 .mpy with 4d06")
    if feature & 0x40:
        reader.uint()  # flags of the architecture
    qstr_count, object_count = reader.uint(), reader.uint()
    qstrs = [reader.qstr() for _ in range(qstr_count)]
    objects = [reader.object() for _ in range(object_count)]
    outer = reader.code()
    if reader.at != len(data):
        raise MpyError(f"{len(data) - reader.at} bytes after the end")
    return MpyFile((version, feature & 3), feature >> 2 & 0x2F, qstrs, objects, outer)


def native_names(source: str) -> list[str]:
    """Names of the module's viper and assembler functions in the order of their defs: a .mpy does not say them."""
    names: list[str] = []

    def visit(body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef):
                if any(ast.unparse(mark) in _MARKS for mark in node.decorator_list):
                    names.append(node.name)
            elif not isinstance(node, ast.ClassDef):
                for block in ("body", "handlers", "orelse", "finalbody"):
                    visit(getattr(node, block, []))

    visit(ast.parse(source).body)
    return names
