"""The sweep in NumPy: what the numba kernel must agree with, and easy to read."""

from typing import Any

import numpy as np

from blrzoo.designs.base import Design

__all__ = ["begin_traits", "block_conditional", "end_traits", "sweep"]


def block_conditional(
    d: Any, q: Any, variances: np.ndarray, log_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Conditional of (label, effect) of one feature, as in section 2 of the design.

    Parameters
    ----------
    d, q : float
        ``x'x / sigma2`` and ``x'(r + x beta) / sigma2``.
    variances, log_weights : ndarray, (component,)
        Of the mixture's components; a variance of 0 is a point mass at zero.

    Returns
    -------
    log_probabilities, means, conditional_variances : ndarray, (component,)
        Of the label (normalised), and of the effect given the label.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.reference import block_conditional
    >>> logp, mean, var = block_conditional(4.0, 2.0, np.array([0.0, 1.0]), np.log([0.5, 0.5]))
    >>> mean, var
    (array([0. , 0.4]), array([0. , 0.2]))
    """
    shrink = 1.0 + variances * d
    means = variances * q / shrink
    logits = log_weights - 0.5 * np.log(shrink) + 0.5 * q * means
    return logits - np.logaddexp.reduce(logits), means, variances / shrink


def sweep(
    design: type[Design],
    arrays: tuple[np.ndarray, ...],
    residual: np.ndarray,
    effects: np.ndarray,
    variances: np.ndarray,
    log_weights: np.ndarray,
    sigma2: Any,
    races: np.ndarray,
    normals: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw each feature's (label, effect) in turn; see `blrzoo.ops.sweep.Sweep`."""
    working, effects = design.begin(arrays, residual), effects.copy()
    labels = np.zeros(effects.shape, dtype=np.int64)
    for j in range(effects.size):
        d = arrays[-1][j] / sigma2
        q = design.dot(arrays, j, working) / sigma2 + d * effects[j]
        log_p, means, spread = block_conditional(d, q, variances[j], log_weights[j])
        k = int(np.argmax(log_p - np.log(races[j])))
        effect = means[k] + np.sqrt(spread[k]) * normals[j]
        design.update(arrays, j, effects[j] - effect, working)
        labels[j], effects[j] = k, effect
    return effects, labels, design.end(arrays, working)


def begin_traits(design: type[Design], arrays: Any, residual: np.ndarray) -> np.ndarray:
    """Working vectors of the design as rows, (trait, any), from the residual, (obs, trait)."""
    return np.array([design.begin(arrays, column) for column in residual.T])


def end_traits(design: type[Design], arrays: Any, rows: np.ndarray) -> np.ndarray:
    """Residual, (obs, trait), from the working vectors of the traits."""
    return np.stack([design.end(arrays, row) for row in rows], axis=1)
