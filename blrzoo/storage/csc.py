"""Compressed sparse columns: read without changing what the user passed, and summed."""

import numpy as np
import scipy.sparse

__all__ = ["canonical", "column_sums"]

#: Dense, or sparse of any format.
type Matrix = np.ndarray | scipy.sparse.sparray | scipy.sparse.spmatrix


def canonical(X: Matrix) -> scipy.sparse.csc_array:
    """Return sorted CSC columns of real numbers without duplicates; `X` is never changed."""
    matrix = scipy.sparse.csc_array(X)  # shares the memory of X if that is CSC
    if matrix.dtype.kind not in "iu" and matrix.dtype not in (np.float64, np.float32):
        matrix = matrix.astype(np.float64)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix


def column_sums(
    matrix: scipy.sparse.csc_array, values: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Sum `values` (stored,), in place of those stored, times row weights: (feature,)."""
    given = scipy.sparse.csc_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)
    return np.asarray(given.T @ (np.ones(matrix.shape[0]) if weights is None else weights))
