"""Numbers and sums of effects by cell: sufficient statistics of variances and probabilities."""

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

__all__ = ["count", "total"]


def count(cell: TensorVariable | np.ndarray, shape: tuple[int, ...]) -> TensorVariable:
    """Count the features in each cell, from the flat number of each feature's cell."""
    return total(pt.ones_like(pt.as_tensor(cell), dtype="float64"), cell, shape)


def total(
    values: pt.TensorLike, cell: TensorVariable | np.ndarray, shape: tuple[int, ...]
) -> TensorVariable:
    """Sum the values, (feature, ...), in each cell, to shape `shape` + (...)."""
    size = 1
    for length in shape:
        size *= length
    values = pt.as_tensor(values)
    rest = [values.shape[i] for i in range(1, values.ndim)]
    sums = pt.inc_subtensor(pt.zeros((size, *rest))[cell], values)
    return sums.reshape((*shape, *rest))
