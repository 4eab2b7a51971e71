"""A chain that is not finite stops with an error; rounding errors do not stay; X is let go."""

import gc
import re
import weakref
from functools import partial

import numpy as np
import pymc as pm
import pytest
from pymc.exceptions import SamplingError

import blrzoo as blr
from blrzoo.gibbs.spec import spec_of
from tests import builders

P = 5
SHORT = {"draws": 20, "tune": 5, "chains": 1, "cores": 1, "random_seed": 1, "quiet": True}


make_data = partial(builders.make_data, p=P)


@pytest.fixture(scope="module")
def model():
    return blr.spike_slab(*make_data())


@pytest.fixture(scope="module")
def step(model):
    return blr.BLRGibbs(model=model)


def start(step, model, **values):
    """A step at the start of a chain, and its point."""
    step.setup_chain(np.random.default_rng(1), 0, 500)
    point = model.initial_point()
    assert values.keys() <= point.keys()
    return {**point, **values}


@pytest.mark.parametrize(
    ("name", "variable", "value"),
    [
        ("beta", "beta", np.full(P, np.nan)),
        ("sigma2_log__", "sigma2", np.array(np.inf)),
        ("pi_logodds__", "pi", np.array(np.nan)),
    ],
)
def test_a_start_that_is_not_finite_is_named(step, model, name, variable, value):
    point = start(step, model, **{name: value})
    with pytest.raises(SamplingError, match=f"^initvals must be finite, .* start of {variable}\\."):
        step.step(point)


def test_plain_pm_sample_stops_at_a_bad_start(model):
    with model, pytest.raises(SamplingError, match="start of tau2"):
        pm.sample(draws=5, tune=0, chains=1, cores=1, initvals={"tau2": np.inf}, progressbar=False)


def test_a_draw_that_is_not_finite_is_named(step, model, monkeypatch):
    """NaN scores lose every race: without a stop each PIP would be 0."""
    point, _ = step.step(start(step, model))
    sweep, at = step._sweep, step._outputs.index("tau2_log__")

    def broken(*inputs):
        outputs = list(sweep(*inputs))
        outputs[at] = np.array(np.nan)
        return outputs

    monkeypatch.setattr(step, "_sweep", broken)
    expected = "draws must be finite, got NaN or infinity for tau2 in draw 2 of a chain"
    with pytest.raises(SamplingError, match=re.escape(expected)):
        step.step(point)


def test_no_sweep_of_a_draw_may_be_broken(model, monkeypatch):
    """The next sweep would draw tau2 anew, and nothing would show."""
    step, calls = blr.BLRGibbs(model=model, thin=3), []
    point = start(step, model)
    sweep, at = step._sweep, step._outputs.index("tau2_log__")

    def broken(*inputs):
        outputs = list(sweep(*inputs))
        calls.append(outputs[at])
        outputs[at] = np.array(np.inf) if len(calls) == 1 else outputs[at]
        return outputs

    monkeypatch.setattr(step, "_sweep", broken)
    with pytest.raises(SamplingError, match="for tau2 in draw 1 of a chain"):
        step.step(point)
    assert len(calls) == 1


@pytest.mark.compiled  # a NumPy reference warns before it overflows
def test_a_sweep_that_overflows_stops(model):
    """Effects of 1e200 have no finite sum of squares."""
    step = blr.BLRGibbs(model=model)
    point = start(step, model, beta=np.full(P, 1e200), delta=np.ones(P, dtype=int))
    with pytest.raises(SamplingError, match=r"^draws must be finite, .* in draw 1 of a chain"):
        step.step(point)


def error_of_fit(step, model, draws, **values):
    point = start(step, model, **values)
    for _ in range(draws):
        point, _ = step.step(point)
    values = [np.array(point[name]) for name in step._inputs]
    return np.abs(step.fits[0] - step._fits(values)[0]).max()


def test_an_extreme_start_leaves_no_error(step, model):
    """Effects of 1e14 round the fit to 0.01; the true fit is of size 1."""
    extreme = {"beta": np.full(P, 1e14), "delta": np.ones(P, dtype=int)}
    assert error_of_fit(step, model, 50, **extreme) > 1e-4
    assert error_of_fit(step, model, 150, **extreme) < 1e-12


def test_ordinary_draws_do_not_depend_on_the_check(step, model, monkeypatch):
    error_of_fit(step, model, 250)
    expected = step.fits[0]
    monkeypatch.setattr("blrzoo.gibbs.step._PERIOD", 7)
    error_of_fit(step, model, 250)
    np.testing.assert_array_equal(step.fits[0], expected)


def test_all_fits_of_a_model_have_one_copy_of_x(model):
    steps = [blr.BLRGibbs(model=each) for each in (model, model.copy(), pm.do(model, {"mu": 0.0}))]
    arrays = [step._designs[0].arrays for step in steps]
    assert all(one is other for pair in zip(*arrays, strict=True) for one in pair for other in pair)


@pytest.mark.parametrize("update", ["joint", "single-site"])
def test_x_is_freed_with_its_model(update):
    model = blr.single_component(*make_data(), update=update)
    idata = blr.sample(model, **SHORT)
    design = spec_of(model["beta"]).main.design
    arrays = [weakref.ref(array) for array in design.arrays]
    del model, idata, design
    gc.collect()
    assert [ref() for ref in arrays] == [None, None]


def test_data_changed_after_compilation_count(model):
    """Code is compiled once, and reads the data of the moment, as a shared variable does."""
    X, y = make_data()
    W = np.random.default_rng(1).normal(size=(len(y), 1))
    model = blr.spike_slab(X, y, covariates=W)
    step = blr.BLRGibbs(model=model)
    before, _ = step.step(start(step, model))
    model["W"].set_value(np.asfortranarray(3 * W)[:, ::-1].copy())
    after, _ = step.step(start(step, model))
    assert before["gamma"] != after["gamma"]


def test_rows_changed_without_y_are_refused():
    X, y = make_data()
    model = blr.spike_slab(X, y, covariates=X[:, :1] ** 2)
    model["W"].set_value(np.ones((7, 1)))
    with pytest.raises(ValueError, match=r"^W must have one row per observation of y, 40, got 7"):
        blr.BLRGibbs(model=model)


@pytest.mark.parametrize("check", [blr.testing.check_conditionals, blr.testing.geweke_joint])
def test_checks_for_authors_want_a_model(check):
    with pytest.raises(TypeError, match=r"^model must be a pm\.Model.*, got 'm' of type str"):
        check("m")
    with pytest.raises(TypeError, match=r"^model must be a pm\.Model.*, got 'm' of type str"):
        blr.BLRGibbs(model="m")


@pytest.mark.slow
def test_indicators_set_by_do(model):
    """What pm.do sets says nothing of pi, which is drawn from its prior, Beta(1, 1) before data."""
    X, y = make_data()
    prior = blr.spike_slab(X, y, pi=(2.0, 6.0))
    delta = np.array([1, 1, 0, 0, 1])
    done = pm.do(prior, {"delta": delta})
    assert max(blr.testing.check_conditionals(done, random_seed=1).values()) < 1e-12
    idata = blr.sample(done, draws=2000, tune=10, chains=2, random_seed=1, quiet=True)
    np.testing.assert_array_equal((idata.posterior["beta"] != 0).all(("chain", "draw")), delta)
    # Independent draws of Beta(2, 6): mean 1/4, variance 1/48.
    error = np.sqrt(1 / 48 / 4000)
    assert abs(float(idata.posterior["pi"].mean()) - 0.25) < 4 * error


def test_effects_set_by_do():
    X, y = make_data()
    done = pm.do(blr.single_component(X, y), {"beta": np.arange(P) / P})
    assert max(blr.testing.check_conditionals(done, random_seed=1).values()) < 1e-12


def test_a_model_within_a_model_of_other_coords():
    with (
        pm.Model(coords={"obs": list("ab")}),
        pytest.raises(
            ValueError, match=r"^coords of the model on the context must be .* obs\..*outside"
        ),
    ):
        blr.spike_slab(*make_data())
