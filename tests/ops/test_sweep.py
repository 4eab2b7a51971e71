"""The sweep: the numba kernel against the NumPy reference, and the Op in both modes."""

import functools

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from blrzoo.designs.base import DESIGNS
from blrzoo.designs.dense import Dense
from blrzoo.designs.factorisation import Factorisation
from blrzoo.ops import sweep
from blrzoo.ops.joint import JointDraw
from blrzoo.ops.sweep import Sweep, block_conditional
from tests.ops.inputs import sweep_inputs

pytestmark = pytest.mark.engine

make_kernel = functools.cache(sweep.make_kernel)


SHAPES = [(30, 10, 1), (30, 10, 2), (10, 30, 4), (2, 1, 2), (5, 40, 3)]


@pytest.mark.parametrize(("n", "p", "k"), SHAPES)
@pytest.mark.parametrize("name", ["dense"])
@pytest.mark.parametrize("signal", [0.1, 30.0])
def test_kernel_equals_reference(name, n, p, k, signal):
    design, state = sweep_inputs(n, p, k, seed=n + p + k, signal=signal)
    expected = Sweep(name).reference(*design.arrays, *state)
    drawn = make_kernel(DESIGNS[name])(*design.arrays, *state)
    np.testing.assert_array_equal(drawn[1], expected[1])
    np.testing.assert_allclose(drawn[0], expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(drawn[2], expected[2], rtol=1e-12, atol=1e-10)


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_op_is_pure(mode):
    """Inputs stay as they are, and both modes of PyTensor give the reference's draw."""
    design, state = sweep_inputs(20, 6, 2, seed=3)
    inputs = [pt.tensor(dtype=np.asarray(s).dtype, shape=(None,) * np.ndim(s)) for s in state]
    outputs = Sweep("dense")(*design.shared(), *inputs)
    function = pytensor.function(inputs, outputs, mode=mode)
    before = [np.copy(s) for s in state]
    drawn = function(*state)
    for old, now in zip(before, state, strict=True):
        np.testing.assert_array_equal(old, now)
    for value, expected in zip(
        drawn, Sweep("dense").reference(*design.arrays, *state), strict=True
    ):
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)


def test_weight_of_zero_is_never_drawn():
    design, state = sweep_inputs(20, 50, 3, seed=4)
    state.log_weights[:, 1] = -np.inf
    _, labels, _ = make_kernel(Dense)(*design.arrays, *state)
    assert set(labels) == {0, 2}


def test_extreme_log_odds():
    """Signals far beyond the range of exp: the label is certain, and nothing overflows."""
    design, state = sweep_inputs(50, 3, 2, seed=5)
    state = state._replace(residual=1e4 * design.arrays[0][1], effects=np.zeros(3))
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        effects, labels, _ = Sweep("dense").reference(*design.arrays, *state)
    drawn = make_kernel(Dense)(*design.arrays, *state)
    assert labels[1] == drawn[1][1] == 1
    assert np.isfinite(effects).all()
    assert np.isfinite(drawn[0]).all()


def test_label_frequencies_follow_the_block_conditional():
    """Over fresh noise, labels have the probabilities of the formula."""
    design, state = sweep_inputs(8, 1, 3, seed=6)
    d = design.arrays[-1][0] / 0.7
    q = Dense.dot(design.arrays, 0, state.residual) / 0.7 + d * state.effects[0]
    log_p, _, _ = block_conditional(d, q, state.variances[0], state.log_weights[0])
    expected = np.exp(log_p)
    assert expected.min() > 0.01
    kernel, labels, size = make_kernel(Dense), [], 40_000
    for races in np.random.default_rng(1).exponential(size=(size, 1, 3)):
        labels.append(kernel(*design.arrays, *state._replace(races=races))[1][0])
    error = np.sqrt(expected * (1 - expected) / size)
    assert (np.abs(np.bincount(labels, minlength=3) / size - expected) < 4.5 * error).all()


def test_dense_fit_skips_zeros_but_not_effects():
    design, _ = sweep_inputs(7, 9, 1, seed=7)
    for zeros in (2, 8):
        effects = np.random.default_rng(1).normal(size=9)
        effects[:zeros] = 0.0
        np.testing.assert_allclose(design.fit(effects), effects @ design.arrays[0], atol=1e-13)


@pytest.mark.parametrize(("n", "p"), [(30, 6), (6, 30), (5, 5), (4, 1)])
def test_joint_kernel_equals_reference(n, p):
    """Numba against NumPy, and the fit that comes with a draw is X times its effects."""
    rng = np.random.default_rng(n + p)
    X = rng.normal(size=(n, p))
    X -= X.mean(axis=0)
    factorisation = Factorisation(X)
    values = [rng.normal(size=n), np.array(0.7), np.array(1.3), rng.normal(size=p)]
    inputs = [pt.tensor(dtype="float64", shape=(None,) * np.ndim(value)) for value in values]
    outputs = JointDraw()(*factorisation.shared(), *inputs)
    expected, drawn = (
        pytensor.function(inputs, outputs, mode=mode)(*values) for mode in ("FAST_COMPILE", "NUMBA")
    )
    for value, reference_value in zip(drawn, expected, strict=True):
        np.testing.assert_allclose(value, reference_value, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(drawn[1], X @ drawn[0], atol=1e-12)
    np.testing.assert_allclose(factorisation.fit(drawn[0]), drawn[1], atol=1e-12)


@pytest.mark.parametrize(("n", "p"), [(30, 6), (6, 30)])
def test_moments_of_the_joint_draw(n, p):
    """Mean and covariance against the textbook formula with an inverse."""
    X = np.random.default_rng(n).normal(size=(n, p))
    target, sigma2, tau2 = X[:, 0], 0.7, 1.3
    mean, covariance = Factorisation(X).moments(target, sigma2, tau2)
    expected = np.linalg.inv(X.T @ X / sigma2 + np.eye(p) / tau2)
    np.testing.assert_allclose(covariance, expected, atol=1e-10)
    np.testing.assert_allclose(mean, expected @ X.T @ target / sigma2, atol=1e-10)
