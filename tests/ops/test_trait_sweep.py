"""The sweep of several traits: rotation, numba kernel against NumPy, block conditionals."""

import functools

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from blrzoo.designs.base import DESIGNS
from blrzoo.designs.dense import Dense
from blrzoo.ops import traits
from blrzoo.ops.sweep import Sweep
from blrzoo.ops.traits import Rotate, TraitSweep, rotate, trait_conditional
from tests.builders import covariances
from tests.ops.inputs import rotation_of, trait_inputs, trait_state

pytestmark = pytest.mark.engine

make_trait_kernel = functools.cache(traits.make_trait_kernel)

SHAPES = [(30, 10, 1, 1), (30, 10, 2, 2), (10, 30, 3, 1), (2, 1, 2, 1), (8, 20, 4, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("function", [rotate, Rotate().reference], ids=["numba", "numpy"])
def test_rotation_makes_prior_and_likelihood_diagonal(shape, function):
    """F U (F U)' = A, (P F U)' Omega (P F U) = diag(lambda), and beta is P alpha."""
    _, state = trait_state(*shape, seed=1)
    alphas, betas, values = rotation_of(state, function)
    swapped = np.swapaxes(alphas, -1, -2)
    np.testing.assert_allclose(alphas @ swapped, state["slabs"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(state["projections"] @ alphas, betas, atol=1e-12)
    diagonal = np.swapaxes(betas, -1, -2) @ state["precision"] @ betas
    np.testing.assert_allclose(diagonal, values[..., None] * np.eye(shape[2]), atol=1e-10)
    rank = (values > 0).sum(axis=-1)
    np.testing.assert_array_equal(rank, np.broadcast_to(_active(state), rank.shape))
    assert (betas[:, 0] == 0).all()  # the null's effects are exactly zero


def _active(state):
    return state["projections"].any(axis=-1).sum(axis=-1)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", ["dense"])
@pytest.mark.parametrize("signal", [0.1, 30.0])
def test_kernel_equals_reference(name, shape, signal):
    design, state = trait_state(*shape, seed=sum(shape), signal=signal)
    inputs = trait_inputs(state, rotation_of(state))
    expected = TraitSweep(name).reference(*design.arrays, *inputs)
    drawn = make_trait_kernel(DESIGNS[name])(*design.arrays, *inputs)
    np.testing.assert_array_equal(drawn[2], expected[2])
    for i in (0, 1, 3):
        np.testing.assert_allclose(drawn[i], expected[i], rtol=1e-12, atol=1e-10)


def test_effects_outside_the_pattern_are_exactly_zero():
    design, state = trait_state(20, 40, 3, 2, seed=5)
    inputs = trait_inputs(state, rotation_of(state))
    alpha, beta, labels, _ = make_trait_kernel(Dense)(*design.arrays, *inputs)
    patterns = state["projections"][labels].diagonal(axis1=1, axis2=2)
    np.testing.assert_array_equal(beta != 0, patterns == 1)
    np.testing.assert_allclose(beta, alpha * patterns, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kernel", [True, False], ids=["numba", "numpy"])
@pytest.mark.parametrize("tiny", [1e-12, 1e-15, 1e-18])
def test_directions_that_rounding_hides(tiny, kernel):
    """Their effects are those of the working state too: it must not drift away from X beta."""
    design, state = trait_state(20, 6, 2, 1, seed=8)
    state["slabs"][:], state["precision"] = np.diag([0.5, tiny]), np.eye(2)
    rotation = rotation_of(state, rotate if kernel else Rotate().reference)
    inputs = trait_inputs(state, rotation)
    sweep = make_trait_kernel(Dense) if kernel else TraitSweep("dense").reference
    alpha, beta, labels, residual = sweep(*design.arrays, *inputs)
    patterns = state["projections"][labels].diagonal(axis1=1, axis2=2)
    np.testing.assert_allclose(beta, alpha * patterns, rtol=1e-7, atol=0)
    fit = design.arrays[0].T @ (beta - state["effects"])
    np.testing.assert_allclose(state["residual"] - residual, fit, rtol=0, atol=1e-13)


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_ops_are_pure(mode):
    """Inputs stay as they are, and both modes of PyTensor give the reference's draw."""
    design, state = trait_state(20, 6, 1, 2, seed=3)
    symbols = [pt.as_tensor(value).type() for value in state.values()]
    by_name = dict(zip(state, symbols, strict=True))
    rotation = Rotate()(by_name["slabs"], by_name["projections"], by_name["precision"])
    outputs = TraitSweep("dense")(*design.shared(), *trait_inputs(by_name, rotation))
    function = pytensor.function(symbols, outputs, mode=mode)
    before = {name: np.copy(value) for name, value in state.items()}
    drawn = function(*state.values())
    for name, old in before.items():
        np.testing.assert_array_equal(old, state[name], err_msg=name)
    inputs = trait_inputs(state, rotation_of(state, Rotate().reference))
    expected = TraitSweep("dense").reference(*design.arrays, *inputs)
    np.testing.assert_array_equal(drawn[2], expected[2])
    # An eigenvector's sign is free, so a draw may be the mirror image of the other.
    assert np.isfinite(np.hstack([np.ravel(value) for value in drawn])).all()


def test_one_trait_is_the_single_trait_sweep():
    """With T = 1, the same labels and effects as the reference of one trait."""
    design, state = trait_state(30, 12, 1, 1, seed=9)
    alphas, betas, values = rotation_of(state)
    inputs = trait_inputs(state, (np.abs(alphas), np.abs(betas), values))
    _, beta, labels, working = make_trait_kernel(Dense)(*design.arrays, *inputs)
    variances = np.array([0.0, state["slabs"][0, 1, 0, 0]])
    single = Sweep("dense").reference(
        *design.arrays,
        state["residual"][:, 0],
        state["effects"][:, 0],
        np.broadcast_to(variances, (12, 2)),
        state["log_weights"],
        1 / state["precision"][0, 0],
        state["races"],
        state["normals"][:, 0],
    )
    np.testing.assert_array_equal(labels, single[1])
    np.testing.assert_allclose(beta[:, 0], single[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(working[:, 0], single[2], rtol=1e-10, atol=1e-10)


def test_draws_follow_the_block_conditional():
    """Over fresh noise: label frequencies, and mean and covariance of alpha given the label."""
    design, state = trait_state(6, 1, 2, 1, seed=21)
    kernel, size, rng = make_trait_kernel(Dense), 40_000, np.random.default_rng(2)
    d = design.arrays[-1][0]
    dots = design.arrays[0][0] @ state["residual"]
    q = state["precision"] @ (dots + d * state["effects"][0])
    log_p, means, covs = trait_conditional(
        d, q, state["precision"], state["slabs"][0], state["projections"], state["log_weights"][0]
    )
    rotation, labels, alphas = rotation_of(state), [], []
    for _ in range(size):
        state["races"], state["normals"] = rng.exponential(size=(1, 4)), rng.normal(size=(1, 2))
        alpha, _, label, _ = kernel(*design.arrays, *trait_inputs(state, rotation))
        labels.append(label[0])
        alphas.append(alpha[0])
    labels, alphas, p = np.array(labels), np.array(alphas), np.exp(log_p)
    assert p.max() < 0.99
    error = np.sqrt(p * (1 - p) / size)
    assert (np.abs(np.bincount(labels, minlength=4) / size - p) <= 4.5 * error + 1e-12).all()
    for k in np.flatnonzero(p > 0.02):
        drawn = alphas[labels == k]
        m = len(drawn)
        sd = np.sqrt(np.diag(covs[k]))
        assert (np.abs(drawn.mean(axis=0) - means[k]) < 4.5 * sd / np.sqrt(m)).all()
        products = (drawn - means[k])[:, :, None] * (drawn - means[k])[:, None, :]
        spread = products.std(axis=0) / np.sqrt(m)
        assert (np.abs(products.mean(axis=0) - covs[k]) < 4.5 * spread).all()


def test_block_conditional_takes_singular_covariances():
    """A component with rank one: the formula of the design, C = V (I + D V)^-1."""
    rng = np.random.default_rng(4)
    precision, q, d = covariances(2, 2), rng.normal(size=2), 3.0
    direction = np.array([[1.0, 0.5]])
    V = direction.T @ direction
    P = V / np.trace(V)
    slab = V + (np.eye(2) - P)
    log_p, means, covs = trait_conditional(
        d, q, precision, np.stack([np.eye(2), slab]), np.stack([0 * P, P]), np.log([0.5, 0.5])
    )
    D = d * precision
    C = V @ np.linalg.inv(np.eye(2) + D @ V)
    odds = -0.5 * np.log(np.linalg.det(np.eye(2) + D @ V)) + 0.5 * q @ C @ q
    np.testing.assert_allclose(log_p[1] - log_p[0], odds, rtol=1e-12)
    np.testing.assert_allclose(P @ means[1], C @ q, rtol=1e-12)
    np.testing.assert_allclose(P @ covs[1] @ P, C, rtol=1e-10, atol=1e-14)
