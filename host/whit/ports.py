"""Which boards are connected: USB serial ports, and the virtual boards of this machine."""

from __future__ import annotations

from dataclasses import dataclass

from serial.tools import list_ports

from whit.errors import WhitError
from whit.virtual import running


@dataclass(frozen=True)
class Port:
    """A port that looks like a board's; nothing has been opened."""

    name: str
    description: str
    usb: tuple[int, int] | None = None  # vendor and product


def connected() -> list[Port]:
    """USB serial ports, then virtual boards. Ports that are not on USB (ttyS0, ...) are left alone."""
    found = [
        Port(port.device, port.product or port.description or "USB serial port", (port.vid, port.pid or 0))
        for port in sorted(list_ports.comports())
        if port.vid is not None
    ]
    return found + [Port(board.port, f"virtual board, {board.heap_bytes / 1024:.0f} KB heap") for board in running()]


def nothing_connected() -> WhitError:
    """What is said where `connected` finds nothing."""
    return WhitError("no board is connected", "plug one in with a data cable, or start one with 'whit virtual'")


def choose(port: str | None = None) -> str:
    """The port to use: the given one, else that of the only board. WhitError when that is not clear."""
    if port is not None:
        return port
    found = connected()
    if not found:
        raise nothing_connected()
    if len(found) > 1:
        listed = ", ".join(f"{board.name} ({board.description})" for board in found)
        raise WhitError(f"{len(found)} boards are connected: {listed}", f"choose one, as with --port {found[0].name}")
    return found[0].name
