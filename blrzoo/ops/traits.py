"""The sweep of several traits, and the rotation that it uses: the Ops and their kernels."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from pytensor.graph.basic import Apply

from blrzoo.designs.base import Design
from blrzoo.ops.base import ReferenceOp, Shape, SweepOp, begin_traits, end_traits
from blrzoo.ops.numba import checked, operations, register, register_by_design, trait_operations

__all__ = [
    "Rotate",
    "TraitInputs",
    "TraitSweep",
    "make_trait_kernel",
    "rotate",
    "trait_conditional",
]

#: Eigenvalues below this times the largest count as 0: the likelihood does not depend on them.
ROUNDING = 1e-14


class Rotate(ReferenceOp):
    r"""Coordinates in which the prior and the likelihood of a feature's effects are independent.

    In a component with ``alpha ~ N(0, A)`` and effects ``b = L alpha``, let F F' = A, and U and
    :math:`\lambda` the eigenvectors and eigenvalues of :math:`(LF)'\Omega LF`. Then for every
    feature, whatever its x'x, ``alpha = F U w`` with independent elements of w: their conditional
    variances are :math:`1 / (1 + x'x \lambda_i)`. So nothing is factorised per feature, and no
    covariance of effects is inverted: ``L A L'`` may be singular.

    Inputs

    - slabs : (group, component, trait, trait) covariances A of alpha
    - projections : (component, trait, trait) L
    - precision : (trait, trait) Omega, the inverse of the residual covariance

    Outputs

    - alphas, betas : (group, component, trait, trait) F U and L F U
    - values : (group, component, trait) lambda, the largest first; 0 where it is within rounding
      error: such a coordinate is drawn from its prior, standard normal
    """

    dtypes = ("float64", "float64", "float64")

    def reference(
        self, slabs: np.ndarray, projections: np.ndarray, precision: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rotate all components at once."""
        factors = np.linalg.cholesky(slabs)
        loaded = projections @ factors
        values, vectors = np.linalg.eigh(np.swapaxes(loaded, -1, -2) @ precision @ loaded)
        values, vectors = values[..., ::-1], vectors[..., ::-1]
        values = np.where(values > ROUNDING * values[..., :1], values, 0.0)
        return factors @ vectors, loaded @ vectors, values

    def infer_shape(self, node: Apply | None, shapes: Sequence[Shape]) -> list[Shape]:
        """Shapes follow from the covariances."""
        slabs = shapes[0]
        return [slabs, slabs, slabs[:-1]]


class TraitInputs[V](NamedTuple):
    """Inputs of a `TraitSweep` after the design's arrays.

    Attributes
    ----------
    residual : (obs, trait)
        Y minus its mean, times square roots of the weights.
    effects : (feature, trait)
        Current beta.
    precision : (trait, trait)
        Omega, the inverse of the residual covariance.
    alphas, betas, values
        The outputs of `Rotate`.
    groups : (feature,)
        Index of each feature's group.
    log_weights : (feature, component)
        Log probabilities of the prior's components.
    races : (feature, component)
        Noise of the labels, standard exponential.
    normals : (feature, trait)
        Noise of the effects, standard normal.
    """

    residual: V
    effects: V
    precision: V
    alphas: V
    betas: V
    values: V
    groups: V
    log_weights: V
    races: V
    normals: V


class TraitSweep(SweepOp):
    """One Gibbs sweep over the features of the general model of several traits.

    For each feature in turn, (label, alpha) is drawn as one block from its full conditional, all
    traits at once. Each group of features has its own K positive semi-definite covariances.

    Inputs: the design's arrays, then `TraitInputs`.

    Outputs: alpha and beta (feature, trait), labels (feature, int64) and the residual.

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.
    """

    Inputs = TraitInputs
    dtypes = ("float64", "float64", "int64", "float64")

    def shapes(self, given: TraitInputs[Shape]) -> list[Shape]:
        """Shapes of the outputs."""
        return [given.effects, given.effects, given.effects[:1], given.residual]

    def reference(
        self, *inputs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Draw each feature's (label, alpha) in turn."""
        design, (arrays, given) = self.kind, self.parts(inputs)
        rows, effects = begin_traits(design, arrays, given.residual), given.effects.copy()
        slabs, labels = np.empty_like(effects), np.zeros(len(effects), dtype=np.int64)
        for j, normals in enumerate(given.normals):
            d, g = arrays[-1][j], given.groups[j]
            values, betas = given.values[g], given.betas[g]
            dots = np.array([design.dot(arrays, j, row) for row in rows])
            q = given.precision @ (dots + d * effects[j])
            shrink = 1.0 + d * values
            projected = np.where(values > 0, np.einsum("kti,t->ki", betas, q), 0.0)
            gains = 0.5 * (projected**2 / shrink - np.log(shrink)).sum(axis=1)
            k = int(np.argmax(given.log_weights[j] + gains - np.log(given.races[j])))
            coordinates = projected[k] / shrink[k] + normals / np.sqrt(shrink[k])
            effect = betas[k] @ coordinates
            for row, change in zip(rows, effects[j] - effect, strict=True):
                design.update(arrays, j, change, row)
            labels[j], slabs[j], effects[j] = k, given.alphas[g, k] @ coordinates, effect
        return slabs, effects, labels, end_traits(design, arrays, rows)


def trait_conditional(
    d: float,
    q: np.ndarray,
    precision: np.ndarray,
    slabs: np.ndarray,
    projections: np.ndarray,
    log_weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Full conditional of (label, alpha) of one feature, alpha integrated out of the label.

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
        Log probabilities of the components.

    Returns
    -------
    log_probabilities : ndarray, (component,)
        Log probabilities of the label, normalized.
    means, covariances : ndarray, (component, trait) and (component, trait, trait)
        Mean and covariance of alpha given the label.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.traits import trait_conditional
    >>> one = np.ones((1, 1))
    >>> slabs, projections = np.stack([one, one]), np.stack([0 * one, one])
    >>> logp, mean, cov = trait_conditional(
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


@njit
def _times(left, right):  # type: ignore[no-untyped-def]
    """Product of small matrices in loops: numba's own takes twice as long to compile."""
    out = np.zeros((left.shape[0], right.shape[1]))
    for i in range(left.shape[0]):
        for k in range(left.shape[1]):
            for j in range(right.shape[1]):
                out[i, j] += left[i, k] * right[k, j]
    return out


@register(Rotate)
@njit
def rotate(slabs, projections, precision):  # type: ignore[no-untyped-def]
    """`Rotate`, component by component."""
    n_groups, n_components, n_traits = slabs.shape[:3]
    alphas, betas = np.empty(slabs.shape), np.empty(slabs.shape)
    values = np.zeros((n_groups, n_components, n_traits))
    for g in range(n_groups):
        for k in range(n_components):
            factor = checked(slabs[g, k])
            loaded = _times(projections[k], factor)
            found, vectors = np.linalg.eigh(_times(loaded.T, _times(precision, loaded)))
            alpha, beta = _times(factor, vectors), _times(loaded, vectors)
            for i in range(n_traits):
                last = n_traits - 1 - i
                for t in range(n_traits):
                    alphas[g, k, t, i], betas[g, k, t, i] = alpha[t, last], beta[t, last]
                if found[last] > ROUNDING * found[n_traits - 1]:
                    values[g, k, i] = found[last]
    return alphas, betas, values


@njit
def _ranks(values):  # type: ignore[no-untyped-def]
    """Number of non-zero eigenvalues of each component; they come first."""
    ranks = np.zeros(values.shape[:2], dtype=np.int64)
    for g in range(values.shape[0]):
        for k in range(values.shape[1]):
            ranks[g, k] = np.sum(values[g, k] > 0.0)
    return ranks


@njit
def _draw_label(d, q, betas, values, ranks, log_weights, races, projected):  # type: ignore[no-untyped-def]
    """Draw the label by the exponential race; fill `projected` with q in rotated coordinates."""
    best, label = -np.inf, 0
    for k in range(log_weights.shape[0]):
        # One logarithm for the determinant |I + D V| and the race.
        quadratic, product = 0.0, races[k] * races[k]
        for i in range(ranks[k]):
            total = 0.0
            for t in range(q.shape[0]):
                total += betas[k, t, i] * q[t]
            projected[k, i] = total
            shrink = 1.0 + d * values[k, i]
            quadratic += total * total / shrink
            product *= shrink
        score = log_weights[k] + 0.5 * (quadratic - np.log(product))
        if score > best:
            best, label = score, k
    return label


@njit
def _draw_effect(d, alphas, betas, values, rank, projected, normals, alpha, beta):  # type: ignore[no-untyped-def]
    """Fill alpha and beta from their independent coordinates."""
    alpha[:] = 0.0
    beta[:] = 0.0
    for i in range(normals.shape[0]):
        coordinate = normals[i]
        if i < rank:
            shrink = 1.0 + d * values[i]
            coordinate = projected[i] / shrink + normals[i] / np.sqrt(shrink)
        for t in range(normals.shape[0]):
            alpha[t] += alphas[t, i] * coordinate
            beta[t] += betas[t, i] * coordinate


@register_by_design(TraitSweep)
def make_trait_kernel(design: type[Design]) -> Callable[..., tuple[np.ndarray, ...]]:
    """Compile the sweep of several traits for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and outputs of `TraitSweep`.
    """
    _, dot, update, _ = operations(design)
    begin, end = trait_operations(design)
    first = -len(TraitInputs._fields)

    @njit
    def sweep(*inputs):  # type: ignore[no-untyped-def]
        arrays, own = inputs[:first], inputs[first:]
        residual, old, precision, alphas, betas, values, groups, log_weights, races, normals = own
        n_traits = old.shape[1]
        rows = begin(arrays, residual)
        slabs, effects = np.empty(old.shape), np.empty(old.shape)
        labels, ranks = np.zeros(old.shape[0], dtype=np.int64), _ranks(values)
        scaled, q = np.empty(n_traits), np.empty(n_traits)
        projected = np.zeros((log_weights.shape[1], n_traits))
        for j in range(old.shape[0]):
            d, g = arrays[-1][j], groups[j]
            for t in range(n_traits):
                scaled[t] = dot(arrays, j, rows[t]) + d * old[j, t]
            for t in range(n_traits):
                q[t] = 0.0
                for u in range(n_traits):
                    q[t] += precision[t, u] * scaled[u]
            k = _draw_label(
                d, q, betas[g], values[g], ranks[g], log_weights[j], races[j], projected
            )
            _draw_effect(
                d,
                alphas[g, k],
                betas[g, k],
                values[g, k],
                ranks[g, k],
                projected[k],
                normals[j],
                slabs[j],
                effects[j],
            )
            for t in range(n_traits):
                if effects[j, t] != old[j, t]:
                    update(arrays, j, old[j, t] - effects[j, t], rows[t])
            labels[j] = k
        return slabs, effects, labels, end(arrays, rows, residual.shape[0])

    return sweep
