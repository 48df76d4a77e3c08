"""Typical inputs from a file: .npy, .npz or .csv."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from whit.archive import check_size
from whit.errors import WhitError

_HINT = "samples are an array (n, *input) in a .npy or .npz file, or a .csv with one sample a row"


@dataclass(frozen=True)
class Samples:
    """``x``: (n, *input) in the unit of training; ``y``: n class indices, where the file has them."""

    x: npt.NDArray[Any]
    y: npt.NDArray[np.int64] | None = None


def load(path: Path) -> Samples:
    """Reads samples. A .npz may hold ``x`` and ``y``; a .csv has one sample a row, with or without a heading."""
    try:
        check_size(path, "samples", "a few hundred typical inputs are enough")
        if path.suffix == ".csv":
            return Samples(_csv(path))
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return Samples(_numbers(loaded))
        names = loaded.files
        x = loaded["x" if "x" in names else names[0]]
        return Samples(_numbers(x), loaded["y"].astype(np.int64).ravel() if "y" in names else None)
    except WhitError:
        raise
    except OSError as error:
        raise WhitError(f"{path.name}: {(error.strerror or 'not a file of samples').lower()}", _HINT) from error
    except Exception as error:  # numpy raises ValueError, EOFError, zipfile's errors ...
        raise WhitError(f"{path.name}: not a file of samples", _HINT) from error


def fit(x: npt.NDArray[Any], shape: tuple[int | None, ...], model: str, what: str = "samples") -> npt.NDArray[Any]:
    """x as (n, *shape); one sample without the first axis, and rows of flat values, are taken as well."""
    if len(x.shape) == len(shape) + 1 and _same(x.shape[1:], shape):
        fitted = x
    elif _same(x.shape, shape):
        fitted = x[None]
    elif None not in shape and x.ndim == 2 and x.shape[1] == _product(shape):
        fitted = x.reshape(len(x), *[n or 0 for n in shape])
    else:
        have = "x".join(str(n) for n in x.shape) or "one number"
        want = "x".join("?" if n is None else str(n) for n in shape)
        raise WhitError(
            f"{what} of {have}; {model} wants (n, {want})",
            f"give an array of shape (n, {want.replace('x', ', ')})",
        )
    if not len(fitted):
        raise WhitError(
            f"no {what}; {model} wants at least 1",
            f"give an array of shape (n, {', '.join(map(str, shape))})",
        )
    if not np.isfinite(fitted.astype(np.float64)).all():
        raise WhitError(f"{what} hold values that are not finite", "clean the data first: no NaN, no infinity")
    return fitted


def _same(have: tuple[int, ...], want: tuple[int | None, ...]) -> bool:
    return len(have) == len(want) and all(w is None or h == w for h, w in zip(have, want, strict=True))


def _product(shape: tuple[int | None, ...]) -> int:
    product = 1
    for n in shape:
        product *= n or 0
    return product


def _numbers(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if x.dtype.kind not in "iufb":
        raise ValueError("not numbers")
    return x


def _csv(path: Path) -> npt.NDArray[Any]:
    with path.open(encoding="utf-8-sig") as lines:
        first = lines.readline()
    try:
        [float(cell) for cell in first.split(",")]
        heading = 0
    except ValueError:
        heading = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a file without rows, which `fit` refuses
        try:
            x = np.loadtxt(path, delimiter=",", skiprows=heading, ndmin=2, encoding="utf-8-sig")
        except UnicodeError:
            raise
        except ValueError as error:  # numpy tells the row, and goes on with what its programmers need
            raise WhitError(f"{path.name}: {str(error).partition(';')[0].rstrip('.')}", _HINT) from error
    if not x.size:
        raise WhitError(
            f"{path.name}: no row of numbers with commas between them",
            "the first line may be a heading; then one sample a row",
        )
    return x
