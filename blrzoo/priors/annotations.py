"""Annotations of the features: read from NumPy, pandas or xarray, and checked."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike

from blrzoo.labels import align, check_unique, labels_of, oriented, show
from blrzoo.tables import LARGEST

__all__ = ["Annotations", "read_annotations"]


@dataclass(frozen=True, eq=False)
class Annotations:
    """Checked annotations, as `read_annotations` makes them."""

    #: Finite numbers, (row, annotation), in memory of their own.
    values: np.ndarray
    names: list  # labels of the annotations, 0..k-1 if they have none
    features: pd.Index | None  # labels of the rows, None if they have none

    def of(self, features: Iterable[object]) -> np.ndarray:
        """Return the annotations of the features of a data set, (feature, annotation)."""
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


def read_annotations(value: ArrayLike) -> Annotations:
    """Check annotations, (feature, annotation), as far as possible without the features."""
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


def _unpack(value: object) -> np.ndarray | pd.DataFrame | xr.DataArray:
    """Turn a vector, which is one annotation, into a column; put a DataArray's features first."""
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


def _content(value: np.ndarray | pd.DataFrame | xr.DataArray) -> np.ndarray:
    """Return the values; missing ones of nullable dtypes are NaN."""
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
