"""A deployment with one fault, and what the board does after it: many of them, in parallel."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from whit.deployment import deploy
from whit.errors import WhitError
from whit.virtual import VirtualBoard, running

from tests.faults import versions
from tests.faults.cable import Cable, Fault

_HANG_S = 150  # longer than all time limits of a deployment
_START_S = 5.0


class Hung(BaseException):
    """The deployment did not end; no handler of errors may take it for one."""


@dataclass(frozen=True)
class Outcome:
    """What came of a trial."""

    fault: Fault | None
    ended: str  # "done", "error: ...", or what must not be
    runs: str  # "old", "new", or what must not be
    seconds: float
    passed: int  # bytes of both directions
    struck: bool
    old_runtime: bool  # is still there after the restart
    after: str = ""  # what a further deployment did wrong

    @property
    def failure(self) -> str:
        """What is wrong, in a line; "" where all is right."""
        wrong = []
        if self.ended != "done" and not self.ended.startswith("error: "):
            wrong.append(self.ended)
        if self.runs not in ("old", "new"):
            wrong.append(f"the board runs neither version: {self.runs}")
        if self.ended == "done" and self.runs == "old":
            wrong.append("the deployment said that it was done")
        if self.after:
            wrong.append(f"the next deployment: {self.after}")
        return f"{self.fault}: {'; '.join(wrong)}" if wrong else ""


class Bench:
    """One board, on which one trial after another begins with the old version."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.old, self.root, self.app = self.folder / "old", self.folder / "board", self.folder / "main.py"
        versions.write_old(self.old)
        self.model = versions.new()
        self.app.write_text(self.model.program)
        self.expected = versions.after(versions.files(self.old))
        self.board = VirtualBoard(root=self.root)
        self.reset()

    def close(self) -> None:
        self.board.stop()
        shutil.rmtree(self.folder)

    def reset(self) -> None:
        """The files of the old version, under the board's feet: the deployment restarts it anyway."""
        for path in self.root.glob("*") if self.root.exists() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.old, self.root, dirs_exist_ok=True)
        self.board.start()

    def deploy(self, port: str) -> str:
        """How a deployment of the new version ends."""
        signal.signal(signal.SIGALRM, _hung)
        signal.alarm(_HANG_S)
        try:
            deploy(self.model.blob, port=port, app=self.app)
        except WhitError as error:
            return f"error: {error}"
        except Hung:
            return f"hung: {traceback.format_exc()}"
        except BaseException:
            return f"traceback: {traceback.format_exc()}"
        finally:
            signal.alarm(0)
        return "done"

    def trial(self, fault: Fault | None, again: bool = False) -> Outcome:
        """Deploy with this fault, restart the board, ask what it runs; ``again``: then deploy without a fault."""
        self.reset()
        started = time.monotonic()
        actions = {"power": self.power_off, "restart": self.restart_interpreter}
        with Cable(self.board.port, fault, actions) as cable:
            ended = self.deploy(cable.port)
        seconds = time.monotonic() - started
        if ended == "done" and (wrong := self.difference()):
            ended = f"said done, but {wrong}"
        runs = self.restart()
        old_runtime = (self.root / versions.OLD_FILE).exists()
        after = self.further() if again else ""
        return Outcome(fault, ended, runs, seconds, cable.passed, cable.struck, old_runtime, after)

    def restart(self) -> str:
        """Switch the board off and on; which version it runs then."""
        self.power_off()
        self.board.stop()
        report = self.root / "report"
        report.unlink(missing_ok=True)
        self.board.start()
        until = time.monotonic() + _START_S
        while not report.exists():
            if time.monotonic() > until:
                return f"no answer; the board says {self._says()!r}"
            time.sleep(0.005)
        return versions.which(report.read_text())

    def further(self) -> str:
        """Deploy once more, over a good cable; what is wrong then."""
        ended = self.deploy(self.board.port)
        if ended != "done":
            return ended
        return self.difference() or ("" if (runs := self.restart()) == "new" else f"the board runs {runs}")

    def difference(self) -> str:
        """How the files differ from those of the new version."""
        found = versions.files(self.root)
        names = sorted(name for name in {*found, *self.expected} if found.get(name) != self.expected.get(name))
        words = [
            f"{name} is {'missing' if name not in found else 'wrong' if name in self.expected else 'left'}"
            for name in names
        ]
        return ", ".join(words)

    def power_off(self) -> None:
        """The interpreter and what stands for its serial port end at once, with nothing tidied up."""
        relay = self._relay()
        if relay:
            os.kill(relay, signal.SIGSTOP)  # else it would start a new interpreter
            self.restart_interpreter()
            os.kill(relay, signal.SIGKILL)

    def restart_interpreter(self) -> None:
        """The interpreter ends at once; what stands for the serial port starts another."""
        for pid in _children(self._relay()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _relay(self) -> int:
        """The process that stands for the serial port, or 0."""
        return next((entry.pid for entry in running() if entry.port == self.board.port), 0)

    def _says(self) -> str:
        with contextlib.suppress(OSError):
            client = os.open(self.board.port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            try:
                return os.read(client, 4096).decode(errors="replace")
            finally:
                os.close(client)
        return ""


def _hung(*_: object) -> None:
    raise Hung


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:  # no /proc: macOS, BSD
        listed = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True)
        return [int(child) for child in listed.stdout.split()]


_bench: Bench | None = None


def _on_bench(job: Callable[[Bench], Outcome]) -> Outcome:
    """Runs in a worker process, on the worker's own board."""
    global _bench
    if _bench is None:
        _bench = Bench()
    return job(_bench)


class Trials:
    """Processes with a board each. A context manager."""

    def __init__(self, workers: int) -> None:
        self._pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"))

    def run(self, faults: Iterable[Fault | None]) -> list[Outcome]:
        """One trial for each fault; after every tenth a further deployment."""
        jobs = [partial(Bench.trial, fault=fault, again=i % 10 == 0) for i, fault in enumerate(faults)]
        return list(self._pool.map(_on_bench, jobs))

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
