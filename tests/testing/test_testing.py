"""The checks for authors must fail where something is wrong."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

import blrzoo as blr
from blrzoo.designs.dense import Dense
from tests.table import NARROW, small_data


class ForgotTheCount(blr.priors.SingleComponent):
    """The classic mistake: degrees of freedom are not updated."""

    def conditionals(self, v, effects):
        shape, scale = v["tau2"].owner.op.dist_params(v["tau2"].owner)
        return {v["tau2"]: pm.InverseGamma.dist(shape, scale + pt.sum(effects**2) / 2)}


class ForgotTheHalf(blr.priors.SpikeSlab):
    """The sum of squares is counted twice."""

    def conditionals(self, v, effects):
        return super().conditionals(v, effects * np.sqrt(2.0))


class Elsewhere(blr.priors.SingleComponent):
    """The conditional has no density where the model has."""

    def conditionals(self, v, effects):
        return {v["tau2"]: pm.Pareto.dist(2.0, m=1e9 + 0 * effects[0])}


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_check_conditionals_finds_a_density_of_zero():
    model = blr.regression(*small_data(), prior=Elsewhere())
    with pytest.raises(AssertionError, match="'tau2'"):
        blr.testing.check_conditionals(model, random_seed=1)


def wrong_models():
    X, y = small_data(5, 2)
    narrow = {"tau2": (8, 0.5)}
    yield blr.regression(X, y, prior=ForgotTheCount(**narrow), **NARROW)
    yield blr.regression(X, y, prior=ForgotTheHalf(pi=(4, 2), **narrow), **NARROW)


@pytest.mark.parametrize("model", list(wrong_models()), ids=["count", "half"])
def test_check_conditionals_finds_it(model):
    with pytest.raises(AssertionError, match="'tau2'"):
        blr.testing.check_conditionals(model, random_seed=1)


@pytest.mark.parametrize("model", list(wrong_models()), ids=["count", "half"])
@pytest.mark.slow
def test_geweke_joint_finds_it(model):
    with pytest.raises(AssertionError, match="tau2"):
        blr.testing.geweke_joint(model, draws=5000, random_seed=1)


@pytest.mark.slow
def test_geweke_joint_passes_what_is_right():
    X, y = small_data(5, 2)
    z = blr.testing.geweke_joint(
        blr.spike_slab(X, y, tau2=(8, 0.5), pi=(4, 2), **NARROW), draws=5000, random_seed=1
    )
    assert {"tau2", "pi", "sigma2", "mu", "beta[0]", "delta[1]", "y[4]"} <= set(z.quantity.values)


def test_check_conditionals_finds_a_wrong_block(monkeypatch):
    """A design whose dot product is off makes the (label, effect) block wrong."""
    X, y = small_data()
    model = blr.spike_slab(X, y, **NARROW)
    right = Dense.dot
    monkeypatch.setattr(Dense, "dot", staticmethod(lambda *args: 1.01 * right(*args)))
    with pytest.raises(AssertionError, match="'beta'"):
        blr.testing.check_conditionals(model, random_seed=1)


def test_conditional_of_what_the_effects_do_not_depend_on_is_refused():
    """A replaced variance that leaves the old one and its conditional behind."""

    class LeftBehind(blr.priors.SpikeSlab):
        def variables(self):
            return {**super().variables(), "tau": pm.HalfNormal("tau", 1.0)}

        def components(self, v):
            return super().components({**v, "tau2": v["tau"] ** 2})

    with pytest.raises(ValueError, match="effects depend on, got one of tau2 in Left"):
        blr.regression(*small_data(), prior=LeftBehind())
