"""kernels.json as a page for people: KERNELS.md."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PEERS = json.loads(Path(__file__).with_name("peers.json").read_text())
PROCESSORS = ["armv6m", "armv7m", "armv7em", "rv32imc", "xtensawin", "ESP32-S2"]
ASSEMBLER = {"armv6m": "thumb", "armv7m": "thumb", "armv7em": "dsp", "rv32imc": "rv32"}
ASSEMBLER |= {"xtensawin": "xtensa", "ESP32-S2": "xtensa-s2"}
ARCHITECTURES = {"ESP32-S2": "xtensawin"}  # of a processor that is no architecture to mpy-cross

_INTRODUCTION = """\
# What the kernels cost

Instructions per multiply-accumulate (MAC), in brackets modelled cycles of a Cortex-M0+ with memory that never waits;
per output where there is nothing to multiply. Counted exactly in an emulator, with one input, whole layers with bias,
requantisation and everything else; the calls between layers are not in it. Every output byte was compared.
`python bench/kernels.py --update` writes this page; [README.md](README.md) says how to read it.

Rows that begin with "C:" are other projects' kernels, measured elsewhere with a QEMU plugin (gcc 12, -O2; armv7em is a
Cortex-M7 there; a dense layer without its requantisation).
"""


def markdown(table: dict[str, Any], ceilings: dict[str, dict[str, float]]) -> str:
    return "\n".join([_INTRODUCTION, *_costs(table), *_code(table), *_ceilings(table, ceilings)]) + "\n"


def _costs(table: dict[str, Any]) -> Iterator[str]:
    for kind in ("layers", "models"):
        yield f"\n## {'One layer' if kind == 'layers' else 'Whole models'}\n"
        yield _row([kind[:-1], "kernels", *PROCESSORS, "scratch, B"])
        yield _row(["---", "---", *["---:"] * (len(PROCESSORS) + 1)])
        for name, entry in table[kind].items():
            scratch = f"{entry['scratch']:,}"
            what = f"{name}, {entry['macs']:,} MACs" if kind == "models" else name
            if not entry["macs"]:
                what += ", per output"
            families = {"viper": dict.fromkeys(PROCESSORS, "viper"), "assembler": ASSEMBLER}
            for kernels, family in families.items():
                cells = [_cost(entry, f"{family[one]} {ARCHITECTURES.get(one, one)}") for one in PROCESSORS]
                if any(cells):
                    yield _row([what, kernels, *cells, scratch])
                    what = scratch = ""
            for who, values in PEERS.get(name, {}).items():
                yield _row(["", who, *(values.get(arch, "") for arch in PROCESSORS), ""])
    yield "\nAssembler: " + ", ".join(f"{family} on {arch}" for arch, family in ASSEMBLER.items()) + "."


def _cost(entry: dict[str, Any], core: str) -> str:
    counts = [n / (entry["macs"] or entry["outputs"]) for n in entry["counts"].get(core, [])]
    cells = [f"{n:.2f}" if n < 100 else f"{n:,.0f}" for n in counts]
    return cells[0] + (f" ({cells[1]})" if len(cells) > 1 else "") if cells else ""


def _code(table: dict[str, Any]) -> Iterator[str]:
    yield "\n## Bytes of code\n"
    yield "Of each kernel's .mpy file; those of viper for armv6m, for comparison: a board compiles them itself.\n"
    sizes = table["code_bytes"]
    kernels = sorted({name for family in sizes.values() for name in family})
    yield _row(["kernel", *sizes])
    yield _row(["---", *["---:"] * len(sizes)])
    for name in kernels:
        yield _row([name, *(f"{family[name]:,}" if name in family else "" for family in sizes.values())])


def _ceilings(table: dict[str, Any], ceilings: dict[str, dict[str, float]]) -> Iterator[str]:
    yield "\n## Ceilings\n"
    yield "Instructions per MAC that a test holds: counted / ceiling.\n"
    found = sorted({core for limits in ceilings.values() for core in limits}, key=_order)
    yield _row(["", *found])
    yield _row(["---", *["---:"] * len(found)])
    for name, limits in ceilings.items():
        entry = table["models"].get(name) or table["layers"].get(name) or {"counts": {}}
        cells = []
        for core in found:
            counts = entry["counts"].get(core)
            cells.append(f"{counts[0] / entry['macs']:.2f} / {limits[core]:g}" if counts and core in limits else "")
        yield _row([name, *cells])


def _order(core: str) -> tuple[bool, int, str]:
    family, arch = core.split()
    return family == "viper", PROCESSORS.index(arch), family


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
