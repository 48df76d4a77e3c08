"""``whit deploy``"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from whit.cargo import APP, application
from whit.cli import report
from whit.cli.common import kilobytes, print_json, talk
from whit.deployment import DeployResult, deploy
from whit.errors import WhitError
from whit.transport import VIA

_POLL_S = 0.25


@click.command(
    epilog="\b\nExample:\n  whit deploy gesture.whit --app main.py",
    short_help="Put a model and the runtime on a board.",
)
@click.argument("blob", type=click.Path(readable=False, path_type=Path))
@click.option("--port", help="Port of the board. [default: that of the only board]")
@click.option("--all", "every", is_flag=True, help="Deploy to every connected board at once.")
@click.option("--virtual", is_flag=True, help="Try it on a virtual board of its own.")
@click.option(
    "--app", type=click.Path(readable=False, path_type=Path), help="A program to start with the board; its imports too."
)
@click.option("--watch", is_flag=True, help="Deploy again whenever a file changes, until Ctrl-C.")
@click.option("--kernels", metavar="FAMILY", help="bytecode, viper, thumb, dsp, rv32, xtensa, xtensa-s2 or pie.")
@click.option("--romfs", is_flag=True, help="Into flash that is mapped: takes no RAM.")
@click.option("--via", type=click.Choice(VIA), default=VIA[0], help="The library that talks to the board.")
@click.option("--force", is_flag=True, help="Old firmware, or a newer whit on the board: go on.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def command(blob: Path, every: bool, watch: bool, as_json: bool, **options: Any) -> None:
    """Put the model BLOB and the runtime on a board.

    Only what changed is sent, beside what is there, checked, and tried by the
    model's self-test. Pull the cable at any moment: the board works as before.
    """
    for a, b in (("all", "port"), ("all", "virtual"), ("virtual", "port"), ("watch", "json"), ("watch", "virtual")):
        given = {**options, "all": every, "watch": watch, "json": as_json}
        if given[a] and given[b]:
            raise click.UsageError(f"--{a} and --{b} exclude each other")
    if every:
        from whit.cli.fleet import run_all

        del options["port"], options["virtual"]
        once: Callable[[], bool] = lambda: run_all(blob, as_json, options)  # noqa: E731
    else:
        once = lambda: _run(blob, as_json, options)  # noqa: E731
    if watch:
        _watch(blob, options["app"], once)
    elif not once():
        sys.exit(1)


def _run(blob: Path, as_json: bool, options: dict[str, Any]) -> bool:
    with _Bar(blob.name) as bar:
        result = deploy(blob, progress=bar.update, **options)
    if result.kernels == "bytecode" != options["kernels"]:
        report(WhitError("this firmware has no native emitter; the model runs 60x slower", "'whit doctor' says more"))
    if as_json:
        print_json(dataclasses.asdict(result))
    else:
        _print(blob, result)
    return True


def _watch(blob: Path, app: Path | None, once: Callable[[], object]) -> None:
    """Deploy, and again after each change; errors are told and waited out."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            paths = _sources(blob, app)
            seen = _stamps(paths)
            try:
                once()
            except WhitError as error:
                report(error)
            while (now := _stamps(paths)) == seen or None in now:
                time.sleep(_POLL_S)
            while (later := _stamps(paths, _POLL_S)) != now:  # who writes is not done yet
                now = later


def _sources(blob: Path, app: Path | None) -> list[Path]:
    """The model, the program, and what it imports."""
    found = [blob]
    if app:
        found.append(app)
        with contextlib.suppress(WhitError):
            found += [app.parent / item.path[1:] for item in application(app) if item.path != APP]
    return found


def _stamps(paths: Iterable[Path], wait_s: float = 0.0) -> list[tuple[int, int] | None]:
    """What changes when a file does; None where there is none."""
    time.sleep(wait_s)
    found: list[tuple[int, int] | None] = []
    for path in paths:
        try:
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size))
        except OSError:
            found.append(None)
    return found


class _Bar(contextlib.ExitStack):
    """On stderr: that the board is asked, and a progress bar from the first byte that is sent on."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._console = talk()
        self._bar: Progress | None = None
        self._asking = self._console.status("comparing with what is on the board ...")

    def __enter__(self) -> _Bar:
        super().__enter__()
        self.enter_context(self._asking)
        return self

    def update(self, done: int, total: int) -> None:
        if self._bar is None:
            self._asking.stop()
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
            )
            quiet = not self._console.is_terminal  # a log has no use for it, nor for the empty line that it ends in
            self._bar = self.enter_context(Progress(*columns, console=self._console, transient=True, disable=quiet))
            self._bar.add_task(self._name, total=total)
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)


def _print(blob: Path, result: DeployResult) -> None:
    if result.dry_run:
        for verb, paths in (("send", result.sent), ("keep", result.kept), ("remove", result.removed)):
            for path in paths:
                click.echo(f"{verb:6} {path}")
        click.echo(f"{sent(result, 'would send')}; nothing was changed")
        return
    click.echo(f"{blob.name} runs on {result.port} ({result.machine}): {summary(result)}")


def summary(result: DeployResult) -> str:
    """What was done, in half a line."""
    if result.dry_run:
        return sent(result, "would send")
    how = f" in {result.seconds:.1f} s ({result.bytes_per_s / 1024:.0f} KB/s)" if result.sent else ""
    gone = f", {len(result.removed)} old removed" if result.removed else ""
    return f"{sent(result, 'sent')}{how}, {len(result.kept)} unchanged{gone}; self-test passed"


def sent(result: DeployResult, verb: str) -> str:
    """'sent 3 files, 4.5 KB'"""
    files = f"{len(result.sent)} file{'' if len(result.sent) == 1 else 's'}"
    size = kilobytes(result.sent_bytes) if result.sent_bytes >= 1024 else f"{result.sent_bytes} bytes"
    return f"{verb} {files}, {size}" if result.sent else f"{verb} nothing"
