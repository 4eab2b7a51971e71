"""Updates of two features at once: the conditional, and the numba kernel against NumPy."""

import functools

import numpy as np
import pytest

from blrzoo.designs.base import DESIGNS
from blrzoo.ops import pairs
from blrzoo.ops.pairs import PairInputs, Pairs, pair_conditional
from blrzoo.ops.sweep import block_conditional
from tests.ops.inputs import sweep_inputs

pytestmark = pytest.mark.engine

make_pair_kernel = functools.cache(pairs.make_pair_kernel)


def pair_inputs(n, p, k, seed, signal=1.0, correlation=0.9, moves=40):
    """A state in the middle of nowhere, of which all pairs of features may be drawn."""
    design, state = sweep_inputs(n, p, k, seed, signal)
    rng = np.random.default_rng(seed)
    for j in range(1, p):
        design.arrays[0][j] *= np.sqrt(1 - correlation**2)
        design.arrays[0][j] += correlation * design.arrays[0][j - 1]
    design.arrays[-1][:] = (design.arrays[0] ** 2).sum(axis=1)
    first, second = np.triu_indices(p, 1)
    cross = (design.arrays[0] @ design.arrays[0].T)[first, second]
    given = state._asdict() | {
        "labels": (state.effects != 0).astype(np.int64) * (k - 1),
        "first": first,
        "second": second,
        "cross": cross,
        "chosen": rng.integers(len(first), size=moves),
        "races": rng.exponential(size=(moves, k * k)),
        "normals": rng.normal(size=(moves, 2)),
    }
    return design, PairInputs(**given)


@pytest.mark.parametrize("signal", [0.1, 30.0])
@pytest.mark.parametrize("shape", [(30, 10, 1), (30, 10, 2), (10, 12, 4), (4, 2, 3)], ids=str)
def test_kernel_equals_reference(shape, signal):
    design, state = pair_inputs(*shape, seed=sum(shape), signal=signal)
    before = [np.copy(value) for value in state]
    expected = Pairs("dense").reference(*design.arrays, *state)
    drawn = make_pair_kernel(DESIGNS["dense"])(*design.arrays, *state)
    np.testing.assert_array_equal(drawn[1], expected[1])
    np.testing.assert_allclose(drawn[0], expected[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(drawn[2], expected[2], rtol=1e-10, atol=1e-9)
    for old, now in zip(before, state, strict=True):
        np.testing.assert_array_equal(old, now)


def test_residual_follows_the_effects():
    design, state = pair_inputs(20, 8, 2, seed=3)
    effects, _, residual = Pairs("dense").reference(*design.arrays, *state)
    assert (effects != state.effects).any()
    change = design.fit(effects) - design.fit(state.effects)
    np.testing.assert_allclose(residual, state.residual - change, atol=1e-12)


def matrices(correlation, scale):
    information = scale * np.array([[1.3, 0.0], [0.0, 0.8]])
    information[[0, 1], [1, 0]] = correlation * scale * np.sqrt(1.3 * 0.8)
    variances = np.array([[0.0, 0.5, 2.0], [0.0, 0.1, 1.0]])
    log_weights = np.log([[0.5, 0.3, 0.2], [0.9, 0.06, 0.04]])
    return information, np.array([1.0, -0.7]) * scale, variances, log_weights


@pytest.mark.parametrize("scale", [1.0, 1e3])
@pytest.mark.parametrize("correlation", [0.0, 0.6, -0.99])
def test_conditional_is_that_of_the_matrix_formulas(correlation, scale):
    """Textbook: log|I + DV|, q'V (I + DV)^-1 q and V (I + DV)^-1, with matrices."""
    information, q, variances, log_weights = matrices(correlation, scale)
    log_p, means, covariances = pair_conditional(information, q, variances, log_weights)
    expected = np.empty((3, 3))
    for a in range(3):
        for b in range(3):
            V = np.diag([variances[0, a], variances[1, b]])
            C = V @ np.linalg.inv(np.eye(2) + information @ V)
            _, log_determinant = np.linalg.slogdet(np.eye(2) + information @ V)
            expected[a, b] = log_weights[0, a] + log_weights[1, b]
            expected[a, b] += 0.5 * (q @ C @ q - log_determinant)
            np.testing.assert_allclose(means[a, b], C @ q, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(covariances[a, b], C, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(log_p - log_p[0, 0], expected - expected[0, 0], rtol=1e-9)
    assert np.exp(log_p).sum() == pytest.approx(1.0)


def test_of_uncorrelated_features_it_is_that_of_each():
    information, q, variances, log_weights = matrices(0.0, 1.0)
    log_p, means, _ = pair_conditional(information, q, variances, log_weights)
    one, other = (
        block_conditional(information[i, i], q[i], variances[i], log_weights[i]) for i in (0, 1)
    )
    np.testing.assert_allclose(log_p, one[0][:, None] + other[0], atol=1e-12)
    np.testing.assert_allclose(means[..., 0], np.repeat(one[1][:, None], 3, axis=1))


@pytest.mark.parametrize("kernel", [True, False], ids=["numba", "numpy"])
def test_copies_of_a_feature_and_strong_signals(kernel):
    """A determinant that rounding makes negative, and log odds of thousands."""
    design, state = pair_inputs(50, 2, 2, seed=5, signal=1e4, moves=200)
    design.arrays[0][1] = design.arrays[0][0]
    design.arrays[-1][1] = design.arrays[-1][0]
    state = state._replace(cross=design.arrays[-1][:1] * (1 + 1e-15))
    update = make_pair_kernel(DESIGNS["dense"]) if kernel else Pairs("dense").reference
    effects, labels, residual = update(*design.arrays, *state)
    assert np.isfinite(effects).all()
    assert np.isfinite(residual).all()
    assert labels.max() == 1


def test_weight_of_zero_is_never_drawn():
    design, state = pair_inputs(20, 10, 3, seed=4, moves=300)
    state.log_weights[:, 1] = -np.inf
    _, labels, _ = make_pair_kernel(DESIGNS["dense"])(*design.arrays, *state)
    assert set(labels) == {0, 2}


def test_draws_follow_the_conditional():
    """Over fresh noise, labels have the probabilities, and effects the moments, of the formulas."""
    design, state = pair_inputs(12, 2, 2, seed=6, moves=1)
    xx, X = design.arrays[-1], design.arrays[0]
    information = np.diag(xx) / 0.7
    information[[0, 1], [1, 0]] = state.cross[0] / 0.7
    q = X @ state.residual / 0.7 + information @ state.effects
    log_p, means, covariances = pair_conditional(information, q, state.variances, state.log_weights)
    kernel, rng, size = make_pair_kernel(DESIGNS["dense"]), np.random.default_rng(1), 40_000
    labels, effects = np.empty((size, 2), dtype=int), np.empty((size, 2))
    for i in range(size):
        noise = {"races": rng.exponential(size=(1, 4)), "normals": rng.normal(size=(1, 2))}
        effects[i], labels[i], _ = kernel(*design.arrays, *state._replace(**noise))
    expected = np.exp(log_p)
    counts = np.histogram2d(*labels.T, bins=[[-0.5, 0.5, 1.5]] * 2)[0] / size
    error = np.sqrt(expected * (1 - expected) / size) + 1e-9
    assert (np.abs(counts - expected) < 4.5 * error).all()
    both = effects[(labels == 1).all(axis=1)]
    assert len(both) > 1000
    spread = np.sqrt(np.diagonal(covariances[1, 1]))
    assert (np.abs(both.mean(axis=0) - means[1, 1]) < 4.5 * spread / np.sqrt(len(both))).all()
    np.testing.assert_allclose(np.cov(both.T), covariances[1, 1], rtol=0.2)
