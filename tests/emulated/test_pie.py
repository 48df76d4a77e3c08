"""The kernel for ESP32-S3's vectors, which no emulator here knows: its source with plain instructions in their place.

device/asm/pie/simd.inc has all of those instructions, in macros; simd.inc of this folder takes its place. What differs
between the code that runs here and the one of the package is that file, so this proves everything but the instructions
themselves: memory (a vector at an address that is no multiple of 16 stops the test), order, requantisation.
WHIT_CASES=N sets how many shapes are tried (150); WHIT_SEED=N draws others.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from whit.ops.conv import conv_scratch
from whit.paths import device_root

from .machine import EmulationError
from .records import Kernel
from .test_conv import point, record
from .test_conv_exact import CASES, SEED, Board, Case, draw
from .xtensa import Xtensa, load_assembler, missing

ASM = device_root() / "asm"
SIMD = Path(__file__).with_name("simd.inc")


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    if not ASM.exists():
        pytest.skip("an installed package has no sources of the kernels")
    absent = missing()
    if absent:
        assert os.environ.get("CI") != "true", f"{absent} is not installed"
        pytest.skip(f"no {absent}")


def assembled(folder: Path, old: str = "", new: str = "") -> bytes:
    """The kernel without vectors, with a piece of its source changed."""
    for family in ("xtensa", "pie"):
        shutil.copytree(ASM / family, folder / family)
    shutil.copy(SIMD, folder / "pie")
    source = folder / "pie" / "pixels.s"
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new, 1))
    assembler = load_assembler()
    none = frozenset(assembler.opcodes.SIMD)
    made: bytes = assembler.Assembler({"LOOP": 1, "MAC16": 0}, none).assemble(source)
    return made


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return assembled(tmp_path_factory.mktemp("asm"))


class Pixels(Board):
    """The board of test_conv_exact with this kernel."""

    def __init__(self, code: bytes, counts: bool = False) -> None:
        self.code, self.counts = code, counts
        super().__init__("pie")

    def start(self) -> None:
        self.machine = Xtensa(counts=self.counts)
        self.kernels = [self.machine.load_code("run", self.code)]
        self.runs = 0


class Record(Kernel):
    """A kernel for records of test_conv."""

    def __init__(self, code: bytes) -> None:
        self.machine = Xtensa()
        self._run = self.machine.load_code("run", code)


@pytest.fixture(scope="module")
def suits() -> Callable[[list[int]], bool]:
    """What device/whit/checks/pie.py says of a record."""
    text = (device_root() / "whit" / "checks" / "pie.py").read_text()
    text = re.sub(r"^from .*$", "", text, flags=re.MULTILINE)

    class Module:
        run = True

        @staticmethod
        def kernel(*record: object) -> None:
            """What xtensa's check says: that it has none either."""

    found = {"module": lambda *path: Module, "word": lambda record, at: record[at // 4]}
    exec(text, found)
    kernel = found["kernel"]
    return lambda r: bool(kernel([n & 0xFFFFFFFF for n in r], 0, None))


def pixel(n: int, stride: int) -> dict[str, int]:
    return {**point(), "n": n, "stride": stride, "outputs": -(-n // stride)}


def test_any_record(code: bytes, suits: Callable[[list[int]], bool]) -> None:
    kernel = Record(code)
    tried = 0
    for seed in range(2 * CASES):
        rng = np.random.default_rng(SEED + seed)
        y, x = (pixel(int(rng.integers(1, 6)), int(rng.integers(1, 4))) for _ in range(2))
        if not rng.integers(0, 3):
            y = x = point()
        channels = int(rng.choice([rng.integers(1, 20), rng.integers(1, 300), 16 * rng.integers(1, 10)]))
        r, *rest = record(rng, y, x, channels, int(rng.integers(1, 30)))
        if suits(r):
            tried += 1
            kernel.check(r, *rest)
    assert tried > CASES


def test_any_shape(code: bytes, suits: Callable[[list[int]], bool]) -> None:
    # against 64-bit integers; weights that are kept, odd memory, sums up to the ends of int32
    board = Pixels(code)
    rng = np.random.default_rng(SEED)
    tried = 0
    while tried < CASES:
        case = draw(rng)
        stride = case.stride
        case = Case(case.h, case.w, 1, int(rng.choice([case.depth, 25, 31, 48, 100])), case.outs, stride=stride)
        case.size = -(-case.h // stride[0]), -(-case.w // stride[1])
        case.gaps, case.skew = (0, int(rng.choice([0, 0, 3]))), int(rng.choice([0, 1, 4, 8]))
        case.zx, case.zo = int(rng.choice([-128, 0, 5])), int(rng.integers(-128, 128))
        case.lo = case.zo if rng.integers(0, 2) else -128
        case.kind = str(rng.choice(["usual", "usual", "ends", "bytes", "wide"]))
        case.scales = [(-9, -7), (-14, -5), (-31, -10), (-2, 2)][int(rng.integers(0, 4))]
        if rng.integers(0, 3):
            case.block = int(rng.choice([case.outs, *range(4, case.outs, 4)]))
        case.fill(rng)
        if suits(case.record(0, 0, 0, 0)):
            tried += 1
            board.run(case, keep=case.kind != "bytes" and rng.random() < 0.4)


@pytest.mark.parametrize("depth", [25, 28, 32, 47, 48, 100, 640])
def test_scratch_of_one_row_is_enough_wherever_it_begins(code: bytes, depth: int) -> None:
    # pieces of a row, from one vector on; the scratch ends where nothing is mapped, or begins there
    board = Pixels(code)
    rng = np.random.default_rng(SEED)
    for skew in range(0, 17, 4):
        for outs in (1, 4, 6):
            board.run(Case(depth=depth, outs=outs, skew=skew, lo=-100).fill(rng))


def test_records_that_it_leaves(suits: Callable[[list[int]], bool]) -> None:
    rng = np.random.default_rng(SEED)

    def asked(**fields: object) -> bool:
        shape = {"h": 5, "w": 5, "depth": 16, "outs": 4, "size": (5, 5), "block": 4, **fields}
        return suits(Case(**shape).fill(rng).record(0, 0, 0, 0))  # type: ignore[arg-type]

    assert asked() and asked(stride=(2, 2), size=(3, 3)) and asked(depth=5) and asked(block=0, depth=25)
    assert not asked(groups=2, block=0, depth=32) and not asked(depth=4) and not asked(block=0, depth=24)
    for kernel in ((1, 3), (3, 1)):
        assert not asked(kernel=kernel)
    assert not asked(pad=(1, 0)) and not asked(pad=(0, 1)) and not asked(pad=(-1, 0))
    assert not asked(size=(6, 5)) and not asked(size=(5, 6)) and not asked(stride=(2, 2), size=(3, 4))


def test_what_it_needs_fits_into_scratch() -> None:
    # wherever that begins: 12 bytes may lie before the first multiple of 16
    for depth in range(1, 3000):
        k4, k16 = depth + 3 & ~3, depth + 15 & ~15
        if depth > 24:  # the column, a vector of a row; or, of rows that are kept, the one that is loaded ahead
            assert 12 + k16 + 16 <= conv_scratch(1, depth, k4, 0)
        if depth > 4:
            for outs in range(1, 40):
                assert 12 + k16 + (k16 + 16) * outs <= conv_scratch(1, depth, k4, outs)
                assert 12 + (k16 + 16) * outs <= (2 * k4 + 24) * (outs + 3 & ~3) + 2 * k4  # kept: whit/expand.py


def test_addresses_of_vectors_are_looked_at(tmp_path: Path) -> None:
    # a column that begins where scratch does
    board = Pixels(
        assembled(
            tmp_path,
            "    slli a4, a4, 4\n    s32i a4, sp, COL",
            "    slli a4, a4, 4\n    addi a4, a4, 4\n    s32i a4, sp, COL",
        )
    )
    with pytest.raises(EmulationError, match="Segmentation fault"):
        for skew in range(0, 17, 4):
            board.run(Case(depth=100, outs=4, skew=skew).fill(np.random.default_rng(SEED)))


def test_vectors_are_in_one_file_only() -> None:
    for path in sorted(ASM.glob("*/*")):
        text = re.sub(r"#.*", "", path.read_text())
        assert bool(re.search(r"\b(ee|rur)\.", text)) == (path == ASM / "pie" / "simd.inc"), path
    macros = [
        re.findall(r"^\.macro (.*)$", path.read_text(), re.MULTILINE) for path in (SIMD, ASM / "pie" / "simd.inc")
    ]
    assert macros[0] == macros[1]
