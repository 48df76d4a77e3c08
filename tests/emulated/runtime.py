"""Runs whole blobs with the device's viper kernels, compiled for a 32-bit board, in the emulated machine.

PLAN, arena and DATA are buffers of exactly their size: a kernel that reads or writes one byte outside is an
EmulationError, and so is one that writes to PLAN or DATA.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from whit import program
from whit.blob import Blob
from whit.paths import device_root

from .machine import EmulationError, Function, Machine
from .memory import Buffer

_VIPER = device_root() / "whit" / "viper"
# operator of PLAN -> its kernel; INPUT, OUTPUT and STATE have none
KERNELS = {
    code: path
    for name, code in vars(program).items()
    if name.isupper() and (path := _VIPER / f"{name.lower()}.py").exists()
}
LIMIT = 2_000_000_000  # instructions of one kernel call; the largest model of the tests stays far below


class Runtime:
    """What ``Model.run`` does on a board, with ``arch`` as mpy-cross names it: "armv6m", "armv7m", "rv32imc".

    After ``run``, ``instructions`` is what the last input took, kernels only.
    """

    def __init__(self, arch: str) -> None:
        self.arch = arch
        self.instructions = 0
        self._start()

    def _start(self) -> None:
        self._machine = Machine(self.arch)
        self._functions: dict[int, Function] = {}
        self._runs = 0

    def run(self, blob: Blob, inputs: Sequence[npt.NDArray[np.int8]], limit: int = LIMIT) -> list[bytes]:
        """Output of each input. Raises EmulationError for what a board would not survive."""
        self._runs += 1
        if self._runs > 1000:  # the machine never uses an address twice
            self._start()
        machine = self._machine
        plan, data = machine.buffer(blob.plan, name="PLAN"), machine.buffer(blob.data, name="DATA")
        arena = machine.buffer(blob.arena_bytes, name="arena")
        block = [0, plan.addr, 0, arena.addr, 0, data.addr, 0]
        try:
            outputs = []
            self._reset(blob, arena)
            for x in inputs:
                self._fill(blob, arena, x.tobytes())
                self.instructions = 0
                self._execute(blob, block, limit)
                memory = arena.read()
                edges = [r for r in blob.records if r[0] == program.OUTPUT]
                outputs.append(b"".join(memory[r[4] : r[4] + r[5]] for r in edges))
            if plan.read() != blob.plan or data.read() != blob.data:
                raise EmulationError(f"{self.arch}: a kernel wrote to PLAN or DATA")
        except EmulationError:
            self._start()  # what stopped half way is not used again
            raise
        for buffer in (plan, data, arena):
            buffer.free()
        return outputs

    def _reset(self, blob: Blob, arena: Buffer) -> None:
        for r in blob.records:
            if r[0] == program.STATE:
                arena.write(blob.data[r[2] : r[2] + r[5]] if r[3] else bytes([r[6]]) * r[5], r[4])

    def _fill(self, blob: Blob, arena: Buffer, x: bytes) -> None:
        for r in blob.records:
            if r[0] == program.INPUT:
                arena.write(x[: r[5]], r[4])
                x = x[r[5] :]

    def _execute(self, blob: Blob, block: list[int], limit: int) -> None:
        offset = 0
        for record in blob.records:
            if record[0] in KERNELS:
                self._machine.call(self._kernel(record[0]), [offset, *block[1:]], limit=limit)
                self.instructions += self._machine.instructions
            offset += 4 * record[1]

    def _kernel(self, code: int) -> Function:
        if code not in self._functions:
            self._functions[code] = self._machine.load(KERNELS[code])["run"]
        return self._functions[code]
