"""Bounds of dot products, by which a sweep spares features that stay at 0 the exact one."""

import numpy as np
import pytest

from blrzoo.designs import Dense, Design, Genotypes
from blrzoo.ops.sweep import Sweep, SweepInputs, make_kernel

CASES = {
    "plain": {},
    "missing": {"missing": 0.2},
    "weights": {"scale": np.sqrt(np.linspace(0.3, 2.0, 40))},
    "units and missing": {"unit": np.linspace(0.5, 2.0, 30), "missing": 0.1},
    "most copies": {"copies": 15},
}


def make(copies=2, missing=0.0, scale=1.0, unit=1.0, n=40, p=30):
    """Genotype codes as a design."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, copies + 1, size=(n, p)).astype(np.int8)
    codes[rng.random(codes.shape) < missing] = -1
    return Genotypes(codes, codes.mean(axis=0), scale, unit)


@pytest.mark.parametrize("case", CASES)
def test_a_bound_is_just_above_the_dot_product(case):
    design = make(**CASES[case])
    working = design.begin(design.arrays, np.random.default_rng(2).normal(size=40))
    for j in range(30):
        design.update(design.arrays, j, 0.1 * (-1) ** j, working)
    rough = design.coarsen(design.arrays, working)
    for j, squares in enumerate(design.arrays[-1]):
        dot = design.dot(design.arrays, j, working)
        above = design.bound(design.arrays, j, working, rough) - abs(dot)
        assert 0 < above < 1e-3 * np.sqrt(squares) * np.abs(working).max()


def test_the_bound_of_long_columns_does_not_overflow():
    """The largest codes and residuals, of more observations than are summed in 32 bits."""
    design = Genotypes(np.full((20_000, 1), 15, dtype=np.int8), np.zeros(1))
    working = design.begin(design.arrays, np.full(20_000, -3.0))
    rough = design.coarsen(design.arrays, working)
    assert design.bound(design.arrays, 0, working, rough) == pytest.approx(900_000, rel=1e-4)


def test_where_no_bound_is_known_it_is_infinite():
    """Codes of more copies, whose sums would need more bits, and other designs."""
    working = np.ones(42)
    for design in (make(copies=16), Dense(np.ones((42, 1)), np.zeros(1))):
        rough = design.coarsen(design.arrays, working)
        assert design.bound(design.arrays, 0, working, rough) == np.inf


def test_a_residual_of_zeros_has_a_bound():
    design, working = make(), np.zeros(42)
    rough = design.coarsen(design.arrays, working)
    assert 0 < design.bound(design.arrays, 0, working, rough) < 1e-290


class Exact(Genotypes):
    """A design that computes each dot product."""

    coarsen, bound = staticmethod(Design.coarsen), staticmethod(Design.bound)


@pytest.fixture(scope="module")
def kernels():
    return make_kernel(Genotypes), make_kernel(Exact)


def state(design, seed, n_components, signal):
    """Effects of 0 but two, and a residual with a signal of three features."""
    rng, (n, p) = np.random.default_rng(seed), design.shape
    residual = rng.normal(size=n) + signal * design.columns([1, 50, 99]).sum(axis=1)
    effects = np.where(np.isin(np.arange(p), [0, 80]), 0.3, 0.0)
    variances = np.tile(np.r_[0.0, 0.01, 1.0][:n_components], (p, 1))
    log_weights = np.tile(np.log([0.9, 0.08, 0.02][:n_components]), (p, 1))
    races, normals = rng.exponential(size=(p, n_components)), rng.normal(size=p)
    return SweepInputs(residual, effects, variances, log_weights, np.array(1.0), races, normals)


@pytest.mark.parametrize("n_components", [1, 2, 3])
@pytest.mark.parametrize("signal", [0.0, 0.2, 1.0])
def test_draws_are_those_of_all_dot_products(kernels, n_components, signal):
    """To the last bit, and those of the NumPy reference."""
    design, (kernel, exact) = make(n=60, p=100, missing=0.05), kernels
    for seed in range(20):
        given = state(design, seed, n_components, signal)
        drawn = kernel(*design.arrays, *given)
        for one, other in zip(drawn, exact(*design.arrays, *given), strict=True):
            np.testing.assert_array_equal(one, other)
        expected = Sweep("genotypes").reference(*design.arrays, *given)
        np.testing.assert_array_equal(drawn[1], expected[1])
        np.testing.assert_allclose(drawn[0], expected[0], rtol=1e-9, atol=1e-12)
    assert n_components == 1 or 0 < drawn[1].astype(bool).mean() < 0.5


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_residual_that_is_not_finite_is_seen(kernels, value):
    """Effects are NaN then, and not 0 by a comparison with NaN."""
    design = make(n=60, p=100)
    given = state(design, 1, 2, 0.0)
    given.residual[3] = value
    assert np.isnan(kernels[0](*design.arrays, *given)[0]).any()
