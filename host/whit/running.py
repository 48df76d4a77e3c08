"""``whit.run``: inputs through a model on a board, virtual or real."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whit.blob import Blob, TensorInfo, read
from whit.board import Board
from whit.deployment import deploy
from whit.errors import WhitError
from whit.virtual import DEFAULT_HEAP_BYTES, VirtualBoard

Progress = Callable[[int, int], None]

_PIECE_BYTES = 32 * 1024  # of inputs that are on the board at one time
_ROOM_BYTES = 96 * 1024  # heap besides blob and arena: the runtime, compiled on the board, and mpremote's own
_INPUT, _OUTPUT = "/whit-run.in", "/whit-run.out"

# Reads inputs from a file straight into the model's own buffer, in order, on one Model.
_LOOP = f"""
def _whit_run():
    from time import ticks_us, ticks_diff
    us = 0
    with open({_INPUT!r}, "rb") as f, open({_OUTPUT!r}, "wb") as g:
        while f.readinto(_whit_model.input):
            t = ticks_us()
            _whit_model.run()
            us += ticks_diff(ticks_us(), t)
            g.write(_whit_model.output)
    print(us)
"""


@dataclass(frozen=True)
class Results:
    """``outputs``: (n, *output); int8, or the dtype that the model has at its edge, with ``raw``; else float32 in
    the unit of training. ``us``: mean time of one inference on the board, in microseconds."""

    outputs: npt.NDArray[Any]
    us: float


def run(
    blob: Blob | str | Path,
    inputs: npt.ArrayLike,
    *,
    raw: bool = False,
    port: str | None = None,
    progress: Progress | None = None,
) -> Results:
    """Runs ``inputs`` in order on one model, on the board at ``port`` or on a fresh virtual board.

    ``inputs``: (n, *input) or one input; in the unit of training, or with ``raw`` the model's own integers.
    Raises WhitError where the shape or the type does not fit, or the board fails.
    """
    path = Path(blob.name + ".whit") if isinstance(blob, Blob) else Path(blob)
    blob = blob if isinstance(blob, Blob) else read(blob)
    info, out = blob.inputs[0], blob.outputs[0]
    x = np.asarray(inputs)
    if x.dtype.kind not in "iufb":
        raise WhitError(f"input is {x.dtype}, not numbers", "save an array of numbers with numpy.save")
    rows, batched = _rows(x, info, path.name)
    quantised = info.to_int8(rows) if raw else info.quantise(rows)
    with _board(blob, path, port) as (board, file):
        flat, us = _through(board, blob, file, quantised.reshape(len(rows), -1), progress)
    shape = out.shape if batched else out.shape[1:]
    result = flat.reshape(len(rows), *shape)
    return Results(out.from_int8(result) if raw else out.dequantise(result), us)


def _rows(x: npt.NDArray[Any], info: TensorInfo, name: str) -> tuple[npt.NDArray[Any], bool]:
    """(n, *input), and whether the rows came with the batch axis of 1 that the model has."""
    full, inner = info.shape, info.shape[1:]
    for want, batched in ((full, True), (inner, False)):
        if x.shape[1:] == want and x.ndim == len(want) + 1:
            return x, batched
    for want, batched in ((inner, False), (full, False)):
        if x.shape == want:
            return x[None] if want == inner else x, batched
    have, wanted = ("x".join(map(str, s)) or "one number" for s in (x.shape, inner))
    raise WhitError(f"input is {have}; {name} wants {wanted}", f"give an array (n, {', '.join(map(str, inner))})")


@contextlib.contextmanager
def _board(blob: Blob, path: Path, port: str | None) -> Iterator[tuple[Board, str]]:
    """A board that has the runtime and the blob, and the blob's place on it."""
    with contextlib.ExitStack() as stack:
        if port is None:
            heap = max(DEFAULT_HEAP_BYTES, blob.blob_bytes + blob.arena_bytes + _ROOM_BYTES)
            port = stack.enter_context(VirtualBoard(heap_bytes=heap)).port
        deployed = deploy(path if path.exists() else blob, port=port)
        yield stack.enter_context(Board(port)), deployed.file


def _through(
    board: Board, blob: Blob, file: str, x: npt.NDArray[np.int8], progress: Progress | None
) -> tuple[npt.NDArray[np.int8], float]:
    """All rows of x through the model on the board, in pieces. Returns (outputs, microseconds a row)."""
    board.exec(f"import whit\n_whit_model = whit.load({file!r})" + _LOOP)
    step = max(1, _PIECE_BYTES // max(1, x.shape[1]))
    outputs, us = [], 0
    try:
        for start in range(0, len(x), step):
            piece = x[start : start + step]
            board.put(piece.tobytes(), _INPUT)
            us += int(board.exec("_whit_run()", timeout_s=3600))
            outputs.append(np.frombuffer(board.get(_OUTPUT), np.int8))
            if progress:
                progress(start + len(piece), len(x))
    finally:
        with contextlib.suppress(WhitError):  # the board may be gone; the first error is the one to tell
            for name in (_INPUT, _OUTPUT):
                board.remove(name)
            board.exec("del _whit_model, _whit_run")
    flat = np.concatenate(outputs) if outputs else np.zeros(0, np.int8)
    expected = len(x) * sum(o.size for o in blob.outputs)
    if flat.size != expected:
        raise WhitError(f"the board answered {flat.size} values; {expected} were expected", "run it again")
    return flat, us / max(1, len(x))
