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
# small, with windows inside and outside of the image, rows that fill no tile, words that are not full
MADE: dict[str, Callable[[], Blob]] = {
    "add": lambda: layers.pair("ADD", (1, 2, 3, 3), (1, 2, 3, 3)),
    "conv": lambda: layers.conv(3, 3, 3, 5, (2, 2)),
    "dense": lambda: layers.dense(37, 5),
    "depthwise": lambda: layers.depthwise(3, 3, 3),
    "lut": lambda: layers.one("LOGISTIC", (1, 7)),
    "pool": lambda: layers.pool("AVERAGE_POOL_2D", 5, 4, 3),
    "reduce": lambda: layers.reduce("MEAN", (1, 3, 3, 3), (1, 2)),
    "softmax": lambda: layers.one("SOFTMAX", (1, 7)),
}
HEAD = """\
# A layer and its answer, for the kernel {name}; made by tests/device/test_known.py.
# The record of PLAN, DATA, bytes of the arena, what the arena has at FROM before, and at TO afterwards.
"""


def layer(name: str) -> dict[str, Any]:
    """What the file of a kernel says."""
    blob = MADE[name]()
    record = [*kernel_records(blob)[0]]
    data = blob.data[record[2] : record[2] + record[3]]
    record[2] = 0
    # softmax: values close to the largest, so that a part of its table will do
    spread = 12 if name == "softmax" else 128
    x = np.random.default_rng(1).integers(-spread, spread, sum(i.size for i in blob.inputs)).astype(np.int8)
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
    return {
        "PLAN": np.array(record, "<u4").tobytes(),
        "DATA": data,
        "ARENA": blob.arena_bytes,
        "FROM": start,
        "INPUT": bytes(arena),
        "TO": next(r[4] for r in blob.records if r[0] == OUTPUT),
        "OUTPUT": Simulator(blob).run(x).tobytes(),
    }


def text(name: str) -> str:
    lines = [HEAD.format(name=name)]
    for key, value in layer(name).items():
        lines.append(f"{key} = {_literal(value) if isinstance(value, bytes) else value}\n")
    return "".join(lines)


def _literal(data: bytes) -> str:
    # lines as ruff would have them
    parts = ["".join(f"\\x{byte:02x}" for byte in data[i : i + 28]) for i in range(0, len(data), 28)]
    if len(data) < 28:
        return f'b"{"".join(parts)}"'
    return "(\n" + "".join(f'    b"{part}"\n' for part in parts) + ")"


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
    plan, data = board.buffer(known["PLAN"]), board.buffer(known["DATA"] or bytes(4))
    arena = board.buffer(known["ARENA"])
    arena.write(known["INPUT"], known["FROM"])
    board.call(run, [0, plan.addr, 0, arena.addr, 0, data.addr, 0, 0, 0, 0])
    assert arena.read()[known["TO"] :][: len(known["OUTPUT"])] == known["OUTPUT"]


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
        # nor does the next model trust it
        assert mp.value("whit.load(data).kernels", models.tiny().content) == ("xtensa" if lost is None else "viper")
        assert mp.value("[name for name in sys.modules if 'known' in name]") == []
