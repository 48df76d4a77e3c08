"""Models whose weights stay in the file: bytes read per inference, and time beside the run from RAM.

    python bench/stream.py MODEL.tflite ...

Both run on one virtual board after the other (MicroPython on this computer; the heap is a Pico's for the streamed
run). The times are for their ratio: a file system on flash is slower than this computer's.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from whit import program
from whit.blob import Blob
from whit.conversion import convert
from whit.paths import device_root
from whit.virtual import micropython

_SCRIPT = """
import sys
sys.path[:] = [sys.argv[1]]
import gc, whit
from time import ticks_us, ticks_diff
m = whit.load(sys.argv[2], stream=sys.argv[3] == "stream")
assert m.selftest() == 0
best = None
for _ in range(5):
    t = ticks_us()
    m.run()
    t = ticks_diff(ticks_us(), t)
    best = t if best is None or t < best else best
gc.collect()
print(best, gc.mem_alloc())
"""


def measured(path: Path, how: str, heap: str) -> tuple[int, int]:
    """(microseconds of the fastest of five runs, bytes of heap in use afterwards)."""
    command = [micropython(), "-X", f"heapsize={heap}", "-c", _SCRIPT, str(device_root()), str(path), how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{path.name}, {how}: {(done.stdout + done.stderr).strip().splitlines()[-1]}")
    us, used = map(int, done.stdout.split())
    return us, used


def read_bytes(blob: Blob) -> int:
    """Bytes of DATA that a streamed inference reads."""
    edges = (program.INPUT, program.OUTPUT, program.STATE)
    return sum(r[3] for r in blob.records if r[0] not in edges)


def main() -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model")
    for heading in ("weights", "read per run", "in RAM", "streamed", "ratio", "heap, streamed"):
        table.add_column(heading, justify="right")
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:]:
            path = Path(folder) / (Path(name).stem + ".whit")
            blob = convert(name, path).blob
            whole, _ = measured(path, "whole", "4M")
            streamed, used = measured(path, "stream", "190k")
            table.add_row(
                path.stem,
                f"{blob.meta['weight_bytes']:,}",
                f"{read_bytes(blob):,}",
                f"{whole / 1000:.2f} ms",
                f"{streamed / 1000:.2f} ms",
                f"{streamed / whole:.2f}",
                f"{used:,}",
            )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
