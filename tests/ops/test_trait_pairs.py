"""Updates of two features at once, for several traits: the conditional, and numba against NumPy."""

import functools

import numpy as np
import pytest

from blrzoo.designs.base import DESIGNS
from blrzoo.ops import trait_pairs
from blrzoo.ops.pairs import pair_conditional
from blrzoo.ops.trait_pairs import TraitPairInputs, TraitPairs, states, trait_pair_conditional
from blrzoo.ops.traits import trait_conditional
from tests.ops.inputs import rotation_of, trait_state

pytestmark = pytest.mark.engine

make_trait_pair_kernel = functools.cache(trait_pairs.make_trait_pair_kernel)


def pair_inputs(n, p, T, n_groups, seed, signal=1.0, moves=30):
    """A state in the middle of nowhere, of which all pairs of features may be drawn."""
    design, state = trait_state(n, p, T, n_groups, seed, signal)
    rng, K = np.random.default_rng(seed), state["log_weights"].shape[1]
    for j in range(1, p):
        design.arrays[0][j] = 0.9 * design.arrays[0][j - 1] + 0.4 * design.arrays[0][j]
    design.arrays[-1][:] = (design.arrays[0] ** 2).sum(axis=1)
    labels = rng.integers(K, size=p)
    slabs = rng.normal(size=(p, T))
    first, second = np.triu_indices(p, 1)
    given = state | {
        "slabs": slabs,
        "effects": np.einsum("jtu,ju->jt", state["projections"][labels], slabs),
        "labels": labels,
        "first": first,
        "second": second,
        "cross": (design.arrays[0] @ design.arrays[0].T)[first, second],
        "chosen": rng.integers(len(first), size=moves),
        "races": rng.exponential(size=(moves, max(K * K, 2))),
        "normals": rng.normal(size=(moves, 2, T)),
        **dict(zip(("alphas", "betas", "values"), rotation_of(state), strict=True)),
    }
    inputs = TraitPairInputs(**{name: given[name] for name in TraitPairInputs._fields})
    return design, state, inputs


#: n, p, traits, groups; 16 patterns of four traits are more than are all looked at.
SHAPES = [(30, 10, 1, 1), (30, 10, 2, 2), (10, 12, 3, 1), (4, 2, 2, 1), (8, 10, 4, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("signal", [0.1, pytest.param(30.0, marks=pytest.mark.slow)])
def test_kernel_equals_reference(shape, signal):
    design, _, inputs = pair_inputs(*shape, seed=sum(shape), signal=signal)
    before = [np.copy(value) for value in inputs]
    expected = TraitPairs("dense").reference(*design.arrays, *inputs)
    drawn = make_trait_pair_kernel(DESIGNS["dense"])(*design.arrays, *inputs)
    np.testing.assert_array_equal(drawn[2], expected[2])
    for i in (0, 1, 3):
        np.testing.assert_allclose(drawn[i], expected[i], rtol=1e-9, atol=1e-9)
    for old, now in zip(before, inputs, strict=True):
        np.testing.assert_array_equal(old, now)


def test_residual_follows_the_effects():
    design, state, inputs = pair_inputs(20, 8, 2, 2, seed=3)
    alpha, beta, labels, residual = TraitPairs("dense").reference(*design.arrays, *inputs)
    change = design.fit(beta) - design.fit(inputs.effects)
    np.testing.assert_allclose(residual, inputs.residual - change, atol=1e-12)
    expected = np.einsum("jtu,ju->jt", state["projections"][labels], alpha)
    np.testing.assert_allclose(beta, expected, atol=1e-12)


def test_of_many_components_two_features_may_only_swap_theirs():
    assert states((3, 1), 8) == [(a, b) for a in range(8) for b in range(8)]
    assert states((3, 1), 9) == [(3, 1), (1, 3)]
    assert states((4, 4), 9) == [(4, 4)]
    design, _, inputs = pair_inputs(8, 10, 4, 3, seed=2, moves=200)
    _, _, labels, _ = make_trait_pair_kernel(DESIGNS["dense"])(*design.arrays, *inputs)
    assert sorted(labels) == sorted(inputs.labels)
    assert (labels != inputs.labels).any()


def conditional(products, T=2):
    _, state = trait_state(8, 2, T, 1, seed=5)
    rng = np.random.default_rng(1)
    slabs = np.stack([state["slabs"][0], 1.5 * state["slabs"][0]])
    q = rng.normal(size=(2, T))
    given = q, state["precision"], slabs, state["projections"], state["log_weights"]
    return trait_pair_conditional(products, *given), given


def test_of_uncorrelated_features_it_is_that_of_each():
    (log_p, means, covariances), (q, precision, slabs, projections, log_weights) = conditional(
        np.diag([3.0, 5.0])
    )
    (one, first, spread), (other, *_) = (
        trait_conditional(d, q[i], precision, slabs[i], projections, log_weights[i])
        for i, d in enumerate((3.0, 5.0))
    )
    np.testing.assert_allclose(log_p, one[:, None] + other, atol=1e-12)
    np.testing.assert_allclose(means[:, 2, :2], first, atol=1e-12)
    np.testing.assert_allclose(covariances[:, 2, :2, :2], spread, atol=1e-12)


def test_of_one_trait_it_is_that_of_one_trait():
    products = np.array([[3.0, 2.5], [2.5, 4.0]])
    (log_p, means, _), (q, precision, slabs, projections, log_weights) = conditional(products, T=1)
    variances = slabs[:, :, 0, 0] * projections[:, 0, 0] ** 2
    expected = pair_conditional(products * precision[0, 0], q[:, 0], variances, log_weights)
    np.testing.assert_allclose(log_p, expected[0], atol=1e-12)
    np.testing.assert_allclose(means[1, 1], expected[1][1, 1])  # of alpha, which is beta there


def test_draws_follow_the_conditional():
    """Over fresh noise, labels have the probabilities, and alphas the moments, of the formulas."""
    design, state, inputs = pair_inputs(12, 2, 2, 1, seed=6, moves=1)
    products = design.arrays[0] @ design.arrays[0].T
    q = (design.arrays[0] @ inputs.residual + products @ inputs.effects) @ inputs.precision
    slabs = state["slabs"][inputs.groups]
    log_p, means, covariances = trait_pair_conditional(
        products, q, inputs.precision, slabs, state["projections"], inputs.log_weights
    )
    kernel, rng, size = make_trait_pair_kernel(DESIGNS["dense"]), np.random.default_rng(1), 40_000
    labels, alphas = np.empty((size, 2), dtype=int), np.empty((size, 4))
    for i in range(size):
        noise = {"races": rng.exponential(size=(1, 16)), "normals": rng.normal(size=(1, 2, 2))}
        alpha, _, labels[i], _ = kernel(*design.arrays, *inputs._replace(**noise))
        alphas[i] = alpha.ravel()
    expected = np.exp(log_p)
    counts = np.bincount(4 * labels[:, 0] + labels[:, 1], minlength=16).reshape(4, 4) / size
    error = np.sqrt(expected * (1 - expected) / size) + 1e-9
    assert (np.abs(counts - expected) < 4.5 * error).all()
    a, b = np.unravel_index(np.argmax(expected), expected.shape)
    some = alphas[(labels == (a, b)).all(axis=1)]
    spread = np.sqrt(np.diagonal(covariances[a, b]))
    assert (np.abs(some.mean(axis=0) - means[a, b]) < 4.5 * spread / np.sqrt(len(some))).all()
    np.testing.assert_allclose(some.std(axis=0), spread, rtol=0.1)
