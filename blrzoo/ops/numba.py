"""What the kernels share: registration, compiled designs, loops over small matrices.

A kernel calls functions of its own file and of this one only, so that the key under which it is
cached on disk, `source_version`, follows all the source that it is compiled from.
"""

import inspect
import sys
from collections.abc import Callable
from hashlib import sha256
from secrets import token_hex
from typing import Any

import numpy as np
from numba import njit
from pytensor.graph.op import Op
from pytensor.link.numba.dispatch.basic import register_funcify_default_op_cache_key

from blrzoo.designs.base import DESIGNS, Design
from blrzoo.ops.base import DesignOp

__all__ = [
    "FASTMATH",
    "NOT_POSITIVE",
    "SYMMETRY",
    "bounds",
    "checked",
    "chosen_first",
    "design_version",
    "factorise",
    "operations",
    "register",
    "register_by_design",
    "solve_lower",
    "solve_upper",
    "source_version",
    "trait_operations",
]

#: Reassociation lets dot products use vector registers; infinities (log of 0) must stay exact.
FASTMATH = {"reassoc", "contract", "nsz"}

#: How far a_ij may be from a_ji, relative to sqrt(a_ii a_jj), in a matrix that counts as symmetric.
SYMMETRY = 1e-8

#: Message where there is no Cholesky factor.
NOT_POSITIVE = "a matrix that must be symmetric and positive definite is not"

Kernel = Callable[..., Any]


def register[K: Kernel](op: type[Op]) -> Callable[[K], K]:
    """Register the kernel of an Op (a decorator).

    Parameters
    ----------
    op : type
        Class of the Op.

    Returns
    -------
    callable
        Takes a function compiled by numba, with the Op's inputs and outputs, and returns it.
    """

    def decorate(kernel: K) -> K:
        @register_funcify_default_op_cache_key(op)
        def funcify(op: Op, **kwargs: object) -> tuple[Kernel, int]:
            return kernel, source_version(kernel)

        return kernel

    return decorate


def register_by_design[M: Callable[[type[Design]], Kernel]](op: type[DesignOp]) -> Callable[[M], M]:
    """Register the function that makes the kernel of an Op for a design (a decorator).

    Parameters
    ----------
    op : type
        Class of the Op, whose attribute `design` is the name of a design.

    Returns
    -------
    callable
        Takes a function from the class of a design to the compiled kernel, and returns it.
    """

    def decorate(make: M) -> M:
        @register_funcify_default_op_cache_key(op)
        def funcify(op: DesignOp, **kwargs: object) -> tuple[Kernel, int]:
            design = DESIGNS[op.design]
            return make(design), design_version(design, make)

        return make

    return decorate


def source_version(*parts: Callable[..., object]) -> int:
    """Return a number that changes with the source of this file, or of a part, for the disk cache.

    Parameters
    ----------
    *parts
        Functions and classes; the whole file of each counts.

    Returns
    -------
    int
    """
    modules = [sys.modules[__name__], *(inspect.getmodule(part) for part in parts)]
    sources = [_source(module) for module in modules]
    return int(sha256("".join(sources).encode()).hexdigest()[:15], 16)


def _source(module: Any) -> str:
    """Source of a module; where there is none, as in an interactive session, a random text."""
    try:
        return inspect.getsource(module)
    except (OSError, TypeError):
        return token_hex()


def design_version(design: type[Design], *parts: Callable[..., object]) -> int:
    """`source_version` of parts that were compiled for a design, whose methods may be inherited."""
    return source_version(*parts, *(c for c in design.__mro__ if c is not object))


def operations(design: type[Design]) -> tuple[Kernel, ...]:
    """Compile the methods of a design that kernels call: begin, dot, update and end."""
    # dot and update are inlined: passing many arrays takes as long as a short feature.
    inner, outer = njit(fastmath=FASTMATH, forceinline=True), njit(fastmath=FASTMATH)
    return outer(design.begin), inner(design.dot), inner(design.update), outer(design.end)


def bounds(design: type[Design]) -> tuple[Kernel, Kernel]:
    """Compile the methods of a design that show which features stay at 0: coarsen and bound."""
    return njit(fastmath=FASTMATH)(design.coarsen), njit(fastmath=FASTMATH)(design.bound)


def trait_operations(design: type[Design]) -> tuple[Kernel, Kernel]:
    """Compile begin and end of a design for several traits.

    Parameters
    ----------
    design : type
        A subclass of `Design`.

    Returns
    -------
    begin : callable
        From the arrays and the residual, (obs, trait), to working states as rows, (trait, any).
    end : callable
        From the arrays, these rows and the number of observations to the residual.
    """
    begin, _, _, end = operations(design)

    @njit
    def begin_all(arrays, residual):  # type: ignore[no-untyped-def]
        n, n_traits = residual.shape
        column = np.zeros(n)
        size = begin(arrays, column).shape[0]  # each design has its own
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
        raise np.linalg.LinAlgError(NOT_POSITIVE)
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
def chosen_first(chosen, order):  # type: ignore[no-untyped-def]
    """Fill `order` with the traits, the chosen ones first; return how many are chosen."""
    size = 0
    for t in range(chosen.shape[0]):
        if chosen[t]:
            order[size] = t
            size += 1
    last = size
    for t in range(chosen.shape[0]):
        if not chosen[t]:
            order[last] = t
            last += 1
    return size
