"""Forms in which X is kept from the argument to the sweep: dense, single precision, codes, sparse.

The type of the array tells the form, so nothing else has to carry it: float64 and float32 are
dense, int8 are genotype codes with -1 for missing genotypes, and a SciPy CSC array is sparse.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from blrzoo.storage.blocks import blocks
from blrzoo.storage.csc import Matrix, canonical
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

#: "auto" is the form that goes with the type of the argument.
FORMS = ("auto", "dense", "float32", "sparse", "genotypes")

#: X in one of the forms.
type Stored = np.ndarray | sp.csc_array


def is_sparse(value: object) -> bool:
    """Whether an argument is a sparse matrix, or a DataFrame of sparse columns around 0."""
    if isinstance(value, pd.DataFrame):
        return value.shape[1] > 0 and all(
            isinstance(dtype, pd.SparseDtype) and dtype.fill_value == 0 for dtype in value.dtypes
        )
    return sp.issparse(value)


def is_int8(value: object) -> bool:
    """Whether an argument holds int8 numbers, as genotype codes do."""
    if isinstance(value, pd.DataFrame):
        return value.shape[1] > 0 and all(dtype == np.int8 for dtype in value.dtypes)
    return bool(getattr(value, "dtype", None) == np.int8)


def read_form(matrix: object, columns: pd.Index, form: str) -> Stored | None:
    """Read X in a form of `FORMS`; None where it is to be read as float64."""
    if is_sparse(matrix):
        return _from_sparse(matrix, columns, form)
    if form == "sparse":
        return _csc(np.asarray(matrix, dtype=np.float64), columns)
    if form == "genotypes" or (form == "auto" and is_int8(matrix)):
        return _codes(matrix, form)
    if form == "float32":
        return np.array(matrix, dtype=np.float32, order="C")
    return None


def form_of(values: Stored) -> str:
    """Name the form of X in `FORMS`, by the type of its array."""
    if sp.issparse(values):
        return "sparse"
    return {"int8": "genotypes", "float32": "float32"}.get(values.dtype.name, "dense")


def take_rows(values: Stored, rows: np.ndarray) -> Stored:
    """Take rows of X in any form, by position or mask, as a copy."""
    return sp.csc_array(values[rows]) if sp.issparse(values) else np.ascontiguousarray(values[rows])


def float_blocks(values: Stored) -> Iterator[np.ndarray]:
    """Yield blocks of columns of a megabyte, (obs, k), as float64, NaN for missing codes."""
    for part in blocks(*values.shape):
        yield as_float(values[:, part])


def as_float(values: Any) -> np.ndarray:
    """Return X in any form as float64, (obs, feature), with NaN for missing codes."""
    if sp.issparse(values):
        return values.toarray()
    if values.dtype == np.int8:
        return np.where(values == MISSING, np.nan, values)
    return np.asarray(values, dtype=np.float64)


def _from_sparse(
    matrix: pd.DataFrame | sp.sparray | sp.spmatrix, columns: pd.Index, form: str
) -> Stored | None:
    given = matrix.sparse.to_coo() if isinstance(matrix, pd.DataFrame) else matrix
    if form in ("auto", "sparse"):
        return _csc(given, columns)
    dense = given.toarray()
    if form == "genotypes":
        return _codes(dense, form)
    return dense.astype(np.float32 if form == "float32" else np.float64)


def _csc(matrix: Matrix, columns: pd.Index) -> sp.csc_array:
    """Return a sorted CSC copy without duplicates and stored zeros."""
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


def _codes(matrix: object, form: str) -> np.ndarray | None:
    """Return genotype codes in int8, None where int8 numbers are none."""
    values = np.asarray(matrix)
    if values.dtype != np.int8:
        return _converted(matrix)
    # not copied: they are the bulk of the memory, and are never changed
    return values if _are_codes(int(values.min()), int(values.max()), form) else None


def _are_codes(low: int, high: int, form: str) -> bool:
    """Whether int8 numbers are genotype codes; refuse those that may be or may not."""
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


def _converted(matrix: object) -> np.ndarray:
    """Convert numbers of another type to codes in int8, NaN to the missing code."""
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
