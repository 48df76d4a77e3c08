"""``whit deploy --all``: a table of boards, live on stderr, at the end on stdout."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from whit.cli.common import page, print_json, talk
from whit.deployment import DeployResult
from whit.fleet import Outcome, deploy_all
from whit.ports import connected


def run_all(blob: Path, as_json: bool, options: dict[str, Any]) -> bool:
    """Deploy to every connected board; False when one of them failed."""
    from whit.cli.deploy import summary

    console = talk()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[state]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as live:
        tasks = {port.name: live.add_task(port.name, total=None, state="waiting") for port in connected()}

        def progress(port: str, done: int, total: int) -> None:
            if port in tasks:
                state = "sending" if done < total else "self-test"
                live.update(tasks[port], completed=done, total=total, state=state)

        def done(port: str, outcome: Outcome) -> None:
            if port in tasks:
                ok = isinstance(outcome, DeployResult)
                live.update(tasks[port], completed=1, total=1, state="ok" if ok else str(outcome))

        outcomes = deploy_all(blob, progress=progress, done=done, **options)
    failed = {port: outcome for port, outcome in outcomes.items() if not isinstance(outcome, DeployResult)}
    if as_json:
        print_json([_document(port, outcome) for port, outcome in outcomes.items()])
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        for head in ("port", "board", "", blob.name):
            table.add_column(head, no_wrap=head != blob.name)
        for port, outcome in outcomes.items():
            if isinstance(outcome, DeployResult):
                table.add_row(port, outcome.machine, "ok", summary(outcome))
            else:
                table.add_row(port, "-", "failed", str(outcome))
        page().print(table)
    for port, error in failed.items():
        talk().print(f"whit: {port}: {error}\n\nhint: {error.hint}", soft_wrap=True)
    if failed:
        talk().print(f"whit: {len(failed)} of {len(outcomes)} boards failed")
    return not failed


def _document(port: str, outcome: Outcome) -> dict[str, object]:
    if isinstance(outcome, DeployResult):
        return dataclasses.asdict(outcome)
    return {"port": port, "error": str(outcome), "hint": outcome.hint}
