"""The sweep with an indicator for each trait, for any number of traits: the Op and its kernel."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit

from blrzoo.designs.base import Design
from blrzoo.ops.base import Shape, SweepOp, begin_traits, end_traits
from blrzoo.ops.numba import (
    checked,
    chosen_first,
    operations,
    register_by_design,
    solve_upper,
    trait_operations,
)

__all__ = ["IndicatorInputs", "IndicatorSweep", "make_indicator_kernel", "pattern_conditional"]


class IndicatorInputs[V](NamedTuple):
    """Inputs of an `IndicatorSweep` after the design's arrays.

    Attributes
    ----------
    residual : (obs, trait)
        Y minus its mean, times square roots of the weights.
    effects : (feature, trait)
        Current beta.
    precision : (trait, trait)
        Omega, the inverse of the residual covariance.
    covariance, pseudo : (trait, trait)
        Prior covariance of alpha where any trait is affected, and where none is.
    log_odds : (feature, trait)
        log pi - log(1 - pi); -inf or inf keeps an indicator at 0 or 1.
    indicators : (feature, trait)
        Current delta, 0 or 1.
    logistics : (feature, trait)
        Noise of the indicators, standard logistic.
    normals : (feature, trait)
        Noise of the effects, standard normal.
    """

    residual: V
    effects: V
    precision: V
    covariance: V
    pseudo: V
    log_odds: V
    indicators: V
    logistics: V
    normals: V


class IndicatorSweep(SweepOp):
    r"""One Gibbs sweep over the features, indicator-wise: without a list of the 2^T patterns.

    For each feature, every :math:`\delta_{jt}` in turn is drawn given the other indicators, with
    all of :math:`\alpha_j` integrated out; then :math:`\alpha_j` given :math:`\delta_j`. With S
    the affected traits, ``d = x'x``, :math:`q = \Omega (R + x b')'x` and :math:`L L' =
    \Sigma_{SS}`,

    .. math:: \log m(S) = -\tfrac12 \log|A| + \tfrac12 q_S' L A^{-1} L' q_S, \quad
        A = I + d L' \Omega_{SS} L,

    the log odds of :math:`\delta_{jt} = 1` are
    :math:`\log \pi_t - \log(1 - \pi_t) + \log m(S \cup t) - \log m(S \setminus t)`. The dot
    products cost n T operations per feature; the cost of the rest depends on the size of S.

    Inputs: the design's arrays, then `IndicatorInputs`.

    Outputs: alpha and beta (feature, trait), indicators (feature, trait; int64) and the
    residual.

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.
    """

    Inputs = IndicatorInputs
    dtypes = ("float64", "float64", "int64", "float64")

    def shapes(self, given: IndicatorInputs[Shape]) -> list[Shape]:
        """Shapes of the outputs."""
        return [given.effects, given.effects, given.effects, given.residual]

    def reference(
        self, *inputs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Draw each feature's (indicators, alpha) in turn."""
        design, (arrays, given) = self.kind, self.parts(inputs)
        rows, effects = begin_traits(design, arrays, given.residual), given.effects.copy()
        slabs, active = np.empty_like(effects), given.indicators > 0
        for j, on in enumerate(active):
            d = arrays[-1][j]
            dots = np.array([design.dot(arrays, j, row) for row in rows])
            q = given.precision @ (dots + d * effects[j])
            fixed = d, q, given.precision, given.covariance, given.pseudo
            for t in range(len(on)):
                here = np.arange(len(on)) == t
                off, both = (pattern_conditional(*fixed, s)[0] for s in (on & ~here, on | here))
                on[t] = given.log_odds[j, t] + both - off + given.logistics[j, t] > 0
            _, mean, root = pattern_conditional(*fixed, on)
            slabs[j] = mean + root @ given.normals[j]
            effect = np.where(on, slabs[j], 0.0)
            for row, change in zip(rows, effects[j] - effect, strict=True):
                design.update(arrays, j, change, row)
            effects[j] = effect
        return slabs, effects, active.astype(np.int64), end_traits(design, arrays, rows)


def pattern_conditional(
    d: float,
    q: np.ndarray,
    precision: np.ndarray,
    covariance: np.ndarray,
    pseudo: np.ndarray,
    on: np.ndarray,
) -> tuple[float, np.ndarray, np.ndarray]:
    """Full conditional of alpha of one feature given which traits it affects, and their evidence.

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
        Mean of alpha.
    root : ndarray, (trait, trait)
        ``root root'`` is the covariance of alpha.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.ops.indicators import pattern_conditional
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


@njit
def _extend(matrix, order, start, stop, factor):  # type: ignore[no-untyped-def]
    """Rows start to stop of the Cholesky factor of matrix[order][:, order]."""
    for i in range(start, stop):
        for k in range(i + 1):
            total = matrix[order[i], order[k]]
            for m in range(k):
                total -= factor[i, m] * factor[k, m]
            factor[i, k] = np.sqrt(total) if i == k else total / factor[k, k]


@njit
def _toggle(members, size, t, other):  # type: ignore[no-untyped-def]
    """Fill `other` with the members, t removed or added; return their number."""
    n = 0
    for i in range(size):
        if members[i] != t:
            other[n] = members[i]
            n += 1
    if n == size:
        other[n] = t
        n += 1
    return n


@njit
def _log_evidence(d, q, precision, covariance, members, size, work):  # type: ignore[no-untyped-def]
    """log m(S) of the members S; leaves L, the factor B of A, and B^-1 L'q in `work`."""
    factor, half, product, w = work
    _extend(covariance, members, 0, size, factor)
    for i in range(size):
        for k in range(size):
            product[i, k] = 0.0
            for m in range(k, size):
                product[i, k] += precision[members[i], members[m]] * factor[m, k]
    log_evidence = 0.0
    for i in range(size):
        for k in range(i + 1):
            total = 0.0
            for m in range(i, size):
                total += factor[m, i] * product[m, k]
            total = d * total + (i == k)
            for m in range(k):
                total -= half[i, m] * half[k, m]
            half[i, k] = np.sqrt(total) if i == k else total / half[k, k]
        total = 0.0
        for m in range(i, size):
            total += factor[m, i] * q[members[m]]
        for m in range(i):
            total -= half[i, m] * w[m]
        w[i] = total / half[i, i]
        log_evidence += 0.5 * w[i] * w[i] - np.log(half[i, i])
    return log_evidence


@njit
def _alone(d, q, precision, variance):  # type: ignore[no-untyped-def]
    """log m(S) of one trait, which nearly every indicator of a sparse model needs."""
    shrink = 1.0 + d * precision * variance
    return 0.5 * (variance * q * q / shrink - np.log(shrink))


@njit
def _draw_indicators(d, q, precision, covariance, log_odds, logistics, on, lists, work):  # type: ignore[no-untyped-def]
    """Draw each indicator given the others, alpha integrated out; one evidence per indicator."""
    members, other = lists
    size, current = chosen_first(on, members), 0.0
    if size > 0:
        current = _log_evidence(d, q, precision, covariance, members, size, work)
    for t in range(on.shape[0]):
        if size == 0:
            other[0], n = t, 1
            proposed = _alone(d, q[t], precision[t, t], covariance[t, t])
        else:
            n, proposed = _toggle(members, size, t, other), 0.0
            if n > 0:
                proposed = _log_evidence(d, q, precision, covariance, other, n, work)
        gain = current - proposed if on[t] else proposed - current
        drawn = log_odds[t] + gain + logistics[t] > 0.0
        if drawn != on[t]:
            on[t], size, current = drawn, n, proposed
            members[:n] = other[:n]


@njit
def _draw_alpha(d, q, precision, covariance, pseudo, on, normals, order, work, alpha):  # type: ignore[no-untyped-def]
    """Draw alpha given the affected traits; `pseudo` is the factor where there are none."""
    factor, half, _, w = work
    size, n_traits = chosen_first(on, order), on.shape[0]
    if size > 0:
        _log_evidence(d, q, precision, covariance, order, size, work)
        _extend(covariance, order, size, n_traits, factor)
    else:
        factor = pseudo
    for i in range(n_traits):
        w[i] = w[i] + normals[i] if i < size else normals[i]
    solve_upper(half[:size, :size], w[:size])
    for i in range(n_traits):
        alpha[order[i]] = 0.0
        for k in range(i + 1):
            alpha[order[i]] += factor[i, k] * w[k]


@register_by_design(IndicatorSweep)
def make_indicator_kernel(design: type[Design]) -> Callable[..., tuple[np.ndarray, ...]]:
    """Compile the indicator-wise sweep for a design.

    Parameters
    ----------
    design : type
        A subclass of `Design`, whose compiled methods are inlined.

    Returns
    -------
    callable
        With the inputs and outputs of `IndicatorSweep`.
    """
    _, dot, update, _ = operations(design)
    begin, end = trait_operations(design)
    first = -len(IndicatorInputs._fields)

    @njit
    def sweep(*inputs):  # type: ignore[no-untyped-def]
        arrays, own = inputs[:first], inputs[first:]
        residual, old, precision, covariance, pseudo, log_odds, indicators, logistics, normals = own
        n_traits = old.shape[1]
        rows = begin(arrays, residual)
        slabs, effects = np.empty(old.shape), np.zeros(old.shape)
        active, drawn = indicators > 0, np.zeros(old.shape, dtype=np.int64)
        checked(covariance)  # then its submatrices have factors too
        excluded = checked(pseudo)
        scaled, q = np.empty(n_traits), np.empty(n_traits)
        square = (n_traits, n_traits)
        work = np.empty(square), np.empty(square), np.empty(square), np.empty(n_traits)
        lists = np.arange(n_traits), np.arange(n_traits)
        for j in range(old.shape[0]):
            d, on = arrays[-1][j], active[j]
            for t in range(n_traits):
                scaled[t] = dot(arrays, j, rows[t]) + d * old[j, t]
            for t in range(n_traits):
                q[t] = 0.0
                for u in range(n_traits):
                    q[t] += precision[t, u] * scaled[u]
            _draw_indicators(
                d, q, precision, covariance, log_odds[j], logistics[j], on, lists, work
            )
            _draw_alpha(
                d, q, precision, covariance, excluded, on, normals[j], lists[0], work, slabs[j]
            )
            for t in range(n_traits):
                if on[t]:
                    effects[j, t], drawn[j, t] = slabs[j, t], 1
                if effects[j, t] != old[j, t]:
                    update(arrays, j, old[j, t] - effects[j, t], rows[t])
        return slabs, effects, drawn, end(arrays, rows, residual.shape[0])

    return sweep
