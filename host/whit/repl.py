"""``whit repl``: a board at its prompt, with a model loaded as ``m``."""

from __future__ import annotations

import re
from pathlib import Path

from whit.board import Board, BoardError
from whit.deployment import deploy
from whit.errors import WhitError
from whit.ports import choose

_LOAD_S = 120.0  # kernels are compiled on the board

_MODELS = """\
def _whit_models():
    import os
    for folder in ("", "/rom"):
        try:
            for e in os.ilistdir(folder or "/"):
                if e[0].endswith(".whit"):
                    print(folder + "/" + e[0])
        except OSError:
            pass
_whit_models()
"""


def prepare(port: str | None, model: Path | None) -> tuple[str, str | None]:
    """(port, path of the model that is ``m`` there now, or None where the board has no model).

    ``model``: a file, which is deployed first if the board does not have it, or the name of one on the board; without
    it the only one there. What runs on the board is stopped; WhitError where the model does not load.
    """
    port = choose(port)
    path = None
    if model is not None and model.is_file():
        path = deploy(model, port=port).file
    with Board(port) as board:
        board.clear()  # neither the memory nor the timers of a main.py
        path = path or _choose(board, model)
        if path is not None:
            _load(board, path)
    return port, path


def _choose(board: Board, model: Path | None) -> str | None:
    """Path of the model on the board that is meant."""
    found = {path.rpartition("/")[2]: path for path in sorted(board.exec(_MODELS).splitlines(), reverse=True)}
    names = sorted(found)
    there = f"on the board: {', '.join(names)}" if names else "'whit convert MODEL' makes a .whit file"
    if model is not None:
        name = model.name if model.name.endswith(".whit") else model.name + ".whit"
        if name not in found:
            raise WhitError(f"{model} is neither here nor on the board", there)
        return found[name]
    if len(names) > 1:
        listed = ", ".join(names)
        raise WhitError(f"{len(names)} models are on the board: {listed}", f"choose one: whit repl {names[0]}")
    return found[names[0]] if names else None


def _load(board: Board, path: str) -> None:
    name = path.rpartition("/")[2]
    try:
        board.exec(f"import whit\nm = whit.load({path!r})", _LOAD_S)
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
