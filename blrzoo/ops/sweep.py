"""The sweep of one trait: the Op with its NumPy reference, and its numba kernel."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from blrzoo.designs.base import Design
from blrzoo.ops.base import Shape, SweepOp
from blrzoo.ops.numba import bounds, operations, register_by_design

__all__ = ["Sweep", "SweepInputs", "block_conditional", "make_kernel"]


class SweepInputs[V](NamedTuple):
    """Inputs of a `Sweep` after the design's arrays.

    Attributes
    ----------
    residual : (obs,)
        y minus its mean, times square roots of the weights.
    effects : (feature,)
        Current beta.
    variances, log_weights : (feature, component)
        Variances and log probabilities of the prior's components.
    sigma2 : ()
        Residual variance.
    races : (feature, component)
        Noise of the labels, standard exponential.
    normals : (feature,)
        Noise of the effects, standard normal.
    """

    residual: V
    effects: V
    variances: V
    log_weights: V
    sigma2: V
    races: V
    normals: V


class Sweep(SweepOp):
    """One Gibbs sweep over the features of the general single-trait model.

    For each feature in turn, (label, effect) is drawn as one block from its full conditional. Each
    feature has its own variances and weights of K components, so groups and annotations need no
    kernel of their own.

    Inputs: the design's arrays, then `SweepInputs`.

    Outputs: effects, labels (int64) and the residual, all new.

    The label is drawn by an exponential race: with E_k standard exponential, the k with the
    smallest E_k / P(k) has probability P(k). In logarithms this is exact however small P(k) is.

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.
    """

    Inputs = SweepInputs
    dtypes = ("float64", "int64", "float64")

    def shapes(self, given: SweepInputs[Shape]) -> list[Shape]:
        """Shapes of the outputs."""
        return [given.effects, given.effects, given.residual]

    def reference(self, *inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Draw each feature's (label, effect) in turn."""
        design, (arrays, given) = self.kind, self.parts(inputs)
        working, effects = design.begin(arrays, given.residual), given.effects.copy()
        labels = np.zeros(effects.shape, dtype=np.int64)
        for j in range(effects.size):
            d = arrays[-1][j] / given.sigma2
            q = design.dot(arrays, j, working) / given.sigma2 + d * effects[j]
            prior = given.variances[j], given.log_weights[j]
            log_p, means, spread = block_conditional(d, q, *prior)
            k = int(np.argmax(log_p - np.log(given.races[j])))
            effect = means[k] + np.sqrt(spread[k]) * given.normals[j]
            design.update(arrays, j, effects[j] - effect, working)
            labels[j], effects[j] = k, effect
        return effects, labels, design.end(arrays, working)


def block_conditional(
    d: float, q: float, variances: np.ndarray, log_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Full conditional of (label, effect) of one feature, the effect integrated out of the label.

    Parameters
    ----------
    d, q : float
        ``x'x / sigma2`` and ``x'(r + x beta) / sigma2``.
    variances, log_weights : ndarray, (component,)
        Variances and log probabilities of the mixture's components; a variance of 0 is a point
        mass at zero.

    Returns
    -------
    log_probabilities : ndarray, (component,)
        Log probabilities of the label, normalized.
    means, conditional_variances : ndarray, (component,)
        Mean and variance of the effect given the label.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.sweep import block_conditional
    >>> logp, mean, var = block_conditional(4.0, 2.0, np.array([0.0, 1.0]), np.log([0.5, 0.5]))
    >>> mean, var
    (array([0. , 0.4]), array([0. , 0.2]))
    """
    shrink = 1.0 + variances * d
    means = variances * q / shrink
    logits = log_weights - 0.5 * np.log(shrink) + 0.5 * q * means
    return logits - np.logaddexp.reduce(logits), means, variances / shrink


@njit
def _prepare(xx, sigma2, variances, log_weights, races):  # type: ignore[no-untyped-def]
    """Variances v / (1 + v d), and label scores without q: no logarithms in the sweep."""
    spread, scores = np.empty_like(variances), np.empty_like(variances)
    for j in range(variances.shape[0]):
        d = xx[j] / sigma2
        for k in range(variances.shape[1]):
            shrink, race = 1.0 + variances[j, k] * d, races[j, k]
            spread[j, k] = variances[j, k] / shrink
            # One logarithm for the determinant and the race.
            scores[j, k] = log_weights[j, k] - 0.5 * np.log(shrink * race * race)
    return spread, scores


@njit
def _draw_label(q, spread, scores):  # type: ignore[no-untyped-def]
    """Draw the label by the exponential race."""
    best, label = -np.inf, 0
    for k in range(scores.shape[0]):
        score = scores[k] + 0.5 * spread[k] * q * q
        if score > best:
            best, label = score, k
    return label


@njit
def _are_few(effects):  # type: ignore[no-untyped-def]
    """Whether so few effects are not 0 that a rough copy of the residual serves many features."""
    count = 0
    for effect in effects:
        count += effect != 0.0
    return 32 * count <= effects.shape[0]


@register_by_design(Sweep)
def make_kernel(design: type[Design]) -> Callable[..., tuple[np.ndarray, ...]]:
    """Compile the sweep for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and outputs of `Sweep`.
    """
    begin, dot, update, end = operations(design)
    coarsen, bound = bounds(design)
    first = -len(SweepInputs._fields)

    @njit
    def sweep(*inputs):  # type: ignore[no-untyped-def]
        arrays, own = inputs[:first], inputs[first:]
        residual, effects, variances, log_weights, sigma2, races, normals = own
        working, effects, s2 = begin(arrays, residual), effects.copy(), sigma2.item()
        labels = np.zeros(effects.shape[0], dtype=np.int64)
        spread, scores = _prepare(arrays[-1], s2, variances, log_weights, races)
        few, rough, stale = _are_few(effects), coarsen(arrays, working), False
        for j in range(effects.shape[0]):
            if few and effects[j] == 0.0:
                if stale:
                    rough, stale = coarsen(arrays, working), False
                most = bound(arrays, j, working, rough) / s2
                k = _draw_label(most, spread[j], scores[j])
                # Scores of slabs grow with |q|: what a spike wins at the bound it wins below it.
                if most < np.inf and spread[j, k] == 0.0:
                    labels[j] = k
                    continue
            q = (dot(arrays, j, working) + arrays[-1][j] * effects[j]) / s2
            k = _draw_label(q, spread[j], scores[j])
            effect = spread[j, k] * q + np.sqrt(spread[j, k]) * normals[j]
            if effect != effects[j]:
                update(arrays, j, effects[j] - effect, working)
                stale = True
            labels[j], effects[j] = k, effect
        return effects, labels, end(arrays, working)

    return sweep
