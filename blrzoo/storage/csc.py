"""Compressed sparse columns: reading them without touching what the user gave, and sums of them."""

from typing import Any

import numpy as np
import scipy.sparse

__all__ = ["canonical", "column_sums"]


def canonical(X: Any) -> scipy.sparse.csc_array:
    """Compressed sparse columns with sorted rows and no duplicates, of real numbers.

    Parameters
    ----------
    X : SciPy sparse matrix or array
        Its memory is shared where it is in this form already, and it is never changed.

    Returns
    -------
    scipy.sparse.csc_array

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse
    >>> from blrzoo.storage.csc import canonical
    >>> twice = scipy.sparse.coo_array(([1.0, 2.0], ([1, 1], [0, 0])), shape=(2, 1))
    >>> canonical(twice).data
    array([3.])
    """
    matrix = scipy.sparse.csc_array(X)
    if matrix.dtype.kind not in "iu" and matrix.dtype not in (np.float64, np.float32):
        matrix = matrix.astype(np.float64)
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    return matrix


def column_sums(
    matrix: scipy.sparse.csc_array, values: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Sum `values`, which take the place of the stored ones, times the weights of their rows.

    Parameters
    ----------
    matrix : scipy.sparse.csc_array
        Says where the values are.
    values : ndarray, (stored,)
        In the order of ``matrix.data``.
    weights : ndarray, (obs,), optional
        Default: all 1.

    Returns
    -------
    ndarray, (feature,)

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse
    >>> from blrzoo.storage.csc import column_sums
    >>> matrix = scipy.sparse.csc_array(np.array([[1.0, 0.0], [2.0, 4.0]]))
    >>> column_sums(matrix, matrix.data**2)
    array([ 5., 16.])
    """
    given = scipy.sparse.csc_array((values, matrix.indices, matrix.indptr), shape=matrix.shape)
    return np.asarray(given.T @ (np.ones(matrix.shape[0]) if weights is None else weights))
