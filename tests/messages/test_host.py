"""What commands say when something is wrong: all of stdout and stderr and the exit code, as host.txt has it.

Each message is brought about: by a file that is so, a virtual board that behaves so, a port that is so.
"""

from __future__ import annotations

import os
import pty
import re
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from whit import blob as blobs
from whit import conversion
from whit.board import Board
from whit.cli import main
from whit.deployment import deploy
from whit.version import __version__
from whit.virtual import VirtualBoard

from tests.agreement.builder import Net
from tests.host.conftest import environment, only_ours  # noqa: F401
from tests.host.test_board import device
from tests.host.test_convert import unknown_operators
from tests.host.test_flash import FIRMWARE, uf2
from tests.hostile.mutate import parts, seal
from tests.test_tiny import tiny

from .golden import Golden

Ports = Iterator[list[str]]
Situation = Callable[[ExitStack, Path], list[str]]  # ports, the first of which is PORT

# A board whose flash keeps another last byte of models than is written.
WORN = """\
import builtins
_open = builtins.open
class Worn:
    def __init__(self, file):
        self.file = file
    def write(self, data):
        return self.file.write(bytes(data[:-1]) + b"?")
    def close(self):
        self.file.close()
    def __enter__(self):
        return self
    def __exit__(self, *error):
        self.close()
def open(path, mode="r"):
    file = _open(path, mode)
    return Worn(file) if mode == "wb" and path[-5:] == ".whit" else file
builtins.open = open
"""
# A board whose firmware was built without the native emitter.
PLAIN = """\
import builtins
_exec = builtins.exec
def exec(text, *names):
    if text.startswith("@micropython.viper"):
        raise SyntaxError("invalid micropython decorator")
    return _exec(text, *names)
builtins.exec = exec
"""
DEAF = """\
import sys
while True:
    try:
        open("/started", "w").close()
        while True:
            pass
    except BaseException as error:
        sys.print_exception(error)
"""


def board(boot: str = "", main: str = "", files: tuple[str, ...] = ()) -> Situation:
    """A virtual board with these programs, and these files of the folder."""

    def situation(stack: ExitStack, folder: Path) -> list[str]:
        virtual = stack.enter_context(VirtualBoard())
        (virtual.root / "boot.py").write_text(boot)
        for name in files:
            (virtual.root / name).write_bytes((folder / name).read_bytes())
        with Board(virtual.port) as opened:
            (virtual.root / "main.py").write_text(main)
            opened.soft_reset() if main else opened.clear()
        while main and not (virtual.root / "started").exists():
            time.sleep(0.02)
        return [virtual.port]

    return situation


def none(stack: ExitStack, folder: Path) -> list[str]:
    return []


def two(stack: ExitStack, folder: Path) -> list[str]:
    return [*board()(stack, folder), *board()(stack, folder)]


def busy(stack: ExitStack, folder: Path) -> list[str]:
    [port] = board()(stack, folder)
    stack.enter_context(Board(port))
    return [port]


def forbidden(stack: ExitStack, folder: Path) -> list[str]:
    [port] = board()(stack, folder)
    mode = os.stat(port).st_mode & 0o777
    os.chmod(port, 0)
    stack.callback(os.chmod, port, mode)
    if os.geteuid() == 0:  # for root nothing is forbidden: be somebody else for the attempt
        os.seteuid(65534)
        stack.callback(os.seteuid, 0)
    return [port]


def modem(stack: ExitStack, folder: Path) -> list[str]:
    return [stack.enter_context(device(lambda data: b"AT OK\r\n"))]


def with_a_newer_model(stack: ExitStack, folder: Path) -> list[str]:
    [port] = board()(stack, folder)
    deploy(folder / "tiny.whit", port=port)
    with Board(port) as opened:
        opened.put((folder / "new.whit").read_bytes(), "/newer.whit")
    return [port]


def with_a_newer_runtime(stack: ExitStack, folder: Path) -> list[str]:
    [port] = board()(stack, folder)
    with Board(port) as opened:
        opened.exec("import os\nos.mkdir('/lib/whit')")
        opened.put(b'__version__ = "9.9.9"\n', "/lib/whit/__init__.py")
    return [port]


# name -> (what is typed, the situation)
CASES: dict[str, tuple[str, Situation]] = {
    "unsupported operators": ("convert odd.tflite", none),
    "not a model": ("convert three.npy", none),
    "a float model without samples": ("convert float.tflite", none),
    "does not fit": ("deploy big.whit --port PORT", board()),
    "wrong input": ("run tiny.whit three.npy", none),
    "wrong numbers": ("run tiny.whit 1,2,3", none),
    "damaged file": ("inspect bad.whit", none),
    "file cut short": ("inspect short.whit", none),
    "not a whit file": ("deploy three.npy", none),
    "damaged on the way": ("deploy tiny.whit --port PORT", board(WORN)),
    "self-test fails": ("deploy wrong.whit --port PORT", board()),
    "no native emitter: deploying": ("deploy tiny.whit --port PORT", board(PLAIN)),
    "no native emitter": ("doctor --port PORT", board(PLAIN)),
    "kernels of another chip": ("deploy tiny.whit --port PORT --kernels thumb", board()),
    "no board": ("deploy tiny.whit", none),
    "two boards": ("deploy tiny.whit", two),
    "busy": ("deploy tiny.whit --port PORT", busy),
    "permission denied": ("deploy tiny.whit --port PORT", forbidden),
    "not MicroPython": ("deploy tiny.whit --port PORT", modem),
    "a program that does not stop": ("deploy tiny.whit --port PORT", board(main=DEAF)),
    "no such port": ("deploy tiny.whit --port /dev/none", none),
    "not a serial port": ("deploy tiny.whit --port /dev/null", none),
    "version skew: here": ("inspect new.whit", none),
    "version skew: on the board": ("repl newer --port PORT", with_a_newer_model),
    "version skew: a newer runtime": ("deploy tiny.whit --port PORT", with_a_newer_runtime),
    "no such file": ("inspect nope.whit", none),
    "no such program": ("deploy tiny.whit --app nope.py --port PORT", board()),
    "no such model on the board": ("repl nope --port PORT", board()),
    "two models on the board": ("repl --port PORT", board(files=("tiny.whit", "new.whit"))),
    "a model without a runtime": ("repl --port PORT", board(files=("tiny.whit",))),
    "no terminal": ("repl --port PORT", none),
    "no such kind of board": ("inspect tiny.whit --board pico3", none),
    "a picture of another kind": ("inspect tiny.whit --plot plan.jpg", none),
    "an image for another chip": ("flash pico2 --firmware pico.uf2 --dry-run", none),
    "an image for another kind of chip": ("flash esp32 --firmware pico.uf2 --dry-run", none),
    "an image that is not whole": ("flash pico --firmware cut.uf2 --dry-run", none),
    "an image that is none": ("flash esp32 --firmware text.bin --dry-run", none),
    "other firmware": ("flash pico --firmware other.uf2 --dry-run", none),
    "a label that is no folder": ("record --label no/folder --port PORT", none),
    "no such command": ("deplyo tiny.whit", none),
    "no such option": ("deploy tiny.whit --prot PORT", none),
    "an argument is missing": ("deploy", none),
}
TERMINAL = {"version skew: on the board", "no such model on the board", "two models on the board"}
TERMINAL |= {"a model without a runtime"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that are wrong in one way each."""
    made = tmp_path_factory.mktemp("messages")
    made.chmod(0o755)  # for somebody else, too
    (made / "tiny.tflite").write_bytes(tiny())
    good = conversion.convert(made / "tiny.tflite", made / "tiny.whit").blob
    (made / "odd.tflite").write_bytes(unknown_operators())
    (made / "bad.whit").write_bytes(good.content[:-1] + b"?")
    (made / "short.whit").write_bytes(good.content[:-1])
    (made / "new.whit").write_bytes(seal(good.content[:4] + struct.pack("<H", 2) + good.content[6:]))
    inverted = bytes(255 - value for value in good.test)
    (made / "wrong.whit").write_bytes(blobs.write(good.meta, good.plan, good.data, inverted, good.arena_bytes))
    large = parts(good)
    large.arena_bytes = 400_000
    (made / "big.whit").write_bytes(large.pack())
    net = Net()
    x = net.tensor((1, 3), dtype="float32")
    (made / "float.tflite").write_bytes(net.build(x, net.op("ABS", [x], net.tensor((1, 3), dtype="float32"))))
    (made / "pico.uf2").write_bytes(uf2(FIRMWARE))
    (made / "cut.uf2").write_bytes(uf2(FIRMWARE)[:-512])
    (made / "other.uf2").write_bytes(uf2(b"x" * 9000))
    (made / "text.bin").write_text("It is no image.\n" * 99)
    np.save(made / "three.npy", np.zeros((5, 5, 3)))
    return made


@pytest.fixture(scope="module")
def golden() -> Iterator[Golden]:
    found = Golden(Path(__file__).with_name("host.txt"))
    yield found
    found.close(CASES)


@contextmanager
def at_a_terminal(typed: list[str]) -> Iterator[subprocess.Popen[str]]:
    screen, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "whit", *typed],
        stdin=inner,
        stdout=inner,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    os.close(inner)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        os.close(screen)


def said(typed: list[str], name: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """(exit code, stdout, stderr)"""
    if name in TERMINAL:
        with at_a_terminal(typed) as process:
            return process.wait(30), "", process.stderr.read() if process.stderr else ""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main(typed)
    return int(caught.value.code or 0), *capsys.readouterr()


def tidy(text: str, ports: list[str]) -> str:
    """Without what differs from machine to machine, and from run to run."""
    for number, port in enumerate(ports):
        text = text.replace(port, "PORT" if not number else f"PORT{number + 1}")
    text = text.replace(__version__, "VERSION")
    text = re.sub(r"sent .* unchanged", "sent ..., 0 unchanged", text)
    text = re.sub(r"\d+\.\d KB free", "... KB free", text)
    text = re.sub(r"usermod -a -G \w+", "usermod -a -G GROUP", text)
    return re.sub(r"\d+( output bytes? differ)", r"...\1", text)


def examined(text: str) -> str:
    """Of what `whit doctor` says: what it says of this board's emitter and kernels."""
    lines = text[text.index("PORT") :].splitlines()
    return "\n".join(line for line in lines if not re.search(r"firmware  |memory  |files  |^\d+ hint", line))


@pytest.mark.skipif(sys.platform == "win32", reason="the virtual board needs Linux or macOS")
@pytest.mark.parametrize("name", list(CASES))
def test_message(
    name: str, folder: Path, golden: Golden, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    typed, situation = CASES[name]
    before = sorted(path.name for path in folder.iterdir())
    with ExitStack() as stack:
        ports = situation(stack, folder)
        words = [ports[0] if word == "PORT" and ports else word for word in typed.split()]
        code, out, err = said(words, name, capsys)
    out, err = tidy(out, ports), tidy(err, ports)
    out = examined(out) if typed.startswith("doctor") else out
    shown = [f"$ whit {typed}", *([out.rstrip("\n"), ""] if out else []), *([err.rstrip("\n")] if err else [])]
    golden.check(name, "\n".join([*shown, f"exit code {code}"]))
    assert sorted(path.name for path in folder.iterdir()) == before, "a command that failed left a file"


def test_every_text_is_of_a_case(golden: Golden) -> None:
    assert sorted(golden.sections) == sorted(CASES)
