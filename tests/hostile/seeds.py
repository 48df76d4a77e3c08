"""What mutation begins with: small models of every operator, as .tflite files and as blobs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy
from whit.blob import Blob
from whit.compile import compile_graph
from whit.errors import WhitError
from whit.importers import tflite

from tests.agreement import recurrent
from tests.agreement.draws import Case
from tests.agreement.graphs import graph
from tests.agreement.shared import SHARED, names
from tests.agreement.test_operators import OPERATORS
from tests.device import models
from tests.emulated.layers import LAYERS
from tests.test_tiny import tiny

LARGEST = 40_000  # bytes of a shared model: mutants of a larger one are slow, and teach nothing more


def drawn(strategy: SearchStrategy[Case], count: int, number: int) -> Iterator[bytes]:
    """Models of the first cases that a strategy draws after a seed; the very first is as small as can be."""
    found: list[bytes] = []

    @seed(number)
    @settings(
        max_examples=2 * count + 1,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(case: Case) -> None:
        found.append(case.model)

    collect()
    yield from sorted(found[1:], key=len)[:count]


def tflites(count: int, number: int = 1) -> dict[str, bytes]:
    """Name -> .tflite: ``count`` of every operator and of small graphs, and the shared models where there are any."""
    every = {**OPERATORS, "graph": graph(), "LSTM": recurrent.lstm(), "SVDF": recurrent.svdf()}
    found = {"tiny": tiny()}
    for name, strategy in every.items():
        found |= {f"{name} {i}": content for i, content in enumerate(drawn(strategy, count, number))}
    for folder in ("models", "models/layers"):
        for name in filter(None, names(folder)):
            path = SHARED / folder / f"{name}.tflite"
            if path.stat().st_size <= LARGEST:
                found[name] = path.read_bytes()
    return found


def blobs(models_: dict[str, bytes]) -> Iterator[Blob]:
    """Blobs by hand, with every operator of PLAN, and those of the models that convert."""
    yield from (models.tiny(), models.everything(), models.recurrent())
    yield from (make() for makers in LAYERS.values() for make in makers)
    for name, content in models_.items():
        with contextlib.suppress(WhitError):
            yield compile_graph(tflite.parse(content, name))
