"""A virtual board per module, and boards of other programs out of sight."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from serial.tools import list_ports
from whit.board import Board
from whit.probe import BoardInfo
from whit.virtual import VirtualBoard

HOST = Path(__file__).resolve().parents[2] / "host"
# what boards say of themselves
PICO = BoardInfo(
    port="p",
    machine="Raspberry Pi Pico with RP2040",
    platform="rp2",
    version=(1, 24, 1),
    version_string="1.24.1",
    arch="armv6m",
    mpy_version=6,
    mpy_abi=3,
    free_ram=190_000,
    free_flash=800_000,
    native=True,
    dsp=False,
    runtime=None,
)
VIRTUAL = replace(PICO, machine="linux", platform="linux", arch="x64")
Mpremote = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True, scope="module")
def only_ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Boards on USB and virtual boards that others run here would be counted as connected."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        patch.setattr(tempfile, "tempdir", None)
        patch.setattr(list_ports, "comports", lambda: [])
        yield


@pytest.fixture(scope="module")
def virtual_board(only_ours: None) -> Iterator[VirtualBoard]:
    with VirtualBoard() as board:
        yield board


@pytest.fixture
def fresh_board() -> Iterator[VirtualBoard]:
    """A board whose start is over, so that a main.py written now runs at the next."""
    with VirtualBoard() as board:
        Board(board.port).close()
        yield board


def mpremote_command(port: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "mpremote", "connect", port, *arguments]


def mpremote(board: VirtualBoard, *arguments: str, code: int = 0) -> str:
    """What stock mpremote prints; it must exit with `code`."""
    done = subprocess.run(
        mpremote_command(board.port, *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HOST)}


def whit(*arguments: str, code: int = 0) -> tuple[str, str]:
    """(stdout, stderr) of the command line; it must exit with `code`."""
    done = subprocess.run(
        [sys.executable, "-m", "whit", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(),
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback (most recent call last)" not in done.stderr
    return done.stdout, done.stderr
