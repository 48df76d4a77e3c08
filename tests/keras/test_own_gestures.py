"""Gestures of one's own, the whole way on a virtual board: record takes, look at them, train, deploy, be recognised."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from whit import blob as blobs
from whit.virtual import VirtualBoard

from tests.host.conftest import environment, mpremote, whit
from tests.test_docs import blocks, matches

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "gesture_control"
RATE = 200  # the recordings have 10 Hz: half a second holds one of ten seconds
PER_TAKE = 100
LABELS = {"jog": "running", "stand": "standing", "stroll": "walking"}  # ours, and the data set's


def replayed(label: str, split: str, count: int) -> str:
    """A take of `count` recordings of BasicMotions, with gravity as a sensor would measure it."""
    from aeon.datasets import load_basic_motions

    x, y = load_basic_motions(split=split)
    chosen = np.concatenate(x[y == label][:count].transpose(0, 2, 1))
    chosen[:, 2] += 9.8
    lines = [",".join([f"{5 * i}", *(f"{v:.3f}" for v in row)]) for i, row in enumerate(chosen)]
    return "\n".join(["time (ms),ax (m/s2),ay (m/s2),az (m/s2),gx (rad/s),gy (rad/s),gz (rad/s)", *lines]) + "\n"


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    with VirtualBoard() as virtual:
        yield virtual


@pytest.fixture(scope="module")
def folder(board: VirtualBoard, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """takes/LABEL/*.csv as recorded, and a short training's build/."""
    made = tmp_path_factory.mktemp("own")
    for ours, theirs in LABELS.items():
        (board.root / "replay.csv").write_text(replayed(theirs, "train", 4))
        told = json.loads(
            whit(
                *("record", "--port", board.port, "--sensor", str(EXAMPLE / "replay.py"), "--label", ours),
                *("--rate", str(RATE), "--seconds", str(PER_TAKE / RATE), "--takes", "4", "--countdown", "0"),
                *("--out", str(made / "takes"), "--json"),
            )[0]
        )
        assert len(told["takes"]) == 4 and sum(take["samples"] for take in told["takes"]) > 0.6 * 4 * PER_TAKE
    return made


def train(*arguments: str, code: int = 0) -> tuple[str, str]:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "train.py"), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        env=environment() | {"PYTHONUTF8": "1"},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def trained(folder: Path) -> str:
    """What train.py printed."""
    options = ("--window", "0.4", "--epochs", "20", "--out", str(folder / "build"))
    return train("--takes", str(folder / "takes"), *options)[0]


def test_stats_tell_what_was_recorded(folder: Path) -> None:
    told = json.loads(whit("record", "--stats", str(folder / "takes"), "--json")[0])["labels"]
    assert [row["label"] for row in told] == list(LABELS) and {row["takes"] for row in told} == {4}
    for row in told:
        assert [channel["name"] for channel in row["channels"]] == ["ax", "ay", "az", "gx", "gy", "gz"]
        assert row["channels"][2]["unit"] == "m/s2" and 7 < row["channels"][2]["mean"] < 13
    jog, stand, stroll = (row["channels"][0]["std"] for row in told)
    assert stand < stroll < jog


def test_training_on_takes(folder: Path, trained: str) -> None:
    lines = trained.splitlines()
    assert re.fullmatch(r"3 labels, 6 channels, \d+(\.\d)? Hz; windows of 0\.[34]\d* s", lines[0]), lines[0]
    assert re.match(r"training on \d+ windows, each in 8 variants, 20 times over", lines[1]), lines[1]
    assert " windows of 3 unseen takes " in lines[2]
    assert "the int8 model says" in trained and re.search(r"│ of stand +│ +\. │ +\d+ │ +\. │", trained)
    assert float(trained.split()[-1]) == 1.0
    blob = blobs.read(folder / "build/gesture.whit")
    assert blob.labels == list(LABELS) and blob.inputs[0].shape[-1] == 6
    about = blob.meta["sensor"]
    assert about["channels"] == ["ax", "ay", "az", "gx", "gy", "gz"] and about["gravity"] is True
    assert (
        70 < blob.inputs[0].shape[-2] < 90
        and about["rate_hz"] == pytest.approx(RATE, rel=0.05)
        and 8 < about["mean"][2] < 12
    )
    assert len(set(about["std"][:3])) == 1 and min(about["std"]) > 0


def test_the_page_shows_such_a_training(trained: str) -> None:
    page = blocks((EXAMPLE / "README.md").read_text(encoding="utf-8"))
    shown = next(block.text for block in page if "train.py --takes" in block.text)
    command, _, want = shown.partition("\n")
    assert command.endswith("train.py --takes takes --window 0.4 --epochs 20")
    assert matches(want, trained), trained


def test_the_board_recognises_recordings_that_it_never_saw(board: VirtualBoard, folder: Path, trained: str) -> None:
    blob, app = str(folder / "build/gesture.whit"), str(EXAMPLE / "main.py")
    sent = json.loads(whit("deploy", blob, "--app", app, "--port", board.port, "--json")[0])["sent"]
    assert {"/main.py", "/samples.py", "/outputs.py", "/replay.py", "/drivers/adxl345.py"} <= set(sent)
    for ours, theirs in LABELS.items():
        (board.root / "replay.csv").write_text(replayed(theirs, "test", 3))
        said = mpremote(board, "exec", "import main; main.main()").splitlines()
        assert said[1] == "no sensor answers: replaying replay.csv" and said[-1] == "end of replay.csv: 300 samples"
        named = [line.split()[-1] for line in said[2:-1]]
        assert named == [ours], (ours, said)


def test_takes_that_do_not_fit_together(folder: Path, tmp_path: Path) -> None:
    sys.path.insert(0, str(EXAMPLE))
    import windows
    from whit import WhitError, takes

    x = np.random.default_rng(1).normal(0, 1, (50, 1)).astype(np.float32)

    def take(label: str, n: int = 50, hz: float = 50, names: tuple[str, ...] = ("a",)) -> takes.Take:
        return takes.Take(label, names, ("",), np.arange(n) * 1000 / hz, x[:n])

    def fails(*more: takes.Take, window_s: float | None = None) -> str:
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        for one in (take("a"), take("a"), take("b"), *more):
            takes.save(one, place)
        with pytest.raises(WhitError) as caught:
            windows.load(place, window_s)
        assert caught.value.hint
        return str(caught.value).replace(f"{place}/", "")

    assert fails() == "b: 1 takes of 1.0 s or longer; 2 are the least, one to train on and one to test"
    assert fails(take("b", 20), window_s=0.9).startswith("b: 1 takes of 0.9 s or longer")
    assert fails(take("b", hz=100)) == "b/b-002.csv: 100 Hz; most takes have 50"
    assert fails(take("b", names=("c",))) == "b/b-002.csv: channels c; a/a-001.csv has a"
    assert fails(take("b"), window_s=0.1) == "a window has 5 samples; 8 are the least"
    made = windows.load(folder / "takes", 0.25)
    assert (
        made.x_train.shape[1] in (48, 49, 50, 51, 52)
        and made.x_train.shape[2] == 6
        and abs(made.x_train.mean()) < 0.2
        and 0.7 < made.x_train.std() < 1.3
    )
    # a lost sample lies between its neighbours
    gap = takes.Take("a", ("a",), ("",), np.array([0.0, 20, 60, 80]), np.array([[0], [1], [3], [4]], np.float32))
    assert windows._even(gap, 50, 5).ravel().tolist() == [0, 1, 2, 3, 4]
