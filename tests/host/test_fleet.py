"""whit deploy --all: a classroom of boards at the same time, one of which is broken."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from whit.deployment import DeployResult
from whit.errors import WhitError
from whit.fleet import Outcome, deploy_all
from whit.virtual import VirtualBoard

from tests.device.models import tiny
from tests.host.conftest import environment, mpremote, whit
from tests.host.test_deploy import PREDICT


@pytest.fixture
def boards(only_ours: None) -> Iterator[list[VirtualBoard]]:
    """Five boards; the file system of the last one takes nothing."""
    with contextlib.ExitStack() as stack:
        boards = [stack.enter_context(VirtualBoard()) for _ in range(5)]
        (boards[-1].root / "whit.py").write_text("x = 1")
        yield boards


@pytest.fixture
def blob(tmp_path: Path) -> Path:
    tiny(["a", "b", "c"]).save(tmp_path / "tiny.whit")
    return tmp_path / "tiny.whit"


def test_every_board(boards: list[VirtualBoard], blob: Path) -> None:
    *good, bad = boards
    told: list[tuple[str, Outcome]] = []
    outcomes = deploy_all(blob, done=lambda port, outcome: told.append((port, outcome)))
    assert sorted(outcomes) == sorted(board.port for board in boards) and dict(told) == outcomes
    for board in good:
        result = outcomes[board.port]
        assert isinstance(result, DeployResult) and result.port == board.port and "/tiny.whit" in result.sent
        assert mpremote(board, "exec", PREDICT).strip() in "abc"
    error = outcomes[bad.port]
    assert isinstance(error, WhitError) and "/whit.py on the board hides the runtime" in str(error)


def test_command(boards: list[VirtualBoard], blob: Path) -> None:
    *good, bad = boards
    out, talk = whit("deploy", str(blob), "--all", code=1)
    rows = {line.split()[0]: line for line in out.splitlines()[1:]}
    assert set(rows) == {board.port for board in boards} and out.split()[:2] == ["port", "board"]
    assert all(" ok " in rows[board.port] and "self-test passed" in rows[board.port] for board in good)
    assert " failed " in rows[bad.port] and "hides the runtime" in rows[bad.port]
    assert f"whit: {bad.port}: /whit.py on the board hides" in talk and f"connect {bad.port} fs rm" in talk
    assert talk.endswith("whit: 1 of 5 boards failed\n")
    (bad.root / "whit.py").unlink()
    out, talk = whit("deploy", str(blob), "--all", "--json")
    told = {entry["port"]: entry for entry in json.loads(out)}
    assert talk == "" and all(told[board.port]["sent"] == [] for board in good) and told[bad.port]["sent"]


def test_one_mistake_is_told_once(boards: list[VirtualBoard], blob: Path) -> None:
    out, talk = whit("deploy", str(blob.with_name("no.whit")), "--all", code=1)
    assert out == "" and talk.count("no.whit") == 1
    assert "exclude each other" in whit("deploy", str(blob), "--all", "--port", boards[0].port, code=2)[1]


def test_no_boards(only_ours: None, blob: Path) -> None:
    assert whit("deploy", str(blob), "--all", code=1)[1].startswith("whit: no board is connected\n")


def test_ctrl_c_leaves_every_board_as_it_was(boards: list[VirtualBoard], blob: Path) -> None:
    command = [sys.executable, "-m", "whit", "deploy", str(blob), "--all"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    end = time.monotonic() + 10
    while not any((board.root / "whit.new").exists() for board in boards):
        assert time.monotonic() < end and running.poll() is None
        time.sleep(0.001)
    running.send_signal(signal.SIGINT)
    out, talk = running.communicate(timeout=20)
    assert (running.returncode, out) == (130, "") and "whit: stopped" in talk and "Traceback" not in talk
    for board in boards:
        assert not (board.root / "whit.new").exists()
