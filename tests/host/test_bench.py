"""whit bench on a virtual board: the table, JSON, the picture, families of kernels, what the board does afterwards."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from whit import conversion, measurement
from whit.blob import read
from whit.board import Board
from whit.cli.bench import _print as show
from whit.cli.bench import command
from whit.errors import WhitError
from whit.latency import estimate
from whit.profiles import profile
from whit.virtual import VirtualBoard

from tests.host.conftest import PICO, whit
from tests.test_tiny import tiny

KINDS = ["CONV_2D", "FULLY_CONNECTED", "SOFTMAX"]


@pytest.fixture(scope="module")
def blob(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bench")
    (folder / "tiny.tflite").write_bytes(tiny())
    conversion.convert(folder / "tiny.tflite", folder / "tiny.whit")
    return folder / "tiny.whit"


def test_table_and_picture(blob: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "tiny.png"
    out, talk = whit("bench", str(blob), "--plot", str(picture))
    heading, *rows, total, last = out.splitlines()
    assert heading.split() == ["layer", "output", "us", "min", "..", "max", "share", "MMAC/s"]
    assert [row.split()[0] for row in rows] == KINDS and total.split()[0] == "total"
    shares = [float(row.split("%")[0].split()[-1]) for row in rows]
    assert sum(shares) == pytest.approx(100, abs=0.2)
    longest = max(zip(shares, rows, strict=True))[1]
    assert longest.rstrip().endswith(" " + "#" * 24) and all("#" in row for row in rows)
    assert last.startswith("tiny.whit on a virtual board, viper kernels, median of 10 times ") and last.endswith("runs")
    assert picture.read_bytes().startswith(b"\x89PNG") and talk == f"saved {picture}\n"


def test_times_belong_together(blob: Path, virtual_board: VirtualBoard) -> None:
    told: list[tuple[int, int]] = []
    result = measurement.bench(blob, port=virtual_board.port, rounds=3, progress=lambda *now: told.append(now))
    assert told == [(1, 3), (2, 3), (3, 3)] and result.rounds == 3 and result.runs > 1
    assert result.port == virtual_board.port and result.macs == 756
    for times in (result.total, *(layer.times for layer in result.layers)):
        assert 0 < times.us_min <= times.us <= times.us_max
    layer = result.layers[0]
    assert layer.macs_per_s == pytest.approx(1e6 * layer.macs / layer.times.us)


def test_json_and_another_family(blob: Path, virtual_board: VirtualBoard) -> None:
    out, talk = whit("bench", str(blob), "--port", virtual_board.port, "--kernels", "bytecode", "--runs", "2", "--json")
    told = json.loads(out)
    assert talk == "" and told["kernels"] == "bytecode" and told["port"] == virtual_board.port
    assert [layer["kind"] for layer in told["layers"]] == KINDS
    assert {"us", "us_min", "us_max", "macs", "macs_per_s", "share", "estimate_us"} <= set(told["layers"][0])
    assert told["total"]["us"] > 50  # bytecode: many times slower than machine code


def test_the_program_of_the_board_starts_again(blob: Path, fresh_board: VirtualBoard) -> None:
    (fresh_board.root / "main.py").write_text("while True:\n    pass\n")
    measurement.bench(blob, port=fresh_board.port, rounds=1)
    time.sleep(0.2)
    with Board(fresh_board.port) as board:
        assert board.interrupted


def test_kernels_that_no_one_has_seen_run_stand_beside_the_boards_own(
    blob: Path, virtual_board: VirtualBoard, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measurement.bench(blob, port=virtual_board.port, rounds=1)  # viper is there
    monkeypatch.setattr(measurement, "untried", lambda info: ["bytecode"])
    told: list[tuple[int, int]] = []
    result = measurement.bench(
        blob, port=virtual_board.port, rounds=2, kernels="bytecode", progress=lambda *now: told.append(now)
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (result.kernels, result.wrong, result.known) == ("bytecode", 0, 3)
    beside = result.beside
    assert beside and beside.kernels == "viper" and len(beside.layers) == 3
    assert beside.total.us < result.total.us
    show(result)
    heading, *_, last = capsys.readouterr().out.splitlines()
    assert heading.split() == ["layer", "output", "us", "min", "..", "max", "viper", "share", "MMAC/s"]
    assert re.fullmatch(r"bytecode: all 3 output bytes are right; [\d.]+ times as fast as viper", last)
    document = json.loads(json.dumps(result.to_json()))
    assert document["beside"]["total"]["us"] == beside.total.us and (document["wrong"], document["known"]) == (0, 3)


def test_a_wrong_answer_is_an_error(
    blob: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # deploy has found it right; other kernels need not be
    monkeypatch.setattr(measurement, "_START", measurement._START.replace(".selftest()", ".selftest() + 2"))
    options = {"port": None, "runs": 1, "kernels": None, "picture": None, "as_json": False}
    with pytest.raises(WhitError, match="^viper: 2 of 3 output bytes differ$") as caught:
        command.callback(blob=blob, **options)  # type: ignore[misc]
    assert "please report it" in caught.value.hint
    assert capsys.readouterr().out.startswith("layer")  # the times are told all the same


def test_errors(blob: Path) -> None:
    with pytest.raises(WhitError, match="^0 runs measure nothing$"):
        measurement.bench(blob, rounds=0)
    assert "whit: no.whit: no such file" in whit("bench", "no.whit", code=1)[1]
    with pytest.raises(WhitError, match="^thumb kernels do not run on "):
        measurement.bench(blob, kernels="thumb")
    result = measurement.bench(blob, rounds=1)
    with pytest.raises(WhitError, match="^picture.jpg: a plot is a .png or .svg file$") as caught:
        measurement.plot(result, Path("picture.jpg"))
    assert caught.value.hint == "name it picture.png or picture.svg"


def test_estimates_stand_beside_the_times_of_a_known_board(blob: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = read(blob)
    rounds = [[2000.0, 1200.0, 400.0, 300.0], [1900.0, 1100.0, 380.0, 310.0], [2600.0, 1150.0, 390.0, 305.0]]
    result = measurement._collected(model, "tiny.whit", "/dev/ttyACM0", PICO, ("thumb", 1), rounds)
    guess = estimate(model, profile("pico"), "thumb")
    assert result.profile == "pico" and result.estimate_us == pytest.approx(1000 * guess.total_ms)
    assert [layer.estimate_us for layer in result.layers] == pytest.approx([1000 * ms for ms in guess.layers_ms])
    assert [layer.times.us for layer in result.layers] == [1150, 390, 305]
    assert (result.total.us, result.total.us_min, result.total.us_max) == (2000, 1900, 2600)
    show(result)
    heading, *_, last = capsys.readouterr().out.splitlines()
    assert heading.split() == ["layer", "output", "ms", "min", "..", "max", "estimate", "share", "MMAC/s"]
    assert last == (
        "tiny.whit on /dev/ttyACM0 (Raspberry Pi Pico with RP2040), thumb kernels, median of 3 runs; estimates of pico"
    )
    # kernels that nobody has counted: no estimates
    unknown = measurement._collected(model, "tiny.whit", None, PICO, ("new", 1), rounds)
    assert unknown.profile is None and unknown.layers[0].estimate_us is None
