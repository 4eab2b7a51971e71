"""Likelihoods of sufficient statistics, in place of those of observations."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.normal_sums import NormalSums, inner, residual_squares
from blrzoo.likelihood.residual import ResidualSums
from blrzoo.likelihood.single import Likelihood
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.ops.linear_predictor import LinearPredictor
from blrzoo.ops.small import product
from blrzoo.terms import Term

__all__ = ["Summary", "SummaryLikelihood", "TraitSummaryLikelihood", "from_sums"]

#: Name of the observed variable.
OBSERVED = "Xy"


@dataclass(frozen=True)
class Summary:
    """Sums over the observations, about the weighted means, with O = diag(weights).

    X are the features divided by their units.

    Attributes
    ----------
    n, weight, log_weight : ()
        Number of observations, sum of their weights, and sum of the logarithms of these.
    center : ([trait])
        Weighted mean of y.
    Xy : (feature[, trait])
        X'Oy.
    yy : () or (trait, trait)
        y'Oy.
    XW, WW, Wy : (feature, covariate), (covariate, covariate), (covariate[, trait])
        X'OW, W'OW and W'Oy; None without covariates.
    """

    n: TensorVariable
    weight: TensorVariable
    log_weight: TensorVariable
    center: TensorVariable
    Xy: TensorVariable
    yy: TensorVariable
    XW: Any = None
    WW: Any = None
    Wy: Any = None

    @classmethod
    def of(cls, data: xr.Dataset, unit: np.ndarray | None) -> "Summary":
        """Read checked statistics, and divide features by units."""
        scale = np.ones(data.sizes["feature"]) if unit is None else unit
        found = {
            "n": data["n"],
            "weight": data["weight_sum"],
            "log_weight": data["log_weight_sum"],
            "center": data["y_center"],
            "Xy": (data["Xy"].values.T / scale).T,
            "yy": data["yy"],
        }
        if "WW" in data:
            XW = data["XW"].values / scale[:, None]
            found |= {"XW": XW, "WW": data["WW"], "Wy": data["Wy"]}
        # Shared variables: other statistics of this kind use the same compiled code.
        return cls(
            **{
                name: pytensor.shared(np.array(value, dtype=np.float64), name=name)
                for name, value in found.items()
            }
        )

    def response(self, gamma: TensorVariable | None) -> TensorVariable:
        """X'O times the partial residual of the features, (feature[, trait])."""
        return self.Xy if gamma is None else self.Xy - _times(self.XW, gamma)

    def rest(
        self,
        mu: TensorVariable,
        gamma: TensorVariable | None,
        effects: TensorVariable,
        fit: TensorVariable,
    ) -> TensorVariable:
        """r'Or without the products of the effects and X'Oy, given the fit X'OX beta."""
        gap = (self.center - mu)[None]
        found = self.yy + self.weight * inner(gap, gap) + inner(effects, fit)
        if gamma is None:
            return found
        twice = 2 * (self.Wy - _times(self.XW.T, effects))
        return found - inner(gamma, twice - _times(self.WW, gamma))

    def residual(
        self,
        mu: TensorVariable,
        gamma: TensorVariable | None,
        effects: TensorVariable,
        cross: TensorVariable,
    ) -> ResidualSums:
        """Sums of the residual, of which X'Or is given."""
        rest = self.rest(mu, gamma, effects, self.response(gamma) - cross)
        found = ResidualSums(
            count=self.n,
            weight=self.weight,
            total=self.weight * (self.center - mu),
            squares=residual_squares(effects, self.Xy, rest),
        )
        if gamma is None:
            return found
        projection = self.Wy - _times(self.WW, gamma) - _times(self.XW.T, effects)
        return found._replace(covariates=self.WW, projection=projection)


@dataclass(frozen=True)
class _FromSums:
    """Methods that likelihoods of one trait and of several share where the data are sums."""

    #: Name of the residual variance or covariance.
    noise: ClassVar[str]
    has_rows = False

    terms: tuple[Term, ...] = ()
    summary: Any = None

    @property
    def term(self) -> Term:
        """The only term: products of its features with others are not in the sums."""
        (term,) = self.terms
        return term

    def observe(self, v: dict[str, TensorVariable], model: pm.Model, y: np.ndarray) -> None:
        """Make the observed X'Oy, whose density is that of the observations."""
        s, term, beta = self.summary, self.term, self.term.beta(model)
        effects = term.scaled_effects(model)
        fit = LinearPredictor(term.design.name)(*term.design.shared(), effects)
        rest = s.rest(v["mu"], v.get("gamma"), effects, fit)
        parameters = beta, rest, v[self.noise], s.n, s.log_weight
        dims = model.named_vars_to_dims["beta"]
        NormalSums(OBSERVED, *parameters, observed=y, dims=dims)

    def response(self, v: dict[str, TensorVariable], model: pm.Model) -> TensorVariable:
        """X'O times the partial residual of the features, (feature[, trait])."""
        return self.summary.response(v.get("gamma"))

    def sums(
        self, v: dict[str, TensorVariable], residual: TensorVariable, model: pm.Model
    ) -> ResidualSums:
        """Sums of the residual, of which X'Or is given."""
        effects = self.term.scaled_effects(model)
        return self.summary.residual(v["mu"], v.get("gamma"), effects, residual)

    def fit_variance(self, fit: TensorVariable, model: pm.Model) -> TensorVariable:
        """Weighted variance of X beta over the observations, ([trait]), from X'OX beta."""
        effects = self.term.scaled_effects(model)
        return pt.sum(effects * fit, axis=0) / self.summary.weight


@dataclass(frozen=True)
class SummaryLikelihood(_FromSums, Likelihood):
    r"""The likelihood of one trait, from sums over the observations [1]_.

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

    noise = "sigma2"


@dataclass(frozen=True)
class TraitSummaryLikelihood(_FromSums, TraitLikelihood):
    r"""The likelihood of several traits, from sums over the observations.

    With R'OR in place of r'Or, a matrix (trait, trait) of the same form
    (see `SummaryLikelihood`),

    .. math:: \log p(Y) = -\tfrac{nT}2 \log 2\pi + \tfrac T2 \sum_i \log w_i
       - \tfrac n2 \log|\Sigma_e| - \tfrac12 tr(\Sigma_e^{-1} R'OR).

    All traits must be measured in all observations.
    """

    noise = "Sigma_e"


def from_sums(
    likelihood: Likelihood | TraitLikelihood, terms: Sequence[Term], summary: Summary
) -> SummaryLikelihood | TraitSummaryLikelihood:
    """Make the likelihood with the same parameters, from sums.

    Parameters
    ----------
    likelihood : Likelihood or TraitLikelihood
        A likelihood of observations, without its terms.
    terms : sequence of Term
        One term, with a design of cross-products.
    summary : Summary
        All other sums.

    Returns
    -------
    SummaryLikelihood or TraitSummaryLikelihood
    """
    several = isinstance(likelihood, TraitLikelihood)
    kind = TraitSummaryLikelihood if several else SummaryLikelihood
    given = {each.name: getattr(likelihood, each.name) for each in fields(likelihood)}
    return kind(**given | {"terms": tuple(terms), "summary": summary})


def _times(matrix: TensorVariable | np.ndarray, columns: TensorVariable) -> TensorVariable:
    """A matrix times a vector, or times a column for each trait."""
    return pt.sum(matrix * columns, axis=1) if columns.ndim == 1 else product(matrix, columns)
