"""Odd files, names and places: each gives a message, or simply works; nothing that is there is spoiled."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from whit import conversion
from whit.cargo import check_syntax
from whit.cli import boards, cli
from whit.errors import WhitError
from whit.profiles import names
from whit.virtual import VirtualBoard

from tests.host.conftest import environment
from tests.test_tiny import tiny

unix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in the file system, no pty")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "tiny.tflite").write_bytes(tiny())
    return tmp_path / "tiny.tflite"


def whit(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


def refused(*arguments: object) -> str:
    error = whit(*arguments).exception
    assert isinstance(error, WhitError), error
    assert error.hint
    return str(error)


@unix
def test_a_pipe_is_written_to_and_not_replaced(model: Path) -> None:
    pipe = model.with_name("pipe")
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert whit("convert", model, "-o", pipe).exit_code == 0
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert os.read(reader, 1 << 16) == conversion.convert(model).blob.content
    os.close(reader)


@unix
def test_of_a_link_the_file_is_replaced(model: Path) -> None:
    link, there = model.with_name("link.whit"), model.with_name("there.whit")
    link.symlink_to(there)
    assert whit("convert", model, "-o", link).exit_code == 0
    assert link.is_symlink() and there.stat().st_size > 1000


@pytest.mark.parametrize("out", ["", "/", "."])
def test_a_folder_as_output(model: Path, out: str) -> None:
    assert "directory" in refused("convert", model, "-o", out) or sys.platform == "win32"


def test_a_huge_file_is_no_whit_file(tmp_path: Path) -> None:
    with open(tmp_path / "huge.whit", "wb") as file:
        file.truncate(1 << 33)  # of zeros, which take no room
    assert refused("inspect", tmp_path / "huge.whit") == "huge.whit: not a whit file"


def test_a_huge_file_is_no_firmware(tmp_path: Path) -> None:
    with open(tmp_path / "huge.uf2", "wb") as file:
        file.write(b"UF2\n")
        file.truncate(1 << 33)
    message = "huge.uf2 is no firmware image: it has more than 128 MB"
    assert refused("flash", "pico", "--firmware", tmp_path / "huge.uf2", "--dry-run") == message


@unix
@pytest.mark.parametrize(
    "command", ["convert FILE", "inspect FILE", "run FILE 1", "deploy FILE", "flash pico --firmware FILE"]
)
def test_a_file_that_may_not_be_read(command: str, tmp_path: Path) -> None:
    (tmp_path / "locked").write_bytes(b"x")
    (tmp_path / "locked").chmod(0)
    if os.access(tmp_path / "locked", os.R_OK):
        pytest.skip("root may read it")
    assert "locked: permission denied" in refused(*command.replace("FILE", str(tmp_path / "locked")).split()).lower()


def test_labels_are_text(model: Path) -> None:
    assert whit("convert", model, "-o", model.with_suffix(".whit"), "--labels", "[red],:cat:,[/b]").exit_code == 0
    shown = whit("inspect", model.with_suffix(".whit"))
    assert "labels: [red], :cat:, [/b]" in shown.output
    if sys.platform != "win32":
        np.save(model.with_suffix(".npy"), np.zeros((1, 5, 5, 2)))
        ran = whit("run", model.with_suffix(".whit"), model.with_suffix(".npy"))
        assert ran.exit_code == 0 and all(label in ran.output for label in ("[red]", ":cat:", "[/b]"))


def test_letters_that_the_terminal_has_not(model: Path) -> None:
    command = [sys.executable, "-m", "whit", "convert", str(model), "-o", str(model.with_name("größe 花.whit"))]
    environ = {**environment(), "PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(command, capture_output=True, encoding="latin-1", env=environ)
    assert done.returncode == 0, done.stderr
    assert "größe \\u82b1.whit: " in done.stdout and not done.stderr


@pytest.mark.parametrize("text", ["", "a,b\n", "1;2\n", "1,2,\n"])
def test_a_csv_without_numbers(model: Path, text: str, recwarn: pytest.WarningsRecorder) -> None:
    (model.parent / "x.csv").write_text(text, encoding="utf-8")
    assert "x.csv: no row of numbers" in refused("convert", model, "--samples", model.parent / "x.csv")
    assert not recwarn.list


@pytest.mark.parametrize("text", ["1;2\n3;4\n", "a,b\n1,walk\n"])
def test_a_csv_with_a_cell_that_is_no_number(model: Path, text: str) -> None:
    (model.parent / "x.csv").write_text(text, encoding="utf-8")
    assert "x.csv: could not convert string" in refused("convert", model, "--samples", model.parent / "x.csv")


@unix
def test_rows_of_a_run(model: Path, virtual_board: VirtualBoard) -> None:
    blob, x = model.with_suffix(".whit"), model.with_suffix(".npy")
    conversion.convert(model, blob)
    np.save(x, np.zeros((0, 5, 5, 2)))
    assert refused("run", blob, x) == "no rows; tiny.whit wants at least 1"
    numbers = ",".join(["100"] * 50)
    raw = whit("run", blob, numbers, "--raw", "--json", "--port", virtual_board.port)
    assert sum(json.loads(raw.stdout)["outputs"][0]) == pytest.approx(-128, abs=3)  # of a softmax of three
    assert refused("run", blob, numbers.replace("100", "128", 1), "--raw").startswith("128 is no int8")
    assert refused("run", blob, numbers.replace("100", "0.5", 1), "--raw").startswith("0.5 is no int8")


def test_a_program_that_is_no_python() -> None:
    check_syntax(b"print(1)\n", "app.py")
    with pytest.raises(WhitError, match="app.py, line 2: invalid syntax"):
        check_syntax(b"x = 1\ndef (:\n", "app.py")
    with pytest.raises(WhitError, match="app.py.*null bytes"):
        check_syntax(b"a\0", "app.py")


def test_a_recording_without_a_place_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    where = refused("record", "--label", "a", "--port", "/dev/nope", "--out", tmp_path / "file")
    assert str(tmp_path / "file") in where
    assert "nan is no number" in str(whit("record", "--label", "a", "--rate", "nan").output)


@unix
@pytest.mark.parametrize("after_s", [0.02, 0.05, 0.1, 0.2, 0.4])
def test_ctrl_c_while_the_command_is_loaded(after_s: float, model: Path) -> None:
    command = [sys.executable, "-c", "from whit.__main__ import main; print(flush=True); main()", "ops"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    assert running.stdout
    running.stdout.readline()
    time.sleep(after_s)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert "Traceback" not in said and running.returncode in (0, 130, -signal.SIGINT)


@unix
@pytest.mark.parametrize("way", [">&-", ">/dev/full", "2>&-", "| true", "<&-"])
@pytest.mark.parametrize("verb", ["boards --all", "ops --json"])
def test_output_that_nobody_takes(verb: str, way: str) -> None:
    command = f"{sys.executable} -m whit {verb} {way}"
    if way == ">/dev/full" and not Path("/dev/full").exists():
        pytest.skip("/dev/full is of Linux")
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment())
    full = "whit: output: no space left on device" in done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    assert done.returncode == (1 if way == ">/dev/full" else 0) and full == (way == ">/dev/full")


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_the_table_of_boards_fits_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(width=columns, record=True, file=io.StringIO())
    monkeypatch.setattr(boards, "page", lambda: console)
    assert whit("boards", "--all").exit_code == 0
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert len(lines) == 1 + len(names()) and max(map(len, lines)) <= columns
    assert any("Raspberry Pi Pico 2 W" in line for line in lines)
    assert lines[0].endswith("firmware") == (columns == 120)
