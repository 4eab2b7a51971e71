"""Models of X in each form: the same posterior, draw by draw, as of X in double precision."""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import scipy.sparse as sp
import xarray as xr

import blrzoo as blr
from blrzoo import sources
from blrzoo.gibbs.spec import spec_of
from tests.builders import assert_same, genotypes, last_draw
from tests.table import KINDS, PRIORS, REPEATS

SHORT: dict[str, Any] = {"draws": 20, "tune": 5, "chains": 2, "random_seed": 1, "quiet": True}


CODES = genotypes()[0]


#: Kinds of sweeps that run compiled too; compiling takes a quarter of a minute a row.
COMPILED = ("spike-slab", "hierarchical-mixture", "traits-all", "ridge-joint")

#: Of the others, those with an argument that a design has a part in.
OTHERS = ("weights-and-missing", "multivariate-holes")


@pytest.mark.parametrize(
    "name",
    [
        *(pytest.param(k, marks=pytest.mark.engine) for k in COMPILED),
        *OTHERS,
        *(pytest.param(k, marks=REPEATS) for k in KINDS if k not in COMPILED + OTHERS),
    ],
)
def test_genotype_codes_draw_as_numbers_do(name: str) -> None:
    """Models of one trait and several, weights and holes among them."""
    G, y = genotypes(n=8, p=3, seed=5)
    assert_same(
        last_draw(PRIORS[name](G.astype(float), y)), last_draw(PRIORS[name](G, y)), atol=1e-9
    )


FORMS = {
    "genotypes": lambda G: (G, {}),
    "column-major genotypes": lambda G: (np.asfortranarray(G), {}),
    "genotypes as numbers": lambda G: (G.astype(float), {"design": "genotypes"}),
    "DataFrame of int8": lambda G: (pd.DataFrame(G), {}),
    "sparse": lambda G: (sp.csr_array(G.astype(float)), {}),
    "DataFrame of sparse columns": lambda G: (
        pd.DataFrame.sparse.from_spmatrix(sp.csc_array(G)),
        {},
    ),
    "dense as sparse": lambda G: (G.astype(float), {"design": "sparse"}),
    "float32": lambda G: (G.astype(float), {"design": "float32"}),
    "gram": lambda G: (G.astype(float), {"design": "gram"}),
    "gram of genotypes": lambda G: (G, {"design": "gram"}),
}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights": {"weights": np.linspace(0.5, 3.0, 40)},
    "covariates": {"covariates": np.cos(np.arange(40.0))[:, None]},
    "standardize": {"standardize": True},
    "not centred": {"center": False},
}


#: Form that runs with all arguments; all forms do in `make test-slow`.
WITH_ALL = "genotypes"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("form", "arguments"),
    [
        (f, a) if a == "plain" or f == WITH_ALL else pytest.param(f, a, marks=pytest.mark.slow)
        for f in FORMS
        for a in ARGUMENTS
    ],
)
def test_every_form_draws_as_numbers_do(form: str, arguments: str) -> None:
    G, y = genotypes()
    X, options = FORMS[form](G)
    given = ARGUMENTS[arguments]
    if "gram" in form and "center" in given:
        with pytest.raises(ValueError, match=r"^center must be left out with sufficient"):
            blr.spike_slab(X, y, **options, **given)
        return
    expected = last_draw(blr.spike_slab(G.astype(float), y, **given))
    model = blr.spike_slab(X, y, **options, **given)
    assert_same(expected, last_draw(model), atol=1e-5 if form == "float32" else 1e-9)
    if form != "float32":
        assert max(blr.testing.check_conditionals(model, random_seed=1).values()) < 1e-9


@pytest.mark.parametrize("fill", [0.0, np.nan, 1.0])
def test_sparse_columns_stay_sparse_where_they_leave_out_zeros(fill):
    X = np.random.default_rng(1).integers(0, 3, size=(20, 3)).astype(float)
    frame = pd.DataFrame({j: pd.arrays.SparseArray(X[:, j], fill_value=fill) for j in range(3)})
    design = spec_of(blr.spike_slab(frame, X[:, 0])["beta"]).main.design
    assert design.name == ("sparse" if fill == 0 else "dense")
    np.testing.assert_allclose(design.columns(slice(None)), X - X.mean(axis=0), atol=1e-14)


@pytest.mark.parametrize(
    "form", ["genotypes", "sparse", "gram", pytest.param("float32", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "arguments",
    ["plain", "weights", pytest.param("covariates", marks=pytest.mark.slow), "standardize"],
)
def test_density_and_gradient_are_those_of_numbers(form: str, arguments: str) -> None:
    G, y = genotypes()
    X, options = FORMS[form](G)
    prior, given = blr.priors.SingleComponent(), ARGUMENTS[arguments]
    models = [
        blr.regression(*data, prior=prior, update="single-site", **more, **given)
        for data, more in (((G.astype(float), y), {}), ((X, y), options))
    ]
    point = models[0].initial_point()
    point["beta"] = np.linspace(-1.0, 1.0, 6)
    tolerance = 1e-5 if form == "float32" else 1e-9
    for what in ("compile_logp", "compile_dlogp"):
        one, other = (getattr(model, what)(mode="FAST_COMPILE")(point) for model in models)
        np.testing.assert_allclose(other, one, rtol=tolerance, atol=100 * tolerance)


def test_statistics_take_the_place_of_the_data() -> None:
    G, y = genotypes()
    both = [blr.sufficient_statistics(G[rows], y[rows]) for rows in (slice(25), slice(25, 40))]
    expected = last_draw(blr.spike_slab(G.astype(float), y))
    assert_same(expected, last_draw(blr.spike_slab(blr.merge_statistics(both))), atol=1e-9)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"y": np.ones(40)}, r"^y must be left out with sufficient statistics"),
        ({"weights": np.ones(40)}, r"^weights must be left out"),
        ({"covariates": np.ones(40)}, r"^covariates must be left out"),
        ({"missing": "predict"}, r"^missing must be left out"),
        ({"center": False}, r"^center must be left out"),
    ],
)
def test_what_statistics_have_already_is_refused(given: dict[str, Any], match: str) -> None:
    statistics = blr.sufficient_statistics(*genotypes())
    with pytest.raises(ValueError, match=match):
        blr.spike_slab(statistics, **given)


@pytest.mark.compiled  # draws of y are refused where they are compiled
def test_what_needs_rows_is_refused_of_statistics() -> None:
    model = blr.single_component(blr.sufficient_statistics(*genotypes()))
    idata = blr.sample(model, **SHORT)
    with model, pytest.raises(ValueError, match=r"^model must have observations to draw y from"):
        pm.sample_posterior_predictive(idata, progressbar=False)
    with pytest.raises(ValueError, match=r"^X must be given where idata\.constant_data has no 'X'"):
        blr.variance_table(idata, groups=list("aaabbb"))
    with pytest.raises(ValueError, match=r"^update must be .* with the design 'gram'"):
        blr.single_component(blr.sufficient_statistics(*genotypes()), update="joint")
    assert np.isfinite(blr.predict(idata, genotypes()[0][:3].astype(float))["mean"]).all()


# Missing genotypes


def with_missing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of which some are missing, the trait, and numbers with means in their place."""
    G, y = genotypes()
    G[::7, 3] = -1
    filled = np.where(G < 0, G.astype(float), G)
    filled[G < 0] = G[:, 3][G[:, 3] >= 0].mean()
    return G, y, filled


def test_missing_genotypes_are_at_the_mean() -> None:
    G, y, filled = with_missing()
    expected = last_draw(blr.spike_slab(filled, y))
    nan = np.where(G < 0, np.nan, G)
    assert_same(expected, last_draw(blr.spike_slab(G, y)), atol=1e-9)
    assert_same(expected, last_draw(blr.spike_slab(nan, y, design="genotypes")), atol=1e-9)


def test_predictions_and_read_outs_know_missing_genotypes() -> None:
    G, y, filled = with_missing()
    idata = blr.sample(blr.spike_slab(G, y), **SHORT)
    expected = blr.predict(idata, filled, quantity="mean")["mean"]
    for X in (G, np.where(G < 0, np.nan, G)):
        xr.testing.assert_allclose(blr.predict(idata, X, quantity="mean")["mean"], expected)
    xr.testing.assert_allclose(blr.heritability(idata, X=G), blr.heritability(idata, X=filled))
    alone = blr.predict(idata, G[7:8], quantity="mean")["mean"]
    xr.testing.assert_allclose(alone.drop_vars("obs"), expected[7:8].drop_vars("obs"))


def test_folds_keep_the_form() -> None:
    G, y, _ = with_missing()
    settings = {**SHORT, "folds": 2}
    found = blr.cross_validate(blr.spike_slab, G, y, **settings)
    sparse = blr.cross_validate(
        blr.spike_slab, sp.csr_array(np.abs(G).astype(float)), y, **settings
    )
    dense = blr.cross_validate(blr.spike_slab, np.abs(G).astype(float), y, **settings)
    assert np.isfinite(found["predictions"]["mean"]).all()
    xr.testing.assert_allclose(sparse["predictions"]["mean"], dense["predictions"]["mean"])


def test_rows_to_predict_have_the_means_of_the_others() -> None:
    G, y, _ = with_missing()
    y[[0, 7, 9]] = np.nan
    model = blr.spike_slab(G, y, missing="predict")
    assert max(blr.testing.check_conditionals(model, random_seed=1).values()) < 1e-9


@pytest.mark.parametrize(
    ("X", "design", "match"),
    [
        (np.minimum(CODES, 1) - np.int8(1), "auto", r"^X must tell what -1 means"),
        (
            CODES + np.int8(3),
            "genotypes",
            r"^X must have genotypes coded 0, 1, 2 .* got 5",
        ),
        (CODES / 2, "genotypes", r"^X must have genotypes coded .* got 0\.5"),
        (
            np.where(np.arange(6) == 2, -1, CODES).astype(np.int8),
            "auto",
            r"known genotype",
        ),
        (CODES, "grams", r"^design must be 'auto', .* got 'grams'"),
    ],
)
def test_other_codes_are_refused(X: np.ndarray, design: str, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        blr.spike_slab(X, genotypes()[1], design=design)


# What is kept


def test_large_x_is_not_among_the_data_of_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "KEPT", 100)
    G, y = genotypes()
    model = blr.spike_slab(G, y)
    idata = blr.sample(model, **SHORT)
    assert "X" not in idata["constant_data"]
    with pytest.raises(ValueError, match=r"^X must be given where idata\.constant_data has no 'X'"):
        blr.variance_table(idata, groups=list("aaabbb"))
    assert np.isfinite(blr.variance_table(idata, G, list("aaabbb")).to_array()).all()
    # Of the fit's own variances of X beta and of the features
    xr.testing.assert_allclose(blr.heritability(idata), blr.heritability(idata, X=G))
    found = blr.cross_validate(blr.spike_slab, G, y, folds=2, **SHORT)
    assert np.isfinite(found["predictions"]["mean"]).all()


def test_labels_take_a_byte() -> None:
    G, y = genotypes()
    assert blr.sample(blr.spike_slab(G, y), **SHORT).posterior["delta"].dtype == np.int8
    assert blr.sample(blr.multiple_component(G, y), **SHORT).posterior["label"].dtype == np.int8
