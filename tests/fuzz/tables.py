"""Data that are tried: their contents, labels and containers."""

import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from hypothesis import strategies as st
from scipy import sparse

N, P = 12, 5
OBS = [f"i{k}" for k in range(N)]
FEATURES = list("abcde")
TRAITS = ["t1", "t2"]
GROUPS = ["g1", "g1", "g2", "g2", "g2"]
_rng = np.random.default_rng(11)
X = np.round(_rng.normal(size=(N, P)), 3)
Y = np.round(X[:, [0, 1]] * 2 + _rng.normal(size=(N, 2)), 3)
W = np.round(_rng.normal(size=(N, 2)), 3)
WEIGHTS = np.round(_rng.uniform(0.5, 2.0, size=N), 3)

#: Values of each argument, and the dims of its rows and columns.
BASE: dict[str, tuple[np.ndarray, str, str | None]] = {
    "X": (X, "obs", "feature"),
    "y": (Y[:, 0], "obs", None),
    "Y": (Y, "obs", "trait"),
    "covariates": (W, "obs", "covariate"),
    "weights": (WEIGHTS, "obs", None),
    "feature numbers": (np.linspace(0.1, 0.9, P), "feature", None),
    "annotations": (np.round(_rng.normal(size=(P, 2)), 3), "feature", "annotation"),
    "groups": (np.array(GROUPS, dtype=object), "feature", None),
}
LABELS = {"obs": OBS, "feature": FEATURES, "trait": TRAITS, "covariate": ["w1", "w2"]}


class Given:
    """An argument, with its labels (None if it has none) and its numbers.

    `label` replaces a repr that is too long. Not a dataclass, as Hypothesis would show all fields.
    """

    def __init__(
        self,
        value: Any,
        rows: list | None = None,
        columns: list | None = None,
        numbers: np.ndarray | None = None,
        label: str | None = None,
    ) -> None:
        self.value, self.rows, self.columns = value, rows, columns
        self.numbers, self.label = numbers, label

    def __repr__(self) -> str:
        return self.label or f"{type(self.value).__name__} {self.value!r}"


def frame(name: str) -> Given:
    """A valid table with labels."""
    numbers, rows, columns = BASE[name]
    index, names = LABELS[rows], LABELS.get(columns or "")
    if numbers.ndim == 1:
        return Given(pd.Series(numbers, index=index), index, None, numbers)
    return Given(pd.DataFrame(numbers, index=index, columns=names), index, names, numbers)


def _put(value: Any, dtype: Any = None) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.astype(array.dtype if dtype is None else dtype)
        array.flat[array.size // 2 : array.size // 2 + 1] = value
        return array

    return change


def _column(value: Any) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array[..., -1] = value if array.ndim > 1 else array[..., -1]
        return array

    return change


#: Changes of the values or of their shape.
CONTENTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    **{kind: lambda a, kind=kind: a.astype(kind) for kind in ("float32", "f2", "i8", "u1", "O")},
    **{kind: lambda a, kind=kind: a.astype(kind) for kind in ("longdouble", "bool", "S4", "U4")},
    "complex": lambda a: a + 1j,
    "big endian": lambda a: a.astype(">f8"),
    **{f"times {s:g}": lambda a, s=s: a * s for s in (1e50, 1e-50, 1e-58, 1e80, 1e300, -1.0, 0.0)},
    **{f"plus {s:g}": lambda a, s=s: a + s for s in (1e6, 1e12, -1e14)},
    "units": lambda a: a * np.geomspace(1e-3, 1e6, a.shape[-1]),
    **{f"with {v}": _put(v) for v in (np.nan, np.inf, -np.inf, 1e200)},
    **{f"with {v!r}": _put(v, object) for v in (None, pd.NA, "x", Decimal("0.5"), 10**400, 1j)},
    "constant column": _column(0.25),
    "all missing": lambda a: np.full_like(a, np.nan),
    "a missing column": _column(np.nan),
    "no rows": lambda a: a[:0],
    "one row": lambda a: a[:1],
    "two rows": lambda a: a[:2],
    "fewer rows": lambda a: a[:-3],
    "repeated rows": lambda a: np.concatenate([a, a]),
    "no columns": lambda a: a[..., :0],
    "one column": lambda a: a[..., :1],
    "copies": lambda a: np.repeat(a, 2, axis=-1) if a.ndim > 1 else a,
    "more columns than rows": lambda a: np.tile(a, 4) + np.arange(4 * a.shape[-1]) * 1e-3,
    "first column": lambda a: a[:, 0] if a.ndim > 1 else a,
    "as a column": lambda a: a[:, None] if a.ndim == 1 else a,
    "one more dim": lambda a: a[None],
    "transposed": lambda a: a.T,
    "a number": lambda a: np.asarray(a.flat[0]),
}

INDEXES: dict[str, Callable[[int], list]] = {
    "numbers": lambda k: list(range(k)),
    "backwards": lambda k: list(range(k))[::-1],
    "from 1": lambda k: list(range(1, k + 1)),
    "text": lambda k: [f"r{j}" for j in range(k)],
    "digits": lambda k: [str(j) for j in range(k)],
    "floats": lambda k: [j / 2 for j in range(k)],
    "dates": lambda k: list(pd.date_range("2020-01-01", periods=k)),
    "twice": lambda k: ["r0", *(f"r{j}" for j in range(k - 1))][:k],
    "all alike": lambda k: ["r"] * k,
    "with NaN": lambda k: [np.nan, *(f"r{j}" for j in range(1, k))][:k],
    "with None": lambda k: [None, *(f"r{j}" for j in range(1, k))][:k],
    "kinds": lambda k: [(j, str(j), j / 2)[j % 3] for j in range(k)],
    "names of ours": lambda k: ["beta", "obs", "feature", "mu", "X", *range(k)][:k],
    "unicode": lambda k: [chr(0x3B1 + j) + "\n" for j in range(k)],
    "flags": lambda k: [True, False, *range(2, k)][:k],
    "tuples": lambda k: [(j, "x") for j in range(k)],
    "bytes": lambda k: [b"%d" % j for j in range(k)],
}


@st.composite
def indexes(draw: st.DrawFn, k: int) -> list:
    """Labels of k rows or columns."""
    return INDEXES[draw(st.sampled_from(sorted(INDEXES)))](k)


def _index(labels: list) -> pd.Index:
    return pd.Index(labels, tupleize_cols=False)


def _frame(a: np.ndarray, rows: list, columns: list) -> Any:
    if a.ndim == 1:
        return pd.Series(a, index=_index(rows))
    return pd.DataFrame(a, index=_index(rows), columns=_index(columns))


def _array(a: np.ndarray, rows: list, columns: list, dims: tuple[str, ...]) -> xr.DataArray:
    labels = dict(zip(dims, (_index(rows), _index(columns)), strict=False))
    return xr.DataArray(a, labels, dims[: a.ndim])


#: Containers, made from values, row and column labels and dims; those in WITH_LABELS keep labels.
CONTAINERS: dict[str, Callable[..., Any]] = {
    "array": lambda a, *_: a,
    "fortran": lambda a, *_: np.asfortranarray(a),
    "read only": lambda a, *_: np.require(a.copy(), requirements=["O"]),
    "strided": lambda a, *_: np.repeat(a, 2, axis=0)[::2],
    "list": lambda a, *_: a.tolist(),
    "tuple": lambda a, *_: tuple(a.tolist()),
    "masked": lambda a, *_: np.ma.array(a, mask=np.zeros(a.shape, dtype=bool)),
    "frame": lambda a, r, c, d: _frame(a, r, c),
    "nullable": lambda a, r, c, d: _frame(a, r, c).convert_dtypes(),
    "sparse frame": lambda a, r, c, d: _frame(a, r, c).astype(pd.SparseDtype(float)),
    "category": lambda a, r, c, d: _frame(a, r, c).astype("category"),
    "DataArray": lambda a, r, c, d: _array(a, r, c, d),
    "transposed DataArray": lambda a, r, c, d: _array(a, r, c, d).transpose(),
    "DataArray without labels": lambda a, r, c, d: xr.DataArray(a, dims=d[: a.ndim]),
    "DataArray of other dims": lambda a, r, c, d: xr.DataArray(a),
    "Dataset": lambda a, r, c, d: xr.Dataset({"a": _array(a, r, c, d)}),
    "sparse": lambda a, *_: sparse.csr_matrix(a.astype(float)),
    "dict": lambda a, r, c, d: dict(enumerate(a)),
    "matrix": lambda a, *_: np.asmatrix(a),
    "generator": lambda a, *_: (row for row in a.tolist()),
}
WITH_LABELS = {"frame", "nullable", "sparse frame", "category", "DataArray", "transposed DataArray"}


@st.composite
def tables(draw: st.DrawFn, name: str, shared: list | None = None) -> Given:
    """A data argument; `shared` are row labels that other arguments have too."""
    base, row_dim, column_dim = BASE[name]
    change = draw(st.one_of(st.none(), st.none(), st.sampled_from(sorted(CONTENTS))))
    try:
        values = base if change is None else CONTENTS[change](base)
    except (ValueError, TypeError):  # text of groups cannot be scaled
        values = base
    rows, columns = _labels(draw, base, values, shared or LABELS[row_dim], LABELS.get(column_dim))
    same = shared is not None and draw(st.booleans())
    if same and len(values.shape) and values.shape[0] == len(rows):
        order = draw(st.permutations(range(len(rows))))
        values, rows = values[list(order)], [rows[j] for j in order]
    container = draw(st.sampled_from(["frame", *sorted(CONTAINERS)]))
    try:
        dims = (row_dim, column_dim or "column")
        with warnings.catch_warnings(action="ignore"):  # of pandas, about unusual data
            made = CONTAINERS[container](values, rows, columns, dims)
    except (ValueError, TypeError, IndexError, AttributeError, OverflowError, NotImplementedError):
        container, made = "array", values
    keeps = container in WITH_LABELS and values.ndim
    return Given(
        made,
        rows if keeps else None,
        columns if keeps and values.ndim > 1 else None,
        _numbers(values) if container not in ("Dataset", "sparse", "dict", "generator") else None,
    )


def _labels(
    draw: st.DrawFn, base: np.ndarray, values: np.ndarray, rows: list, columns: list | None
) -> tuple[list, list]:
    """Row and column labels for changed values."""
    shape = (*values.shape, 0, 0)[:2]
    if shape[0] != len(rows) or draw(st.integers(0, 3)) == 0:
        rows = draw(indexes(shape[0]))
    if columns is None or shape[1] != len(columns) or draw(st.booleans()):
        columns = draw(indexes(shape[1]))
    return list(rows), list(columns)


def _numbers(values: np.ndarray) -> np.ndarray | None:
    if values.dtype.kind == "c":
        return None
    try:
        with np.errstate(over="ignore"):
            return np.where(pd.isna(values), np.nan, values).astype(float)
    except (TypeError, ValueError, OverflowError):
        return None
