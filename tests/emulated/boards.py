"""The emulated boards, by family of kernels."""

from __future__ import annotations

from typing import Any

from whit.paths import mpy_root

from .machine import Machine
from .xtensa import Xtensa
from .xtensa import missing as missing

# family: the processor that runs it; those of Xtensa are qemu's
PROCESSORS = {"thumb": "armv6m", "dsp": "armv7em", "rv32": "rv32imc"}
PROCESSORS |= {"xtensa": "xtensawin", "xtensa-s2": "xtensawin-s2"}


def machine(arch: str, counts: bool = False) -> Any:
    """A Machine or an Xtensa; ``counts``: one that says how many instructions a call took, which is slow on Xtensa."""
    return Xtensa(arch, counts) if arch.startswith("xtensa") else Machine(arch)


def families(kernel: str) -> list[str]:
    """Those that have a kernel of this name, and a processor here."""
    found = [family for family in PROCESSORS if (mpy_root() / family / f"{kernel}.mpy").exists()]
    return [family for family in found if not (missing() and family.startswith("xtensa"))]
