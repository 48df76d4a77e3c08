"""Long-lived MicroPythons and emulated boards, shared by all agreement tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.emulated import runtime

from .device import Device


@pytest.fixture(scope="session")
def device() -> Iterator[Device]:
    """MicroPython with the heap of a Pico."""
    with Device() as one:
        yield one


@pytest.fixture(scope="session")
def boards() -> list[runtime.Runtime]:
    """The emulated 32-bit boards, with every family of kernels."""
    return runtime.boards()
