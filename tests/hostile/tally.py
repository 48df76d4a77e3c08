"""What a worker of fuzz.py has counted; many of them add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace


@dataclass
class Tally:
    """Counts since the last look; ``turns`` stay."""

    counts: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    operators: Counter[int] = field(default_factory=Counter)
    outcomes: set[str] = field(default_factory=set)
    failures: list[tuple[str, str]] = field(default_factory=list)
    slowest_ms: int = 0
    heap: int = 0  # bytes that it has grown by
    memory: int = 0  # bytes of a process, at most
    seconds: float = 0.0
    turns: Counter[str] = field(default_factory=Counter)

    def turn(self, what: str) -> int:
        """0, 1, 2 ..."""
        self.turns[what] += 1
        return self.turns[what] - 1

    def every(self, what: str, n: int) -> bool:
        return self.turn(what) % n == 0

    def add(self, other: Tally) -> None:
        for name in ("counts", "answers", "operators", "outcomes"):
            getattr(self, name).update(getattr(other, name))
        self.failures += other.failures
        for name in ("slowest_ms", "heap", "memory"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))

    def taken(self) -> Tally:
        """What has been counted; this one begins again."""
        copy = replace(self, turns=Counter())
        self.counts, self.answers, self.operators = Counter(), Counter(), Counter()
        self.outcomes, self.failures = set(), []
        return copy
