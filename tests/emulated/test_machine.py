"""Viper code of three architectures in the emulated machine against Python's integers, and its guards."""

from __future__ import annotations

import itertools
import random

import pytest
import unicorn

from . import mpyfile
from .cpu import CPUS
from .glue import ENTRIES, signed
from .machine import EmulationError, Machine, compile_mpy
from .memory import Unsupported

EDGES = (0, 1, -1, 2, -3, 7, 255, -256, 65535, 0x7FFF0001, 0x7FFFFFFF, -0x7FFFFFFF, -0x80000000)
HEAD = "import micropython\nfrom micropython import const\n"

LOOPS = """
K = const(17)

@micropython.viper
def total(c):
    p = ptr32(c)
    s = ptr8(p[0])
    n = p[1]
    a = 0
    i = 0
    while i < n:
        a += s[i] * K
        i += 1
    p[2] = a

def plain(x):
    return [i for i in range(x)]

class Between:
    @micropython.viper
    def method(self):
        pass

@micropython.viper
def table(c: ptr32) -> int:
    a = 1
    b = 2
    d = 3
    e = 0
    out = ptr32(c[0])
    for y in range(c[1]):
        for x in range(c[2]):
            f = x * a + y * b - d
            if f & 1 and not x == y:
                f = 0 - f
            out[e] = f
            e += 1
    return e
"""

STORES = """
@micropython.viper
def run(c):
    p = ptr32(c)
    b = ptr8(p[0])
    h = ptr16(p[1])
    w = ptr32(p[2])
    v = p[3]
    for i in range(4):
        b[i] = v + i
        h[i] = v + i
        w[i] = v + i
    b[4] = b[0] + h[0] + w[0]
"""

ARITHMETIC = """
@micropython.viper
def run(c: ptr32, out: ptr32):
    a = c[0]
    b = c[1]
    out[0] = a + b
    out[1] = a - b
    out[2] = a * b
    out[3] = a & b
    out[4] = a | b
    out[5] = a ^ b
    out[6] = ~a
    out[7] = -a
    s = b & 31
    out[8] = a << s
    out[9] = a >> s
    out[10] = int(uint(a) >> uint(s))
    out[11] = int(a < b) | int(a <= b) << 1 | int(a == b) << 2 | int(a != b) << 3
    out[12] = int(uint(a) < uint(b)) | int(uint(a) >= uint(b)) << 1
    out[13] = abs_of(0) if False else (a if a > b else b)
    if b != 0:
        out[14] = a // b
        out[15] = a % b
"""


def wrapped(a: int, b: int) -> list[int]:
    """What ARITHMETIC stores, by Python's integers."""
    s, ua, ub = b & 31, a & 0xFFFFFFFF, b & 0xFFFFFFFF
    compared = (a < b) | (a <= b) << 1 | (a == b) << 2 | (a != b) << 3
    values = [a + b, a - b, a * b, a & b, a | b, a ^ b, ~a, -a, a << s, a >> s, ua >> s, compared]
    values += [(ua < ub) | (ua >= ub) << 1, max(a, b), a // b if b else 0, a % b if b else 0]
    return [value & 0xFFFFFFFF for value in values]


@pytest.fixture(params=list(CPUS))
def machine(request: pytest.FixtureRequest) -> Machine:
    return Machine(request.param)


def test_sums_bytes_at_an_address(machine: Machine) -> None:
    data = bytes(range(200, 256))
    code = machine.load_source(HEAD + LOOPS)
    block = machine.array([machine.buffer(data).addr, len(data), 0])
    assert machine.call(code["total"], block) is None
    assert block.words()[2] == 17 * sum(data)
    assert list(code) == ["total", "table"]  # neither the plain function nor the method


def test_nested_loops_with_more_locals_than_registers(machine: Machine) -> None:
    out = machine.buffer(4 * 5 * 7)
    assert machine.call(machine.load_source(HEAD + LOOPS)["table"], [out.addr, 5, 7]) == 35
    expected = []
    for y, x in itertools.product(range(5), range(7)):
        f = x + 2 * y - 3
        expected.append((-f if f & 1 and x != y else f) & 0xFFFFFFFF)
    assert out.words() == expected


def test_stores_of_three_widths_wrap(machine: Machine) -> None:
    b, h, w = machine.buffer(5), machine.buffer(8), machine.buffer(16)
    v = 0xFFFFFFFE
    machine.call(machine.load_source(HEAD + STORES)["run"], [b.addr, h.addr, w.addr, v])
    assert b.read() == bytes([0xFE, 0xFF, 0, 1, (0xFE + 0xFFFE + v) & 0xFF])
    assert h.read() == b"\xfe\xff\xff\xff\0\0\1\0"
    assert w.words() == [0xFFFFFFFE, 0xFFFFFFFF, 0, 1]


def test_arithmetic_is_that_of_wrapped_integers(machine: Machine) -> None:
    run = machine.load_source(HEAD + ARITHMETIC.replace("abs_of(0) if False else ", ""))["run"]
    out = machine.buffer(64)
    rng = random.Random(5)
    wild = [(rng.randrange(-(1 << 31), 1 << 31), rng.randrange(-1000, 1000)) for _ in range(100)]
    for a, b in [*itertools.product(EDGES, EDGES), *wild]:
        out.write(bytes(64))
        machine.call(run, [a, b], out)
        expected, got = wrapped(a, b), out.words()
        if abs(a) + abs(b) > 0x7FFFFFFF:  # the board's // adds the divisor first, which may wrap
            expected[14] = got[14]
        assert got == expected, (a, b)


def test_floor_division_wraps_as_on_a_board(machine: Machine) -> None:
    text = HEAD + "@micropython.viper\ndef run(a: int, b: int) -> int:\n    return a // b\n"
    run = machine.load_source(text)["run"]
    assert machine.call(run, 0x7FFFFFFF, -5) == 429496729  # Python: -429496730
    assert machine.call(run, -0x7FFFFFFB, 5) == -429496729
    with pytest.raises(EmulationError, match=r"7 // 0, before pc .*\(run"):
        machine.call(run, 7, 0)


def test_shifts_past_the_word_differ_between_architectures(machine: Machine) -> None:
    text = HEAD + "@micropython.viper\ndef run(c: ptr32) -> int:\n    return c[0] {} c[1]\n"
    left = machine.load_source(text.format("<<"))["run"]
    right = machine.load_source(text.format(">>"))["run"]
    masked = machine.cpu.name == "rv32imc"  # takes five bits of the amount, Thumb takes eight
    assert machine.call(left, [3, 33]) == (6 if masked else 0)
    assert machine.call(right, [-8, 33]) == (-4 if masked else -1)
    assert machine.call(right, [-8, 31]) == -1


def test_arguments_and_results_of_every_type(machine: Machine) -> None:
    text = HEAD + "".join(
        f"@micropython.viper\ndef f{i}(a: {take}) -> {give}:\n    return {value}\n"
        for i, (take, give, value) in enumerate(
            [
                ("int", "int", "a + int(0x89abcdef)"),
                ("uint", "uint", "a"),
                ("bool", "bool", "a"),
                ("object", "object", "a"),
                ("ptr8", "int", "a[1]"),
                ("ptr16", "int", "a[1]"),
                ("object", "object", "-(a[1] * a[1] - a[0])"),
            ]
        )
    )
    f = [*machine.load_source(text).values()]
    array = machine.array([1, 0x89ABCDEF])
    assert machine.call(f[0], 1) == signed(0x89ABCDF0)
    assert machine.call(f[0], -5) == signed(0x89ABCDEA)
    assert machine.call(f[1], 0xFFFFFFFE) == 0xFFFFFFFE
    assert machine.call(f[2], 7) is True
    assert machine.call(f[2], None) is False
    assert machine.call(f[3], array) is array
    assert machine.call(f[4], array) == 0
    assert machine.call(f[4], array.addr + 4) == 0xCD
    assert machine.call(f[5], array.addr + 4) == 0x89AB
    assert machine.call(f[6], array) == 1 - 0x89ABCDEF**2
    with pytest.raises(EmulationError, match="takes 1 arguments, not 2"):
        machine.call(f[0], 1, 2)


def test_casts_items_of_an_array_object(machine: Machine) -> None:
    text = HEAD + "@micropython.viper\ndef run(c) -> int:\n    return ptr8(c[1])[int(c[2])]\n"
    data = machine.buffer(b"abc")
    run = machine.load_source(text)["run"]
    assert machine.call(run, [0, data.addr, 2]) == ord("c")
    with pytest.raises(EmulationError, match="index 2 of parameters, which has 2 items"):
        machine.call(run, [0, data.addr])


ACCESS = """
@micropython.viper
def read(c: ptr32) -> int:
    p = ptr{0}(c[0])
    return p[c[1]]

@micropython.viper
def write(c: ptr32):
    p = ptr{0}(c[0])
    p[c[1]] = 0
"""


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_buffers_are_exact_to_the_byte(machine: Machine, bits: int) -> None:
    code = machine.load_source(HEAD + ACCESS.format(bits))
    width = bits // 8
    for size in [*range(1, 10), 4093, 4096, 4097]:
        buffer = machine.buffer(size, name="weights")
        last = size // width  # the first item that is not all inside
        for name in ("read", "write"):
            if last:
                machine.call(code[name], [buffer.addr, last - 1])
                machine.call(code[name], [buffer.addr, 0])
            message = rf"{name} of {width} bytes at 0x{buffer.addr + last * width:08x}, \d bytes past the end"
            with pytest.raises(EmulationError, match=message + rf" of weights .*, pc 0x.*\({name}\+"):
                machine.call(code[name], [buffer.addr, last])
            with pytest.raises(EmulationError, match=rf" {width} bytes before the start of weights"):
                machine.call(code[name], [buffer.addr, -1])
        buffer.free()


def test_slack_allows_reads_and_no_writes(machine: Machine) -> None:
    code = machine.load_source(HEAD + ACCESS.format(8))
    buffer = machine.buffer(b"12345", slack=2)
    assert machine.call(code["read"], [buffer.addr, 6]) == 0xA5
    with pytest.raises(EmulationError, match="past the end"):
        machine.call(code["read"], [buffer.addr, 7])
    with pytest.raises(EmulationError, match="past the end"):
        machine.call(code["write"], [buffer.addr, 5])


def test_freed_memory_code_and_parameters_are_guarded(machine: Machine) -> None:
    code = machine.load_source(HEAD + ACCESS.format(32))
    buffer = machine.buffer(64)
    machine.call(code["write"], [buffer.addr, 3])
    buffer.free()
    for address in (buffer.addr, code["read"].addr, code["read"].object, 0, 0xFFFFFFF0):
        with pytest.raises(EmulationError, match="write of 4 bytes"):
            machine.call(code["write"], [address, 0])
    with pytest.raises(EmulationError, match="past the end of parameters"):
        machine.call(code["write"], [buffer.addr])


def test_the_limit_stops_an_endless_loop(machine: Machine) -> None:
    code = machine.load_source(HEAD + "@micropython.viper\ndef run(c):\n    while True:\n        pass\n")
    with pytest.raises(EmulationError, match="more than 10000 instructions"):
        machine.call(code["run"], [], limit=10000)
    assert 10000 < machine.instructions < 10020


def test_instruction_counts_are_exact_and_repeat(machine: Machine) -> None:
    # far longer than what the emulator translates in one piece, and with calls of the runtime
    body = "".join(f"        a = (a ^ p[{i % 9}]) * {i * 77 % 5000} + i\n" for i in range(700))
    loop = f"    a = 1\n    i = 3\n    while i:\n{body}        i -= 1\n    return a % 99\n"
    text = "@micropython.viper\ndef run(p: ptr32) -> int:\n" + loop
    run = machine.load_source(HEAD + text)["run"]
    counts = []
    for _ in range(2):
        machine.call(run, list(range(9)))
        counts.append((machine.instructions, machine.cycles, dict(machine.calls)))
    single = [0]

    def step(*_: object) -> None:
        single[0] += 1

    start, end = run.addr, run.addr + run.size - 1
    machine.uc.ctl_remove_cache(start, end)
    machine.uc.hook_add(unicorn.UC_HOOK_CODE, step, begin=start, end=end)
    machine.call(run, list(range(9)))
    assert counts[0] == counts[1]
    assert counts[0][0] == single[0] > 3 * 700 * 4
    assert counts[0][2]["small_int_modulo"] == 1


def test_skipped_instructions_of_an_it_block_count() -> None:
    machine = Machine("armv7m")
    # cmp r0,r0; ite eq; moveq r0,#1; movne r0,#3; bx lr
    assert machine.call(machine.load_code("run", bytes.fromhex("8042 0cbf 0120 0320 7047"))) == 0
    assert machine.instructions == 5


def test_cycles_of_a_cortex_m0plus() -> None:
    machine = Machine("armv6m")
    # movs r0,#3; 1: subs r0,#1; bne 1b; push {r4,lr}; movs r0,#1; pop {r4,pc}
    code = machine.load_code("run", bytes.fromhex("0320 0138 fdd1 10b5 0120 10bd"))
    assert machine.call(code) == 0
    assert machine.instructions == 1 + 3 * 2 + 3
    assert machine.cycles == 1 + (3 + 3 + 2) + (3 + 1 + 5)


BROKEN = {
    "armv6m": {"restoring r4": "0024 0120 7047", "stack pointer": "81b0 0120 7047", "pc 0x": "00de"},
    "armv7m": {"restoring r4": "0024 0120 7047", "stack pointer": "81b0 0120 7047", "pc 0x": "00de"},
    "armv7em": {"restoring r4": "0024 0120 7047", "stack pointer": "81b0 0120 7047", "pc 0x": "00de"},
    "rv32imc": {"restoring s1": "8144 0545 8280", "stack pointer": "4111 0545 8280", "pc 0x": "0000"},
}


def test_code_that_breaks_its_caller_is_reported(machine: Machine) -> None:
    for words, code in BROKEN[machine.cpu.name].items():
        function = machine.load_code("broken", bytes.fromhex(code))
        with pytest.raises(EmulationError, match=words):
            machine.call(function)


def test_armv6m_refuses_thumb2() -> None:
    text = HEAD + "@micropython.viper\ndef run(a: int, b: int) -> int:\n    return int(a < b)\n"
    mpy = bytearray(compile_mpy(text, "armv7m"))
    machine = Machine("armv6m")
    with pytest.raises(EmulationError, match="architecture 5, not armv6m"):
        machine.load_mpy(bytes(mpy), ["run"])
    mpy[2] = compile_mpy(text, "armv6m")[2]
    with pytest.raises(EmulationError, match="Thumb-2|INSN_INVALID"):
        machine.call(machine.load_mpy(bytes(mpy), ["run"])["run"], 1, 2)
    # mov.w r0,#1; IT EQ; CBZ r0
    for code in ("4ff00100 7047", "08bf 0120 7047", "00b1 0120 7047"):
        with pytest.raises(EmulationError, match="Thumb-2|INSN_INVALID"):
            machine.call(machine.load_code("run", bytes.fromhex(code)))


def test_words_must_be_aligned_on_armv6m_only() -> None:
    for arch, aligned in (("armv6m", True), ("armv7m", False)):
        machine = Machine(arch)
        code = machine.load_source(HEAD + ACCESS.format(32))
        address = machine.buffer(bytes(range(8))).addr + 1
        if aligned:
            with pytest.raises(EmulationError, match=r"exception \d+ of the processor, pc"):
                machine.call(code["read"], [address, 0])
        else:
            assert machine.call(code["read"], [address, 0]) == 0x04030201


@pytest.mark.parametrize("arch", ["armv7m", "armv7em"])
@pytest.mark.parametrize("halves", ["06c8", "06c0", "d0e90012", "c0e90012", "90e80600", "80e80600"])
def test_several_words_must_be_aligned(arch: str, halves: str) -> None:
    machine = Machine(arch)
    # ldr r0,[r3]; ldr r0,[r0,#12]; ldr r0,[r0]; ldmia, stmia r0!,{r1,r2}, ldrd, strd r1,r2,[r0], ldm.w, stm.w; ...
    run = machine.load_code("run", bytes.fromhex(f"1868 c068 0068 {halves} 0120 7047"))
    buffer = machine.buffer(12)
    assert machine.call(run, [buffer.addr + 4]) == 0
    for offset in (1, 2):
        with pytest.raises(EmulationError, match=f"needs an aligned address, not 0x{buffer.addr + offset:08x}, pc"):
            machine.call(run, [buffer.addr + offset])


def test_a_cortex_m4_has_the_dsp_instructions() -> None:
    machine = Machine("armv7em")
    # ldr r0,[r3]; ldr r0,[r0,#12]; ldrd r1,r2,[r0]; sxtb16 r3,r1,ror #8; smlad r1,r3,r2,r1; smmulr r2,r1,r2; strd r1,r2
    code = "1868 c068 d0e90012 2ffa91f3 23fb0211 51fb12f2 c0e90012 0120 7047"
    block = machine.array([0x81FF7F03, 0x12345678])
    machine.call(machine.load_code("run", bytes.fromhex(code)), block)
    total = 0x7F * 0x5678 - 0x7F * 0x1234 + signed(0x81FF7F03)
    assert block.words() == [total & 0xFFFFFFFF, (total * 0x12345678 + (1 << 31) >> 32) & 0xFFFFFFFF]


INLINE = """
@micropython.{0}
def double({1}, {2}):
    add({1}, {1}, {2})

@micropython.viper
def between(x: int) -> int:
    return x

@micropython.{0}
def load({1}):
    data(2, {3})
"""


def test_assembler_functions(machine: Machine) -> None:
    thumb = ("asm_thumb", "r0", "r1", "0x6840")
    text = INLINE.format(*thumb if machine.cpu.thumb else ("asm_rv32", "a0", "a1", "0x4148"))
    code = machine.load_source(HEAD + text)
    assert [(f.name, f.kind) for f in code.values()] == [("double", "asm"), ("between", "viper"), ("load", "asm")]
    assert machine.call(code["double"], 5, -7) == -2
    assert machine.call(code["between"], 5) == 5
    assert machine.call(code["load"], machine.array([1, -9])) == -9
    assert machine.call(code["load"], [1, 4]) == 4
    with pytest.raises(EmulationError, match="past the end"):
        machine.call(code["load"], [1])


def test_calls_of_the_runtime_that_need_objects_are_named(machine: Machine) -> None:
    code = machine.load_source(HEAD + "@micropython.viper\ndef run(c):\n    print(c)\n")
    with pytest.raises(EmulationError, match=r"calls swap_globals of the runtime.*pc .*\(run\+"):
        machine.call(code["run"], [1])


def test_memory_functions_of_the_runtime_keep_to_the_buffers(machine: Machine) -> None:
    buffer = machine.buffer(b"abcdef")
    memset, memmove = ENTRIES.index("memset"), ENTRIES.index("memmove")
    assert machine.runtime.call(memset, [buffer.addr, 0x158, 2, 0]) == buffer.addr
    assert machine.runtime.call(memmove, [buffer.addr + 1, buffer.addr, 5, 0]) == buffer.addr + 1
    assert buffer.read() == b"XXXcde"
    with pytest.raises(Unsupported, match="write of 7 bytes at .* 1 bytes past the end"):
        machine.runtime.call(memset, [buffer.addr, 0, 7, 0])
    with pytest.raises(Unsupported, match="read of 2 bytes at .* 1 bytes before the start"):
        machine.runtime.call(memmove, [buffer.addr, buffer.addr - 1, 2, 0])


def test_refused_source_says_what_mpy_cross_says(machine: Machine) -> None:
    with pytest.raises(EmulationError, match="ViperTypeError: return expected 'object' but got 'int'"):
        machine.load_source(HEAD + "@micropython.viper\ndef run(c):\n    return 1\n")


def test_damaged_mpy_files_are_refused() -> None:
    constants = 'X = (1.5, 1 << 70, b"", "text" * 9, None, ("a", 2j))\n'
    native = "@micropython.native\ndef g():\n    pass\n"
    mpy = compile_mpy(HEAD + LOOPS + constants + native, "armv6m")
    parsed = mpyfile.parse(mpy)
    assert parsed.arch == mpyfile.ARCHS["armv6m"]
    kinds = [child.kind for child in parsed.outer.children]
    assert kinds == ["viper", "bytecode", "bytecode", "viper", "native"]
    for size in range(len(mpy)):
        with pytest.raises(mpyfile.MpyError):
            mpyfile.parse(mpy[:size])
    for bad in (mpy + b"\0", b"X" + mpy[1:], b"M\5" + mpy[2:]):
        with pytest.raises(mpyfile.MpyError):
            mpyfile.parse(bad)
