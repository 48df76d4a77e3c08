"""Plots of one line per channel, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

BLOCKS = " ▁▂▃▄▅▆▇█"
PLAIN = " .:-=+*#@"  # where the terminal has no block elements


def spark(
    values: npt.NDArray[np.float32],
    low: float,
    high: float,
    width: int,
    *,
    per: int = 1,
    first: int = 0,
    levels: str = BLOCKS,
) -> str:
    """The newest values at the right, `width` characters, each the mean of `per` values.

    `first`: number of the first value since the start; what falls into one character does not change as time goes on.
    """
    if not len(values):
        return " " * width
    columns = (np.arange(len(values)) + first) // per
    starts = np.flatnonzero(np.diff(columns, prepend=-1))
    means = np.add.reduceat(values.astype(np.float64), starts) / np.diff(np.append(starts, len(values)))
    share = (means[-width:] - low) / (high - low if high > low else 1.0)
    steps = np.clip(np.rint(1 + share * (len(levels) - 2)), 1, len(levels) - 1).astype(int)
    return "".join(levels[step] for step in steps).rjust(width)


def ranges(x: npt.NDArray[np.float32], units: Sequence[str]) -> list[tuple[float, float]]:
    """(low, high) of each channel: channels of one unit share theirs, so that noise looks small beside movement."""
    found = []
    for unit in units:
        alike = x[:, [i for i, other in enumerate(units) if other == unit]]
        found.append((float(alike.min()), float(alike.max())) if alike.size else (0.0, 0.0))
    return found
