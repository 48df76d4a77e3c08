"""What a board has before a deployment, and what it has after: model, runtime and program differ, names do not.

The two models have inputs of different sizes, the old runtime has no kernels for the new model, and each program
feeds its own model only. So nothing but a whole version gives right answers.
"""

from __future__ import annotations

import ast
import shutil
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from whit.blob import Blob
from whit.paths import device_root
from whit.runtime import runtime
from whit.simulate import Simulator

from tests.device.models import Builder
from tests.host.conftest import VIRTUAL

# It reports by a rename, so that a report is whole; then it runs for ever, as programs on boards do.
_PROGRAM = """\
import os
import time
import whit

VERSION = {version!r}
m = whit.load("/model.whit")
answers = [(m.predict(values), bytes(m.output)) for values in {inputs!r}]
with open("/report.new", "w") as f:
    f.write(repr((VERSION, answers)))
os.rename("/report.new", "/report")
while True:
    time.sleep_ms(20)
"""


OLD_FILE = "lib/whit/helpers.py"  # only an old runtime has it
_OLD = [OLD_FILE, "lib/whit/model.py", "lib/whit/report.py"]


@dataclass(frozen=True)
class Version:
    """A model with the program that uses it."""

    name: str
    blob: Blob
    labels: list[str]

    @cached_property
    def inputs(self) -> list[list[float]]:
        size = self.blob.inputs[0].size
        return np.random.default_rng(size).uniform(-5, 5, (4, size)).round(2).tolist()

    @property
    def program(self) -> str:
        return _PROGRAM.format(version=self.name, inputs=self.inputs)

    @cached_property
    def report(self) -> tuple[str, list[tuple[str, bytes]]]:
        """What the program reports where all is right; by the simulator."""
        simulator, answers = Simulator(self.blob), []
        for values in self.inputs:
            output = simulator.run(self.blob.inputs[0].quantise(values))
            answers.append((self.labels[int(output.argmax())], output.tobytes()))
        return self.name, answers


@cache
def old() -> Version:
    b = Builder("model", (1, 4))
    labels = ["a", "b", "c"]
    inputs = [b.x, b.weights(3, 4), b.bias(3)]
    return Version("old", b.blob(b.add("FULLY_CONNECTED", inputs, b.tensor((1, 3), 0.1, -5)), labels), labels)


@cache
def new() -> Version:
    b = Builder("model", (1, 6))
    labels = ["k", "l", "m", "n"]
    inputs = [b.x, b.weights(4, 6), b.bias(4)]
    scores = b.add("FULLY_CONNECTED", inputs, b.tensor((1, 4), 0.1, -5))
    return Version("new", b.blob(b.add("SOFTMAX", [scores], b.tensor((1, 4), 1 / 256, -128), beta=1.0), labels), labels)


def which(report: str) -> str:
    """ "old" or "new" where the report of a program is right, else what is wrong with it."""
    try:
        said = ast.literal_eval(report)
    except (SyntaxError, ValueError):
        return f"a report that is none: {report[:100]!r}"
    for version in (old(), new()):
        if said == version.report:
            return version.name
    return f"wrong answers: {report[:200]}"


def write_old(root: Path) -> None:
    """The files of a board with the old version: an older runtime with sources where .mpy files are now."""
    for item in runtime(VIRTUAL, old().blob):
        path = root / item.path[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(item.content)
    here = root / "lib/whit"
    with (here / "__init__.py").open("a") as init:
        init.write("# older\n")
    for name in ("model", "report"):
        (here / f"{name}.mpy").unlink()
        shutil.copy(device_root() / f"whit/{name}.py", here)
    (root / OLD_FILE).write_text("# of an older runtime\n")
    (root / "model.whit").write_bytes(old().blob.content)
    (root / "main.py").write_text(old().program)
    (root / "notes.txt").write_text("not of this deployment\n")
    (root / "lib/sensor.py").write_text("# not of this deployment\n")


def files(root: Path) -> dict[str, bytes]:
    """{path: content} of a board, without the report of the program."""
    found = {str(path.relative_to(root)): path for path in root.rglob("*")}
    return {
        name: path.read_bytes() if path.is_file() else b"folder"
        for name, path in found.items()
        if not name.startswith("report")
    }


def after(before: dict[str, bytes]) -> dict[str, bytes]:
    """The files of a board with these files once the new version is on it."""
    found = {name: content for name, content in before.items() if name not in _OLD}
    found.update((item.path[1:], item.content) for item in runtime(VIRTUAL, new().blob))
    return {**found, "model.whit": new().blob.content, "main.py": new().program.encode()}
