"""The assembled kernels: as their sources are, in files that every firmware can take, right in both forms."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from whit.paths import device_root, mpy_root

from tests.device.listing import ASSEMBLED, MACHINE_CODE

from . import mpyfile
from .machine import Function, Machine, compile_mpy

FAMILIES = {"thumb": ("armv6m", "armv7m", "armv7em"), "dsp": ("armv7em",), "rv32": ("rv32imc",)}
FILES = sorted(device_root().rglob("*.mpy"))
PAIRED = [path for path in FILES if path.parent.name in ASSEMBLED]  # there is a .py of the same code
XTENSA_BYTES = 2048  # of a file: it goes to executable RAM, of which an ESP32 has little


def assembler() -> ModuleType:
    """device/asm/assemble.py as a module."""
    path = device_root() / "asm" / "assemble.py"
    if not path.exists():
        pytest.skip("an installed package has no sources of the kernels")
    spec = importlib.util.spec_from_file_location("assemble", path)
    assert spec and spec.loader
    module = sys.modules["assemble"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def assemble() -> ModuleType:
    """The same, where its tools are installed."""
    module = assembler()
    missing = {f.tools + "as" for f in module.FAMILIES if not shutil.which(f.tools + "as")}
    if missing:
        assert os.environ.get("CI") != "true", f"{missing} are not installed"
        pytest.skip(f"no {', '.join(sorted(missing))}")
    return module


# --- how the files are made


def test_every_file_is_what_its_source_gives(assemble: Any) -> None:
    out_of_date = [str(path) for path in assemble.stale(assemble.outputs())]
    assert not out_of_date, f"run make kernels, these are not as their sources: {out_of_date}"


def test_every_family_has_both_forms_of_each_kernel() -> None:
    for family, arch in ASSEMBLED.items():
        sources = {path.stem for path in (device_root() / "whit" / family).glob("*.py")} - {"__init__"}
        assert sources == {path.stem for path in (mpy_root() / family).glob("*.mpy")}
        assert "lut" in sources  # the known answer
        assert arch == FAMILIES[family][0]
    assert {*FAMILIES, *MACHINE_CODE} == {path.name for path in mpy_root().iterdir()}
    for family in MACHINE_CODE:
        assert {path.stem for path in (device_root() / "whit" / family).glob("*.py")} == {"__init__"}


def test_no_file_for_xtensa_is_large() -> None:
    sizes = {path: path.stat().st_size for path in FILES if path.parent.name in MACHINE_CODE}
    assert sizes and not {path: size for path, size in sizes.items() if size > XTENSA_BYTES}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "body, words",
    [
        ("run: nop\n .word run\n", "depends on where it lies"),
        ("run: nop\n .data\n .word 5\n", "or has data"),
        ("start: nop\n", "undefined reference"),
        ("run: bogus r1\n", r"bogus"),
    ],
)
def test_code_that_cannot_be_moved_is_refused(
    assemble: Any, tmp_path: Path, family: str, body: str, words: str
) -> None:
    source = tmp_path / "k.s"
    source.write_text(body)
    which = next(f for f in assemble.FAMILIES if f.name == family)
    with pytest.raises(assemble.AssemblyError, match=f"^{source}: (.|\n)*{words}"):
        assemble.mpy_form(which, source)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_kernel_may_be_long(assemble: Any, tmp_path: Path, family: str) -> None:
    load, add, store, back = ("ldr r1, [r0]", "adds r1, #5", "str r1, [r0]", "bx lr")
    if family == "rv32":
        load, add, store, back = ("lw a1, 0(a0)", "addi a1, a1, 5", "sw a1, 0(a0)", "ret")
    source = tmp_path / "long.s"
    source.write_text("\n".join(["run:", load, *["nop"] * 20000, add, store, back, ""]))
    which = next(f for f in assemble.FAMILIES if f.name == family)
    machine = Machine(FAMILIES[family][0])
    block = machine.array([7])
    for run in (
        machine.load_mpy(assemble.mpy_form(which, source), ["run"])["run"],
        machine.load_source(assemble.python_form(which, source))["run"],
    ):
        assert machine.call(run, block) == 0
    assert block.words() == [17]


# --- the .mpy files


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_file_needs_the_inline_assembler(path: Path) -> None:
    content = path.read_bytes()
    parsed = mpyfile.parse(content)
    arch = ASSEMBLED.get(path.parent.name, "xtensawin")
    # where there is no inline assembler, firmware takes a function of kind asm for bytecode
    assert (parsed.outer.kind, [child.kind for child in parsed.outer.children]) == ("bytecode", ["viper"])
    assert (parsed.version, parsed.arch) == ((6, 3), mpyfile.ARCHS[arch])
    # all but the machine code, and the file's name, is what mpy-cross makes, which has a constant more: the table of
    # the runtime
    dummy = compile_mpy("@micropython.viper\ndef run(x):\n    pass\n", arch, path.stem + ".py")
    other = mpyfile.parse(dummy)
    assert (content[:4], parsed.outer.code) == (dummy[:4], other.outer.code)
    assert parsed.qstrs == [other.qstrs[1], *other.qstrs[1:]]
    assert parsed.outer.children[0].flags == other.outer.children[0].flags


@pytest.mark.parametrize("path", PAIRED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_both_forms_hold_the_same_code(path: Path) -> None:
    family, kernel = path.parent.name, path.stem
    source = (device_root() / "whit" / family / f"{kernel}.py").read_text()
    inline = mpyfile.parse(compile_mpy(source, ASSEMBLED[family])).outer.children[0]
    native = mpyfile.parse(path.read_bytes()).outer.children[0]
    assert inline.kind == "asm"
    # all but what stands before it, and what may fill up the last word
    assert native.code[48:-4] in inline.code


# --- LUT, in every form on every processor


def forms(machine: Machine, family: str, kernel: str) -> dict[str, Function]:
    """A kernel as mip installs it, and as whit deploy sends it."""
    source = (device_root() / "whit" / family / f"{kernel}.py").read_text()
    text = compile_mpy(source, ASSEMBLED[family])
    mpy = (mpy_root() / family / f"{kernel}.mpy").read_bytes()
    found = {"py": machine.load_mpy(text, ["run"])["run"], "mpy": machine.load_mpy(mpy, ["run"])["run"]}
    assert {name: f.kind for name, f in found.items()} == {"py": "asm", "mpy": "viper"}
    return found


@pytest.mark.parametrize("form", ["py", "mpy"])
@pytest.mark.parametrize("family, arch", [(f, arch) for f, archs in FAMILIES.items() for arch in archs])
def test_lut(family: str, arch: str, form: str) -> None:
    machine = Machine(arch)
    run = forms(machine, family, "lut")[form]
    rng = random.Random(3)
    for size in [0, 1, 2, 3, 4, 5, 7, 8, 61, 256]:
        for start, to in ((0, size + 1), (1, size + 2), (2, 2), (size + 3, 0)):
            table, x = rng.randbytes(256), rng.randbytes(size)
            data = machine.buffer(rng.randbytes(4) + table)
            arena = machine.buffer(max(start, to) + size)
            arena.write(x, start)
            want = bytearray(arena.read())
            want[to : to + size] = bytes(table[i] for i in x)
            plan = machine.buffer(b"".join(n.to_bytes(4, "little") for n in (0, 9, 7, 4, 256, start, to, size)))
            # the record is not the first
            assert machine.call(run, [4, plan.addr, 0, arena.addr, 0, data.addr, 0, 0, 0, 0]) == 0
            assert arena.read() == want
            for buffer in (plan, data, arena):
                buffer.free()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_wrong_number_of_arguments_does_nothing(family: str) -> None:
    machine = Machine(FAMILIES[family][0])
    run = forms(machine, family, "lut")["mpy"]
    assert machine.call(run) == 0
    assert machine.call(run, machine.array([1]), 5) == 0
