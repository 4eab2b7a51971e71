"""Sufficient statistics of effects by cell: how many fall in each, and their sums of squares."""

from typing import Any

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

__all__ = ["count", "total"]


def count(cell: Any, shape: tuple[int, ...]) -> TensorVariable:
    """How many features fall in each cell.

    Parameters
    ----------
    cell : TensorVariable, (feature,)
        Number of each feature's cell, below the product of `shape`.
    shape : tuple of int
        Shape of the cells.

    Returns
    -------
    TensorVariable, `shape`

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.priors.counting import count
    >>> count(np.array([0, 2, 2]), (3,)).eval()
    array([1., 0., 2.])
    """
    return total(pt.ones_like(pt.as_tensor(cell), dtype="float64"), cell, shape)


def total(values: Any, cell: Any, shape: tuple[int, ...]) -> TensorVariable:
    """Sum of the values, (feature, ...), in each cell, shape `shape` + (...); see `count`.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.priors.counting import total
    >>> total(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 1]), (2,)).eval()
    array([1., 5.])
    """
    size = 1
    for length in shape:
        size *= length
    values = pt.as_tensor(values)
    rest = [values.shape[i] for i in range(1, values.ndim)]
    sums = pt.inc_subtensor(pt.zeros((size, *rest))[cell], values)
    return sums.reshape((*shape, *rest))
