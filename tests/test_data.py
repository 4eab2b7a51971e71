"""Boundary of the package: what `check_data` accepts, joins, warns of and refuses."""

import pickle
import re
import time
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from blrzoo.data import RegressionData, check_data
from tests.zoo.bad_data import (
    DAYS,
    ERRORS,
    FEATURES,
    IDS,
    MINUS,
    ZEROS,
    N,
    P,
    W,
    X,
    Y,
    frame,
    series,
)


def same(a: RegressionData, b: RegressionData, labels: bool = True) -> None:
    np.testing.assert_array_equal(a.X, b.X)
    np.testing.assert_array_equal(a.y, b.y)
    np.testing.assert_array_equal(a.W, b.W)
    if labels:
        assert {k: list(v) for k, v in a.coords.items()} == {
            k: list(v) for k, v in b.coords.items()
        }


@pytest.mark.parametrize(
    ("arguments", "error", "pattern"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS]
)
def test_refused(arguments: tuple, error: type[Exception], pattern: str) -> None:
    with pytest.raises(error) as caught:
        check_data(*arguments, form="auto")
    message = str(caught.value)
    assert type(caught.value) is error
    assert re.search(pattern, message), message
    assert re.match(r"(X|y|covariates) must .*; got .*\. .*\.$", message, re.DOTALL), message


# Warnings: id, X, regexes of all warnings in their order

WIDE = np.c_[X, np.tile([1.0, 2, 3, 4, 5, 6], (N, 1))]
WARNINGS: list[tuple[str, Any, list[str]]] = [
    ("constant", frame().assign(one=1.0), [r"^X has 1 constant .*\['one'\]: .*no information"]),
    ("rounding", np.c_[X, 0.3 + 5e-17 * np.arange(N)], [r"^X has 1 constant feature\(s\), \[3\]"]),
    ("constants", WIDE, [r"^X has 6 constant feature\(s\), \[3, 4, 5, 6, 7, \.\.\.\]"]),
    ("equal-constants", np.c_[X, np.zeros((N, 2))], [r"^X has 2 constant feature\(s\), \[3, 4\]"]),
    ("copy", frame().assign(g=X[:, 1]), [r"^X has 1 feat.*\[\('f2', 'g'\)\]: .*incl.* shared"]),
    ("copies", np.c_[X, X, X], [r"^X has 6 .*\[\(0, 3\), \(1, 4\), \(2, 5\), \(0, 6\), \(1, 7\)"]),
    ("minus-zero", np.c_[X, ZEROS, MINUS], [r"^X has 1 feat.*\[\(3, 4\)\]"]),
    ("both", np.c_[X, X[:, 0], np.ones(N)], [r"^X has 1 const.*\[4\]", r"^X has 1 feat.*\(0, 3\)"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("features", "patterns"), [row[1:] for row in WARNINGS], ids=[row[0] for row in WARNINGS]
)
def test_warned_of_and_kept(features: Any, patterns: list[str]) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = check_data(features, Y)
    assert [w.category for w in caught] == [UserWarning] * len(patterns)
    for warning, pattern in zip(caught, patterns, strict=True):
        assert re.search(pattern, str(warning.message)), str(warning.message)
        assert warning.filename == __file__  # the line of the user's call, not one of the package
    np.testing.assert_array_equal(data.X, np.asarray(features))


def test_near_constants_and_near_copies_are_neither() -> None:
    features = np.c_[X, X[:, 0] * (1 + 1e-15), -X[:, 1], 1e6 + X[:, 2], 1 + 1e-9 * X[:, 2]]
    data = check_data(features, 1e6 + Y, 2000 + W)  # warnings are errors
    assert data.p == 7


def test_correlated_covariates_are_independent() -> None:
    assert check_data(X, Y, np.c_[W, W[:, 0] + 1e-5 * X[:, 0]]).W.shape == (N, 3)


def test_copies_of_many_features_are_found_fast() -> None:
    rng = np.random.default_rng(1)
    wide = rng.integers(0, 3, size=(500, 4000)).astype(float)
    wide[:, 3000:] = wide[:, rng.permutation(3000)[:1000]]
    start = time.perf_counter()
    with pytest.warns(UserWarning, match=r"^X has 1000 feature\(s\) that are copies"):
        check_data(wide, rng.normal(size=500))
    assert time.perf_counter() - start < 3  # 0.1 s; comparing all pairs takes minutes


# Accepted kinds

MIXED = np.c_[[0, 1, 2, 0, 1, 2, 0, 0], [1, 0, 0, 1, 1, 0, 0, 1], [1, 2, 3, 4, 5, 6, 7, 9]]
COUNTS = [3, 1, 4, 1, 5, 9, 2, 6]
DUMMY = [0, 0, 1, 1, 0, 1, 0, 1]
BASE = (MIXED.astype(float), np.array(COUNTS, dtype=float), np.array(DUMMY, dtype=float))

KINDS: dict[str, tuple] = {
    "lists": (MIXED.tolist(), COUNTS, DUMMY),
    "tuples": (tuple(map(tuple, MIXED.tolist())), tuple(COUNTS), tuple(DUMMY)),
    "int": (MIXED, np.array(COUNTS), np.array(DUMMY)),
    "int8": (MIXED.astype(np.int8), np.array(COUNTS, np.uint16), np.array(DUMMY, bool)),
    "float32": tuple(a.astype(np.float32) for a in BASE),
    "longdouble": tuple(a.astype(np.longdouble) for a in BASE),
    "big-endian": tuple(a.astype(">f8") for a in BASE),
    "fortran": (np.asfortranarray(BASE[0]), BASE[1], np.asfortranarray(BASE[2][:, None])),
    "strided": (np.repeat(BASE[0], 2, 1)[:, ::2], BASE[1].repeat(2)[::2], BASE[2].repeat(3)[::3]),
    "column": (BASE[0], BASE[1][:, None], BASE[2][:, None]),
    "object": (MIXED.astype(object), [Decimal(c) for c in COUNTS], [Fraction(d) for d in DUMMY]),
    "masked": (np.ma.array(MIXED), np.ma.array(COUNTS, mask=False), np.ma.array(DUMMY)),
    "pandas": (pd.DataFrame(MIXED), pd.Series(COUNTS), pd.Series(DUMMY)),
    "pandas-float": (pd.DataFrame(BASE[0]), pd.Series(BASE[1]), pd.DataFrame(BASE[2])),
    "pandas-objects": (pd.DataFrame(MIXED, dtype=object), pd.DataFrame(COUNTS), pd.array(DUMMY)),
    "pandas-mixed": (
        pd.DataFrame({0: BASE[0][:, 0], 1: MIXED[:, 1] == 1, 2: pd.array(MIXED[:, 2])}),
        pd.Series(COUNTS, dtype="Float64"),
        pd.Series(DUMMY, dtype="boolean"),
    ),
    "pandas-sparse": (
        pd.DataFrame(MIXED).astype(pd.SparseDtype(int)),
        pd.Series(COUNTS, dtype="category").astype(float),
        pd.DataFrame(DUMMY).astype(pd.SparseDtype(float)),
    ),
    "xarray": (xr.DataArray(MIXED), xr.DataArray(COUNTS), xr.DataArray(DUMMY)),
    "xarray-names": (
        xr.DataArray(MIXED.T, dims=["feature", "obs"]),
        xr.DataArray([COUNTS], dims=["any", "obs"]),
        xr.DataArray([DUMMY], dims=["covariate", "obs"]),
    ),
    "xarray-one-name": (
        xr.DataArray(MIXED.T, dims=["snp", "obs"]),
        xr.DataArray(COUNTS, dims="obs"),
        xr.DataArray([DUMMY], dims=["covariate", "sample"]),
    ),
    "xarray-feature": (xr.DataArray(MIXED.T, dims=["feature", "sample"]), COUNTS, DUMMY),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_result_does_not_depend_on_container_or_dtype(kind: str) -> None:
    expected = check_data(*BASE)
    data = check_data(*KINDS[kind])
    same(data, expected)
    assert list(data.coords) == ["obs", "feature", "covariate"]
    for array, shape in ((data.X, (N, 3)), (data.y, (N,)), (data.W, (N, 1))):
        assert type(array) is np.ndarray
        assert (array.dtype.name, array.shape) == ("float64", shape)
        assert array.flags.c_contiguous


@pytest.mark.parametrize("kind", KINDS)
def test_arguments_are_neither_changed_nor_shared(kind: str) -> None:
    before = pickle.dumps(KINDS[kind])
    data = check_data(*KINDS[kind])
    assert pickle.dumps(KINDS[kind]) == before
    for array, argument in zip((data.X, data.y, data.W), KINDS[kind], strict=True):
        assert not np.shares_memory(array, np.asarray(argument))
        assert not array.flags.writeable


def test_later_changes_of_the_data_do_not_arrive() -> None:
    features, response = X.copy(), Y.copy()
    data = check_data(features, response)
    features[:], response[:] = 0, 0
    np.testing.assert_array_equal(data.X, X)
    np.testing.assert_array_equal(data.y, Y)


@pytest.mark.parametrize("covariates", [None, np.empty((N, 0)), pd.DataFrame(index=range(N))])
def test_no_covariates(covariates: Any) -> None:
    data = check_data(X, Y, covariates)
    assert (data.W.dtype.name, data.W.shape) == ("float64", (N, 0))
    assert set(data.coords) == {"obs", "feature"}


@pytest.mark.parametrize(("n", "p", "k"), [(2, 1, 0), (3, 1, 1), (3, 7, 1)])
def test_smallest_data(n: int, p: int, k: int) -> None:
    rng = np.random.default_rng(3)
    data = check_data(rng.normal(size=(n, p)), rng.normal(size=n), rng.normal(size=(n, k)))
    assert (data.n, data.p, data.W.shape) == (n, p, (n, k))


def test_properties() -> None:
    data = check_data(X, Y)
    assert (data.n, data.p) == (N, P)
    variance = [
        sum((v - sum(x) / N) ** 2 for v in x) / (N - 1) for x in (Y.tolist(), *X.T.tolist())
    ]
    assert data.y_variance == pytest.approx(variance[0], rel=1e-13)
    assert isinstance(data.y_variance, float)
    np.testing.assert_allclose(data.x_variance, variance[1:], rtol=1e-13)
    assert data.x_variance is data.x_variance


@pytest.mark.parametrize("scale", [1e-50, 1e50])
def test_extreme_but_workable_scales(scale: float) -> None:
    data = check_data(X * scale, Y / scale)
    np.testing.assert_allclose(data.x_variance, X.var(axis=0, ddof=1) * scale**2, rtol=1e-12)
    assert data.y_variance == pytest.approx(Y.var(ddof=1) / scale**2, rel=1e-12)


# Labels

ORDER = np.array([3, 1, 7, 0, 6, 2, 5, 4])
LABELS: dict[str, Any] = {
    "text": IDS,
    "default": range(N),
    "integer": [40, 10, 30, 20, 80, 70, 60, 50],
    "mixed": ["a", 1, "b", 2.5, None, "c", 3, "d"],
    "dates": DAYS,
    "dates-zone": DAYS.tz_localize("UTC"),
    "category": pd.CategoricalIndex(IDS),
    "nullable": pd.Index(range(N), dtype="Int64"),
}


@pytest.mark.parametrize("kind", LABELS)
def test_rows_are_joined_by_label(kind: str) -> None:
    index = pd.Index(LABELS[kind], tupleize_cols=False)
    covariates = pd.DataFrame(W, index=index, columns=["u", "v"])
    expected = check_data(frame(index), series(index), covariates)
    same(
        check_data(frame(index), series(index).iloc[ORDER], covariates.iloc[ORDER[::-1]]), expected
    )
    assert list(expected.coords["obs"]) == list(index)

    moved = check_data(frame(index).iloc[ORDER], series(index), covariates)
    np.testing.assert_array_equal(moved.X, X[ORDER])
    np.testing.assert_array_equal(moved.y, Y[ORDER])
    np.testing.assert_array_equal(moved.W, W[ORDER])
    assert list(moved.coords["obs"]) == list(index[ORDER])


@pytest.mark.parametrize(
    "labels",
    [np.arange(N, dtype=float), pd.Index(range(N), dtype="Int64"), np.arange(N, dtype="i2")],
)
def test_equal_labels_of_other_dtypes_are_equal(labels: Any) -> None:
    same(
        check_data(frame(range(N)), series(labels)[::-1]),
        check_data(frame(range(N)), series(labels)),
    )


def test_pandas_and_xarray_join() -> None:
    features = xr.DataArray(
        X.T,
        dims=["snp", "obs"],
        coords={"snp": FEATURES, "obs": IDS, "chromosome": ("snp", [1, 1, 2]), "batch": 7},
    )
    data = check_data(features, series().iloc[ORDER], xr.DataArray(W, {"obs": IDS}, ["obs", "w"]))
    same(data, check_data(frame(), series(), W))
    assert {k: list(v) for k, v in data.coords.items()} == {
        "obs": IDS, "feature": FEATURES, "covariate": [0, 1],
    }  # fmt: skip


def test_duplicated_labels_in_the_same_order_are_fine() -> None:
    index = list("aabbccdd")
    data = check_data(frame(index), series(index))
    np.testing.assert_array_equal(data.y, Y)
    assert list(data.coords["obs"]) == index


def test_the_unlabelled_are_joined_by_position() -> None:
    shuffled = frame().iloc[ORDER]
    data = check_data(shuffled, Y, xr.DataArray(W, dims=["obs", "covariate"]))
    np.testing.assert_array_equal(data.X, X[ORDER])
    np.testing.assert_array_equal(data.y, Y)
    np.testing.assert_array_equal(data.W, W)
    assert list(data.coords["obs"]) == list(shuffled.index)


def test_labels_come_from_the_first_that_has_some() -> None:
    covariates = pd.DataFrame(W, index=IDS).iloc[ORDER]
    data = check_data(X, series(), covariates)
    np.testing.assert_array_equal(data.W, W)
    assert list(data.coords["obs"]) == IDS
    only_covariates = check_data(X, Y, covariates)
    np.testing.assert_array_equal(only_covariates.W, W[ORDER])
    assert list(only_covariates.coords["obs"]) == list(covariates.index)
    assert list(check_data(X, Y).coords["obs"]) == list(range(N))


def test_column_labels() -> None:
    data = check_data(frame(columns=["a", 1, 2.5]), Y, pd.Series(W[:, 0], IDS, name="age"))
    assert list(data.coords["feature"]) == ["a", 1, 2.5]
    assert list(data.coords["covariate"]) == ["age"]
    assert all(
        isinstance(labels, np.ndarray) and labels.ndim == 1 for labels in data.coords.values()
    )


def test_result_is_frozen_and_survives_pickling() -> None:
    data = check_data(frame(), series(), W)
    with pytest.raises(AttributeError):
        data.X = X  # type: ignore[misc]
    same(pickle.loads(pickle.dumps(data)), data)


def test_dependent_covariates_are_named_and_only_these() -> None:
    rng = np.random.default_rng(5)
    basis = rng.normal(size=(60, 20)) * 10.0 ** rng.integers(-6, 6, size=20) + 3
    dependent = {
        4: basis[:, 0] - 2 * basis[:, 1],
        9: 5 * basis[:, 3] + 1,
        15: basis[:, 5:9].sum(axis=1),
    }
    columns = [dependent.get(j, basis[:, j]) for j in range(20)]
    check_data(basis[:, :3], basis[:, 3], basis)
    with pytest.raises(ValueError, match=r"got covariate \[4, 9, 15\] as linear"):
        check_data(basis[:, :3], basis[:, 3], np.column_stack(columns))
