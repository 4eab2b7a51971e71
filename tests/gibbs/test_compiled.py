"""The compiled sweep: called directly, once for a kind of model."""

from functools import partial
from typing import Any

import cloudpickle
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from numba.core.dispatcher import Dispatcher
from pytensor.link.numba.linker import NumbaLinker
from pytensor.tensor.random.variable import rng as rng_variable

import blrzoo as blr
from blrzoo import zoo
from blrzoo.gibbs.compiled import Compiled, _compile
from tests import table
from tests.table import small_data

pytestmark = pytest.mark.compiled


@pytest.fixture(scope="module")
def model() -> pm.Model:
    X, y = small_data()
    return blr.spike_slab(X, y)


@pytest.fixture
def inspected(monkeypatch: pytest.MonkeyPatch) -> list[type]:
    """Kinds of what numba looks up the type of in Python, which is slow."""
    kinds: list[type] = []
    original = Dispatcher.typeof_pyval

    def spy(self: Any, value: Any) -> Any:
        kinds.append(type(value))
        return original(self, value)

    monkeypatch.setattr(Dispatcher, "typeof_pyval", spy)
    return kinds


def one_draw(model: pm.Model) -> tuple[blr.BLRGibbs, dict[str, np.ndarray]]:
    step = blr.BLRGibbs(model=model)
    step.setup_chain(np.random.default_rng(1), 0, 0)
    return step, step.step(model.initial_point())[0]


def test_a_draw_looks_up_no_type(model: pm.Model, inspected: list[type]) -> None:
    step, point = one_draw(model)
    inspected.clear()
    step.step(point)
    assert inspected == []


def test_pytensor_alone_looks_up_the_types_of_all_arguments(inspected: list[type]) -> None:
    """Where this fails, PyTensor has become fast, and `GeneratorAt` can go."""
    rng, x = rng_variable("rng"), pt.vector("x")
    out, draw = rng.normal(size=2)
    function = pytensor.function([x, pytensor.In(rng, mutable=True)], [x.sum() + draw, out])
    function(np.ones(3), np.random.default_rng(1))
    inspected.clear()
    function(np.ones(3), np.random.default_rng(1))
    assert tuple in inspected


def test_the_same_draws_after_pickling(model: pm.Model) -> None:
    step, _ = one_draw(model)
    again = cloudpickle.loads(cloudpickle.dumps(step))
    points = []
    for each in (step, again):
        each.setup_chain(np.random.default_rng(2), 0, 0)
        points.append(each.step(each.step(model.initial_point())[0])[0])
    for name, value in points[0].items():
        np.testing.assert_array_equal(points[1][name], value)


def compiled(factory: Any, n: int, p: int, **options: Any) -> Any:
    """The function that draws."""
    rng = np.random.default_rng(n)
    X, Y = rng.normal(size=(n, p)), rng.normal(size=(n, 2))
    if "covariates" in options:
        options["covariates"] = rng.normal(size=(n, options["covariates"]))
    name = getattr(factory, "__name__", "")
    if "hierarchical" in name:
        options["groups"] = rng.permutation(["a", "b", *["b"] * (p - 2)])
    model = factory(X, Y if "multivariate" in name else Y[:, 0], **options)
    return blr.BLRGibbs(model=model)._sweep.function


KINDS = {name: (getattr(blr, name), {}) for name in zoo.__all__} | {
    "single-site": (blr.single_component, {"update": "single-site"}),
    "covariates": (blr.spike_slab, {"covariates": 2}),
    "weights": (blr.multiple_component, {"ratios": (0, 0.1, 1)}),
    "lasso": (partial(blr.regression, prior=blr.priors.BayesianLasso()), {}),
    "BayesB": (partial(blr.regression, prior=blr.priors.BayesB()), {}),
}


#: Kinds that `make test` leaves out, because they compile long.
LONG = ("weights", "BayesB", "multivariate", "hierarchical_multivariate")


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=pytest.mark.slow) if k in LONG else k for k in KINDS]
)
def test_a_kind_of_model_is_compiled_once_for_data_of_any_size(kind: str) -> None:
    factory, options = KINDS[kind]
    assert compiled(factory, 37, 51, **options) is compiled(factory, 61, 70, **options)


@pytest.mark.parametrize("name", ["spike-slab", "traits-all", "multivariate-diagonal"])
def test_copies_are_of_the_same_kind(name: str) -> None:
    """So they draw the very same; the name of a Deterministic is no part of a kind."""
    model = table.PRIORS[name](*small_data())
    one, other = (blr.BLRGibbs(model=each)._sweep._kind for each in (model, model.copy()))
    assert one == other


def test_another_mode_than_numba_is_taken_as_it_is() -> None:
    x = pt.vector("x", dtype="float64")
    double = Compiled([x], [2 * x], mode="FAST_COMPILE")
    np.testing.assert_array_equal(double(np.array([1.0, 2.0]))[0], [2.0, 4.0])


@pytest.mark.parametrize(
    "factory", [blr.spike_slab, pytest.param(blr.multivariate, marks=pytest.mark.slow)]
)
def test_no_machine_code_is_made_for_a_second_data_set(
    factory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []
    original = NumbaLinker.jit_compile

    def spy(self: Any, given: Any) -> Any:
        made.append(given)
        return original(self, given)

    monkeypatch.setattr(NumbaLinker, "jit_compile", spy)
    _compile.cache_clear()
    counts = []
    for n, p in [(40, 5), (50, 9), (50, 9)]:
        rng = np.random.default_rng(n)
        Y = rng.normal(size=(n, 2))
        y = Y if factory is blr.multivariate else Y[:, 0]
        model = factory(rng.normal(size=(n, p)), y)
        asked = {"log_likelihood": True}
        blr.sample(model, draws=2, tune=0, chains=1, idata_kwargs=asked, random_seed=1, quiet=True)
        counts.append(len(made))
    assert 0 < counts[0] == counts[1] == counts[2]


def test_a_deterministic_of_random_numbers_is_recorded(model: pm.Model) -> None:
    """PyMC compiles the recorder then, as it knows how to seed the numbers."""
    other = model.copy()
    with other:
        pm.Deterministic("noise", other["mu"] + pm.Normal.dist(0, 1))
    idata = blr.sample(other, draws=5, tune=0, chains=1, random_seed=1, quiet=True)
    assert (idata.posterior["noise"] - idata.posterior["mu"]).std() > 0
