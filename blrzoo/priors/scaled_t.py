"""Priors with a variance for each feature: BayesA, and BayesB, which adds a spike at zero."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.priors import conjugate
from blrzoo.priors.base import Prior, Variables
from blrzoo.priors.given import Parameter
from blrzoo.priors.parameters import VARIANCE, check_parameter, parameter
from blrzoo.priors.positive import GAMMA, check_positive
from blrzoo.priors.spike_slab import SpikeSlab

__all__ = ["BayesA", "BayesB"]

_NU = "It is the degrees of freedom of the local variances; leave it out for 4."


class BayesA(Prior):
    r"""A variance for each feature: the effects have a scaled t distribution.

    Density
        :math:`\beta_j | \tau^2_j \sim N(0, \tau^2_j)`,
        :math:`\tau^2_j \sim` scaled-inverse-:math:`\chi^2(\nu, S^2)`, so that
        :math:`\beta_j \sim S\, t_\nu`; :math:`S^2 \sim Gamma(a, b)` with rate b.
    Full conditionals
        :math:`\tau^2_j | rest \sim` scaled-inverse-:math:`\chi^2(\nu + 1,
        (\nu S^2 + \beta_j^2) / (\nu + 1))`,
        :math:`S^2 | rest \sim Gamma(a + p\nu/2, b + \frac{\nu}{2} \sum_j 1/\tau^2_j)`;
        :math:`\beta` as in `Prior`, feature by feature.
    Other names
        BayesA (BGLR, hibayes, JWAS), bayesA (qgg), scaled-t prior. BGLR learns the scale as well;
        its ``S0`` is :math:`\nu S^2`.

    Parameters
    ----------
    nu : float, default 4
        Degrees of freedom of the t distribution, fixed.
    S2 : None, number, (shape, rate) or ``.dist()``
        Squared scale of the t distribution, in squared units of y per unit of x. Default
        ``(2, 2 / m)`` with prior mean ``m = (nu - 2) / nu * h2 var(y) / sum_j var(x_j)``, so that
        effects have the prior variance ``h2 var(y) / sum_j var(x_j)``; for nu <= 2 with
        ``(nu + 2) / nu`` for the first factor, so that this is the mode of :math:`\tau^2_j`.

    Raises
    ------
    ValueError, TypeError
        For a nu or S2 of a wrong type or not positive.

    References
    ----------
    .. [1] Meuwissen, Hayes & Goddard (2001). Prediction of total genetic value using genome-wide
       dense marker maps. Genetics 157:1819-1829.
    .. [2] Perez & de los Campos (2014). Genome-wide regression and prediction with the BGLR
       statistical package. Genetics 198:483-495.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.regression(data.X, data.y, prior=blr.priors.BayesA(nu=5))
    >>> sorted(rv.name for rv in model.free_RVs)
    ['S2', 'beta', 'mu', 'sigma2', 'tau2']
    >>> model.named_vars_to_dims["tau2"]
    ('feature',)
    """

    scales: Mapping[str, float] = MappingProxyType({"tau2": 2.0, "S2": 2.0})

    def __init__(self, *, nu: float = 4.0, S2: Parameter = None) -> None:
        self.nu = check_positive("nu", nu, _NU)
        self.S2 = check_parameter("S2", S2, GAMMA)

    def variables(self) -> Variables:
        """Make ``S2`` and ``tau2`` (feature)."""
        return local_variances(self)

    def variance(self, v: Variables) -> TensorVariable:
        """Variance of each effect, ``tau2``."""
        return v["tau2"]

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of ``tau2`` given the effects, and of ``S2`` given ``tau2``."""
        return local_conditionals(self, v, 1, effects)


class BayesB(SpikeSlab):
    r"""BayesA with a spike: an effect is zero, or from a scaled t distribution.

    Density
        :math:`\delta_j \sim Bernoulli(\pi)`, :math:`\beta_j = 0` where :math:`\delta_j = 0`,
        :math:`\beta_j | \delta_j = 1 \sim N(0, \tau^2_j)`,
        :math:`\tau^2_j \sim` scaled-inverse-:math:`\chi^2(\nu, S^2)`,
        :math:`S^2 \sim Gamma(a, b)` with rate b, :math:`\pi \sim Beta(a, b)`.
    Full conditionals
        :math:`\tau^2_j | rest \sim` scaled-inverse-:math:`\chi^2(\nu + \delta_j,
        (\nu S^2 + \beta_j^2) / (\nu + \delta_j))`, which is the prior for an excluded feature;
        :math:`S^2 | rest \sim Gamma(a + p\nu/2, b + \frac{\nu}{2} \sum_j 1/\tau^2_j)`, over all
        features, as in BGLR; :math:`\pi` as in `SpikeSlab`; :math:`\delta_j, \beta_j` as one
        block given :math:`\tau^2_j` (see `MixturePrior`).
    Other names
        BayesB (BGLR, JWAS), BayesB and BayesBpi (hibayes).

    Parameters
    ----------
    nu : float, default 4
        Degrees of freedom of the t distribution, fixed.
    S2 : None, number, (shape, rate) or ``.dist()``
        Squared scale of the t distribution, in squared units of y per unit of x. Default
        ``(2, 2 / m)`` with prior mean ``m = (nu - 2) / nu * v``, so that included effects have
        the prior variance ``v = h2 var(y) / (max(s, 1) mean_j var(x_j))``,
        ``s = min(p / 2, sqrt(n))`` or, if `pi` is given, ``E[pi] p``; for nu <= 2 with
        ``(nu + 2) / nu`` for the first factor, so that v is the mode of :math:`\tau^2_j`.
    pi : None, number, (a, b) or ``.dist()``
        Probability that a feature is included. Default ``(1, sqrt((p - s) / s))`` with
        ``s = min(p / 2, sqrt(n))``.

    Raises
    ------
    ValueError, TypeError
        For a nu or S2 of a wrong type or not positive, and a pi outside (0, 1).

    Notes
    -----
    A learned S2 moves slowly where most of many features are excluded: their local variances
    are draws from their prior, which hold it where it is. Fix S2 then.

    References
    ----------
    .. [1] Meuwissen, Hayes & Goddard (2001). Genetics 157:1819-1829.
    .. [2] Cheng, Qu, Garrick & Fernando (2015). A fast and efficient Gibbs sampler for BayesB in
       whole-genome analyses. Genetics Selection Evolution 47:80.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.regression(data.X, data.y, prior=blr.priors.BayesB(S2=0.1, pi=(1, 9)))
    >>> sorted(rv.name for rv in model.free_RVs)
    ['beta', 'delta', 'mu', 'pi', 'sigma2', 'tau2']
    """

    scales: Mapping[str, float] = MappingProxyType({"tau2": 2.0, "S2": 2.0})

    def __init__(self, *, nu: float = 4.0, S2: Parameter = None, pi: Parameter = None) -> None:
        super().__init__(pi=pi)
        self.nu = check_positive("nu", nu, _NU)
        self.S2 = check_parameter("S2", S2, GAMMA)

    def variables(self) -> Variables:
        """Make ``S2``, ``tau2`` (feature) and ``pi``."""
        return {**local_variances(self), "pi": self.pi_variable()}

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """The spike at zero and, for each feature, its own slab."""
        _, log_weights = super().components({**v, "tau2": pt.constant(0.0)})
        return pt.stack([pt.zeros_like(v["tau2"]), v["tau2"]], axis=1), log_weights

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of ``tau2`` and ``pi`` given effects and indicators, and of ``S2``."""
        own = local_conditionals(self, v, v["delta"], effects)
        return super().conditionals(v, effects) | own


def local_variances(prior: BayesA | BayesB) -> Variables:
    """Make ``S2`` and the variances ``tau2`` (feature) of a prior with nu and S2."""
    v = prior.expected_variance()
    mean = float(VARIANCE.mean(prior.nu, 1.0))
    formulas = (
        "mean = nu / (nu - 2) if nu > 2 else nu / (nu + 2)",
        "shape = 2",
        "rate = 2 * mean / v",
    )
    default = v.then((2.0, 2.0 / (v.value / mean)), *formulas, nu=prior.nu)
    S2 = parameter("S2", prior.S2, GAMMA, default)
    half = np.float64(prior.nu / 2)
    tau2 = pm.InverseGamma("tau2", alpha=half, beta=half * S2, dims="feature")
    return {"S2": S2, "tau2": tau2}


def local_conditionals(
    prior: BayesA | BayesB, v: Variables, count: TensorVariable | int, effects: TensorVariable
) -> dict[TensorVariable, TensorVariable | None]:
    """Full conditionals of ``tau2``, each given `count` effects, and of ``S2``."""
    half = np.float64(prior.nu / 2)
    precision = pt.sum(1 / v["tau2"])
    return {
        v["tau2"]: conjugate.inverse_gamma(v["tau2"], count, effects**2),
        v["S2"]: conjugate.gamma(v["S2"], prior.data.size * half, half * precision),
    }
