"""TensorFlow, where it is installed."""

from __future__ import annotations

import gc
import os

import pytest
from whit.errors import WhitError
from whit.importers import keras as importer


@pytest.fixture(scope="session")
def tensorflow() -> None:
    """Skips where TensorFlow is not installed; under CI=true that is a failure."""
    try:
        importer._keras()
    except WhitError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error))
        pytest.skip(str(error))
    gc.freeze()  # each conversion collects garbage, which without what TensorFlow's import left is a matter of a moment
