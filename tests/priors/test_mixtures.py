"""Mixtures and groups: exact enumeration, members that coincide, and what groups must recover."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from tests.builders import make_data
from tests.oracles.one_trait import (
    CHAINS,
    DESIGNS,
    MU,
    assert_agrees,
    assert_effects_agree,
    assert_same_posterior,
    enumerate_mixture,
)

FIXED = {"sigma2": 1.2, **MU}
PI, TAU2 = np.array([0.5, 0.3, 0.2]), np.array([0.0, 0.2, 2.0])


@pytest.mark.parametrize("name", ["weak", "strong", "correlated-strong", "n<p"])
@pytest.mark.slow
def test_enumeration_of_all_label_vectors(name):
    n, p, correlation, effects = DESIGNS[name]
    X, y = make_data(n, min(p, 6), correlation, effects)
    exact = enumerate_mixture(X, y, pi=PI, tau2=TAU2, **FIXED)
    model = blr.multiple_component(X, y, n_components=3, tau2=TAU2[1:], pi=PI, **FIXED)
    posterior = blr.sample(model, random_seed=8, **CHAINS).posterior.dataset
    assert_effects_agree(posterior, exact)
    for j in range(X.shape[1]):
        for k in range(3):
            share = exact.weights @ (exact.hyper["label"][:, j] == k)
            assert_agrees(posterior["label"].isel(feature=j) == k, share, f"label {j} = {k}")


@pytest.mark.slow
def test_enumeration_with_groups():
    """Each group has its own fixed variances and probabilities."""
    X, y = make_data(*DESIGNS["correlated-mixed"])
    X, index = X[:, :6], np.array([0, 1, 0, 1, 1, 0])
    pi, tau2 = np.array([PI, [0.8, 0.1, 0.1]]), np.array([TAU2, [0.0, 0.5, 1.0]])
    exact = enumerate_mixture(X, y, pi=pi[index], tau2=tau2[index], **FIXED)
    groups = np.array(["a", "b"])[index]
    model = blr.hierarchical(X, y, groups, n_components=3, tau2=tau2[:, 1:], pi=pi, **FIXED)
    assert_effects_agree(blr.sample(model, random_seed=9, **CHAINS).posterior.dataset, exact)


@pytest.mark.slow
def test_inclusion_probabilities_by_feature():
    """SpikeSlab(inclusion=) is a mixture with its own weights for each feature."""
    X, y = make_data(*DESIGNS["correlated-weak"])
    inclusion = np.array([0.9, 0.1, 0.5, 0.5, 0.0, 1.0])
    pi = np.column_stack([1 - inclusion, inclusion])
    with np.errstate(divide="ignore"):
        exact = enumerate_mixture(X, y, pi=pi, tau2=[0.0, 0.8], **FIXED)
    model = blr.spike_slab(X, y, inclusion=inclusion, tau2=0.8, **FIXED)
    posterior = blr.sample(model, random_seed=10, **CHAINS).posterior.dataset
    assert_effects_agree(posterior, exact)


LEARNED = {"sigma2": (8.0, 1.0), **MU}
LONG = {"draws": 6000, "tune": 500, "chains": 4, "quiet": True}


@pytest.mark.parametrize(
    ("ungrouped", "grouped", "names"),
    [
        (
            lambda X, y: blr.single_component(X, y, tau2=(6, 0.5), update="single-site", **LEARNED),
            lambda X, y, g: blr.hierarchical(X, y, g, tau2=(6, 0.5), **LEARNED),
            ["beta", "sigma2", "tau2"],
        ),
        (
            lambda X, y: blr.multiple_component(X, y, n_components=2, tau2=(6, 0.5), **LEARNED),
            lambda X, y, g: blr.hierarchical(X, y, g, n_components=2, tau2=(6, 0.5), **LEARNED),
            ["beta", "sigma2", "tau2", "pi"],
        ),
        (
            lambda X, y: blr.spike_slab(X, y, tau2=(6, 0.5), **LEARNED),
            lambda X, y, g: blr.multiple_component(X, y, n_components=2, tau2=(6, 0.5), **LEARNED),
            ["beta", "sigma2"],
        ),
        (
            lambda X, y: blr.spike_slab(X, y, tau2=(6, 0.5), pi=(1, 2), **LEARNED),
            lambda X, y, g: blr.spike_slab(
                X, y, tau2=(6, 0.5), expected_size=X.shape[1] / 3, groups=g, **LEARNED
            ),
            ["beta", "sigma2", "tau2"],
        ),
    ],
    ids=["ridge", "mixture", "two-components", "inclusion"],
)
@pytest.mark.slow
def test_members_of_the_family_coincide(ungrouped, grouped, names):
    """One group is no group, and two components are a spike and a slab."""
    X, y = make_data(*DESIGNS["correlated-mixed"])
    fits = (
        blr.sample(model, random_seed=seed, **LONG).posterior.dataset
        for seed, model in enumerate((ungrouped(X, y), grouped(X, y, ["all"] * X.shape[1])))
    )
    first, second = (
        fit.squeeze("group", drop=True) if "group" in fit.dims else fit for fit in fits
    )
    keep = [name for name in names if first[name].shape == second[name].shape]
    assert "beta" in keep
    varying = [k for k in keep if k != "tau2" or "component" not in first["tau2"].dims]
    assert_same_posterior(first, second, [k for k in varying if "component" not in first[k].dims])
    for name in set(keep) - set(varying) | ({"pi"} & set(names)):
        slab = [fit.isel(component=1) for fit in (first, second)]
        assert_same_posterior(*slab, [name])


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("n_components", [1, 3])
@pytest.mark.slow
def test_order_of_truly_enriched_groups_is_recovered(pooled, n_components):
    rng = np.random.default_rng(12)
    X = rng.normal(size=(300, 90))
    groups = np.repeat(["strong", "medium", "none"], 30)
    sd = pd.Series({"strong": 0.6, "medium": 0.2, "none": 0.0})[groups].to_numpy()
    y = X @ (sd * rng.normal(size=90)) + rng.normal(size=300)
    model = blr.hierarchical(X, y, groups, n_components=n_components, pooled=pooled)
    idata = blr.sample(model, draws=1000, tune=500, chains=2, random_seed=1, quiet=True)
    per_group = (idata.posterior["beta"] ** 2).groupby(idata.constant_data["group_index"]).mean()
    strong, medium, none = per_group.transpose(..., "chain", "draw").values
    assert (strong > medium).mean() > 0.99
    assert (medium > none).mean() > 0.95
    if n_components == 1:
        tau2 = idata.posterior["tau2"]
        assert (tau2.sel(group="strong") > tau2.sel(group="medium")).mean() > 0.95
        assert (tau2.sel(group="medium") > tau2.sel(group="none")).mean() > 0.95


@pytest.mark.slow
def test_pooling_pulls_small_groups_together():
    """A group of one feature borrows its variance from the others."""
    rng = np.random.default_rng(13)
    X = rng.normal(size=(100, 21))
    y = X[:, :20] @ rng.normal(size=20) + rng.normal(size=100)
    groups = [*np.repeat(list("abcd"), 5), "single"]
    spread = {}
    for pooled in (False, True):
        model = blr.hierarchical(X, y, groups, tau2=(4, 0.001), pooled=pooled)
        fit = blr.sample(model, draws=1000, tune=500, chains=2, random_seed=1, quiet=True)
        spread[pooled] = float(fit.posterior["tau2"].sel(group="single").median())
    assert spread[True] > 4 * spread[False]


@pytest.mark.slow
def test_two_thousand_groups():
    rng = np.random.default_rng(14)
    X = rng.normal(size=(50, 4000))
    model = blr.hierarchical(X, X[:, 0] + rng.normal(size=50), np.arange(4000) // 2, n_components=3)
    idata = blr.sample(model, draws=20, tune=20, chains=1, random_seed=1, quiet=True)
    assert idata.posterior["tau2"].shape == (1, 20, 2000, 3)
    assert float(abs(idata.posterior["tau2"].sel(component=0)).max()) == 0.0


def test_groups_are_joined_by_label():
    X = pd.DataFrame(np.random.default_rng(15).normal(size=(20, 4)), columns=list("wxyz"))
    y = X["w"] + np.random.default_rng(16).normal(size=20)
    labels = pd.Series({"z": "two", "w": "one", "y": "two", "x": "one"})
    forms = [labels, labels.rename_axis("feature").to_xarray(), ["one", "one", "two", "two"]]
    for groups in forms:
        model = blr.hierarchical(X, y, groups)
        assert model.coords["group"] == ("one", "two")
        np.testing.assert_array_equal(model["group_index"].get_value(), [0, 0, 1, 1])


X4 = np.random.default_rng(17).normal(size=(20, 4))
Y4 = X4[:, 0] + np.random.default_rng(18).normal(size=20)
REFUSED = [
    ("short", {"groups": ["a", "b"]}, "groups must have one value for each of the 4 features of X"),
    ("missing", {"groups": ["a", None, "a", "b"]}, "groups must name a group for each feature"),
    ("labels", {"groups": pd.Series({0: "a", 1: "b"})}, r"groups must have .* missing \[2, 3"),
    ("twice", {"groups": pd.Series("a", index=[0, 0, 1, 2, 3])}, r"groups .* repeated \[0\]"),
    ("pooled", {"groups": list("aabb"), "pooled": True, "tau2": 1.0}, "pooled must be False"),
    (
        "no-mixture",
        {"groups": list("aabb"), "pi": (1, 1)},
        "pi must be left out with n_components=1",
    ),
    (
        "n_components",
        {"groups": list("aabb"), "n_components": 0},
        "n_components must be an int from 1 to 100, got 0",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "message"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_bad_groups_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        blr.hierarchical(X4, Y4, **arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_components": 1}, ValueError, "n_components must be an int from 2 to 100"),
        ({"n_components": 2.5}, TypeError, "n_components must be an int from 2 to 100"),
        ({"n_components": 3, "ratios": (0, 0.1, 1, 2)}, ValueError, "as many as ratios says"),
        ({"ratios": (0, -1)}, ValueError, "ratios must be positive"),
        ({"tau2": [1.0, 2.0]}, ValueError, r"^tau2 must have shape \(\) or \(3,\)"),
        ({"pi": [0.5, 0.5]}, ValueError, "pi must have one value for each of the 4 components"),
        ({"pi": [0.5, 0.6, 0.1, 0.1]}, ValueError, "pi must be probabilities that sum to 1"),
        ({"pi": (1, 1, 0, 1)}, ValueError, "a must be positive"),
    ],
)
def test_bad_mixtures_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        blr.multiple_component(X4, Y4, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pi": 0.5, "expected_size": 2}, "pi must be left out where expected_size is given"),
        ({"expected_size": 4}, "expected_size must be .* below 4, got 4.*There are 4"),
        ({"inclusion": [0.1, 0.2]}, "inclusion must have one value for each of the 4 features"),
        ({"inclusion": [0.1, 0.2, 1.3, 0.1]}, "inclusion must hold probabilities from 0 to 1"),
        ({"inclusion": [0.5] * 4, "groups": list("aabb")}, "groups must be left out where"),
    ],
)
def test_bad_inclusion_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        blr.spike_slab(X4, Y4, **arguments)


def test_default_variance_on_x_is_h2():
    """Prior mean of the variance of X beta, for every way to set the defaults."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(50, 20)), rng.normal(size=50)  # at least one feature is expected
    for prior in (
        blr.priors.MultipleComponent(),
        blr.priors.MultipleComponent(ratios=(0.01, 0.1, 1)),
        blr.priors.MultipleComponent(null=False),
        blr.priors.SpikeSlab(expected_size=1),
    ):
        model = blr.regression(X, y, prior=prior, h2=0.3)
        spec = model["sigma2"].tag.blrzoo
        means = xr.DataArray(spec.main.prior.default_variance())
        assert float(means) * X.var(axis=0, ddof=1).sum() == pytest.approx(0.3 * y.var(ddof=1))
        if isinstance(prior, blr.priors.MultipleComponent):
            share = spec.main.prior._mean_pi()
            slabs = (
                spec.main.prior.default_slabs().value
                if prior.ratios is None
                else spec.main.prior.default_common().value * prior.ratios
            )
            assert share @ slabs == pytest.approx(spec.main.prior.default_variance())
