"""Features in groups."""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm

from blrzoo.labels import one_per_feature
from blrzoo.priors.scale import DataSummary

__all__ = ["Groups"]


class Groups:
    """Features in groups.

    Parameters
    ----------
    labels : ndarray, (feature,)
        Label of each feature's group.

    Attributes
    ----------
    index : ndarray, (feature,)
        Number of each feature's group.
    names : ndarray, (group,)
        Labels of the groups, in the order of their first feature.

    Raises
    ------
    ValueError
        For a missing label.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.priors.groups import Groups
    >>> groups = Groups(np.array(["x", "y", "x"]))
    >>> groups.index, groups.names
    (array([0, 1, 0]), array(['x', 'y'], dtype='<U1'))
    """

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
    def of(cls, labels: Any, data: DataSummary) -> "Groups":
        """Read labels of the groups, one for each feature, joined by label where they have any."""
        features = pd.Index(data.coords["feature"])
        return cls(one_per_feature("groups", labels, features, "features of X"))

    @property
    def sizes(self) -> np.ndarray:
        """Number of features, (group,)."""
        return np.bincount(self.index).astype(float)  # data of a sweep, as other floats are

    def add_to_model(self) -> None:
        """Add the coordinate ``group``, and each feature's group to the constant data."""
        model = pm.modelcontext(None)
        model.add_coord("group", self.names)
        pm.Data("group_index", self.index, dims="feature")
