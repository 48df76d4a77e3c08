"""whit: machine learning on the MicroPython that a board already runs (the host side)."""

from __future__ import annotations

from whit.version import __version__

__all__ = ["__version__"]
