"""The sweep with an indicator for each trait in NumPy: easy to read, what the kernel must equal."""

from typing import Any

import numpy as np

from blrzoo.designs.base import Design
from blrzoo.ops.reference import begin_traits, end_traits

__all__ = ["pattern_conditional", "sweep"]


def pattern_conditional(
    d: Any,
    q: np.ndarray,
    precision: np.ndarray,
    covariance: np.ndarray,
    pseudo: np.ndarray,
    on: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Conditional of alpha of one feature given which traits it affects, and their evidence.

    Parameters
    ----------
    d : float
        ``x'x``.
    q : ndarray, (trait,)
        ``Omega (R + x b')'x``.
    precision : ndarray, (trait, trait)
        Omega, the inverse of the residual covariance.
    covariance, pseudo : ndarray, (trait, trait)
        Prior covariance of alpha where any trait is affected, and where none is.
    on : ndarray of bool, (trait,)
        The affected traits.

    Returns
    -------
    log_evidence : float
        Logarithm of the marginal likelihood, relative to that of no affected trait.
    mean : ndarray, (trait,)
        Of alpha.
    root : ndarray, (trait, trait)
        ``root root'`` is the covariance of alpha.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.indicator_reference import pattern_conditional
    >>> one = np.ones((1, 1))
    >>> evidence, mean, root = pattern_conditional(
    ...     4.0, np.array([2.0]), one, one, one, np.array([True])
    ... )
    >>> round(evidence, 3), mean, root.round(3)
    (-0.405, array([0.4]), array([[0.447]]))
    """
    if not on.any():
        return 0.0, np.zeros(q.size), np.linalg.cholesky(pseudo)
    # The affected traits first: alpha = factor u, and the data see u of the affected ones only.
    order = np.argsort(~on, kind="stable")
    factor = np.empty_like(covariance)
    factor[order] = np.linalg.cholesky(covariance[np.ix_(order, order)])
    loaded = on[:, None] * factor
    information = np.eye(q.size) + d * loaded.T @ precision @ loaded
    linear = loaded.T @ q
    mean = np.linalg.solve(information, linear)
    log_evidence = 0.5 * (linear @ mean - np.linalg.slogdet(information)[1])
    half = np.linalg.cholesky(information)
    return float(log_evidence), factor @ mean, factor @ np.linalg.inv(half).T


def sweep(
    design: type[Design],
    arrays: tuple[np.ndarray, ...],
    residual: np.ndarray,
    effects: np.ndarray,
    precision: np.ndarray,
    covariance: np.ndarray,
    pseudo: np.ndarray,
    log_odds: np.ndarray,
    indicators: np.ndarray,
    logistics: np.ndarray,
    normals: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw each feature's (indicators, alpha) in turn; see `blrzoo.ops.indicators`."""
    rows, effects = begin_traits(design, arrays, residual), effects.copy()
    slabs, active = np.empty_like(effects), indicators > 0
    for j, on in enumerate(active):
        d = arrays[-1][j]
        dots = np.array([design.dot(arrays, j, row) for row in rows])
        given = d, precision @ (dots + d * effects[j]), precision, covariance, pseudo
        for t in range(len(on)):
            here = np.arange(len(on)) == t
            off, both = (pattern_conditional(*given, s)[0] for s in (on & ~here, on | here))
            on[t] = log_odds[j, t] + both - off + logistics[j, t] > 0
        _, mean, root = pattern_conditional(*given, on)
        slabs[j] = mean + root @ normals[j]
        effect = np.where(on, slabs[j], 0.0)
        for row, change in zip(rows, effects[j] - effect, strict=True):
            design.update(arrays, j, change, row)
        effects[j] = effect
    return slabs, effects, active.astype(np.int64), end_traits(design, arrays, rows)
