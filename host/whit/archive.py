"""How much is in a file: a zip archive (.npz, .keras) of a few kilobytes may unpack to any amount."""

from __future__ import annotations

import zipfile
from pathlib import Path

from whit.errors import WhitError

MAX_BYTES = 1 << 30


def check_size(path: Path, what: str, hint: str) -> None:
    """Raises WhitError for a file that is, or unpacks to, more than MAX_BYTES; OSError where it cannot be read."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            size = max(size, sum(member.file_size for member in archive.infolist()))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        pass  # another kind of file, or one that its reader will refuse
    if size > MAX_BYTES:
        raise WhitError(f"{path.name}: {what} of {size >> 20} MB; at most {MAX_BYTES >> 20} are read", hint)
