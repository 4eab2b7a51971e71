"""Chains whose mixing is known, and fits of them."""

import numpy as np

CHAINS, DRAWS, P = 4, 1000, 6


def switching(enter, leave, shape, seed):
    """Stationary chains (chain, draw, replicate) with P(0 -> 1) = enter and P(1 -> 0) = leave."""
    rng = np.random.default_rng(seed)
    z = np.empty(shape, dtype=bool)
    z[:, 0] = rng.random((shape[0], *shape[2:])) < enter / (enter + leave)
    for t in range(1, shape[1]):
        u = rng.random((shape[0], *shape[2:]))
        z[:, t] = np.where(z[:, t - 1], u >= leave, u < enter)
    return z.astype(int)


def two_state(pip, shape, seed, stay=0.5):
    """Stationary 0/1 chains (chain, draw, ...) with autocorrelation `stay`."""
    rng = np.random.default_rng(seed)
    fresh = (rng.random(shape) < pip).astype(int)
    z = fresh.copy()
    for t in range(1, shape[1]):
        kept = rng.random(z[:, t].shape) < stay
        z[:, t] = np.where(kept, z[:, t - 1], fresh[:, t])
    return z


def parts(traits=None, chains=CHAINS, draws=DRAWS, seed=1):
    """Make the arrays of a fit without a fault: indicators, effects, hyperparameters."""
    rng = np.random.default_rng(seed)
    pip = np.array([1.0, 0.7, 0.3, 0.05, 0.02, 0.0])
    shape = (chains, draws, P)
    if traits:
        pip, shape = pip[:, None], (*shape, traits)
    delta = two_state(pip, shape, seed)
    return {
        "delta": delta,
        "beta": delta * rng.normal(1.0, 0.2, size=shape),
        "sigma2": rng.gamma(20.0, size=(chains, draws)),
        "mu": rng.normal(size=(chains, draws, traits) if traits else (chains, draws)),
    }


def faults(verdict):
    return [finding for finding in verdict.findings if finding.level != "good"]
