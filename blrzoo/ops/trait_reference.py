"""The sweep over features of several traits in NumPy: easy to read, what the kernel must equal."""

from typing import Any

import numpy as np

from blrzoo.designs.base import Design
from blrzoo.ops.reference import begin_traits, end_traits

__all__ = ["block_conditional", "rotate", "sweep"]

#: Eigenvalues below this times the largest are zero: directions that the data do not see.
ROUNDING = 1e-14


def block_conditional(
    d: Any,
    q: np.ndarray,
    precision: np.ndarray,
    slabs: np.ndarray,
    projections: np.ndarray,
    log_weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Conditional of (label, alpha) of one feature, as in section 2 of the design.

    Parameters
    ----------
    d : float
        ``x'x``.
    q : ndarray, (trait,)
        ``Omega (R + x b')'x``.
    precision : ndarray, (trait, trait)
        Omega, the inverse of the residual covariance.
    slabs : ndarray, (component, trait, trait)
        Covariances of alpha in the components.
    projections : ndarray, (component, trait, trait)
        Matrices L: the effect is ``L alpha``, its covariance ``L slab L'``.
    log_weights : ndarray, (component,)
        Of the components.

    Returns
    -------
    log_probabilities : ndarray, (component,)
        Of the label, normalised.
    means, covariances : ndarray, (component, trait) and (component, trait, trait)
        Of alpha given the label.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.trait_reference import block_conditional
    >>> one = np.ones((1, 1))
    >>> slabs, projections = np.stack([one, one]), np.stack([0 * one, one])
    >>> logp, mean, cov = block_conditional(
    ...     4.0, np.array([2.0]), one, slabs, projections, np.log([0.5, 0.5])
    ... )
    >>> mean.ravel(), cov.ravel()
    (array([0. , 0.4]), array([1. , 0.2]))
    """
    eye = np.eye(q.size)
    logits, means, covariances = [], [], []
    for slab, projection, log_weight in zip(slabs, projections, log_weights, strict=True):
        information = d * projection.T @ precision @ projection
        covariance = slab @ np.linalg.inv(eye + information @ slab)
        linear = projection.T @ q
        logdet = np.linalg.slogdet(eye + information @ slab)[1]
        logits.append(log_weight - 0.5 * logdet + 0.5 * linear @ covariance @ linear)
        means.append(covariance @ linear)
        covariances.append(covariance)
    logs = np.array(logits)
    return logs - np.logaddexp.reduce(logs), np.array(means), np.array(covariances)


def rotate(
    slabs: np.ndarray, projections: np.ndarray, precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates in which a feature's alpha is independent; see `blrzoo.ops.traits.Rotate`."""
    factors = np.linalg.cholesky(slabs)
    loaded = projections @ factors
    values, vectors = np.linalg.eigh(np.swapaxes(loaded, -1, -2) @ precision @ loaded)
    values, vectors = values[..., ::-1], vectors[..., ::-1]
    values = np.where(values > ROUNDING * values[..., :1], values, 0.0)
    return factors @ vectors, loaded @ vectors, values


def sweep(
    design: type[Design],
    arrays: tuple[np.ndarray, ...],
    residual: np.ndarray,
    effects: np.ndarray,
    precision: np.ndarray,
    alphas: np.ndarray,
    betas: np.ndarray,
    values: np.ndarray,
    groups: np.ndarray,
    log_weights: np.ndarray,
    races: np.ndarray,
    normals: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw each feature's (label, alpha) in turn; see `blrzoo.ops.traits.TraitSweep`."""
    rows, effects = begin_traits(design, arrays, residual), effects.copy()
    slabs, labels = np.empty_like(effects), np.zeros(len(effects), dtype=np.int64)
    for j in range(len(effects)):
        d, g = arrays[-1][j], groups[j]
        dots = np.array([design.dot(arrays, j, row) for row in rows])
        q = precision @ (dots + d * effects[j])
        shrink = 1.0 + d * values[g]
        projected = np.where(values[g] > 0, np.einsum("kti,t->ki", betas[g], q), 0.0)
        scores = log_weights[j] + 0.5 * (projected**2 / shrink - np.log(shrink)).sum(axis=1)
        k = int(np.argmax(scores - np.log(races[j])))
        coordinates = projected[k] / shrink[k] + normals[j] / np.sqrt(shrink[k])
        effect = betas[g, k] @ coordinates
        for row, change in zip(rows, effects[j] - effect, strict=True):
            design.update(arrays, j, change, row)
        labels[j], slabs[j], effects[j] = k, alphas[g, k] @ coordinates, effect
    return slabs, effects, labels, end_traits(design, arrays, rows)
