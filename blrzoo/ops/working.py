"""What a sweep of several traits carries: a working vector of the design for each trait."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from blrzoo.designs.base import Design
from blrzoo.ops.kernel import operations

__all__ = ["trait_operations"]


def trait_operations(design: type[Design]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Compile for a design how the working vectors of several traits are made and undone.

    Parameters
    ----------
    design : type
        A subclass of `Design`.

    Returns
    -------
    begin : callable
        Of the arrays and the residual, (obs, trait); returns rows, (trait, any).
    end : callable
        Of the arrays, the rows and the number of observations; returns the residual.
    """
    begin, _, _, end = operations(design)

    @njit
    def begin_all(arrays, residual):  # type: ignore[no-untyped-def]
        n, n_traits = residual.shape
        column = np.zeros(n)
        size = begin(arrays, column).shape[0]  # which is the design's own business
        rows = np.empty((n_traits, size))
        for t in range(n_traits):
            for i in range(n):
                column[i] = residual[i, t]
            working = begin(arrays, column)
            for i in range(size):
                rows[t, i] = working[i]
        return rows

    @njit
    def end_all(arrays, rows, n):  # type: ignore[no-untyped-def]
        residual = np.empty((n, rows.shape[0]))
        for t in range(rows.shape[0]):
            column = end(arrays, rows[t])
            for i in range(n):
                residual[i, t] = column[i]
        return residual

    return begin_all, end_all
