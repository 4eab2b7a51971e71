"""Groups of features: read, numbered, added to the model."""

import numpy as np
import pandas as pd
import pymc as pm
from numpy.typing import ArrayLike

from blrzoo.labels import one_per_feature
from blrzoo.priors.scale import DataSummary

__all__ = ["Groups"]


class Groups:
    """The group of each feature; groups are in the order of their first feature."""

    #: Number of each feature's group, (feature,), and the groups' labels, (group,).
    index: np.ndarray
    names: np.ndarray

    def __init__(self, labels: np.ndarray) -> None:
        self.index, names = pd.factorize(labels)
        self.names = np.asarray(names)
        if (self.index < 0).any():
            where = np.flatnonzero(self.index < 0)
            raise ValueError(
                f"groups must name a group for each feature, got {where.size} missing labels, "
                f"the first at position {where[0]}. Give these features a group of their own."
            )

    @classmethod
    def of(cls, labels: ArrayLike, data: DataSummary) -> "Groups":
        """Read a group label for each feature; a Series or DataArray is joined by label."""
        features = pd.Index(data.coords["feature"])
        return cls(one_per_feature("groups", labels, features, "features of X"))

    @property
    def sizes(self) -> np.ndarray:
        """Number of features, (group,)."""
        return np.bincount(self.index).astype(float)  # an input of the sweep, which are floats

    def add_to_model(self) -> None:
        """Add the coordinate ``group``, and each feature's group to the constant data."""
        model = pm.modelcontext(None)
        model.add_coord("group", self.names)
        pm.Data("group_index", self.index, dims="feature")
