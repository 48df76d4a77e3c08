"""whit run on a virtual board: shapes, units, the model's own integers, several inputs and outputs, messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from whit import conversion, running
from whit.blob import Blob
from whit.cli import cli
from whit.errors import WhitError
from whit.virtual import VirtualBoard

from tests.agreement.builder import Net
from tests.test_tiny import tiny


@pytest.fixture(scope="module")
def port(virtual_board: VirtualBoard) -> str:
    return virtual_board.port


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With tiny.whit in it: 5x5x2 -> left, right, rest."""
    (tmp_path / "tiny.tflite").write_bytes(tiny())
    conversion.convert(tmp_path / "tiny.tflite", tmp_path / "tiny.whit", labels="left,right,rest")
    return tmp_path


def pair(folder: Path) -> tuple[Path, Blob]:
    """Two inputs, two outputs: sum = a + b, low = min(a, b)."""
    net = Net()
    a, b = net.tensor((1, 3), 0.1, 0), net.tensor((1, 3), 0.1, 0)
    total = net.op("ADD", [a, b], net.tensor((1, 3), 0.2, 1))
    low = net.op("MINIMUM", [a, b], net.tensor((1, 3), 0.1, 0))
    (folder / "pair.tflite").write_bytes(net.build([a, b], [total, low]))
    return folder / "pair.whit", conversion.convert(folder / "pair.tflite", folder / "pair.whit").blob


def test_rows_and_one_input_and_a_batch_axis(folder: Path, port: str) -> None:
    x = np.random.default_rng(0).normal(size=(4, 5, 5, 2)).astype(np.float32)
    many = running.run(folder / "tiny.whit", x, port=port).outputs
    assert many.shape == (4, 3) and many.dtype == np.float32
    assert np.allclose(many.sum(1), 1, atol=0.03)
    assert np.array_equal(running.run(folder / "tiny.whit", x[2], port=port).outputs, many[2:3])
    batched = running.run(folder / "tiny.whit", x[:, None], port=port).outputs
    assert batched.shape == (4, 1, 3) and np.array_equal(batched[:, 0], many)


def test_raw_integers_go_in_and_come_out_unchanged(folder: Path, port: str) -> None:
    blob = conversion.convert(folder / "tiny.tflite").blob
    x = np.random.default_rng(0).normal(size=(3, 5, 5, 2)).astype(np.float32)
    raw = running.run(folder / "tiny.whit", blob.inputs[0].quantise(x), raw=True, port=port).outputs
    assert raw.dtype == np.int8
    values = running.run(folder / "tiny.whit", x, port=port).outputs
    assert np.array_equal(blob.outputs[0].dequantise(raw), values)
    with pytest.raises(WhitError, match="input is float32; .* wants int8"):
        running.run(folder / "tiny.whit", x, raw=True, port=port)


def test_a_shape_that_does_not_fit(folder: Path, port: str) -> None:
    with pytest.raises(WhitError, match=r"^input is 5x5x3; tiny.whit wants 5x5x2$") as caught:
        running.run(folder / "tiny.whit", np.zeros((5, 5, 3)), port=port)
    assert caught.value.hint == "give an array (n, 5, 5, 2)"


def test_many_rows_go_in_pieces_with_progress(folder: Path, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_PIECE_BYTES", 500)
    x = np.random.default_rng(1).normal(size=(25, 5, 5, 2)).astype(np.float32)
    seen: list[tuple[int, int]] = []
    pieces = running.run(folder / "tiny.whit", x, port=port, progress=lambda i, n: seen.append((i, n))).outputs
    assert seen == [(10, 25), (20, 25), (25, 25)]
    monkeypatch.undo()
    assert np.array_equal(pieces, running.run(folder / "tiny.whit", x, port=port).outputs)


def test_several_inputs_and_outputs_by_name(tmp_path: Path, port: str) -> None:
    path, blob = pair(tmp_path)
    names = [info.name for info in blob.inputs]
    random = np.random.default_rng(2)
    inputs = {name: random.integers(-128, 128, (6, 1, 3)).astype(np.int8) for name in names}
    np.savez(tmp_path / "x.npz", **inputs)
    command = ["run", str(path), str(tmp_path / "x.npz"), "--raw", "--port", port, "-o", str(tmp_path / "y.npz")]
    result = CliRunner().invoke(cli, command)
    assert result.exit_code == 0, result.exception
    with np.load(tmp_path / "y.npz") as outputs:
        assert set(outputs.files) == {info.name for info in blob.outputs}
        low = outputs[blob.outputs[1].name]
        assert np.array_equal(low, np.minimum(*inputs.values()))
        assert outputs[blob.outputs[0].name].shape == (6, 1, 3)
    for wrong in ({names[0]: inputs[names[0]]}, {**inputs, "c": inputs[names[0]]}, inputs[names[0]]):
        with pytest.raises(WhitError, match="pair.whit wants t0, t1"):
            running.run(path, wrong, raw=True, port=port)
    with pytest.raises(WhitError, match="inputs of 6 and 5 rows"):
        running.run(path, {names[0]: inputs[names[0]], names[1]: inputs[names[1]][:5]}, raw=True, port=port)


def test_the_command_prints_labels_scores_and_json(folder: Path, port: str) -> None:
    np.save(folder / "x.npy", np.random.default_rng(0).normal(size=(2, 5, 5, 2)))
    command = ["run", str(folder / "tiny.whit"), str(folder / "x.npy"), "--port", port]
    result = CliRunner().invoke(cli, [*command, "-o", str(folder / "y.npy")])
    assert result.exit_code == 0, result.exception
    heading, *rows = result.stdout.splitlines()
    assert heading.split() == ["input", "label", "left", "right", "rest"]
    scores = np.load(folder / "y.npy")
    assert scores.dtype == np.float32
    for i, row in enumerate(rows[:2]):
        assert row.split()[:2] == [str(i), ["left", "right", "rest"][int(scores[i].argmax())]]
    document = json.loads(CliRunner().invoke(cli, [*command, "--json"]).stdout)
    assert document["outputs"] == scores.tolist() and document["labels"] == ["left", "right", "rest"]


@pytest.mark.parametrize(("content", "message"), [(b"", "x.npy: not a .npy file"), (b"text", "x.npy: not a .npy file")])
def test_an_input_that_is_none(folder: Path, content: bytes, message: str) -> None:
    (folder / "x.npy").write_bytes(content)
    result = CliRunner().invoke(cli, ["run", str(folder / "tiny.whit"), str(folder / "x.npy")])
    assert isinstance(result.exception, WhitError) and str(result.exception) == message


def test_numbers_and_csv_files_are_inputs(folder: Path, port: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 5, 5, 2)).round(3)
    x.reshape(2, -1)[0, 0] = -0.125  # a number that looks like an option
    np.save(folder / "rows.npy", x)
    np.savetxt(folder / "rows.csv", x.reshape(2, -1), delimiter=",", header="a,b", comments="")

    def outputs(given: str) -> Any:
        result = CliRunner().invoke(cli, ["run", str(folder / "tiny.whit"), given, "--port", port, "--json"])
        assert result.exit_code == 0, result.exception
        return json.loads(result.stdout)["outputs"]

    both = outputs(str(folder / "rows.npy"))
    assert outputs(str(folder / "rows.csv")) == both
    assert [outputs(",".join(map(str, row.ravel())))[0] for row in x] == both


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("1,2,3", "input is 3; tiny.whit wants 5x5x2"),
        ("1,nan", "1,nan: not all of these are finite numbers"),
        ("1,two", "1,two: no such file or directory"),
        ("--jsn", "--jsn"),
    ],
)
def test_numbers_that_are_none(folder: Path, port: str, given: str, message: str) -> None:
    result = CliRunner().invoke(cli, ["run", str(folder / "tiny.whit"), given, "--port", port], standalone_mode=False)
    assert result.exit_code and message in str(result.exception)


def test_without_a_port_a_fresh_board_is_large_enough(tmp_path: Path) -> None:
    net = Net()
    x = net.tensor((1, 400), 0.1, 0)
    weights = net.tensor((600, 400), 0.01, data=np.random.default_rng(0).integers(-127, 128, (600, 400)))
    y = net.op("FULLY_CONNECTED", [x, weights, -1], net.tensor((1, 600), 1.0, 0))
    (tmp_path / "m.tflite").write_bytes(net.build(x, y))
    blob = conversion.convert(tmp_path / "m.tflite", tmp_path / "m.whit").blob
    assert blob.blob_bytes > 200_000
    assert running.run(tmp_path / "m.whit", np.ones((2, 400), np.int8), raw=True).outputs.shape == (2, 600)


def test_of_many_outputs_the_largest_is_told(tmp_path: Path, port: str) -> None:
    net = Net()
    x = net.tensor((1, 12), 1.0, 0)
    y = net.op("RELU", [x], net.tensor((1, 12), 1.0, 0))
    (tmp_path / "wide.tflite").write_bytes(net.build(x, y))
    conversion.convert(tmp_path / "wide.tflite", tmp_path / "wide.whit")
    values = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 30, 11]
    command = ["run", str(tmp_path / "wide.whit"), ",".join(map(str, values)), "--port", port]
    heading, row, *_ = CliRunner().invoke(cli, command).stdout.splitlines()
    assert heading.split()[:2] == ["input", "largest"] and row.split()[:2] == ["0", "10"]
