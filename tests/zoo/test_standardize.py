"""standardize=True: the prior is per standard deviation of a feature, beta in the units given."""

from functools import partial

import numpy as np
import pytest

import blrzoo as blr
from tests import builders

UNITS = np.array([1e6, 1e-3, 1e4, 1.0])
QUICK = {"draws": 300, "tune": 100, "chains": 2, "random_seed": 1, "quiet": True}


make_data = partial(builders.make_data, p=4, effects=(1.0, 0.5), mu=0.0)


def two_traits(y):
    Y = np.column_stack([y, np.cos(np.arange(len(y))) - 0.5 * y])
    Y[::3, 1] = np.nan
    return Y


MODELS = {
    "ridge-joint": lambda X, y, **k: blr.single_component(X, y, update="joint", **k),
    "ridge-single-site": lambda X, y, **k: blr.single_component(X, y, update="single-site", **k),
    "groups": lambda X, y, **k: blr.hierarchical(X, y, list("aabb"), **k),
    "spike-slab": blr.spike_slab,
    "weights": lambda X, y, **k: blr.spike_slab(X, y, weights=np.linspace(1, 2, len(y)), **k),
    "mixture": blr.multiple_component,
    "bayes-b": lambda X, y, **k: blr.regression(X, y, prior=blr.priors.BayesB(), **k),
    "traits-joint": lambda X, y, **k: blr.multivariate(X, two_traits(y), update="joint", **k),
    "traits": lambda X, y, **k: blr.multivariate(X, two_traits(y), update="single-site", **k),
    "trait-groups": lambda X, y, **k: blr.hierarchical_multivariate(
        X, two_traits(y), list("aabb"), **k
    ),
    "trait-patterns": lambda X, y, **k: blr.multivariate_spike_slab(
        X, two_traits(y), patterns="all", **k
    ),
    "trait-indicators": lambda X, y, **k: blr.multivariate_spike_slab(X, two_traits(y), **k),
}


#: Models of several traits that compile long and repeat what "trait-patterns" shows.
LIKE_PATTERNS = ("traits", "trait-groups", "trait-indicators")


@pytest.mark.parametrize(
    "name", [pytest.param(k, marks=pytest.mark.engine) if k in LIKE_PATTERNS else k for k in MODELS]
)
@pytest.mark.slow
def test_units_do_not_matter(name):
    """The draws of columns in any units are those of columns of SD 1, but for their units."""
    X, y = make_data()
    scaled = X / X.std(axis=0, ddof=1)
    reference = blr.sample(MODELS[name](scaled, y), **QUICK).posterior
    posterior = blr.sample(MODELS[name](X * UNITS, y, standardize=True), **QUICK).posterior
    for variable in set(reference.data_vars) - {"beta", "alpha"}:
        np.testing.assert_allclose(posterior[variable], reference[variable], rtol=1e-6)
    unit = (UNITS * X.std(axis=0, ddof=1)).reshape(4, *[1] * (reference["beta"].ndim - 3))
    np.testing.assert_allclose(posterior["beta"] * unit, reference["beta"], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_conditionals(name):
    """Every full conditional agrees with the model's log density."""
    X, y = make_data(n=12)
    X = X * [3.0, 0.3, 1.0, 10.0]
    blr.testing.check_conditionals(MODELS[name](X, y, standardize=True), random_seed=1)


def test_the_defaults_are_per_standard_deviation():
    X, y = make_data()
    model = blr.spike_slab(X * UNITS, y, standardize=True)
    # p = 4: two features share h2 of the variance, 2 S2 each. InverseGamma(nu / 2, nu S2 / 2)
    # has nu = 1.
    S2 = 2 * float(model["tau2"].owner.inputs[-1].eval())
    assert 2 * S2 == pytest.approx(0.5 * y.var(ddof=1) / 2)
    np.testing.assert_allclose(model["X_scale"].data, (X * UNITS).std(axis=0, ddof=1))
    np.testing.assert_array_equal(model["X"].data, X * UNITS)


def test_a_constant_column_is_left_as_it_is():
    X, y = make_data()
    X[:, 2] = 1e8 / 3
    with pytest.warns(UserWarning, match="constant feature"):
        model = blr.spike_slab(X, y, standardize=True)
    assert model["X_scale"].data[2] == 1.0


def what_is_read(X, y, new, **options):
    """Numbers that have no unit of X: prediction, heritability, EM and evidence."""
    model = blr.single_component(X, y, **options)
    idata = blr.sample(model, **QUICK)
    em = blr.fit_em(model)["estimate"]
    h2 = blr.heritability(idata)
    return {
        "h2_fit": h2["h2_fit"],
        "h2_components": h2["h2_components"],
        "predicted": blr.predict(idata, new, random_seed=1)["mean"],
        "em_tau2": em["tau2"],
        "em_beta": em["beta"] * X.std(axis=0, ddof=1),
        "evidence": blr.evidence.log_marginal_likelihood(model)["log_marginal_likelihood"],
    }


def test_reading_a_fit_does_not_depend_on_units():
    X, y = make_data(n=60)
    sd, new = X.std(axis=0, ddof=1), np.random.default_rng(2).normal(size=(5, 4))
    reference = what_is_read(X / sd, y, new / sd)
    found = what_is_read(X * UNITS, y, new * UNITS, standardize=True)
    for name, value in reference.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)


def test_units_far_apart_warn_and_name_the_columns():
    X, y = make_data()
    with pytest.warns(UserWarning, match=r"columns of different units: \[0\] have 100%"):
        blr.spike_slab(X * UNITS, y)


def test_what_is_of_one_unit_does_not_warn():
    X, y = make_data()
    blr.spike_slab(X * UNITS, y, standardize=True)
    blr.spike_slab(X * 1e6, y)
    # genotypes, most of which are very rare
    codes = np.zeros((2000, 10))
    codes[np.arange(9), np.arange(9)] = 1.0
    codes[:, 9] = np.arange(2000) % 3
    blr.spike_slab(codes, np.random.default_rng(1).normal(size=2000))


@pytest.mark.parametrize("wrong", ["yes", 1, None, np.ones(4)])
def test_standardize_is_a_flag(wrong):
    with pytest.raises(TypeError, match="standardize must be True or False"):
        blr.spike_slab(*make_data(), standardize=wrong)


def test_cross_validation_of_columns_in_different_units():
    """The folds' standard deviations are those of their training rows; nothing leaks, all fits."""
    X, y = make_data(n=60)
    options = {"folds": 3, "draws": 200, "tune": 100, "chains": 1, "random_seed": 1, "quiet": True}
    raw = blr.cross_validate(
        partial(blr.single_component, standardize=True), X * UNITS, y, **options
    )
    plain = blr.cross_validate(partial(blr.single_component, standardize=True), X, y, **options)
    np.testing.assert_allclose(raw["overall"]["r2"], plain["overall"]["r2"], rtol=1e-6)
    assert float(raw["overall"]["r2"].item()) > 0.2


@pytest.mark.parametrize("name", ["spike-slab", "trait-patterns"])
@pytest.mark.slow
def test_what_pymc_computes_from_draws_and_longer_chains(name):
    """Effects as PyMC reads them are in the units given too."""
    X, y = make_data()
    found = []
    for data, options in ((X / X.std(axis=0, ddof=1), {}), (X * UNITS, {"standardize": True})):
        model = MODELS[name](data, y, **options)
        idata = blr.sample(model, **QUICK, idata_kwargs={"log_likelihood": True})
        longer = blr.sample_more(idata, model, draws=20, random_seed=2, quiet=True)
        found.append(
            (
                idata["log_likelihood"]["y"],
                longer["posterior"]["sigma2" if name == "spike-slab" else "Sigma_e"],
            )
        )
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
