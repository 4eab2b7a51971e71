"""A generator by its addresses: the same object and the same draws."""

import gc
import sys

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from blrzoo.ops.generator import GeneratorAt, addresses


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
@pytest.mark.parametrize("bits", [np.random.PCG64, np.random.MT19937, np.random.SFC64])
def test_draws_are_those_of_the_generator(mode: str, bits: type) -> None:
    places = pt.vector("places", dtype="uint64")
    first, normal = GeneratorAt()(places).normal(size=3)
    last, gamma = first.gamma(2.0, scale=1.0, size=2)
    function = pytensor.function([places], [normal, gamma, last], mode=mode)
    given, own = np.random.Generator(bits(1)), np.random.Generator(bits(1))
    for _ in range(3):
        normals, gammas, given = function(addresses(given))
        np.testing.assert_allclose(normals, own.normal(size=3), rtol=1e-14)
        np.testing.assert_allclose(gammas, own.gamma(2.0, 1.0, size=2), rtol=1e-14)
    assert given.random() == own.random()


def test_compiled_draws_advance_the_generator_itself() -> None:
    places = pt.vector("places", dtype="uint64")
    out, draw = GeneratorAt()(places).normal()
    function = pytensor.function([places], [draw, out], mode="NUMBA")
    given = np.random.default_rng(1)
    assert function(addresses(given))[1] is given
    own = np.random.default_rng(1)
    own.normal()
    assert given.normal() == own.normal()


def test_a_generator_lives_while_its_addresses_are_kept() -> None:
    made = [addresses(np.random.default_rng(k)) for k in range(8)]
    gc.collect()
    places = pt.vector("places", dtype="uint64")
    function = pytensor.function([places], GeneratorAt()(places).normal()[1], mode="NUMBA")
    for k, place in enumerate(made):
        assert function(place) == np.random.default_rng(k).normal()


def test_a_generator_is_not_counted_down() -> None:
    """Were a reference given back that was never taken, it would die while in use."""
    places = pt.vector("places", dtype="uint64")
    out, draw = GeneratorAt()(places).normal()
    function = pytensor.function([places], [draw, out], mode="NUMBA")
    given = np.random.default_rng(1)
    place, before = addresses(given), sys.getrefcount(given)
    for _ in range(1000):
        function(place)
    assert sys.getrefcount(given) <= before + 1  # PyTensor may keep the last output
    assert sys.getrefcount(given) >= before
