"""What annotations of the features may be: NumPy, pandas and xarray in, a checked table out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.labels import align, check_unique, labels_of, oriented, show
from blrzoo.tables import LARGEST

__all__ = ["Annotations", "read_annotations"]


@dataclass(frozen=True, eq=False)
class Annotations:
    """Checked annotations. Made by `read_annotations`.

    Attributes
    ----------
    values : ndarray, (row, annotation)
        Finite numbers, in memory of their own.
    names : list
        Labels of the annotations, 0..k-1 if they have none.
    features : pandas.Index or None
        Labels of the rows; None if they have none.
    """

    values: np.ndarray
    names: list
    features: pd.Index | None

    def of(self, features: Any) -> np.ndarray:
        """Annotations of the features of a data set, joined by label where rows have labels.

        Parameters
        ----------
        features : array-like, (feature,)
            Labels of the features.

        Returns
        -------
        ndarray, (feature, annotation)

        Raises
        ------
        ValueError
            Where a feature has no row, the numbers of rows and features differ, or an annotation
            is the same for all of several.
        """
        wanted = pd.Index(features)
        values = align(
            "annotations", self.values, self.features, wanted, "features of X", more=True
        )
        constant = np.ptp(values, axis=0) == 0
        if constant.any() and len(values) > 1:
            names = show([name for name, same in zip(self.names, constant, strict=True) if same])
            raise ValueError(
                f"annotations must vary between the features, got constant {names}. Drop it: the "
                f"prior has an intercept of its own."
            )
        return values


def read_annotations(value: Any) -> Annotations:
    """Check annotations as far as one can without the features.

    Parameters
    ----------
    value : array_like, Series, DataFrame or DataArray (feature, annotation)
        Numbers or booleans. A vector is one annotation. A DataArray may have its dims in any
        order if one of them is called "feature"; otherwise the first one is.

    Returns
    -------
    Annotations

    Raises
    ------
    TypeError
        For content that is not real numbers.
    ValueError
        For wrong dimensions, no rows or columns, repeated labels, missing or infinite values.

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.priors.annotations import read_annotations
    >>> table = pd.DataFrame({"coding": [True, False], "score": [0.5, 2.0]}, index=["a", "b"])
    >>> read_annotations(table).of(["b", "a"])
    array([[0. , 2. ],
           [1. , 0.5]])
    """
    table = _unpack(value)
    content = _content(table)
    if content.ndim != 2 or 0 in content.shape:
        raise ValueError(
            f"annotations must have dims (feature, annotation), none of them empty, got shape "
            f"{content.shape}. Pass one row per feature and one column per annotation."
        )
    features, names = (labels_of("annotations", table, axis) for axis in range(2))
    names = pd.RangeIndex(content.shape[1]) if names is None else names
    check_unique("annotations", names, "annotation")
    if features is not None:
        check_unique("annotations", features, "feature")
    return Annotations(_numbers(content, names), names.tolist(), features)


def _unpack(value: Any) -> Any:
    """Turn a vector into a column, and put the features of a DataArray first."""
    if isinstance(value, xr.Dataset | xr.DataTree):
        raise TypeError(
            f"annotations must be NumPy, pandas or a DataArray, got {type(value).__name__}. Pass "
            f"annotations.to_dataframe(), or one variable of it."
        )
    if isinstance(value, xr.DataArray):
        return oriented(value.expand_dims("annotation", 1) if value.ndim == 1 else value, "feature")
    if isinstance(value, pd.Series | pd.DataFrame):
        return value.to_frame() if value.ndim == 1 else value
    try:
        array = np.array(value)
    except ValueError as error:
        raise ValueError(
            f"annotations must be rectangular, got rows of different lengths ({error}). Give "
            f"every row the same number of values."
        ) from error
    return array[:, None] if array.ndim == 1 else array


def _content(value: Any) -> np.ndarray:
    """Values; missing ones of nullable dtypes are NaN."""
    if not isinstance(value, pd.DataFrame):
        return np.array(value)
    if {getattr(dtype, "kind", "O") for dtype in value.dtypes} <= set("biuf"):
        return value.to_numpy(dtype=float, na_value=np.nan)
    plain = all(isinstance(dtype, np.dtype) for dtype in value.dtypes)
    return value.to_numpy(copy=True) if plain else value.astype(object).to_numpy(copy=True)


def _numbers(content: np.ndarray, columns: pd.Index) -> np.ndarray:
    if content.dtype.kind not in "biuf":
        raise TypeError(
            f"annotations must be real numbers or booleans, got {content.dtype} content. Encode "
            f"text and categories as numbers: pd.get_dummies(annotations, dtype=float)."
        )
    values = content.astype(float)
    wrong = ~np.isfinite(values).all(axis=0)
    if wrong.any():
        raise ValueError(
            f"annotations must be finite, got missing or infinite values in "
            f"{show(columns[wrong])}. Drop or fill them, for instance by the annotation's mean."
        )
    large = (np.abs(values) > LARGEST).any(axis=0)
    if large.any():
        raise ValueError(
            f"annotations must be within {LARGEST:g}, beyond which squares leave double precision, "
            f"got larger values in {show(columns[large])}. Rescale them."
        )
    return values
