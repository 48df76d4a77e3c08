"""Power lost at any write to the flash while a board switches over, on the file systems that boards have."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest
from whit import switching
from whit.cargo import RUNTIME
from whit.switching import sealed, switch_files
from whit.virtual import micropython

POWER = Path(__file__).with_name("power.py").read_text()
DROP = f"_whit_drop({switching.STAGE[1:]!r})\n"


def starts(driver: str, steps: list[str], app: bool, folder: Path) -> list[tuple[str, ...]]:
    """What a board finds that starts after the first k writes, for each k; and once the next deployment tidied up."""
    recover = switching.TOOLS + switching.RECOVER.replace("print", "str")
    script = folder / "power.py"
    values = {"driver": driver, "steps": [switching.TOOLS, *steps], "app": app, "recover": recover}
    script.write_text("".join(f"{name} = {value!r}\n" for name, value in values.items()) + POWER)
    command = [micropython(), "-X", "heapsize=8m", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return [ast.literal_eval(line.partition(" ")[2]) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("app", [True, False])
@pytest.mark.parametrize("driver", ["lfs2", "fat"])
def test_power_lost_at_any_write(driver: str, app: bool, tmp_path: Path) -> None:
    program = "/main.py" if app else ""
    files = switch_files(["/m.whit", *([program, "/deep/new.py"] if app else [])], program, RUNTIME)
    found = starts(driver, [sealed(switching.SWITCH_RUNTIME), sealed(files), DROP], app, tmp_path)
    after = ("new", "new" if app else "old")  # model, program
    together = {("old", "old"), after}
    assert len(found) > 30
    assert found[0][:3] == ("old", "old", "old") and found[-1][:3] == ("new", *after)
    missing = damaged = 0
    for runtime, model, main, runtime_then, model_then, main_then, names in found:
        assert runtime in ("old", "new")
        if (model, main) not in together:  # FAT removes a file before it renames another to its place
            missing += 1
            assert (driver, model, main) == ("fat", "new", "error 2")
        assert (model_then, main_then) in together and set(names) - {"deep"} == {"lib", "m.whit", "main.py"}
        if runtime_then not in ("old", "new"):  # a folder with two names: the deployment that tidied up sends it again
            damaged += 1
            assert driver == "fat"
    assert missing <= 3 and damaged <= 4


def test_runtime_comes_back_from_any_step(tmp_path: Path) -> None:
    switch = [line + "\n" for line in switching.SWITCH_RUNTIME.splitlines()]
    for steps in ([], switch[:1], switch):
        found = starts("lfs2", [*steps, switching.RESTORE_RUNTIME], False, tmp_path)
        assert found[-1][0] == found[-1][3] == "old"
        assert {f[0] for f in found} <= {"old", "new"} and {f[3] for f in found} <= {"old", "new"}
