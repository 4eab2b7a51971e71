"""Priors with a variance or a probability for each feature: against NUTS, quadrature, densities."""

from functools import partial

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from arviz_stats.base import array_stats
from scipy import integrate, stats

import blrzoo as blr
from blrzoo.gibbs.spec import spec_of
from blrzoo.priors import conjugate
from tests import builders
from tests.oracles.one_trait import assert_agrees, assert_sd_agrees

HYPER = {"mu": (0.0, 10.0), "sigma2": (10.0, 1.0)}


make_data = partial(builders.make_data, n=25, p=3, effects=(1.5, -0.5), mu=0.0, seed=3)


# Against NUTS on the same model

CONTINUOUS = {
    "bayes-a": (blr.priors.BayesA(nu=6, S2=(6, 6)), ["S2", "sigma2"]),
    "lasso": (blr.priors.BayesianLasso(lambda2=(6, 3)), ["lambda2", "sigma2"]),
    "horseshoe": (blr.priors.Horseshoe(p0=1, c2=(10, 1)), ["tau", "c2", "sigma2"]),
    "annotated-variance": (
        blr.priors.AnnotatedVariance([0.0, 1.0, 2.0], tau2=(8, 0.5), eta=(0, 1)),
        ["tau2", "eta", "sigma2"],
    ),
}


def assert_same_draws(first, second, what):
    """Mean, SD and a tail probability of two fits, within 5 combined MCSE."""
    first, second = np.asarray(first), np.asarray(second)
    tail = np.quantile(np.concatenate([first.ravel(), second.ravel()]), 0.95)
    for name, method, value, a, b in (
        ("mean", "mean", np.mean, first, second),
        ("SD", "sd", np.std, first, second),
        ("tail", "mean", np.mean, 1.0 * (first > tail), 1.0 * (second > tail)),
    ):
        error = np.hypot(*(array_stats.mcse(x, method=method) for x in (a, b)))
        z = (value(a) - value(b)) / error
        assert abs(z) < 5, f"{name} of {what}: {value(a):.4g} against {value(b):.4g} (z={z:.1f})"


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(k, marks=() if k in ("bayes-a", "horseshoe") else pytest.mark.engine)
        for k in CONTINUOUS
    ],
)
def test_gibbs_agrees_with_nuts(name):
    prior, hyper = CONTINUOUS[name]
    settings = {"tune": 1500, "chains": 4, "cores": 2, "quiet": True, "random_seed": 8}
    with blr.regression(*make_data(), prior=prior, **HYPER) as model:
        # logarithms: variances with infinite higher moments have no useful standard error
        for variable in hyper:
            if variable != "eta":
                pm.Deterministic(f"log_{variable}", pm.math.log(model[variable]))
        left = [rv for rv in model.free_RVs if spec_of(rv) is None]
        steps = [blr.BLRGibbs(), *([pm.NUTS(left, target_accept=0.95)] if left else [])]
        gibbs = pm.sample(4000, step=steps, **settings)
        nuts = pm.sample(4000, step=pm.NUTS(target_accept=0.97), **settings)
    for variable in ["beta", *(h if h == "eta" else f"log_{h}" for h in hyper)]:
        for index in np.ndindex(gibbs.posterior[variable].shape[2:]):
            pair = (fit.posterior[variable].values[(..., *index)] for fit in (gibbs, nuts))
            assert_same_draws(*pair, f"{variable}{list(index)}")
    assert array_stats.rhat(gibbs.posterior["beta"].values[..., 0]) < 1.02


# Marginal priors of the effects


def prior_effects(prior, draws=4000):
    """Effects from the prior, one of each draw, so that they are independent."""
    model = blr.regression(*make_data(), prior=prior)
    return pm.draw(model["beta"][0], draws=draws, random_seed=4)


@pytest.mark.parametrize(
    ("prior", "marginal"),
    [
        (blr.priors.BayesA(nu=5, S2=0.3), stats.t(5, scale=np.sqrt(0.3))),
        (blr.priors.BayesianLasso(lambda2=4.0), stats.laplace(scale=1 / 2)),
    ],
    ids=["bayes-a", "lasso"],
)
def test_marginal_prior_of_an_effect(prior, marginal):
    draws = prior_effects(prior)
    assert stats.kstest(draws, marginal.cdf).pvalue > 1e-4
    wrong = stats.kstest(draws * 1.2, marginal.cdf).pvalue
    assert wrong < 1e-4, "the test sees a scale that is 20% off"


def test_marginal_prior_of_a_bayes_b_effect():
    draws = prior_effects(blr.priors.BayesB(nu=5, S2=0.3, pi=0.4))
    included = draws != 0
    assert stats.binomtest(int(included.sum()), draws.size, 0.4).pvalue > 1e-4
    assert stats.kstest(draws[included], stats.t(5, scale=np.sqrt(0.3)).cdf).pvalue > 1e-4


def test_marginal_prior_of_a_horseshoe_effect_is_bounded_by_the_slab():
    wide = prior_effects(blr.priors.Horseshoe(tau=1.0, c2=1e8))
    narrow = prior_effects(blr.priors.Horseshoe(tau=1e4, c2=0.25))
    # a normal of a half-Cauchy scale: P(|beta| < 1) by quadrature over the scale
    inside, _ = integrate.quad(
        lambda t: stats.halfcauchy.pdf(t) * (2 * stats.norm.cdf(1 / t) - 1), 0, np.inf
    )
    assert stats.binomtest(int((abs(wide) < 1).sum()), wide.size, inside).pvalue > 1e-4
    assert stats.kstest(narrow, stats.norm(scale=0.5).cdf).pvalue > 1e-4


# Full conditional of the lasso's local variances


@pytest.mark.parametrize("deviate", [0.0, 1e-12, 0.3, 2.0, 50.0])
def test_draws_of_exponential_variances(deviate):
    rate, size = 0.7, 20_000
    with pm.Model():
        tau2 = pm.Exponential("tau2", rate, shape=size)
    conditional = conjugate.exponential_variance(tau2, np.full(size, deviate))
    if deviate < 1e-6:
        exact = stats.gamma(0.5, scale=1 / rate)
    else:
        root = np.sqrt(2 * rate)
        exact = stats.geninvgauss(0.5, root * deviate, scale=deviate / root)
        some = exact.ppf([0.1, 0.5, 0.9])
        logp = pm.logp(conditional, np.resize(some, size)).eval()[:3]
        np.testing.assert_allclose(logp, exact.logpdf(some), rtol=1e-9)
    assert stats.kstest(pm.draw(conditional, random_seed=2), exact.cdf).pvalue > 1e-4


def test_other_families_have_no_conditional():
    with pm.Model():
        scale = pm.HalfNormal("scale", 1.0)
        assert conjugate.exponential_variance(scale, np.array(1.0)) is None
        assert conjugate.gamma(scale, 1.0, 1.0) is None


# BayesB against quadrature


def exact_pip(x, y, *, nu, S2, pi, sigma2, mu_sd):
    """PIP and posterior mean of the effect of one feature: beta on a grid, mu integrated out."""
    x = x - x.mean()
    covariance = sigma2 * np.eye(len(y)) + mu_sd**2
    d, q = (x @ np.linalg.solve(covariance, other) for other in (x, y))
    grid = np.linspace(-30, 30, 600_001)
    density = np.exp(grid * q - grid**2 * d / 2) * stats.t(nu, scale=np.sqrt(S2)).pdf(grid)
    step = grid[1] - grid[0]
    ratio = pi / (1 - pi) * density.sum() * step
    return ratio / (1 + ratio), (grid @ density) / density.sum() * ratio / (1 + ratio)


@pytest.mark.parametrize("effect", [0.1, 0.5, 1.5], ids=["null", "weak", "strong"])
@pytest.mark.slow
def test_bayes_b_against_quadrature(effect):
    X, y = make_data(n=20, p=1, effects=(effect,))
    fixed = {"nu": 4.0, "S2": 0.3, "pi": 0.3}
    prior = blr.priors.BayesB(**fixed)
    model = blr.regression(X, y, prior=prior, sigma2=1.0, mu=(0.0, 10.0))
    idata = blr.sample(model, draws=8_000, tune=500, chains=4, quiet=True, random_seed=2)
    pip, mean = exact_pip(X[:, 0], y, **fixed, sigma2=1.0, mu_sd=10.0)
    assert_agrees(idata.posterior["delta"][..., 0], pip, "PIP")
    assert_agrees(idata.posterior["beta"][..., 0], mean, "mean")


# Annotations


def exact_annotated_pip(X, y, A, *, eta0, eta, tau2, sigma2, mu_sd):
    """PIPs with every hyperparameter fixed, by enumeration."""
    X = X - X.mean(axis=0)
    pi = 1 / (1 + np.exp(-(eta0 + (A - A.mean(axis=0)) @ eta)))
    models = np.array([[i >> j & 1 for j in range(X.shape[1])] for i in range(2 ** X.shape[1])])
    logs = np.array(
        [
            stats.multivariate_normal(
                np.zeros(len(y)), sigma2 * np.eye(len(y)) + mu_sd**2 + tau2 * (X * m) @ X.T
            ).logpdf(y)
            + np.log(np.where(m, pi, 1 - pi)).sum()
            for m in models
        ]
    )
    weights = np.exp(logs - logs.max())
    return weights @ models / weights.sum()


@pytest.mark.slow
def test_annotated_inclusion_with_fixed_coefficients_against_enumeration():
    X, y = make_data(effects=(0.4, 0.2))
    A = np.array([[0.0, 1.0], [1.0, 0.0], [3.0, 1.0]])
    fixed = {"eta0": -1.0, "eta": np.array([0.7, -1.0]), "tau2": 0.5}
    prior = blr.priors.AnnotatedInclusion(A, **fixed)
    model = blr.regression(X, y, prior=prior, sigma2=1.0, mu=(0.0, 10.0))
    idata = blr.sample(model, draws=5_000, tune=200, chains=4, quiet=True, random_seed=2)
    exact = exact_annotated_pip(X, y, A, **fixed, sigma2=1.0, mu_sd=10.0)
    for j in range(3):
        assert_agrees(idata.posterior["delta"][..., j], exact[j], f"PIP of {j}")


@pytest.mark.slow
def test_annotated_variance_is_a_ridge_with_scaled_features():
    """With eta fixed, beta_j / sqrt(w_j) is a ridge on X_j sqrt(w_j): exactly known."""
    X, y = make_data()
    A = np.array([-1.0, 0.0, 1.0])
    w = np.exp(1.5 * A)
    prior = blr.priors.AnnotatedVariance(A, tau2=0.4, eta=1.5)
    model = blr.regression(X, y, prior=prior, sigma2=1.0, mu=(0.0, 10.0))
    idata = blr.sample(model, draws=5_000, tune=200, chains=4, quiet=True, random_seed=2)
    centred = X - X.mean(axis=0)
    covariance = np.linalg.inv(centred.T @ centred + np.diag(1 / (0.4 * w)))
    mean = covariance @ centred.T @ y
    for j in range(3):
        draws = idata.posterior["beta"][..., j]
        assert_agrees(draws, mean[j], f"mean of {j}")
        assert_sd_agrees(draws, np.sqrt(covariance[j, j]), str(j))


@pytest.mark.slow
def test_annotations_are_learned():
    rng = np.random.default_rng(5)
    n, p = 300, 60
    X = rng.normal(size=(n, p))
    coding = np.arange(p) % 3 == 0
    y = X @ np.where(coding, rng.normal(size=p), 0.0) + rng.normal(size=n)
    for prior in (blr.priors.AnnotatedInclusion(coding), blr.priors.AnnotatedVariance(coding)):
        model = blr.regression(X, y, prior=prior)
        idata = blr.sample(model, draws=500, tune=500, chains=2, quiet=True, random_seed=2)
        assert (idata.posterior["eta"] > 0.5).mean() > 0.99


FEATURES = ["a", "b", "c"]
TABLE = pd.DataFrame({"coding": [1, 0, 0], "score": [0.5, 1.5, 4.0]}, index=FEATURES)
SHUFFLED = {
    "frame": TABLE.loc[["c", "a", "b"]],
    "more-rows": pd.concat([TABLE.iloc[::-1], TABLE.rename(index=str.upper)]),
    "nullable": TABLE.iloc[::-1].convert_dtypes(),
    "xarray": xr.DataArray(
        TABLE.iloc[::-1].T.to_numpy(),
        {"annotation": list(TABLE), "feature": FEATURES[::-1]},
        ["annotation", "feature"],
    ),
    "numpy": TABLE.to_numpy(),
}


@pytest.mark.parametrize("kind", [blr.priors.AnnotatedVariance, blr.priors.AnnotatedInclusion])
@pytest.mark.parametrize("name", SHUFFLED)
def test_annotations_are_joined_by_label(name, kind):
    X, y = make_data()
    model = blr.regression(pd.DataFrame(X, columns=FEATURES), y, prior=kind(SHUFFLED[name]))
    expected = TABLE.to_numpy(dtype=float)
    found = spec_of(model["sigma2"]).main.prior.A
    np.testing.assert_allclose(found, expected - expected.mean(axis=0))
    names = (0, 1) if name == "numpy" else ("coding", "score")
    assert tuple(model.coords["annotation"]) == names
    assert model.named_vars_to_dims["eta"] == ("annotation",)


BAD_ANNOTATIONS = {
    "missing": (TABLE.replace(4.0, np.nan), ValueError, r"annotations must be finite.*'score'"),
    "infinite": ([1.0, np.inf, 0.0], ValueError, r"annotations must be finite.*\[0\]"),
    "none-in-column": (TABLE.astype(object).replace(4.0, None), TypeError, "real numbers"),
    "text": (["x", "y", "z"], TypeError, "annotations must be real numbers.*get_dummies"),
    "text-column": (TABLE.assign(coding=["x", "y", "z"]), TypeError, "real numbers"),
    "number": (1.0, ValueError, r"must have dims.*shape \(\)"),
    "none": (None, ValueError, r"must have dims.*shape \(\)"),
    "cube": (np.ones((3, 1, 1)), ValueError, r"must have dims.*shape \(3, 1, 1\)"),
    "cube-xarray": (xr.DataArray(np.ones((3, 1, 1))), ValueError, "must have dims"),
    "empty": (np.ones((3, 0)), ValueError, r"none of them empty.*\(3, 0\)"),
    "ragged": ([[1.0], [1.0, 2.0], [3.0]], ValueError, "must be rectangular"),
    "repeated-feature": (TABLE.rename({"b": "a"}), ValueError, r"for every feature.*\['a'\] more"),
    "repeated-name": (TABLE.set_axis(["u", "u"], axis=1), ValueError, r"every annotation.*'u'"),
    "rows": (
        np.arange(4.0),
        ValueError,
        r"one row for each of the 3 features of X, got shape \(4, 1\)",
    ),
    "labels": (
        TABLE.rename({"b": "z"}),
        ValueError,
        r"^annotations must have all features of X.* missing \['b'\]",
    ),
    "positions": (TABLE.reset_index(drop=True), ValueError, r"to_numpy\(\) to join by position"),
    "constant": (TABLE.assign(coding=1), ValueError, r"must vary.*\['coding'\]"),
}


@pytest.mark.parametrize("kind", [blr.priors.AnnotatedVariance, blr.priors.AnnotatedInclusion])
@pytest.mark.parametrize("name", BAD_ANNOTATIONS)
def test_bad_annotations_are_refused(name, kind):
    value, error, message = BAD_ANNOTATIONS[name]
    X, y = make_data()
    with pytest.raises(error, match=message):
        blr.regression(pd.DataFrame(X, columns=FEATURES), y, prior=kind(value))


# Arguments and defaults

BAD_ARGUMENTS = [
    (
        lambda: blr.priors.BayesA(nu=0),
        ValueError,
        "nu must be a finite number of at least 1e-06, got 0",
    ),
    (
        lambda: blr.priors.BayesA(nu=np.inf),
        ValueError,
        "nu must be a finite number of at least 1e-06, got inf",
    ),
    (
        lambda: blr.priors.BayesA(nu="4"),
        TypeError,
        "nu must be a finite number of at least 1e-06, got '4'",
    ),
    (lambda: blr.priors.BayesB(nu=True), TypeError, "nu must be a finite number of at least 1e-06"),
    (lambda: blr.priors.BayesA(S2=-1), ValueError, "S2 must be positive"),
    (lambda: blr.priors.BayesA(S2=(1, 2, 3)), ValueError, r"S2 must be .*gamma.*\(shape, rate\)"),
    (lambda: blr.priors.BayesB(pi=1.5), ValueError, "pi must be strictly between"),
    (lambda: blr.priors.BayesianLasso(lambda2=0), ValueError, "lambda2 must be positive"),
    (
        lambda: blr.priors.Horseshoe(p0=[1, 2]),
        TypeError,
        "p0 must be a finite number of at least 1e-06",
    ),
    (
        lambda: blr.priors.Horseshoe(p0=-1),
        ValueError,
        "p0 must be a finite number of at least 1e-06",
    ),
    (lambda: blr.priors.Horseshoe(tau=(1, 2)), ValueError, r"tau must be .*half-Cauchy.*\(scale\)"),
    (
        lambda: blr.priors.AnnotatedVariance([0, 1], eta=np.nan),
        ValueError,
        "eta: .*|eta must be finite",
    ),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD_ARGUMENTS)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_p0_must_be_below_p():
    with pytest.raises(ValueError, match=r"p0 must be a number below 3, got 3\.0 .*the 3 effects"):
        blr.regression(*make_data(), prior=blr.priors.Horseshoe(p0=3))


@pytest.mark.parametrize(
    ("prior", "share"),
    [
        (blr.priors.BayesA(nu=8), 1.0),
        (blr.priors.BayesB(nu=8), 0.5),
        (blr.priors.BayesB(nu=8, pi=(2, 4)), 1 / 3),
        (blr.priors.BayesB(nu=8, pi=(1, 9)), 1 / 3),  # of 3 features at least one
        (blr.priors.BayesianLasso(), 1.0),
    ],
    ids=["bayes-a", "bayes-b", "bayes-b-sparse", "bayes-b-floor", "lasso"],
)
def test_default_variance_puts_h2_on_the_features(prior, share):
    """The prior mean of tau2 follows from the parameters of its scale's gamma prior."""
    X, y = make_data(n=40)
    model = blr.regression(X, y, prior=prior, h2=0.3)
    expected = 0.3 * y.var(ddof=1) / (share * X.var(axis=0, ddof=1).sum())
    name = "lambda2" if "lambda2" in model.named_vars else "S2"
    node = model[name].owner
    shape, scale = (value.eval() for value in node.op.dist_params(node))
    # E[2 / lambda2], or nu / (nu - 2) E[S2]
    mean = 2 / (scale * (shape - 1)) if name == "lambda2" else 8 / 6 * shape * scale
    np.testing.assert_allclose(mean, expected)


def test_default_scale_of_the_horseshoe():
    """For standardised features, the formula of Piironen and Vehtari; and units cancel."""
    X, y = make_data(n=40, p=3)
    X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    prior = blr.priors.Horseshoe(p0=1)
    tau0 = {}
    for unit in (1.0, 10.0):
        model = blr.regression(X * unit, y, prior=prior, h2=0.3)
        node = model["tau"].owner
        tau0[unit] = float(node.op.dist_params(node)[-1].eval())
    sigma = np.sqrt(0.7 * y.var(ddof=1))
    np.testing.assert_allclose(tau0[1.0], 1 / 2 * sigma / np.sqrt(40))
    np.testing.assert_allclose(tau0[10.0], tau0[1.0] / 10)


def test_other_priors_of_hyperparameters_go_to_nuts():
    X, y = make_data()
    for prior, left in (
        (blr.priors.BayesA(S2=pm.HalfNormal.dist(1.0)), "S2"),
        (blr.priors.BayesianLasso(lambda2=pm.LogNormal.dist(0.0, 1.0)), "lambda2"),
        (
            blr.priors.AnnotatedVariance([0.0, 1.0, 3.0], tau2=pm.HalfNormal.dist(1.0), eta=0.5),
            "tau2",
        ),
    ):
        model = blr.regression(X, y, prior=prior)
        names = {rv.name for rv in model.free_RVs}
        assert set(blr.BLRGibbs(model=model).names) == names - {left}
