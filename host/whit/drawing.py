"""Pictures as files, with matplotlib: an extra of the package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from whit.errors import WhitError


def pyplot(path: Path) -> Any:
    """matplotlib.pyplot, for a picture that `save` can write as ``path``. WhitError where it cannot."""
    if path.suffix not in (".png", ".svg"):
        raise WhitError(
            f"{path.name or path}: a plot is a .png or .svg file",
            f"name it {path.stem or 'plan'}.png or {path.stem or 'plan'}.svg",
        )
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise WhitError("a plot needs matplotlib, which is not installed", "pip install 'whit[plot]'") from error
    return pyplot


def save(figure: Any, path: Path) -> None:
    """Write ``figure``, a figure of pyplot's, and forget it."""
    from matplotlib import pyplot

    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise WhitError(f"{path}: {(error.strerror or str(error)).lower()}", "choose another place") from error
    finally:
        pyplot.close(figure)
