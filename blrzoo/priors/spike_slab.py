"""The spike-and-slab prior: an effect is zero, or from one normal."""

from typing import Any

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.priors import conjugate
from blrzoo.priors.base import MixturePrior, Variables
from blrzoo.priors.parameters import (
    PROBABILITY,
    VARIANCE,
    check_parameter,
    parameter,
    prior_mean,
)

__all__ = ["SpikeSlab"]


class SpikeSlab(MixturePrior):
    r"""Effects are zero with probability 1 - pi, else from one normal: variable selection.

    Density
        :math:`\beta_j = \alpha_j \delta_j`, :math:`\delta_j \sim Bernoulli(\pi)`,
        :math:`\alpha_j | \delta_j = 1 \sim N(0, \tau^2)`,
        :math:`\tau^2 \sim` scaled-inverse-:math:`\chi^2(\nu, S^2)`,
        :math:`\pi \sim Beta(a, b)`.
    Full conditionals
        With m the number of included features, :math:`\tau^2 | rest \sim`
        scaled-inverse-:math:`\chi^2(\nu + m, (\nu S^2 + \sum_j \beta_j^2) / (\nu + m))`,
        :math:`\pi | rest \sim Beta(a + m, b + p - m)`, and
        :math:`\delta_j, \beta_j` as one block (see `MixturePrior`).
    Other names
        BayesC-pi (BGLR, hibayes, JWAS), bayesC (qgg), BVS, George & McCulloch's SSVS with a
        point-mass spike.

    Parameters
    ----------
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an included effect, in squared units of y per unit of x. Default
        ``(4, S2)`` with prior mean ``2 S2 = h2 var(y) / (E[pi] sum_j var(x_j))``.
    pi : None, number, (a, b) or ``.dist()``
        Probability that a feature is included. Default ``(1, 1)``, uniform.

    Raises
    ------
    ValueError, TypeError
        For a tau2 that is not positive, a pi outside (0, 1), or anything that is not one of
        the four.

    References
    ----------
    .. [1] Mitchell & Beauchamp (1988). Bayesian variable selection in linear regression. JASA
       83:1023-1032.
    .. [2] Habier et al. (2011). Extension of the Bayesian alphabet for genomic selection. BMC
       Bioinformatics 12:186.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.regression(data.X, data.y, prior=blr.SpikeSlab(pi=(1, 9)))
    >>> sorted(rv.name for rv in model.free_RVs)
    ['alpha', 'delta', 'mu', 'pi', 'sigma2', 'tau2']

    A slab whose standard deviation is half-normal; NUTS draws it, the Gibbs step all the rest:

    >>> import pymc as pm
    >>> class HalfNormalSlab(blr.SpikeSlab):
    ...     def tau2_variable(self):
    ...         return pm.HalfNormal("tau", 1.0) ** 2
    >>> model = blr.regression(data.X, data.y, prior=HalfNormalSlab())
    >>> sorted(rv.name for rv in model.free_RVs)
    ['alpha', 'delta', 'mu', 'pi', 'sigma2', 'tau']
    """

    label_name = "delta"

    def __init__(self, *, tau2: Any = None, pi: Any = None) -> None:
        self.tau2 = check_parameter("tau2", tau2, VARIANCE)
        self.pi = check_parameter("pi", pi, PROBABILITY)

    def variables(self) -> Variables:
        """Make ``tau2`` and ``pi``."""
        return {"tau2": self.tau2_variable(), "pi": self.pi_variable()}

    def tau2_variable(self) -> TensorVariable:
        """Make the variance of an included effect; a subclass may return any expression."""
        default = (4.0, self.pseudo_variance() / 2)
        return parameter("tau2", self.tau2, VARIANCE, default)

    def pi_variable(self) -> TensorVariable:
        """Make the probability of inclusion; a subclass may return any expression."""
        return parameter("pi", self.pi, PROBABILITY, (1.0, 1.0))

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """The spike at zero and the slab."""
        pi = v["pi"]
        return pt.stack([0.0, v["tau2"]]), pt.stack([pt.log1p(-pi), pt.log(pi)])

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Of ``tau2`` and ``pi``, given effects and indicators."""
        included = pt.sum(v["delta"])
        sum_of_squares = pt.sum(effects**2)
        return {
            v["tau2"]: conjugate.inverse_gamma(v["tau2"], included, sum_of_squares),
            v["pi"]: conjugate.beta(v["pi"], included, self.data.p - included),
        }

    def pseudo_variance(self) -> float:
        """Prior mean of the default tau2."""
        return self.default_variance(prior_mean(self.pi, PROBABILITY, (1.0, 1.0)))
