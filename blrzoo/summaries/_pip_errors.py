"""Standard error and interval of a PIP, by its number of effective draws."""

import numpy as np
from scipy import stats

from blrzoo.summaries.mixing import LEVEL

__all__ = ["interval", "standard_error"]


def standard_error(probability: np.ndarray, ess: np.ndarray) -> np.ndarray:
    """Return SD / sqrt(ess), or if nothing ever changed the SD of Beta(1, ess + 1)."""
    never = (probability == 0) | (probability == 1)
    usual = np.sqrt(probability * (1 - probability) / ess)
    return np.where(never, stats.beta.std(1, ess + 1), usual)


def interval(
    probability: np.ndarray, ess: np.ndarray, unseen: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the Clopper-Pearson interval for `ess` draws, widened for a mode not visited."""
    tail, included = (1 - LEVEL) / 2, ess * probability
    with np.errstate(invalid="ignore"):  # where the interval ends at 0 or 1
        lower = stats.beta.ppf(tail, included, ess - included + 1)
        upper = stats.beta.ppf(1 - tail, included + 1, ess - included)
    lower, upper = np.where(probability == 0, 0, lower), np.where(probability == 1, 1, upper)
    # The interval allows for one more event, 1 / ess. A mode that none of `unseen` draws visited
    # has 1 / unseen on average, and there the feature may be in or out.
    missed = np.maximum(1 / (unseen + 1) - 1 / (ess + 1), 0)
    return lower * (1 - missed), upper + (1 - upper) * missed
