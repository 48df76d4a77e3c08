"""``whit repl``: a board at its prompt, with a model loaded as ``m``."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from whit.board import Board, BoardError
from whit.deployment import deploy
from whit.errors import WhitError
from whit.ports import choose

_LOAD_S = 120.0  # kernels are compiled on the board

_MODELS = """\
import os
print(sorted(e[0] for e in os.ilistdir("/") if e[0].endswith(".whit")))
"""


def prepare(port: str | None, model: Path | None) -> tuple[str, str | None]:
    """(port, name of the model that is ``m`` there now, or None where the board has no model).

    ``model``: a file, which is deployed first if the board does not have it, or the name of one on the board; without
    it the only one there. What runs on the board is stopped; WhitError where the model does not load.
    """
    port = choose(port)
    name = None
    if model is not None and model.is_file():
        name = deploy(model, port=port).file[1:]
    with Board(port) as board:
        board.clear()  # neither the memory nor the timers of a main.py
        name = name or _choose(board, model)
        if name is not None:
            _load(board, name)
    return port, name


def _choose(board: Board, model: Path | None) -> str | None:
    """Name of the model on the board that is meant."""
    found: list[str] = ast.literal_eval(board.exec(_MODELS).strip())
    there = f"on the board: {', '.join(found)}" if found else "'whit convert MODEL' makes a .whit file"
    if model is not None:
        name = model.name if model.name.endswith(".whit") else model.name + ".whit"
        if name not in found:
            raise WhitError(f"{model} is neither here nor on the board", there)
        return name
    if len(found) > 1:
        raise WhitError(
            f"{len(found)} models are on the board: {', '.join(found)}", f"choose one: whit repl {found[0]}"
        )
    return found[0] if found else None


def _load(board: Board, name: str) -> None:
    try:
        board.exec(f"import whit\nm = whit.load({'/' + name!r})", _LOAD_S)
    except BoardError as error:
        skew = re.match(r"BlobError: .*: format (\d+); this whit reads (\d+)$", str(error))
        if skew:
            version = board.exec("print(whit.__version__)").strip()
            raise WhitError(
                f"{name} is format {skew[1]}; the board's whit {version} reads format {skew[2]}",
                "'whit deploy' updates the runtime too",
            ) from error
        if str(error).startswith("ImportError: no module named 'whit"):
            raise WhitError(f"{name} is on the board, but no whit to run it", f"whit deploy {name}") from error
        raise WhitError(f"{name} does not load on the board: {error}", f"whit deploy {name}") from error
