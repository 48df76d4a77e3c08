"""Stock MicroPython from micropython.org, by mpflash's command `mpflash download`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from whit.errors import WhitError
from whit.firmware import Image, file_name, page, read_image
from whit.profiles import Profile

_OFFLINE = re.compile(r"Max retries|ConnectionError|Could not connect|NameResolution|timed out|ProxyError")


def folder() -> Path:
    """Where downloaded images are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("MPFLASH_FIRMWARE") or Path(base) / "whit" / "firmware")


def command(board: Profile) -> list[str]:
    """What mpflash is called with."""
    return ["mpflash", "download", "--board", str(board.firmware), "--version", "stable"]


def newest(board: Profile) -> Path | None:
    """The newest image of a board that has been downloaded."""
    found = [path for path in folder().glob(f"*/{board.firmware}-v*") if path.suffix in (".bin", ".uf2")]
    return max(found, key=lambda path: [int(n) for n in re.findall(r"\d+", path.stem.partition("-v")[2])], default=None)


def fetch(board: Profile) -> Image:
    """The stable image of a board, downloaded if it is not there yet, and checked; one that is bad is not kept."""
    path = _download(board)
    try:
        return read_image(path, board)
    except WhitError as error:
        path.unlink()
        raise WhitError(str(error), "the same command downloads it again") from error


def _download(board: Profile) -> Path:
    if find_spec("mpflash") is None:
        raise WhitError("mpflash, which downloads MicroPython, is not installed", "pip install 'whit[flash]'")
    folder().mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "mpflash.cli_main", *command(board)[1:]],
        env={**os.environ, "MPFLASH_FIRMWARE": str(folder()), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    found = newest(board)
    if found is not None:
        return found
    if _OFFLINE.search(done.stdout):
        way = f"get {file_name(board)} from {page(board)} on a computer that has one, then --firmware FILE"
        raise WhitError("no network: micropython.org does not answer", way)
    told = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    raise WhitError(
        f"mpflash found no firmware {board.firmware}: {told[-1] if told else 'it said nothing'}",
        f"get it from {page(board)}, then --firmware FILE",
    )
