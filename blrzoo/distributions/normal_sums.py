"""The density of all observations of a normal linear model, from sums over them."""

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters as where_valid
from pymc.distributions.distribution import Distribution
from pymc.pytensorf import normalize_rng_param
from pytensor.graph.basic import Apply, Variable
from pytensor.link.numba.dispatch.random import numba_core_rv_funcify
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.variable import TensorVariable

from blrzoo.ops.small import inverse_log_determinant, product

__all__ = ["NormalSums", "inner", "residual_squares"]

_LOG_2PI = float(np.log(2 * np.pi))


class NormalSumsRV(RandomVariable):
    """X'Oy in place of y. It has no draws, as a draw of y needs rows."""

    name = "NormalSums"
    dtype = "floatX"
    _print_name = ("NormalSums", "\\operatorname{NormalSums}")

    def rng_fn(
        self, rng: np.random.Generator, effects: np.ndarray, *others: object, **kwargs: object
    ) -> np.ndarray:
        """Return NaN of the right shape, which PyMC finds by drawing, for instance for graphviz."""
        return np.full(effects.shape, np.nan)


#: By the number of dims of the effects: for one trait, for several.
_OPS = {
    1: NormalSumsRV(signature="(f),(),(),(),()->(f)"),
    2: NormalSumsRV(signature="(f,t),(t,t),(t,t),(),()->(f,t)"),
}


@numba_core_rv_funcify.register(NormalSumsRV)
def _refuse_draws(op: NormalSumsRV, node: Apply) -> NoReturn:
    raise ValueError(
        "model must have observations to draw y from, got one of sufficient statistics, whose y "
        "is not known row by row. Make the model of X and y; predict rows with blrzoo.predict; or "
        "draw the parameters alone, by their names (var_names)."
    )


class NormalSums(Distribution):
    r"""The density of y in a normal linear model, as a function of sums over the observations.

    With everything about the weighted means, :math:`O = diag(w)`, and r the residuals (R, with a
    column for each of T traits),

    .. math:: \log p(y) = -\tfrac{nT}2 \log 2\pi + \tfrac T2 \sum_i \log w_i
       - \tfrac n2 \log|\Sigma_e| - \tfrac12 tr(\Sigma_e^{-1} R'OR), \quad
       R'OR = A - \beta'X'OY - Y'OX\beta,

    where the value is X'OY, and A, `rest`, is the part of R'OR that does not depend on X'OY.
    ``logp`` is one number, that of all observations together. There are no draws, which would need
    rows.

    Parameters
    ----------
    effects : tensor-like, (feature) or (feature, trait)
        beta, in units of y per unit of the features as in X'OY.
    rest : tensor-like, () or (trait, trait)
        A, that is R'OR without the products of the effects and X'OY.
    noise : tensor-like, () or (trait, trait)
        Residual variance, or covariance, of an observation of weight 1.
    n, log_weight : tensor-like, ()
        Number of observations, and sum of the logarithms of their weights.
    **kwargs
        Arguments of all PyMC distributions, such as ``observed`` and ``dims``.

    Raises
    ------
    ValueError
        When draws are compiled.
    pymc.logprob.utils.ParameterValueError
        When the density is evaluated with a `noise` that is not positive (definite).

    References
    ----------
    .. [1] Anderson (2003). An Introduction to Multivariate Statistical Analysis, 3rd ed., section
       8.2 (sufficient statistics of the multivariate linear model).

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.distributions.normal_sums import NormalSums
    >>> x, y = np.array([-1.0, 0.0, 1.0]), np.array([-2.0, 0.5, 1.5])
    >>> sums = NormalSums.dist(np.array([2.0]), y @ y + 4 * x @ x, 0.3, 3, 0.0)
    >>> rows = pm.Normal.dist(2 * x, np.sqrt(0.3))
    >>> float(pm.logp(sums, np.array([x @ y])).eval().round(6))
    -1.78419
    >>> float(pm.logp(rows, y).eval().sum().round(6))
    -1.78419
    """

    rv_type = NormalSumsRV

    @classmethod
    def rv_op(
        cls,
        effects: TensorVariable,
        *parameters: TensorVariable,
        size: Variable | Sequence[int | Variable] | None = None,
        rng: Variable | None = None,
    ) -> TensorVariable:
        """Make the graph."""
        rng = normalize_rng_param(rng)
        op = _OPS[effects.ndim]
        return op(effects, *parameters, size=size, rng=rng, return_next_rng=True)[1]

    @classmethod
    def dist(
        cls,
        effects: pt.TensorLike,
        rest: pt.TensorLike,
        noise: pt.TensorLike,
        n: pt.TensorLike,
        log_weight: pt.TensorLike,
        **kwargs: Any,
    ) -> TensorVariable:
        """Return the variable without a name and a model; parameters as of the class."""
        return super().dist(
            [pt.as_tensor(value) for value in (effects, rest, noise, n, log_weight)], **kwargs
        )

    @staticmethod
    def logp(
        value: TensorVariable,
        effects: TensorVariable,
        rest: TensorVariable,
        noise: TensorVariable,
        n: TensorVariable,
        log_weight: TensorVariable,
    ) -> TensorVariable:
        """Log density of all observations, ()."""
        squares = residual_squares(effects, value, rest)
        if noise.ndim == 0:
            density = log_weight - n * (_LOG_2PI + pt.log(noise)) - squares / noise
            return where_valid(density / 2, noise > 0, msg="sigma2 > 0")
        precision, log_determinant = inverse_log_determinant(noise)
        density = noise.shape[0] * (log_weight - n * _LOG_2PI) - n * log_determinant
        density -= pt.sum(precision * squares)
        return where_valid(density / 2, pt.isfinite(log_determinant), msg="posdef covariance")


def residual_squares(
    effects: TensorVariable, Xy: TensorVariable, rest: TensorVariable
) -> TensorVariable:
    """Make R'OR, () or (trait, trait); a diagonal that rounding made negative becomes 0.

    Parameters
    ----------
    effects, Xy, rest : TensorVariable
        beta, X'OY, and R'OR without the products of these; see `NormalSums`.

    Returns
    -------
    TensorVariable, () or (trait, trait)

    Examples
    --------
    >>> import numpy as np
    >>> import pytensor.tensor as pt
    >>> from blrzoo.distributions.normal_sums import residual_squares
    >>> given = (np.array([1.0]), np.array([2.0]), np.array(5.0))
    >>> float(residual_squares(*map(pt.as_tensor, given)).eval())
    1.0
    """
    found = rest - 2 * inner(effects, Xy)
    below = pt.maximum(-found, 0.0)
    return found + (below if found.ndim == 0 else pt.eye(found.shape[0]) * below)


def inner(left: TensorVariable, right: TensorVariable) -> TensorVariable:
    """Inner products of columns, made symmetric: (L'R + R'L) / 2.

    Parameters
    ----------
    left, right : TensorVariable, (k,) or (k, trait)
        L and R.

    Returns
    -------
    TensorVariable, () or (trait, trait)

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from blrzoo.distributions.normal_sums import inner
    >>> inner(pt.as_tensor([[1.0, 2.0]]), pt.as_tensor([[3.0, 4.0]])).eval()
    array([[3., 5.],
           [5., 8.]])
    """
    if left.ndim == 1:
        return pt.sum(left * right)
    cross = product(left.T, right)
    return (cross + cross.T) / 2
