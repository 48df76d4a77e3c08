"""The first page as someone meets it who has Python and a checkout, nothing else: to a prediction in five commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.test_docs import ROOT, blocks, matches, prompts


def copy_of_checkout(folder: Path) -> Path:
    """What a clone has: the files that git knows, as they are here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    for name in listed.decode().split("\0"):
        if name and (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


def bare_python(folder: Path) -> Path:
    """A folder whose python3 is the interpreter below this environment."""
    folder.mkdir()
    (folder / "python3").symlink_to(
        Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    )
    return folder


def test_to_a_prediction_in_five_commands(tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text()
    first = next(block for block in blocks(page) if block.kind == "sh setup")
    steps = list(prompts(first.text, "$ "))
    assert len(steps) <= 5
    assert "venv" in steps[0][0] and steps[-1][0].startswith("whit run ")
    mark = "-- next --"
    script = "set -e\n" + f"\necho '{mark}'\n".join(command for command, _ in steps)
    env = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_proxy")}
    env |= {
        "PATH": f"{bare_python(tmp_path / 'bin')}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "PIP_NO_CACHE_DIR": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=copy_of_checkout(tmp_path / "checkout"),
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    said = done.stdout.split(mark + "\n")
    for (command, want), got in zip(steps, said, strict=True):
        assert not want or matches(want, got), f"{command} promises\n{want}\n\nand this came:\n{got}"
