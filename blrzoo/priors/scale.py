"""What a prior may know of the data: sizes, labels and scales, never the data themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from blrzoo.data import RegressionData

__all__ = ["DataSummary"]


@dataclass(frozen=True, eq=False)
class DataSummary:
    """Sizes, labels and scales of the data of a model.

    Attributes
    ----------
    n, p : int
        Number of observations and of features.
    coords : dict of str to ndarray
        Labels by dim: "obs", "feature" and, with covariates, "covariate"; "trait" where there
        are several.
    y_mean, y_variance : float or ndarray, (trait,)
        Mean and sample variance of y, of its known values.
    x_variance, w_variance : ndarray, (feature,) and (covariate,)
        Sample variances of the features and of the covariates.
    """

    n: int
    p: int
    coords: dict[str, np.ndarray]
    y_mean: Any
    y_variance: Any
    x_variance: np.ndarray
    w_variance: np.ndarray

    @property
    def n_traits(self) -> int:
        """Number of traits."""
        return np.size(self.y_variance)

    @classmethod
    def of(cls, data: RegressionData) -> "DataSummary":
        """Summarise checked data."""
        return cls(
            n=data.n,
            p=data.p,
            coords=data.coords,
            y_mean=np.nanmean(data.y, axis=0),
            y_variance=data.y_variance,
            x_variance=data.x_variance,
            w_variance=data.W.var(axis=0, ddof=1),
        )
