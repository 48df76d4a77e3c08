"""whit inspect --board: what a run takes there, and the profiles of boards."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from whit import latency, profiles
from whit.blob import read, write
from whit.cli import main
from whit.conversion import convert
from whit.inspection import inspect
from whit.paths import boards_root
from whit.program import CONV

from tests.agreement import shared
from tests.emulated import layers

BOARDS = profiles.names()


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


@pytest.mark.parametrize("name", BOARDS)
def test_profiles(name: str) -> None:
    board = profiles.profile(name)
    assert board.name == name
    assert 1 <= board.clock_mhz <= 1000
    assert board.remark.endswith(".")
    assert latency.best(board) == board.family
    # cycles are modelled on a Cortex-M0+ alone
    assert (board.cycles_per_instruction is None) == (board.arch == "armv6m")


def test_the_boards_are_those_of_the_folder() -> None:
    assert {"esp32", "esp32c3", "pico", "pico2"} <= set(BOARDS)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('chip = "RP2040"\n', "", "chip"),
        ("clock_mhz = 125", "clock_mhz = 0", "clock_mhz"),
        ("clock_mhz = 125", 'clock_mhz = "fast"', "clock_mhz"),
        ("clock_mhz", "clock", "clock_mhz, clock"),
        ('arch = "armv6m"', "arch = 6", "arch"),
    ],
)
def test_a_profile_with_a_mistake_is_refused(old: str, new: str, named: str) -> None:
    text = (boards_root() / "pico.toml").read_text()
    with pytest.raises(ValueError, match=f"^{named}: missing"):
        profiles.parse(text.replace(old, new))


@pytest.mark.parametrize(("name", "hint"), [("pico3", "did you mean pico"), ("Pico", "did you mean pico"), ("x", "")])
def test_an_unknown_board(path: Path, capsys: pytest.CaptureFixture[str], name: str, hint: str) -> None:
    _, said = shown(capsys, path, "--board", name, code=1)
    lines = said.splitlines()
    assert lines[0] == f"whit: no board is called '{name}'"
    assert lines[2].startswith("hint: " + hint)
    assert lines[2].endswith(", ".join(BOARDS))


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_shows_times(path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    out, _ = shown(capsys, path, "--board", name)
    board = profiles.profile(name)
    (line,) = (line for line in out.splitlines() if line.startswith(f"{name} ("))
    assert f"{board.clock_mhz:g} MHz" in line and line.endswith(board.remark)
    assert ("cycles modelled" in line) == (name == "pico")
    assert ("instructions estimated on " in line) == (board.counted_on is not None)
    assert "ms" in out.splitlines()[1].split()
    for choice in ("load(FILE)", "load(FILE, expand=True)", "load(FILE, stream=True)"):
        offered = "expand" not in choice or latency.best(board) != "viper"
        assert sum(line.startswith(choice + "  ") for line in out.splitlines()) == offered


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
    assert said.startswith("whit: conv: its plan is none that whit runs")


def test_a_faster_clock_is_faster() -> None:
    blob = layers.conv()
    totals = {name: latency.estimate(blob, profiles.profile(name)) for name in BOARDS}
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
