"""examples/first_lesson: its bytes are the reference's, and its board part names the bottles of the page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import whit

from tests.inside import ROOT, micropython

LESSON = ROOT / "examples" / "first_lesson"
WINES = ["Barolo", "Grignolino", "Barbera"]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a pupil has trained and converted."""
    folder = tmp_path_factory.mktemp("lesson")
    subprocess.run([sys.executable, LESSON / "train.py"], cwd=folder, env=os.environ, check=True, capture_output=True)
    report = whit.convert(folder / "wine.keras", folder / "wine.whit", samples=folder / "learned.npz", labels=WINES)
    (folder / "wine.tflite").write_bytes(report.tflite)
    return folder


def test_every_hidden_bottle_gives_the_bytes_of_the_reference(learned: Path) -> None:
    runtime = pytest.importorskip("tflite_micro").runtime
    blob = whit.blob.read(learned / "wine.whit")
    inputs = blob.inputs[0].quantise(np.load(learned / "hidden.npy"))
    interpreter = runtime.Interpreter.from_file(str(learned / "wine.tflite"))
    wanted = []
    for row in inputs:
        interpreter.set_input(row[None], 0)
        interpreter.invoke()
        wanted.append(interpreter.get_output(0).ravel().copy())
    outputs = whit.run(learned / "wine.whit", inputs, raw=True).outputs
    assert len(outputs) == 60
    assert np.array_equal(outputs, np.array(wanted))


def test_program_names_its_three_bottles(learned: Path) -> None:
    shutil.copy(LESSON / "main.py", learned)
    out = micropython(learned, f"import os; os.chdir('{learned}'); import main; main.guess(5.75, 0.98, 1.59)")
    assert [line.split(",")[0] for line in out.splitlines()] == [*WINES, "Barbera"]


def test_readings_are_scaled_alike_on_both_sides() -> None:
    assert '"colour": (9, 13), "hue": (10, 1.7), "ratio": (11, 4)' in (LESSON / "train.py").read_text()
    assert "[colour / 13, hue / 1.7, ratio / 4]" in (LESSON / "main.py").read_text()
