"""Runs whole blobs with a family of the device's kernels, on a 32-bit board in the emulated machine.

PLAN, arena and DATA are buffers of exactly their size: a kernel that reads or writes one byte outside is an
EmulationError, and so is one that writes to PLAN or DATA.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from whit import program
from whit.blob import Blob
from whit.ops import form
from whit.paths import device_root, mpy_root

from .boards import machine, missing
from .machine import EmulationError, Function
from .memory import Buffer

_VIPER = device_root() / "whit" / "viper"
# operator of PLAN -> its kernel; INPUT, OUTPUT and STATE have none
KERNELS = {
    code: path
    for name, code in vars(program).items()
    if name.isupper() and (path := _VIPER / f"{name.lower()}.py").exists()
}
LIMIT = 2_000_000_000  # instructions of one kernel call; the largest model of the tests stays far below


# processor/family of every board that the tests run, + for one that keeps expanded weights
BOARDS = "armv6m/viper rv32imc/viper armv6m/thumb armv6m/thumb+ armv7em/dsp armv7em/dsp+ rv32imc/rv32 rv32imc/rv32+"
BOARDS += " xtensawin/viper xtensawin/xtensa xtensawin/xtensa+ xtensawin/xtensa-s2 xtensawin/xtensa-s2+"


def boards() -> list[Runtime]:
    """A runtime for each of BOARDS, or of those that WHIT_BOARDS names."""
    found = []
    for name in os.environ.get("WHIT_BOARDS", BOARDS).split():
        arch, family = name.rstrip("+").split("/")
        if arch == "xtensawin" and missing():
            assert os.environ.get("CI") != "true", f"{missing()} is not installed"
            continue
        found.append(Runtime(arch, family, expand=name.endswith("+")))
    return found


@dataclass
class Cost:
    """What one record took: instructions, and on armv6m cycles of a Cortex-M0+ with memory that never waits."""

    operator: int
    instructions: int
    cycles: int


class Runtime:
    """What ``Model.run`` does on a board; ``arch``: "armv6m", "armv7m", "armv7em", "rv32imc" or "xtensawin", as
    mpy-cross names it.

    ``family`` names the kernels: "thumb", "dsp", "rv32", "xtensa", "xtensa-s2", or "viper", which runs what the others
    lack. ``expand`` gives every convolution room to keep its weights expanded from the first run on. ``counts``: what
    Xtensa takes is counted too, at a fifth of the speed.

    After ``run``, ``instructions``, ``cycles`` and ``per_record`` are what the last input took, kernels only.
    """

    def __init__(self, arch: str, family: str = "viper", expand: bool = False, counts: bool = False) -> None:
        self.arch = arch
        self.family = family
        self.expand = expand
        self.counts = counts
        self.per_record: list[Cost] = []
        self._start()

    @property
    def name(self) -> str:
        """As BOARDS has it."""
        return f"{self.arch}/{self.family}{'+' * self.expand}"

    def differs(self, blob: Blob) -> bool:
        """Whether it runs the blob otherwise than the board with viper kernels, or the one that keeps no weights."""
        if self.expand and not any(self._kept(r) for r in blob.records):
            return False
        return self.family == "viper" or any(
            _assembled(self.family, r, kept=False) for r in blob.records if r[0] in KERNELS
        )

    @property
    def instructions(self) -> int:
        return sum(cost.instructions for cost in self.per_record)

    @property
    def cycles(self) -> int:
        return sum(cost.cycles for cost in self.per_record)

    def _start(self) -> None:
        self._machine = machine("xtensawin-s2" if self.family == "xtensa-s2" else self.arch, self.counts)
        self._functions: dict[Path, Function] = {}
        self._runs = 0

    def run(self, blob: Blob, inputs: Sequence[npt.NDArray[np.int8]], limit: int = LIMIT) -> list[bytes]:
        """Output of each input. Raises EmulationError for what a board would not survive."""
        self._runs += 1
        if self._runs > 1000:  # the machine never uses an address twice
            self._start()
        machine = self._machine
        plan, data = machine.buffer(blob.plan, name="PLAN"), machine.buffer(blob.data, name="DATA")
        arena = machine.buffer(blob.arena_bytes, name="arena")
        kept = [machine.buffer(size, name="kept weights") if size else None for size in map(self._kept, blob.records)]
        block = [0, plan.addr, 0, arena.addr, 0, data.addr, 0, 0, 0, 0]
        try:
            outputs = []
            self._reset(blob, arena)
            for number, x in enumerate(inputs):
                self._fill(blob, arena, x.tobytes())
                block[9] = int(number > 0)
                self._execute(blob, block, kept, limit)
                memory = arena.read()
                edges = [r for r in blob.records if r[0] == program.OUTPUT]
                outputs.append(b"".join(memory[r[4] : r[4] + r[5]] for r in edges))
            if plan.read() != blob.plan or data.read() != blob.data:
                raise EmulationError(f"{self.arch}: a kernel wrote to PLAN or DATA")
        except EmulationError:
            self._start()  # what stopped half way is not used again
            raise
        for buffer in (plan, data, arena, *kept):
            if buffer:
                buffer.free()
        return outputs

    def _kept(self, r: Sequence[int]) -> int:
        # bytes for the expanded weights of a record that may keep them, as whit/expand.py counts them
        if not self.expand or r[0] != program.CONV or r[10] != 1 or not r[30]:
            return 0
        k4 = r[15] * r[16] * r[11] + 3 & -4
        return (2 * k4 + 24) * (r[14] + 3 & -4) + 2 * k4

    def _reset(self, blob: Blob, arena: Buffer) -> None:
        for r in blob.records:
            if r[0] == program.STATE:
                arena.write(blob.data[r[2] : r[2] + r[5]] if r[3] else bytes([r[6]]) * r[5], r[4])

    def _fill(self, blob: Blob, arena: Buffer, x: bytes) -> None:
        for r in blob.records:
            if r[0] == program.INPUT:
                arena.write(x[: r[5]], r[4])
                x = x[r[5] :]

    def _execute(self, blob: Blob, block: list[int], kept: list[Buffer | None], limit: int) -> None:
        self.per_record = []
        offset = 0
        for record, room in zip(blob.records, kept, strict=True):
            if record[0] in KERNELS:
                x = [offset, *block[1:7], room.addr, 0, block[9]] if room else [offset, *block[1:7], 0, 0, 0]
                kernel = self._kernel(record, blob.arena_bytes, kept=room is not None)
                self._machine.call(kernel, x, limit=limit)
                self.per_record.append(Cost(record[0], self._machine.instructions, self._machine.cycles))
            offset += 4 * record[1]

    def _kernel(self, record: Sequence[int], arena_bytes: int, kept: bool) -> Function:
        path = _assembled(self.family, record, kept)
        if path is None:
            pairs = record[0] == program.CONV and form.pairs(record, arena_bytes)
            path = _VIPER / "pairs.py" if pairs else KERNELS[record[0]]
        if path not in self._functions:
            machine = self._machine
            found = machine.load_mpy(path.read_bytes(), ["run"]) if path.suffix == ".mpy" else machine.load(path)
            self._functions[path] = found["run"]
        return self._functions[path]


def _assembled(family: str, r: Sequence[int], kept: bool) -> Path | None:
    """The machine code for a record, from the first of the families that such a board takes it from."""
    families = ("dsp", "thumb") if family == "dsp" else (family,)
    names = [KERNELS[r[0]].stem]
    if form.dense(r) and not kept:
        names.insert(0, "dense")
    paths = [mpy_root() / one / f"{name}.mpy" for one in families for name in names]
    return next((path for path in paths if path.exists()), None)
