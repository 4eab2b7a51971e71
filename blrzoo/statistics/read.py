"""Read data for sufficient statistics: complete, with weights and labels that serve."""

from typing import Any

import numpy as np

from blrzoo.data import RegressionData, check_data
from blrzoo.labels import show
from blrzoo.statistics.layout import LABELLED
from blrzoo.tables import LARGEST

__all__ = ["plain_labels", "read_data"]


def read_data(
    X: Any, y: Any, covariates: Any, weights: Any, *, traits: bool, part: bool
) -> RegressionData:
    """Check and join data, and refuse what sums over observations cannot hold.

    Parameters
    ----------
    X, y, covariates, weights
        As the user passed them.
    traits : bool
        Whether y has a trait in each column.
    part : bool
        Whether the rows may be a part of the data, in which anything may be constant.

    Returns
    -------
    RegressionData

    Raises
    ------
    TypeError, ValueError
        As `blrzoo.data.check_data`; for missing y, and weights above 1e60 or below 1e-60.

    Examples
    --------
    >>> given = [[1], [2], [4]], [[1, 2], [3, 5], [2, 2]], None, None
    >>> read_data(*given, traits=True, part=False).coords["trait"]
    array([0, 1])
    """
    # Rows without y are set apart here and refused below, with advice for statistics.
    data = check_data(
        X,
        y,
        covariates,
        weights=weights,
        missing="predict",
        traits=traits,
        form="auto",
        part=part,
    )
    _refuse_missing(data)
    if data.weights is not None:
        _check_weights(data.weights)
    return data


def _refuse_missing(data: RegressionData) -> None:
    rule = "y must be complete, as statistics are sums over the same observations for all columns"
    if data.missing is not None:
        raise ValueError(
            f"{rule}; got {len(data.missing.y)} observation(s) without a value, obs "
            f"{show(data.coords['obs_missing'])}. Drop them from X, y, covariates and weights."
        )
    holes = np.isnan(data.y)
    if holes.any():
        some = data.coords["trait"][holes.any(axis=0)]
        raise ValueError(
            f"{rule}; got {holes.sum()} missing value(s) in trait {show(some)}, whose products "
            "with X would be sums over other rows. Drop the observations that lack a trait from X, "
            "y, covariates and weights; make statistics of each trait by itself; or fit X and y, "
            "where missing traits are integrated out."
        )


def _check_weights(weights: np.ndarray) -> None:
    wrong = (weights > LARGEST) | (weights < 1 / LARGEST)
    if wrong.any():
        raise ValueError(
            f"weights must be from {1 / LARGEST:g} to {LARGEST:g}; got {weights[wrong][0]:g}. "
            "Rescale them, for instance to mean 1: the residual variance is per unit of weight."
        )


def plain_labels(data: RegressionData) -> dict[str, np.ndarray]:
    """Labels of features, covariates and traits, in dtypes that can be saved to a file.

    Parameters
    ----------
    data : RegressionData
        Checked data.

    Returns
    -------
    dict of str to ndarray
        Text as fixed-width text; numbers, flags and dates as they are.

    Raises
    ------
    ValueError
        If labels of a dim are of several kinds.

    Examples
    --------
    >>> data = read_data([[1], [2], [4]], [1, 2, 2], None, None, traits=False, part=False)
    >>> plain_labels(data)
    {'feature': array([0])}
    """
    return {dim: _plain(dim, data.coords[dim]) for dim in LABELLED if dim in data.coords}


def _plain(dim: str, labels: np.ndarray) -> np.ndarray:
    if labels.dtype.kind in "biufM":
        return labels
    kinds = sorted({type(label).__name__ for label in labels})
    if kinds != ["str"]:
        name = {"feature": "X", "covariate": "covariates", "trait": "y"}[dim]
        raise ValueError(
            f"{name} must have labels of one kind, text, numbers or dates, to be saved; got "
            f"{' and '.join(kinds)} among those of the {dim}s, {show(labels)}. Make them text: "
            f"{name}.columns = {name}.columns.astype(str)."
        )
    return labels.astype(str)
