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

__all__ = ["factorise", "solve_lower", "solve_upper", "stacked"]


@njit
def stacked(matrices):  # type: ignore[no-untyped-def]
    """All matrices of a batch, (batch, m, m)."""
    m = matrices.shape[-1]
    return np.ascontiguousarray(matrices).reshape((matrices.size // (m * m), m, m))


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
def _pack(matrices):  # type: ignore[no-untyped-def]
    stack = stacked(matrices)
    n, m = stack.shape[:2]
    packed = np.empty((n, m * (m + 1) // 2))
    for b in range(n):
        at = 0
        for i in range(m):
            for j in range(i + 1):
                packed[b, at] = stack[b, i, j]
                at += 1
    return packed.reshape((*matrices.shape[:-2], m * (m + 1) // 2))


@njit
def _unpack(packed):  # type: ignore[no-untyped-def]
    length = packed.shape[-1]
    m = int(np.sqrt(8.0 * length + 1.0) - 1.0) // 2
    rows = np.ascontiguousarray(packed).reshape((packed.size // length, length))
    matrices = np.zeros((rows.shape[0], m, m))
    for b in range(rows.shape[0]):
        at = 0
        for i in range(m):
            for j in range(i + 1):
                matrices[b, i, j] = rows[b, at]
                at += 1
    return matrices.reshape((*packed.shape[:-1], m, m))


@njit
def _log_cholesky(matrices):  # type: ignore[no-untyped-def]
    stack = stacked(matrices)
    n, m = stack.shape[:2]
    packed = np.empty((n, m * (m + 1) // 2))
    for b in range(n):
        factor = checked(stack[b])
        at = 0
        for i in range(m):
            for j in range(i + 1):
                packed[b, at] = np.log(factor[i, i]) if i == j else factor[i, j]
                at += 1
    return packed.reshape((*matrices.shape[:-2], m * (m + 1) // 2))


@njit
def _inverse_log_determinant(matrices):  # type: ignore[no-untyped-def]
    stack = stacked(matrices)
    n, m = stack.shape[:2]
    inverses, logs = np.full((n, m, m), np.nan), np.full(n, np.nan)
    for b in range(n):
        factor, positive = factorise(stack[b])
        if positive:
            half, log = np.eye(m), 0.0
            for i in range(m):
                solve_lower(factor, half[:, i])
                log += np.log(factor[i, i])
            _square(half, inverses[b])
            logs[b] = 2.0 * log
    return inverses.reshape(matrices.shape), logs.reshape(matrices.shape[:-2])


@njit
def _inverse_bartlett(S, chi2, normals):  # type: ignore[no-untyped-def]
    scales, noise = stacked(np.broadcast_to(S, normals.shape)), stacked(normals)
    n, m = scales.shape[:2]
    roots = np.sqrt(np.ascontiguousarray(chi2).reshape((n, m)))
    drawn = np.empty((n, m, m))
    for b in range(n):
        half = checked(scales[b]).T.copy()
        bartlett = noise[b].copy()
        for i in range(m):
            bartlett[i, i] = roots[b, i]
        for i in range(m):
            solve_lower(bartlett, half[:, i])
        _square(half, drawn[b])
    return drawn.reshape(normals.shape)


@njit
def _canonical_draw(precision, linear, normals):  # type: ignore[no-untyped-def]
    stack = stacked(precision)
    n, m = stack.shape[:2]
    drawn = np.ascontiguousarray(linear).copy().reshape((n, m))
    noise = np.ascontiguousarray(normals).reshape((n, m))
    for b in range(n):
        factor = checked(stack[b])
        solve_lower(factor, drawn[b])
        for i in range(m):
            drawn[b, i] += noise[b, i]
        solve_upper(factor, drawn[b])
    return drawn.reshape(linear.shape)


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
