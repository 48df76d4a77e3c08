"""whit repl, as a person at a terminal sees it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from whit.board import Board
from whit.deployment import deploy
from whit.errors import WhitError
from whit.repl import prepare
from whit.version import __version__
from whit.virtual import VirtualBoard

from tests.device.models import tiny
from tests.host.conftest import environment, whit
from tests.host.test_romfs import BOOT


@pytest.fixture(scope="module")
def blob(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("repl") / "tiny.whit"
    tiny(["a", "b", "c"]).save(path)
    return path


class Person:
    """Types at a terminal in which `whit repl` runs, and reads what comes."""

    def __init__(self, *arguments: str) -> None:
        self.screen, inner = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "whit", "repl", *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            env={**environment(), "TERM": "xterm", "COLUMNS": "100"},
        )
        os.close(inner)

    def sees(self, text: str, seconds: float = 20) -> str:
        came = b""
        end = time.monotonic() + seconds
        while text.encode() not in came:
            left = end - time.monotonic()
            assert left > 0 and select.select([self.screen], [], [], left)[0], came
            came += os.read(self.screen, 4096)
        return came.decode()

    def types(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def leaves(self, key: str) -> int:
        self.types(key)
        while select.select([self.screen], [], [], 10)[0]:  # a terminal that nobody reads holds its writers
            try:
                if not os.read(self.screen, 4096):
                    break
            except OSError:
                break
        return self.process.wait(10)


@contextmanager
def person(*arguments: str) -> Iterator[Person]:
    somebody = Person(*arguments)
    try:
        yield somebody
    finally:
        somebody.process.kill()
        somebody.process.wait()
        os.close(somebody.screen)


@pytest.mark.parametrize("key", ["\x18", "\x1d"], ids=["Ctrl-X", "Ctrl-]"])
def test_a_conversation(fresh_board: VirtualBoard, blob: Path, key: str) -> None:
    (fresh_board.root / "main.py").write_text("while True: pass\n")
    with Board(fresh_board.port) as board:
        board.soft_reset()  # so that main.py runs
    with person(str(blob), "--port", fresh_board.port) as somebody:
        said = somebody.sees(">>> ")
        assert "m = <tiny.whit: 4 -> 3 classes, " in said
        somebody.types("m.predict([1, 2, 3, 4])\r")
        assert any(f"'{label}'" in somebody.sees(">>> ") for label in "abc")
        somebody.types("while True: pass\r\r")
        somebody.sees("... ")
        somebody.types("\x03")
        assert "KeyboardInterrupt" in somebody.sees("KeyboardInterrupt")
        assert somebody.leaves(key) == 0
    with Board(fresh_board.port) as board:
        assert board.exec("print(m.labels)") == "['a', 'b', 'c']\n"  # as it was left


def test_which_model(fresh_board: VirtualBoard, blob: Path) -> None:
    assert prepare(fresh_board.port, None) == (fresh_board.port, None)
    with pytest.raises(WhitError, match="^tiny is neither here nor on the board$"):
        prepare(fresh_board.port, Path("tiny"))
    (fresh_board.root / "tiny.whit").write_bytes(blob.read_bytes())
    with pytest.raises(WhitError, match="^tiny.whit is on the board, but no whit to run it$") as caught:
        prepare(None, None)
    assert caught.value.hint == "whit deploy tiny.whit"
    deploy(blob, port=fresh_board.port)
    assert prepare(None, None) == prepare(None, Path("tiny")) == (fresh_board.port, "/tiny.whit")
    (fresh_board.root / "other.whit").write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(WhitError, match="^2 models are on the board: other.whit, tiny.whit$") as caught:
        prepare(None, None)
    assert caught.value.hint == "choose one: whit repl other.whit"
    with pytest.raises(WhitError, match="^other.whit does not load on the board: BlobError: other.whit: "):
        prepare(None, Path("other.whit"))


def test_a_newer_format(fresh_board: VirtualBoard, blob: Path) -> None:
    deploy(blob, port=fresh_board.port)
    content = bytearray(blob.read_bytes())
    content[4] = 2
    (fresh_board.root / "tiny.whit").write_bytes(content)
    with pytest.raises(
        WhitError, match=r"^tiny.whit is format 2; the board's whit \d+\.\d+\.\d+ reads format 1$"
    ) as it:
        prepare(None, None)
    assert it.value.hint == "'whit deploy' updates the runtime too"


def test_a_model_in_romfs(blob: Path) -> None:
    with VirtualBoard(heap_bytes=1024 * 1024) as board:
        (board.root / "boot.py").write_text(BOOT)
        deploy(blob, port=board.port, romfs=True)
        assert prepare(board.port, None) == prepare(board.port, Path("tiny")) == (board.port, "/rom/tiny.whit")
        with Board(board.port) as opened:
            assert opened.exec("print(m.where)") == ", in place\n" and opened.info.runtime == __version__


def test_without_a_terminal() -> None:
    out, talk = whit("repl", code=1)
    assert out == "" and talk.startswith("whit: a conversation needs a terminal\n\nhint: ")
