"""The part that all single-trait models share: intercept, covariates and residual variance."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.priors import conjugate
from blrzoo.priors.parameters import NORMAL, VARIANCE, check_parameter, parameter
from blrzoo.priors.scale import DataSummary

__all__ = ["Likelihood"]


@dataclass(frozen=True)
class Likelihood:
    r"""``y = mu + (W - center) gamma + (X - center) beta + e``, ``e ~ N(0, sigma2 I)``.

    Full conditionals, with r the residual of everything:
    :math:`\mu | rest` and :math:`\gamma | rest` are normal, :math:`\sigma^2 | rest \sim`
    scaled-inverse-:math:`\chi^2(\nu + n, (\nu S^2 + r'r) / (\nu + n))`.

    Parameters
    ----------
    mu, gamma : None, number, (mean, sd) or ``.dist()``
        Intercept, () in units of y, and effects of the covariates, (covariate) in units of y per
        unit of the covariate. Defaults ``(mean(y), 10 sd(y))`` and ``(0, 10 sd(y) / sd(w_k))``.
    sigma2 : None, number, (nu, S2) or ``.dist()``
        Residual variance, in squared units of y. Default ``(4, S2)`` with prior mean
        ``2 S2 = (1 - h2) var(y)``.
    """

    mu: Any = None
    gamma: Any = None
    sigma2: Any = None

    def __post_init__(self) -> None:
        for name, family in (("mu", NORMAL), ("gamma", NORMAL), ("sigma2", VARIANCE)):
            object.__setattr__(self, name, check_parameter(name, getattr(self, name), family))

    def variables(self, data: DataSummary, h2: float) -> dict[str, TensorVariable]:
        """Make ``mu``, ``gamma`` (with covariates) and ``sigma2`` in the model on the context."""
        sd = np.sqrt(data.y_variance)
        made = {"mu": parameter("mu", self.mu, NORMAL, (data.y_mean, 10 * sd))}
        if "covariate" in data.coords:
            default = (0.0, 10 * sd / np.sqrt(data.w_variance))
            made["gamma"] = parameter("gamma", self.gamma, NORMAL, default, dims="covariate")
        default = (4.0, (1 - h2) * data.y_variance / 2)
        return made | {"sigma2": parameter("sigma2", self.sigma2, VARIANCE, default)}

    def base(self, v: dict[str, TensorVariable], model: pm.Model) -> TensorVariable:
        """Everything in the mean of y but the features: ``mu + (W - center) gamma``."""
        return v["mu"] + centered(model, "W") @ v["gamma"] if "gamma" in v else v["mu"]

    def conditionals(
        self, v: dict[str, TensorVariable], residual: TensorVariable, model: pm.Model
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals given the residual, (obs,): y minus everything in its mean."""
        mu, sigma2 = v["mu"], v["sigma2"]
        n = residual.shape[0]
        found = {mu: conjugate.normal(mu, n / sigma2, (residual.sum() + n * mu) / sigma2)}
        if "gamma" in v:
            gamma, W = v["gamma"], centered(model, "W")
            cross = W.T @ W
            linear = (W.T @ residual + cross @ gamma) / sigma2
            found[gamma] = conjugate.multivariate_normal(gamma, cross / sigma2, linear)
        return found | {sigma2: conjugate.inverse_gamma(sigma2, n, pt.sum(residual**2))}


def centered(model: pm.Model, name: str) -> TensorVariable:
    """A data matrix of the model, minus the centers that the model holds beside it."""
    return model[name] - model[f"{name}_center"]
