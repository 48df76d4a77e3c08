"""Hostile files by the million: `make fuzz N=1000000`, or python -m tests.hostile.fuzz blobs|models|replay.

blobs: mutated and crafted .whit files into `load` and `run` of a real MicroPython and of emulated boards. Nothing but
an answer or BlobError, MemoryError: no crash, no byte outside of arena and blob, no run of many seconds.
models: mutated .tflite files into the converter. A model that the board runs, or one line that says what is wrong:
no other exception, never 2 GB of memory or 10 s.

What fails is saved in build/fuzz; the same seed, count and number of workers make the same files again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import queue
import signal
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .tally import Tally

FOLDER = Path(__file__).resolve().parents[2] / "build" / "fuzz"


def save(name: str, content: bytes) -> Path:
    """Keeps the file of a failure."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / name
    path.write_bytes(content)
    return path


def _blobs(number: int, workers: int, seed: int, count: int, draws: int, answers: Any) -> None:
    from .blobs import Worker

    for tally in Worker(number, seed, draws, save).run(count):
        answers.put((number, tally))
    answers.put((number, None))


def _models(number: int, workers: int, seed: int, count: int, draws: int, answers: Any) -> None:
    from .models import Worker

    for tally in Worker(number, seed, draws, save).run(count, workers):
        answers.put((number, tally))
    answers.put((number, None))


WORK = {"blobs": _blobs, "models": _models}


def campaign(kind: str, count: int, seed: int, workers: int = 2, draws: int = 4) -> Tally:
    """``count`` files of a kind, in so many processes; Ctrl-C ends it with what was done until then."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each has memory of its own
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    shares = [count // workers + (i < count % workers) for i in range(workers)]
    processes = {
        i: context.Process(target=WORK[kind], args=(i, workers, seed, share, draws, answers), daemon=True)
        for i, share in enumerate(shares)
    }
    total = Tally()
    bar = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # whatever ends it, what was done is told
    console = Console(stderr=True)
    start = told = time.monotonic()
    with Progress(*bar, TextColumn("{task.fields[failed]}"), console=console) as progress:
        task = progress.add_task(kind, total=count, failed="")
        for process in processes.values():
            process.start()
        try:
            while processes:
                try:
                    number, tally = answers.get(timeout=1)
                except queue.Empty:
                    for number, process in list(processes.items()):
                        if process.exitcode:
                            last = FOLDER / f"{seed}-{number}-now.tflite"
                            what = str(last) if last.exists() else f"worker {number}"
                            total.failures.append((what, f"its process ended with {process.exitcode}"))
                            del processes[number]
                    continue
                if tally is None:
                    processes.pop(number).join()
                    continue
                total.add(tally)
                for path, why in tally.failures:
                    console.print(f"FAILED {path}: {why}", soft_wrap=True, markup=False)
                failed = f"{len(total.failures)} failed" if total.failures else ""
                progress.update(task, completed=total.counts[kind], failed=failed)
                if not console.is_terminal and time.monotonic() - told > 60:  # a log needs no bar, but a sign of life
                    told = time.monotonic()
                    console.print(f"{total.counts[kind]:,} {kind}, {len(total.failures)} failures")
        except KeyboardInterrupt:
            total.failures.append(("the campaign", "was stopped"))
        finally:
            signal.signal(signal.SIGTERM, before)
            for process in processes.values():
                process.terminate()
    total.seconds = time.monotonic() - start
    return total


def summary(kind: str, total: Tally, seed: int) -> list[str]:
    """What was done, in lines for people."""
    counts = total.counts
    rate = counts[kind] / max(total.seconds, 1e-9)
    lines = [f"{counts[kind]:,} {kind} in {total.seconds:.0f} s ({rate:.0f} a second), seed {seed}"]
    lines += [f"  {n:>9,}  {text}" for text, n in total.answers.most_common(40)]
    if kind == "blobs":
        guard = "guarded memory" if counts["guarded"] else "memory that is compared"
        lines.append(
            f"{counts['ran']:,} ran in {guard}, records by operator: "
            + ", ".join(f"{op} {n:,}" for op, n in sorted(total.operators.items()))
        )
        lines.append(
            f"{counts['emulated']:,} ran on emulated boards too; {counts['inspected']:,} read by whit inspect; "
            f"{counts['seeds']} seeds, {counts['learnt']:,} mutants were new and mutated further; "
            f"{len(total.outcomes)} questions of the checks refused one"
        )
        lines.append(f"slowest {total.slowest_ms} ms of the processor; heap grown by {total.heap} B")
    else:
        ran, large = total.answers["a model that runs"], counts["too large for the board"]
        lines.append(
            f"{ran - large:,} ran on the virtual board, {large:,} are too large for it; "
            f"{counts['commands']} files given to the command itself; {counts['seeds']} seeds"
        )
        lines.append(f"slowest {total.slowest_ms} ms of the processor; {total.memory / 1e6:.0f} MB of memory at most")
    lines += [f"FAILED {path}: {why}" for path, why in total.failures[:50]]
    lines.append(f"{len(total.failures)} failures")
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzz", description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=[*WORK, "replay"])
    parser.add_argument("file", nargs="?", type=Path, help="what to replay")
    parser.add_argument("-n", type=int, default=20_000, help="how many files")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--draws", type=int, default=4, help="models of each operator that mutation begins with")
    given = parser.parse_args()
    if given.kind == "replay":
        from .blobs import replay

        for line in replay(given.file):
            print(line)
        return 0
    seed = time.time_ns() % 1_000_000 if given.seed is None else given.seed
    total = campaign(given.kind, given.n, seed, given.workers, given.draws)
    print("\n".join(summary(given.kind, total, seed)))
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
