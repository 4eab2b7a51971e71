"""Running sums of the draws of single features, whose size does not grow with the draws."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import xarray as xr

__all__ = ["BATCHES", "ChainSums", "Components", "Inclusion", "Moments", "Running"]

Dims = tuple[str, ...]

#: Batches of a chain, for Monte Carlo errors from the spread of their means. Their number is even,
#: so that the halves of a chain can be compared.
BATCHES = 8


class Running(Protocol):
    """Running sums of one variable in one chain."""

    def add(self, batch: int, count: int, value: np.ndarray) -> None:
        """Add a draw, the `count`-th of its batch."""

    def result(self, counts: np.ndarray) -> dict[str, xr.Variable]:
        """Summaries by name; `counts` are the draws of each batch, NaN for batches without any."""


class ChainSums:
    """Running sums of all variables of features in one chain of a planned number of draws."""

    def __init__(self, draws: int, running: list[tuple[int, Running]]) -> None:
        self.draws = draws
        self.counts = np.zeros(BATCHES, dtype=int)
        self.running = running  # each with the position of its variable

    def add(self, values: Sequence[np.ndarray]) -> None:
        """Add a draw of the variables."""
        batch = int(self.counts.sum()) * BATCHES // self.draws
        for place, running in self.running:
            running.add(batch, int(self.counts[batch]) + 1, values[place])
        self.counts[batch] += 1

    def result(self) -> xr.Dataset:
        """Summaries of all variables, and the number of draws in each batch."""
        found = {"draws": xr.Variable("batch", self.counts)}
        for _, running in self.running:
            found |= running.result(self.counts)
        return xr.Dataset(found)


class Moments:
    """Mean of each batch, and the sum of squares about them, by Welford's updates."""

    def __init__(self, name: str, dims: Dims, shape: tuple[int, ...]) -> None:
        self.name, self.dims = name, dims
        self.means = np.zeros((BATCHES, *shape))
        self.squares = np.zeros(shape)

    def add(self, batch: int, count: int, value: np.ndarray) -> None:
        """Move the mean of the batch towards a draw."""
        deviation = value - self.means[batch]
        self.means[batch] += deviation / count
        self.squares += deviation * (value - self.means[batch])

    def result(self, counts: np.ndarray) -> dict[str, xr.Variable]:
        """Mean and SD of the chain (SD NaN for a single draw), and the mean of each batch."""
        mean = np.average(self.means, axis=0, weights=counts)
        between = np.tensordot(counts, (self.means - mean) ** 2, 1)
        variance = (self.squares + between) / (counts.sum() - 1 or np.nan)
        by_batch = self.means.copy()
        by_batch[counts == 0] = np.nan
        return {
            f"{self.name}_mean": xr.Variable(self.dims, mean),
            f"{self.name}_sd": xr.Variable(self.dims, np.sqrt(variance)),
            f"{self.name}_batch_mean": xr.Variable(("batch", *self.dims), by_batch),
        }


class Inclusion:
    """Number of draws that include a feature, and number of changes between draws."""

    def __init__(self, dims: Dims, shape: tuple[int, ...]) -> None:
        self.dims = dims
        self.others = tuple(axis for axis, dim in enumerate(dims) if dim != "feature")
        self.counts = np.zeros((BATCHES, *shape), np.int32)
        self.changes = np.zeros(shape, np.int32)
        self.of_any: int | np.ndarray = 0
        self.last: np.ndarray | None = None

    def add(self, batch: int, count: int, value: np.ndarray) -> None:
        """Count the features that a draw of indicators, or of labels (0: null), includes."""
        included = value > 0
        self.counts[batch] += included
        if self.others:
            self.of_any = self.of_any + included.any(self.others)
        if self.last is not None:
            self.changes += included != self.last
        self.last = included

    def result(self, counts: np.ndarray) -> dict[str, xr.Variable]:
        """PIPs of the chain, of its batches and for any trait, and the number of changes."""
        with np.errstate(invalid="ignore"):  # batches without draws
            by_batch = self.counts / counts.reshape(-1, *[1] * self.changes.ndim)
        found = {
            "pip": xr.Variable(self.dims, self.counts.sum(axis=0) / counts.sum()),
            "pip_batch_mean": xr.Variable(("batch", *self.dims), by_batch),
            "changes": xr.Variable(self.dims, self.changes),
        }
        if self.others:
            found["pip_any"] = xr.Variable("feature", self.of_any / counts.sum())
        return found


class Components:
    """Number of draws in which each feature has each label."""

    def __init__(self, name: str, dim: str, shape: tuple[int, int]) -> None:
        self.name, self.dim = name, dim
        self.counts = np.zeros(shape, np.int32)
        self.features = np.arange(shape[0])

    def add(self, batch: int, count: int, value: np.ndarray) -> None:
        """Count the labels of a draw."""
        self.counts[self.features, value.astype(np.intp)] += 1

    def result(self, counts: np.ndarray) -> dict[str, xr.Variable]:
        """Share of the draws in which each feature has each label."""
        shares = self.counts / counts.sum()
        return {f"{self.name}_frequency": xr.Variable(("feature", self.dim), shares)}
