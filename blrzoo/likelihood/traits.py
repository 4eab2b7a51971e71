"""The part that all models of several traits share: intercepts, covariates, residual covariance."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.partial_normal import PartialNormal, completed
from blrzoo.likelihood.residual import ResidualSums, sums_over_rows
from blrzoo.likelihood.single import (
    default_gamma,
    default_mu,
    default_noise,
    default_sigma2,
    power,
    root_weights,
)
from blrzoo.ops.small import inverse_log_determinant, product
from blrzoo.priors import conjugate
from blrzoo.priors.covariance import check_covariance, covariance
from blrzoo.priors.multivariate.ridge import Form, check_form
from blrzoo.priors.parameters import NORMAL, VARIANCE, check_parameter, parameter
from blrzoo.priors.scale import DataSummary
from blrzoo.terms import Term

__all__ = ["TraitLikelihood"]


@dataclass(frozen=True)
class TraitLikelihood:
    r"""``Y = mu + (W - center) Gamma + (X - center) B + E``, ``e_i ~ N_T(0, Sigma_e / weight_i)``.

    Full conditionals, with R the residual times square roots of the weights: :math:`\mu | rest` and
    :math:`\Gamma | rest` are normal, :math:`\Sigma_e | rest \sim` IW(:math:`\nu + n, S + R'R`), or,
    diagonal, scaled-inverse-:math:`\chi^2` for each trait.

    Traits that were not measured are integrated out: the model's density is that of the measured
    ones. In each sweep, the Gibbs step draws the others given these and everything else, and then
    all the rest given the completed rows [1]_. Rows without any trait are ``y_missing``, drawn
    given everything else, and nothing is drawn given them.

    Where the density of y is raised to a power t, the conditionals of the other parameters have
    Sigma_e / t in place of Sigma_e, and that of Sigma_e has t n and t R'R in place of n and R'R.
    This does not hold where traits were not measured.

    The methods are those that `blrzoo.likelihood.single.Likelihood` describes, with `precision` in
    place of `variance`.

    Parameters
    ----------
    mu, gamma : None, number, (mean, sd) or ``.dist()``
        Intercepts, (trait), and effects of the covariates, (covariate, trait). Defaults
        ``(mean(y_t), 10 sd(y_t))`` and ``(0, 10 sd(y_t) / sd(w_k))``.
    Sigma_e : None, number, matrix, (nu, S) or ``.dist()``
        Residual covariance, (trait, trait_bis), in products of units of y. Default
        ``(T + 3, S)`` with prior mean ``S / 2 = diag((1 - h2) var(y_t))``.
    residual : {"full", "diagonal"}, default "full"
        "diagonal": residuals of different traits are independent, with variances `sigma2`.
    sigma2 : None, number, (trait,), (nu, S2) or ``.dist()``
        For ``residual="diagonal"``: residual variances, (trait), in squared units of y. Default
        ``(4, S2)`` with prior mean ``2 S2 = (1 - h2) var(y_t)``.
    terms : tuple of Term
        Features and the priors of their effects, the main term first.

    References
    ----------
    .. [1] Tanner & Wong (1987). The calculation of posterior distributions by data augmentation.
       JASA 82:528-540.
    """

    #: Whether the data are observations, not sums over them.
    has_rows: ClassVar[bool] = True

    mu: Any = None
    gamma: Any = None
    Sigma_e: Any = None
    residual: Form = "full"
    sigma2: Any = None
    terms: tuple[Term, ...] = ()

    def __post_init__(self) -> None:
        check_form("residual", self.residual, {"Sigma_e": self.Sigma_e}, {"sigma2": self.sigma2})
        for name, family in (("mu", NORMAL), ("gamma", NORMAL), ("sigma2", VARIANCE)):
            object.__setattr__(self, name, check_parameter(name, getattr(self, name), family))
        object.__setattr__(self, "Sigma_e", check_covariance("Sigma_e", self.Sigma_e))

    def variables(self, data: DataSummary, h2: float) -> dict[str, TensorVariable]:
        """Make ``mu``, ``gamma`` (with covariates) and ``Sigma_e`` in the model on the context."""
        made = {"mu": parameter("mu", self.mu, NORMAL, default_mu(data), dims="trait")}
        if "covariate" in data.coords:
            default, dims = default_gamma(data), ("covariate", "trait")
            made["gamma"] = parameter("gamma", self.gamma, NORMAL, default, dims=dims)
        return made | self._residual(data, h2)

    def _residual(self, data: DataSummary, h2: float) -> dict[str, TensorVariable]:
        dims = ("trait", "trait_bis")
        if self.residual == "full":
            noise = default_noise(data, h2)
            mean = noise.then(np.diag(noise.value), "mean = diag(v)")
            return {"Sigma_e": covariance("Sigma_e", self.Sigma_e, mean, dims)}
        sigma2 = parameter("sigma2", self.sigma2, VARIANCE, default_sigma2(data, h2), dims="trait")
        matrix = sigma2[:, None] * np.eye(data.n_traits)
        return {"sigma2": sigma2, "Sigma_e": pm.Deterministic("Sigma_e", matrix, dims=dims)}

    def observe(self, v: dict[str, TensorVariable], model: pm.Model, y: np.ndarray) -> None:
        """Make the observed ``y`` and, where rows have none, the unobserved ``y_missing``."""
        measured = ~np.isnan(y)
        if not measured.all():
            pm.Data("measured", measured, dims=("obs", "trait"))
        # A constant where cells are missing: PyMC would impute those of an array.
        observed = y if measured.all() else pt.constant(y)
        family, parameters = self._distribution(v, model)
        family("y", **parameters, observed=observed, dims=("obs", "trait"))
        if "_missing" in self.terms[0].designs:
            family, parameters = self._distribution(v, model, "_missing")
            family("y_missing", **parameters, dims=("obs_missing", "trait"))

    def _distribution(
        self, v: dict[str, TensorVariable], model: pm.Model, rows: str = ""
    ) -> tuple[Any, dict[str, Any]]:
        """Family and parameters of y in the rows with y, or ("_missing") without."""
        mean, cov = self.mean(v, model, rows), v["Sigma_e"]
        measured = model.named_vars.get("measured") if not rows else None
        weights = model.named_vars.get(f"weights{rows}")
        if measured is None and weights is None:
            return pm.MvNormal, {"mu": mean, "cov": cov}
        T = len(model.coords["trait"])
        known = np.ones((len(model.coords[f"obs{rows}"]), T), dtype=bool)
        if measured is not None:
            known = measured.get_value().astype(bool)
        return PartialNormal, {"mu": mean, "cov": cov, "known": known, "weights": weights}

    def mean(self, v: dict[str, TensorVariable], model: pm.Model, rows: str = "") -> TensorVariable:
        """Mean of y, (obs, trait), in the rows with y, or ("_missing") without."""
        return sum((t.mean(model, rows) for t in self.terms), self.base(v, model, rows))

    def base(self, v: dict[str, TensorVariable], model: pm.Model, rows: str = "") -> TensorVariable:
        """Mean of y without the features: ``mu + (W - center) gamma``."""
        if "gamma" not in v:
            return v["mu"]
        return v["mu"] + product(model[f"W{rows}"] - model["W_center"], v["gamma"])

    def response(self, v: dict[str, TensorVariable], model: pm.Model) -> TensorVariable:
        """Partial residual of the features, (obs, trait), times square roots of the weights."""
        return pt.atleast_1d(root_weights(model))[:, None] * (model["y"] - self.base(v, model))

    def precision(self, v: dict[str, TensorVariable], model: pm.Model) -> TensorVariable:
        """Residual precision that the effects are drawn with, (trait, trait_bis)."""
        precision, _ = inverse_log_determinant(v["Sigma_e"])
        return power(model) * precision

    def augmentation(
        self, v: dict[str, TensorVariable], fit: TensorVariable, model: pm.Model
    ) -> TensorVariable | None:
        """Conditional of the complete y, (obs, trait), given its measured cells, or None.

        `fit` is X beta of all terms, times square roots of the weights.
        """
        if "measured" not in model.named_vars:
            return None
        mean = self.base(v, model) + fit / pt.atleast_1d(root_weights(model))[:, None]
        known = model["measured"].get_value().astype(bool)
        weights = model.named_vars.get("weights")
        return completed(model["y"], mean, v["Sigma_e"], known, weights)

    def sums(
        self, v: dict[str, TensorVariable], residual: TensorVariable, model: pm.Model
    ) -> ResidualSums:
        """Sums of the residual, (obs, trait), which is times square roots of the weights."""
        W = model["W"] - model["W_center"] if "gamma" in v else None
        return sums_over_rows(residual, root_weights(model), W)

    def fit_variance(self, fit: TensorVariable, model: pm.Model) -> TensorVariable:
        """Variances of X beta over the observations, (trait,), from the fit of the main term."""
        fit = fit / pt.atleast_1d(root_weights(model))[:, None]
        return pt.var(fit - fit[0], axis=0)  # of differences: compiles in a third of the time

    def conditionals(
        self, v: dict[str, TensorVariable], residual: TensorVariable, model: pm.Model
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals, given the residual that `sums` reads."""
        precision, r = self.precision(v, model), self.sums(v, residual, model)
        found = {
            **self._mean_conditional(v, r, precision),
            **self._gamma_conditional(v, r, precision),
            **self._residual_conditional(v, r, power(model)),
        }
        if "y_missing" in model.named_vars:
            family, parameters = self._distribution(v, model, "_missing")
            found[model["y_missing"]] = family.dist(**parameters)
        return found

    def _mean_conditional(
        self, v: dict[str, TensorVariable], r: ResidualSums, precision: TensorVariable
    ) -> dict[TensorVariable, TensorVariable]:
        mu = v["mu"]
        linear = pt.sum(precision * (r.total + r.weight * mu), axis=1)
        return {mu: conjugate.multivariate_normal(mu, r.weight * precision, linear)}

    def _gamma_conditional(
        self, v: dict[str, TensorVariable], r: ResidualSums, precision: TensorVariable
    ) -> dict[TensorVariable, TensorVariable]:
        if "gamma" not in v:
            return {}
        gamma, cross = v["gamma"], r.covariates
        linear = product(r.projection + product(cross, gamma), precision)
        size = cross.shape[0] * precision.shape[0]
        both = cross[:, None, :, None] * precision[None, :, None, :]
        return {gamma: conjugate.multivariate_normal(gamma, both.reshape((size, size)), linear)}

    def _residual_conditional(
        self, v: dict[str, TensorVariable], r: ResidualSums, t: TensorVariable
    ) -> dict[TensorVariable, TensorVariable]:
        if self.residual == "diagonal":
            squares = t * pt.diagonal(r.squares)
            return {v["sigma2"]: conjugate.inverse_gamma(v["sigma2"], t * r.count, squares)}
        return {v["Sigma_e"]: conjugate.inverse_wishart(v["Sigma_e"], t * r.count, t * r.squares)}
