"""The single-component prior: one normal for all effects."""

from collections.abc import Mapping
from types import MappingProxyType

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.priors import conjugate
from blrzoo.priors.base import Prior, Variables
from blrzoo.priors.given import Parameter
from blrzoo.priors.parameters import VARIANCE, check_parameter, parameter

__all__ = ["SingleComponent"]


class SingleComponent(Prior):
    r"""All effects from one normal distribution: the Bayesian ridge.

    Density
        :math:`\beta_j | \tau^2 \sim N(0, \tau^2)`,
        :math:`\tau^2 \sim` scaled-inverse-:math:`\chi^2(\nu, S^2)`.
    Full conditionals
        :math:`\tau^2 | \beta \sim` scaled-inverse-:math:`\chi^2(\nu + p,
        (\nu S^2 + \sum_j \beta_j^2) / (\nu + p))`; :math:`\beta` as in `Prior`, feature by
        feature, or jointly from one multivariate normal.
    Other names
        BRR (BGLR), ridge, SNP-BLUP and GBLUP, bayesN (qgg), BayesRR (hibayes), RR-BLUP (JWAS).

    Parameters
    ----------
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an effect, in squared units of y per unit of x. Default
        ``(4, S2)`` with prior mean ``2 S2 = h2 var(y) / sum_j var(x_j)``.

    Raises
    ------
    ValueError, TypeError
        For a tau2 of a wrong type or not positive.

    References
    ----------
    .. [1] Hoerl & Kennard (1970). Ridge regression. Technometrics 12:55-67.
    .. [2] Perez & de los Campos (2014). Genome-wide regression and prediction with the BGLR
       statistical package. Genetics 198:483-495.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.regression(data.X, data.y, prior=blr.priors.SingleComponent(tau2=(4, 0.1)))
    >>> sorted(rv.name for rv in model.free_RVs)
    ['beta', 'mu', 'sigma2', 'tau2']
    """

    scales: Mapping[str, float] = MappingProxyType({"tau2": 2.0})

    def __init__(self, *, tau2: Parameter = None) -> None:
        self.tau2 = check_parameter("tau2", tau2, VARIANCE)

    def variables(self) -> Variables:
        """Make ``tau2``."""
        return {"tau2": self.tau2_variable()}

    def tau2_variable(self) -> TensorVariable:
        """Make the variance of an effect; a subclass may return any expression."""
        v = self.expected_variance()
        default = v.then((4.0, v.value / 2), "nu = 4", "S2 = v / 2")
        return parameter("tau2", self.tau2, VARIANCE, default)

    def variance(self, v: Variables) -> TensorVariable:
        """Variance of every effect, ``tau2``."""
        return v["tau2"]

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditional of ``tau2`` given the effects."""
        sum_of_squares = pt.sum(effects**2)
        return {v["tau2"]: conjugate.inverse_gamma(v["tau2"], effects.shape[0], sum_of_squares)}
