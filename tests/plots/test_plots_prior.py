"""Priors beside posteriors: the densities, what is shown, and how far the axes go."""

from itertools import pairwise

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import blrzoo as blr
from blrzoo.plots import plot_prior_posterior
from blrzoo.plots.hyperparameters import _density, _limits
from tests.builders import tree


def fit(posterior, prior, dims=None):
    return tree(dims=dims, groups={"prior": prior}, **posterior)


def draws(distribution, size=4000, chains=4, seed=1):
    shape = (chains, size // chains)
    return distribution.rvs(size=shape, random_state=np.random.default_rng(seed))


def curves(ax):
    """{"prior": (x, density), "posterior": ...}."""
    return {line.get_label(): np.array(line.get_data()) for line in ax.get_lines()}


def names(axes):
    return [ax.get_xlabel().split("\n")[0] for ax in np.atleast_1d(axes)]


def tick_boxes(ax):
    """Boxes of the tick labels that are seen."""
    low, high = ax.get_xlim()
    ticks = zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
    return [label.get_window_extent() for at, label in ticks if low <= at <= high]


def test_the_curves_are_the_densities():
    prior, posterior = stats.beta(1, 1), stats.beta(20, 60)
    idata = fit({"pi": draws(posterior)}, {"pi": draws(prior, chains=1, seed=2)})
    ax = plot_prior_posterior(idata)
    found = curves(ax)
    for name, distribution in (("prior", prior), ("posterior", posterior)):
        x, y = found[name]
        np.testing.assert_allclose(y, distribution.pdf(x), atol=0.12 * posterior.pdf(0.25))
        inside = np.diff(distribution.cdf(ax.get_xlim())).item()
        np.testing.assert_allclose(np.trapezoid(y, x), inside, atol=0.03)
    assert ax.get_xlabel() == "pi\n(probability)"
    assert ax.get_legend() is not None


def test_a_heavy_tailed_prior_does_not_rule_the_axis():
    prior = stats.invgamma(0.5, scale=1.0)  # no mean; the largest draw is about 1e10
    posterior = stats.invgamma(200, scale=100)
    before, after = draws(prior, 100_000, seed=2).ravel(), draws(posterior).ravel()
    low, high = _limits(before, after)
    assert low < after.min() + 1e-12 or low < np.quantile(after, 0.005)
    assert np.quantile(after, 0.995) < high
    assert high - low < 6.01 * np.ptp(np.quantile(after, [0.005, 0.995]))
    x, y = _density(before, low, high)
    np.testing.assert_allclose(
        np.trapezoid(y, x), np.mean((before >= low) & (before <= high)), rtol=0.02
    )
    np.testing.assert_allclose(y, prior.pdf(x), atol=0.15 * prior.pdf(x).max())


def test_the_axis_holds_the_posterior_and_the_middle_of_a_near_prior():
    before = draws(stats.norm(0, 1), seed=2).ravel()
    after = draws(stats.norm(2, 0.7)).ravel()
    low, high = _limits(before, after)
    assert low <= np.quantile(before, 0.1)
    assert high >= np.quantile(after, 0.995)


def test_axes_do_not_leave_what_was_drawn():
    idata = fit({"pi": draws(stats.beta(1, 30))}, {"pi": draws(stats.beta(1, 1), chains=1, seed=2)})
    low, high = plot_prior_posterior(idata).get_xlim()
    assert 0 <= low < high <= 1


def test_few_draws_of_the_prior_are_an_average():
    before = np.r_[np.full(990, 1e6), np.linspace(0, 1, 10)]
    x, y = _density(before, 0.0, 2.0)
    np.testing.assert_allclose(x, [0, 2])
    np.testing.assert_allclose(y, 10 / 1000 / 2)


def grouped(order=("b", "a")):
    """Variances of two groups that differ by a factor of 100; the prior in some order."""
    rng = np.random.default_rng(1)
    posterior = {
        "mu": rng.normal(size=(2, 200)),
        "sigma2": rng.gamma(50, 0.02, size=(2, 200)),
        "tau2": np.stack([rng.gamma(50, s, size=(2, 200)) for s in (1.0, 100.0)], axis=-1),
        "beta": rng.normal(size=(2, 200, 3)),
    }
    scales = {"a": 1.0, "b": 100.0}
    prior = {
        "mu": rng.normal(size=(1, 300)),
        "sigma2": rng.gamma(5, 0.2, size=(1, 300)),
        "tau2": np.stack([rng.gamma(5, 10 * scales[g], size=(1, 300)) for g in order], axis=-1),
    }
    dims = {"tau2": ["group"], "beta": ["feature"]}
    idata = az.from_dict({"posterior": posterior}, dims=dims, coords={"group": ["a", "b"]})
    before = az.from_dict({"prior": prior}, dims=dims, coords={"group": list(order)})
    return idata, before


def test_elements_are_joined_by_name():
    idata, prior = grouped()
    axes = plot_prior_posterior(idata, prior)
    assert names(axes) == ["sigma2", "tau2[a]", "tau2[b]"]  # neither mu nor effects
    for ax, group, size in zip(axes[1:], "ab", (50, 5000), strict=True):
        x, y = curves(ax)["prior"]
        expected = prior["prior"]["tau2"].sel(group=group).values
        inside = np.mean((expected >= ax.get_xlim()[0]) & (expected <= ax.get_xlim()[1]))
        assert inside > 0.5
        np.testing.assert_allclose(np.trapezoid(y, x), inside, rtol=0.02)
        assert ax.get_xlim()[0] < size < ax.get_xlim()[1]


def test_the_prior_can_be_passed_as_a_dataset():
    idata, prior = grouped()
    left = plot_prior_posterior(idata, prior)
    right = plot_prior_posterior(idata, prior["prior"].to_dataset())
    for a, b in zip(left, right, strict=True):
        np.testing.assert_array_equal(curves(a)["prior"], curves(b)["prior"])


@pytest.mark.parametrize(
    ("var_names", "expected"),
    [
        ("mu", ["mu"]),
        ("tau2", ["tau2[a]", "tau2[b]"]),
        (["tau2[b]", "sigma2"], ["tau2[b]", "sigma2"]),
    ],
)
def test_what_is_asked_for_is_shown(var_names, expected):
    idata, prior = grouped()
    assert names(plot_prior_posterior(idata, prior, var_names=var_names)) == expected


def test_of_many_elements_each_variable_has_some():
    rng = np.random.default_rng(1)
    values = {
        "pi": rng.random((2, 50, 40)),
        "Sigma_e": rng.normal(size=(2, 50, 5, 5)),
        "sigma2": rng.random((2, 50)),
    }
    dims = {"pi": ["group"], "Sigma_e": ["trait", "trait_bis"]}
    idata = fit(values, {k: v[:1] for k, v in values.items()}, dims)
    axes = plot_prior_posterior(idata)
    shown = names(axes)
    assert len(shown) == 12
    assert shown[:6] == [f"pi[{g}]" for g in range(6)]
    assert shown[6:11] == [f"Sigma_e[t1, t{t}]" for t in range(1, 6)]
    assert shown[11] == "sigma2"
    axes[0].figure.canvas.draw()
    labels = [ax.xaxis.label.get_window_extent() for ax in axes]
    boxes = labels + [box for ax in axes for box in tick_boxes(ax)]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_tick_labels_of_small_variances_do_not_overlap():
    rng = np.random.default_rng(1)
    values = rng.gamma(10, [1e-4, 1e-6, 123.4, 1e7], size=(2, 200, 4))
    axes = plot_prior_posterior(fit({"tau2": values}, {"tau2": values}, {"tau2": ["group"]}))
    axes[0].figure.canvas.draw()
    for ax in axes:
        boxes = tick_boxes(ax)
        assert len(boxes) >= 2
        assert all(a.x1 < b.x0 for a, b in pairwise(boxes))


def test_what_is_fixed_is_left_out():
    rng = np.random.default_rng(1)
    tau2 = np.concatenate([np.zeros((2, 50, 1)), rng.random((2, 50, 2))], axis=-1)
    idata = fit({"tau2": tau2}, {"tau2": tau2[:1]}, {"tau2": ["component"]})
    assert names(plot_prior_posterior(idata)) == ["tau2[1]", "tau2[2]"]
    with pytest.raises(ValueError, match=r"var_names must name elements that vary.*tau2\[0\]"):
        plot_prior_posterior(idata, var_names="tau2[0]")


def test_of_a_model():
    data = blr.simulate(n=60, p=8, n_causal=2, random_seed=1)
    model = blr.spike_slab(data.X, data.y)
    idata = blr.sample(model, draws=100, tune=50, chains=2, random_seed=1, quiet=True)
    with pytest.raises(ValueError, match=r"group 'prior'.*pm.sample_prior_predictive"):
        plot_prior_posterior(idata)
    fast = {"mode": "FAST_COMPILE"}
    prior = pm.sample_prior_predictive(200, model=model, random_seed=1, compile_kwargs=fast)
    assert names(plot_prior_posterior(idata, prior)) == ["sigma2", "tau2", "pi"]
    idata.update(prior)
    assert names(plot_prior_posterior(idata)) == ["sigma2", "tau2", "pi"]


def test_bad_arguments_are_refused():
    idata, prior = grouped()
    with pytest.raises(ValueError, match=r"var_names must be hyperparameters, got 'beta'.*mu"):
        plot_prior_posterior(idata, prior, var_names="beta")
    with pytest.raises(ValueError, match=r"got 'sigma2'; the prior has \['mu'\]"):
        plot_prior_posterior(idata, prior["prior"].to_dataset()[["mu"]], var_names=["sigma2"])
    with pytest.raises(ValueError, match="must have a hyperparameter in common"):
        plot_prior_posterior(idata, prior["prior"].to_dataset()[["mu"]])
    with pytest.raises(ValueError, match=r"prior must have a group 'prior'; it has \['posterior'"):
        plot_prior_posterior(idata, idata)
    with pytest.raises(TypeError, match=r"prior must be what pm\.sample_prior_predictive"):
        plot_prior_posterior(idata, {"pi": 1})
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        plot_prior_posterior(xr.Dataset(), prior)
    with pytest.raises(ValueError, match=r"ax must be 3 axes.*got 1"):
        plot_prior_posterior(idata, prior, ax=plt.figure().subplots())
