"""Labels and effects of two features at once, for one trait: the Op, and its numba kernel."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from blrzoo.designs.base import Design
from blrzoo.ops.base import Shape, SweepOp
from blrzoo.ops.numba import operations, register_by_design

__all__ = ["PairInputs", "Pairs", "make_pair_kernel", "pair_conditional"]


class PairInputs[V](NamedTuple):
    """Inputs of `Pairs` after the design's arrays.

    Attributes
    ----------
    residual : (obs,)
        y minus its mean, times square roots of the weights.
    effects, labels : (feature,)
        Current beta, and the component of each feature (int64).
    variances, log_weights : (feature, component)
        Variances and log probabilities of the prior's components.
    sigma2 : ()
        Residual variance.
    first, second : (pair,)
        Pairs of features (int64).
    cross : (pair,)
        Dot products of the two features.
    chosen : (move,)
        Pairs to draw, one after the other (int64).
    races : (move, component * component)
        Noise of the labels, standard exponential.
    normals : (move, 2)
        Noise of the effects, standard normal.
    """

    residual: V
    effects: V
    labels: V
    variances: V
    log_weights: V
    sigma2: V
    first: V
    second: V
    cross: V
    chosen: V
    races: V
    normals: V


class Pairs(SweepOp):
    """Gibbs updates of pairs of features: both labels and both effects as one block.

    Where two features are correlated, a single-site sweep seldom moves an effect from one to the
    other: it must pass a state in which neither or both are included. Here the two labels are drawn
    from all pairs of components, with both effects integrated out, and then the effects.

    Inputs: the design's arrays, then `PairInputs`.

    Outputs: effects, labels (int64) and the residual, all new.

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.
    """

    Inputs = PairInputs
    dtypes = ("float64", "int64", "float64")

    def shapes(self, given: PairInputs[Shape]) -> list[Shape]:
        """Shapes of the outputs."""
        return [given.effects, given.effects, given.residual]

    def reference(self, *inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw the (label, effect) of both features of each chosen pair."""
        design, (arrays, given) = self.kind, self.parts(inputs)
        working, effects = design.begin(arrays, given.residual), given.effects.copy()
        labels = given.labels.copy()
        for pair, races, normals in zip(given.chosen, given.races, given.normals, strict=True):
            both = np.array([given.first[pair], given.second[pair]])
            information = np.diag(arrays[-1][both]) / given.sigma2
            information[0, 1] = information[1, 0] = given.cross[pair] / given.sigma2
            dots = np.array([design.dot(arrays, j, working) for j in both])
            q = dots / given.sigma2 + information @ effects[both]
            prior = given.variances[both], given.log_weights[both]
            log_p, means, spreads = pair_conditional(information, q, *prior)
            a, b = divmod(int(np.argmax(log_p.ravel() - np.log(races))), log_p.shape[1])
            first = means[a, b, 0] + np.sqrt(spreads[a, b, 0, 0]) * normals[0]
            w = prior[0][1, b]
            shrink = 1.0 + w * information[1, 1]
            second = w * (q[1] - information[0, 1] * first) / shrink
            drawn = first, second + np.sqrt(w / shrink) * normals[1]
            for j, effect in zip(both, drawn, strict=True):
                design.update(arrays, int(j), effects[j] - effect, working)
            labels[both], effects[both] = (a, b), drawn
        return effects, labels, design.end(arrays, working)


def pair_conditional(
    information: np.ndarray, q: np.ndarray, variances: np.ndarray, log_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    r"""Full conditional of the labels and effects of two features.

    With :math:`V = \mathrm{diag}(u, w)` the variances of components a and b, and D the information,

    .. math:: \log P(a, b) = \log \pi_a + \log \pi_b - \tfrac12 \log|I + DV| +
              \tfrac12 q' V (I + DV)^{-1} q + \text{const},

    and the effects are normal with mean Cq and covariance :math:`C = V (I + DV)^{-1}`.

    Parameters
    ----------
    information : ndarray, (2, 2)
        ``[[x_j'x_j, x_j'x_k], [x_j'x_k, x_k'x_k]] / sigma2``.
    q : ndarray, (2,)
        ``x'(r + x_j beta_j + x_k beta_k) / sigma2`` of both features.
    variances, log_weights : ndarray, (2, component)
        Variances and log probabilities of the components of each feature.

    Returns
    -------
    log_probabilities : ndarray, (component, component)
        Of the first feature's label by the second's, normalized.
    means : ndarray, (component, component, 2)
        Means of the two effects given the labels.
    covariances : ndarray, (component, component, 2, 2)
        Their covariances.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.pairs import pair_conditional
    >>> prior = np.array([[0.0, 1.0], [0.0, 1.0]]), np.log(np.full((2, 2), 0.5))
    >>> log_p, means, _ = pair_conditional(np.full((2, 2), 9.0), np.array([8.0, 8.0]), *prior)
    >>> np.exp(log_p).round(2)
    array([[0.04, 0.33],
           [0.33, 0.29]])
    >>> means[1, 0]
    array([0.8, 0. ])
    """
    u, w = variances[0][:, None], variances[1][None, :]
    (d, c), (_, e) = information
    determinant = 1.0 + u * d + w * e + u * w * max(d * e - c * c, 0.0)
    mean_u = u * ((1.0 + w * e) * q[0] - w * c * q[1]) / determinant
    mean_w = w * ((1.0 + u * d) * q[1] - u * c * q[0]) / determinant
    logits = log_weights[0][:, None] + log_weights[1][None, :]
    logits = logits - 0.5 * np.log(determinant) + 0.5 * (q[0] * mean_u + q[1] * mean_w)
    cells = [[u * (1.0 + w * e), -u * w * c], [-u * w * c, w * (1.0 + u * d)]]
    covariances = np.moveaxis(np.array(cells) / determinant, (0, 1), (2, 3))
    means = np.stack([mean_u, mean_w], axis=-1)
    return logits - np.logaddexp.reduce(logits, axis=None), means, covariances


@njit
def _draw_labels(d, e, c, q, p, variances, log_weights, races):  # type: ignore[no-untyped-def]
    """Draw both labels by an exponential race over all pairs of components."""
    u, w = variances
    outside = max(d * e - c * c, 0.0)
    best, first, second, race = -np.inf, 0, 0, 0
    for a in range(u.shape[0]):
        for b in range(w.shape[0]):
            determinant = 1.0 + u[a] * d + w[b] * e + u[a] * w[b] * outside
            mean_u = u[a] * ((1.0 + w[b] * e) * q - w[b] * c * p)
            mean_w = w[b] * ((1.0 + u[a] * d) * p - u[a] * c * q)
            score = log_weights[0][a] + log_weights[1][b]
            score += 0.5 * (q * mean_u + p * mean_w) / determinant
            # One logarithm for the determinant and the race.
            score -= 0.5 * np.log(determinant * races[race] * races[race])
            race += 1
            if score > best:
                best, first, second = score, a, b
    return first, second


@njit
def _draw_effects(d, e, c, q, p, u, w, normals):  # type: ignore[no-untyped-def]
    """Draw both effects: the first with the second integrated out, then the second."""
    shrink = 1.0 + w * e
    determinant = 1.0 + u * d + w * e + u * w * max(d * e - c * c, 0.0)
    first = u * (shrink * q - w * c * p) / determinant
    first += np.sqrt(u * shrink / determinant) * normals[0]
    second = w * (p - c * first) / shrink + np.sqrt(w / shrink) * normals[1]
    return first, second


@register_by_design(Pairs)
def make_pair_kernel(design: type[Design]) -> Callable[..., tuple[np.ndarray, ...]]:
    """Compile the updates of pairs for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and outputs of `Pairs`.
    """
    begin, dot, update, end = operations(design)
    own_first = -len(PairInputs._fields)

    @njit
    def draw(*inputs):  # type: ignore[no-untyped-def]
        arrays, own = inputs[:own_first], inputs[own_first:]
        residual, effects, labels, variances, log_weights, sigma2 = own[:6]
        first, second, cross, chosen, races, normals = own[6:]
        working, s2, xx = begin(arrays, residual), sigma2.item(), arrays[-1]
        effects, labels = effects.copy(), labels.copy()
        for i in range(chosen.shape[0]):
            j, k, product = first[chosen[i]], second[chosen[i]], cross[chosen[i]]
            d, e, c = xx[j] / s2, xx[k] / s2, product / s2
            q = dot(arrays, j, working) / s2 + d * effects[j] + c * effects[k]
            p = dot(arrays, k, working) / s2 + e * effects[k] + c * effects[j]
            prior = (variances[j], variances[k]), (log_weights[j], log_weights[k])
            a, b = _draw_labels(d, e, c, q, p, prior[0], prior[1], races[i])
            u, w = variances[j, a], variances[k, b]
            one, other = _draw_effects(d, e, c, q, p, u, w, normals[i])
            if one != effects[j]:
                update(arrays, j, effects[j] - one, working)
            if other != effects[k]:
                update(arrays, k, effects[k] - other, working)
            labels[j], labels[k], effects[j], effects[k] = a, b, one, other
        return effects, labels, end(arrays, working)

    return draw
