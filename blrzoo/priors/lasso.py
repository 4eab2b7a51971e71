"""The Bayesian lasso: effects with a Laplace distribution."""

from collections.abc import Mapping
from types import MappingProxyType

import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.priors import conjugate
from blrzoo.priors.base import Prior, Variables
from blrzoo.priors.given import Parameter
from blrzoo.priors.parameters import check_parameter, parameter
from blrzoo.priors.positive import GAMMA

__all__ = ["BayesianLasso"]


class BayesianLasso(Prior):
    r"""Effects from a Laplace (double exponential) distribution, as normals of random variance.

    Density
        :math:`\beta_j | \tau^2_j \sim N(0, \tau^2_j)`,
        :math:`\tau^2_j \sim Exponential(\lambda^2 / 2)` (mean :math:`2 / \lambda^2`), so that
        :math:`\beta_j \sim Laplace(0, 1 / \lambda)`; :math:`\lambda^2 \sim Gamma(a, b)` with
        rate b.
    Full conditionals
        :math:`1 / \tau^2_j | rest \sim InverseGaussian(\lambda / |\beta_j|, \lambda^2)`,
        :math:`\lambda^2 | rest \sim Gamma(a + p, b + \frac12 \sum_j \tau^2_j)`; :math:`\beta` as
        in `Prior`, feature by feature.
    Other names
        BL (BGLR), BayesL (hibayes, JWAS), bayesL (qgg), ``blasso`` (monomvn).

    The effects are **not** scaled by the residual variance. Park & Casella [1]_ (and BGLR) have
    :math:`\beta_j \sim N(0, \sigma^2 \tau^2_j)`, which makes the posterior unimodal for a fixed
    :math:`\lambda`, but lets the effects inform :math:`\sigma^2`. Here, as in all priors of the
    package, :math:`\sigma^2` occurs in the likelihood only. :math:`\lambda` has units of x per unit
    of y; their :math:`\lambda` is this one times :math:`\sigma`.

    Parameters
    ----------
    lambda2 : None, number, (shape, rate) or ``.dist()``
        Squared rate of the Laplace distribution, in squared units of x per unit of y. Default
        ``(2, rate)`` with ``2 rate = E[tau2_j] = h2 var(y) / sum_j var(x_j)``.

    Raises
    ------
    ValueError, TypeError
        For a lambda2 of a wrong type or not positive.

    References
    ----------
    .. [1] Park & Casella (2008). The Bayesian lasso. JASA 103:681-686.
    .. [2] de los Campos et al. (2009). Predicting quantitative traits with regression models for
       dense molecular markers and pedigree. Genetics 182:375-385.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.regression(data.X, data.y, prior=blr.priors.BayesianLasso())
    >>> sorted(rv.name for rv in model.free_RVs)
    ['beta', 'lambda2', 'mu', 'sigma2', 'tau2']
    """

    scales: Mapping[str, float] = MappingProxyType({"tau2": 2.0, "lambda2": -2.0})

    def __init__(self, *, lambda2: Parameter = None) -> None:
        self.lambda2 = check_parameter("lambda2", lambda2, GAMMA)

    def variables(self) -> Variables:
        """Make ``lambda2`` and ``tau2`` (feature)."""
        v = self.expected_variance()
        default = v.then((2.0, v.value / 2), "shape = 2", "rate = v / 2")
        lambda2 = parameter("lambda2", self.lambda2, GAMMA, default)
        return {"lambda2": lambda2, "tau2": pm.Exponential("tau2", lambda2 / 2, dims="feature")}

    def variance(self, v: Variables) -> TensorVariable:
        """Variance of each effect, ``tau2``."""
        return v["tau2"]

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of ``tau2`` given the effects, and of ``lambda2`` given ``tau2``."""
        total = pt.sum(v["tau2"])
        return {
            v["tau2"]: conjugate.exponential_variance(v["tau2"], effects),
            v["lambda2"]: conjugate.gamma(v["lambda2"], effects.shape[0], total / 2),
        }
