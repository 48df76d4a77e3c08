"""The drive that a board in its boot loader shows: found by its INFO_UF2.TXT, written by copying a file to it."""

from __future__ import annotations

import contextlib
import os
import re
import string
import sys
from collections.abc import Callable
from pathlib import Path

from whit.errors import WhitError

INFO = "INFO_UF2.TXT"
_PART = 64 * 1024


def mounts() -> list[Path]:
    """Where drives are mounted on this computer."""
    if sys.platform == "win32":
        return [Path(f"{letter}:/") for letter in string.ascii_uppercase[3:]]  # A to C are no boards
    if sys.platform == "darwin":
        return sorted(Path("/Volumes").glob("*"))
    with contextlib.suppress(OSError):
        return in_table(Path("/proc/mounts").read_text(encoding="utf-8", errors="replace"))
    return []


def in_table(text: str) -> list[Path]:
    """The folders in Linux's table of mounts, where spaces and the like are octal numbers."""
    folders = [line.split()[1] for line in text.splitlines() if line.startswith("/dev/")]
    return [Path(re.sub(r"\\(\d{3})", lambda m: chr(int(m[1], 8)), folder)) for folder in folders]


def board_id(folder: Path) -> str | None:
    """The Board-ID of a drive; None for one that is no board's."""
    try:
        text = (folder / INFO).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = re.search(r"^Board-ID:\s*(\S+)", text, re.MULTILINE)
    return found[1] if found else None


def find(wanted: str) -> Path | None:
    """The drive of a board of this Board-ID. WhitError where there are several."""
    found = [folder for folder in mounts() if board_id(folder) == wanted]
    if len(found) > 1:
        listed = ", ".join(map(str, found))
        raise WhitError(f"{len(found)} boards are in the boot loader: {listed}", "unplug all but one")
    return found[0] if found else None


def unmounted(wanted: str) -> Path | None:
    """The device of such a drive that nobody has mounted (Linux without a desktop)."""
    device = Path("/dev/disk/by-label") / wanted
    return device if device.exists() else None


def copy(source: Path, drive: Path, progress: Callable[[int, int], None]) -> None:
    """Copy an image to a drive. The board restarts by itself when it has the last block, and takes the drive away."""
    data = source.read_bytes()
    done = 0
    try:
        with (drive / source.name).open("wb") as file:
            for at in range(0, len(data), _PART):
                file.write(data[at : at + _PART])
                file.flush()
                os.fsync(file.fileno())
                done = min(at + _PART, len(data))
                progress(done, len(data))
    except PermissionError as error:
        raise WhitError(f"permission denied: {drive}", "mount the drive so that you may write to it") from error
    except OSError as error:
        if done < len(data) - _PART or board_id(drive) is not None:  # else it restarted before it had said so
            raise WhitError(
                f"{done:,} of {len(data):,} bytes arrived on {drive}: {error.strerror or error}",
                "plug the board in again, with BOOTSEL held, and repeat the command",
            ) from error
