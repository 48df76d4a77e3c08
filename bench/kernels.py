"""What kernels cost on emulated boards: instructions and Cortex-M0+ cycles of layers and of whole models.

python bench/kernels.py            counts everything and prints the tables, beside what was counted before
python bench/kernels.py --check    says what has become dearer, or is above its ceiling; exit code 1
python bench/kernels.py --update   writes kernels.json and KERNELS.md anew
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from whit import memory
from whit.blob import Blob
from whit.paths import device_root, mpy_root

from bench import layers, page
from bench.counts import ROOT, Core, Counter, cores, kernel_records, model, models, noise
from tests.emulated.machine import compile_mpy

TABLE = ROOT / "bench" / "kernels.json"
PAGE = ROOT / "bench" / "KERNELS.md"
GROWTH = 1.02  # what a count may rise by before somebody has to look

LAYERS: dict[str, Callable[[], Blob]] = {
    "conv 3x3, 16 -> 32, 16x16": lambda: layers.conv(16, 16, 16, 32),
    "conv 3x3, 16 -> 32, 16x16, kept": lambda: layers.conv(16, 16, 16, 32),
    "conv 1x1, 64 -> 64, 25x5": lambda: layers.conv(25, 5, 64, 64, (1, 1)),
    "conv 3x3, 1 -> 8, stride 2, 28x28": lambda: layers.conv(28, 28, 1, 8, stride=2),
    "depthwise 3x3, 32, 16x16": lambda: layers.depthwise(16, 16, 32),
    "dense 1024 -> 16": lambda: layers.dense(1024, 16),
    "dense 1024 -> 16, kept": lambda: layers.dense(1024, 16),
    "average pool 2x2, 32, 16x16": lambda: layers.pool("AVERAGE_POOL_2D", 16, 16, 32),
    "max pool 2x2, 32, 16x16": lambda: layers.pool("MAX_POOL_2D", 16, 16, 32),
    "add, 16x16x32": lambda: layers.pair("ADD", (1, 16, 16, 32), (1, 16, 16, 32)),
    "mean, 16x16x32 -> 32": lambda: layers.reduce("MEAN", (1, 16, 16, 32), (1, 2)),
    "softmax 10": lambda: layers.one("SOFTMAX", (1, 10)),
}

X, S2 = "xtensa xtensawin", "xtensa-s2 xtensawin"
# instructions per MAC that no count may exceed
CEILINGS: dict[str, dict[str, float]] = {
    "emlearn_mnist_cnn_int8": {
        "thumb armv6m": 6.5,
        "dsp armv7em": 3.2,
        "viper armv6m": 18,
        "rv32 rv32imc": 8,
        X: 5,
        S2: 7.5,
    },
    "mnist_valid_q": {"thumb armv6m": 8.5, "dsp armv7em": 4.2, "viper armv6m": 22, "rv32 rv32imc": 10},
    "mnist_resnet_q": {"thumb armv6m": 3.5, "dsp armv7em": 1.9, "viper armv6m": 11, "rv32 rv32imc": 4.5, X: 2.6, S2: 4},
    "kws_ref_model_int8": {
        "thumb armv6m": 4.5,
        "dsp armv7em": 2.4,
        "viper armv6m": 14,
        "rv32 rv32imc": 5.5,
        X: 3,
        S2: 5.5,
    },
    "magic_wand_arduino": {
        "thumb armv6m": 3.5,
        "dsp armv7em": 1.9,
        "viper armv6m": 11,
        "rv32 rv32imc": 4.5,
        X: 2.4,
        S2: 4,
    },
    "conv 3x3, 16 -> 32, 16x16": {"thumb armv6m": 2.8, "dsp armv7em": 1.4, "viper armv6m": 8.8, X: 1.9, S2: 3.6},
    "depthwise 3x3, 32, 16x16": {"thumb armv6m": 11, "dsp armv7em": 6.2, X: 5.6, S2: 9.5},
    "dense 1024 -> 16": {"thumb armv6m": 3.5, "dsp armv7em": 1.45, X: 2.2, S2: 4},
}

Table = dict[str, Any]


def counted() -> Table:
    """All counts: under "layers" and "models" by name {"macs", "outputs", "scratch", "counts"}; and "code_bytes".

    Counts are by core: [instructions], on armv6m [instructions, cycles].
    """
    counters = [Counter(core) for core in cores()]
    table: Table = {"layers": {}, "models": {}, "code_bytes": code_bytes()}
    for name, make in LAYERS.items():
        blob = make()
        kept = name.endswith(", kept")
        table["layers"][name] = _entry(blob, {c.core: c.count(blob, noise(blob), kept) for c in counters})
    for name in models():
        blob, x = model(name)
        table["models"][name] = _entry(blob, {c.core: c.count(blob, x) for c in counters})
    return table


def _entry(blob: Blob, costs: dict[Core, list[Any]]) -> Table:
    counts = {}
    for core, records in costs.items():
        sums = [sum(cost.instructions for cost in records), sum(cost.cycles for cost in records)]
        counts[str(core)] = sums if core.arch == "armv6m" else sums[:1]
    scratch = [
        sum(size for _, size in memory.access(r, blob.data[r[2] : r[2] + r[3]]).scratch) for r in kernel_records(blob)
    ]
    return {
        "macs": sum(layer.macs for layer in blob.layers),
        "outputs": sum(info.size for info in blob.outputs),
        "scratch": max(scratch),
        "counts": counts,
    }


def code_bytes() -> dict[str, dict[str, int]]:
    """Bytes of each kernel's .mpy file, by family; those of viper for armv6m."""
    sizes: dict[str, dict[str, int]] = {"viper": {}}
    for path in sorted((device_root() / "whit" / "viper").glob("[a-z]*.py")):
        sizes["viper"][path.stem] = len(compile_mpy(path.read_text(), "armv6m", path.name))
    for path in sorted(mpy_root().glob("*/*.mpy")):
        sizes.setdefault(path.parent.name, {})[path.stem] = path.stat().st_size
    return sizes


def complaints(now: Table, before: Table) -> list[str]:
    """What has risen by more than GROWTH, or is missing on either side."""
    found = []
    for kind in ("layers", "models"):
        for name in sorted(now[kind].keys() ^ before[kind].keys()):
            found.append(f"{name}: only in {'the counts' if name in now[kind] else TABLE.name}")
        for name in now[kind].keys() & before[kind].keys():
            mine, old = now[kind][name]["counts"], before[kind][name]["counts"]
            for core in sorted(mine.keys() ^ old.keys()):
                found.append(f"{name}: {core} is only in {'the counts' if core in mine else TABLE.name}")
            for core in mine.keys() & old.keys():
                for what, a, b in zip(("instructions", "cycles"), mine[core], old[core], strict=False):
                    if a > GROWTH * b:
                        found.append(f"{name}, {core}: {a:,} {what}, {b:,} before: {100 * (a / b - 1):.1f} % more")
    return found


def too_dear(now: Table) -> list[str]:
    """What exceeds its ceiling."""
    found = []
    for name, limits in CEILINGS.items():
        entry = now["layers"].get(name) or now["models"].get(name) or {"counts": {}}
        for core, limit in limits.items():
            if core in entry["counts"]:
                value = entry["counts"][core][0] / entry["macs"]
                if value > limit:
                    found.append(f"{name}, {core}: {value:.2f} instructions per MAC, ceiling {limit}")
    return found


def main() -> None:
    modes = {"--check", "--update"} & set(sys.argv[1:])
    now = counted()
    before = json.loads(TABLE.read_text()) if TABLE.exists() else None
    if "--update" in modes:
        TABLE.write_text(json.dumps(now, indent=1) + "\n")
        PAGE.write_text(page.markdown(now, CEILINGS))
        before = now
    if "--check" not in modes:
        print(page.markdown(now, CEILINGS))
    found = complaints(now, before or now) + too_dear(now)
    for line in found:
        print(line)
    if "--check" in modes and found:
        print("\nif that is worth it: python bench/kernels.py --update")
        sys.exit(1)


if __name__ == "__main__":
    main()
