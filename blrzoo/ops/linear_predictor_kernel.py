"""The linear predictor and its transpose in numba, for every design."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from pytensor.graph.basic import Apply
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from blrzoo.designs.base import DESIGNS, Design
from blrzoo.ops.kernel import design_version, operations
from blrzoo.ops.linear_predictor import CrossProduct, LinearPredictor
from blrzoo.ops.working import trait_operations

__all__ = ["make_cross", "make_predictor"]

#: Columns whose working vectors stay in the cache of a core while the features pass: their numbers.
_CACHE = 1 << 15


def make_predictor(design: type[Design]) -> Callable[..., Any]:
    """Compile X* times effects, (feature, trait), for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and the output of `blrzoo.ops.linear_predictor.LinearPredictor` of a
        matrix of effects.
    """
    _, _, update, _ = operations(design)
    begin, end = trait_operations(design)
    rows = njit(design.rows)

    @njit
    def predict(*inputs):  # type: ignore[no-untyped-def]
        arrays, effects = inputs[:-1], inputs[-1]
        n, (p, n_traits) = rows(arrays), effects.shape
        working = begin(arrays, np.zeros((n, n_traits)))
        step = max(1, _CACHE // max(n, 1))
        for start in range(0, n_traits, step):
            for j in range(p):
                for t in range(start, min(start + step, n_traits)):
                    if effects[j, t] != 0.0:
                        update(arrays, j, effects[j, t], working[t])
        return end(arrays, working, n)

    return predict


def make_cross(design: type[Design]) -> Callable[..., Any]:
    """Compile the transpose of X* times a residual, (obs, trait), for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and the output of `blrzoo.ops.linear_predictor.CrossProduct` of a matrix.
    """
    _, dot, _, _ = operations(design)
    begin, _ = trait_operations(design)

    @njit
    def cross(*inputs):  # type: ignore[no-untyped-def]
        arrays, residual = inputs[:-1], inputs[-1]
        p, (n, n_traits) = arrays[-1].shape[0], residual.shape
        dots, working = np.empty((p, n_traits)), begin(arrays, residual)
        step = max(1, _CACHE // max(n, 1))
        for start in range(0, n_traits, step):
            for j in range(p):
                for t in range(start, min(start + step, n_traits)):
                    dots[j, t] = dot(arrays, j, working[t])
        return dots

    return cross


def _of_vectors(product: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a vector, as a matrix of one column."""

    @njit
    def of_vector(*inputs):  # type: ignore[no-untyped-def]
        column = np.ascontiguousarray(inputs[-1]).reshape(-1, 1)
        return product(*inputs[:-1], column)[:, 0].copy()

    return of_vector


def _compiled(make: Any, op: Any, node: Apply) -> tuple[Callable[..., Any], int]:
    """Kernel of a node and its version, which knows of what kind the input is."""
    design, dims = DESIGNS[op.design], node.inputs[-1].type.ndim
    product, version = make(design), design_version(design, make, trait_operations)
    return (product, version) if dims == 2 else (_of_vectors(product), version + 1)


@register_funcify_default_op_cache_key(LinearPredictor)
def _funcify_predictor(
    op: LinearPredictor, node: Apply, **kwargs: Any
) -> tuple[Callable[..., Any], int]:
    return _compiled(make_predictor, op, node)


@register_funcify_default_op_cache_key(CrossProduct)
def _funcify_cross(op: CrossProduct, node: Apply, **kwargs: Any) -> tuple[Callable[..., Any], int]:
    return _compiled(make_cross, op, node)
