"""What `make fuzz` does by the million, in small: 20,000 blobs, 5,000 .tflite files; and that it sees what it should.

WHIT_FUZZ=N makes N blobs, and a quarter as many .tflite files.
"""

from __future__ import annotations

import os
import random
import sys

import pytest
from whit import program

from tests.conftest import Tell
from tests.device import models

if sys.platform == "win32":
    pytest.skip("the virtual board needs Linux or macOS", allow_module_level=True)

from . import fuzz
from .mutate import parts
from .target import BYTECODE, LOOK, PLAIN, START, STREAM, TRACE, Target

BLOBS = int(os.environ.get("WHIT_FUZZ", "20000"))
MODELS = BLOBS // 4
SEED = 0 if os.environ.get("CI") == "true" else random.randrange(1 << 30)
BLIND = 'modules["whit.checks.lut"].check = lambda r: None'  # LUT may do what it likes


def beyond(word: int, place: int) -> bytes:
    """A LUT of three bytes that reads (word 4) or writes (word 5) at ``place``, from the end of the arena."""
    p = parts(models.everything())
    record = next(r for r in p.records if r[0] == program.LUT)
    record[word], record[6] = p.arena_bytes + place, 3
    return p.pack()


@pytest.mark.parametrize("word", [4, 5])
@pytest.mark.parametrize("place", [-1, 5000, 1 << 20, 1 << 30])
def test_an_access_outside_ends_the_interpreter(word: int, place: int) -> None:
    content = beyond(word, place)
    with Target() as sound:
        assert "reaches outside its memory" in sound.give(content)
        if not sound.guarded:
            pytest.skip("no guarded memory here")
    with Target(BLIND) as blind:
        end = blind.give(content)
        assert end == "" or "beside arena" in end
    if place > 4096:
        with Target(BLIND) as blind:
            assert blind.give(content, START) == ""


def test_every_way_to_load_runs_a_good_blob() -> None:
    with Target() as target:
        for how in (0, START, PLAIN, STREAM, BYTECODE, LOOK, TRACE):
            for blob in (models.tiny(), models.everything(), models.recurrent()):
                assert target.give(blob.content, how).startswith("ran|")


def test_blobs(tell: Tell) -> None:
    total = fuzz.campaign("blobs", BLOBS, SEED, draws=1)
    told = "\n".join(fuzz.summary("blobs", total, SEED))
    tell(told)
    assert not total.failures, told
    assert total.counts["blobs"] == BLOBS, told
    assert total.counts["ran"] > BLOBS // 4 and total.counts["emulated"] > BLOBS // 100, told
    assert set(total.operators) == set(range(1, 19)) and len(total.answers) > 8, told


def test_models(tell: Tell) -> None:
    total = fuzz.campaign("models", MODELS, SEED, draws=3)
    told = "\n".join(fuzz.summary("models", total, SEED))
    tell(told)
    assert not total.failures, told
    assert total.counts["models"] == MODELS, told
    assert total.answers["a model that runs"] > MODELS // 8 and len(total.answers) > 8, told
