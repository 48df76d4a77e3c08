"""A small assembler for Xtensa, for the kernels: mpy-cross's knows no loops, no MAC16 and no expressions.

    label:  1:  1b  1f          labels; those of digits may occur again, b looks back and f forth
    .equ NAME, value            a name for a number, or for a register
    .macro NAME a, b ... .endm  \\a and \\b in the lines between are replaced, \\() ends a name
    .rept n ... .endr           \\# is 0, 1, 2...
    .if value ... .else ... .endif
    .include "file"  .balign n  # a comment

Numbers are expressions. Instructions of 2 bytes are chosen by themselves; a branch to what is too far becomes one
around a jump. `loop register, label` is placed so that the first instruction of its body does not cross a word, as the
processor wants it: the code must begin at a multiple of 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import opcodes
from opcodes import BRANCHES, INVERSE, LOOPS, TARGETS, OpcodeError, Operand

_NOPS = {0: [], 1: [2, 3], 2: [2], 3: [3]}  # sizes of instructions that move code by 1 to 3 bytes, or 5


class SourceError(ValueError):
    """A line that is not understood; str() says where."""


@dataclass
class Line:
    """One instruction, label or alignment, with the place it was written at."""

    where: str
    name: str
    operands: list[str]
    far: bool = False  # a branch around a jump


class Assembler:
    """`symbols` are there from the start; `without`: instructions that may not be used."""

    def __init__(self, symbols: dict[str, int], without: frozenset[str] = frozenset()) -> None:
        self.symbols: dict[str, int | str] = dict(symbols)
        self.without = without
        self.macros: dict[str, tuple[list[str], list[tuple[str, str]]]] = {}
        self.lines: list[Line] = []

    def assemble(self, path: Path) -> bytes:
        """The machine code of a file."""
        self._read(self._load(path), path.parent)
        for _ in range(200):
            labels, size = self._place()
            if not self._grown(labels):
                return self._code(labels, size)
        raise SourceError(f"{path}: branches do not settle")

    # --- text to lines

    @staticmethod
    def _load(path: Path) -> list[tuple[str, str]]:
        text = path.read_text(encoding="utf-8").splitlines()
        return [(f"{path.name}:{i}", re.sub(r"(^|\s)#.*", "", line).strip()) for i, line in enumerate(text, 1)]

    def _read(self, text: list[tuple[str, str]], folder: Path) -> None:
        i = 0
        while i < len(text):
            where, line = text[i]
            i += 1
            while match := re.match(r"(\w+):\s*", line):
                self.lines.append(Line(where, ":", [match[1]]))
                line = line[match.end() :]
            name, _, rest = line.partition(" ")
            operands = [part.strip() for part in rest.split(",")] if rest.strip() else []
            if not name:
                continue
            if name in (".macro", ".rept", ".if"):
                body, i = self._body(text, i, name, where)
                self._block(name, rest.strip(), operands, body, where, folder)
            elif name == ".equ":
                self.symbols[operands[0]] = self._operand(operands[1], where)
            elif name == ".include":
                path = folder / rest.strip().strip('"')
                self._read(self._load(path), path.parent)
            elif name in self.macros:
                names, body = self.macros[name]
                if len(operands) != len(names):
                    raise SourceError(f"{where}: {name} takes {len(names)} operands")
                given = dict(zip(names, operands, strict=True))
                self._read(self._filled(body, given, where), folder)
            elif name in self.without or ("mac16" in self.without and opcodes.mac16(name)):
                raise SourceError(f"{where}: {name} is not on this processor")
            else:
                # names of registers and numbers may be given anew later
                last = operands[-1:] if name in TARGETS else []
                known = [str(self._operand(part, where)) for part in operands[: len(operands) - len(last)]]
                self.lines.append(Line(where, name, known + last))

    @staticmethod
    def _body(text: list[tuple[str, str]], i: int, opening: str, where: str) -> tuple[list[tuple[str, str]], int]:
        end = {".macro": ".endm", ".rept": ".endr", ".if": ".endif"}[opening]
        depth, body = 1, []
        while i < len(text):
            word = text[i][1].split(" ")[0]
            depth += (word == opening) - (word == end)
            i += 1
            if not depth:
                return body, i
            body.append(text[i - 1])
        raise SourceError(f"{where}: no {end} follows")

    def _block(
        self, name: str, rest: str, operands: list[str], body: list[tuple[str, str]], where: str, folder: Path
    ) -> None:
        if name == ".macro":
            title, _, names = rest.partition(" ")
            self.macros[title] = ([part.strip() for part in names.split(",") if part.strip()], body)
        elif name == ".rept":
            for n in range(int(self._operand(operands[0], where))):
                self._read(self._filled(body, {"#": str(n)}, where), folder)
        else:
            depth, halves = 0, ([], [])  # type: tuple[int, tuple[list[tuple[str, str]], list[tuple[str, str]]]]
            other = 0
            for line in body:
                word = line[1].split(" ")[0]
                depth += (word == ".if") - (word == ".endif")
                if word == ".else" and not depth:
                    other = 1
                else:
                    halves[other].append(line)
            self._read(halves[0 if self._operand(rest, where) else 1], folder)

    @staticmethod
    def _filled(body: list[tuple[str, str]], given: dict[str, str], where: str) -> list[tuple[str, str]]:
        def fill(match: re.Match[str]) -> str:
            return "" if match[1] == "()" else given.get(match[1], match[0])

        return [(f"{where} > {at}", re.sub(r"\\(\w+|#|\(\))", fill, line)) for at, line in body]

    def _operand(self, text: str, where: str) -> Operand:
        value = self.symbols.get(text, text)
        if isinstance(value, int) or re.fullmatch(r"a\d+|m[0-3]|q[0-7]", value):
            return value
        names = {name: n for name, n in self.symbols.items() if isinstance(n, int)}
        try:
            return int(eval(text, {"__builtins__": {}}, names))
        except Exception as error:
            raise SourceError(f"{where}: {text}: {error}") from None

    # --- lines to code

    def _place(self) -> tuple[list[int], int]:
        """The address of each line."""
        at, places = 0, []
        for i, line in enumerate(self.lines):
            if line.name in LOOPS:
                # its body, 3 bytes on, begins with an instruction that must lie in one word
                first = next(one for one in self.lines[i + 1 :] if one.name != ":")
                at += next(n for n in (0, 2, 3, 5) if (at + n + 3 & 3) + self._size(first, 0) <= 4)
            places.append(at)
            at += self._size(line, at)
        return places, at

    def _size(self, line: Line, at: int) -> int:
        if line.name == ":":
            return 0
        if line.name == ".balign":
            return -at % int(line.operands[0])
        if line.name in TARGETS:
            return 6 if line.far else 3
        try:
            return opcodes.width(line.name, self._operands(line))
        except (OpcodeError, IndexError) as error:
            raise SourceError(f"{line.where}: {line.name} {', '.join(line.operands)}: {error}") from None

    def _operands(self, line: Line) -> list[Operand]:
        return [self._operand(text, line.where) for text in line.operands]

    def _target(self, i: int, places: list[int]) -> int:
        line = self.lines[i]
        label = line.operands[-1]
        order = range(i, len(self.lines))
        if re.fullmatch(r"\d+[bf]", label):
            order = order if label[-1] == "f" else range(i, -1, -1)
            label = label[:-1]
        else:
            order = range(len(self.lines))
        for k in order:
            if self.lines[k].name == ":" and self.lines[k].operands == [label]:
                return places[k]
        raise SourceError(f"{line.where}: there is no {line.operands[-1]}")

    def _grown(self, places: list[int]) -> bool:
        grown = False
        for i, line in enumerate(self.lines):
            if line.name in BRANCHES and not line.far:
                reach = 2048 if line.name[-1] == "z" else 128
                if not -reach <= self._target(i, places) - places[i] - 4 < reach:
                    line.far = grown = True
        return grown

    def _code(self, places: list[int], size: int) -> bytes:
        code = bytearray()
        frame = 0
        for i, (line, at) in enumerate(zip(self.lines, places, strict=True)):
            while len(code) < at:
                n = at - len(code)
                code += opcodes.encode("nop", [])[0].to_bytes(3, "little") if n in (3, 5) else b"\x3d\xf0"
            if line.name == "entry":
                frame = int(line.operands[1])
            if line.name in opcodes.MEMORY and line.operands[1] == "a1" and not int(line.operands[2]) < frame:
                raise SourceError(f"{line.where}: {line.operands[2]} is outside of the frame")
            try:
                code += self._instruction(i, line, at, places)
            except (OpcodeError, IndexError) as error:
                raise SourceError(f"{line.where}: {line.name} {', '.join(line.operands)}: {error}") from None
        if len(code) != size:
            raise SourceError("sizes do not settle")
        return bytes(code)

    def _instruction(self, i: int, line: Line, at: int, places: list[int]) -> bytes:
        if line.name == ":":
            return b""
        if line.name == ".balign":
            return bytes(-at % int(line.operands[0]))
        if line.name not in TARGETS:
            word, size = opcodes.encode(line.name, self._operands(line))
            return word.to_bytes(size, "little")
        target = self._target(i, places)
        operands = [self._operand(text, line.where) for text in line.operands[:-1]]
        if line.far:
            around, _ = opcodes.encode(INVERSE[line.name], operands, 6)
            return around.to_bytes(3, "little") + opcodes.encode("j", [], target - at - 3)[0].to_bytes(3, "little")
        base = at & -4 if line.name == "call0" else at
        return opcodes.encode(line.name, operands, target - base)[0].to_bytes(3, "little")
