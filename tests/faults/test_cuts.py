"""A cable pulled and power lost at every part of a deployment: the board runs the old version or the new one."""

from __future__ import annotations

from random import Random

from tests.conftest import Tell
from tests.faults.cable import Fault
from tests.faults.trials import Outcome, Trials


def test_old_or_new_after_any_cut(trials: Trials, length: int, cuts: int, tell: Tell) -> None:
    """Half of the cuts evenly over all bytes; the others where these found that the board changes."""
    even = cuts // 2
    outcomes = trials.run(_cut(i, (2 * i + 1) * length // (2 * even + 1)) for i in range(even))
    steps = _changes(outcomes, length)
    dense = [(steps[i % len(steps)], i // len(steps)) for i in range(cuts - even)]
    count = max(i for _, i in dense) + 1
    outcomes += trials.run(_cut(i, low + (high - low) * i // count) for (low, high), i in dense)

    failures = [outcome.failure for outcome in outcomes if outcome.failure]
    old, new = (sum(outcome.runs == name for outcome in outcomes) for name in ("old", "new"))
    line = f"{len(outcomes)} cuts: {old} old, {new} new, {len(failures)} failures"
    tell(line)
    assert not failures, "\n".join([line, *failures[:20]])
    assert old > cuts // 4 and new >= cuts // 50, line
    assert sum(outcome.struck for outcome in outcomes) > 0.95 * cuts
    for outcome in outcomes:
        assert outcome.ended == "done" or "went away in the middle" in outcome.ended, outcome
        assert outcome.seconds < 20, outcome  # a port that is gone is noticed at once


def _cut(number: int, at: int) -> Fault:
    """Cable and power in turn; power lasts some ms longer now and then, so that it goes while the board works."""
    if number % 2 == 0:
        return Fault("cut", at)
    return Fault("power", at, seconds=Random(number).choice([0, 0.001, 0.002, 0.005]))


def _changes(outcomes: list[Outcome], length: int) -> list[tuple[int, int]]:
    """Bytes between which the runtime and the version become the new ones, with some before and more behind."""
    places = sorted({outcome.fault.at for outcome in outcomes if outcome.fault} | {length})
    found = []
    for state in (lambda o: o.old_runtime, lambda o: o.runs == "old"):
        last = max(outcome.fault.at for outcome in outcomes if outcome.fault and state(outcome))
        following = places[places.index(last) + 1]
        found.append((max(1, last - 50), min(following + 150, length - 40)))
    return found
