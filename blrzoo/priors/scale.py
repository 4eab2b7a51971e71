"""What a prior may know of the data: sizes, labels and scales, never the data themselves."""

from dataclasses import dataclass

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
        Labels by dim: "obs", "feature" and, with covariates, "covariate".
    y_mean, y_variance : float
        Mean and sample variance of y.
    x_variance, w_variance : ndarray, (feature,) and (covariate,)
        Sample variances of the features and of the covariates.
    """

    n: int
    p: int
    coords: dict[str, np.ndarray]
    y_mean: float
    y_variance: float
    x_variance: np.ndarray
    w_variance: np.ndarray

    @classmethod
    def of(cls, data: RegressionData) -> "DataSummary":
        """Summarise checked data."""
        return cls(
            n=data.n,
            p=data.p,
            coords=data.coords,
            y_mean=float(data.y.mean()),
            y_variance=data.y_variance,
            x_variance=data.x_variance,
            w_variance=data.W.var(axis=0, ddof=1),
        )
