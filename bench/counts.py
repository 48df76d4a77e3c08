"""Counts what kernels take, in an emulated board, and holds their output against the simulator's."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from whit import program
from whit.blob import Blob
from whit.compile import compile_graph
from whit.importers import tflite
from whit.paths import mpy_root
from whit.simulate import Simulator

from tests.emulated.runtime import Cost, Runtime

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("WHIT_SHARED") or ROOT.parent / "shared")
_EDGES = (program.INPUT, program.OUTPUT, program.STATE)


@dataclass(frozen=True)
class Core:
    """A family of kernels on a processor, as mpy-cross names it."""

    family: str
    arch: str

    def __str__(self) -> str:
        return f"{self.family} {self.arch}"


_ALL = ["viper armv6m", "thumb armv6m", "viper armv7m", "thumb armv7m", "dsp armv7em"]
_ALL += ["viper rv32imc", "rv32 rv32imc", "viper xtensawin", "xtensa xtensawin", "xtensa-s2 xtensawin"]


def cores() -> list[Core]:
    """Those whose family has a convolution; what else a family lacks runs in viper."""
    every = [Core(*name.split()) for name in _ALL]
    return [core for core in every if core.family == "viper" or (mpy_root() / core.family / "conv.mpy").exists()]


class Counter:
    """Runs blobs on one core."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self._runtimes = {kept: Runtime(core.arch, core.family, kept, counts=True) for kept in (False, True)}

    def count(self, blob: Blob, x: npt.NDArray[np.int8], kept: bool = False) -> list[Cost]:
        """What each record takes; with ``kept``, once expanded weights are there. A wrong byte ends the bench."""
        runtime = self._runtimes[kept]
        inputs = [x] * (1 + kept)
        simulator = Simulator(blob)
        expected = [simulator.run(one).tobytes() for one in inputs]
        if runtime.run(blob, inputs) != expected:
            raise SystemExit(f"{blob.name} on {self.core}: output differs from the simulator's")
        return runtime.per_record


def noise(blob: Blob) -> npt.NDArray[np.int8]:
    """Random values for all inputs."""
    size = sum(info.size for info in blob.inputs)
    return np.random.default_rng(size).integers(-128, 128, size).astype(np.int8)


def kernel_records(blob: Blob) -> list[list[int]]:
    """Records that a kernel runs."""
    return [r for r in blob.records if r[0] not in _EDGES]


def models() -> list[str]:
    return sorted(path.stem for path in (SHARED / "models").glob("*.tflite"))


def model(name: str) -> tuple[Blob, npt.NDArray[np.int8]]:
    """A model and its first golden input."""
    blob = compile_graph(tflite.read(SHARED / "models" / f"{name}.tflite"))
    with np.load(SHARED / "golden" / f"{name}.npz") as stored:
        return blob, blob.inputs[0].to_int8(stored["inputs"][0]).ravel()
