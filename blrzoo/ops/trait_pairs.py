"""Labels and effects of two features at once, for several traits: the Op, and its numba kernel."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from blrzoo.designs.base import Design
from blrzoo.ops.base import Shape, SweepOp, begin_traits, end_traits
from blrzoo.ops.numba import (
    operations,
    register_by_design,
    solve_upper,
    trait_operations,
)

__all__ = [
    "ALL_STATES",
    "TraitPairInputs",
    "TraitPairs",
    "make_trait_pair_kernel",
    "states",
    "trait_pair_conditional",
]

#: Most components of which all pairs are looked at; of more, two features may only swap theirs.
ALL_STATES = 8


class TraitPairInputs[V](NamedTuple):
    """Inputs of `TraitPairs` after the design's arrays.

    Attributes
    ----------
    residual : (obs, trait)
        Y minus its mean, times square roots of the weights.
    slabs, effects : (feature, trait)
        Current alpha and beta.
    labels : (feature,)
        Component of each feature (int64).
    precision : (trait, trait)
        Omega, the inverse of the residual covariance.
    alphas, betas, values
        The outputs of `blrzoo.ops.traits.Rotate`.
    groups : (feature,)
        Index of each feature's group.
    log_weights : (feature, component)
        Log probabilities of the prior's components.
    first, second : (pair,)
        Pairs of features (int64).
    cross : (pair,)
        Dot products of the two features.
    chosen : (move,)
        Pairs to draw, one after the other (int64).
    races : (move, state)
        Noise of the labels, standard exponential.
    normals : (move, 2, trait)
        Noise of the effects, standard normal.
    """

    residual: V
    slabs: V
    effects: V
    labels: V
    precision: V
    alphas: V
    betas: V
    values: V
    groups: V
    log_weights: V
    first: V
    second: V
    cross: V
    chosen: V
    races: V
    normals: V


class TraitPairs(SweepOp):
    r"""Gibbs updates of pairs of features: both labels and both effects, on all traits, as a block.

    In the coordinates of `blrzoo.ops.traits.Rotate`, a feature's effects are ``B_a w``, w standard
    normal. So the coordinates of two features in components a and b are normal with the precision

    .. math:: M = I + \begin{pmatrix} d \Lambda_a & c B_a' \Omega B_b \\
              c B_b' \Omega B_a & e \Lambda_b \end{pmatrix}

    and mean :math:`M^{-1} h`, where d, e and c are the dot products of the two features, and
    :math:`\log P(a, b) = \log \pi_a + \log \pi_b - \tfrac12 \log|M| + \tfrac12 h' M^{-1} h`. Of up
    to 8 components all pairs are looked at. Of more, the two features keep their components or swap
    them: that is a full conditional too, given which two components they have.

    Inputs: the design's arrays, then `TraitPairInputs`.

    Outputs: alpha and beta (feature, trait), labels (int64) and the residual, all new.

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.
    """

    Inputs = TraitPairInputs
    dtypes = ("float64", "float64", "int64", "float64")

    def shapes(self, given: TraitPairInputs[Shape]) -> list[Shape]:
        """Shapes of the outputs."""
        return [given.effects, given.effects, given.labels, given.residual]

    def reference(
        self, *inputs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Draw the (label, alpha) of both features of each chosen pair."""
        design, (arrays, given) = self.kind, self.parts(inputs)
        rows, labels = begin_traits(design, arrays, given.residual), given.labels.copy()
        slabs, effects = given.slabs.copy(), given.effects.copy()
        for pair, races, normals in zip(given.chosen, given.races, given.normals, strict=True):
            both = np.array([given.first[pair], given.second[pair]])
            products = np.diag(arrays[-1][both])
            products[0, 1] = products[1, 0] = given.cross[pair]
            dots = np.array([[design.dot(arrays, j, row) for row in rows] for j in both])
            q = (dots + products @ effects[both]) @ given.precision
            listed = states((labels[both[0]], labels[both[1]]), given.log_weights.shape[1])
            drawn = [_coordinates(given, both, products, q, state) for state in listed]
            scores = np.array([score for score, *_ in drawn]) - np.log(races[: len(listed)])
            best = int(np.argmax(scores))
            _, mean, factor, ranks = drawn[best]
            coordinates = normals.copy()
            active = np.arange(normals.shape[1]) < ranks[:, None]
            coordinates[active] = mean + np.linalg.solve(factor.T, normals[active])
            for j, k, w in zip(both, listed[best], coordinates, strict=True):
                effect = given.betas[given.groups[j], k] @ w
                for row, change in zip(rows, effects[j] - effect, strict=True):
                    design.update(arrays, int(j), change, row)
                slabs[j], effects[j] = given.alphas[given.groups[j], k] @ w, effect
                labels[j] = k
        return slabs, effects, labels, end_traits(design, arrays, rows)


def states(labels: tuple[int, int], n_components: int) -> list[tuple[int, int]]:
    """Pairs of components that two features with these labels may have next."""
    if n_components <= ALL_STATES:
        every = range(n_components)
        return list(itertools.product(every, every))
    return list(dict.fromkeys([labels, labels[::-1]]))


def _coordinates(
    given: TraitPairInputs[np.ndarray],
    both: np.ndarray,
    products: np.ndarray,
    q: np.ndarray,
    state: tuple[int, int] | np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Score of two components; mean, factor of the precision, and numbers of coordinates."""
    groups, state = given.groups[both], np.array(state)
    values, betas = given.values[groups, state], given.betas[groups, state]
    active = (values > 0).ravel()
    loaded = np.concatenate(list(betas), axis=1)
    scale = np.kron(products, np.ones((len(q[0]), len(q[0]))))
    precision = scale * (loaded.T @ given.precision @ loaded)
    precision = (precision + np.eye(len(precision)))[np.ix_(active, active)]
    linear = np.einsum("jti,jt->ji", betas, q).ravel()[active]
    mean, factor = np.linalg.solve(precision, linear), np.linalg.cholesky(precision)
    score = given.log_weights[both, state].sum() - np.log(np.diagonal(factor)).sum()
    return score + 0.5 * linear @ mean, mean, factor, (values > 0).sum(axis=1)


def trait_pair_conditional(
    products: np.ndarray,
    q: np.ndarray,
    precision: np.ndarray,
    slabs: np.ndarray,
    projections: np.ndarray,
    log_weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Full conditional of the labels and alphas of two features, alpha integrated out of labels.

    Parameters
    ----------
    products : ndarray, (2, 2)
        Dot products of the two features.
    q : ndarray, (2, trait)
        ``Omega (R + x_j b_j' + x_k b_k')'x`` of both features.
    precision : ndarray, (trait, trait)
        Omega, the inverse of the residual covariance.
    slabs : ndarray, (2, component, trait, trait)
        Covariances of alpha in the components, for each feature.
    projections : ndarray, (component, trait, trait)
        Matrices L: the effect is ``L alpha``.
    log_weights : ndarray, (2, component)
        Log probabilities of the components of each feature.

    Returns
    -------
    log_probabilities : ndarray, (component, component)
        Of the first feature's label by the second's, normalized.
    means, covariances : ndarray, (component, component, 2 trait[, 2 trait])
        Mean and covariance of the two alphas given the labels.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.trait_pairs import trait_pair_conditional
    >>> one = np.ones((1, 1))
    >>> slabs, projections = np.ones((2, 2, 1, 1)), np.stack([0 * one, one])
    >>> products, q = np.full((2, 2), 9.0), np.full((2, 1), 8.0)
    >>> log_weights = np.log(np.full((2, 2), 0.5))
    >>> log_p, *_ = trait_pair_conditional(products, q, one, slabs, projections, log_weights)
    >>> np.exp(log_p).round(2)
    array([[0.04, 0.33],
           [0.33, 0.29]])
    """
    K, T = log_weights.shape[1], len(precision)
    logits = np.empty((K, K))
    means, covariances = np.empty((K, K, 2 * T)), np.empty((K, K, 2 * T, 2 * T))
    for a in range(K):
        for b in range(K):
            load, prior = np.zeros((2, 2 * T, 2 * T))
            for i, k in enumerate((a, b)):
                part = slice(i * T, (i + 1) * T)
                load[part, part], prior[part, part] = projections[k], slabs[i, k]
            information = load.T @ np.kron(products, precision) @ load
            inner = np.eye(2 * T) + information @ prior
            covariance, linear = prior @ np.linalg.inv(inner), load.T @ q.ravel()
            logits[a, b] = log_weights[0, a] + log_weights[1, b]
            logits[a, b] += 0.5 * (linear @ covariance @ linear - np.linalg.slogdet(inner)[1])
            means[a, b], covariances[a, b] = covariance @ linear, covariance
    return logits - np.logaddexp.reduce(logits, axis=None), means, covariances


@njit
def _loaded(precision, betas):  # type: ignore[no-untyped-def]
    """Omega B of each component."""
    out, T = np.zeros(betas.shape), precision.shape[0]
    for g in range(betas.shape[0]):
        for k in range(betas.shape[1]):
            for t in range(T):
                for u in range(T):
                    for i in range(T):
                        out[g, k, t, i] += precision[t, u] * betas[g, k, u, i]
    return out


@njit
def _fill(products, q, rotated, one, other, matrix, linear):  # type: ignore[no-untyped-def]
    """Fill the lower triangle of M, and h, of two components; return the numbers of rows."""
    (d, e, c), (betas, loaded, values), T = products, rotated, q.shape[1]
    betas, loaded, values = (betas[one], betas[other]), loaded[other], (values[one], values[other])
    first, second = np.sum(values[0] > 0.0), np.sum(values[1] > 0.0)
    size = first + second
    for i in range(size):
        linear[i] = 0.0
        for j in range(i):
            matrix[i, j] = 0.0
    for i in range(first):
        matrix[i, i] = 1.0 + d * values[0][i]
        for t in range(T):
            linear[i] += betas[0][t, i] * q[0, t]
    for j in range(first, size):
        matrix[j, j] = 1.0 + e * values[1][j - first]
        for t in range(T):
            linear[j] += betas[1][t, j - first] * q[1, t]
            for i in range(first):
                matrix[j, i] += c * betas[0][t, i] * loaded[t, j - first]
    return first, size


@njit
def _score(matrix, linear, size):  # type: ignore[no-untyped-def]
    """Factorise M = L L' and solve L z = h in place; return z'z / 2 - log|L|."""
    quadratic, determinant = 0.0, 1.0
    for i in range(size):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            # M is at least the identity, so that rounding cannot make a pivot negative
            matrix[i, j] = np.sqrt(total) if i == j else total / matrix[j, j]
        for k in range(i):
            linear[i] -= matrix[i, k] * linear[k]
        linear[i] /= matrix[i, i]
        quadratic += linear[i] * linear[i]
        determinant *= matrix[i, i]
    return 0.5 * quadratic - np.log(determinant)


@njit
def _scaled_dots(products, dots, old, precision, q):  # type: ignore[no-untyped-def]
    """Fill q with Omega (dots + products b) of both features."""
    d, e, c = products
    q[:] = 0.0
    for t in range(precision.shape[0]):
        one = dots[0, t] + d * old[0][t] + c * old[1][t]
        other = dots[1, t] + e * old[1][t] + c * old[0][t]
        for u in range(precision.shape[0]):
            q[0, u] += precision[u, t] * one
            q[1, u] += precision[u, t] * other


@register_by_design(TraitPairs)
def make_trait_pair_kernel(design: type[Design]) -> Callable[..., tuple[np.ndarray, ...]]:
    """Compile the updates of pairs, for several traits, for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and outputs of `TraitPairs`.
    """
    _, dot, update, _ = operations(design)
    begin, end = trait_operations(design)
    own_first = -len(TraitPairInputs._fields)

    @njit
    def draw(*inputs):  # type: ignore[no-untyped-def]
        arrays, own = inputs[:own_first], inputs[own_first:]
        residual, slabs, effects, labels, precision, alphas, betas, values = own[:8]
        groups, log_weights, first, second, cross, chosen, races, normals = own[8:]
        rows, xx = begin(arrays, residual), arrays[-1]
        rotated = betas, _loaded(precision, betas), values
        slabs, effects, labels = slabs.copy(), effects.copy(), labels.copy()
        T, K = effects.shape[1], log_weights.shape[1]
        dots, q, new = np.empty((2, T)), np.empty((2, T)), np.empty((2, T))
        matrix, linear = np.empty((2 * T, 2 * T)), np.empty(2 * T)
        count = K * K if K <= ALL_STATES else 2
        for i in range(chosen.shape[0]):
            j, k = first[chosen[i]], second[chosen[i]]
            products = xx[j], xx[k], cross[chosen[i]]
            for t in range(T):
                dots[0, t], dots[1, t] = dot(arrays, j, rows[t]), dot(arrays, k, rows[t])
            _scaled_dots(products, dots, (effects[j], effects[k]), precision, q)
            g, h, best, a, b = groups[j], groups[k], -np.inf, 0, 0
            for state in range(count):
                one, other = state // K, state % K
                if K > ALL_STATES:
                    one, other = labels[j], labels[k]
                    if state == 1:
                        one, other = other, one
                    if state == 1 and one == other:
                        break
                _, size = _fill(products, q, rotated, (g, one), (h, other), matrix, linear)
                score = _score(matrix, linear, size)
                score += log_weights[j, one] + log_weights[k, other] - np.log(races[i, state])
                if score > best:
                    best, a, b = score, one, other
            rank, size = _fill(products, q, rotated, (g, a), (h, b), matrix, linear)
            _score(matrix, linear, size)
            for s in range(size):
                linear[s] += normals[i, 0, s] if s < rank else normals[i, 1, s - rank]
            solve_upper(matrix[:size, :size], linear[:size])
            for side in range(2):
                m, group, component = (j, g, a) if side == 0 else (k, h, b)
                begun = 0 if side == 0 else rank
                known = rank if side == 0 else size - rank
                slabs[m] = 0.0
                new[side] = 0.0
                for s in range(T):
                    w = linear[begun + s] if s < known else normals[i, side, s]
                    for t in range(T):
                        slabs[m, t] += alphas[group, component, t, s] * w
                        new[side, t] += betas[group, component, t, s] * w
                for t in range(T):
                    if new[side, t] != effects[m, t]:
                        update(arrays, m, effects[m, t] - new[side, t], rows[t])
                    effects[m, t] = new[side, t]
                labels[m] = component
        return slabs, effects, labels, end(arrays, rows, residual.shape[0])

    return draw
