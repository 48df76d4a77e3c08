"""Long-lived MicroPythons and emulated boards, shared by all agreement tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulated.runtime import Runtime

from .device import Device


@pytest.fixture(scope="session")
def device() -> Iterator[Device]:
    """MicroPython with the heap of a Pico."""
    with Device() as one:
        yield one


@pytest.fixture(scope="session")
def boards() -> list[Runtime]:
    """The emulated 32-bit boards: a Cortex-M0+ and a RISC-V."""
    return [Runtime("armv6m"), Runtime("rv32imc")]
