"""whit.Board against virtual boards, and against what else may be on a port."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from whit import profiles
from whit.board import Board, BoardError
from whit.cli.boards import command as boards_command
from whit.errors import WhitError
from whit.ports import Port, choose, connected
from whit.probe import read_info
from whit.virtual import VirtualBoard, running

from tests.host.conftest import mpremote, whit

DATA = bytes(range(256)) * 45 + b"end"
USB_IDS = {"pico": (0x2E8A, 0x0005), "other": (0x1234, 0x5678), "virtual": None}


@pytest.fixture
def board(virtual_board: VirtualBoard) -> Iterator[Board]:
    with Board(virtual_board.port) as board:
        yield board


def test_exec(board: Board) -> None:
    assert board.exec("print(1)\nprint('\u00e4', end='')") == "1\n\u00e4"
    board.exec("x = 3")
    assert board.exec("print(x)") == "3\n"
    assert board.exec("") == ""


def test_exec_of_much_output_and_much_code(board: Board) -> None:
    assert board.exec("print('ab' * 20000, end='')") == "ab" * 20000
    assert board.exec("x = 0\n" + "x += 1\n" * 2000 + "print(x)") == "2000\n"


def test_device_exception_is_its_last_line(board: Board) -> None:
    with pytest.raises(BoardError, match="^ZeroDivisionError: divide by zero$") as caught:
        board.exec("def f():\n    1 / 0\nf()")
    assert "line 2, in f" in caught.value.traceback
    assert board.exec("print(5)") == "5\n"


def test_silence_ends_and_the_board_is_usable(board: Board) -> None:
    started = time.monotonic()
    with pytest.raises(WhitError, match="says nothing any more"):
        board.exec("while True: pass", timeout_s=0.3)
    assert time.monotonic() - started < 3
    assert board.exec("print(5)") == "5\n"


def test_talking_is_not_silence(board: Board) -> None:
    code = "import time\nfor i in range(8):\n    print(i)\n    time.sleep(0.1)"
    assert len(board.exec(code, timeout_s=0.5).split()) == 8


def test_stream_is_as_it_comes(board: Board) -> None:
    code = "import time\nfor i in range(3):\n    print(i)\n    time.sleep(0.2)\nprint('end', end='')"
    times = []
    lines = []
    for line in board.stream(code):
        lines.append(line)
        times.append(time.monotonic())
    assert lines == ["0", "1", "2", "end"] and times[2] - times[0] > 0.3
    assert list(board.stream("")) == [] and board.exec("print(5)") == "5\n"


def test_stream_that_is_left_stops_the_code(board: Board) -> None:
    for line in board.stream("i = 0\nwhile True:\n    i += 1\n    print(i)"):
        if line == "10":
            break
    assert board.exec("print(6)") == "6\n"


def test_stream_ends_in_an_error(board: Board) -> None:
    lines = []
    with pytest.raises(BoardError, match=r"^ZeroDivisionError: divide by zero$"):
        for line in board.stream("print(1)\n1 / 0"):
            lines.append(line)
    assert lines == ["1"] and board.exec("print(7)") == "7\n"
    with pytest.raises(WhitError, match="says nothing any more"):
        list(board.stream("while True: pass", timeout_s=0.3))
    assert board.exec("print(8)") == "8\n"


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x03\x04\r\n", DATA], ids=len)
def test_put_and_get(board: Board, virtual_board: VirtualBoard, data: bytes) -> None:
    board.put(data, "/it's a.bin")
    assert (virtual_board.root / "it's a.bin").read_bytes() == data
    assert board.get("/it's a.bin") == data
    assert board.sha256("/it's a.bin") == sha256(data).hexdigest()
    assert board.exists("/it's a.bin")
    board.remove("/it's a.bin")
    board.remove("/it's a.bin")  # nothing to remove is no error
    assert not board.exists("/it's a.bin") and board.sha256("/it's a.bin") is None


def test_progress_and_names_left_behind(board: Board) -> None:
    told: list[tuple[int, int]] = []
    board.put(DATA, "/p", lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (len(DATA), len(DATA)) and len(told) > 2
    assert board.exec("print([n for n in globals() if n.startswith('_whit')])") == "[]\n"
    board.remove("/p")


def test_file_errors(board: Board) -> None:
    with pytest.raises(BoardError, match="ENOENT"):
        board.put(b"x", "/no/such/folder")
    with pytest.raises(BoardError, match="ENOENT"):
        board.get("/nothing")
    assert board.exec("print(5)") == "5\n"


def test_info(board: Board) -> None:
    info = board.info
    assert info.port == board.port
    assert info.version >= (1, 20) and info.version_string.startswith(".".join(map(str, info.version)))
    assert info.platform in ("linux", "darwin") and info.virtual
    assert info.arch in ("x64", "armv8", "none") or info.arch.startswith("unknown")
    assert info.mpy_version == 6 and info.native
    assert 150_000 < info.free_ram < 190 * 1024 and info.free_flash > 1_000_000
    assert info.runtime is None
    board.exec("import os\nos.mkdir('/lib/whit')")
    board.put(b'# x\n__version__ = "7.8"\n', "/lib/whit/__init__.py")
    assert board.info.runtime == "7.8"
    board.exec("os.remove('/lib/whit/__init__.py'); os.rmdir('/lib/whit')")


def test_info_of_other_boards() -> None:
    pico = "('Raspberry Pi Pico with RP2040', 'rp2', (1, 24, 1, ''), 4102, 180000, 800000, True, False, '0.1.0')"
    info = read_info("/dev/ttyACM0", pico)
    assert (info.arch, info.mpy_version, info.version_string, info.virtual) == ("armv6m", 6, "1.24.1", False)
    esp = "('Generic ESP32 module with ESP32', 'esp32', (1, 26, 0, 'preview'), 11014, 110000, 0, True, False, None)"
    info = read_info("/dev/ttyUSB0", esp)
    assert (info.arch, info.version_string, info.runtime) == ("xtensawin", "1.26.0-preview", None)
    with pytest.raises(WhitError, match="describes itself in an unknown way"):
        read_info("/dev/ttyUSB0", "hello")


def test_running_program_is_interrupted_and_restarted(fresh_board: VirtualBoard) -> None:
    (fresh_board.root / "main.py").write_text("open('log', 'a').write('m')\nn = 7\nwhile True:\n    pass\n")
    with Board(fresh_board.port) as board:
        assert not board.interrupted
        board.clear()  # main.py does not run
        assert not board.exists("/log")
        board.soft_reset()
    time.sleep(0.3)
    with Board(fresh_board.port) as board:
        assert board.interrupted
        assert board.exec("print(n)") == "7\n"
        board.soft_reset()
        time.sleep(0.3)
        assert board.exec("print(n)") == "7\n"
    assert (fresh_board.root / "log").read_text() == "mm"


def test_program_that_ignores_ctrl_c(fresh_board: VirtualBoard) -> None:
    code = "while True:\n    try:\n        while True: pass\n    except KeyboardInterrupt:\n        print('no')\n"
    (fresh_board.root / "main.py").write_text(code)
    mpremote(fresh_board, "reset")
    time.sleep(0.3)
    with pytest.raises(WhitError, match="does not answer as MicroPython; it says 'no"):
        Board(fresh_board.port)


def test_works_beside_mpremote(virtual_board: VirtualBoard) -> None:
    for _ in range(3):
        with Board(virtual_board.port) as board:
            assert board.exec("print(1)") == "1\n"
        assert mpremote(virtual_board, "exec", "print(2)") == "2\n"


def test_crash(fresh_board: VirtualBoard) -> None:
    with Board(fresh_board.port) as board:
        with pytest.raises(BoardError, match=r"^the virtual board crashed \(signal 11\)$"):
            board.exec("import uctypes; uctypes.bytearray_at(1, 4)[0] = 1")
        assert board.exec("print(5)") == "5\n"


def test_busy(board: Board) -> None:
    error = refusal(board.port)
    assert str(error) == f"{board.port} is in use by another program" and "close the program" in error.hint


def test_no_such_port() -> None:
    error = refusal("/dev/ttyNOPE")
    assert str(error) == "there is no port /dev/ttyNOPE" and "whit boards" in error.hint


def test_no_serial_port() -> None:
    assert str(refusal("/dev/null")) == "/dev/null is not a serial port"


def test_permission_denied(virtual_board: VirtualBoard) -> None:
    port = virtual_board.port
    root = os.geteuid() == 0  # for root nothing is forbidden: be somebody else for the attempt
    mode = os.stat(port).st_mode & 0o777
    os.chmod(port, 0)
    if root:
        os.seteuid(65534)
    try:
        error = refusal(port)
    finally:
        if root:
            os.seteuid(0)
        os.chmod(port, mode)
    assert str(error) == f"permission denied: {port}" and error.hint.startswith("sudo usermod -a -G ")


@contextmanager
def device(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """A port whose device answers as it likes, but is no MicroPython."""
    master, slave = os.openpty()
    tty.setraw(slave)

    def serve() -> None:
        try:
            while data := os.read(master, 100):
                os.write(master, answer(data))
        except OSError:
            pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        os.close(slave)
        thread.join(1)
        os.close(master)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda data: b"", "is silent"),
        (lambda data: data + b"AT OK\r\n", "it says 'AT OK"),  # an echo, too
    ],
    ids=["silent", "modem"],
)
def test_not_micropython(answer: Callable[[bytes], bytes], text: str) -> None:
    with device(answer) as port:
        error = refusal(port)
        assert text in str(error) and "does not answer as MicroPython" in str(error)
        assert "micropython.org" in error.hint


def test_gone_in_the_middle(capsys: pytest.CaptureFixture[str]) -> None:
    virtual = VirtualBoard().start()
    with Board(virtual.port) as board:
        timer = threading.Timer(0.3, virtual.stop)
        timer.start()
        with pytest.raises(WhitError, match="went away in the middle|says nothing any more") as caught:
            for _ in range(1000):
                board.put(DATA, "/x")
        timer.join()
        assert caught.value.hint
    assert capsys.readouterr() == ("", "")


def test_choose_needs_exactly_one_board(virtual_board: VirtualBoard) -> None:
    assert choose() == virtual_board.port
    assert choose("/dev/other") == "/dev/other"
    with VirtualBoard() as second:
        assert [port.name for port in connected()] == [virtual_board.port, second.port]
        with pytest.raises(WhitError) as caught:
            choose()
        assert "2 boards are connected" in str(caught.value) and second.port in str(caught.value)
        assert f"--port {virtual_board.port}" in caught.value.hint


def test_usb_ports_count_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from serial.tools import list_ports
    from serial.tools.list_ports_common import ListPortInfo

    usb, plain = ListPortInfo("/dev/ttyACM7"), ListPortInfo("/dev/ttyS0")
    usb.vid, usb.pid, usb.product = 0x2E8A, 5, "Board in FS mode"
    monkeypatch.setattr(list_ports, "comports", lambda: [plain, usb])
    found = [(port.name, port.description) for port in connected() if not port.description.startswith("virtual")]
    assert found == [("/dev/ttyACM7", "Board in FS mode")]


def test_command_lists_boards(virtual_board: VirtualBoard) -> None:
    (virtual_board.root / "main.py").write_text("while True: pass")
    mpremote(virtual_board, "reset")
    time.sleep(0.3)
    table, talk = whit("boards")
    assert virtual_board.port in table and "190 KB heap" in table and talk == ""
    [listed] = json.loads(whit("boards", "--json")[0])
    assert (listed["profile"], listed["usb"]) == ("virtual", None) and " virtual " in table
    assert listed["port"] == virtual_board.port and listed["runtime"] is None and listed["free_ram"] > 150_000
    with Board(virtual_board.port) as board:
        time.sleep(0.2)
        assert board.interrupted or board.exists("/main.py")
    (virtual_board.root / "main.py").unlink()


def test_command_with_a_busy_board(board: Board) -> None:
    table, talk = whit("boards")
    assert table == "" and f"{board.port} is in use by another program" in talk and "hint: close" in talk
    [listed] = json.loads(whit("boards", "--json")[0])
    assert listed["error"].endswith("in use by another program")


def test_command_names_what_may_be_on_a_silent_port(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ports = [Port(str(tmp_path / name), "serial", usb) for name, usb in USB_IDS.items()]
    monkeypatch.setattr("whit.cli.boards.connected", lambda: ports)
    boards_command(["--json"], standalone_mode=False)
    listed = json.loads(capsys.readouterr().out)
    assert [entry["profile"] for entry in listed] == [None, None, None]
    assert [entry["usb"] for entry in listed] == ["2e8a:0005", "1234:5678", None]
    boards_command([], standalone_mode=False)
    said = capsys.readouterr().err
    assert said.count("(its USB id is that of pico, pico2, pico2_w, pico_w)") == said.count("its USB id") == 1


def test_command_lists_all_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    boards_command(["--all"], standalone_mode=False)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 110
    assert [line.split()[0] for line in out.splitlines()[1:]] == profiles.names()
    boards_command(["--all", "--json"], standalone_mode=False)
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == profiles.names()
    assert listed[0].keys() == {field.name for field in dataclasses.fields(profiles.Profile)}


def test_command_without_boards(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path_factory.mktemp("empty")))
    assert whit("boards", "--json") == ("[]\n", "")
    out, talk = whit("boards")
    assert out == "" and talk.startswith("no board is connected\n\nhint: ")


def test_relay_killed(fresh_board: VirtualBoard) -> None:
    relay = next(entry.pid for entry in running() if entry.port == fresh_board.port)
    with Board(fresh_board.port) as board:
        os.kill(relay, signal.SIGKILL)
        assert fresh_board.wait(5)
        with pytest.raises(WhitError, match="went away"):
            board.exec("print(1)")
    assert fresh_board.port not in [entry.port for entry in running()]


def refusal(port: str) -> WhitError:
    with pytest.raises(WhitError) as caught:
        Board(port)
    assert caught.value.hint
    return caught.value
