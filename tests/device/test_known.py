"""Known answers of kernels in machine code: device/whit/checks/known is made here, and every family gives them."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from whit.blob import Blob
from whit.paths import device_root, mpy_root
from whit.program import INPUT, OUTPUT
from whit.simulate import Simulator

from bench import layers
from bench.counts import kernel_records
from tests.device import models
from tests.device.listing import UPDATE
from tests.device.session import Session
from tests.emulated.boards import PROCESSORS, machine

KNOWN = device_root() / "whit" / "checks" / "known"
# small, with windows inside and outside of the image, rows that fill no tile, words that are not full; every way
# through a kernel but those for large layers
MADE: dict[str, list[Callable[[], Blob]]] = {
    "add": [lambda: layers.pair("ADD", (1, 2, 3, 3), (1, 2, 3, 3))],
    "conv": [lambda: layers.conv(3, 3, 3, 5, (2, 2)), lambda: layers.conv(3, 3, 4, 6, (2, 2), groups=2)],
    "dense": [lambda: layers.dense(37, 5), lambda: layers.dense(101, 14)],
    "depthwise": [
        lambda: layers.depthwise(3, 3, 3),
        lambda: layers.depthwise(5, 5, 2, stride=2),
        lambda: layers.depthwise(3, 3, 3, (2, 2)),
        lambda: layers.depthwise(4, 3, 3, (1, 3)),
        lambda: layers.depthwise(4, 4, 3, (2, 3)),
    ],
    "lut": [lambda: layers.one("LOGISTIC", (1, 7))],
    "pool": [lambda: layers.pool("AVERAGE_POOL_2D", 5, 4, 3), lambda: layers.pool("MAX_POOL_2D", 5, 4, 3)],
    "reduce": [lambda: layers.reduce("MEAN", (1, 3, 3, 3), (1, 2))],
    "softmax": [lambda: layers.one("SOFTMAX", (1, 7))],
}
HEAD = """\
# Layers and their answers, for the kernel {name}; made by tests/device/test_known.py.
# Of each: its record of PLAN, DATA, bytes of the arena, where it has what before, and where what afterwards.
CASES = (
"""


def case(name: str, make: Callable[[], Blob]) -> tuple[bytes, bytes, int, int, bytes, int, bytes]:
    """What the file of a kernel says of a layer."""
    blob = make()
    record = [*kernel_records(blob)[0]]
    data = blob.data[record[2] : record[2] + record[3]]
    record[2] = 0
    # softmax: values close to the largest, so that a part of its table will do
    spread = 12 if name == "softmax" else 128
    x = np.random.default_rng(1).integers(-spread, spread, sum(i.size for i in blob.inputs)).astype(np.int8)
    if name == "dense":
        x[16:40:8], x[17:40:8], x[22], x[23] = 127, -100, 127, 3  # 256 * X0 - X1 is no int16
    if name == "softmax":
        data = data[: 4 * 2 * spread]
    values = x.tobytes()
    inputs = {}  # where each of them lies
    for info in (r for r in blob.records if r[0] == INPUT):
        inputs[info[4]], values = values[: info[5]], values[info[5] :]
    start = min(inputs)
    arena = bytearray(max(at + len(part) for at, part in inputs.items()) - start)
    for at, part in inputs.items():
        arena[at - start : at - start + len(part)] = part
    to = next(r[4] for r in blob.records if r[0] == OUTPUT)
    plan = np.array(record, "<u4").tobytes()
    return plan, data, blob.arena_bytes, start, bytes(arena), to, Simulator(blob).run(x).tobytes()


def text(name: str) -> str:
    lines = [HEAD.format(name=name)]
    for make in MADE[name]:
        values = [_literal(value) if isinstance(value, bytes) else str(value) for value in case(name, make)]
        lines.append("    (\n" + "".join(f"        {value},\n" for value in values) + "    ),\n")
    return "".join([*lines, ")\n"])


def _literal(data: bytes) -> str:
    # lines as ruff would have them
    parts = ["".join(f"\\x{byte:02x}" for byte in data[i : i + 26]) for i in range(0, len(data), 26)]
    if len(data) <= 26:
        return f'b"{"".join(parts)}"'
    return "(\n" + "".join(f'            b"{part}"\n' for part in parts) + "        )"


@pytest.mark.parametrize("name", MADE)
def test_every_file_is_what_its_layer_gives(name: str) -> None:
    path = KNOWN / f"{name}.py"
    if os.environ.get("WHIT_UPDATE") == "1":
        path.write_text(text(name))
    assert path.read_text() == text(name), UPDATE


def test_every_kernel_for_xtensa_has_one() -> None:
    kernels = {path.stem for family in ("xtensa", "xtensa-s2") for path in (mpy_root() / family).glob("*.mpy")}
    assert kernels == set(MADE) == {path.stem for path in KNOWN.glob("*.py")} - {"__init__"}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("family", sorted(path.name for path in mpy_root().iterdir()))
def test_every_family_gives_it(family: str, name: str) -> None:
    path = mpy_root() / family / f"{name}.mpy"
    if not path.exists():
        return
    board = machine(PROCESSORS[family])
    run = board.load_mpy(path.read_bytes(), ["run"])["run"]
    known: dict[str, Any] = {}
    exec((KNOWN / f"{name}.py").read_text(), known)
    for plan, data, size, start, before, to, after in known["CASES"]:
        buffers = [board.buffer(plan), board.buffer(size), board.buffer(data or bytes(4))]
        buffers[1].write(before, start)
        board.call(run, [0, buffers[0].addr, 0, buffers[1].addr, 0, buffers[2].addr, 0, 0, 0, 0])
        assert buffers[1].read()[to : to + len(after)] == after


# machine code cannot run here: the viper kernels of this machine stand for it. `lost` is what one of them does instead
FAKE = """
import sys
from whit import build, model
import whit.viper
class Implementation:
    _mpy = 10 << 10 | 6
    _machine = "here"
class Sys:
    modules = sys.modules
    implementation = Implementation()
    maxsize = sys.maxsize
class Kernel:
    def __init__(self, name):
        self.viper = build.module("viper", name).run
        self.name = name
    def run(self, block):
        if self.name == lost:
            return wrong()
        return self.viper(block)
class Family:
    __path__ = "/none"
build.sys = Sys
build._right = lambda name: name == 'xtensa' and lost != 'lut'  # it takes addresses of 32 bits
sys.modules["whit.xtensa"] = Family
Family.lut = None
for name in ("lut", "conv", "pool", "reduce", "add", "softmax", "depthwise"):
    sys.modules["whit.xtensa." + name] = Kernel(name)
def fail():
    raise MemoryError
"""


@pytest.mark.parametrize("lost", [None, "lut", "conv", "pool", "softmax"])
@pytest.mark.parametrize("wrong", ["lambda: None", "fail"])
def test_what_fails_leaves_the_model_to_viper(lost: str | None, wrong: str) -> None:
    blob = models.everything()
    x = np.random.default_rng(3).integers(-128, 128, sum(i.size for i in blob.inputs)).astype(np.int8)
    with Session() as mp:
        mp.run(f"import whit\n{FAKE}\nlost = {lost!r}\nwrong = {wrong}")
        mp.run("m = whit.load(data)", blob.content)
        assert mp.value("m.kernels") == ("xtensa" if lost is None else "viper")
        assert ("xtensa" in mp.value("repr(m)")) == (lost is None)
        mp.run("m.input[:] = data\nm.run()", x.tobytes())
        assert mp.value("bytes(m.output)") == Simulator(blob).run(x).tobytes()
        # nor does the next model trust it, where there was a wrong answer
        again = lost is None or wrong == "fail" and lost in ("pool", "softmax")
        assert mp.value("whit.load(data).kernels", models.tiny().content) == ("xtensa" if again else "viper")
        assert mp.value("[name for name in sys.modules if 'known' in name]") == []


MISSING = """
import whit.checks.known
import builtins
def module(*path):
    if path == ("checks", "known", "conv"):
        raise ImportError("not here")
    return build.module(*path)
def no_room(x):
    if isinstance(x, int):
        raise MemoryError
    return builtins.bytearray(x)
"""


@pytest.mark.parametrize("how", ["module = module", "bytearray = no_room"])
def test_a_kernel_that_cannot_be_asked_is_not_trusted(how: str) -> None:
    with Session() as mp:
        mp.run(f"import whit\n{FAKE}\nlost = None\n{MISSING}\nwhit.checks.known.{how}")
        assert mp.value("whit.load(data).kernels", models.tiny().content) == "viper"


@pytest.mark.parametrize("wanted", ["None", "'xtensa-s2'"])
@pytest.mark.parametrize("lost", [None, "conv"])
def test_an_s2_whose_kernels_fail_takes_viper(wanted: str, lost: str | None) -> None:
    with Session() as mp:
        mp.run(f"import whit\n{FAKE.replace('whit.xtensa', 'whit.xtensa-s2')}\nlost = {lost!r}\nwrong = lambda: None")
        mp.run("build._right = lambda name: True")
        mp.run("class Other:\n    __path__ = '/none'\nsys.modules['whit.xtensa'] = Other")
        assert mp.value(f"whit.load(data, {wanted}).kernels", models.tiny().content) == (
            "viper" if lost else "xtensa-s2"
        )
