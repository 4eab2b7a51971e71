"""The Ops of several traits in numba."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from blrzoo.designs.base import DESIGNS, Design
from blrzoo.ops.kernel import design_version, operations, source_version
from blrzoo.ops.small_kernel import checked
from blrzoo.ops.trait_reference import ROUNDING
from blrzoo.ops.traits import Rotate, TraitSweep
from blrzoo.ops.working import trait_operations

__all__ = ["make_trait_kernel", "rotate"]


@njit
def _times(left, right):  # type: ignore[no-untyped-def]
    """Product of small matrices, in loops: numba's own takes twice as long to compile."""
    out = np.zeros((left.shape[0], right.shape[1]))
    for i in range(left.shape[0]):
        for k in range(left.shape[1]):
            for j in range(right.shape[1]):
                out[i, j] += left[i, k] * right[k, j]
    return out


@njit
def rotate(slabs, projections, precision):  # type: ignore[no-untyped-def]
    """`blrzoo.ops.trait_reference.rotate`, cell by cell."""
    n_groups, n_components, n_traits = slabs.shape[:3]
    alphas, betas = np.empty(slabs.shape), np.empty(slabs.shape)
    values = np.zeros((n_groups, n_components, n_traits))
    for g in range(n_groups):
        for k in range(n_components):
            factor = checked(slabs[g, k])
            loaded = _times(projections[k], factor)
            found, vectors = np.linalg.eigh(_times(loaded.T, _times(precision, loaded)))
            alpha, beta = _times(factor, vectors), _times(loaded, vectors)
            for i in range(n_traits):
                last = n_traits - 1 - i
                for t in range(n_traits):
                    alphas[g, k, t, i], betas[g, k, t, i] = alpha[t, last], beta[t, last]
                if found[last] > ROUNDING * found[n_traits - 1]:
                    values[g, k, i] = found[last]
    return alphas, betas, values


@njit
def _ranks(values):  # type: ignore[no-untyped-def]
    """How many coordinates of each cell the data see; they are the first ones."""
    ranks = np.zeros(values.shape[:2], dtype=np.int64)
    for g in range(values.shape[0]):
        for k in range(values.shape[1]):
            ranks[g, k] = np.sum(values[g, k] > 0.0)
    return ranks


@njit
def _draw_label(d, q, betas, values, ranks, log_weights, races, projected):  # type: ignore[no-untyped-def]
    """Winner of the race; `projected` is filled with the coordinates of q in each component."""
    best, label = -np.inf, 0
    for k in range(log_weights.shape[0]):
        # One logarithm for |I + D V| and the race.
        quadratic, product = 0.0, races[k] * races[k]
        for i in range(ranks[k]):
            total = 0.0
            for t in range(q.shape[0]):
                total += betas[k, t, i] * q[t]
            projected[k, i] = total
            shrink = 1.0 + d * values[k, i]
            quadratic += total * total / shrink
            product *= shrink
        score = log_weights[k] + 0.5 * (quadratic - np.log(product))
        if score > best:
            best, label = score, k
    return label


@njit
def _draw_effect(d, alphas, betas, values, rank, projected, normals, alpha, beta):  # type: ignore[no-untyped-def]
    """Fill alpha and beta from their independent coordinates."""
    alpha[:] = 0.0
    beta[:] = 0.0
    for i in range(normals.shape[0]):
        coordinate = normals[i]
        if i < rank:
            shrink = 1.0 + d * values[i]
            coordinate = projected[i] / shrink + normals[i] / np.sqrt(shrink)
        for t in range(normals.shape[0]):
            alpha[t] += alphas[t, i] * coordinate
            beta[t] += betas[t, i] * coordinate


def make_trait_kernel(design: type[Design]) -> Callable[..., Any]:
    """Compile the sweep of several traits for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and outputs of `blrzoo.ops.traits.TraitSweep`.
    """
    _, dot, update, _ = operations(design)
    begin, end = trait_operations(design)

    @njit
    def sweep(*inputs):  # type: ignore[no-untyped-def]
        arrays = inputs[:-10]
        residual, old, precision, alphas, betas, values = inputs[-10:-4]
        groups, log_weights, races, normals = inputs[-4:]
        n_traits = old.shape[1]
        rows = begin(arrays, residual)
        slabs, effects = np.empty(old.shape), np.empty(old.shape)
        labels, ranks = np.zeros(old.shape[0], dtype=np.int64), _ranks(values)
        scaled, q = np.empty(n_traits), np.empty(n_traits)
        projected = np.zeros((log_weights.shape[1], n_traits))
        for j in range(old.shape[0]):
            d, g = arrays[-1][j], groups[j]
            for t in range(n_traits):
                scaled[t] = dot(arrays, j, rows[t]) + d * old[j, t]
            for t in range(n_traits):
                q[t] = 0.0
                for u in range(n_traits):
                    q[t] += precision[t, u] * scaled[u]
            k = _draw_label(
                d, q, betas[g], values[g], ranks[g], log_weights[j], races[j], projected
            )
            _draw_effect(
                d,
                alphas[g, k],
                betas[g, k],
                values[g, k],
                ranks[g, k],
                projected[k],
                normals[j],
                slabs[j],
                effects[j],
            )
            for t in range(n_traits):
                if effects[j, t] != old[j, t]:
                    update(arrays, j, old[j, t] - effects[j, t], rows[t])
            labels[j] = k
        return slabs, effects, labels, end(arrays, rows, residual.shape[0])

    return sweep


@register_funcify_default_op_cache_key(Rotate)
def _funcify_rotate(op: Rotate, **kwargs: Any) -> tuple[Callable[..., Any], int]:
    return rotate, source_version(rotate, checked)


@register_funcify_default_op_cache_key(TraitSweep)
def _funcify_sweep(op: TraitSweep, **kwargs: Any) -> tuple[Callable[..., Any], int]:
    design = DESIGNS[op.design]
    return make_trait_kernel(design), design_version(design, make_trait_kernel, trait_operations)
