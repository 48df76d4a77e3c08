"""Models and golden outputs that stand beside the project: at ``../shared``, or where ``WHIT_SHARED`` points."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("WHIT_SHARED") or ROOT.parent / "shared")


def names(folder: str) -> list[str]:
    """Models of a folder below ``shared``; one empty name where the folder is absent, for need() to skip."""
    return sorted(path.stem for path in (SHARED / folder).glob("*.tflite")) or [""]


def need(name: str) -> None:
    """Skips the test where there are no shared files; under CI=true that is a failure."""
    if not name:
        reason = f"no shared models at {SHARED}; WHIT_SHARED names another place"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def golden(folder: str, name: str) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """The inputs of a model, and what TensorFlow Lite Micro answers, in the model's own dtypes."""
    with np.load(SHARED / folder.replace("models", "golden") / f"{name}.npz") as stored:
        return stored["inputs"], stored["outputs"]
