"""Every command: help that fits a screen and ends in an example, one JSON document, errors that keep stdout empty.

A new command is covered by what loops over VERBS; `JSON` and `MISTAKES` want a line for it.
"""

from __future__ import annotations

import importlib
import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from whit import conversion
from whit.cli import VERBS, cli, main
from whit.virtual import VirtualBoard

from tests.device.models import tiny as flowers
from tests.host.conftest import environment, whit
from tests.host.test_flash import FIRMWARE, uf2
from tests.test_tiny import tiny

COLUMNS, LINES = 80, 24
NO_JSON = {"repl"}  # a conversation
# Their examples want a terminal, TensorFlow, a sensor, matplotlib, or go on for ever: other tests run the like.
ELSEWHERE = {"repl", "convert", "record", "bench", "virtual"}
# Arguments of a run that succeeds, with the board PORT and the files of `folder`; virtual has a test of its own.
JSON = {
    "convert": "tiny.tflite",
    "inspect": "tiny.whit --board pico",
    "run": "tiny.whit x.npy --port PORT",
    "ops": "",
    "doctor": "--port PORT",
    "boards": "",
    "bench": "tiny.whit --port PORT --runs 1",
    "deploy": "tiny.whit --port PORT",
    "flash": "pico --firmware pico.uf2 --dry-run",
    "record": "--port PORT --sensor ones.py --label ones --rate 10 --seconds 0.5 --countdown 0",
}
ONES = """
class Sensor:
    names = units = ("n",)
    def __init__(self, i2c):
        pass
    def read(self, buffer):
        buffer[0] = 1
"""
MORE_JSON = [
    "deploy tiny.whit --port PORT --dry-run",
    "deploy tiny.whit --all",
    "boards --all",
    "ops --keras",
    "run tiny.whit x.npy",
]
MORE_JSON += ["record --stats"]
# ... and of one that fails; a command that has none cannot fail for what its user gives it
MISTAKES = {
    "convert": "x.npy",
    "inspect": "no.whit",
    "run": "tiny.whit no.npy",
    "bench": "no.whit",
    "deploy": "tiny.whit --port /dev/none",
    "virtual": "--heap 1k",
    "record": "--label no/folder",
    "flash": "esp32 --firmware pico.uf2 --dry-run",
}


def parsed(verb: str) -> click.Command:
    command: click.Command = importlib.import_module(f"whit.cli.{verb}").command
    return command


def page(*arguments: str) -> str:
    result = CliRunner().invoke(cli, [*arguments, "--help"], prog_name="whit", terminal_width=COLUMNS)
    assert result.exit_code == 0
    return result.output.rstrip("\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("verbs")
    (made / "tiny.tflite").write_bytes(tiny())
    conversion.convert(made / "tiny.tflite", made / "tiny.whit", labels="left,right,rest")
    (made / "gesture.whit").write_bytes((made / "tiny.whit").read_bytes())
    flowers().save(made / "iris.whit")
    (made / "main.py").write_text("print('started')\n")
    (made / "pico.uf2").write_bytes(uf2(FIRMWARE))
    np.save(made / "x.npy", np.zeros((2, 5, 5, 2)))
    (made / "ones.py").write_text(ONES)
    return made


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_fits_a_screen_and_ends_in_an_example(verb: str) -> None:
    lines = page(*verb.split()).splitlines()
    wide = [line for line in lines if len(line) > COLUMNS]
    assert not wide, f"whit {verb} --help is wider than {COLUMNS} columns:\n" + "\n".join(wide)
    assert len(lines) <= LINES, f"whit {verb} --help has {len(lines)} lines; a screen has {LINES}"
    assert lines[-2].strip() == "Example:" and lines[-1].strip().startswith(f"whit {verb}".rstrip())


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_the_example_is_understood(verb: str) -> None:
    for line in page(*verb.split()).splitlines()[-1].split("&&"):
        name, used, *arguments = shlex.split(line)
        assert name == "whit" and used == (verb or used)
        parsed(used).make_context(used, arguments)  # click raises where an option or an argument is none of its


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ELSEWHERE])
def test_the_example_works(
    verb: str,
    folder: Path,
    virtual_board: VirtualBoard,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as caught:
        main(shlex.split(page(verb).splitlines()[-1])[1:])
    out, talk = capsys.readouterr()
    assert caught.value.code == 0 and out, talk


@pytest.mark.parametrize("verb", list(VERBS))
def test_one_line_of_help(verb: str) -> None:
    command = parsed(verb)
    assert command.short_help == VERBS[verb], f"whit.cli.{verb} and VERBS say different things"
    words = [option for parameter in command.params for option in parameter.opts]
    assert ("--json" in words) is (verb not in NO_JSON), f"whit {verb} --json: see {Path(__file__).name}"


def test_every_command_has_its_runs() -> None:
    missing = set(VERBS) - set(JSON) - NO_JSON - {"virtual"}
    assert not missing, f"add what {missing} is run with to JSON (and a mistake to MISTAKES) in {__file__}"


@pytest.mark.parametrize("line", [f"{verb} {rest}" for verb, rest in JSON.items()] + MORE_JSON)
def test_json_is_all_of_stdout(
    line: str, folder: Path, virtual_board: VirtualBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    out, talk = whit(*line.replace("PORT", virtual_board.port).split(), "--json")
    document = json.loads(out)  # whole: nothing before it, nothing after it
    assert document and isinstance(document, dict | list)
    assert "hint:" not in talk


@pytest.mark.parametrize("verb", list(MISTAKES))
def test_an_error_leaves_stdout_empty(
    verb: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit) as caught:
        main([verb, *MISTAKES[verb].split(), "--json"])
    out, talk = capsys.readouterr()
    first, empty, hint = talk.splitlines()[:3]
    assert caught.value.code == 1 and out == ""
    assert first.startswith("whit: ") and empty == "" and hint.startswith("hint: ")


def test_virtual_says_its_port_and_stays() -> None:
    command = [sys.executable, "-m", "whit", "virtual", "--heap", "200k", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        assert told["heap_bytes"] == 200 * 1024 and Path(told["port"]).exists()
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=10)
        assert (process.returncode, rest) == (0, "")


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ("deplyo", "there is no command 'deplyo'", "did you mean 'whit deploy'?"),
        ("xyz", "there is no command 'xyz'", "'whit --help' shows how"),
        ("deploy --prot x y", "no such option '--prot'", "did you mean '--port'?"),
        ("deploy", "missing argument 'BLOB'", "'whit deploy --help' shows how"),
        ("deploy a b", "got unexpected extra argument (b)", "'whit deploy --help' shows how"),
    ],
)
def test_wrong_usage(typed: str, message: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(typed.split())
    out, talk = capsys.readouterr()
    assert (caught.value.code, out, talk) == (2, "", f"whit: {message}\n\nhint: {hint}\n")
