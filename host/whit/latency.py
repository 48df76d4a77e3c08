"""How long a run takes on a board, without the board: from what its kernels were counted to take in an emulator.

costs.json holds for each core (a family of kernels on an architecture) what one of each amount of work takes
(``whit.amounts``); bench/costs.py fits it to counted layers. On a Cortex-M0+ it has cycles too, modelled instruction
by instruction; elsewhere a board's profile says how many cycles an instruction takes on average: an estimate.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from whit import program
from whit.amounts import amounts, kept_bytes
from whit.blob import Blob
from whit.errors import WhitError
from whit.profiles import Profile

_EDGES = (program.INPUT, program.OUTPUT, program.STATE)


@dataclass(frozen=True)
class Latency:
    """Time of a run: of each layer, and ``between_ms`` in MicroPython from one to the next.

    ``instructions``: "counted", or "estimated" from another architecture. ``cycles``: "modelled" for a Cortex-M0+,
    or "estimated" as a number per instruction.
    """

    board: str
    kernels: str
    clock_mhz: float
    instructions: str
    cycles: str
    layers_ms: list[float]
    between_ms: float

    @property
    def total_ms(self) -> float:
        return sum(self.layers_ms) + self.between_ms


@dataclass(frozen=True)
class Choice:
    """A way to run a model: RAM in bytes for model and arena, ms of a run, bytes of the file that a run reads."""

    name: str
    ram_bytes: int
    ms: float
    read_bytes: int = 0


@cache
def cost_table() -> dict[str, Any]:
    """The cost table: "call" and "run" of Model.run, "keeps": cores that make use of kept weights, and "cores" by
    core, form and amount."""
    table: dict[str, Any] = json.loads(Path(__file__).with_name("costs.json").read_text(encoding="utf-8"))
    return table


def counted(blob: Blob, family: str, arch: str, kept: bool = False, cycles: bool = False) -> list[float]:
    """Instructions, or cycles, of each layer, kernels only. KeyError for a core that was not counted."""
    if (family, arch) == ("viper", "armv7em"):
        arch = "armv7m"  # the same code
    core = f"{family} {arch}"
    table = cost_table()["cores"][core]
    kept = kept and core in cost_table()["keeps"]
    try:
        return [_cost(table, blob, r, kept, cycles) for r in blob.records if r[0] not in _EDGES]
    except (LookupError, ArithmeticError, ValueError) as error:
        hint = "convert the model again; this version of whit knows other records"
        raise WhitError(f"{blob.source}: its plan is none that whit runs", hint) from error


def _cost(table: dict[str, Any], blob: Blob, r: list[int], kept: bool, cycles: bool) -> float:
    form, found = amounts(r, blob.data[r[2] : r[2] + r[3]], kept)
    while form not in table and ", " in form:
        form = form.rpartition(", ")[0]  # the nearest that was counted
    each = table[form]
    return float(sum(n * each[name][cycles] for name, n in found.items() if name in each))


def estimate(blob: Blob, board: Profile, family: str | None = None, kept: bool = False) -> Latency:
    """``family``: other kernels than the board's best. ``kept``: with weights kept expanded."""
    family = family or best(board)
    if board.clock_mhz is None:
        raise WhitError(f"nobody knows how fast a {board.title} is", "'whit run' measures it")
    modelled = board.cycles_per_instruction is None
    per_ms = board.clock_mhz * 1000 / (board.cycles_per_instruction or 1)
    layers = [n / per_ms for n in counted(blob, family, board.counts, kept, modelled)]
    call, run = cost_table()["call"][modelled], cost_table()["run"][modelled]
    return Latency(
        board.name,
        family,
        board.clock_mhz,
        "estimated" if board.counted_on else "counted",
        "modelled" if modelled else "estimated",
        layers,
        (run + call * len(layers)) / per_ms,
    )


def best(board: Profile) -> str:
    """The board's kernels, or viper, which every board has, where those have not been counted."""
    return board.family if f"{board.family} {board.counts}" in cost_table()["cores"] else "viper"


def choices(blob: Blob, board: Profile) -> list[Choice]:
    """What there is to choose from: expanded weights kept in RAM, streaming, viper kernels."""
    whole = blob.blob_bytes + blob.arena_bytes
    kept = sum(kept_bytes(r) for r in blob.records)
    ms = estimate(blob, board).total_ms
    read = sum(r[3] for r in blob.records if r[0] not in _EDGES)
    found = [Choice("load(FILE)", whole, ms)]
    if kept and best(board) != "viper":  # which expands anew in every run
        found.append(Choice("load(FILE, expand=True)", whole + kept, estimate(blob, board, kept=True).total_ms))
    found.append(Choice("load(FILE, stream=True)", blob.window_bytes + blob.arena_bytes, ms, read))
    if best(board) != "viper":
        slow = estimate(blob, board, "viper").total_ms
        found.append(Choice('load(FILE, kernels="viper")', whole, slow))
    return found
