"""Values that are tried for numbers, words, flags and hyperparameters."""

import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from hypothesis import strategies as st

from tests.fuzz.tables import FEATURES, GROUPS, TRAITS

#: Numbers at the limits of what is allowed or can be represented, and other types of numbers.
NUMBERS: list[Any] = [
    *(0, 1, 2, 3, 7, -1, 10**400, -(10**400), 2**63, 0.5, 0.9, 1.5, -0.0, 1e-3, 1e300, 5e-324),
    *(float("nan"), float("inf"), -float("inf"), np.float32(0.5), np.float16(0.25), np.int8(3)),
    *(np.uint64(2), np.longdouble(0.5), np.float64("nan"), Decimal("0.5"), Decimal("NaN")),
    *(Fraction(1, 2), 1j, True, False, np.True_, np.array(0.5), np.array(2), pd.NA, pd.NaT, None),
]
WORDS: list[Any] = [
    *("", "x", "auto", "full", "diagonal", "0.5", "None", "nan", "beta", "a", "t1", "β", b"1"),
    *(np.str_("hdi"), "\x00", "x" * 300, slice(None), Ellipsis, NotImplemented),
]
OBJECTS: list[Any] = [
    *(object(), object, int, len, ValueError, ValueError("x"), datetime.date(2020, 1, 1)),
    *(pd.Timestamp("2020"), np.datetime64("2020"), range(3), np.random.default_rng(0)),
    *(pm.Normal, pm.HalfNormal.dist(1.0), pm.Normal.dist(0, 1), pm.Dirichlet.dist([1, 1])),
    *(pm.Beta.dist(1, 1), pm.Poisson.dist(1), pm.HalfNormal.dist(1.0, shape=2), pm.Model()),
]
COLLECTIONS: list[Any] = [
    *([], (), {}, set(), [1, 2], (1,), (4, 0.5), (1, 1, 1), (0.0, 1.0), (4.0, -1.0), [None]),
    *(["a"], ("a", "b"), {"a": 1}, {"nu": 4}, [[1], [1, 2]], [np.nan], {1, 2}, frozenset({"a"})),
    *((None, 1), ("4", 1), (4, 10**400), ((1, 1), (1, 1)), [object()], (4, np.ones(2))),
    *(np.array([]), np.ones(2), np.ones(3), np.ones(5), np.eye(2), np.eye(3), np.ones((2, 2, 2))),
    *(np.array(["a", "b"]), np.array([np.nan, 1]), np.array([None, 1]), np.array([True, False])),
    *(np.array([0.2, 0.8]), [0.5, 0.3, 0.2], np.full((2, 3), 1 / 3), -np.ones(2), np.ma.ones(2)),
    *(pd.Series([1.0, 2.0]), pd.Series([], dtype=float), pd.Series([0.5, pd.NA], dtype="Float64")),
    *(pd.DataFrame({"a": [1.0]}), pd.DataFrame(), pd.Index([1, 2]), pd.Categorical(["a", "b"])),
    *(xr.DataArray(0.5), xr.DataArray([1.0, 2.0]), xr.Dataset(), xr.DataTree()),
    *(xr.Dataset({"a": 1.0}), memoryview(b"ab"), np.zeros(2, dtype=[("a", float)])),
]

JUNK = NUMBERS + WORDS + OBJECTS + COLLECTIONS


def junk(*likely: Any) -> st.SearchStrategy[Any]:
    """Anything, or one of the values that are likely to be valid."""
    anything = st.sampled_from(JUNK)
    return st.one_of(anything, st.sampled_from(likely)) if likely else anything


def number(least: float = 0.0, most: float = 1.0) -> st.SearchStrategy[Any]:
    """Numbers within a range, and anything."""
    within = st.floats(least, most, allow_nan=False)
    return st.one_of(st.sampled_from(NUMBERS), within, st.sampled_from(JUNK))


def whole(least: int = 0, most: int = 6) -> st.SearchStrategy[Any]:
    """Whole numbers within a range, and anything."""
    within = st.integers(least, most)
    return st.one_of(st.sampled_from(NUMBERS), within, st.sampled_from(JUNK))


LABELS = {"group": ["g1", "g2"], "feature": FEATURES, "trait": TRAITS, "covariate": ["w1", "w2"]}


@st.composite
def labelled(draw: st.DrawFn, dims: tuple[str, ...]) -> Any:
    """Numbers by label; the labels may be in any order, foreign, missing, repeated or NaN."""
    labels = [list(draw(st.permutations(LABELS[dim.removesuffix("_bis")]))) for dim in dims]
    change = draw(st.sampled_from(["none", "none", "foreign", "missing", "twice", "nan"]))
    if change == "missing":
        labels[0] = labels[0][1:]
    elif change != "none":
        labels[0][0] = {"foreign": "?", "twice": labels[0][-1], "nan": np.nan}[change]
    shape = [len(one) for one in labels]
    values = np.full(shape, 0.4)
    if dims[-1].endswith("_bis"):  # a covariance: the same labels for rows and columns
        labels[-1] = labels[-2]
        values = np.broadcast_to(0.4 * np.eye(len(labels[-1])), [*shape[:-1], len(labels[-1])])
    array = xr.DataArray(values, list(zip(dims, labels, strict=True)))
    kind = draw(st.sampled_from(["xarray", "pandas", "values", "transposed", "list"]))
    made = {
        "xarray": lambda: array,
        "pandas": lambda: array if len(dims) > 2 else array.to_pandas(),
        "values": lambda: values,
        "transposed": lambda: array.transpose(),
        "list": lambda: values.tolist(),
    }
    return made[kind]()


#: Valid priors of each kind of parameter.
DISTS = {
    "variance": [pm.HalfNormal.dist(1.0), pm.Exponential.dist(1.0), pm.Uniform.dist(0.1, 2)],
    "probability": [pm.Beta.dist(1, 1), pm.Uniform.dist(0, 1)],
    "normal": [pm.Normal.dist(0, 1), pm.StudentT.dist(4), pm.Cauchy.dist(0, 1)],
}


def hyper(kind: str, *dims: str) -> st.SearchStrategy[Any]:
    """Hyperparameters: numbers, tuples, arrays with labels and without, priors, and junk."""
    positive = st.floats(1e-8, 1e8)
    one = {"variance": positive, "probability": st.floats(1e-6, 0.999), "normal": st.floats(-9, 9)}
    second = st.floats(1e-3, 1e3)
    first = st.floats(-9, 9) if kind == "normal" else second
    tuples = [st.tuples(first, second)]
    if dims:
        by = labelled(dims)
        tuples.append(st.tuples(by if kind == "normal" else second, by))
    right = [one[kind], *tuples, st.sampled_from(DISTS[kind])] + ([labelled(dims)] if dims else [])
    return st.one_of(*right, st.sampled_from(JUNK))


def groups() -> Any:
    """Valid groups of the features."""
    return pd.Series(GROUPS, index=FEATURES)
