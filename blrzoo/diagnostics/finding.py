"""Findings of a diagnosis, one for each check."""

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["LEVELS", "Finding", "Level", "more_draws", "some", "worst_level"]

Level = Literal["good", "fair", "poor"]
LEVELS: tuple[Level, ...] = ("good", "fair", "poor")
_MOST_NAMES = 5
_MOST_TIMES = 100  # times as many draws; more is no useful advice


@dataclass(frozen=True)
class Finding:
    """Result of one check in words, and what to do about it."""

    level: Level
    text: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.advice}".strip()


def worst_level(findings: list[Finding]) -> Level:
    """Level of the worst finding."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="good")


def some(names: list[str]) -> str:
    """List the first five names, and the number of others."""
    rest = len(names) - _MOST_NAMES
    more = f" and {rest} other{'s' * (rest > 1)}" if rest > 0 else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def more_draws(times: float) -> str:
    """Advice to draw so many times as many."""
    if times > _MOST_TIMES:
        return f"More draws alone are no cure: it would take over {_MOST_TIMES} times as many."
    return f"Draw about {math.ceil(times)} times as many (draws=, or thin=)."
