"""Likelihoods of sufficient statistics, in the place of those of observations."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pytensor.tensor.variable import TensorVariable

from blrzoo.likelihood.residual import ResidualSums
from blrzoo.likelihood.single import Likelihood
from blrzoo.ops.linear_predictor import LinearPredictor
from blrzoo.terms import Term

__all__ = ["Summary", "SummaryLikelihood"]

#: Name of the observed variable.
OBSERVED = "Xy"


@dataclass(frozen=True)
class Summary:
    """Sums over the observations, about the weighted means, O = diag(weights).

    Attributes
    ----------
    n, weight, log_weight : number of observations, sum of the weights and of their logarithms
    center : weighted mean of y
    Xy : (feature,) X*'Oy, of features divided by their units
    yy : () y'Oy
    XW, WW, Wy : (feature, covariate), (covariate, covariate), (covariate,); None without
    """

    n: TensorVariable
    weight: TensorVariable
    log_weight: TensorVariable
    center: TensorVariable
    Xy: TensorVariable
    yy: TensorVariable
    XW: TensorVariable | None = None
    WW: TensorVariable | None = None
    Wy: TensorVariable | None = None

    @classmethod
    def of(cls, data: xr.Dataset, unit: np.ndarray | None) -> "Summary":
        """Read checked statistics, features divided by units."""
        scale = np.ones(data.sizes["feature"]) if unit is None else unit
        found = {
            "n": data["n"],
            "weight": data["weight_sum"],
            "log_weight": data["log_weight_sum"],
            "center": data["y_center"],
            "Xy": data["Xy"].values / scale,
            "yy": data["yy"],
        }
        if "WW" in data:
            XW = data["XW"].values / scale[:, None]
            found |= {"XW": XW, "WW": data["WW"], "Wy": data["Wy"]}
        # Shared: a further set of statistics needs no other compiled code.
        return cls(
            **{
                name: pytensor.shared(np.array(value, dtype=np.float64), name=name)
                for name, value in found.items()
            }
        )


@dataclass(frozen=True)
class SummaryLikelihood(Likelihood):
    r"""The likelihood of one trait, through sums over the observations.

    With everything about the weighted means, :math:`O = diag(w)`, :math:`m = \bar y - \mu` and
    :math:`e = y - W\gamma`,

    .. math:: r'Or = m^2 \sum_i w_i + e'Oe - 2 \beta'X'Oe + \beta'X'OX\beta, \quad
       \log p(y) = -\tfrac n2 \log(2\pi\sigma^2) + \tfrac12 \sum_i \log w_i
       - \frac{r'Or}{2\sigma^2},

    which is that of the observations to rounding. The observed variable is X'Oy; there are no
    rows, so no leave-one-out, no posterior predictive and no missing responses.

    References
    ----------
    .. [1] Chan, Golub & LeVeque (1983). Algorithms for computing the sample variance: analysis
       and recommendations. The American Statistician 37:242-247 (sums about the means).
    """

    summary: Any = None

    @property
    def term(self) -> Term:
        """The only term: cross-products of its features with others are not in the sums."""
        (term,) = self.terms
        return term

    def observe(self, v: dict[str, TensorVariable], model: pm.Model, y: np.ndarray) -> None:
        """Make the observed X'Oy, whose density is that of the observations."""
        parameters = [v["mu"], self.term.beta(model), v["sigma2"]]
        parameters += [v["gamma"]] if "gamma" in v else []
        signature = "(),(feature),()" + (",(covariate)" if "gamma" in v else "") + "->(feature)"
        pm.CustomDist(
            OBSERVED,
            *parameters,
            logp=self._log_density,
            random=_no_draws,
            signature=signature,
            observed=y,
            dims="feature",
        )

    def _log_density(self, value: Any, mu: Any, beta: Any, sigma2: Any, gamma: Any = None) -> Any:
        """Log density of all observations; `value` is X'Oy as observed."""
        effects, unit = self.term.prior.data.per_sd(beta), self.term.design.unit
        response = self._response(value if unit is None else value / unit, gamma)
        fit = LinearPredictor(self.term.design.name)(*self.term.design.shared(), effects)
        squares = self._squares(mu, gamma, effects, response, response - fit)
        s = self.summary
        return (s.log_weight - s.n * pt.log(2 * np.pi * sigma2) - squares / sigma2) / 2

    def response(self, v: dict[str, TensorVariable], model: pm.Model) -> TensorVariable:
        """X'O times what is left for the features of y, (feature,)."""
        return self._response(self.summary.Xy, v.get("gamma"))

    def _response(self, Xy: Any, gamma: Any) -> Any:
        return Xy if gamma is None else Xy - pt.sum(self.summary.XW * gamma, axis=1)

    def _squares(self, mu: Any, gamma: Any, effects: Any, response: Any, residual: Any) -> Any:
        """r'Or, never below what the intercept alone adds."""
        s = self.summary
        about = s.yy
        if gamma is not None:
            about = about - 2 * pt.sum(gamma * s.Wy) + pt.sum(gamma * pt.sum(s.WW * gamma, axis=1))
        about = about - pt.sum(effects * (response + residual))
        return s.weight * (s.center - mu) ** 2 + pt.maximum(about, 0.0)

    def sums(
        self, v: dict[str, TensorVariable], residual: TensorVariable, model: pm.Model
    ) -> ResidualSums:
        """Sums of the residual, of which X'Or is given."""
        s, gamma, effects = self.summary, v.get("gamma"), self.term.scaled_effects(model)
        response = self.response(v, model)
        found = ResidualSums(
            count=s.n,
            weight=s.weight,
            total=s.weight * (s.center - v["mu"]),
            squares=self._squares(v["mu"], gamma, effects, response, residual),
        )
        if gamma is None:
            return found
        projection = s.Wy - pt.sum(s.WW * gamma, axis=1) - pt.sum(s.XW * effects[:, None], axis=0)
        return found._replace(covariates=s.WW, projection=projection)

    def fit_variance(self, fit: Any, model: pm.Model) -> TensorVariable:
        """Weighted variance of X beta over the observations, from X'OX beta."""
        return pt.sum(self.term.scaled_effects(model) * fit) / self.summary.weight


def _no_draws(*parameters: Any, **kwargs: Any) -> Any:
    raise ValueError(
        "model must have observations to draw y from, got one of sufficient statistics, whose y "
        "is not known row by row. Make the model of X and y, or predict rows with blrzoo.predict."
    )
