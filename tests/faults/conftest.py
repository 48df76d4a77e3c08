"""Boards for trials, and how many trials: `make faults N=500`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

import pytest

from tests.faults.trials import Trials

_WORKERS = 8  # on however few processors: most of the time a trial waits


@pytest.fixture(scope="session")
def cuts() -> int:
    return int(os.environ.get("WHIT_CUTS", "500"))


@pytest.fixture(scope="session")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trials]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("tmp")))
        patch.setattr(tempfile, "tempdir", None)
        with Trials(_WORKERS) as made:
            yield made


@pytest.fixture(scope="session")
def length(trials: Trials) -> int:
    """Bytes of a deployment without a fault, both directions together."""
    outcomes = trials.run([None] * 2 * _WORKERS)
    for outcome in outcomes:
        assert not outcome.failure and outcome.ended == "done" and outcome.runs == "new", outcome
    return max(outcome.passed for outcome in outcomes)
