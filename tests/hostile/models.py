"""The models' part of fuzz.py: hostile .tflite files into the converter, and what it makes of them onto the board."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from whit import conversion, work
from whit.blob import Blob
from whit.errors import WhitError
from whit.paths import device_root

from . import flat, seeds
from .giants import GIANTS
from .tally import Tally
from .target import LARGEST, Target

MEMORY = 2 << 30  # bytes that a process may take, with Python and numpy
SECONDS = 10  # of the processor, for one file
LONGEST = 4000  # characters of a message
CLI_EVERY = 500  # one in so many files is also given to the command itself
HOST = device_root().parent / "host"


class Worker:
    """One process that converts file after file. The kernel ends it if one takes too long: the file is then there."""

    def __init__(self, number: int, seed: int, draws: int, save: Callable[[str, bytes], Path]) -> None:
        self.number, self.seed, self.save = number, seed, save
        self.tally = Tally()
        drawn = seeds.tflites(draws)
        self.tally.counts["seeds"] = len(drawn) if number == 0 else 0
        self.mutator = flat.Mutator(drawn, f"{seed}/{number}")
        self.target = Target()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name, "mutant.tflite")

    def run(self, count: int, workers: int) -> Iterator[Tally]:
        """So many files, its share of the giants among them; gives what happened, every now and then."""
        warnings.simplefilter("error")  # what numpy remarks would be seen by the user
        if sys.platform == "linux":
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
        giants = list(GIANTS.values())[self.number :: workers]
        for index in range(count):
            content = giants[index]() if index < len(giants) else self.mutator.next()
            self.path.write_bytes(content)
            current = self.save(f"{self.seed}-{self.number}-now.tflite", content)
            self._one(index, content)
            if index % CLI_EVERY == CLI_EVERY // 2:
                self._command(index, content)
            if index % 20 == 19:
                yield self._told()
        current.unlink()
        self.target.close()
        self.folder.cleanup()
        yield self._told()

    def _told(self) -> Tally:
        unit = 1 if sys.platform == "darwin" else 1024
        self.tally.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        return self.tally.taken()

    def _one(self, index: int, content: bytes) -> None:
        self.tally.counts["models"] += 1
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            blob = conversion.convert(self.path).blob
        except WhitError as error:
            self._message(index, content, str(error))
        except Exception as error:
            where = error.__traceback__
            while where and where.tb_next:
                where = where.tb_next
            place = f"{Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}" if where else ""
            self._fail(index, content, f"{type(error).__name__}: {error} ({place})")
        else:
            signal.setitimer(signal.ITIMER_PROF, 0)
            self.tally.answers["a model that runs"] += 1
            self._board(index, content, blob)
        signal.setitimer(signal.ITIMER_PROF, 0)
        self.tally.slowest_ms = max(self.tally.slowest_ms, int(1000 * (time.process_time() - start)))

    def _message(self, index: int, content: bytes, text: str) -> None:
        """One line that names the file and can be shown."""
        if self.path.name not in text or not text.isprintable() or len(text) > LONGEST:
            self._fail(index, content, f"the message is {text[:200]!r}")
        text = text.split(": ", 1)[-1]
        text = re.sub(r"^\d+ operators? cannot run: .*", "operators cannot run", text)
        text = re.sub(r"\(\w+ at \d+ B\)", "", text)
        text = re.sub(r"[A-Z][A-Z0-9_ ]+( \(layer \d+\))? (has|reads|writes) ", r"OP \2 ", text)
        text = re.sub(r"(reads|writes|tensor) .*?( before|, which| of )", r"\1 T\2", text)
        self.tally.answers[re.sub(r"\d+(x[\dx]+)?", "N", text)[:60]] += 1

    def _board(self, index: int, content: bytes, blob: Blob) -> None:
        """What the converter writes, the board runs; and the host knows how long that takes."""
        answer, steps = "MemoryError", "0"
        if len(blob.content) <= LARGEST:
            answer, steps, *_ = [*self.target.give(blob.content).split("|"), "0"]
        if answer == "MemoryError":
            self.tally.counts["too large for the board"] += 1
        elif answer != "ran":
            self._fail(index, content, f"the board says {answer or 'nothing any more'}")
            if not answer:
                self.target.close()
                self.target = Target()
        elif int(steps) != sum(map(work.steps, blob.records)):
            self._fail(index, content, f"{steps} steps on the board, {sum(map(work.steps, blob.records))} on the host")

    def _command(self, index: int, content: bytes) -> None:
        """The command line: exit code 0 or 1, and nothing like a traceback."""
        self.tally.counts["commands"] += 1
        out = self.path.with_suffix(".whit")
        command = [sys.executable, "-m", "whit", "convert", str(self.path), "-o", str(out)]
        paths = os.pathsep.join(filter(None, [str(HOST), os.environ.get("PYTHONPATH")]))
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths})
        lines = done.stderr.splitlines()
        refused = done.returncode == 1 and not done.stdout and len(lines) == 3 and lines[0].startswith("whit: ")
        if not (refused and not out.exists()) and not (done.returncode == 0 and out.exists() and not lines):
            self._fail(index, content, f"whit convert ended with {done.returncode}: {done.stderr[-300:]}")
        with contextlib.suppress(FileNotFoundError):
            out.unlink()

    def _fail(self, index: int, content: bytes, why: str) -> None:
        path = self.save(f"{self.seed}-{self.number}-{index}.tflite", content)
        self.tally.failures.append((str(path), why))
