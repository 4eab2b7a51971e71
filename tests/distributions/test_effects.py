"""Effects with a point mass: density, draws, and who may draw them."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from scipy import stats

import blrzoo as blr
from blrzoo.distributions.effects import effects
from tests.table import small_data

pytestmark = pytest.mark.engine


def made(variance):
    with pm.Model(coords={"feature": range(3)}):
        return effects("beta", variance, dims="feature")


def test_density():
    beta, value = made(np.array([0.0, 0.0, 4.0])), np.array([0.0, 0.1, -3.0])
    expected = [0.0, -np.inf, stats.norm.logpdf(-3.0, 0, 2.0)]
    np.testing.assert_allclose(pm.logp(beta, value).eval(), expected)
    at_zero = pm.logp(beta, np.zeros(3)).eval()
    np.testing.assert_allclose(at_zero, [0.0, 0.0, stats.norm.logpdf(0.0, 0, 2.0)])


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_draws(mode):
    drawn = pm.draw(made(np.array([0.0, 1.0, 4.0])), draws=4000, random_seed=1, mode=mode)
    assert not drawn[:, 0].any()
    assert not np.signbit(drawn[:, 0]).any()
    for column, sd in zip(drawn.T[1:], (1.0, 2.0), strict=True):
        assert stats.kstest(column, stats.norm(0, sd).cdf).pvalue > 1e-3


def test_gradient_is_that_of_the_included_effects():
    """Of the hyperparameters; where an effect is excluded, no NaN comes from its variance of 0."""
    tau2, included = pt.dscalar("tau2"), np.array([0, 1, 1])
    value = np.array([0.0, 0.5, -1.0])
    density = pm.logp(made(pt.switch(included, tau2, 0.0)), value).sum()
    found = pytensor.function([tau2], pt.grad(density, tau2), mode="FAST_COMPILE")(2.0)
    np.testing.assert_allclose(found, sum(-0.5 / 2.0 + x**2 / 8.0 for x in (0.5, -1.0)))


@pytest.mark.parametrize(
    "steps",
    [
        lambda model: pm.NUTS(),
        lambda model: pm.BinaryGibbsMetropolis([model["delta"]]),
        lambda model: pm.Metropolis([model["beta"]]),
        lambda model: blr.BLRGibbs([model["beta"]]),
    ],
    ids=["NUTS of all", "Gibbs of labels", "Metropolis of effects", "effects"],
)
def test_one_without_the_other_is_refused(steps):
    model = blr.spike_slab(*small_data())
    with model, pytest.raises(ValueError, match="beta and delta together"):
        pm.sample(5, tune=5, chains=1, cores=1, progressbar=False, step=steps(model))


def test_a_model_without_marks_is_refused():
    model = pm.model.transform.optimization.freeze_dims_and_data(blr.spike_slab(*small_data()))
    with model, pytest.raises(ValueError, match="marks were lost"):
        pm.sample(5, tune=5, chains=1, cores=1, progressbar=False)


def test_labels_that_are_set_leave_the_effects_to_the_step():
    model = pm.do(blr.spike_slab(*small_data()), {"delta": np.array([1, 0, 1])})
    with model:
        idata = pm.sample(20, tune=5, chains=1, cores=1, random_seed=1, quiet=True,
                          compute_convergence_checks=False)  # fmt: skip
    zero = (idata.posterior["beta"] == 0).all(("chain", "draw"))
    np.testing.assert_array_equal(zero, [False, True, False])
