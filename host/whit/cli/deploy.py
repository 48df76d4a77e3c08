"""``whit deploy``"""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from whit.cli.common import kilobytes, print_json, talk
from whit.deployment import DeployResult, deploy


@click.command(
    epilog="\b\nExample:\n  whit deploy gesture.whit --app main.py",
    short_help="Put a model and the runtime on a board.",
)
@click.argument("blob", type=click.Path(path_type=Path))
@click.option("--port", help="Serial port of the board. [default: that of the only board]")
@click.option("--virtual", is_flag=True, help="Try it on a virtual board, which is gone afterwards.")
@click.option(
    "--app", type=click.Path(path_type=Path), help="A program that starts with the board, and what it imports."
)
@click.option("--kernels", metavar="FAMILY", help="bytecode, viper, thumb, dsp or rv32. [default: the board's best]")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(
    blob: Path, port: str | None, virtual: bool, app: Path | None, kernels: str | None, dry_run: bool, as_json: bool
) -> None:
    """Put the model BLOB and the runtime on a board.

    Only what changed is sent, beside what is there. The board compares checksums and runs the model's self-test;
    then it switches over and restarts. Pull the cable at any moment: the board works as before.
    """
    if virtual and port:
        raise click.UsageError("--port and --virtual exclude each other")
    with _Bar(blob.name) as bar:
        result = deploy(
            blob, port=port, virtual=virtual, app=app, dry_run=dry_run, kernels=kernels, progress=bar.update
        )
    if as_json:
        print_json(dataclasses.asdict(result))
    else:
        _print(blob, result)


class _Bar(contextlib.ExitStack):
    """A progress bar on stderr, from the first byte that is sent on."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._bar: Progress | None = None

    def update(self, done: int, total: int) -> None:
        if self._bar is None:
            columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
            console = talk()
            quiet = not console.is_terminal  # a log has no use for it, nor for the empty line that it ends in
            self._bar = self.enter_context(Progress(*columns, console=console, transient=True, disable=quiet))
            self._bar.add_task(self._name)
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)


def _print(blob: Path, result: DeployResult) -> None:
    if result.dry_run:
        for verb, paths in (("send", result.sent), ("keep", result.kept), ("remove", result.removed)):
            for path in paths:
                click.echo(f"{verb:6} {path}")
        click.echo(f"{_sent(result, 'would send')}; nothing was changed")
        return
    how = f" in {result.seconds:.1f} s ({result.bytes_per_s / 1024:.0f} KB/s)" if result.sent else ""
    gone = f", {len(result.removed)} old removed" if result.removed else ""
    click.echo(
        f"{blob.name} runs on {result.port} ({result.machine}): "
        f"{_sent(result, 'sent')}{how}, {len(result.kept)} unchanged{gone}; self-test passed"
    )


def _sent(result: DeployResult, verb: str) -> str:
    files = f"{len(result.sent)} file{'' if len(result.sent) == 1 else 's'}"
    size = kilobytes(result.sent_bytes) if result.sent_bytes >= 1024 else f"{result.sent_bytes} bytes"
    return f"{verb} {files}, {size}" if result.sent else f"{verb} nothing"
