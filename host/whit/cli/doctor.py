"""whit doctor"""

from __future__ import annotations

import dataclasses
import sys
from itertools import groupby

import click
from rich.console import Console
from rich.markup import escape

from whit.cli.common import print_json, talk
from whit.diagnosis import HINT, OK, PROBLEM, Check, computer

_STYLES = {OK: "green", HINT: "yellow", PROBLEM: "bold red"}


@click.command(
    epilog="\b\nExample:\n  whit doctor",
    short_help="Check this computer and the boards that are connected.",
)
@click.option("--port", help="Serial port of the board. [default: every board that is connected]")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@click.pass_context
def command(context: click.Context, port: str | None, as_json: bool) -> None:
    """Check this computer and the boards that are connected.

    A line for each check: ok, a hint, or a problem that stops work; exit code 1 where there is a problem. A program
    that runs on a board is interrupted and started again.
    """
    checks = computer()
    # what is missing here may be what a board is talked to with
    if not any(check.state == PROBLEM and check.name in ("mpremote", "numpy") for check in checks):
        checks += _boards(port)
    problems = sum(check.state == PROBLEM for check in checks)
    if as_json:
        print_json({"problems": problems, "checks": [dataclasses.asdict(check) for check in checks]})
    else:
        _print(checks)
    context.exit(1 if problems else 0)


def _boards(port: str | None) -> list[Check]:
    from whit.checkup import examine
    from whit.ports import connected, nothing_connected

    machines = {found.name: found.description for found in connected()}
    ports = [port] if port else list(machines)
    if not ports:
        nothing = nothing_connected()
        return [Check("boards", "ports", HINT, str(nothing), nothing.hint)]
    with talk().status("examining the boards ...") as status:
        checks = []
        for name in ports:
            status.update(f"examining {name} ...")
            checks += examine(name, machines.get(name, ""))
        return checks


def _print(checks: list[Check]) -> None:
    console = Console(highlight=False, emoji=False)
    wide = max(len(check.name) for check in checks)
    for area, lines in groupby(checks, key=lambda check: check.area):
        console.print(area, style="bold", markup=False, soft_wrap=True)
        for check in lines:
            state = f"[{_STYLES[check.state]}]{check.state:7}[/]"
            console.print(f"  {state}  {check.name:{wide}}  {escape(check.text)}", soft_wrap=True)
            if check.hint:
                console.print(f"{'':{wide + 13}}hint: {check.hint}", markup=False, soft_wrap=True)
    count = {state: sum(check.state == state for check in checks) for state in (PROBLEM, HINT)}
    said = [f"{n} {state}{'' if n == 1 else 's'}" for state, n in count.items() if n]
    console.print(", ".join(said) or "all is well")
    sys.stdout.flush()
