"""One virtual board: MicroPython on one pty, its client on another, and the bytes between them.

``virtual.py`` starts this file as a process of its own, by its path. So it imports nothing but the standard
library (it starts in 30 ms), and it outlives its host for just as long as it takes to clean up: the end of
standard input means that the host is gone, by whatever death.

The client's pty lives as long as the board does. MicroPython's own pty lives from one reset to the next, as
the Unix port exits where a board resets.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import pty
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import termios
import time
import tty
from typing import NoReturn

_RAW = b"raw REPL; CTRL-B to exit\r\n"
_FRIENDLY = b'Type "help()" for more information.\r\n'
# What the interpreter prints on its way into the raw REPL; only the last line of it is a board's.
_WAY_TO_RAW = re.compile(rb"MicroPython [^\r\n]*\r\n(?:Type [^\r\n]*\r\n)?>>> \r\n(?=raw REPL; CTRL-B)")
_MOST = 1 << 16  # bytes that wait for a slow reader before the writer is held back
_PATIENCE_S = 1.0  # output that nobody takes for so long is dropped, as on a board whose host is gone


def handles_interrupt(pid: int) -> bool:
    """True while MicroPython runs code: only then it has a handler for SIGINT (else the signal kills it)."""
    try:
        with open(f"/proc/{pid}/status") as status:
            caught = next((line.split()[1] for line in status if line.startswith("SigCgt:")), "0")
    except OSError:  # no /proc: macOS, BSD
        ps = subprocess.run(["ps", "-o", "caught=", "-p", str(pid)], capture_output=True, text=True)
        caught = ps.stdout.strip() or "0"
    return bool(int(caught, 16) >> (signal.SIGINT - 1) & 1)


class Relay:
    """Carries bytes between the client's pty and the interpreter's, and restarts the interpreter."""

    def __init__(self, micropython: str, heap_bytes: int, root: str, boot: str) -> None:
        self.micropython, self.heap_bytes, self.root, self.boot = micropython, heap_bytes, root, boot
        self.client, self._slave = os.openpty()  # the slave stays open, so a client may come and go
        tty.setraw(self._slave)
        os.set_blocking(self.client, False)
        self.port = os.ttyname(self._slave)
        self.raw = False  # in which REPL the client is; a soft reset keeps it
        self.pid = 0
        self.board = -1
        self.to_client = bytearray()
        self.to_board = bytearray()
        self.stuck_since: float | None = None
        self.asked = False  # the client wants the raw REPL and has no answer yet

    def start(self) -> None:
        """Start the interpreter, as at power-on or after a reset."""
        self.token = f"\0{secrets.token_hex(8)}\0"  # ends what the start prints; no program prints it
        self.state = "starting"  # then "booting" on the way to the raw REPL, then "open"
        self.head = b""
        self.tail = b""
        self.mounted = False
        self.touched = False  # by a client, since the start
        self.started_at = time.monotonic()
        names = ("boot.py",) if self.raw else ("boot.py", "main.py")
        boot = self.boot.format(root=self.root, token=self.token, names=names)
        options = ["-X", f"heapsize={self.heap_bytes}", "-i", "-c", boot]
        environment = {name: value for name, value in os.environ.items() if name != "HOME"}  # no history file
        environment["MICROPYPATH"] = ".frozen:/lib"
        self.pid, self.board = pty.fork()
        if self.pid == 0:
            self._become_micropython(options, environment)
        os.set_blocking(self.board, False)

    def _become_micropython(self, options: list[str], environment: dict[str, str]) -> NoReturn:
        try:
            tty.setraw(0)  # no echo, no newline magic, no signals: binary in both directions
            os.chdir(self.root)
            os.execve(self.micropython, [self.micropython, *options], environment)
        except OSError as error:
            print(error)
        finally:
            os._exit(127)

    def step(self, wakeup: int) -> bool:
        """Move what can be moved, waiting if there is nothing; False when `wakeup` became readable."""
        readers = [wakeup]
        writers = []
        if len(self.to_client) < _MOST:
            readers.append(self.board)
        if self.state != "starting" and len(self.to_board) < _MOST:
            readers.append(self.client)
        if self.to_client:
            writers.append(self.client)
        if self.to_board and self.state == "open":
            writers.append(self.board)
        readable, writable, _ = select.select(readers, writers, [], _PATIENCE_S if self.to_client else None)
        if wakeup in readable:
            return False
        if self.client in readable:
            self._from_client()
        if self.board in writable:
            self._flush_board()
        if self.to_client:
            self._flush_client()
        if self.board in readable:
            self._from_board()
        return True

    def _from_client(self) -> None:
        try:
            data = os.read(self.client, _MOST)
        except OSError:
            data = b""
        if not data:
            self._client_left()
            return
        if self._slave >= 0:  # only the client has the pty open now, so we see when it leaves
            os.close(self._slave)
            self._slave = -1
        self.touched = True
        self.asked = self.asked or data.endswith(b"\r\x01")
        while data:
            head, ctrl_c, data = data.partition(b"\x03")
            self.to_board += head
            if ctrl_c and handles_interrupt(self.pid):
                os.kill(self.pid, signal.SIGINT)
            else:
                self.to_board += ctrl_c
        self._flush_board()

    def _client_left(self) -> None:
        """Nobody has the port open any more: drop what is on its way, as an unplugged cable does."""
        self._slave = os.open(self.port, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self._slave)
        self.to_client.clear()
        self.asked = False
        self._flush_board()
        if self.to_board and self.state == "open":  # else it is but the farewell
            self.to_board.clear()
            termios.tcflush(self.board, termios.TCOFLUSH)
        # A program on a mounted folder would wait for an answer now, deaf for Ctrl-C. The signal stops the
        # program, or all of MicroPython where it waits already (it has no handler then); a fresh one starts.
        if self.mounted and not self.tail.rstrip().endswith(b">"):
            os.kill(self.pid, signal.SIGINT)

    def _flush_board(self) -> None:
        if self.state == "open" and self.to_board:
            with contextlib.suppress(OSError):  # full, or gone: _from_board notices the latter
                del self.to_board[: os.write(self.board, self.to_board)]

    def _go_ahead(self) -> bytes:
        """The answer that the boot code waits for; a Ctrl-C that came meanwhile keeps main.py from running."""
        waiting = b""
        with contextlib.suppress(OSError):
            waiting = os.read(self.client, _MOST)
        self.asked = self.asked or waiting.endswith(b"\r\x01")
        self.to_board += waiting.replace(b"\x03", b"")
        go = b"\x03" if self.asked or b"\x03" in waiting else b"\n"
        return go + b"\x01" if self.raw else go

    def _flush_client(self) -> None:
        written = 0
        with contextlib.suppress(BlockingIOError):
            written = os.write(self.client, self.to_client)
        del self.to_client[:written]
        now = time.monotonic()
        if written or not self.to_client:
            self.stuck_since = None
        elif self.stuck_since is None:
            self.stuck_since = now
        elif now - self.stuck_since >= _PATIENCE_S:
            self.to_client.clear()

    def _from_board(self) -> None:
        try:
            data = os.read(self.board, _MOST)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        if not data:
            self._ended(os.waitpid(self.pid, 0)[1])
            return
        if self.state != "open":
            data = self._start_up(data)
        if data:
            self._say(self._track(data))

    def _start_up(self, data: bytes) -> bytes:
        """What a board would have printed of what the interpreter printed while it started."""
        self.head += data
        token = self.token.encode()
        if self.state == "starting" and token in self.head:
            self.head = self.head.partition(token)[2]
            self.state = "booting" if self.raw else "open"
            os.write(self.board, self._go_ahead())
        if self.state == "booting":
            way = _WAY_TO_RAW.search(self.head)
            if way:
                self.head = self.head[: way.start()] + self.head[way.end() :]
                self.state = "open"
            elif len(self.head) > 4096:  # a boot.py that talks; the match needs less than 256 bytes
                data, self.head = self.head[:-256], self.head[-256:]
                return data
        if self.state != "open":
            return b""
        data, self.head = self.head, b""
        self._flush_board()
        # A client that came meanwhile gets its own answer, and would be misled by another before it.
        return b"" if self.raw and self.asked else data

    def _track(self, data: bytes) -> bytes:
        """Note which REPL speaks; end lines with CR LF for people, as a board does."""
        seen = self.tail + data
        raw, friendly = seen.rfind(_RAW), seen.rfind(_FRIENDLY)
        if raw != friendly:
            self.raw = raw > friendly
            self.asked = self.asked and not self.raw
        # A folder mounted by mpremote talks binary even in the friendly REPL; 0x18 starts its messages.
        self.mounted = self.mounted or b"\x18" in data
        after_cr = self.tail.endswith(b"\r") and data.startswith(b"\n")
        self.tail = seen[-len(_FRIENDLY) + 1 :]
        if self.raw or self.mounted:
            return data
        cooked = re.sub(rb"(?<!\r)\n", b"\r\n", data)
        return cooked[1:] if after_cr else cooked

    def _say(self, data: bytes) -> None:
        self.to_client += data
        self._flush_client()

    def _ended(self, status: int) -> None:
        """The interpreter exited or died: tell the client what a board would, and start it again."""
        os.close(self.board)
        if self.state == "starting":
            raise RuntimeError(self.head.decode(errors="replace").strip() or f"exit status {status}")
        number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        if number or self.asked:
            self.to_board[:] = b"\x01" * self.asked  # the question may have gone to the one that ends here
        if number == signal.SIGUSR2:  # machine.reset()
            self.raw = False
        elif number in (0, signal.SIGUSR1) and b"FATAL: " not in self.tail:
            self._say(b"MPY: soft reboot\r\n")
        else:
            self._crashed(number)
        if not self.touched and time.monotonic() - self.started_at < 1:
            time.sleep(0.25)  # a main.py that resets or crashes at once must not eat a processor
        self.start()

    def _crashed(self, number: int) -> None:
        if number == signal.SIGINT:  # a Ctrl-C in the very moment in which code had ended
            text = b"KeyboardInterrupt: "
        else:
            report(f"crash {number}")
            text = b"whit: the virtual board crashed (signal %d)" % number
        # In the raw REPL a client waits for two Ctrl-D: the end of the output, the end of the error.
        if not self.asked:
            self._say(b"\x04%s\r\n\x04" % text if self.raw else b"\r\n%s\r\n" % text)

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


def report(line: str) -> None:
    """Tell the host, unless it does not listen."""
    with contextlib.suppress(OSError):
        os.write(1, line.encode() + b"\n")


def main() -> None:
    options = json.loads(sys.argv[1])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.set_blocking(1, False)
    record = options["record"]
    relay = None
    try:
        os.makedirs(options["root"] + "/lib", exist_ok=True)  # here, so that who makes it also removes it
        relay = Relay(options["micropython"], options["heap_bytes"], options["root"], options["boot"])
        relay.start()
        while relay.state == "starting":
            if not relay.step(0):
                return
        with open(record + ".new", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # held as long as the board runs: a record without it is stale
            json.dump({"port": relay.port, "pid": os.getpid(), "heap_bytes": relay.heap_bytes}, file)
            file.flush()
            os.rename(record + ".new", record)
            report(f"port {relay.port}")
            while relay.step(0):
                pass
    except (RuntimeError, OSError) as error:
        report(f"error {' '.join(str(error).split())}")
    finally:
        if relay is not None and relay.pid:
            relay.stop()
        for name in (record, record + ".new"):
            with contextlib.suppress(OSError):
                os.remove(name)
        if options["scratch"]:
            shutil.rmtree(options["scratch"], ignore_errors=True)


if __name__ == "__main__":
    main()
