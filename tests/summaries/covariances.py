"""Matrices that are covariances, and matrices that are not."""

import numpy as np

NOT_COVARIANCES = {
    "negative": [[1.0, 2.0], [2.0, 1.0]],
    "singular": [[1.0, 1.0], [1.0, 1.0]],
    "asymmetric": [[2.0, 0.1], [0.2, 2.0]],
    "nan": [[1.0, np.nan], [np.nan, 1.0]],
    "infinite": [[np.inf, 0.0], [0.0, 1.0]],
    "zero": [[0.0, 0.0], [0.0, 1.0]],
}


def covariances(*shape, seed=1):
    """Random covariance matrices, well conditioned, exactly symmetric."""
    half = np.random.default_rng(seed).normal(size=(*shape[:-1], shape[-1] + 3))
    found = half @ np.swapaxes(half, -1, -2)
    return (found + np.swapaxes(found, -1, -2)) / 2
