"""What annotations of the features may be: NumPy, pandas and xarray in, a checked table out."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.tables import LARGEST, show

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
        values = self._rows(pd.Index(features))
        constant = np.ptp(values, axis=0) == 0
        if constant.any() and len(values) > 1:
            names = show([name for name, same in zip(self.names, constant, strict=True) if same])
            raise ValueError(
                f"annotations must vary between the features, got constant {names}. Drop it: the "
                f"prior has an intercept of its own."
            )
        return values

    def _rows(self, features: pd.Index) -> np.ndarray:
        if self.features is None:
            if len(self.values) != len(features):
                raise ValueError(
                    f"annotations must have one row per feature, got {len(self.values)} rows for "
                    f"{len(features)} features. Pass a DataFrame to join by the features' labels."
                )
            return self.values
        # as objects: labels of unlike type are then unlike, and nothing is parsed
        rows = self.features.astype(object).get_indexer(features.astype(object))
        if (rows < 0).any():
            raise ValueError(
                f"annotations must have a row for every feature of X, got none for "
                f"{int((rows < 0).sum())} of {len(features)}: {show(features[rows < 0])}. Add "
                f"these rows, or pass annotations.to_numpy() to join by position."
            )
        return self.values[rows]


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
    content, features, names = _unpack(value)
    if content.ndim != 2 or 0 in content.shape:
        raise ValueError(
            f"annotations must have dims (feature, annotation), none of them empty, got shape "
            f"{content.shape}. Pass one row per feature and one column per annotation."
        )
    columns = pd.RangeIndex(content.shape[1]) if names is None else names
    for what, labels in (("feature", features), ("annotation", columns)):
        _check_labels(what, labels)
    return Annotations(_numbers(content, columns), columns.tolist(), features)


def _unpack(value: Any) -> tuple[np.ndarray, pd.Index | None, pd.Index | None]:
    """Content (at least two dims), labels of rows and labels of columns."""
    if isinstance(value, xr.Dataset | xr.DataTree):
        raise TypeError(
            f"annotations must be NumPy, pandas or a DataArray, got {type(value).__name__}. Pass "
            f"annotations.to_dataframe(), or one variable of it."
        )
    if isinstance(value, xr.DataArray):
        return _unpack_xarray(value)
    if isinstance(value, pd.Series):
        value = value.to_frame()
    if isinstance(value, pd.DataFrame):
        return _content(value), value.index, value.columns
    try:
        array = np.array(value)
    except ValueError as error:
        raise ValueError(
            f"annotations must be rectangular, got rows of different lengths ({error}). Give "
            f"every row the same number of values."
        ) from error
    return (array[:, None] if array.ndim == 1 else array), None, None


def _content(frame: pd.DataFrame) -> np.ndarray:
    """Values of a frame; missing ones of nullable dtypes are NaN."""
    plain = all(isinstance(dtype, np.dtype) for dtype in frame.dtypes)
    kinds = {getattr(dtype, "kind", "O") for dtype in frame.dtypes}
    if kinds <= set("biuf"):
        return frame.to_numpy(dtype=float, na_value=np.nan)
    return frame.to_numpy(copy=True) if plain else frame.astype(object).to_numpy(copy=True)


def _unpack_xarray(value: xr.DataArray) -> tuple[np.ndarray, pd.Index | None, pd.Index | None]:
    if value.ndim == 1:
        value = value.expand_dims("annotation", -1)
    if "feature" in value.dims:
        value = value.transpose("feature", ...)
    labels = [value.indexes.get(dim) for dim in value.dims]
    return np.array(value.values), *(labels[:2] if value.ndim == 2 else (None, None))


def _check_labels(what: str, labels: pd.Index | None) -> None:
    if labels is not None and (isinstance(labels, pd.MultiIndex) or not labels.is_unique):
        twice = show(labels[labels.duplicated()].unique())
        got = "a MultiIndex" if isinstance(labels, pd.MultiIndex) else f"{twice} more than once"
        raise ValueError(
            f"annotations must have one label, of its own, for every {what}, got {got}. Make the "
            f"labels unique, or pass annotations.to_numpy() to join by position."
        )


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
