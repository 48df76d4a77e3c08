"""``whit virtual``: a virtual board for as long as the command runs."""

from __future__ import annotations

import re
import signal
from types import FrameType

import click

from whit.cli.common import print_json
from whit.errors import WhitError
from whit.virtual import DEFAULT_HEAP_BYTES, VirtualBoard


class Bytes(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """A size: 194560, 190k, 1M."""

    name = "bytes"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d+)\s*([kKmM]?)[bB]?", str(value).strip())
        if match is None:
            self.fail(f"'{value}' is not a size; write 194560, 190k or 1M", param, ctx)
        return int(match[1]) * {"": 1, "k": 1024, "m": 1024 * 1024}[match[2].lower()]


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@click.command(
    epilog="\b\nExample:\n  whit virtual --heap 190k",
    short_help="Start a virtual board and print its port.",
)
@click.option("--heap", type=Bytes(), default=DEFAULT_HEAP_BYTES, show_default="190k", help="Bytes of RAM for Python.")
@click.option("--json", "as_json", is_flag=True, help="Print port and heap as JSON.")
def command(heap: int, as_json: bool) -> None:
    """Start a virtual board and print its port; Ctrl-C stops it.

    It is a real MicroPython (the Unix port) that mpremote talks to as to a board on USB. Its file system
    starts empty and is gone when it stops.
    """
    signal.signal(signal.SIGTERM, _stop)
    try:
        with VirtualBoard(heap_bytes=heap) as board:
            if as_json:
                print_json({"port": board.port, "heap_bytes": heap}, indent=None)
            else:
                click.echo(board.port)  # flushes, so a script can read the first line
            click.echo(f"virtual board with a {heap / 1024:.0f} KB heap; Ctrl-C stops it", err=True)
            board.wait()
            raise WhitError("the virtual board stopped by itself", "'whit virtual' starts another one")
    except KeyboardInterrupt:
        pass
