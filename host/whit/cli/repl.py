"""whit repl"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from whit.cli.common import talk
from whit.errors import WhitError
from whit.repl import prepare
from whit.via_mpremote import terminal


@click.command(
    epilog="\b\nExample:\n  whit repl gesture.whit",
    short_help="Talk to a board, with its model loaded as m.",
)
@click.argument("blob", required=False, type=click.Path(readable=False, path_type=Path))
@click.option("--port", help="Serial port of the board. [default: that of the only board]")
def command(blob: Path | None, port: str | None) -> None:
    """Talk to a board, with its model loaded as m.

    BLOB is a file, which is deployed first if the board does not have it, or the name of a model on the board; it may
    be left out where there is only one. A program that runs on the board is stopped; Ctrl-D at the prompt starts it
    again. Ctrl-X or Ctrl-] ends the conversation.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise WhitError("a conversation needs a terminal", "'mpremote exec' runs a line of Python without one")
    with talk().status("preparing the board ..."):
        port, path = prepare(port, blob)
    if path is None:
        talk().print("no model is on the board; 'whit deploy' brings one")
    code = terminal(port, "pass" if path is None else "print('m =', m)")
    if code:
        raise WhitError(
            f"the conversation with {port} broke off", "check the cable; 'whit boards' lists what is connected"
        )
