"""whit run"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
from rich.table import Table

from whit import blob as blobs
from whit import samples as sampling
from whit.blob import Blob
from whit.cli.common import page, print_json, talk
from whit.errors import WhitError
from whit.running import Results, run

_MOST_ROWS = 20
_MOST_COLUMNS = 10


@click.command(
    epilog="\b\nExample:\n  whit run iris.whit 5.1,3.5,1.4,0.2",
    short_help="Run a .whit file on a virtual or a real board.",
    context_settings={"ignore_unknown_options": True},  # -0.5,1.2 is a number
)
@click.argument("blob", type=click.Path(readable=False, path_type=Path))
@click.argument("inputs", metavar="INPUT")
@click.option(
    "-o", "--out", type=click.Path(readable=False, path_type=Path), help="Save the outputs (.npz if there are several)."
)
@click.option("--raw", is_flag=True, help="Take and give the model's own integers, unchanged.")
@click.option("--port", help="Serial port of a board. [default: a fresh virtual board]")
@click.option("--json", "as_json", is_flag=True, help="Print the outputs as JSON.")
def command(blob: Path, inputs: str, out: Path | None, raw: bool, port: str | None, as_json: bool) -> None:
    """Run the model BLOB on INPUT: numbers with commas between them, or the rows of a .npy or .csv file, in order.

    An array has the shape (n, *input), or just that of one input, in the unit of the training data. A model with
    several inputs takes a .npz file with their names, and one with several outputs writes one.
    """
    model = blobs.read(blob)
    x = _inputs(inputs, model, blob.name, raw)
    with talk().status(f"running {blob.name} ...") as status:
        results = run(blob, x, raw=raw, port=port, progress=lambda i, n: status.update(f"{i} of {n} inputs"))
    if out is not None:
        _save(out, results)
    if as_json:
        named = {name: values.tolist() for name, values in results.named.items()}
        outputs = named if len(named) > 1 else results.outputs.tolist()
        print_json({"outputs": outputs, "us": results.us, "labels": model.labels})
        return
    for name, values in results.named.items():
        if len(results.named) > 1:
            click.echo(f"{name}:")
        _print(values, model.labels if len(results.named) == 1 else [], raw)
    n = len(results.outputs)
    count = "1 input" if n == 1 else f"{n} inputs"
    talk().print(f"{count}, {results.us / 1000:.3f} ms each" + (f"; saved {out}" if out else ""))


Inputs = npt.NDArray[Any] | dict[str, npt.NDArray[Any]]


def _inputs(text: str, model: Blob, name: str, raw: bool) -> Inputs:
    """What INPUT means: a file, or else the numbers of one input."""
    shape = model.inputs[0].shape[1:]
    path = Path(text)
    is_file = os.path.exists(text)  # False too where the text is longer than any name
    if is_file and path.suffix == ".csv":
        return _integers(sampling.fit(sampling.load(path).x, shape, name, "rows"), model, raw)
    try:
        values = [float(part) for part in text.replace(",", " ").split()]
    except ValueError:
        if text.startswith("-") and not is_file:
            raise click.NoSuchOption(text.split("=")[0], ctx=click.get_current_context()) from None
        return _load(path)
    if is_file or not values:
        return _load(path)
    x = np.array(values)
    if not np.isfinite(x).all():
        raise WhitError(f"{text}: not all of these are finite numbers", "a model takes no NaN and no infinity")
    if len(model.inputs) == 1 and x.size == model.inputs[0].size:
        x = x.reshape(shape)  # else `run` says what the model wants
    return _integers(x, model, raw)


def _integers(x: npt.NDArray[Any], model: Blob, raw: bool) -> npt.NDArray[Any]:
    """With --raw: numbers that were written down, as the model's own integers where they are such."""
    dtype = np.dtype(model.inputs[0].dtype)
    if not raw or dtype.kind not in "iu":
        return x
    bounds = np.iinfo(dtype)
    for value in x[(x != np.floor(x)) | (x < bounds.min) | (x > bounds.max)][:1]:
        raise WhitError(
            f"{value:g} is no {dtype}; the model's own integers are {bounds.min} to {bounds.max}",
            "drop --raw to give values in the unit of training",
        )
    return x.astype(dtype)


def _load(path: Path) -> Inputs:
    hint = "give numbers like 5.1,3.5,1.4,0.2 or save an array of shape (n, *input) with numpy.save"
    try:
        x = np.load(path, allow_pickle=False)
    except OSError as error:
        raise WhitError(f"{path.name}: {(error.strerror or 'not a .npy file').lower()}", hint) from error
    except (ValueError, EOFError) as error:
        raise WhitError(f"{path.name}: not a .npy file", hint) from error
    return x if isinstance(x, np.ndarray) else {name: x[name] for name in x.files}


def _save(path: Path, results: Results) -> None:
    try:
        with path.open("wb") as file:
            if len(results.named) > 1:
                np.savez(file, **results.named)  # type: ignore[arg-type]
            else:
                np.save(file, results.outputs)
    except OSError as error:
        raise WhitError(f"{path}: {(error.strerror or str(error)).lower()}", "choose another place with -o") from error


def _print(values: npt.NDArray[np.generic], labels: list[str], raw: bool) -> None:
    rows = values.reshape(len(values), -1)
    columns = rows.shape[1]
    names = labels if len(labels) == columns else [str(i) for i in range(columns)]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("input", justify="right")
    largest = bool(labels) or columns > _MOST_COLUMNS  # which may be none of those that are shown
    if largest:
        table.add_column("label" if labels else "largest")
    for name in names[:_MOST_COLUMNS]:
        table.add_column(name, justify="right")
    if columns > _MOST_COLUMNS:
        table.add_column("...")
    for i, row in enumerate(rows[:_MOST_ROWS]):
        cells = [str(i)] + ([names[int(row.argmax())]] if largest else [])
        cells += [str(v) if raw else f"{v:.3f}" for v in row[:_MOST_COLUMNS]]
        table.add_row(*cells)
    console = page()
    console.print(table)
    if len(rows) > _MOST_ROWS:
        console.print(f"... and {len(rows) - _MOST_ROWS} more")
