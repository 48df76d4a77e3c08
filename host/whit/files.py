"""Files on a board, moved by code that runs there."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable

from whit import snippets
from whit.errors import BoardError, damaged
from whit.switching import sealed

Progress = Callable[[int, int], None]  # (bytes done, bytes in all)

_LEAST_BYTES, _MOST_BYTES = 512, 4096  # of a file in one piece; it takes some six times as much of the board's heap
_HEAP_PER_BYTE = 24
_GET_BYTES = 3072
_WINDOW_BITS = 12  # of deflate: reaches back over a whole piece


class Files(ABC):
    """What can be done with files where code can be run."""

    port: str
    _room: tuple[int, bool] | None = None  # bytes of a piece, and whether the board can unpack; after a reset anew

    @abstractmethod
    def exec(self, code: str, timeout_s: float | None = 30.0) -> str: ...

    def put(self, data: bytes, path: str, progress: Progress | None = None) -> None:
        """Write a file on the board; its folder must exist."""
        self.write_pieces(data, snippets.PUT_FILE.format(path=path), progress)

    def write_pieces(self, data: bytes, begin: str, progress: Progress | None, timeout_s: float = 30.0) -> None:
        """Write ``data`` to what ``begin`` opens as _whit_file on the board."""
        if self._room is None:
            self._room = self._find_room()
        size, deflates = self._room
        begin = sealed(begin + snippets.PUT_PIECE)  # a damaged path could be that of another file
        done = -1  # not open yet
        while done < len(data):
            start = max(0, done)
            piece = data[start : start + size]
            last = start + len(piece) == len(data)
            code = _put(piece, deflates) + (snippets.PUT_CLOSE if last else "")
            try:
                self.exec(begin + code if done < 0 else code, timeout_s)
            except BoardError as error:
                if "MemoryError" not in str(error) or size <= _LEAST_BYTES:
                    raise
                size //= 2
                if last:  # it may have been written before the memory ran out
                    done = -1
                continue
            done = start + len(piece)
            if progress:
                progress(done, len(data))

    def _find_room(self) -> tuple[int, bool]:
        said = self.exec(snippets.PUT_ROOM)
        free, _, deflate = said.strip().partition(" ")
        if not free.isdecimal() or deflate not in ("True", "False"):
            raise damaged(self.port, said.strip())
        most = max(_LEAST_BYTES, min(_MOST_BYTES, int(free) // _HEAP_PER_BYTE))
        return most // _LEAST_BYTES * _LEAST_BYTES, deflate == "True"  # whole pages of flash

    def get(self, path: str) -> bytes:
        """Content of a file on the board."""
        data = self.read_pieces(snippets.GET_OPEN.format(path=path, size=_GET_BYTES))
        self.exec(snippets.GET_CLOSE)
        return data

    def read_pieces(self, begin: str) -> bytes:
        """What _whit_get() prints on the board, which ``begin`` defines, until it prints nothing."""
        self.exec(begin)
        data = bytearray()
        while piece := a2b_base64(self.exec("_whit_get()")):
            data += piece
        return bytes(data)

    def remove(self, path: str) -> None:
        """Remove a file on the board, if it is there."""
        if self.exists(path):
            self.exec(f"import os\nos.remove({path!r})")

    def exists(self, path: str) -> bool:
        """Is there a file or a folder ``path`` on the board?"""
        return self.exec(snippets.EXISTS.format(path=path)).strip() == "True"

    def sha256(self, path: str) -> str | None:
        """SHA-256 (hex) of a file, computed on the board; None when there is no such file."""
        if not self.exists(path):
            return None
        return self.exec(f"{snippets.SHA256}\nprint(_whit_sha256({path!r}))\ndel _whit_sha256").strip()


def _put(piece: bytes, deflates: bool) -> str:
    """Code that appends ``piece`` to the open file; deflated where that saves a tenth."""
    if deflates:
        packer = zlib.compressobj(9, zlib.DEFLATED, -_WINDOW_BITS)
        packed = packer.compress(piece) + packer.flush()
        if len(packed) < 0.9 * len(piece):
            return f"_whit_put({b2a_base64(packed, newline=False)!r}, {_WINDOW_BITS})\n"
    return f"_whit_put({b2a_base64(piece, newline=False)!r})\n"
