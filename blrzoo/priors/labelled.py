"""What is given one for each feature: joined to the features by label, never by position."""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from blrzoo.priors.scale import DataSummary

__all__ = ["Groups", "by_feature"]


def by_feature(name: str, value: Any, data: DataSummary) -> np.ndarray:
    """Values in the order of the features.

    Parameters
    ----------
    name : str
        Name of the argument, for messages.
    value : array-like, (feature,)
        A Series or a DataArray with labels is joined by label, anything else by position.
    data : DataSummary
        Holds the features' labels.

    Returns
    -------
    ndarray, (feature,)

    Raises
    ------
    ValueError
        For a wrong length, repeated labels, or features without a value.

    Examples
    --------
    >>> import pandas as pd, types
    >>> from blrzoo.priors.labelled import by_feature
    >>> data = types.SimpleNamespace(p=2, coords={"feature": ["a", "b"]})
    >>> by_feature("groups", pd.Series({"b": 2, "a": 1}), data)
    array([1, 2])
    """
    if isinstance(value, xr.DataArray):
        value = value.to_series() if value.coords else value.values
    if isinstance(value, pd.Series):
        return _join(name, value, data)
    array = _array(name, value)
    if array.shape != (data.p,):
        raise ValueError(
            f"{name} must have one value for each of the {data.p} features, got shape "
            f"{array.shape}. Pass an array of that length, or a Series indexed by feature."
        )
    return array


def _array(name: str, value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except (TypeError, ValueError):  # a Dataset, rows of different lengths
        raise TypeError(
            f"{name} must have one value for each feature, got {type(value).__name__}. Pass an "
            f"array, a Series or a DataArray; of a Dataset one variable."
        ) from None


def _join(name: str, series: pd.Series, data: DataSummary) -> np.ndarray:
    features = pd.Index(data.coords["feature"])
    if not series.index.is_unique:
        twice = list(series.index[series.index.duplicated()].unique()[:5])
        raise ValueError(
            f"{name} must have one value for each feature, got several for {twice}. Drop the "
            f"repeated labels."
        )
    missing = features.difference(series.index, sort=False)
    if len(missing):
        raise ValueError(
            f"{name} must have a value for each feature, got none for {list(missing[:5])} "
            f"({len(missing)} in all). Index it by the names of the features, or pass "
            f".to_numpy() to join by position."
        )
    return series.reindex(features).to_numpy()


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
    >>> from blrzoo.priors.labelled import Groups
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

    @property
    def sizes(self) -> np.ndarray:
        """Number of features, (group,)."""
        return np.bincount(self.index).astype(float)  # data of a sweep, as other floats are

    def add_to_model(self) -> None:
        """Add the coordinate ``group``, and each feature's group to the constant data."""
        model = pm.modelcontext(None)
        model.add_coord("group", self.names)
        pm.Data("group_index", self.index, dims="feature")
