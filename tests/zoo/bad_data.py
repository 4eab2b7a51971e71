"""Table of the data that `check_data` refuses, and the small data that its rows are made of."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import sparse

N, P = 8, 3
RNG = np.random.default_rng(20)
X = np.round(RNG.normal(size=(N, P)), 3)
Y = np.round(RNG.normal(size=N), 3)
W = np.round(RNG.normal(size=(N, 2)), 3)
IDS = list("abcdefgh")
FEATURES = ["f1", "f2", "f3"]
PAIRS = pd.MultiIndex.from_product([["u", "v"], [1, 2, 3, 4]], names=["site", "visit"])


def frame(index: Any = None, columns: Any = None) -> pd.DataFrame:
    index, columns = IDS if index is None else index, FEATURES if columns is None else columns
    return pd.DataFrame(X, index=index, columns=columns)


def series(index: Any = None) -> pd.Series:
    return pd.Series(Y, index=IDS if index is None else index)


def column(values: Any, name: str = "odd") -> pd.DataFrame:
    """The frame X with one more column."""
    return frame(range(N)).assign(**{name: values})


def put(array: np.ndarray, value: Any, *at: Any, dtype: Any = None) -> np.ndarray:
    array = array.astype(array.dtype if dtype is None else dtype)
    array[at] = value
    return array


MULTI_OBS = xr.Coordinates.from_pandas_multiindex(PAIRS, "obs")
STRUCTURED = np.zeros(N, dtype=[("a", float), ("b", float)])
DAYS = pd.date_range("2020-01-01", periods=N)
HUGE = 10**400
ZEROS, MINUS = np.eye(N)[0], np.where(np.eye(N)[0], 1, -0.0)
TWICE = frame(list("aabcdefg"))

TE, VE = TypeError, ValueError

#: id, (X, y[, covariates]), exception, regex of its message
ERRORS: list[tuple[str, tuple, type[Exception], str]] = [
    # containers
    ("sparse-nan", (sparse.csr_matrix(put(X, np.nan, 0, 1)), Y), VE, r"^X must .*feature 1\. Imp"),
    ("sparse-complex", (sparse.csc_array(X.astype(complex)), Y), TE, r"^X must hold real numbers"),
    ("sparse-W", (X, Y, sparse.csr_matrix(W)), TE, r"^covariates .*covariates\.toarray\(\)"),
    ("dataset", (xr.Dataset({"X": ("obs", Y)}), Y), TE, r'^X must .*got Dataset.*X\["name"\]'),
    ("datatree", (X, xr.DataTree()), TE, r'^y must .*got DataTree.*y\["name"\]'),
    ("dict", ({"a": Y}, Y), TE, r"^X must .*got dict.*pd\.DataFrame\(X\)"),
    ("structured-X", (STRUCTURED, Y), TE, r"^X must .*pd\.DataFrame\(X\)"),
    ("structured-y", (X, STRUCTURED), TE, r"^y must .*pd\.DataFrame\(y\)"),
    ("ragged", ([[1.0, 2.0], [3.0]], Y[:2]), VE, r"^X must be rectangular; got .*length"),
    ("none-X", (None, Y), VE, r"^X must .*got NoneType"),
    ("none-y", (X, None), VE, r"^y must .*got NoneType"),
    # content
    ("text-frame", (column(IDS), Y), TE, r"^X must be real .*text in feature \['odd'\].*dummies"),
    ("text-array", (X.astype(str), Y), TE, r"^X must be real .*text in feature \[0, 1, 2\]"),
    ("text-digits", (put(X, "1.5", 0, 1, dtype=object), Y), TE, r"^X .*text in feature \[1\]"),
    ("text-y", (X, IDS), TE, r"^y must be real numbers; got text\..*to_numeric"),
    ("bytes-y", (X, [b"1"] * N), TE, r"^y must be real numbers; got text"),
    ("text-W", (X, Y, pd.Series(IDS, name="sex")), TE, r"^covariates .*text in .*\['sex'\]"),
    ("text-many", (X.repeat(4, 1).astype(str), Y), TE, r"\[0, 1, 2, 3, 4, \.\.\.\]"),
    ("category", (column(pd.Categorical([1, 2] * 4)), Y), TE, r"^X .*categ.*'odd'.*dummies\(X"),
    ("category-y", (X, pd.Categorical([1, 2] * 4)), TE, r"^y .*categories"),
    ("category-bool", (column(pd.Categorical([True, False] * 4)), Y), TE, r"^X .*categories"),
    ("complex", (X * 1j, Y), TE, r"^X must be real .*complex.*imaginary"),
    ("complex-y", (X, Y + 0j), TE, r"^y must be real .*complex"),
    ("complex-object", (put(X, 1j, 0, 0, dtype=object), Y), TE, r"^X .*complex .*\[0\]"),
    ("datetime", (column(DAYS), Y), TE, r"^X .*dates or times in feature \['odd'\].*days"),
    ("datetime-array", (X, DAYS.to_numpy()), TE, r"^y .*dates or times"),
    ("date-object", (column(DAYS.date), Y), TE, r"^X .*dates or times in feature \['odd'\]"),
    ("timestamp-object", (column(DAYS.astype(object)), Y), TE, r"^X .*dates or times .*'odd'"),
    ("period", (column(DAYS.to_period("D")), Y), TE, r"^X .*dates or times .*'odd'"),
    ("timedelta", (column(DAYS - DAYS[0]), Y), TE, r"^X .*dates or times .*'odd'"),
    ("object", (column([object()] * N), Y), TE, r"^X .*other objects .*'odd'.*astype\(float\)"),
    ("too-big-int", (column([HUGE] * N), Y), TE, r"^X must convert to float64.*too large"),
    ("two-kinds", (column(IDS).assign(t=DAYS), Y), TE, r"text in .*'odd'.*times in .*'t'"),
    ("masked-dates", (X, np.ma.array(DAYS.to_numpy())), TE, r"^y .*dates or times"),
    ("masked-complex", (np.ma.masked_less(X, 0) * 1j, Y), TE, r"^X .*complex"),
    # missing and infinite
    ("nan", (put(X, np.nan, 2, 1), Y), VE, r"^X .*1 missing.* 0 inf.*obs \[2\], feature \[1\]"),
    ("nan-label", (frame().mask(X == X[3, 2]), Y), VE, r"obs \['d'\], feature \['f3'\].*impute"),
    ("inf", (put(X, -np.inf, 2), Y), VE, r"^X .*0 missing \(NaN\) and 3 infinite"),
    ("nan-y", (X, series().where(Y != Y[4])), VE, r"^y .*1 missing.*obs \['e'\]\. Drop"),
    ("inf-y", (X, put(Y, np.inf, 1)), VE, r"^y .*1 infinite.*obs \[1\]"),
    ("nan-W", (X, Y, put(W, np.nan, 1, 1)), VE, r"^covariates .*1 missing.*covariate \[1\]"),
    ("none-in-object", (put(X, None, 0, 0, dtype=object), Y), VE, r"^X .*1 missing"),
    ("NA-in-object", (put(X, pd.NA, 0, 0, dtype=object), Y), VE, r"^X .*1 missing"),
    ("NA-nullable", (X, pd.array([1, None, *range(6)], dtype="Int64")), VE, r"^y .*1 missing"),
    ("masked", (np.ma.masked_less(X, X.min() + 1e-9), Y), VE, r"^X .*1 missing"),
    ("masked-int", (X, np.ma.masked_equal(np.arange(N), 3)), VE, r"^y .*1 missing.*\[3\]"),
    ("masked-object", (X, np.ma.array(put(Y, None, 1, dtype=object), mask=ZEROS)), VE, r"2 miss"),
    ("longdouble", (X, put(Y, 1e300, 0, dtype=np.longdouble) ** 2), VE, r"^y .*1 infinite"),
    # dimensions and sizes
    ("X-1d", (X[:, 0], Y), VE, r"^X must have dim.*shape \(8,\).*X\.reshape\(-1, 1\)"),
    ("X-1d-series", (series(), Y), VE, r"^X must .*got Series .*X\.to_frame\(\)"),
    ("X-swapped", (Y, X), VE, r"vector X of shape \(8,\) and a matrix y .*swapped"),
    ("X-swapped-frame", (series(), frame()), VE, r"^X must .* matrix y .*swapped.*X\.to_frame\(\)"),
    ("X-3d", (X[None], Y), VE, r"^X must have dim.*3 dimension.*\(1, 8, 3\)"),
    ("y-0d", (X, 1.0), VE, r"^y must have dim.*float with 0 dim"),
    ("y-3d", (X, Y[None, None]), VE, r"^y must have dim.*3 dim"),
    ("W-3d", (X, Y, W[None]), VE, r"^covariates must have dim.*3 dim"),
    ("y-two", (X, np.c_[Y, Y]), VE, r"^y must be a vector.*\(8, 2\).*multivariate"),
    ("y-row", (X, Y[None]), VE, r"^y must be a vector.*\(1, 8\)"),
    ("n-0", (X[:0], Y[:0]), VE, r"^X must have at least 2 obs.*\(0, 3\)"),
    ("n-1", (X[:1], Y[:1]), VE, r"^X must have at least 2 obs.*\(1, 3\)"),
    ("p-0", (X[:, :0], Y), VE, r"^X must have at least one feature.*\(8, 0\)"),
    ("p-0-frame", (frame()[[]], Y), VE, r"^X must have at least one feature.*\(8, 0\)"),
    ("length", (X, Y[:5]), VE, r"^y must have one row.*5 rows in y and 8 in X"),
    ("length-labels", (frame(), Y[:5]), VE, r"^y must have one row.*5 rows in y and 8 in X"),
    ("length-repeats", (frame(), pd.concat([series(), series()])), VE, r"^y .*\(16 for 8\): rep"),
    ("length-W", (X, Y, W[:5]), VE, r"^covariates must .*5 rows in covariates and 8 in X"),
    # labels
    ("labels-differ", (frame(), series([*IDS[:7], "z"])), VE, r"^y .*\['h'\], .*'z'\].*y\.to_"),
    ("labels-fewer", (frame(), series()[:6]), VE, r"^y .*\(6 for 8\): missing \['g', 'h'\]"),
    ("labels-default", (frame(), series(range(N))), VE, r"^y .*unknown \[0, .* \(8 in all"),
    ("labels-subset", (frame(range(N))[::2], series(range(N))[:4]), VE, r"\[4, 6\], .* \[1, 3\]"),
    ("labels-type", (frame(range(N)), series(list("01234567"))), VE, r"\[0, 1.*unknown \['0'"),
    ("labels-dates", (frame(DAYS), series(DAYS.astype(str))), VE, r"unknown \['2020"),
    ("labels-W", (frame(), Y, pd.DataFrame(W)), VE, r"^covariates must .*covariates\.to_numpy"),
    ("labels-W-y", (X, series(), pd.DataFrame(W)), VE, r"^covariates must have .* labels of y"),
    ("twice-moved", (TWICE, series(list("abacdefg"))), VE, r"^y must .*repeated \['a'\].*to_n"),
    ("twice-counts", (TWICE, series(list("abbcdefg"))), VE, r"^y must .*repeated \['b', 'a'\]"),
    ("multi-rows", (frame(PAIRS), Y), VE, r"^X .*MultiIndex with 2 levels.*X\.index = "),
    ("multi-y", (X, series(PAIRS)), VE, r"^y .*MultiIndex.*y\.index = "),
    ("multi-columns", (frame(columns=PAIRS[:3]), Y), VE, r"^X .*MultiIndex.*X\.columns = "),
    ("multi-xarray", (xr.DataArray(X, MULTI_OBS, ["obs", "f"]), Y), VE, r"^X .*MultiIndex"),
    ("tuples", (frame(pd.Index(list(PAIRS), tupleize_cols=False)), Y), VE, r"^X .*tuples as its i"),
    ("names-X", (frame(columns=["a", "b", "a"]), Y), VE, r"^X must have a diff.*\['a'\] more"),
    ("names-W", (X, Y, pd.DataFrame(W, columns=["u", "u"])), VE, r"^covariates must .*\['u'\]"),
    # the numbers
    ("y-constant", (X, np.full(N, 0.1)), VE, r"^y must vary .*8 times the value 0\.1"),
    ("y-rounding", (X, 0.3 + np.arange(N) * 5e-17), VE, r"^y must vary"),
    ("X-constant", (np.ones((N, P)), Y), VE, r"^X must have a feature that varies.*3 constant"),
    ("X-huge", (put(X, 1e200, 0, 1), Y), VE, r"^X must have a scale.*feature \[1\]\. Rescale"),
    ("X-huge-constant", (put(X, 1e200, ..., 1), Y), VE, r"^X must have a scale"),
    ("X-tiny", (X * [1, 1, 1e-180], Y), VE, r"^X must have a scale.*range.*feature \[2\]"),
    ("y-huge", (X, Y * 1e200), VE, r"^y must have a scale.* in y\. Rescale"),
    ("W-huge", (X, Y, W * 1e200), VE, r"^covariates must have a scale.*covariate \[0, 1\]"),
    ("W-constant", (X, Y, np.c_[W, np.ones(N)]), VE, r"^covariates .*\[2\].*its own intercept"),
    ("W-many", (X, Y, np.eye(N)[:, :7]), VE, r"^covariates .*n > k \+ 1.*k = 7 .*n = 8"),
    ("W-copy", (X, Y, W[:, [0, 1, 0]]), VE, r"^covariates .*covariate \[2\] as linear"),
    ("W-combination", (X, Y, np.c_[W, W @ [2, -3] + 1]), VE, r"^covariates .*\[2\] as linear"),
    ("W-dummies", (X, Y, np.eye(3)[[0, 1, 2, 0, 1, 2, 0, 1]]), VE, r"\[2\] as lin.*one level"),
]  # fmt: skip
