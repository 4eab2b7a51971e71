"""The bundled data against facts known from elsewhere."""

from importlib.resources import files
from itertools import combinations

import numpy as np
import pytest
import xarray as xr

from blrzoo.datasets import load_diabetes

NAMES = ["age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu"]

# Rows 0 and 1 of sklearn.datasets.load_diabetes().data (1.9.1): columns of unit sum of squares.
SCIKIT_LEARN = [
    [
        0.03807590643342303,
        0.05068011873981862,
        0.06169620651868329,
        0.0218723855140367,
        -0.04422349842444599,
        -0.03482076283769895,
        -0.04340084565202491,
        -0.00259226199818328,
        0.01990748617046272,
        -0.01764612515980379,
    ],
    [
        -0.0018820165277906,
        -0.04464163650698914,
        -0.05147406123880065,
        -0.02632752814785296,
        -0.00844872411121685,
        -0.0191633397482222,
        0.07441156407875721,
        -0.03949338287409329,
        -0.0683315470939731,
        -0.092204049626824,
    ],
]


def r_squared(X, y):
    """R2 of ordinary least squares with an intercept."""
    design = np.column_stack([np.ones(len(y)), X])
    residual = y - design @ np.linalg.lstsq(design, y)[0]
    return 1 - residual @ residual / np.sum((y - y.mean()) ** 2)


@pytest.mark.parametrize(("quadratic", "p"), [(False, 10), (True, 64)])
def test_shapes_coords_and_types(quadratic, p):
    data = load_diabetes(quadratic=quadratic)
    assert data.X.dims == ("obs", "feature")
    assert data.y.dims == ("obs",)
    assert data.X.shape == (442, p)
    assert data.X.dtype == data.y.dtype == np.float64
    np.testing.assert_array_equal(data.obs, np.arange(442))
    assert data.feature.to_index().is_unique
    assert np.isfinite(data.X).all()
    assert set(data.unit.values) == {"SD"}


def test_raw_values_are_those_of_the_source():
    # Rows, means and ranges, as published elsewhere (statweb.lsu.edu/faculty/li/IIT/diabetes.html).
    data = load_diabetes(standardize=False)
    assert data.feature.values.tolist() == NAMES
    first = [59, 2, 32.1, 101, 157, 93.2, 38, 4, 4.8598, 87]
    second = [48, 1, 21.6, 87, 183, 103.2, 70, 3, 3.8918, 69]
    np.testing.assert_array_equal(data.X[:2], [first, second])
    np.testing.assert_array_equal(data.y[:5], [151, 75, 141, 206, 135])
    means = np.array([48.52, 1.468, 26.38, 94.65, 189.1, 115.44, 49.79, 4.07])
    digits = np.array([2, 3, 2, 2, 1, 2, 2, 2])
    assert (abs(data.X[:, :8].mean("obs") - means) <= 0.5 * 10.0**-digits).all()
    np.testing.assert_array_equal(data.X[:, :5].min("obs"), [19, 1, 18, 62, 97])
    np.testing.assert_array_equal(data.X[:, :5].max("obs"), [79, 2, 42.2, 133, 301])
    assert float(data.y.mean()) == pytest.approx(152.1335, abs=5e-5)
    assert float(data.y.std(ddof=1)) == pytest.approx(77.0930, abs=5e-5)


def test_units_of_the_serum_measurements_agree_with_friedewald():
    X = load_diabetes(standardize=False).X
    tc, ldl, hdl, ltg = (X.sel(feature=name) for name in ("tc", "ldl", "hdl", "ltg"))
    assert int((abs(tc - hdl - np.exp(ltg) / 5 - ldl) < 0.06).sum()) == 438
    for name in ("tc", "ldl", "hdl"):
        assert str(X.unit.sel(feature=name).values) == "mg/dL"


def test_standardised_columns_are_scikit_learns_times_the_root_of_441():
    data = load_diabetes()
    np.testing.assert_allclose(data.X[:2], np.sqrt(441) * np.array(SCIKIT_LEARN), rtol=1e-12)


@pytest.mark.parametrize("quadratic", [False, True])
def test_standardised_columns_have_mean_0_and_sample_sd_1(quadratic):
    X = load_diabetes(quadratic=quadratic).X
    np.testing.assert_allclose(X.mean("obs"), 0, atol=1e-13)
    np.testing.assert_allclose(X.std("obs", ddof=1), 1, rtol=1e-13)


def test_response_is_never_standardised():
    raw = load_diabetes(standardize=False).y
    for data in (load_diabetes(), load_diabetes(quadratic=True)):
        np.testing.assert_array_equal(data.y, raw)


def test_names_of_the_64_columns():
    names = load_diabetes(quadratic=True).feature.values.tolist()
    squares = [f"{name}^2" for name in NAMES if name != "sex"]
    products = [f"{a}:{b}" for a, b in combinations(NAMES, 2)]
    assert (len(squares), len(products)) == (9, 45)
    assert names == NAMES + squares + products


def test_second_order_columns_are_what_their_names_say():
    X = load_diabetes(quadratic=True).X
    for name in X.feature.values[10:]:
        a, b = (name[:-2],) * 2 if name.endswith("^2") else name.split(":")
        product = X.sel(feature=a).values * X.sel(feature=b).values
        expected = (product - product.mean()) / product.std(ddof=1)
        np.testing.assert_allclose(X.sel(feature=name), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 0.5177484),  # the R2 that scikit-learn's LinearRegression reports
        ({"standardize": False}, 0.5177484),
        ({"quadratic": True}, 0.5924403),
    ],
)
def test_r_squared_of_ordinary_least_squares(options, expected):
    data = load_diabetes(**options)
    assert r_squared(data.X.values, data.y.values) == pytest.approx(expected, abs=1e-6)


def test_bmi_and_ltg_correlate_most_with_progression():
    data = load_diabetes()
    correlation = xr.corr(data.X, data.y, dim="obs")
    order = correlation.feature.values[np.argsort(-correlation.values)]
    assert order[:2].tolist() == ["bmi", "ltg"]
    assert float(correlation.sel(feature="bmi")) == pytest.approx(0.586450, abs=1e-6)


def test_every_call_gives_arrays_of_its_own():
    first = load_diabetes()
    first.X[0, 0] = first.y[0] = 1e6
    first.attrs.clear()
    second = load_diabetes()
    assert float(second.X[0, 0]) != 1e6
    assert float(second.y[0]) == 151
    assert second.attrs
    assert not np.shares_memory(first.X.values, second.X.values)


@pytest.mark.parametrize("options", [{}, {"quadratic": True}, {"standardize": False}])
def test_netcdf_round_trip(tmp_path, options):
    data = load_diabetes(**options)
    data.to_netcdf(tmp_path / "diabetes.nc")
    with xr.open_dataset(tmp_path / "diabetes.nc") as read:
        xr.testing.assert_identical(read.load(), data)


def test_source_and_licence_are_stated():
    attrs = load_diabetes().attrs
    assert "Efron" in attrs["reference"]
    assert "ncsu.edu" in attrs["source"]
    assert "BSD-3-Clause" in attrs["licence"]
    folder = files("blrzoo") / "datasets_files"
    licence = (folder / "LICENSE-scikit-learn.txt").read_text(encoding="utf-8")
    assert "BSD 3-Clause License" in licence
    assert "The scikit-learn developers" in licence


@pytest.mark.parametrize("name", ["quadratic", "standardize"])
@pytest.mark.parametrize("value", [1, "yes", None])
def test_arguments_that_are_no_bools_are_refused(name, value):
    with pytest.raises(TypeError, match=rf"^{name} must be True or False, got {value!r} of type"):
        load_diabetes(**{name: value})


def test_raw_quadratic_columns_are_refused():
    with pytest.raises(ValueError, match=r"quadratic=True needs standardize=True, got .*Leave"):
        load_diabetes(quadratic=True, standardize=False)
