"""whit convert and inspect as a user meets them: messages, exit codes, and files that are no models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from whit import archive, conversion
from whit.blob import FORMAT, read
from whit.cli import cli, main
from whit.errors import WhitError
from whit.importers import tflite

from tests.agreement.builder import Net
from tests.test_tiny import tiny


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.tflite"
    path.write_bytes(tiny())
    return path


def failure(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[str]:
    """Lines on stderr of a command that fails with exit code 1: one line, a blank one, a hint."""
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in arguments])
    assert stop.value.code == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 3 and lines[1] == "" and lines[0].startswith("whit: ") and lines[2].startswith("hint: ")
    return lines


def unknown_operators() -> bytes:
    net = Net()
    x = net.tensor((1, 4), 0.1, 0)
    a = net.op("RANK", [x], net.tensor((), dtype="int32"))
    b = net.op("ONE_HOT", [a], net.tensor((1, 4), 0.1, 0))
    return net.build(x, net.op("LOG_SOFTMAX", [b], net.tensor((1, 4), 16 / 256, 127)))


def test_all_operators_that_cannot_run_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "odd.tflite"
    path.write_bytes(unknown_operators())
    line, _, hint = failure(capsys, "convert", path, "-o", tmp_path / "odd.whit")
    assert line == (
        "whit: odd.tflite: 3 operators cannot run: RANK (layer 0), ONE_HOT (layer 1), LOG_SOFTMAX (layer 2)"
    )
    assert "whit ops" in hint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["odd.tflite"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "whit: m.tflite: empty file"),
        (b"hello, this is no model\n" * 9, "whit: m.tflite: not a TensorFlow Lite file"),
        (b"\x1c\0\0\0TFL3" + bytes(40), "whit: m.tflite: damaged"),
        (b"WHIT" + bytes(60), "whit: m.tflite: is a whit file already"),
        (b"PK\3\4 no zip", "whit: m.tflite: "),
    ],
)
def test_files_that_are_no_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(content)
    assert failure(capsys, "convert", path, "-o", tmp_path / "m.whit")[0].startswith(message)
    assert not (tmp_path / "m.whit").exists()


def test_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert failure(capsys, "convert", tmp_path / "nope.tflite")[0] == "whit: nope.tflite: no such file or directory"
    assert failure(capsys, "inspect", tmp_path / "nope.whit")[0] == "whit: nope.whit: no such file or directory"


def test_samples_of_the_wrong_shape(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "x.npy", np.zeros((7, 3)))
    lines = failure(capsys, "convert", model, "-o", tmp_path / "m.whit", "--samples", tmp_path / "x.npy")
    assert lines == [
        "whit: samples of 7x3; tiny.tflite wants (n, 5x5x2)",
        "",
        "hint: give an array of shape (n, 5, 5, 2)",
    ]
    assert not (tmp_path / "m.whit").exists()


@pytest.mark.parametrize(("name", "content"), [("x.npy", b"no numbers"), ("x.npz", b"PK"), ("x.txt", b"1 2 3")])
def test_samples_that_are_none(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    lines = failure(capsys, "convert", model, "-o", tmp_path / "m.whit", "--samples", tmp_path / name)
    assert lines[0] == f"whit: {name}: not a file of samples"


@pytest.mark.parametrize("name", ["x.npz", "m.keras"])
def test_archives_that_unpack_to_very_much(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(archive, "MAX_BYTES", 5 << 20)
    np.savez_compressed(tmp_path / "x.npz", x=np.zeros((6, 5, 5, 40_000), np.int8))
    (tmp_path / "x.npz").rename(tmp_path / name)
    assert (tmp_path / name).stat().st_size < 100_000
    given = [tmp_path / name] if name == "m.keras" else [model, "--samples", tmp_path / name]
    line = failure(capsys, "convert", *given, "-o", tmp_path / "m.whit")[0]
    what = "a model" if name == "m.keras" else "samples"
    assert line == f"whit: {name}: {what} of 5 MB; at most 5 are read"


def test_labels_that_do_not_fit(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = failure(capsys, "convert", model, "-o", tmp_path / "m.whit", "--labels", "a,b")
    assert lines[0] == "whit: tiny.tflite: 2 labels for 3 outputs"


def test_samples_of_every_kind_make_the_self_test(model: Path, tmp_path: Path) -> None:
    x = np.random.default_rng(1).normal(size=(6, 5, 5, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", x=x, y=np.zeros(6, np.int64))
    np.savetxt(tmp_path / "x.csv", x.reshape(6, -1), delimiter=",", header="a,b", comments="")
    for name in ("x.npy", "x.npz", "x.csv"):
        report = conversion.convert(model, samples=tmp_path / name)
        assert report.blob.test[:50] == report.blob.inputs[0].quantise(x[0]).tobytes()
        assert (report.accuracy_int8 is not None) == (name == "x.npz")


def test_a_blob_of_a_later_format(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray(conversion.convert(model).blob.content)
    content[4] = FORMAT + 1
    (tmp_path / "new.whit").write_bytes(content)
    lines = failure(capsys, "inspect", tmp_path / "new.whit")
    assert lines[0] == "whit: new.whit: format 2; this whit reads 1"


@pytest.mark.parametrize("damage", ["cut", "flip", "longer"])
def test_a_damaged_blob(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str) -> None:
    content = bytearray(conversion.convert(model).blob.content)
    if damage == "flip":
        content[200] ^= 1
    content = {"cut": content[:-3], "flip": content, "longer": content + b"x"}[damage]
    (tmp_path / "m.whit").write_bytes(content)
    assert failure(capsys, "inspect", tmp_path / "m.whit")[0].startswith("whit: m.whit: ")


def test_truncated_and_flipped_models_give_an_error_line_or_a_model(tmp_path: Path) -> None:
    content = tiny()
    random = np.random.default_rng(11)
    cases = [content[:n] for n in range(0, len(content), 7)]
    for _ in range(400):
        damaged = bytearray(content)
        for at in random.integers(0, len(content), random.integers(1, 4)):
            damaged[at] = random.integers(0, 256)
        cases.append(bytes(damaged))
    refused = 0
    for case in cases:
        path = tmp_path / "m.tflite"
        path.write_bytes(case)
        try:
            conversion.convert(path)
        except WhitError as error:
            refused += 1
            assert "\n" not in str(error) and str(error).startswith("m.tflite: ")
    assert refused > len(cases) // 2


def test_a_stop_half_way_leaves_the_old_file(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "m.whit"
    target.write_bytes(b"what was there")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        conversion.convert(model, target)
    assert target.read_bytes() == b"what was there"


@pytest.mark.parametrize("verb", ["convert", "inspect", "run", "virtual", "boards", "deploy"])
def test_help_of_every_verb_ends_in_an_example(verb: str) -> None:
    result: Result = CliRunner().invoke(cli, [verb, "--help"])
    assert result.exit_code == 0
    lines = result.output.rstrip().splitlines()
    assert lines[-1].strip().startswith(f"whit {verb}")
    assert len(lines) <= 40 and max(map(len, lines)) <= 80


@pytest.mark.parametrize("arguments", [[], ["frob"], ["convert"], ["inspect", "--frob", "x"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_json_is_one_document(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["convert", str(model), "-o", str(tmp_path / "m.whit"), "--json"])
    made = json.loads(capsys.readouterr().out)
    with pytest.raises(SystemExit):
        main(["inspect", str(tmp_path / "m.whit"), "--json"])
    facts = json.loads(capsys.readouterr().out)
    keys = ["name", "format", "macs", "weight_bytes", "blob_bytes", "arena_bytes", "input", "output", "layers"]
    assert set(keys) <= set(facts) and set(keys) <= set(made)
    assert facts["blob_bytes"] == (tmp_path / "m.whit").stat().st_size


def test_a_blob_names_its_model(model: Path) -> None:
    blob = conversion.convert(model, labels=["a", "b", "c"], name="other").blob
    assert (blob.name, blob.labels) == ("other", ["a", "b", "c"])
    assert blob.meta["source_sha256"] == tflite.read(model).source_sha256


def test_reading_back_what_was_written(model: Path, tmp_path: Path) -> None:
    report = conversion.convert(model, tmp_path / "m.whit")
    assert read(tmp_path / "m.whit") == report.blob


def test_a_float_model_is_named_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    net = Net()
    x = net.tensor((1, 4), dtype="float32")
    weights = net.tensor((2, 4), dtype="float32", data=np.ones((2, 4), np.float32))
    path = tmp_path / "m.tflite"
    path.write_bytes(net.build(x, net.op("FULLY_CONNECTED", [x, weights, -1], net.tensor((1, 2), dtype="float32"))))
    lines = failure(capsys, "convert", path, "-o", tmp_path / "m.whit")
    assert lines[0] == "whit: m.tflite: a float32 model; whit runs int8"
    assert "--samples" in lines[2]
