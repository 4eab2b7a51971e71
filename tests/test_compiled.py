"""The compiled sweep: called directly, with as many arguments as it has inputs."""

from typing import Any

import cloudpickle
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from numba.core.dispatcher import Dispatcher
from pytensor.tensor.random.variable import rng as rng_variable

import blrzoo as blr
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


def test_another_mode_than_numba_is_taken_as_it_is() -> None:
    x = pt.vector("x", dtype="float64")
    double = CompiledSweep([x], [2 * x], mode="FAST_COMPILE")
    np.testing.assert_array_equal(double(np.array([1.0, 2.0]))[0], [2.0, 4.0])
