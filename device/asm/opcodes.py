"""Instructions of Xtensa as words: those of ESP32 (LX6), ESP32-S2 and ESP32-S3 (LX7) that the kernels use.

`encode` makes a word of one line; what has a target takes the distance to it. `NARROW` are forms of 2 bytes, which
stand for the wide ones wherever they can. Names and formats are those of the Xtensa instruction set reference.
"""

from __future__ import annotations

# name: (op2, op1) of the format with three registers
_RRR = {
    "and": (1, 0),
    "or": (2, 0),
    "xor": (3, 0),
    "add": (8, 0),
    "addx2": (9, 0),
    "addx4": (10, 0),
    "addx8": (11, 0),
    "sub": (12, 0),
    "subx2": (13, 0),
    "subx4": (14, 0),
    "subx8": (15, 0),
    "src": (8, 1),
    "mul16u": (12, 1),
    "mul16s": (13, 1),
    "mull": (8, 2),
    "quou": (12, 2),
    "quos": (13, 2),
    "remu": (14, 2),
    "rems": (15, 2),
    "min": (4, 3),
    "max": (5, 3),
    "minu": (6, 3),
    "maxu": (7, 3),
    "moveqz": (8, 3),
    "movnez": (9, 3),
    "movltz": (10, 3),
    "movgez": (11, 3),
}
# name: (number in field r, bytes of an item, signed 8 bits)
MEMORY = {"l8ui": (0, 1), "l16ui": (1, 2), "l32i": (2, 4), "s8i": (4, 1), "s16i": (5, 2), "s32i": (6, 4)}
MEMORY |= {"l16si": (9, 2)}
_COMPARE = {"bnone": 0, "beq": 1, "blt": 2, "bltu": 3, "ball": 4, "bbc": 5, "bany": 8, "bne": 9, "bge": 10}
_COMPARE |= {"bgeu": 11, "bnall": 12, "bbs": 13}
_BIT = {"bbci": 6, "bbsi": 14}
_ZERO = {"beqz": 0, "bnez": 1, "bltz": 2, "bgez": 3}
_CONSTANT = {"beqi": 0x26, "bnei": 0x66, "blti": 0xA6, "bgei": 0xE6, "bltui": 0xB6, "bgeui": 0xF6}
_LOOP = {"loop": 8, "loopnez": 9, "loopgtz": 10}
_SIGNED = (-1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 32, 64, 128, 256)
_UNSIGNED = (32768, 65536, *_SIGNED[2:])
_SPECIAL = {"sar": 3, "acclo": 16, "acchi": 17, "m0": 32, "m1": 33, "m2": 34, "m3": 35}
_LONG = ("ee.vmulas.s8.accx.ld.ip",)
_HALVES = {"ll": 0, "hl": 1, "lh": 2, "hh": 3}
_FIXED = {"ret": 0x80, "retw": 0x90, "nop": 0x20F0, "nop.n": 0xF03D, "ret.n": 0xF00D, "retw.n": 0xF01D}
_FIXED |= {"syscall": 0x5000, "ee.zero.accx": 0x250804}

BRANCHES = _COMPARE.keys() | _BIT.keys() | _ZERO.keys() | _CONSTANT.keys()
LOOPS = _LOOP.keys()
# ESP32-S3's vectors of 16 bytes, q0 to q7, and the 40 bits ACCX to which products of two of them are summed
SIMD = frozenset({"ee.zero.accx", "ee.vld.128.ip", "ee.vmulas.s8.accx", "ee.vmulas.s8.accx.ld.ip", "rur.accx_0"})
TARGETS = BRANCHES | LOOPS | {"j", "call0"}  # their last operand is an address
INVERSE = {"beq": "bne", "blt": "bge", "bltu": "bgeu", "bany": "bnone", "ball": "bnall", "bbc": "bbs", "bbci": "bbsi"}
INVERSE |= {"beqz": "bnez", "bltz": "bgez", "beqi": "bnei", "blti": "bgei", "bltui": "bgeui"}
INVERSE |= {second: first for first, second in INVERSE.items()}
Operand = int | str  # a number, or the name of a register


class OpcodeError(ValueError):
    """There is no such instruction, or it does not take such operands."""


def mac16(name: str) -> bool:
    """Whether an instruction, or a special register, is of the option MAC16, which ESP32-S2 does not have."""
    head, _, tail = name.partition(".")
    return head in ("mul", "mula", "muls", "umul", "ldinc", "lddec") or tail in ("acclo", "acchi", *_MAC)


_MAC = ("m0", "m1", "m2", "m3")


def _rrr(op2: int, op1: int, r: int, s: int, t: int, op0: int = 0) -> int:
    return op2 << 20 | op1 << 16 | r << 12 | s << 8 | t << 4 | op0


def _a(operand: Operand) -> int:
    if isinstance(operand, str) and operand[:1] == "a" and operand[1:].isdigit() and int(operand[1:]) < 16:
        return int(operand[1:])
    raise OpcodeError(f"{operand} where a register is needed")


def _m(operand: Operand, low: int = 0, high: int = 3) -> int:
    if operand in _MAC and low <= int(str(operand)[1:]) <= high:
        return int(str(operand)[1:])
    raise OpcodeError(f"{operand} where one of m{low} to m{high} is needed")


def _q(operand: Operand) -> int:
    if isinstance(operand, str) and len(operand) == 2 and operand[0] == "q" and operand[1] in "01234567":
        return int(operand[1])
    raise OpcodeError(f"{operand} where one of q0 to q7 is needed")


def _n(operand: Operand, low: int, high: int, unit: int = 1) -> int:
    if isinstance(operand, str):
        raise OpcodeError(f"{operand} where a number is needed")
    if not low <= operand <= high or operand % unit:
        raise OpcodeError(f"{operand}, not one of {low} to {high} in steps of {unit}")
    return operand // unit


def width(name: str, operands: list[Operand]) -> int:
    """Bytes of the instruction."""
    if name in _LONG:
        return 4
    return 2 if _narrow(name, operands) is not None or name.endswith(".n") else 3


def encode(name: str, operands: list[Operand], distance: int = 0) -> tuple[int, int]:
    """(word, bytes). `distance`: of the target from the instruction, for call0 from its address rounded down to 4."""
    narrow = _narrow(name, operands)
    if narrow is not None:
        return narrow, 2
    try:
        return _wide(name, operands, distance), width(name, operands)
    except IndexError:
        raise OpcodeError(f"{name} takes more operands") from None


def _narrow(name: str, o: list[Operand]) -> int | None:
    if name in ("l32i", "s32i") and isinstance(o[2], int) and 0 <= o[2] <= 60 and o[2] % 4 == 0:
        return o[2] // 4 << 12 | _a(o[1]) << 8 | _a(o[0]) << 4 | (8 if name == "l32i" else 9)
    if name == "add":
        return _a(o[0]) << 12 | _a(o[1]) << 8 | _a(o[2]) << 4 | 10
    if name == "addi" and isinstance(o[2], int) and (o[2] == -1 or 0 < o[2] < 16):
        return _a(o[0]) << 12 | _a(o[1]) << 8 | max(o[2], 0) << 4 | 11
    if name == "movi" and isinstance(o[1], int) and -32 <= o[1] < 96:
        return (o[1] & 15) << 12 | _a(o[0]) << 8 | (o[1] >> 4 & 7) << 4 | 12
    if name == "mov":
        return _a(o[1]) << 8 | _a(o[0]) << 4 | 13
    return None


def _wide(name: str, o: list[Operand], distance: int) -> int:
    if name in _FIXED:
        return _FIXED[name]
    if name in _RRR:
        return _rrr(*_RRR[name], _a(o[0]), _a(o[1]), _a(o[2]))
    if name in MEMORY:
        kind, size = MEMORY[name]
        return _n(o[2], 0, 255 * size, size) << 16 | kind << 12 | _a(o[1]) << 8 | _a(o[0]) << 4 | 2
    if name in TARGETS:
        return _target(name, o, distance)
    if name in SIMD:
        return _simd(name, o)
    head, _, tail = name.partition(".")
    if tail and mac16(name) and head not in ("rsr", "wsr", "xsr"):
        return _mac16(head, tail.split("."), o)
    if head in ("rsr", "wsr", "xsr") and tail in _SPECIAL:
        op2, op1 = {"rsr": (0, 3), "wsr": (1, 3), "xsr": (6, 1)}[head]
        return op2 << 20 | op1 << 16 | _SPECIAL[tail] << 8 | _a(o[0]) << 4
    if name in ("ldinc", "lddec"):
        return _rrr(8 + (name == "lddec"), 0, _m(o[0]), _a(o[1]), 0, 4)
    return _plain(name, o)


def _plain(name: str, o: list[Operand]) -> int:
    if name in ("neg", "abs"):
        return _rrr(6, 0, _a(o[0]), int(name == "abs"), _a(o[1]))
    if name == "addi":
        return (_n(o[2], -128, 127) & 255) << 16 | 12 << 12 | _a(o[1]) << 8 | _a(o[0]) << 4 | 2
    if name == "addmi":
        return (_n(o[2], -32768, 32512, 256) & 255) << 16 | 13 << 12 | _a(o[1]) << 8 | _a(o[0]) << 4 | 2
    if name == "movi":
        n = _n(o[1], -2048, 2047)
        return (n & 255) << 16 | 10 << 12 | (n >> 8 & 15) << 8 | _a(o[0]) << 4 | 2
    if name == "slli":
        n = 32 - _n(o[2], 1, 31)
        return _rrr(n >> 4, 1, _a(o[0]), _a(o[1]), n & 15)
    if name == "srai":
        n = _n(o[2], 0, 31)
        return _rrr(2 | n >> 4, 1, _a(o[0]), n & 15, _a(o[1]))
    if name == "srli":
        n = _n(o[2], 0, 31)
        return _rrr(4, 1, _a(o[0]), n, _a(o[1])) if n < 16 else _plain("extui", [o[0], o[1], n, min(32 - n, 16)])
    if name == "extui":
        n = _n(o[2], 0, 31)
        return _rrr(_n(o[3], 1, 16) - 1, 4 | n >> 4, _a(o[0]), n & 15, _a(o[1]))
    if name in ("sext", "clamps"):
        return _rrr(2 + (name == "clamps"), 3, _a(o[0]), _a(o[1]), _n(o[2], 7, 22) - 7)
    if name in ("srl", "sra"):
        return _rrr(9 if name == "srl" else 11, 1, _a(o[0]), 0, _a(o[1]))
    if name == "sll":
        return _rrr(10, 1, _a(o[0]), _a(o[1]), 0)
    if name in ("ssr", "ssl", "ssa8l"):
        return _rrr(4, 0, ("ssr", "ssl", "ssa8l").index(name), _a(o[0]), 0)
    if name == "ssai":
        n = _n(o[0], 0, 31)
        return _rrr(4, 0, 4, n & 15, n >> 4)
    if name in ("nsa", "nsau"):
        return _rrr(4, 0, 14 + (name == "nsau"), _a(o[1]), _a(o[0]))
    if name in ("jx", "callx8"):
        return (0xA0 if name == "jx" else 0xE0) | _a(o[0]) << 8
    if name == "entry":
        return _n(o[1], 0, 32760, 8) << 12 | _a(o[0]) << 8 | 0x36
    raise OpcodeError(f"{name} is no instruction")


def _target(name: str, o: list[Operand], distance: int) -> int:
    n = distance - 4
    if name == "j":
        return (_n(n, -131072, 131071) & 0x3FFFF) << 6 | 6
    if name == "call0":
        return (_n(n, -524288, 524284, 4) & 0x3FFFF) << 6 | 5
    if name in _LOOP:
        return _n(n, 0, 255) << 16 | _LOOP[name] << 12 | _a(o[0]) << 8 | 0x76
    if name in _ZERO:
        return (_n(n, -2048, 2047) & 0xFFF) << 12 | _a(o[0]) << 8 | _ZERO[name] << 6 | 0x16
    low = (_n(n, -128, 127) & 255) << 16 | _a(o[0]) << 8
    if name in _COMPARE:
        return low | _COMPARE[name] << 12 | _a(o[1]) << 4 | 7
    if name in _BIT:
        bit = _n(o[1], 0, 31)
        return low | (_BIT[name] | bit >> 4) << 12 | (bit & 15) << 4 | 7
    constants = _UNSIGNED if name.endswith("ui") else _SIGNED
    if o[1] not in constants:
        raise OpcodeError(f"{name} compares with one of {constants}, not {o[1]}")
    return low | constants.index(int(o[1])) << 12 | _CONSTANT[name]


def _spread(n: int, *bits: int) -> int:
    """The bits of n, from the lowest on, at these places of a word."""
    return sum((n >> i & 1) << bit for i, bit in enumerate(bits))


def _simd(name: str, o: list[Operand]) -> int:
    if name == "rur.accx_0":
        return _rrr(14, 3, _a(o[0]), 0, 0)
    if name == "ee.vld.128.ip":
        n = _n(o[2], -2048, 2032, 16)
        return 0x830004 | _spread(_q(o[0]), 15, 20, 21) | _a(o[1]) << 4 | _spread(n, *range(8, 15), 22)
    if name == "ee.vmulas.s8.accx":
        return 0x1A00C4 | _spread(_q(o[0]), 8, 9, 10) | _spread(_q(o[1]), 11, 12, 14)
    n = _n(o[2], -128, 112, 16)
    word = 0xF002000E | _spread(_q(o[0]), 19, 24, 25) | _a(o[1]) << 4 | _spread(n, 8, 9, 10, 11, 26, 27)
    return word | _spread(_q(o[3]), 14, 15, 0) | _spread(_q(o[4]), 23, 12, 13)


def _mac16(head: str, tail: list[str], o: list[Operand]) -> int:
    """mul, mula, muls, umul: two halves of registers, multiplied, to the accumulator; ldinc and lddec load as well."""
    if tail[1:2] == [] or head not in ("mul", "mula", "muls", "umul") or tail[1] not in _HALVES:
        raise OpcodeError(f"{head}.{'.'.join(tail)} is no instruction")
    op1 = {"umul": 0, "mul": 4, "mula": 8, "muls": 12}[head] | _HALVES[tail[1]]
    kind = tail[0]
    if len(tail) == 3 and head == "mula" and kind in ("dd", "da") and tail[2] in ("ldinc", "lddec"):
        op2 = (0 if kind == "dd" else 4) + (tail[2] == "lddec")
        last = (_m(o[3], 2) - 2) << 2 if kind == "dd" else _a(o[3])
        return _rrr(op2, op1, _m(o[2], 0, 1) << 2 | _m(o[0]), _a(o[1]), last, 4)
    if len(tail) == 2 and kind in ("aa", "ad", "da", "dd") and (head != "umul" or kind == "aa"):
        op2 = {"aa": 7, "ad": 3, "da": 6, "dd": 2}[kind]
        r = _m(o[0], 0, 1) << 2 if kind[0] == "d" else 0
        s = _a(o[0]) if kind[0] == "a" else 0
        t = (_m(o[1], 2) - 2) << 2 if kind[1] == "d" else _a(o[1])
        return _rrr(op2, op1, r, s, t, 4)
    raise OpcodeError(f"{head}.{'.'.join(tail)} is no instruction")
