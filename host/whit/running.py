"""``whit.run``: inputs through a model on a board, virtual or real."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whit.blob import Blob, TensorInfo, read
from whit.board import Board, Progress
from whit.deployment import deploy
from whit.errors import WhitError
from whit.virtual import DEFAULT_HEAP_BYTES, VirtualBoard

_PIECE_BYTES = 32 * 1024  # of inputs that are on the board at one time
_ROOM_BYTES = 96 * 1024  # heap besides blob and arena: the runtime, compiled on the board, and mpremote's own
_INPUT, _OUTPUT = "whit-run.in", "whit-run.out"  # in the root of its files, which some boards call /flash

# Reads inputs from a file straight into the model's own buffers, in order, on one Model without a reset between.
_LOOP = f"""
def _whit_run():
    from time import ticks_us, ticks_diff
    m = _whit_model
    us = 0
    with open({_INPUT!r}, "rb") as f, open({_OUTPUT!r}, "wb") as g:
        while True:
            for x in m.inputs:
                if not f.readinto(x):
                    print(us)
                    return
            t = ticks_us()
            m.run()
            us += ticks_diff(ticks_us(), t)
            for y in m.outputs:
                g.write(y)
"""


@dataclass(frozen=True)
class Results:
    """``named``: name of each output -> (n, *output); int8, or the dtype that the model has at its edge, with ``raw``;
    else float32 in the unit of training. ``us``: mean time of one inference on the board, in microseconds."""

    named: dict[str, npt.NDArray[Any]]
    us: float

    @property
    def outputs(self) -> npt.NDArray[Any]:
        """The first output, which is the only one of most models."""
        return next(iter(self.named.values()))


def run(
    blob: Blob | str | Path,
    inputs: npt.ArrayLike | Mapping[str, npt.ArrayLike],
    *,
    raw: bool = False,
    port: str | None = None,
    progress: Progress | None = None,
) -> Results:
    """Runs ``inputs`` in order on one model, on the board at ``port`` or on a fresh virtual board.

    ``inputs``: (n, *input) or one input; for a model with several inputs, a mapping from their names. In the unit of
    training, or with ``raw`` the model's own integers. Raises WhitError where names, shapes or types do not fit, or
    the board fails.
    """
    path = Path(blob.name + ".whit") if isinstance(blob, Blob) else Path(blob)
    blob = blob if isinstance(blob, Blob) else read(blob)
    arrays = _named(inputs, blob, path.name)
    rows, batched = [], True
    for info, x in zip(blob.inputs, arrays, strict=True):
        taken, with_batch = _rows(x, info, path.name)
        if not len(taken):
            raise WhitError(f"no rows; {path.name} wants at least 1", f"give an array (n, {_inner(info)})")
        batched = batched and with_batch
        quantised = info.to_int8(taken) if raw else info.quantise(taken)
        rows.append(quantised.reshape(len(taken), -1))
    if len({len(r) for r in rows}) != 1:
        raise WhitError(f"inputs of {' and '.join(str(len(r)) for r in rows)} rows", "give every input as many rows")
    with prepared(blob, path, port) as (board, file):
        flat, us = _through(board, blob, file, np.concatenate(rows, 1), progress)
    named, at = {}, 0
    flat = flat.reshape(len(rows[0]), -1)
    for out in blob.outputs:
        part = np.ascontiguousarray(flat[:, at : at + out.size])
        result = part.reshape(len(part), *(out.shape if batched else out.shape[1:]))
        named[out.name] = out.from_int8(result) if raw else out.dequantise(result)
        at += out.size
    return Results(named, us)


def _named(inputs: npt.ArrayLike | Mapping[str, npt.ArrayLike], blob: Blob, name: str) -> list[npt.NDArray[Any]]:
    """The arrays in the order of the model's inputs."""
    names = [info.name for info in blob.inputs]
    if isinstance(inputs, Mapping):
        missing = [n for n in names if n not in inputs]
        if missing and len(names) == len(inputs) == 1:
            missing, inputs = [], {names[0]: next(iter(inputs.values()))}
        if missing or len(inputs) != len(names):
            raise WhitError(
                f"inputs {', '.join(inputs)}; {name} wants {', '.join(names)}", f"'whit inspect {name}' names them"
            )
        arrays = [np.asarray(inputs[n]) for n in names]
    else:
        if len(names) != 1:
            raise WhitError(
                f"one array; {name} wants {', '.join(names)}", "give a .npz file with an array for each of these names"
            )
        arrays = [np.asarray(inputs)]
    for x in arrays:
        if x.dtype.kind not in "iufb":
            raise WhitError(f"input is {x.dtype}, not numbers", "save an array of numbers with numpy.save")
    return arrays


def _rows(x: npt.NDArray[Any], info: TensorInfo, name: str) -> tuple[npt.NDArray[Any], bool]:
    """(n, *input), and whether the rows came with the batch axis of 1 that the model has."""
    full, inner = info.shape, info.shape[1:]
    for want, batched in ((full, True), (inner, False)):
        if x.shape[1:] == want and x.ndim == len(want) + 1:
            return x, batched
    if x.shape in (inner, full):
        return x.reshape(1, *inner), False
    have, wanted = ("x".join(map(str, s)) or "one number" for s in (x.shape, inner))
    raise WhitError(f"input is {have}; {name} wants {wanted}", f"give an array (n, {_inner(info)})")


def _inner(info: TensorInfo) -> str:
    """The shape of one row, as in Python."""
    return ", ".join(map(str, info.shape[1:]))


@contextlib.contextmanager
def prepared(blob: Blob, path: Path, port: str | None, kernels: str | None = None) -> Iterator[tuple[Board, str]]:
    """The board at ``port``, or a fresh virtual board, with the runtime and the blob; and the blob's place on it."""
    with contextlib.ExitStack() as stack:
        if port is None:
            heap = max(DEFAULT_HEAP_BYTES, blob.blob_bytes + blob.arena_bytes + _ROOM_BYTES)
            port = stack.enter_context(VirtualBoard(heap_bytes=heap)).port
        deployed = deploy(path if path.exists() else blob, port=port, kernels=kernels)
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
