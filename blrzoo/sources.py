"""Where a model's data come from, observations or sums over them, and what each adds to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from blrzoo.checks import Choice
from blrzoo.data import RegressionData, check_data
from blrzoo.designs.base import DESIGNS, SUMS
from blrzoo.designs.read import read_design
from blrzoo.likelihood.single import Likelihood
from blrzoo.likelihood.summary import Summary, from_sums
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.priors.scale import DataSummary, warn_of_units
from blrzoo.statistics.build import reduce_data
from blrzoo.statistics.check import check_statistics
from blrzoo.statistics.layout import as_dataset
from blrzoo.statistics.read import read_data
from blrzoo.statistics.variation import check_variation
from blrzoo.storage.forms import as_float, form_of
from blrzoo.terms import Designs, Term

__all__ = ["KEPT", "Observations", "Source", "Sums", "add_constant", "read_source"]

#: X of at most this many bytes in float64 is kept with the draws, for functions that read them.
KEPT = 10_000_000

_Likelihood = Likelihood | TraitLikelihood


class Source(Protocol):
    """What a model needs of its data."""

    @property
    def coords(self) -> dict[str, np.ndarray]:
        """Labels by dim."""

    @property
    def observed(self) -> np.ndarray:
        """Values of the observed variable."""

    def summary(self, standardize: bool) -> DataSummary:
        """What priors may know about the data."""

    def bind(self, likelihood: _Likelihood, terms: Sequence[Term]) -> _Likelihood:
        """The likelihood of these data, with its terms."""

    def add_features(self, model: pm.Model, unit: np.ndarray | None) -> Designs:
        """Add what read-outs need of X, and return the designs of X, divided by units if given."""

    def add_rows(self, model: pm.Model) -> None:
        """Add covariates, their centers, and weights, as far as there are any."""


@dataclass(frozen=True)
class Observations:
    """Rows of X and y.

    Attributes
    ----------
    data : RegressionData
        Checked data.
    center : bool
        Whether X and W are centered.
    design : str
        Name of the design of X; "auto" for that of its form.
    """

    data: RegressionData
    center: bool
    design: str = "auto"

    @property
    def coords(self) -> dict[str, np.ndarray]:
        """Labels by dim."""
        return self.data.coords

    @property
    def observed(self) -> np.ndarray:
        """y."""
        return self.data.y

    def summary(self, standardize: bool) -> DataSummary:
        """What priors may know about the data; warns of columns in different units."""
        if not standardize:
            warn_of_units(self.data)
        return DataSummary.of(self.data, standardize)

    def bind(self, likelihood: _Likelihood, terms: Sequence[Term]) -> _Likelihood:
        """The likelihood with its terms."""
        return replace(likelihood, terms=tuple(terms))

    def add_features(self, model: pm.Model, unit: np.ndarray | None) -> Designs:
        """Add centers, units and X as given, or variances of the features where X is large."""
        data, fill = self.data, self.data.x_moments.mean
        _add_columns(model, self._center, unit)
        if not _is_kept(data):
            _add_variance(model, data.x_variance, data.n)
        if form_of(data.X) == "genotypes":  # for missing codes of new rows
            add_constant(model, "X_fill", fill, ("feature",))
        for rows, part in (("", data), ("_missing", data.missing)):
            if part is not None and _is_kept(part):
                X = as_float(part.X)
                X = np.where(np.isnan(X), fill, X)
                add_constant(model, f"X{rows}", X, (f"obs{rows}", "feature"))
        return self._designs(unit)

    def _designs(self, unit: np.ndarray | None) -> Designs:
        """X of the rows with y and of those without."""
        data, center = self.data, self._center
        designs: Designs = {"": read_design(data.X, center, data.weights, unit, self.design)}
        if data.missing is not None:
            rows, X = data.missing, data.missing.X
            if np.isnan(as_float(X)).any():  # missing codes get the means of the rows with y
                X = np.where(np.isnan(as_float(X)), data.x_moments.mean, as_float(X))
            designs["_missing"] = read_design(X, center, rows.weights, unit)
        return designs

    @property
    def _center(self) -> np.ndarray:
        return self.data.x_moments.mean * self.center

    def add_rows(self, model: pm.Model) -> None:
        """Add covariates, their centers, and weights."""
        if self.data.W.shape[1]:
            means = np.average(self.data.W, axis=0, weights=self.data.weights)
            pm.Data("W_center", means * self.center, dims="covariate")
        _add_rows(model, self.data, "")
        if self.data.missing is not None:
            _add_rows(model, self.data.missing, "_missing")


@dataclass(frozen=True)
class Sums:
    """Sufficient statistics, as `blrzoo.sufficient_statistics` makes them.

    Attributes
    ----------
    data : xarray.Dataset
        Checked statistics.
    design : str
        Name of the design of the cross-products.
    """

    data: xr.Dataset
    design: str = "gram"

    @property
    def coords(self) -> dict[str, np.ndarray]:
        """Labels by dim."""
        return self.summary(standardize=False).coords

    @property
    def observed(self) -> np.ndarray:
        """X'Oy, with features as given."""
        return self.data["Xy"].values

    def summary(self, standardize: bool) -> DataSummary:
        """What priors may know about the data."""
        return DataSummary.of_statistics(self.data, standardize)

    def bind(self, likelihood: _Likelihood, terms: Sequence[Term]) -> _Likelihood:
        """The likelihood of the observations, from these sums."""
        return from_sums(likelihood, terms, Summary.of(self.data, terms[0].design.unit))

    def add_features(self, model: pm.Model, unit: np.ndarray | None) -> Designs:
        """Add centers, which predictions use, units, and variances of the features."""
        _add_columns(model, self.data["X_center"].values, unit)
        _add_variance(model, self.data["X_variance"].values, int(self.data["n"]))
        kind: Any = DESIGNS[self.design]
        return {"": kind(self.data["XX"].values, unit)}

    def add_rows(self, model: pm.Model) -> None:
        """Add centers of covariates."""
        if "covariate" in self.data.dims:
            add_constant(model, "W_center", self.data["W_center"].values, ("covariate",))


def read_source(
    X: Any,
    y: Any,
    *,
    covariates: Any,
    weights: Any,
    missing: str,
    traits: bool,
    center: bool,
    design: str,
) -> Source:
    """Read the arguments of a model, observations or sufficient statistics.

    Parameters
    ----------
    X, y, covariates, weights, missing, center, design
        As for `blrzoo.regression`.
    traits : bool
        Whether the prior is for several traits.

    Returns
    -------
    Source

    Raises
    ------
    TypeError, ValueError
        For data that are refused.
    """
    given = {"Y" if traits else "y": y, "covariates": covariates, "weights": weights}
    if _is_statistics(X):
        _refuse_beside(given, missing, center)
        check_statistics(X, "X")
        check_variation(X)
        return Sums(_of_traits(X) if traits else _of_one_trait(X), _of_sums(design))
    Choice(("auto", *DESIGNS), default="auto").check("design", design)
    form = "auto" if design == "auto" else DESIGNS[design].form
    if form == SUMS:
        _refuse_beside({}, missing, center)
        read = read_data(X, y, covariates, weights, traits=traits, part=False)
        return Sums(reduce_data(read, show=True), design)
    data = check_data(X, y, covariates, weights=weights, missing=missing, traits=traits, form=form)
    return Observations(data, center, design)


def _of_sums(design: str) -> str:
    """Name of the design for sufficient statistics."""
    serving = tuple(name for name, kind in DESIGNS.items() if kind.form == SUMS)
    remedy = "Sufficient statistics hold no rows: leave it out, or make the model of X and y."
    Choice(("auto", *serving), advice=remedy).check("design", design)
    return "gram" if design == "auto" else design


def _is_statistics(X: object) -> bool:
    return isinstance(X, xr.Dataset) and ("blrzoo" in X.attrs or "XX" in X)


def _of_traits(data: xr.Dataset) -> xr.Dataset:
    """Statistics with a dim trait, which those of one trait lack."""
    if "trait" in data.dims:
        return data
    labels = {dim: data[dim].values for dim in ("feature", "covariate") if dim in data.dims}
    trait = data["trait"].values if "trait" in data.coords else 0
    return as_dataset(
        {str(name): one.values for name, one in data.items()},
        labels | {"trait": np.atleast_1d(trait)},
    )


def _of_one_trait(data: xr.Dataset) -> xr.Dataset:
    if "trait" in data.dims:
        traits = data["trait"].values.tolist()
        raise ValueError(
            f"X must be statistics of one trait for a prior of one trait, got those of "
            f"{len(traits)}. Choose one, statistics.sel(trait={traits[0]!r}, "
            f"trait_bis={traits[0]!r}), or use a model of several traits, for instance "
            f"blrzoo.multivariate."
        )
    return data


def _refuse_beside(given: Mapping[str, object], missing: str, center: bool) -> None:
    """Refuse arguments that sums over the observations include, or do not allow."""
    wrong = [name for name, value in given.items() if value is not None]
    wrong += [f"missing={missing!r}"] * (missing != "error") + ["center=False"] * (not center)
    if wrong:
        raise ValueError(
            f"{wrong[0].split('=')[0]} must be left out with sufficient statistics, which hold y, "
            f"covariates and weights, about the means, and no rows; got {', '.join(wrong)}. Give "
            f"these to blrzoo.sufficient_statistics, or make the model of X and y in another "
            f"design."
        )


def _is_kept(data: RegressionData) -> bool:
    """Whether X is small enough to be kept with the draws."""
    return data.n * data.p * 8 <= KEPT


def _add_columns(model: pm.Model, center: np.ndarray, unit: np.ndarray | None) -> None:
    add_constant(model, "X_center", center, ("feature",))
    if unit is not None:
        add_constant(model, "X_scale", unit, ("feature",))


def _add_variance(model: pm.Model, variance: np.ndarray, n: int) -> None:
    """Add sample variances as variances over the observations, with divisor n."""
    add_constant(model, "X_variance", variance * (n - 1) / n, ("feature",))


def _add_rows(model: pm.Model, data: RegressionData, rows: str) -> None:
    obs = f"obs{rows}"
    if data.W.shape[1]:
        pm.Data(f"W{rows}", data.W, dims=(obs, "covariate"))
    if data.weights is not None:
        add_constant(model, f"weights{rows}", data.weights, (obs,))


def add_constant(model: pm.Model, name: str, values: np.ndarray, dims: tuple[str, ...]) -> None:
    """Add data that `pm.set_data` refuses to change, as the design holds them too."""
    model.register_data_var(pt.constant(values, name=model.name_for(name)), dims=dims)
