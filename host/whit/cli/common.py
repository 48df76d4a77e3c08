"""What several verbs share: numbers and shapes as people read them, JSON, a console on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

import click
from rich.console import Console

_PIPE = 200  # characters of a line that no terminal shows


def kilobytes(n: float) -> str:
    """1536 -> '1.5 KB', 35 -> '35 B'."""
    return f"{n:.0f} B" if n < 1000 else f"{n / 1024:.1f} KB"


def digits(value: float) -> str:
    """A time as a person needs it: 0.1234 -> '0.123', 12.34 -> '12.3', 1234.5 -> '1234'."""
    decimals = sum(value < limit for limit in (1, 10, 1000))
    return f"{value:.{decimals}f}"


def shape(dimensions: tuple[int, ...]) -> str:
    """(1, 100, 6) -> '100x6': without the batch of 1."""
    if len(dimensions) > 1 and dimensions[0] == 1:
        dimensions = dimensions[1:]
    return "x".join(map(str, dimensions))


def print_json(document: Any, indent: int | None = 2) -> None:
    """One JSON document on stdout; ``indent=None``: on one line, for who reads it before the command ends."""
    click.echo(json.dumps(document, indent=indent))


def talk() -> Console:
    """A console on stderr, for progress and remarks. Names of files and labels are text, never markup."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False)


def page() -> Console:
    """The same on stdout. A pipe has no width: nothing is cut short there."""
    wide = None if sys.stdout.isatty() else _PIPE
    return Console(highlight=False, markup=False, emoji=False, width=wide)
