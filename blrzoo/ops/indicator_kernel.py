"""The sweep with an indicator for each trait in numba: plain loops over the affected traits."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from blrzoo.designs.base import DESIGNS, Design
from blrzoo.ops.indicators import IndicatorSweep
from blrzoo.ops.kernel import design_version, operations
from blrzoo.ops.small_kernel import checked, solve_upper
from blrzoo.ops.working import trait_operations

__all__ = ["make_indicator_kernel"]


@njit
def _extend(matrix, order, start, stop, factor):  # type: ignore[no-untyped-def]
    """Rows start to stop of the Cholesky factor of matrix[order][:, order]."""
    for i in range(start, stop):
        for k in range(i + 1):
            total = matrix[order[i], order[k]]
            for m in range(k):
                total -= factor[i, m] * factor[k, m]
            factor[i, k] = np.sqrt(total) if i == k else total / factor[k, k]


@njit
def _toggle(members, size, t, other):  # type: ignore[no-untyped-def]
    """Fill `other` with the members without t or, if t is none of them, with t; their number."""
    n = 0
    for i in range(size):
        if members[i] != t:
            other[n] = members[i]
            n += 1
    if n == size:
        other[n] = t
        n += 1
    return n


@njit
def _sort(on, order):  # type: ignore[no-untyped-def]
    """Fill `order` with the affected traits, then the others; the number of the first."""
    size, last = 0, np.sum(on)
    for t in range(on.shape[0]):
        if on[t]:
            order[size] = t
            size += 1
        else:
            order[last] = t
            last += 1
    return size


@njit
def _log_evidence(d, q, precision, covariance, members, size, work):  # type: ignore[no-untyped-def]
    """log m(S) of the members S; leaves L, the factor B of A, and inv(B) L'q in `work`."""
    factor, half, product, w = work
    _extend(covariance, members, 0, size, factor)
    for i in range(size):
        for k in range(size):
            product[i, k] = 0.0
            for m in range(k, size):
                product[i, k] += precision[members[i], members[m]] * factor[m, k]
    log_evidence = 0.0
    for i in range(size):
        for k in range(i + 1):
            total = 0.0
            for m in range(i, size):
                total += factor[m, i] * product[m, k]
            total = d * total + (i == k)
            for m in range(k):
                total -= half[i, m] * half[k, m]
            half[i, k] = np.sqrt(total) if i == k else total / half[k, k]
        total = 0.0
        for m in range(i, size):
            total += factor[m, i] * q[members[m]]
        for m in range(i):
            total -= half[i, m] * w[m]
        w[i] = total / half[i, i]
        log_evidence += 0.5 * w[i] * w[i] - np.log(half[i, i])
    return log_evidence


@njit
def _alone(d, q, precision, variance):  # type: ignore[no-untyped-def]
    """log m(S) of one trait: what nearly every indicator of a sparse model needs."""
    shrink = 1.0 + d * precision * variance
    return 0.5 * (variance * q * q / shrink - np.log(shrink))


@njit
def _draw_indicators(d, q, precision, covariance, log_odds, logistics, on, lists, work):  # type: ignore[no-untyped-def]
    """Draw each indicator given the others, alpha integrated out; one evidence for each."""
    members, other = lists
    size, current = _sort(on, members), 0.0
    if size > 0:
        current = _log_evidence(d, q, precision, covariance, members, size, work)
    for t in range(on.shape[0]):
        if size == 0:
            other[0], n = t, 1
            proposed = _alone(d, q[t], precision[t, t], covariance[t, t])
        else:
            n, proposed = _toggle(members, size, t, other), 0.0
            if n > 0:
                proposed = _log_evidence(d, q, precision, covariance, other, n, work)
        gain = current - proposed if on[t] else proposed - current
        drawn = log_odds[t] + gain + logistics[t] > 0.0
        if drawn != on[t]:
            on[t], size, current = drawn, n, proposed
            members[:n] = other[:n]


@njit
def _draw_alpha(d, q, precision, covariance, pseudo, on, normals, order, work, alpha):  # type: ignore[no-untyped-def]
    """Fill alpha given the affected traits; `pseudo` is the factor where there are none."""
    factor, half, _, w = work
    size, n_traits = _sort(on, order), on.shape[0]
    if size > 0:
        _log_evidence(d, q, precision, covariance, order, size, work)
        _extend(covariance, order, size, n_traits, factor)
    else:
        factor = pseudo
    for i in range(n_traits):
        w[i] = w[i] + normals[i] if i < size else normals[i]
    solve_upper(half[:size, :size], w[:size])
    for i in range(n_traits):
        alpha[order[i]] = 0.0
        for k in range(i + 1):
            alpha[order[i]] += factor[i, k] * w[k]


def make_indicator_kernel(design: type[Design]) -> Callable[..., Any]:
    """Compile the sweep with an indicator for each trait for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and outputs of `blrzoo.ops.indicators.IndicatorSweep`.
    """
    _, dot, update, _ = operations(design)
    begin, end = trait_operations(design)

    @njit
    def sweep(*inputs):  # type: ignore[no-untyped-def]
        arrays = inputs[:-9]
        residual, old, precision, covariance, pseudo = inputs[-9:-4]
        log_odds, indicators, logistics, normals = inputs[-4:]
        n_traits = old.shape[1]
        rows = begin(arrays, residual)
        slabs, effects = np.empty(old.shape), np.zeros(old.shape)
        active, drawn = indicators > 0, np.zeros(old.shape, dtype=np.int64)
        checked(covariance)  # then its submatrices have factors too
        excluded = checked(pseudo)
        scaled, q = np.empty(n_traits), np.empty(n_traits)
        square = (n_traits, n_traits)
        work = np.empty(square), np.empty(square), np.empty(square), np.empty(n_traits)
        lists = np.arange(n_traits), np.arange(n_traits)
        for j in range(old.shape[0]):
            d, on = arrays[-1][j], active[j]
            for t in range(n_traits):
                scaled[t] = dot(arrays, j, rows[t]) + d * old[j, t]
            for t in range(n_traits):
                q[t] = 0.0
                for u in range(n_traits):
                    q[t] += precision[t, u] * scaled[u]
            _draw_indicators(
                d, q, precision, covariance, log_odds[j], logistics[j], on, lists, work
            )
            _draw_alpha(
                d, q, precision, covariance, excluded, on, normals[j], lists[0], work, slabs[j]
            )
            for t in range(n_traits):
                if on[t]:
                    effects[j, t], drawn[j, t] = slabs[j, t], 1
                if effects[j, t] != old[j, t]:
                    update(arrays, j, old[j, t] - effects[j, t], rows[t])
        return slabs, effects, drawn, end(arrays, rows, residual.shape[0])

    return sweep


@register_funcify_default_op_cache_key(IndicatorSweep)
def _funcify_sweep(op: IndicatorSweep, **kwargs: Any) -> tuple[Callable[..., Any], int]:
    design = DESIGNS[op.design]
    version = design_version(design, make_indicator_kernel, trait_operations, solve_upper)
    return make_indicator_kernel(design), version
