"""The blobs' part of fuzz.py: mutants into `load` and `run` of MicroPython, and a part of them onto emulated boards."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from whit import blob as blob_file
from whit import latency, memory, program
from whit.errors import WhitError
from whit.inspection import inspect
from whit.profiles import names, profile

from tests.device import models
from tests.emulated import runtime
from tests.emulated.machine import EmulationError
from tests.emulated.runtime import Runtime

from . import seeds
from .mutants import Mutator
from .mutate import Parts, parts
from .tally import Tally
from .target import BYTECODE, LOOK, PLAIN, START, STREAM, TRACE, Target

AHEAD = 24  # blobs in the pipe
SILENT_S = 120.0  # without an answer the interpreter hangs; the longest run that is allowed takes seconds
INSPECT_S = 10.0  # of the processor
RUN_MS = 5000  # of the processor, for the slowest of load and run
STEPS = 300_000  # what is run of every blob; more is run of one in so many:
MORE = ((1000, 1 << 30), (40, 1 << 23))
BYTECODE_STEPS = 20_000
EMULATED_STEPS, EMULATED_INSTRUCTIONS = 60_000, 1_000_000  # an access outside is among the first ones
EVERY = 50  # one in so many that ran also runs on an emulated board
HEALTH = 2000  # blobs from one look at the heap to the next, and to a good blob
GROWTH = 30_000  # bytes of heap that names may come to take
GOOD = b'{"name":"x"}'


def mode(index: int, p: Parts) -> tuple[int, int]:
    """(how a blob is loaded, steps that are run): most by viper as bytes, each other way often enough."""
    how = index & START
    limit = next((steps for every, steps in MORE if index % every == every - 1), STEPS)
    if p.meta != GOOD and index % 4 == 1:
        how |= LOOK
    if index % 5 == 2:
        how |= TRACE
    other = {10: PLAIN, 20: STREAM, 31: STREAM, 40: BYTECODE}.get(index % 50, 0)
    return how | other, BYTECODE_STEPS if other == BYTECODE else limit


class Worker:
    """One interpreter, one stream of mutants, and what became of them."""

    def __init__(self, number: int, seed: int, draws: int, save: Callable[[str, bytes], Path]) -> None:
        self.number, self.seed, self.save = number, seed, save
        self.tally = Tally()
        drawn = list(seeds.blobs(seeds.tflites(draws)))
        self.tally.counts["seeds"] = len(drawn) if number == 0 else 0
        self.mutator = Mutator(drawn, f"{seed}/{number}")
        self.boards = runtime.boards()
        self.good = models.everything().content
        self.waiting: deque[tuple[int, Parts, bytes, int]] = deque()
        self.heap = 0
        self.profile = profile(next(n for n in names() if "pico" in n))
        self.told = time.monotonic()
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name, "mutant.whit")
        signal.signal(signal.SIGPROF, _too_long)
        self.start()

    def start(self) -> None:
        self.target = Target()
        self.tally.counts["guarded"] = int(self.target.guarded)

    def run(self, count: int) -> Iterator[Tally]:
        """So many blobs; gives what happened, every now and then."""
        watch = threading.Thread(target=self._watch, daemon=True)
        watch.start()
        for index in range(count):
            p = self.mutator.next()
            content = p.pack()
            how, limit = mode(index, p)
            self.waiting.append((index, p, content, how))
            self.told = time.monotonic() if len(self.waiting) == 1 else self.told
            self.target.send(content, how, limit)
            while len(self.waiting) >= AHEAD:
                self._take()
            if index % HEALTH == HEALTH - 1:
                self._health()
            if index % 500 == 499:
                yield self.tally.taken()
        while self.waiting:
            self._take()
        self._health()
        self.target.close()
        self.folder.cleanup()
        yield self.tally.taken()

    def _watch(self) -> None:
        """Ends an interpreter that says nothing any more; whoever waits for it finds its end."""
        while True:
            time.sleep(1)
            if self.waiting and time.monotonic() - self.told > SILENT_S:
                self.target.process.kill()

    def _take(self) -> None:
        """The answer to the oldest blob that waits for one."""
        self.told = time.monotonic()
        answer = self.target.answer()
        self.told = time.monotonic()
        index, p, content, how = self.waiting.popleft()
        self.tally.counts["blobs"] += 1
        if not answer:
            code = self.target.close()
            self._fail(index, content, f"the interpreter ended with {code}, way {how}")
            self.start()
            again, self.waiting = self.waiting, deque()
            for item in again:
                self.waiting.append(item)
                self.target.send(item[2], item[3], STEPS)
            return
        text, steps, ms = [*answer.rsplit("|", 2), "0", "0"][:3]
        self.tally.slowest_ms = max(self.tally.slowest_ms, int(ms))
        if text.startswith("?"):
            self._fail(index, content, f"{text[1:]}, way {how}")
        elif int(ms) > RUN_MS:
            self._fail(index, content, f"took {ms} ms of the processor")
        elif text == "ran":
            self._ran(index, p, content, int(steps))
        text, _, question = text.partition(" #")
        if question:
            self.tally.outcomes.add(f"{re.sub(r'at byte [0-9]+', '', text)} {question}")
        # how many bytes and which operator is no other message; the numbers of the first one stay
        self.tally.answers[re.sub(r"(?<![\w.])\d+", "N", text.split("?")[0])] += 1
        if index % 50 == 7:
            self._host(index, content)

    def _ran(self, index: int, p: Parts, content: bytes, steps: int) -> None:
        self.tally.counts["ran"] += 1
        new = self.mutator.learn(p)
        self.tally.counts["learnt"] += new
        self.tally.operators.update(r[0] for r in p.records if len(r) > 3)
        chosen = self.tally.every("ran", EVERY) or (new and self.tally.every("new", 10))
        if not chosen or steps > EMULATED_STEPS:
            return
        board = self.boards[self.tally.turn("emulated") % len(self.boards)]
        self.tally.counts["emulated"] += 1
        try:
            emulate(board, p)
        except EmulationError as error:
            self._fail(index, content, f"{board.name}: {error}")

    def _host(self, index: int, content: bytes) -> None:
        """What the host reads of a blob ends in a WhitError, or in an answer."""
        self.tally.counts["inspected"] += 1
        signal.setitimer(signal.ITIMER_PROF, INSPECT_S)
        try:
            self.file.write_bytes(content)
            parsed = blob_file.read(self.file)
            json.dumps(inspect(parsed).to_json())
            memory.text(memory.draw(parsed))
            latency.estimate(parsed, self.profile)
        except WhitError:
            pass
        except Exception as error:
            self._fail(index, content, f"whit inspect: {type(error).__name__}: {error}")
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _health(self) -> None:
        while self.waiting:
            self._take()
        self.told = time.monotonic()
        if self.target.give(self.good).split("|")[0] != "ran":
            self._fail(-1, self.good, "a good blob does not run any more")
        heap = int(self.target.give(b"") or 0)
        self.heap = self.heap or heap
        self.tally.heap = max(self.tally.heap, heap - self.heap)
        if heap - self.heap > GROWTH:
            self._fail(-1, b"", f"{heap - self.heap} B of heap are gone")

    def _fail(self, index: int, content: bytes, why: str) -> None:
        path = self.save(f"{self.seed}-{self.number}-{index}.whit", content)
        self.tally.failures.append((str(path), why))


def _too_long(*_: object) -> None:
    raise TimeoutError(f"more than {INSPECT_S} s of the processor")


def emulate(board: Runtime, p: Parts) -> None:
    """Runs a mutant on an emulated board; raises EmulationError for an access outside. It need not come to its end."""
    parsed = replace(_whole(p), content=b"")
    size = sum(r[5] for r in parsed.records if r[0] == program.INPUT)
    x = np.resize(np.arange(-128, 128, 3), size).astype(np.int8)
    try:
        board.run(parsed, [x], limit=EMULATED_INSTRUCTIONS)
    except EmulationError as error:
        if "more than" not in str(error):
            raise


def _whole(p: Parts) -> blob_file.Blob:
    """The Blob of what runs, under a description that the host can read."""
    plain = models.tiny()
    packed = replace(p, meta=plain.content[36 : 36 + blob_file.HEADER.unpack_from(plain.content)[7]], head={}, test=b"")
    return blob_file.parse(packed.pack(), "mutant")


def replay(path: Path) -> Iterator[str]:
    """What comes of one file, by every way and on every board; for a failure that was saved."""
    content = path.read_bytes()
    for how in (0, START, PLAIN, STREAM, BYTECODE, LOOK):
        with contextlib.closing(Target()) as target:
            yield f"way {how}: {target.give(content, how) or f'ended with {target.close()}'}"
    try:
        p = parts(blob_file.parse(content))
    except WhitError as error:
        yield f"host: {error}"
        return
    for board in runtime.boards():
        try:
            emulate(board, p)
            yield f"{board.name}: no access outside"
        except (EmulationError, ArithmeticError, LookupError, ValueError) as error:
            yield f"{board.name}: {error}"
