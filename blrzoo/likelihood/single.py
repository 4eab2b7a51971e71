"""The part that all single-trait models share: intercept, covariates and residual variance."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.likelihood.residual import ResidualSums, sums_over_rows
from blrzoo.priors import conjugate
from blrzoo.priors.computed import Computed
from blrzoo.priors.parameters import NORMAL, VARIANCE, check_parameter, parameter
from blrzoo.priors.scale import DataSummary
from blrzoo.terms import Term

__all__ = [
    "POWER",
    "Likelihood",
    "default_gamma",
    "default_mu",
    "default_noise",
    "default_sigma2",
    "power",
    "root_weights",
]

#: Name of the data variable that holds the power of the likelihood, where a model has one.
POWER = "likelihood_power"


@dataclass(frozen=True)
class Likelihood:
    r"""``y = mu + (W - center) gamma + (X - center) beta + e``, ``e_i ~ N(0, sigma2 / weight_i)``.

    Full conditionals, with r the residual times square roots of the weights: :math:`\mu | rest` and
    :math:`\gamma | rest` are normal, :math:`\sigma^2 | rest \sim`
    scaled-inverse-:math:`\chi^2(\nu + n, (\nu S^2 + r'r) / (\nu + n))`. Missing responses are drawn
    last, given everything else, and nothing is drawn given them: all else is drawn from the
    posterior given the known responses.

    Where the density of y is raised to a power t (`power`), the conditionals of the other
    parameters have sigma2 / t in place of sigma2, and that of sigma2 has t n and t r'r in place of
    n and r'r.

    A likelihood of another kind has the same methods, which building a model and the Gibbs step
    call; those of several traits have `precision` in place of `variance`.

    ================  ============================================================================
    ``variables``     makes its parameters in the model
    ``observe``       makes y, of the given values, and missing responses
    ``response``      partial residual of the features, times square roots of the weights; for sums
                      X*' times that
    ``variance``      residual variance that effects are drawn with; ``precision``: its inverse
    ``augmentation``  conditional of y where cells were not measured, or None
    ``sums``          `ResidualSums`, which ``conditionals`` reads
    ``conditionals``  full conditionals of its parameters and of missing responses
    ``fit_variance``  variance of X beta over the observations
    ================  ============================================================================

    Parameters
    ----------
    mu, gamma : None, number, (mean, sd) or ``.dist()``
        Intercept, () in units of y, and effects of the covariates, (covariate) in units of y per
        unit of the covariate. Defaults ``(mean(y), 10 sd(y))`` and ``(0, 10 sd(y) / sd(w_k))``.
    sigma2 : None, number, (nu, S2) or ``.dist()``
        Residual variance, in squared units of y. Default ``(4, S2)`` with prior mean
        ``2 S2 = (1 - h2) var(y)``.
    terms : tuple of Term
        Features and the priors of their effects, the main term first.
    """

    #: Whether the data are observations, not sums over them.
    has_rows: ClassVar[bool] = True

    mu: Any = None
    gamma: Any = None
    sigma2: Any = None
    terms: tuple[Term, ...] = ()

    def __post_init__(self) -> None:
        for name, family in (("mu", NORMAL), ("gamma", NORMAL), ("sigma2", VARIANCE)):
            object.__setattr__(self, name, check_parameter(name, getattr(self, name), family))

    def variables(self, data: DataSummary, h2: float) -> dict[str, TensorVariable]:
        """Make ``mu``, ``gamma`` (with covariates) and ``sigma2`` in the model on the context."""
        made = {"mu": parameter("mu", self.mu, NORMAL, default_mu(data))}
        if "covariate" in data.coords:
            default = default_gamma(data)
            made["gamma"] = parameter("gamma", self.gamma, NORMAL, default, dims="covariate")
        return made | {
            "sigma2": parameter("sigma2", self.sigma2, VARIANCE, default_sigma2(data, h2))
        }

    def observe(self, v: dict[str, TensorVariable], model: pm.Model, y: np.ndarray) -> None:
        """Make the observed ``y`` and, where rows have none, the unobserved ``y_missing``."""
        pm.Normal("y", *self.moments(v, model), observed=y, dims="obs")
        if "_missing" in self.terms[0].designs:
            pm.Normal("y_missing", *self.moments(v, model, "_missing"), dims="obs_missing")

    def moments(
        self, v: dict[str, TensorVariable], model: pm.Model, rows: str = ""
    ) -> tuple[TensorVariable, TensorVariable]:
        """Mean and standard deviation of y, (obs,), in the rows with y, or ("_missing") without."""
        sd = pt.sqrt(v["sigma2"]) / root_weights(model, rows)
        mean = sum((t.mean(model, rows) for t in self.terms), self.base(v, model, rows))
        return mean, sd

    def base(self, v: dict[str, TensorVariable], model: pm.Model, rows: str = "") -> TensorVariable:
        """Mean of y without the features: ``mu + (W - center) gamma``."""
        if "gamma" not in v:
            return v["mu"]
        return v["mu"] + pt.sum((model[f"W{rows}"] - model["W_center"]) * v["gamma"], axis=1)

    def response(self, v: dict[str, TensorVariable], model: pm.Model) -> TensorVariable:
        """Partial residual of the features, (obs,), times square roots of the weights."""
        return root_weights(model) * (model["y"] - self.base(v, model))

    def variance(self, v: dict[str, TensorVariable], model: pm.Model) -> TensorVariable:
        """Residual variance that the effects are drawn with, ()."""
        return v["sigma2"] / power(model)

    def augmentation(
        self, v: dict[str, TensorVariable], fit: TensorVariable, model: pm.Model
    ) -> None:
        """None: y of a row is known, or the row is one of those without y."""
        return None

    def sums(
        self, v: dict[str, TensorVariable], residual: TensorVariable, model: pm.Model
    ) -> ResidualSums:
        """Sums of the residual, (obs,), which is times square roots of the weights."""
        W = model["W"] - model["W_center"] if "gamma" in v else None
        return sums_over_rows(residual, root_weights(model), W)

    def fit_variance(self, fit: TensorVariable, model: pm.Model) -> TensorVariable:
        """Variance of X beta over the observations, (), from the fit of the main term."""
        return pt.var(fit / root_weights(model))

    def conditionals(
        self, v: dict[str, TensorVariable], residual: TensorVariable, model: pm.Model
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals, given the residual that `sums` reads."""
        mu, sigma2, r = v["mu"], v["sigma2"], self.sums(v, residual, model)
        t, variance = power(model), self.variance(v, model)
        linear = (r.total + r.weight * mu) / variance
        found = {mu: conjugate.normal(mu, r.weight / variance, linear)}
        if "gamma" in v:
            gamma = v["gamma"]
            linear = (r.projection + pt.sum(r.covariates * gamma, axis=1)) / variance
            found[gamma] = conjugate.multivariate_normal(gamma, r.covariates / variance, linear)
        found[sigma2] = conjugate.inverse_gamma(sigma2, t * r.count, t * r.squares)
        if "y_missing" in model.named_vars:
            found[model["y_missing"]] = pm.Normal.dist(*self.moments(v, model, "_missing"))
        return found


def default_mu(data: DataSummary) -> Computed:
    """Mean and SD of the default prior of intercepts, ([trait])."""
    sd = np.sqrt(data.y_variance)
    numbers = {"mean_y": data.y_mean, "sd_y": sd}
    return Computed((data.y_mean, 10 * sd), ("mean = mean_y", "sd = 10 * sd_y"), numbers)


def default_gamma(data: DataSummary) -> Computed:
    """Mean and SD of the default prior of effects of covariates, (covariate[, trait])."""
    sd_y, sd_W = np.sqrt(data.y_variance), np.sqrt(data.w_variance)
    if np.ndim(sd_y):
        sd_W = sd_W[:, None]
    numbers = {"sd_y": sd_y, "sd_W": sd_W}
    return Computed((0.0, 10 * sd_y / sd_W), ("mean = 0", "sd = 10 * sd_y / sd_W"), numbers)


def default_sigma2(data: DataSummary, h2: float) -> Computed:
    """Degrees of freedom and scale of the default prior of residual variances, ([trait])."""
    mean = default_noise(data, h2)
    return mean.then((4.0, mean.value / 2), "nu = 4", "S2 = v / 2")


def default_noise(data: DataSummary, h2: float) -> Computed:
    """Residual variances that default priors expect, ([trait])."""
    numbers = {"h2": h2, "var_y": data.y_variance}
    return Computed((1 - h2) * data.y_variance, ("v = (1 - h2) * var_y",), numbers)


def root_weights(model: pm.Model, rows: str = "") -> TensorVariable:
    """Square roots of the weights, (obs,), or 1 where there are none."""
    name = f"weights{rows}"
    return pt.sqrt(model[name]) if name in model.named_vars else pt.constant(1.0)


def power(model: pm.Model) -> TensorVariable:
    """Power that the density of y is raised to, (); 1 except in power posteriors."""
    return model[POWER] if POWER in model.named_vars else pt.constant(1.0)
