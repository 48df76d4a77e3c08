"""RAM of every model: the arena, its lower bound, and the arena that TensorFlow Lite Micro takes for the same model.

    python bench/memory.py MODEL.tflite ...

``bound`` is the largest sum of what is alive at one time, scratch included: no plan is smaller. TensorFlow Lite
Micro's arena holds its own tables besides the activations.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from whit import layout, passes
from whit.compile import lower, merge_tables
from whit.importers import tflite
from whit.plan import Plan, plan


def planned(path: Path) -> Plan:
    """The memory plan that the converter makes for a model."""
    graph = tflite.read(path)
    passes.clean(graph)
    layout.arrange(graph)
    return plan(graph, merge_tables(graph, lower(graph)))


def reference_arena(path: Path) -> int:
    """Bytes of arena that TensorFlow Lite Micro takes once the model has run, as it reports them itself."""
    script = (
        "import sys; from tflite_micro.python.tflite_micro import runtime;"
        "model = runtime.Interpreter.from_file(sys.argv[1], arena_size=1 << 22);"
        "model.invoke(); model.print_allocations()"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    found = re.search(r"allocation total (\d+) bytes", done.stdout + done.stderr)
    if found is None:
        raise SystemExit(f"{path.name}: the reference reports no allocation")
    return int(found[1])


def main() -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model")
    for heading in ("arena", "bound", "arena/bound", "TFLM arena"):
        table.add_column(heading, justify="right")
    for name in sys.argv[1:]:
        path = Path(name)
        memory = planned(path)
        ratio = memory.arena_bytes / max(1, memory.bound_bytes)
        reference = reference_arena(path)
        table.add_row(path.stem, f"{memory.arena_bytes:,}", f"{memory.bound_bytes:,}", f"{ratio:.3f}", f"{reference:,}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
