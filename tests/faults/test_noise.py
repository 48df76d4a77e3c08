"""Bytes that come late, changed or not at all, boards that restart: a deployment succeeds, or ends with an error."""

from __future__ import annotations

import os
from random import Random

import pytest

from tests.conftest import Tell
from tests.faults.cable import Fault
from tests.faults.trials import Trials


def _spread(kind: str, count: int, length: int, **options: float) -> list[Fault]:
    random = Random(kind)
    sizes = (1, 1, 2, 5, 40) if kind in ("corrupt", "drop") else (1,)
    return [
        Fault(kind, max(1, int((i + random.random()) * length / count)), random.choice(sizes), **options)
        for i in range(count)
    ]


def test_delays_do_not_matter(trials: Trials, length: int, cuts: int, tell: Tell) -> None:
    outcomes = trials.run(_spread("delay", cuts // 5, length, seconds=2.0))
    failures = [o.failure or f"{o.fault}: {o.ended}" for o in outcomes if o.failure or o.ended != "done"]
    tell(f"{len(outcomes)} delays of 2 s: {len(outcomes) - len(failures)} deployed, {len(failures)} failures")
    assert not failures, "\n".join(failures[:20])


@pytest.mark.parametrize(("kind", "name"), [("corrupt", "corruptions"), ("drop", "losses")])
def test_wrong_bytes_are_noticed(trials: Trials, length: int, cuts: int, kind: str, name: str, tell: Tell) -> None:
    _survive(trials, _spread(kind, cuts // 5, length), name, tell)


@pytest.mark.skipif("WHIT_CUTS" not in os.environ, reason="minutes of waiting for an answer: make faults")
def test_board_restarts(trials: Trials, length: int, cuts: int, tell: Tell) -> None:
    """Its answer never comes; nobody can tell that from a board that is busy."""
    _survive(trials, _spread("restart", cuts // 5, length), "restarts", tell)


def _survive(trials: Trials, faults: list[Fault], name: str, tell: Tell) -> None:
    outcomes = trials.run(faults)
    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    done = sum(outcome.ended == "done" for outcome in outcomes)
    old, new = (sum(outcome.runs == version for outcome in outcomes) for version in ("old", "new"))
    tell(
        f"{len(outcomes)} {name}: {done} deployed all the same, {len(outcomes) - done} errors; "
        f"{old} old, {new} new, {len(failures)} failures"
    )
    assert not failures, "\n".join(failures[:20])
    for outcome in outcomes:
        assert outcome.seconds < 140, outcome  # the longest that a deployment waits for an answer, and some
