"""whit convert"""

from __future__ import annotations

from pathlib import Path

import click

from whit.cli.common import kilobytes, print_json, talk
from whit.conversion import convert
from whit.inspection import inspect


@click.command(
    epilog="\b\nExample:\n  whit convert gesture.keras --samples x.npy --labels walk,run,rest",
    short_help="Convert a trained model to a .whit file.",
)
@click.argument("model", type=click.Path(readable=False, path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(readable=False, path_type=Path),
    help="File to write. [default: MODEL's name + .whit, here]",
)
@click.option(
    "--samples",
    type=click.Path(readable=False, path_type=Path),
    help="Typical inputs, shape (n, *input), in a .npy, .npz or .csv file: a Keras model is quantised from them.",
)
@click.option("--labels", metavar="A,B,C", help="Names of the outputs, in order.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def command(model: Path, out: Path | None, samples: Path | None, labels: str | None, as_json: bool) -> None:
    """Convert MODEL (int8 .tflite, .keras or .h5) to a .whit file.

    Every operator is checked here: what this command writes runs on the board, with the bytes of TensorFlow Lite
    Micro. A model that cannot run is refused with the list of all reasons, and nothing is written.
    """
    target = out or Path(model.stem + ".whit")
    with talk().status(f"converting {model.name} ..."):
        report = convert(model, target, samples=samples, labels=labels)
    facts = inspect(report.blob)
    if as_json:
        document = {"path": str(target), **facts.to_json()}
        document |= {"accuracy_float": report.accuracy_float, "accuracy_int8": report.accuracy_int8}
        print_json(document)
        return
    click.echo(
        f"{target}: {len(facts.layers)} layers, {facts.macs:,} MACs, {kilobytes(facts.blob_bytes)}, "
        f"arena {kilobytes(facts.arena_bytes)}"
    )
    for kind, value in (("float", report.accuracy_float), ("int8", report.accuracy_int8)):
        if value is not None:
            click.echo(f"accuracy of the {kind} model on the samples: {100 * value:.1f} %")
