"""The Ops of small matrices in numba: plain loops."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from blrzoo.ops.kernel import source_version
from blrzoo.ops.small import (
    SYMMETRY,
    CanonicalDraw,
    InverseBartlett,
    InverseLogDeterminant,
    LogCholesky,
    Pack,
    Unpack,
)

__all__ = ["factorise", "solve_lower", "solve_upper"]


@njit
def factorise(matrix):  # type: ignore[no-untyped-def]
    """Lower Cholesky factor, and whether the matrix is symmetric and positive definite."""
    m = matrix.shape[0]
    factor = np.zeros((m, m))
    for i in range(m):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i == j:
                if not (total > 0.0 and total < np.inf):
                    return factor, False
                factor[i, i] = np.sqrt(total)
            else:
                bound = SYMMETRY * np.sqrt(matrix[j, j]) * np.sqrt(np.abs(matrix[i, i]))
                if not np.abs(matrix[i, j] - matrix[j, i]) <= bound:
                    return factor, False
                factor[i, j] = total / factor[j, j]
    return factor, True


@njit
def checked(matrix):  # type: ignore[no-untyped-def]
    """Lower Cholesky factor of a matrix that must have one."""
    factor, positive = factorise(matrix)
    if not positive:
        raise np.linalg.LinAlgError("a matrix that must be symmetric and positive definite is not")
    return factor


@njit
def solve_lower(factor, vector):  # type: ignore[no-untyped-def]
    """Solve L x = vector, in place."""
    for i in range(vector.shape[0]):
        total = vector[i]
        for k in range(i):
            total -= factor[i, k] * vector[k]
        vector[i] = total / factor[i, i]


@njit
def solve_upper(factor, vector):  # type: ignore[no-untyped-def]
    """Solve L'x = vector, in place."""
    for i in range(vector.shape[0] - 1, -1, -1):
        total = vector[i]
        for k in range(i + 1, vector.shape[0]):
            total -= factor[k, i] * vector[k]
        vector[i] = total / factor[i, i]


@njit
def _square(half, out):  # type: ignore[no-untyped-def]
    """half' half into `out`."""
    for i in range(half.shape[1]):
        for j in range(i + 1):
            total = 0.0
            for k in range(half.shape[0]):
                total += half[k, i] * half[k, j]
            out[i, j] = out[j, i] = total


@njit
def _pack(matrix):  # type: ignore[no-untyped-def]
    m, at = matrix.shape[0], 0
    packed = np.empty(m * (m + 1) // 2)
    for i in range(m):
        for j in range(i + 1):
            packed[at] = matrix[i, j]
            at += 1
    return packed


@njit
def _unpack(packed):  # type: ignore[no-untyped-def]
    m, at = int(np.sqrt(8.0 * packed.shape[0] + 1.0) - 1.0) // 2, 0
    matrix = np.zeros((m, m))
    for i in range(m):
        for j in range(i + 1):
            matrix[i, j] = packed[at]
            at += 1
    return matrix


@njit
def _log_cholesky(matrix):  # type: ignore[no-untyped-def]
    factor = checked(matrix)
    for i in range(factor.shape[0]):
        factor[i, i] = np.log(factor[i, i])
    return _pack(factor)


@njit
def _inverse_log_determinant(matrix):  # type: ignore[no-untyped-def]
    m, log = matrix.shape[0], 0.0
    inverse, half = np.empty((m, m)), np.eye(m)
    factor, positive = factorise(matrix)
    if not positive:
        inverse[:] = np.nan
        return inverse, np.array(np.nan)
    for i in range(m):
        solve_lower(factor, half[:, i])
        log += 2.0 * np.log(factor[i, i])
    _square(half, inverse)
    return inverse, np.array(log)


@njit
def _inverse_bartlett(S, chi2, normals):  # type: ignore[no-untyped-def]
    factor, bartlett, drawn = checked(S), normals.copy(), np.empty(S.shape)
    half = factor.T
    for i in range(chi2.shape[0]):
        bartlett[i, i] = np.sqrt(chi2[i])
    for i in range(chi2.shape[0]):
        solve_lower(bartlett, half[:, i])
    _square(half, drawn)
    return drawn


@njit
def _canonical_draw(precision, linear, normals):  # type: ignore[no-untyped-def]
    factor, drawn = checked(precision), linear.copy()
    solve_lower(factor, drawn)
    for i in range(drawn.shape[0]):
        drawn[i] += normals[i]
    solve_upper(factor, drawn)
    return drawn


_KERNELS = {
    LogCholesky: _log_cholesky,
    Pack: _pack,
    Unpack: _unpack,
    InverseLogDeterminant: _inverse_log_determinant,
    InverseBartlett: _inverse_bartlett,
    CanonicalDraw: _canonical_draw,
}


def _funcify(op: Any, **kwargs: Any) -> tuple[Callable[..., Any], int]:
    return _KERNELS[type(op)], source_version(factorise, LogCholesky)


for _op in _KERNELS:
    register_funcify_default_op_cache_key(_op)(_funcify)
