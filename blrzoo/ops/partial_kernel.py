"""The Op that completes normal rows in numba: plain loops."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from blrzoo.ops.kernel import source_version
from blrzoo.ops.partial import Complete
from blrzoo.ops.small_kernel import factorise

__all__ = ["complete"]


@njit
def _known_first(known, order):  # type: ignore[no-untyped-def]
    """Fill order with the traits, the known ones first; return how many are known."""
    size = 0
    for t in range(known.shape[0]):
        if known[t]:
            order[size] = t
            size += 1
    last = size
    for t in range(known.shape[0]):
        if not known[t]:
            order[last] = t
            last += 1
    return size


@njit
def _factorise_in_order(cov, order):  # type: ignore[no-untyped-def]
    """Cholesky factor of the covariance with its traits in order."""
    ordered = np.empty(cov.shape)
    for i in range(order.shape[0]):
        for j in range(order.shape[0]):
            ordered[i, j] = cov[order[i], order[j]]
    factor, positive = factorise(ordered)
    if not positive:
        raise np.linalg.LinAlgError("the covariance is not positive definite")
    return factor


@njit
def _fill(filled, mu, L, order, size, root, normals, z):  # type: ignore[no-untyped-def]
    """Write the unknown cells of one row; z is working space."""
    for i in range(order.shape[0]):
        t, total = order[i], 0.0
        for k in range(i):
            total += L[i, k] * z[k]
        if i < size:
            z[i] = (root * (filled[t] - mu[t]) - total) / L[i, i]
        else:
            z[i] = normals[t]
            filled[t] = mu[t] + (total + L[i, i] * z[i]) / root


@njit
def complete(values, mu, cov, root, index, patterns, normals):  # type: ignore[no-untyped-def]
    """`blrzoo.ops.partial.complete`, row by row."""
    n_patterns, n_traits = patterns.shape
    shape = (index.shape[0], n_traits)
    if not (values.shape == shape == mu.shape == normals.shape and root.shape[0] == shape[0]):
        raise ValueError("rows, means, weights and known cells differ in shape")
    filled = values.copy()
    orders, sizes = np.empty((n_patterns, n_traits), np.int64), np.empty(n_patterns, np.int64)
    factors, z = np.empty((n_patterns, n_traits, n_traits)), np.empty(n_traits)
    for p in range(n_patterns):
        sizes[p] = _known_first(patterns[p], orders[p])
        if sizes[p] < n_traits:
            factors[p] = _factorise_in_order(cov, orders[p])
    for i in range(filled.shape[0]):
        p = index[i]
        if sizes[p] < n_traits:
            L, order, size = factors[p], orders[p], sizes[p]
            _fill(filled[i], mu[i], L, order, size, root[i], normals[i], z)
    return filled


@register_funcify_default_op_cache_key(Complete)
def _funcify_complete(op: Complete, **kwargs: Any) -> tuple[Callable[..., Any], int]:
    return complete, source_version(complete, factorise)
