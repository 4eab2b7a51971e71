"""States for the sweeps, in which everything differs between features and components."""

import itertools

import numpy as np

from blrzoo.designs.dense import Dense
from blrzoo.ops.sweep import SweepInputs
from blrzoo.ops.traits import TraitInputs, rotate


def sweep_inputs(n, p, k, seed, signal=1.0):
    """A state in the middle of nowhere: everything differs between features and components."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + rng.normal(size=p)
    design = Dense(X, X.mean(axis=0))
    effects = rng.normal(size=p) * (rng.uniform(size=p) < 0.5)
    variances = rng.gamma(1.0, size=(p, k))
    variances[:, 0] = 0.0 if k > 1 else variances[:, 0]
    log_weights = np.log(rng.dirichlet(np.ones(k), size=p))
    working = signal * rng.normal(size=n)
    noise = [rng.exponential(size=(p, k)), rng.normal(size=p)]
    state = working, effects, variances, log_weights, np.array(0.7), *noise
    return design, SweepInputs(*state)


def trait_state(n, p, T, n_groups, seed, signal=1.0):
    """A state in the middle of nowhere, with all patterns of traits as components."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + rng.normal(size=p)
    design = Dense(X, X.mean(axis=0))
    patterns = np.array(list(itertools.product([0, 1], repeat=T)))
    K = len(patterns)
    state = {
        "residual": signal * rng.normal(size=(n, T)),
        "effects": rng.normal(size=(p, T)) * (rng.uniform(size=(p, 1)) < 0.5),
        "precision": _covariances(rng, (), T),
        "slabs": _covariances(rng, (n_groups, K), T),
        "projections": patterns[:, :, None] * np.eye(T),
        "groups": rng.integers(n_groups, size=p),
        "log_weights": np.log(rng.dirichlet(np.ones(K), size=p)),
        "races": rng.exponential(size=(p, K)),
        "normals": rng.normal(size=(p, T)),
    }
    return design, state


def trait_inputs(state, rotation):
    given = {name: state[name] for name in TraitInputs._fields if name in state}
    return TraitInputs(**given, **dict(zip(("alphas", "betas", "values"), rotation, strict=True)))


def rotation_of(state, function=rotate):
    return function(state["slabs"], state["projections"], state["precision"])


def indicator_state(n, p, T, seed, signal=1.0):
    """A state in the middle of nowhere, by the names of the Op's inputs."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + rng.normal(size=p)
    indicators = rng.integers(2, size=(p, T))
    state = {
        "residual": signal * rng.normal(size=(n, T)),
        "effects": rng.normal(size=(p, T)) * indicators,
        "precision": _covariances(rng, (), T),
        "covariance": _covariances(rng, (), T),
        "pseudo": _covariances(rng, (), T),
        "log_odds": rng.normal(size=(p, T)),
        "indicators": indicators,
        "logistics": rng.logistic(size=(p, T)),
        "normals": rng.normal(size=(p, T)),
    }
    return Dense(X, X.mean(axis=0)), state


def _covariances(rng, shape, T):
    root = rng.normal(size=(*shape, T, T + 2))
    return root @ np.swapaxes(root, -1, -2) / T
