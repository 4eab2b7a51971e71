"""Several traits against exact posteriors, against one trait, and against NUTS."""

import itertools

import numpy as np
import pymc as pm
import pytest
from scipy import special

import blrzoo as blr
from tests.oracles.one_trait import (
    assert_agrees,
    assert_effects_agree,
    assert_same_posterior,
    assert_sd_agrees,
    enumerate_spike_slab,
    exact_ridge,
)
from tests.oracles.several_traits import elements, enumerate_covariances, normal_posterior

SIGMA_B = np.array([[0.5, 0.3], [0.3, 0.4]])
SIGMA_E = np.array([[1.0, 0.5], [0.5, 1.5]])
FIXED = {"Sigma_e": SIGMA_E, "mu": (0.0, 10.0)}
PATTERNS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
CHAINS = {"draws": 8000, "tune": 500, "chains": 4, "quiet": True}


def make_data(n=25, p=4, holes=None, seed=3):
    """Two correlated features, effects on one trait and on both; holes at random or disjoint."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    X[:, 1] = 0.8 * X[:, 0] + 0.6 * X[:, 1]
    B = np.zeros((p, 2))
    B[0], B[-2] = [0.6, 0.0], [0.5, 0.5]
    Y = 1.0 + X @ B + rng.multivariate_normal([0, 0], SIGMA_E, size=n)
    if holes == "random":
        Y[rng.random(Y.shape) < 0.3] = np.nan
        Y[np.isnan(Y).all(axis=1), 0] = 0.3
    if holes == "disjoint":
        Y[::2, 0], Y[1::2, 1] = np.nan, np.nan
    return X, Y


PI = {"independent": [0.3, 0.4], "all": [0.5, 0.1, 0.2, 0.2]}
#: Probabilities of the patterns that these mean.
PATTERN_PI = {"independent": [0.7 * 0.6, 0.3 * 0.6, 0.7 * 0.4, 0.3 * 0.4], "all": PI["all"]}


@pytest.mark.parametrize("holes", [None, "random", "disjoint"])
@pytest.mark.parametrize("patterns", PI)
@pytest.mark.slow
def test_enumeration_of_all_patterns(patterns, holes):
    X, Y = make_data(holes=holes)
    projections = PATTERNS[:, :, None] * np.eye(2)
    exact = enumerate_covariances(
        X,
        Y,
        covariances=projections @ SIGMA_B @ projections,
        pi=PATTERN_PI[patterns],
        included=PATTERNS,
        **FIXED,
    )
    model = blr.multivariate_spike_slab(
        X, Y, patterns=patterns, pi=PI[patterns], Sigma_b=SIGMA_B, **FIXED
    )
    idata = blr.sample(model, random_seed=5, **CHAINS)
    assert_effects_agree(elements(idata), exact)
    either = 1 - exact.weights @ np.prod(1 - exact.included.reshape(-1, 4, 2), axis=2)
    drawn = idata.posterior["delta"].any("trait")
    for j, pip in enumerate(either):
        assert_agrees(drawn.isel(feature=j).values, pip, f"PIP over traits of {j}")
    np.testing.assert_allclose(blr.pip(idata, any="trait"), drawn.mean(("chain", "draw")))


@pytest.mark.slow
def test_the_oracle_can_fail():
    """The bound is tight enough to see a residual correlation that is wrong."""
    X, Y = make_data(holes="random")
    model = blr.multivariate(X, Y, Sigma_b=SIGMA_B, **{**FIXED, "Sigma_e": np.diag([1.0, 1.5])})
    idata = blr.sample(model, random_seed=5, **CHAINS)
    exact = enumerate_covariances(X, Y, covariances=SIGMA_B[None], pi=[1.0], **FIXED)
    with pytest.raises(AssertionError, match="against"):
        assert_effects_agree(elements(idata), exact)


def _correlated(r):
    return 0.5 * np.array([[1.0, r], [r, 1.0]])


NEARLY_SINGULAR = {
    **{f"variance {tau2:g}": np.diag([0.5, tau2]) for tau2 in (1e-6, 1e-12, 1e-15, 1e-18)},
    **{f"r_g {r:.15f}": _correlated(r) for r in (1 - 1e-15, -1 + 1e-15)},
}


@pytest.mark.parametrize("update", ["joint", "single-site"])
@pytest.mark.parametrize("case", NEARLY_SINGULAR)
@pytest.mark.slow
def test_nearly_singular_covariances(case, update):
    """A trait almost without genetic variance, or a genetic correlation of almost 1."""
    X, Y = make_data(n=100, p=6)
    known = {"Sigma_b": NEARLY_SINGULAR[case], "Sigma_e": np.eye(2), "mu": 1.0}
    idata = blr.sample(
        blr.multivariate(X, Y, update=update, **known),
        draws=2000,
        tune=100,
        chains=2,
        random_seed=7,
        quiet=True,
    )
    covariances = np.broadcast_to(known["Sigma_b"], (6, 2, 2))
    _, mean, sd = normal_posterior(X, Y, covariances, np.eye(2), (1.0, 0.0))
    draws = elements(idata)["beta"].values
    for j in range(12):
        assert_agrees(draws[..., j], mean[j], f"mean of {j}")
        assert_sd_agrees(draws[..., j], sd[j], f"element {j}")


@pytest.mark.slow
def test_learned_pattern_probabilities():
    """Dirichlet prior: its integral over each label vector is in closed form."""
    X, Y = make_data(p=3)
    a = np.array([3.0, 1.0, 1.0, 2.0])
    projections = PATTERNS[:, :, None] * np.eye(2)
    exact = enumerate_covariances(
        X, Y, covariances=projections @ SIGMA_B @ projections, pi=np.ones(4), **FIXED
    )
    counts = (exact.hyper["label"][:, :, None] == np.arange(4)).sum(axis=1)
    logs = exact.hyper["log_evidence"] + special.gammaln(a + counts).sum(axis=1)
    weights = np.exp(logs - special.logsumexp(logs))
    expected = weights @ ((a + counts) / (a.sum() + 3))
    model = blr.multivariate_spike_slab(X, Y, patterns="all", pi=tuple(a), Sigma_b=SIGMA_B, **FIXED)
    idata = blr.sample(model, random_seed=6, **CHAINS)
    for k in range(4):
        assert_agrees(idata.posterior["pi"].isel(pattern=k).values, expected[k], f"pi of {k}")


@pytest.mark.parametrize("holes", [None, "random"])
@pytest.mark.slow
def test_singular_canonical_components_by_group(holes):
    """A mixture of the null, equal effects, one trait only and a given matrix of rank one."""
    X, Y = make_data(p=3, holes=holes)
    given = np.outer([0.5, -0.4], [0.5, -0.4])
    pi = np.array([[0.4, 0.2, 0.1, 0.1, 0.2], [0.7, 0.1, 0.1, 0.05, 0.05]])
    model = blr.hierarchical_multivariate(
        X, Y, ["a", "b", "b"], components=["null", "equal", "each", given], pi=pi, **FIXED
    )
    covariances = model["Sigma_b"].eval()[0]
    scale = np.sqrt(np.diag(covariances[2] + covariances[3]))
    np.testing.assert_allclose(covariances[1], np.outer(scale, scale), rtol=1e-12)
    np.testing.assert_allclose(covariances[2][1], 0.0)
    np.testing.assert_allclose(covariances[4], given)
    exact = enumerate_covariances(X, Y, covariances=covariances, pi=pi[[0, 1, 1]], **FIXED)
    idata = blr.sample(model, random_seed=7, **CHAINS)
    assert_effects_agree(elements(idata), exact)
    for j, k in itertools.product(range(3), range(5)):
        label = idata.posterior["label"].isel(feature=j).values == k
        assert_agrees(label, exact.weights @ (exact.hyper["label"][:, j] == k), f"label {j}, {k}")


@pytest.mark.slow
def test_one_trait_is_the_single_trait_model():
    """T = 1 against the exact posteriors of one trait; then, all learned, against its sampler."""
    X, Y = make_data()
    fixed = {"Sigma_e": 1.2, "mu": (0.0, 10.0), "Sigma_b": 0.8}
    single = {"tau2": 0.8, "sigma2": 1.2}
    idata = blr.sample(blr.multivariate(X, Y[:, :1], **fixed), random_seed=1, **CHAINS)
    assert_effects_agree(elements(idata), exact_ridge(X, Y[:, 0], **single))
    for patterns, pi in (("independent", 0.3), ("all", [0.7, 0.3]), ("restrictive", [0.7, 0.3])):
        model = blr.multivariate_spike_slab(X, Y[:, :1], patterns=patterns, pi=pi, **fixed)
        idata = blr.sample(model, random_seed=2, **CHAINS)
        assert_effects_agree(elements(idata), enumerate_spike_slab(X, Y[:, 0], pi=0.3, **single))


def default_slab(X, Y):
    """Of one trait the default of Sigma_b is scaled-inverse-chi2(4, S2); of tau2 nu is 1."""
    node = blr.spike_slab(X, Y[:, 0])["tau2"].owner
    _, scale = node.op.dist_params(node)  # of InverseGamma(1 / 2, S2 / 2)
    return 4, 2 * float(scale.eval())


def test_defaults_of_one_trait_are_those_of_the_single_trait_model():
    """IW(4, S) is the scaled-inverse-chi-squared: the same prior densities at the same values."""
    X, Y = make_data()
    several = blr.multivariate_spike_slab(X, Y[:, :1])
    single = blr.spike_slab(X, Y[:, 0], tau2=default_slab(X, Y))
    for name, other in (("Sigma_b", "tau2"), ("Sigma_e", "sigma2")):
        for value in (0.3, 1.7):
            first = pm.logp(several[name], np.array([[value]])).eval()
            second = pm.logp(single[other], np.array(value)).eval()
            np.testing.assert_allclose(first, second, rtol=1e-12)


@pytest.mark.slow
def test_one_trait_with_everything_learned():
    X, Y = make_data(n=60)
    several = blr.sample(blr.multivariate_spike_slab(X, Y[:, :1]), random_seed=3, **CHAINS)
    single = blr.spike_slab(X, Y[:, 0], tau2=default_slab(X, Y))
    single = blr.sample(single, random_seed=4, **CHAINS)
    first = several.posterior.dataset.isel(trait=0, trait_bis=0)
    first = first.rename(Sigma_b="tau2", Sigma_e="sigma2")
    names = ["beta", "delta", "mu", "tau2", "sigma2", "pi"]
    assert_same_posterior(first, single.posterior.dataset, names)


@pytest.mark.slow
@pytest.mark.parametrize("patterns", [None, "independent"])
def test_diagonal_covariances_are_separate_fits(patterns):
    """Nothing is shared between traits: T fits of one trait, hyperparameters learned."""
    X, Y = make_data(n=60)
    diagonal = {"form": "diagonal", "residual": "diagonal"}
    if patterns:
        model = blr.multivariate_spike_slab(X, Y, patterns=patterns, **diagonal)
    else:
        model = blr.multivariate(X, Y, **diagonal)
    together = blr.sample(model, random_seed=5, **CHAINS)
    factory = blr.spike_slab if patterns else blr.single_component
    names = ["beta", "mu", "tau2", "sigma2", *(["delta", "pi"] if patterns else [])]
    for t in (0, 1):
        alone = blr.sample(factory(X, Y[:, t]), random_seed=6 + t, **CHAINS)
        assert_same_posterior(
            together.posterior.dataset.isel(trait=t), alone.posterior.dataset, names
        )


@pytest.mark.slow
@pytest.mark.parametrize("holes", [None, "random"])
def test_nuts_agrees(holes):
    """All covariances learned: the same posterior by NUTS on the model's density."""
    X, Y = make_data(n=20, p=2, holes=holes)
    model = blr.multivariate(X, Y, Sigma_b=(6, 2.0), Sigma_e=(6, 3.0), mu=(0.0, 2.0))
    gibbs = blr.sample(model, random_seed=1, **CHAINS)
    with model:
        nuts = pm.sample(
            draws=2000, tune=1000, chains=2, step=pm.NUTS(), random_seed=2, progressbar=False
        )
    names = ["beta", "mu", "Sigma_b", "Sigma_e"]
    assert_same_posterior(gibbs.posterior.dataset, nuts.posterior.dataset, names)


def test_a_prior_of_ones_own_that_has_no_conditionals():
    """Left to NUTS by itself: Sigma_b's deviations; the Gibbs step draws all the rest."""

    class Scaled(blr.priors.MultivariatePrior):
        def variables(self):
            return {"sd": pm.HalfNormal("sd", 1.0)}

        def covariance(self, v):
            return v["sd"] ** 2 * SIGMA_B

    X, Y = make_data()
    model = blr.regression(X, Y, prior=Scaled(), **FIXED)
    assert set(blr.BLRGibbs(model=model).names) == {"beta", "mu"}
    with model:
        idata = pm.sample(draws=50, tune=50, chains=1, random_seed=1, progressbar=False)
    assert idata.posterior["sd"].std() > 0


def test_genetic_variance_is_recorded_by_trait():
    X, Y = make_data(holes="random")
    model = blr.multivariate(X, Y)
    idata = blr.sample(model, draws=20, tune=5, chains=2, random_seed=1, quiet=True)
    recorded = idata.sample_stats["genetic_variance"]
    assert recorded.dims == ("chain", "draw", "trait")
    fit = xr_dot(idata)
    np.testing.assert_allclose(recorded, fit.var("obs"), rtol=1e-10)


def xr_dot(idata):
    X = idata.constant_data["X"] - idata.constant_data["X_center"]
    return (idata.posterior["beta"] * X).sum("feature")
