"""whit ops"""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from whit import coverage
from whit.cli.common import print_json

_STYLES = {"runs": "green", "folded": "green", "refused": "red"}


@click.command(
    epilog="\b\nExample:\n  whit ops",
    short_help="List the operators and Keras layers that run.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("--keras", "keras_only", is_flag=True, help="Print only the layers of Keras, as Markdown.")
def command(as_json: bool, keras_only: bool) -> None:
    """List the operators of TensorFlow Lite that run, by the kernel that runs them, and the layers of Keras."""
    document = coverage.load()
    if as_json:
        kernels = None if keras_only else {"kernels": coverage.KERNELS, "free": coverage.FREE}
        print_json({**(kernels or {}), "keras": document})
        return
    if keras_only:
        click.echo(coverage.markdown(document), nl=False)
        return
    console = Console(highlight=False, emoji=False)
    console.print(_operators())
    console.print()
    console.print(_layers(document["sections"]))


def _operators() -> Table:
    table = _table("kernel", "operator", "where")
    for kernel, operators in coverage.KERNELS.items():
        for i, (operator, condition) in enumerate(operators.items()):
            table.add_row("" if i else kernel, operator, condition)
        table.add_section()
    for i, (operator, condition) in enumerate(coverage.FREE.items()):
        table.add_row("" if i else "none: done on the host", operator, condition)
    return table


def _layers(sections: dict[str, list[dict[str, str]]]) -> Table:
    table = _table("Keras layer", "input", "outcome", "remark")
    for section, rows in sections.items():
        table.add_row(section, style="bold")
        for row in rows:
            outcome = row["outcome"]
            table.add_row(
                escape(row["layer"]),
                row["input"],
                f"[{_STYLES[outcome]}]{outcome}[/]",
                escape(row.get("reason", "")),
            )
        table.add_section()
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
