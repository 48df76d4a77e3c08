"""Runs blobs inside the real MicroPython (its Unix port), with the heap of a board and the heap locked in run()."""

from __future__ import annotations

import select
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
from whit.blob import Blob
from whit.paths import device_root
from whit.virtual import micropython

HEAP = "190k"  # what a Pico with MicroPython has
_SERVER = Path(__file__).with_name("server.py")

Input = npt.NDArray[np.int8]


class DeviceError(AssertionError):
    """MicroPython refused the blob, crashed or hung; str() says which, and for which blob."""


class Device:
    """A MicroPython that lives on from blob to blob; after a crash the next run starts another one."""

    def __init__(self, heap: str = HEAP, timeout_s: float = 120.0) -> None:
        self.heap = heap
        self.timeout_s = timeout_s
        self._folder = tempfile.TemporaryDirectory(prefix="whit-agreement-")
        self._process: subprocess.Popen[str] | None = None

    def run(self, blob: Blob, inputs: Sequence[Input], kernels: str = "viper") -> list[bytes]:
        """Output of each input, in int8 as the board has it. Also runs the self-test that the blob carries."""
        files = [str(Path(self._folder.name, name)) for name in ("m.whit", "in", "out")]
        Path(files[0]).write_bytes(blob.content)
        Path(files[1]).write_bytes(b"".join(x.tobytes() for x in inputs))
        answer = self._ask("\t".join([kernels, *files]))
        if answer != "ok 0":
            raise DeviceError(f"{blob.name}, {kernels} kernels: {answer or self._lost()}")
        written = Path(files[2]).read_bytes()
        size = sum(o.size for o in blob.outputs)
        assert len(written) == size * len(inputs), f"{blob.name}: {len(written)} bytes for {len(inputs)} inputs"
        return [written[i : i + size] for i in range(0, len(written), size)]

    def close(self) -> None:
        """Ends the interpreter."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None
        self._folder.cleanup()

    def _ask(self, line: str) -> str:
        """The answer; empty when none came."""
        if self._process is None:
            command = [micropython(), "-X", f"heapsize={self.heap}", str(_SERVER), str(device_root())]
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return ""
        if not select.select([self._process.stdout], [], [], self.timeout_s)[0]:
            return ""
        return self._process.stdout.readline().strip()

    def _lost(self) -> str:
        """What became of an interpreter that gave no answer; the next run gets a new one."""
        assert self._process
        code = self._process.poll()
        if code is None:
            try:
                code = self._process.wait(1)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.communicate()
        self._process = None
        if code is None:
            return f"no answer within {self.timeout_s:.0f} s"
        return f"MicroPython crashed (signal {-code})" if code < 0 else f"MicroPython exited with {code}"

    def __enter__(self) -> Device:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
