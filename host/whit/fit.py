"""Whether a model fits into the RAM of a kind of board, whole or streamed."""

from __future__ import annotations

from dataclasses import dataclass

from whit.blob import Blob
from whit.profiles import Profile

RUNTIME_BYTES = 12 * 1024  # runtime and kernels of a small network, once loaded (tests/device/test_budget.py)


@dataclass(frozen=True)
class Fit:
    """Bytes of RAM: ``need`` in all, of it ``piece`` in one piece, ``stream`` with the weights read from the file.

    ``free`` and ``free_piece``: typical of stock MicroPython, less what the runtime takes. ``verdict``: "fits",
    "streams" (only so), or "does not fit".
    """

    board: str
    verdict: str
    need_bytes: int
    piece_bytes: int
    stream_bytes: int
    free_bytes: int
    free_piece_bytes: int


def fit(blob: Blob, board: Profile) -> Fit:
    """File and arena are allocated in one piece each; streamed, a window onto the weights takes the file's place."""
    free = max(board.heap_kb * 1024 - RUNTIME_BYTES, 0)
    free_piece = min(board.piece_kb * 1024, free)  # a split heap has room for the runtime beside its largest piece

    def holds(file: int) -> bool:
        return file + blob.arena_bytes <= free and max(file, blob.arena_bytes) <= free_piece

    verdict = "fits" if holds(blob.blob_bytes) else "streams" if holds(blob.window_bytes) else "does not fit"
    return Fit(
        board=board.name,
        verdict=verdict,
        need_bytes=blob.blob_bytes + blob.arena_bytes,
        piece_bytes=max(blob.blob_bytes, blob.arena_bytes),
        stream_bytes=blob.window_bytes + blob.arena_bytes,
        free_bytes=free,
        free_piece_bytes=free_piece,
    )
