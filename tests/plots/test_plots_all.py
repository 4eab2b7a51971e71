"""What holds for every plot: whose axes, which draws, nothing left behind."""

from functools import partial

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from blrzoo import plots
from blrzoo.plots import (
    plot_effects,
    plot_patterns,
    plot_pip,
    plot_prior_posterior,
    plot_shrinkage,
    plot_variance,
)
from tests.builders import random_fit

GROUPS = np.repeat(["chr1", "chr2"], [4, 6])
TRAITS = ["height", "weight"]


def fit(traits=None):
    """A fit with all that the plots need."""
    rng = np.random.default_rng(1)
    y = rng.normal(size=30 if traits is None else (30, len(traits)))
    groups = {"prior": {"pi": rng.random((1, 100))}, "observed_data": {"y": y}}
    pi, X = rng.random((2, 40)), rng.normal(size=(30, 10))
    return random_fit(10, traits, draws=40, pi=pi, X=X, groups=groups)


#: Each plot of one panel, and the traits of its fit.
SINGLE = {
    "pip": (plot_pip, None),
    "manhattan": (partial(plot_pip, groups=GROUPS, positions=np.arange(10)), None),
    "pip of traits": (plot_pip, TRAITS),
    "effects": (plot_effects, None),
    "effects of a trait": (partial(plot_effects, trait="weight"), TRAITS),
    "variance": (partial(plot_variance, groups=GROUPS), None),
    "variance of traits": (partial(plot_variance, groups=GROUPS), TRAITS),
    "patterns": (plot_patterns, TRAITS),
    "pairs": (partial(plot_patterns, show="pairs"), TRAITS),
    "correlation": (partial(plot_patterns, show="correlation"), TRAITS),
    "prior": (plot_prior_posterior, None),
    "shrinkage": (plot_shrinkage, None),
}
#: Those with a panel for each trait.
PANELS = {
    "manhattan": partial(plot_pip, groups=GROUPS),
    "effects": partial(plot_effects, sort_by=None),
    "shrinkage": plot_shrinkage,
}
of_each = pytest.mark.parametrize(("plot", "traits"), SINGLE.values(), ids=SINGLE.keys())


def data_of(ax):
    """All numbers that are drawn."""
    lines = [np.ravel(line.get_data()) for line in ax.get_lines()]
    segments = [
        np.ravel(s) for c in ax.collections if hasattr(c, "get_segments") for s in c.get_segments()
    ]
    points = [np.ravel(c.get_offsets()) for c in ax.collections]
    images = [np.ma.filled(image.get_array(), -9).ravel() for image in ax.get_images()]
    bars = [[patch.get_height()] for patch in ax.patches if hasattr(patch, "get_height")]
    return np.concatenate(
        [np.asarray(part, float) for part in [*lines, *segments, *points, *images, *bars, []]]
    )


@of_each
def test_a_new_figure_is_the_only_trace(plot, traits):
    before = dict(matplotlib.rcParams)
    ax = plot(fit(traits))
    assert plt.get_fignums() == [ax.figure.number]
    assert dict(matplotlib.rcParams) == before
    assert ax.get_xlabel()
    assert ax.get_ylabel()
    ax.figure.canvas.draw()


@of_each
def test_the_callers_axes_are_used_and_no_others(plot, traits):
    figure, (left, right) = plt.subplots(1, 2)
    assert plot(fit(traits), ax=right) is right
    assert plt.get_fignums() == [figure.number]
    assert data_of(right).size
    assert not left.has_data()
    right.set_title("mine")
    figure.canvas.draw()


@of_each
def test_axes_of_a_subfigure(plot, traits):
    ax = plt.figure(layout="constrained").subfigures(1, 2)[1].subplots()
    assert plot(fit(traits), ax=ax) is ax
    ax.figure.canvas.figure.canvas.draw()


@of_each
def test_axes_that_are_none_are_refused(plot, traits):
    with pytest.raises(TypeError, match=r"ax must be matplotlib axes.*str"):
        plot(fit(traits), ax="here")


@of_each
def test_a_fit_from_disk_gives_the_same_picture(plot, traits, tmp_path):
    idata = fit(traits)
    idata.to_netcdf(tmp_path / "fit.nc")
    with xr.open_datatree(tmp_path / "fit.nc") as loaded:
        np.testing.assert_array_equal(data_of(plot(loaded)), data_of(plot(idata)))


@of_each
def test_a_single_chain_and_thinned_draws(plot, traits):
    idata = fit(traits)
    plot(idata.isel(chain=[0]))
    thinned = idata["posterior"].to_dataset().isel(draw=slice(None, None, 3))
    expected = data_of(plot(idata))
    idata["posterior"] = xr.DataTree(thinned)
    found = data_of(plot(idata))
    assert found.shape != expected.shape or not np.array_equal(found, expected)


@of_each
def test_what_is_no_inference_data_is_refused(plot, traits):
    with pytest.raises(TypeError, match="InferenceData"):
        plot({"posterior": 1})
    with pytest.raises(ValueError, match="'posterior'"):
        plot(xr.DataTree())
    assert not plt.get_fignums()


@pytest.mark.parametrize("plot", PANELS.values(), ids=PANELS.keys())
def test_a_panel_for_each_trait(plot):
    idata = fit(TRAITS)
    axes = plot(idata)
    assert [ax.get_title() for ax in axes] == TRAITS
    assert all(ax.figure is axes[0].figure for ax in axes)
    for ax, trait in zip(axes, TRAITS, strict=True):
        alone = plot(idata, trait=trait)
        assert not alone.get_title()
        np.testing.assert_allclose(dots_of(ax), dots_of(alone), rtol=1e-12, atol=1e-15)
    figure, own = plt.subplots(1, 2)
    assert list(plot(idata, ax=own)) == list(own)
    with pytest.raises(ValueError, match=r"ax must be 2 axes, one for each of .*got 1"):
        plot(idata, ax=own[0])
    assert figure.axes[:2] == list(own)


def dots_of(ax):
    points = [np.array(line.get_data()).T for line in ax.get_lines() if line.get_marker() == "o"]
    points += [np.asarray(c.get_offsets()) for c in ax.collections if len(c.get_offsets()) > 1]
    return np.concatenate(points)


def test_every_plot_is_tried():
    tried = {getattr(plot, "func", plot).__name__ for plot, _ in SINGLE.values()}
    # test_geweke_diagnostic has the other one, which takes more draws.
    assert tried == set(plots.__all__) - {"plot_geweke"}
