"""The viper kernels as ESP32 code: the same bytes as everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from whit.blob import Blob
from whit.simulate import Simulator

from tests.device import models

from .layers import LAYERS
from .xtensa import CPU, missing, run


@pytest.fixture(scope="module", autouse=True)
def _installed() -> None:
    absent = missing()
    if absent:
        assert os.environ.get("CI") != "true", f"{absent} is not installed"
        pytest.skip(f"no {absent}")


def right(blob: Blob, cpu: str = CPU) -> bool:
    """Whether a model gives the right bytes for some input."""
    x = np.random.default_rng(7).integers(-128, 128, blob.records[0][5]).astype(np.int8)
    return run(blob, x.tobytes(), cpu) == Simulator(blob).run(x).tobytes()


@pytest.mark.parametrize("cpu", [CPU, "sample_controller"])
@pytest.mark.parametrize("kernel, i", [(kernel, i) for kernel, makes in LAYERS.items() for i in range(len(makes))])
def test_viper_kernels(kernel: str, i: int, cpu: str) -> None:
    assert right(LAYERS[kernel][i](), cpu)


@pytest.mark.parametrize("make", [models.everything, models.recurrent])
def test_every_viper_kernel(make: Callable[[], Blob]) -> None:
    assert right(make())
