"""X and groups as users pass them, joined to the features of a posterior by label."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from blrzoo.labels import align, labels_of, one_per_feature, show
from blrzoo.posterior.kept import kept_group
from blrzoo.posterior.reader import posterior
from blrzoo.storage.forms import MISSING
from blrzoo.tables import LARGEST

__all__ = [
    "constant_data",
    "design_of",
    "feature_index",
    "groups_of",
    "of_statistics",
    "prior_draws",
]


def constant_data(idata: xr.DataTree) -> xr.Dataset:
    """Take the constant data of an InferenceData, empty if there are none."""
    posterior(idata)  # refuses what is no InferenceData
    if "constant_data" not in idata.children:
        return xr.Dataset()
    return idata["constant_data"].to_dataset()


def of_statistics(idata: xr.DataTree) -> bool:
    """Whether a fit is of sufficient statistics, and so has no rows."""
    return "observed_data" in idata.children and "Xy" in idata["observed_data"].data_vars


def prior_draws(idata: xr.DataTree, draws: int, names: list[str]) -> str:
    """Write the call that draws from the prior, for messages."""
    # y cannot be drawn in a fit of sufficient statistics, so the variables are named
    chosen = f", var_names={names}" if of_statistics(idata) else ""
    return f"pm.sample_prior_predictive({draws}, model=model{chosen})"


def feature_index(idata: xr.DataTree) -> pd.Index:
    """Return the labels of the features of the posterior, or else those of X."""
    for group in (posterior(idata), kept_group(idata), constant_data(idata)):
        if "feature" in group.dims:
            return group.get_index("feature")
    raise ValueError(
        "idata must know its features: 'beta' (chain, draw, feature) in the posterior, or 'X' "
        f"(obs, feature) in constant_data; the posterior has {list(posterior(idata).data_vars)}. "
        "Keep beta when sampling (var_names=...)."
    )


def design_of(idata: xr.DataTree, X: Any = None) -> np.ndarray:
    """Return X (obs, feature), finite, with the features of the posterior in their order."""
    features = feature_index(idata)
    if X is None:
        X = constant_data(idata).get("X")
        if X is None:
            why = ": it is a fit of sufficient statistics" if of_statistics(idata) else ""
            raise ValueError(
                f"X must be given where idata.constant_data has no 'X' (obs, feature), as here"
                f"{why}. Pass X=, the features (obs, feature) of the individuals of interest."
            )
    matrix = _known(idata, _matrix(X, features))
    if matrix.dtype.kind not in "biuf":
        raise TypeError(
            f"X must hold real numbers, got dtype {matrix.dtype}. Convert it: X.astype(float)."
        )
    if len(matrix) < 2:
        raise ValueError(
            f"X must have at least 2 observations to have a variance, got {len(matrix)}. Pass "
            "one row per observation."
        )
    if matrix.dtype.kind == "f" and not np.isfinite(matrix).all():
        raise ValueError(
            "X must be finite, got missing or infinite values. Impute them, for instance by the "
            "mean of the feature."
        )
    if max(abs(float(matrix.min())), abs(float(matrix.max()))) > LARGEST:
        raise ValueError(
            f"X must be within {LARGEST:g}, beyond which squares leave double precision. Rescale "
            "the feature."
        )
    return matrix


def _known(idata: xr.DataTree, matrix: np.ndarray) -> np.ndarray:
    """Replace missing genotype codes by the means of the fit, if X of the fit had such codes."""
    fill = constant_data(idata).get("X_fill")
    if fill is None or matrix.dtype.kind not in "if" or matrix.shape[1] != fill.size:
        return matrix
    missing = matrix == MISSING if matrix.dtype == np.int8 else matrix != matrix
    if not missing.any():
        return matrix
    return np.where(missing, one_per_feature("X_fill", fill, feature_index(idata)), matrix)


def _matrix(X: Any, features: pd.Index) -> np.ndarray:
    if isinstance(X, xr.DataArray):
        if X.ndim != 2 or "feature" not in X.dims:
            raise ValueError(
                f"X must have the dims (obs, feature), got {X.dims}. Rename them: "
                "X.rename({...: 'feature'})."
            )
        X = X.transpose(..., "feature")
    elif hasattr(X, "toarray") or isinstance(X, xr.Dataset | xr.DataTree):
        remedy = "X.toarray()" if hasattr(X, "toarray") else "one variable of it, X['X']"
        if "blrzoo" in getattr(X, "attrs", ()):
            remedy = "the features of individuals (obs, feature): sums over them are no rows"
        raise TypeError(f"X must be a matrix, got {type(X).__name__}. Pass {remedy}.")
    matrix = np.asarray(X)
    if matrix.ndim != 2:
        raise ValueError(
            f"X must have the shape (obs, {features.size}), one column for each feature of the "
            f"posterior, got {matrix.shape}. Pass a matrix."
        )
    labels, what = labels_of("X", X, axis=1), "features of the posterior"
    return align("X", matrix, labels, features, what, axis=1, more=True)


def groups_of(
    idata: xr.DataTree, groups: ArrayLike | None = None
) -> tuple[NDArray[np.intp], pd.Index]:
    """Return the number of each feature's group (feature,), and the groups' labels."""
    features = feature_index(idata)
    if groups is None:
        return _groups_of_model(idata, features)
    index, names = pd.factorize(one_per_feature("groups", groups, features))  # by appearance
    if (index < 0).any():
        where = show(features[index < 0])
        raise ValueError(
            f"groups must name a group for each feature, got {int((index < 0).sum())} missing "
            f"labels, for {where}. Give these features a group of their own."
        )
    return index, pd.Index(names, name="group")


def _groups_of_model(idata: xr.DataTree, features: pd.Index) -> tuple[NDArray[np.intp], pd.Index]:
    data = constant_data(idata)
    if "group_index" not in data:
        raise ValueError(
            "groups must be given for a model without groups ('group_index' in "
            "idata.constant_data), as here. Pass groups=, the label of each feature's group, for "
            "instance its chromosome."
        )
    index = one_per_feature("group_index", data["group_index"], features).astype(np.intp)
    for known in (posterior(idata), data):
        if "group" in known.coords:
            return index, pd.Index(known["group"].values, name="group")
    return index, pd.RangeIndex(int(index.max()) + 1, name="group")
