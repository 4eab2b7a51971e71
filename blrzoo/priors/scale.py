"""What a prior may know of the data: sizes, labels and scales, not the data themselves."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from pytensor.tensor.type import TensorType
from pytensor.tensor.variable import TensorConstant, TensorVariable

from blrzoo.data import RegressionData
from blrzoo.labels import show
from blrzoo.values import warn_user

__all__ = ["DataSummary", "warn_of_units"]

#: Ratio of SDs that suggests different units, with which a few features dominate a common prior.
_FAR_APART = 30.0


@dataclass(frozen=True, eq=False)
class DataSummary:
    """Sizes, labels and scales of the data of a model.

    Attributes
    ----------
    n, p : int
        Number of observations and of features.
    coords : dict of str to ndarray
        Labels by dim: "obs", "feature" and, if there are any, "covariate" and "trait".
    y_mean, y_variance : float or ndarray, (trait,)
        Mean and sample variance of the known values of y.
    x_variance, w_variance : ndarray, (feature,) and (covariate,)
        Sample variances of the features, in the units that the prior is about, and of the
        covariates.
    x_scale : ndarray, (feature,) or None
        What features are divided by for the prior: their standard deviations, 1 for constant
        ones; None if the prior is about features as given.
    """

    n: int
    p: int
    coords: dict[str, np.ndarray]
    y_mean: Any
    y_variance: Any
    x_variance: np.ndarray
    w_variance: np.ndarray
    x_scale: np.ndarray | None = None

    @cached_property
    def size(self) -> TensorVariable:
        """p as a symbol, (), so that code compiled for one number of features serves any."""
        # A constant: PyMC would regard what depends on a shared variable as changed data.
        size = TensorConstant(TensorType("int64", ()), np.array(self.p), name="p")
        size.tag.blrzoo_data = True
        return size

    @property
    def n_traits(self) -> int:
        """Number of traits."""
        return np.size(self.y_variance)

    @classmethod
    def of(cls, data: RegressionData, standardize: bool = False) -> "DataSummary":
        """Summarize checked data."""
        moments = data.x_moments
        size = np.maximum(np.abs(moments.minimum), np.abs(moments.maximum))
        x_scale = _scale(data.x_variance, size) if standardize else None
        return cls(
            n=data.n,
            p=data.p,
            coords=data.coords,
            y_mean=np.nanmean(data.y, axis=0),
            y_variance=data.y_variance,
            x_variance=data.x_variance / (1.0 if x_scale is None else x_scale**2),
            w_variance=data.W.var(axis=0, ddof=1),
            x_scale=x_scale,
        )

    @classmethod
    def of_statistics(cls, data: xr.Dataset, standardize: bool = False) -> "DataSummary":
        """Summarize checked sufficient statistics."""
        variance = data["X_variance"].values
        x_scale = _scale(variance, np.abs(data["X_mean"].values)) if standardize else None
        dims = ("feature", "covariate", "trait", "trait_bis")
        return cls(
            n=int(data["n"]),
            p=data.sizes["feature"],
            coords={dim: data[dim].values for dim in dims if dim in data.dims},
            y_mean=data["y_mean"].values[()],
            y_variance=data["y_variance"].values[()],
            x_variance=variance / (1.0 if x_scale is None else x_scale**2),
            w_variance=data["W_variance"].values if "W_variance" in data else np.empty(0),
            x_scale=x_scale,
        )

    def per_sd[E: (np.ndarray, TensorVariable)](self, effects: E) -> E:
        """Convert effects, (feature[, ...]), per unit of X to the scale of the prior."""
        return effects if self.x_scale is None else effects * self._scale_like(effects)

    def per_unit[E: (np.ndarray, TensorVariable)](self, effects: E) -> E:
        """Convert effects, (feature[, ...]), on the scale of the prior to those per unit of X."""
        return effects if self.x_scale is None else effects / self._scale_like(effects)

    def _scale_like(self, effects: np.ndarray | TensorVariable) -> np.ndarray:
        """`x_scale` with as many dims as the effects."""
        assert self.x_scale is not None
        return self.x_scale.reshape((-1,) + (1,) * (effects.ndim - 1))


def _scale(variance: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Standard deviations of features; 1 for those that are constant up to rounding."""
    sd = np.sqrt(variance)
    return np.where(sd > 1e-10 * size, sd, 1.0)


def warn_of_units(data: RegressionData) -> None:
    """Warn if a few features, in other units than most, have most of the features' variance."""
    sd = np.sqrt(data.x_variance)
    order = np.argsort(-sd, kind="stable")
    share = np.cumsum(sd[order] ** 2) / np.sum(sd**2)
    few = order[: int(np.searchsorted(share, 0.9)) + 1]
    far = sd[few[0]] >= _FAR_APART * np.median(sd[sd > 0])
    # Codes such as 0, 1 and 2 have one unit, however rare some of them are.
    if (
        4 * few.size > data.p
        or not far
        or np.ptp([data.x_moments.minimum.min(), data.x_moments.maximum.max()]) <= 2
    ):
        return
    warn_user(
        f"X has columns of different units: {show(data.coords['feature'][few].tolist())} have "
        f"{share[few.size - 1]:.0%} of the features' summed variance. The default prior has one "
        "scale for all effects, so these columns dominate it, and effects of the others are held "
        "near 0. Pass standardize=True for a prior per standard deviation, or rescale."
    )
