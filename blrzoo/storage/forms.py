"""Forms in which X is kept from the argument to the sweep: dense, single precision, codes, sparse.

The type of the array tells the form, so nothing else has to carry it: float64 and float32 are
dense, int8 are genotype codes with -1 for a missing one, and a SciPy CSC array is sparse.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from blrzoo.storage.blocks import blocks
from blrzoo.storage.csc import canonical
from blrzoo.storage.moments import MISSING

__all__ = [
    "FORMS",
    "MISSING",
    "as_float",
    "blocks",
    "form_of",
    "is_sparse",
    "read_form",
    "take_rows",
]

#: "auto" is the form that the type of the argument asks for.
FORMS = ("auto", "dense", "float32", "sparse", "genotypes")


def is_sparse(value: Any) -> bool:
    """Whether a user's argument is a sparse matrix, or a DataFrame of columns that leave out 0."""
    if isinstance(value, pd.DataFrame):
        return value.shape[1] > 0 and all(
            isinstance(dtype, pd.SparseDtype) and dtype.fill_value == 0 for dtype in value.dtypes
        )
    return sp.issparse(value)


def is_int8(value: Any) -> bool:
    """Whether a user's argument holds int8 numbers, as genotype codes do."""
    if isinstance(value, pd.DataFrame):
        return value.shape[1] > 0 and all(dtype == np.int8 for dtype in value.dtypes)
    return bool(getattr(value, "dtype", None) == np.int8)


def read_form(matrix: Any, columns: pd.Index, form: str) -> Any | None:
    """Read X in the form that is asked for.

    Parameters
    ----------
    matrix : ndarray, DataFrame or SciPy sparse array, (obs, feature)
        X as the user gave it, without labels.
    columns : pandas.Index
        Labels of the features, for messages.
    form : str
        One of `FORMS`.

    Returns
    -------
    ndarray of float32 or int8, csc_array, or None
        None where X is to be read as float64. int8 codes are not copied.

    Raises
    ------
    ValueError
        Where the numbers do not fit the form.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from blrzoo.storage.forms import read_form
    >>> codes = np.array([[0, 2], [1, -1]], dtype=np.int8)
    >>> read_form(codes, pd.RangeIndex(2), "auto").dtype
    dtype('int8')
    """
    if is_sparse(matrix):
        return _from_sparse(matrix, columns, form)
    if form == "sparse":
        return _csc(np.asarray(matrix, dtype=np.float64), columns)
    if form == "genotypes" or (form == "auto" and is_int8(matrix)):
        return _codes(matrix, form)
    if form == "float32":
        return np.array(matrix, dtype=np.float32, order="C")
    return None


def form_of(values: Any) -> str:
    """Name the form that arrays of this type have.

    Parameters
    ----------
    values : ndarray or csc_array
        X in one of its forms.

    Returns
    -------
    str
        A name in `FORMS`.
    """
    if sp.issparse(values):
        return "sparse"
    return {"int8": "genotypes", "float32": "float32"}.get(values.dtype.name, "dense")


def take_rows(values: Any, rows: np.ndarray) -> Any:
    """Take some rows, in memory of their own.

    Parameters
    ----------
    values : ndarray or csc_array, (obs, feature)
        X in one of its forms.
    rows : ndarray of int or bool
        Which.

    Returns
    -------
    ndarray or csc_array
    """
    return sp.csc_array(values[rows]) if sp.issparse(values) else np.ascontiguousarray(values[rows])


def float_blocks(values: Any) -> Iterator[np.ndarray]:
    """Columns in blocks of a megabyte, (obs, k), as float64 with NaN for missing codes."""
    for part in blocks(*values.shape):
        yield as_float(values[:, part])


def as_float(values: Any) -> np.ndarray:
    """X in any form as float64, (obs, feature), with NaN for missing codes."""
    if sp.issparse(values):
        return values.toarray()
    if values.dtype == np.int8:
        return np.where(values == MISSING, np.nan, values)
    return np.asarray(values, dtype=np.float64)


def _from_sparse(matrix: Any, columns: pd.Index, form: str) -> Any:
    given = matrix.sparse.to_coo() if isinstance(matrix, pd.DataFrame) else matrix
    if form in ("auto", "sparse"):
        return _csc(given, columns)
    dense = given.toarray()
    if form == "genotypes":
        return _codes(dense, form)
    return dense.astype(np.float32 if form == "float32" else np.float64)


def _csc(matrix: Any, columns: pd.Index) -> sp.csc_array:
    """A sparse array of our own, sorted, without repeated or stored zeros."""
    if np.dtype(matrix.dtype).kind not in "biuf":
        raise TypeError(
            f"X must hold real numbers; got a sparse matrix of dtype {matrix.dtype}. Convert it: "
            "X.astype(float)."
        )
    found = canonical(matrix).astype(np.float64, copy=True)
    wrong = ~np.isfinite(found.data)
    if wrong.any():
        at = np.searchsorted(found.indptr, np.flatnonzero(wrong)[0], side="right") - 1
        raise ValueError(
            f"X must be complete and finite where it is sparse; got {int(wrong.sum())} missing or "
            f"infinite value(s), the first in feature {columns[at]!r}. Impute them, or pass a "
            f"dense array of genotype codes with design='genotypes', which knows missing ones."
        )
    found.eliminate_zeros()
    return found


def _codes(matrix: Any, form: str) -> np.ndarray | None:
    """Genotype codes in int8, the memory of the argument where it is int8 already."""
    values = np.asarray(matrix)
    if values.dtype != np.int8:
        return _converted(matrix)
    return values if _are_codes(int(values.min()), int(values.max()), form) else None


def _are_codes(low: int, high: int, form: str) -> bool:
    """Whether int8 numbers are genotype codes; refuse where nobody can know."""
    fits = MISSING <= low and high <= 2
    if form == "genotypes" and not fits:
        _refuse_code(low if low < MISSING else high)
    if form == "auto" and low == MISSING and high < 2:
        raise ValueError(
            f"X must tell what -1 means in int8 codes without any 2, got values from -1 to {high}. "
            "Pass design='genotypes' if it is a missing genotype, or design='dense' if it is a "
            "number."
        )
    return fits


def _converted(matrix: Any) -> np.ndarray:
    """Codes in int8 from numbers of another type, NaN as the missing code."""
    given = np.asarray(matrix, dtype=np.float64)
    wrong = ~(np.isnan(given) | np.isin(given, (MISSING, 0, 1, 2)))
    if wrong.any():
        _refuse_code(given[wrong][0])
    return np.where(np.isnan(given), MISSING, given).astype(np.int8)


def _refuse_code(got: float) -> None:
    raise ValueError(
        f"X must have genotypes coded 0, 1, 2 (missing: -1 or NaN) with design='genotypes', got "
        f"{got:g}. Correct the codes, or pass design='dense', which takes any numbers."
    )
