"""whit run"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from whit import blob as blobs
from whit.cli.common import print_json, talk
from whit.errors import WhitError
from whit.running import Results, run

_MOST_ROWS = 20
_MOST_COLUMNS = 10


@click.command(
    epilog="\b\nExample:\n  whit run gesture.whit window.npy",
    short_help="Run a .whit file on a virtual or a real board.",
)
@click.argument("blob", type=click.Path(path_type=Path))
@click.argument("inputs", metavar="INPUT.npy", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Save the outputs as .npy.")
@click.option("--raw", is_flag=True, help="Take and give the model's own integers, unchanged.")
@click.option("--port", help="Serial port of a board. [default: a fresh virtual board]")
@click.option("--json", "as_json", is_flag=True, help="Print the outputs as JSON.")
def command(blob: Path, inputs: Path, out: Path | None, raw: bool, port: str | None, as_json: bool) -> None:
    """Run the model BLOB on the rows of INPUT.npy, in order.

    INPUT.npy has the shape (n, *input), or just that of one input, in the unit of the training data.
    """
    model = blobs.read(blob)
    x = _load(inputs)
    with talk().status(f"running {blob.name} ...") as status:
        results = run(blob, x, raw=raw, port=port, progress=lambda i, n: status.update(f"{i} of {n} inputs"))
    if out is not None:
        _save(out, results.outputs)
    if as_json:
        print_json({"outputs": results.outputs.tolist(), "us": results.us, "labels": model.labels})
        return
    _print(results, model.labels, raw)
    talk().print(f"{len(results.outputs)} inputs, {results.us / 1000:.3f} ms each" + (f"; saved {out}" if out else ""))


def _load(path: Path) -> npt.NDArray[np.generic]:
    hint = "save an array of shape (n, *input) with numpy.save"
    try:
        x = np.load(path, allow_pickle=False)
    except OSError as error:
        raise WhitError(f"{path.name}: {(error.strerror or 'not a .npy file').lower()}", hint) from error
    except (ValueError, EOFError) as error:
        raise WhitError(f"{path.name}: not a .npy file", hint) from error
    if not isinstance(x, np.ndarray):
        raise WhitError(f"{path.name}: holds {len(x.files)} arrays; one is wanted", hint)
    return x


def _save(path: Path, outputs: npt.NDArray[np.generic]) -> None:
    try:
        with path.open("wb") as file:
            np.save(file, outputs)
    except OSError as error:
        raise WhitError(f"{path}: {(error.strerror or str(error)).lower()}", "choose another place with -o") from error


def _print(results: Results, labels: list[str], raw: bool) -> None:
    rows = results.outputs.reshape(len(results.outputs), -1)
    columns = rows.shape[1]
    names = labels if len(labels) == columns else [str(i) for i in range(columns)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("input", justify="right")
    if labels:
        table.add_column("label")
    for name in names[:_MOST_COLUMNS]:
        table.add_column(name, justify="right")
    if columns > _MOST_COLUMNS:
        table.add_column("...")
    for i, row in enumerate(rows[:_MOST_ROWS]):
        cells = [str(i)] + ([names[int(row.argmax())]] if labels else [])
        cells += [str(v) if raw else f"{v:.3f}" for v in row[:_MOST_COLUMNS]]
        table.add_row(*cells)
    console = Console(highlight=False)
    console.print(table)
    if len(rows) > _MOST_ROWS:
        console.print(f"... and {len(rows) - _MOST_ROWS} more")
