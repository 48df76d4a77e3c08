"""whit inspect --board: does a model fit there, and what a run takes."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from whit import latency, profiles
from whit.blob import Blob, read, write
from whit.cli import main
from whit.conversion import convert
from whit.errors import WhitError
from whit.fit import fit
from whit.inspection import inspect
from whit.program import CONV

from tests.agreement import shared
from tests.emulated import layers

BOARDS = profiles.names()
TIMED = [board.name for board in profiles.everything() if board.clock_mhz]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    layers.conv().save(tmp_path / "m.whit")
    return tmp_path / "m.whit"


def shown(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> tuple[str, str]:
    """(stdout, stderr) of ``whit inspect``."""
    with pytest.raises(SystemExit) as caught:
        main(["inspect", *map(str, arguments)])
    assert caught.value.code == code
    done = capsys.readouterr()
    return done.out, done.err


@pytest.mark.parametrize(("name", "hint"), [("pico3", "did you mean pico"), ("Pico", "did you mean pico"), ("x", "")])
def test_an_unknown_board(path: Path, capsys: pytest.CaptureFixture[str], name: str, hint: str) -> None:
    _, said = shown(capsys, path, "--board", name, code=1)
    lines = said.splitlines()
    assert lines[0] == f"whit: no board is called '{name}'"
    assert lines[2].startswith("hint: " + hint)
    assert lines[2].endswith(", ".join(BOARDS))


@pytest.mark.parametrize("name", TIMED)
def test_every_board_shows_times(path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    out, _ = shown(capsys, path, "--board", name)
    board = profiles.profile(name)
    (line,) = (line for line in out.splitlines() if line.startswith(f"{name} ("))
    assert f"{board.clock_mhz:g} MHz" in line and line.endswith(board.remark)
    assert ("cycles modelled" in line) == (board.chip == "RP2040")
    assert ("instructions estimated on " in line) == (board.counted_on is not None)
    assert "ms" in out.splitlines()[1].split()
    for choice in ("load(FILE)", "load(FILE, expand=True)", "load(FILE, stream=True)"):
        offered = "expand" not in choice or latency.best(board) != "viper"
        assert sum(line.startswith(choice + "  ") for line in out.splitlines()) == offered


def test_the_virtual_board_has_no_times(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(capsys, path, "--board", "virtual")
    assert "virtual: fits: " in out and "It runs as fast as this computer does. 'whit run'" in out
    assert "ms" not in out.splitlines()[1].split()
    assert json.loads(shown(capsys, path, "--board", "virtual", "--json")[0]).keys() >= {"fit"}
    with pytest.raises(WhitError, match="^nobody knows how fast a virtual board is$"):
        latency.estimate(layers.conv(), profiles.profile("virtual"))


def test_the_id_of_the_firmware_names_the_board(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, path, "--board", "rpi_pico") == shown(capsys, path, "--board", "pico")
    told = json.loads(shown(capsys, path, "--board", "ESP32_GENERIC_C3", "--json")[0])
    assert (told["fit"]["board"], told["latency"]["board"]) == ("esp32c3", "esp32c3")


def test_fit() -> None:
    """The device allocates file and arena in one piece each; whole, streamed, or not at all."""
    small = layers.conv()
    pico, esp32 = profiles.profile("pico"), profiles.profile("esp32")
    assert fit(small, pico).verdict == "fits"
    for size, arena, board, verdict in (
        (178 * 1024 - 5000, 5000, pico, "fits"),
        (178 * 1024 - 5000, 5001, pico, "streams"),
        (300_000, 178 * 1024 - small.window_bytes, pico, "streams"),
        (300_000, 178 * 1024 - small.window_bytes + 1, pico, "does not fit"),
        (108 * 1024, 5000, esp32, "fits"),
        (108 * 1024 + 1, 5000, esp32, "streams"),
        (5000, 108 * 1024 + 1, esp32, "does not fit"),
    ):
        blob = SimpleNamespace(blob_bytes=size, arena_bytes=arena, window_bytes=small.window_bytes)
        found = fit(cast(Blob, blob), board)
        assert (found.verdict, found.need_bytes) == (verdict, size + arena)
        assert found.piece_bytes == max(size, arena)


@pytest.mark.parametrize(("kb", "verdict"), [(100, "fits"), (170, "streams"), (175, "does not fit")])
def test_the_line_says_whether_it_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kb: int, verdict: str
) -> None:
    path = tmp_path / "m.whit"
    blob = layers.conv()
    path.write_bytes(write(blob.meta, blob.plan, blob.data + bytes(10_000), blob.test, kb * 1024))
    monkeypatch.setattr("whit.blob.Blob.window_bytes", 6000)
    out, _ = shown(capsys, path, "--board", "pico")
    (line,) = (line for line in out.splitlines() if line.startswith("pico: "))
    assert re.fullmatch(
        rf"pico: {verdict}: it needs \d+\.\d KB of RAM, {kb}\.0 KB of it in one piece; "
        r"about 178 KB are free beside stock MicroPython and whit(; streamed from the file it needs [\d.]+ KB)?",
        line,
    )
    assert ("streamed" in line) == (verdict != "fits")


def test_json_has_the_same_numbers(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "latency" not in json.loads(shown(capsys, path, "--json")[0])
    told = json.loads(shown(capsys, path, "--board", "pico", "--json")[0])["latency"]
    assert (told["board"], told["cycles"], told["instructions"]) == ("pico", "modelled", "counted")
    assert told["total_ms"] == pytest.approx(sum(told["layers_ms"]) + told["between_ms"])
    assert told["choices"][0]["ms"] == told["total_ms"]


def test_what_the_choices_cost() -> None:
    blob = layers.conv()
    facts = inspect(blob)
    board = profiles.profile("pico")
    whole, kept, streamed, *more = latency.choices(blob, board)
    assert whole.ram_bytes == facts.blob_bytes + facts.arena_bytes
    assert kept.ram_bytes - whole.ram_bytes == (2 * 28 + 24) * 8 + 2 * 28  # 27 weights make 28, 6 channels 8
    assert kept.ms <= whole.ms
    assert streamed.read_bytes == facts.layers[0].data_bytes == facts.layers[0].data_bytes
    assert streamed.ram_bytes == blob.window_bytes + facts.arena_bytes < whole.ram_bytes
    assert [choice.name for choice in more] == ['load(FILE, kernels="viper")'] * (latency.best(board) != "viper")


def test_layers_that_cannot_keep_weights_offer_it_not() -> None:
    names = [choice.name for choice in latency.choices(layers.depthwise(), profiles.profile("pico"))]
    assert "load(FILE, expand=True)" not in names


def test_a_form_that_was_not_counted_takes_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    blob = layers.conv()
    (exact,) = latency.counted(blob, "viper", "armv6m")
    forms = latency.cost_table()["cores"]["viper armv6m"]
    monkeypatch.setattr(latency, "amounts", lambda r, data, kept: ("depthwise, odd, kept", {"weight": 2}))
    (near,) = latency.counted(blob, "viper", "armv6m")
    assert near == 2 * forms["depthwise"]["weight"][0] != exact


def test_a_plan_of_another_version_is_refused(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blob = read(path)
    words = [word for r in blob.records for word in ([*r[:1], len(r) - 3, *r[2:-3]] if r[0] == CONV else r)]
    plan = struct.pack(f"<{len(words)}I", *words)
    path.write_bytes(write(blob.meta, plan, blob.data, blob.test, blob.arena_bytes))
    _, said = shown(capsys, path, "--board", "pico", code=1)
    assert said.startswith("whit: m.whit: its plan is none that whit runs")


@pytest.mark.parametrize("word", [12, 13, 15, 16])
def test_a_plan_with_windows_without_end_is_refused(path: Path, capsys: pytest.CaptureFixture[str], word: int) -> None:
    blob = read(path)
    records = [[*r[:word], 1 << 30, *r[word + 1 :]] if r[0] == CONV else r for r in blob.records]
    words = [value for r in records for value in r]
    plan = struct.pack(f"<{len(words)}I", *words)
    path.write_bytes(write(blob.meta, plan, blob.data, blob.test, blob.arena_bytes))
    _, said = shown(capsys, path, "--board", "pico", code=1)
    assert said.startswith("whit: m.whit: its plan is none that whit runs")


def test_a_faster_clock_is_faster() -> None:
    blob = layers.conv()
    totals = {name: latency.estimate(blob, profiles.profile(name)) for name in TIMED}
    assert all(len(t.layers_ms) == 1 and t.layers_ms[0] > 0 for t in totals.values())
    assert totals["pico2"].total_ms < totals["pico"].total_ms


def test_the_table_of_the_first_page() -> None:
    page = (shared.ROOT / "README.md").read_text(encoding="utf-8")
    heading, _, *rows = page[page.index("| model | MACs") :].partition("\n\n")[0].splitlines()
    boards = [cell.strip() for cell in heading.strip("|").split("|")][4:]
    assert len(rows) >= 6 and boards
    for row in rows:
        name, *cells = (cell.strip() for cell in row.strip("|").split("|"))
        shared.need(shared.names("models")[0])
        blob = convert(shared.SHARED / "models" / f"{name}.tflite").blob
        times = [f"{latency.estimate(blob, profiles.profile(board)).total_ms:.1f}" for board in boards]
        sizes = [f"{size / 1024:.1f}" for size in (blob.blob_bytes, blob.arena_bytes)]
        assert cells == [f"{inspect(blob).macs:,}", *sizes, *times], name
