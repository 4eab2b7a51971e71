"""Default priors of selection: sparse where features are many, never scaled for less than one."""

import numpy as np
import pymc as pm
import pytest

import blrzoo as blr

N, P = 100, 2500
S = 10.0  # sqrt(N): the features that slabs are scaled for
B = np.sqrt((P - S) / S)  # of the prior of the inclusion: Beta(1, B)


@pytest.fixture(scope="module")
def wide():
    rng = np.random.default_rng(1)
    return rng.normal(size=(N, P)), rng.normal(size=N)


def traits(y):
    return np.column_stack([y, y[::-1]])


def parameters(rv):
    """Values of the parameters of a variable's prior."""
    found = rv.owner.op.dist_params(rv.owner)
    return [parameter.eval(mode="FAST_COMPILE") for parameter in found]


def scaled_for(model, name, nu=4):
    """What a scaled inverse chi2 (nu, S2) is scaled for, 2 S2: InverseGamma(nu / 2, nu S2 / 2)."""
    shape, scale = parameters(model[name])
    np.testing.assert_allclose(shape, nu / 2)
    return 4 * scale / nu


def test_spike_slab(wide):
    X, y = wide
    model = blr.spike_slab(X, y)
    np.testing.assert_allclose(parameters(model["pi"]), [1, B])
    expected = 0.5 * y.var(ddof=1) / (S * X.var(axis=0, ddof=1).mean())
    np.testing.assert_allclose(scaled_for(model, "tau2", nu=1), expected)


def test_few_features_are_uniform():
    """For p <= 2 sqrt(n) the prior of pi is uniform, and the slab is scaled for p / 2."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(N, 20)), rng.normal(size=N)
    model = blr.spike_slab(X, y)
    np.testing.assert_allclose(parameters(model["pi"]), [1, 1])
    expected = 0.5 * y.var(ddof=1) / (10 * X.var(axis=0, ddof=1).mean())
    np.testing.assert_allclose(scaled_for(model, "tau2", nu=1), expected)


def test_groups_have_the_same_prior(wide):
    X, y = wide
    model = blr.spike_slab(X, y, groups=np.arange(P) % 3)
    np.testing.assert_allclose(parameters(model["pi"])[1], B)


@pytest.mark.parametrize("n_components", [2, 4, 40])
def test_mixtures_expect_as_many_as_spike_and_slab(wide, n_components):
    X, y = wide
    model = blr.multiple_component(X, y, n_components=n_components)
    (a,) = parameters(model["pi"])
    # P(not the null) is Beta(sum of the others, the null): as informative as that of
    # spike-and-slab, but for many components
    assert a[1:].sum() == pytest.approx(max(1, (n_components - 1) / 16))
    assert a[0] / a[1:].sum() == pytest.approx(B)
    # all together put h2 on X, but the widest slab is not scaled for less than one feature
    included = S / (n_components - 1) * (10.0 ** np.arange(2 - n_components, 1)).sum()
    widest = 0.5 * y.var(ddof=1) / (max(included, 1.0) * X.var(axis=0, ddof=1).mean())
    assert scaled_for(model, "tau2_slab")[-1] == pytest.approx(widest)


def test_mixture_without_a_null_has_nothing_to_select(wide):
    model = blr.multiple_component(*wide, null=False)
    np.testing.assert_allclose(parameters(model["pi_slab"])[0], 1.0)


def test_mixtures_of_groups(wide):
    model = blr.hierarchical(*wide, np.arange(P) % 2, n_components=3)
    (a,) = parameters(model["pi"])
    np.testing.assert_allclose(a, [[B, 0.5, 0.5]] * 2)


@pytest.mark.parametrize("patterns", ["all", "restrictive"])
def test_patterns(wide, patterns):
    X, y = wide
    model = blr.multivariate_spike_slab(X, traits(y), patterns=patterns)
    (a,) = parameters(model["pi"])
    assert a[0] == pytest.approx(B)
    assert a[1:].sum() == pytest.approx(1.0)


def test_independent_traits(wide):
    X, y = wide
    model = blr.multivariate_spike_slab(X, traits(y), form="diagonal")
    np.testing.assert_allclose(parameters(model["pi"])[1], B)
    expected = 0.5 * y.var(ddof=1) / (S * X.var(axis=0, ddof=1).mean())
    np.testing.assert_allclose(scaled_for(model, "tau2", nu=1), expected)


def test_hierarchical_traits(wide):
    X, y = wide
    model = blr.hierarchical_multivariate(X, traits(y), np.arange(P) % 2, n_components=3)
    (a,) = parameters(model["pi"])
    np.testing.assert_allclose(a, [[B, 0.5, 0.5]] * 2)


def test_bayes_b_and_annotated_inclusion(wide):
    X, y = wide
    model = blr.regression(X, y, prior=blr.priors.BayesB())
    np.testing.assert_allclose(parameters(model["pi"]), [1, B])
    annotated = blr.priors.AnnotatedInclusion(np.arange(P)[:, None] % 2)
    model = blr.regression(X, y, prior=annotated)
    np.testing.assert_allclose(parameters(model["eta0"]), [-np.log(B), 1.5])


def test_a_dist_scales_the_slabs_by_its_own_mean(wide):
    X, y = wide
    given = pm.Dirichlet.dist([98.0, 1.0, 1.0])
    model = blr.multiple_component(X, y, n_components=3, pi=given)
    slabs = scaled_for(model, "tau2_slab")
    total = P * 0.01 * slabs.sum() * X.var(axis=0, ddof=1).mean()
    assert total == pytest.approx(0.5 * y.var(ddof=1))


# ---- no Lindley trap ----


def test_a_tiny_fixed_pi_scales_the_slab_for_one_feature():
    """pi = 1e-6 once made a slab with an SD of 295 for a y with an SD of 1.6, and PIPs of 0."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 6))
    y = X[:, 0] - 0.7 * X[:, 1] + rng.normal(size=200)
    model = blr.spike_slab(X, y, pi=1e-6)
    expected = 0.5 * y.var(ddof=1) / X.var(axis=0, ddof=1).mean()
    np.testing.assert_allclose(scaled_for(model, "tau2", nu=1), expected)
    idata = blr.sample(model, draws=500, tune=200, chains=2, random_seed=1, quiet=True)
    pips = blr.pip(idata).values
    # both effects are many standard errors from zero; the others are as improbable as pi says
    assert (pips[:2] > 0.9).all()
    assert (pips[2:] < 0.05).all()


@pytest.mark.parametrize("pi", [1e-6, (1, 1e8)])
def test_the_floor_holds_for_mixtures_too(wide, pi):
    X, y = wide
    one = 0.5 * y.var(ddof=1) / X.var(axis=0, ddof=1).mean()
    model = blr.spike_slab(X, y, pi=pi)
    np.testing.assert_allclose(scaled_for(model, "tau2", nu=1), one)
    model = blr.multiple_component(X, y, n_components=2, pi=[1 - 1e-6, 1e-6])
    np.testing.assert_allclose(scaled_for(model, "tau2_slab"), one)


# ---- what a user gets ----


@pytest.fixture(scope="module")
def two_signals():
    """1,000 correlated features, two causal ones: by default 430 of them were included once."""
    data = blr.simulate(n=500, p=1000, correlation=0.9, h2=0.0, random_seed=1)
    X = data["X"].values
    rng = np.random.default_rng(2)
    y = 0.7 * X[:, 200] - 0.6 * X[:, 700] + rng.normal(size=500)
    idata = blr.sample(
        blr.spike_slab(X, y), draws=600, tune=400, chains=2, random_seed=1, quiet=True
    )
    return idata


@pytest.mark.slow
def test_few_features_are_included_in_sparse_data(two_signals):
    size = blr.model_size(two_signals)
    assert float(size.quantile(0.95)) < 40
    assert float(size.quantile(0.05)) >= 2


@pytest.mark.slow
def test_each_signal_has_its_credible_set(two_signals):
    members = blr.credible_sets(two_signals)["members"].values
    held = [members[:, j].any() for j in (200, 700)]
    assert all(held)
    assert members.sum(axis=1).max() <= 10


def test_the_log_of_a_fit_says_which_priors_it_has(caplog):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(N, 40)), rng.normal(size=N)
    settings = {"draws": 2, "tune": 2, "chains": 1, "random_seed": 1}
    with caplog.at_level("INFO"):
        blr.sample(blr.spike_slab(X, y, tau2=(4, 0.25)), **settings, progressbar=False)
    assert "tau2 ~ InverseGamma(2, 0.5); pi ~ Beta(1, 1.732)" in caplog.text
    caplog.clear()
    with caplog.at_level("INFO"):
        blr.sample(blr.spike_slab(X, y), **settings, quiet=True)
    assert "Priors" not in caplog.text


def test_units_of_y_and_a_common_scale_of_x_do_not_matter():
    data = blr.simulate(n=60, p=50, n_causal=2, random_seed=1)
    X, y = data["X"].values, data["y"].values
    settings = {"draws": 50, "tune": 50, "chains": 2, "random_seed": 1, "quiet": True}
    reference = blr.sample(blr.spike_slab(X, y), **settings).posterior
    other = blr.sample(blr.spike_slab(50 * X + 1000, 1e-6 * y + 7), **settings).posterior
    np.testing.assert_array_equal(other["delta"], reference["delta"])
    np.testing.assert_allclose(other["beta"] * 50e6, reference["beta"], rtol=1e-4, atol=1e-9)
