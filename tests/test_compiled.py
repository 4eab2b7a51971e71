"""The compiled sweep: called directly, with as many arguments as it has inputs."""

from functools import partial
from typing import Any

import cloudpickle
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from numba.core.dispatcher import Dispatcher
from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS
from pytensor.tensor.random.variable import rng as rng_variable

import blrzoo as blr
from blrzoo import zoo
from blrzoo.gibbs.compiled import CompiledSweep
from tests.table import small_data


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


def test_a_draw_looks_up_no_type_but_that_of_the_generator(
    model: pm.Model, inspected: list[type]
) -> None:
    step, point = one_draw(model)
    inspected.clear()
    step.step(point)
    assert inspected == [np.random.Generator]


def test_pytensor_alone_looks_up_the_types_of_all_arguments(inspected: list[type]) -> None:
    """Where this fails, PyTensor has become fast, and `FixedArityLinker` can go."""
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


def key(factory: Any, n: int, p: int, **options: Any) -> str:
    """What compiled code is stored under."""
    rng = np.random.default_rng(n)
    X, Y = rng.normal(size=(n, p)), rng.normal(size=(n, 2))
    if "covariates" in options:
        options["covariates"] = rng.normal(size=(n, options["covariates"]))
    name = getattr(factory, "__name__", "")
    if "hierarchical" in name:
        options["groups"] = rng.permutation(["a", "b", *["b"] * (p - 2)])
    model = factory(X, Y if "multivariate" in name else Y[:, 0], **options)
    return str(CACHED_SRC_FUNCTIONS[blr.BLRGibbs(model=model)._sweep._call.py_func])


KINDS = {name: (getattr(blr, name), {}) for name in zoo.__all__} | {
    "single-site": (blr.single_component, {"update": "single-site"}),
    "covariates": (blr.spike_slab, {"covariates": 2}),
    "weights": (blr.multiple_component, {"ratios": (0, 0.1, 1)}),
    "lasso": (partial(blr.regression, prior=blr.BayesianLasso()), {}),
    "BayesB": (partial(blr.regression, prior=blr.BayesB()), {}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_model_is_compiled_once_for_data_of_any_size(kind: str) -> None:
    factory, options = KINDS[kind]
    assert key(factory, 37, 51, **options) == key(factory, 61, 70, **options)


def test_another_mode_than_numba_is_taken_as_it_is() -> None:
    x = pt.vector("x", dtype="float64")
    double = CompiledSweep([x], [2 * x], mode="FAST_COMPILE")
    np.testing.assert_array_equal(double(np.array([1.0, 2.0]))[0], [2.0, 4.0])
