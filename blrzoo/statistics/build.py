"""Data to their sufficient statistics."""

from typing import Any

import numpy as np
import xarray as xr

from blrzoo.checks import Flag
from blrzoo.data import RegressionData
from blrzoo.response import shape_of
from blrzoo.statistics.layout import as_dataset
from blrzoo.statistics.memory import check_memory
from blrzoo.statistics.products import Moments, center, feature_moments, feature_products
from blrzoo.statistics.read import plain_labels, read_data

__all__ = ["reduce_data", "sufficient_statistics"]


def sufficient_statistics(
    X: Any, y: Any, covariates: Any = None, *, weights: Any = None, quiet: bool = False
) -> xr.Dataset:
    r"""Reduce data to what a linear regression needs of them: sums over the observations.

    In :math:`y = \mu + (W - \bar W)\gamma + (X - \bar X)\beta + e`, with residual variances
    :math:`\sigma^2 / w_i` and :math:`O = diag(w)`, the likelihood depends on the data only through

    .. math:: (Z - \bar Z)' O (Z - \bar Z) \text{ with } Z = [X, W, y], \quad
       \bar Z = \frac{\sum_i w_i z_i}{\sum_i w_i}, \quad n, \quad \sum_i w_i, \quad
       \sum_i \log w_i

    and the means. With several traits y and e have a column for each, and residuals of an
    observation the covariance :math:`\Sigma_e / w_i`. So the rows can stay where they are: the size
    of the statistics does not depend on n, and those of several sites are put together by
    `merge_statistics`, exactly. Models take them in the place of X and y.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas or xarray, joined to y by label as in `blrzoo.regression`.
    y : array-like, (obs) or (obs, trait)
        Response without missing values, also of several traits: products with a trait that has
        holes would be sums over other rows. A matrix with one column counts as a vector.
    covariates : array-like, (obs, covariate), optional
        Fixed effects W, without an intercept.
    weights : array-like, (obs), optional
        Relative precisions of the observations, positive: an observation's residual variance is
        ``sigma2 / weight``. Default: all 1.
    quiet : bool, default False
        No progress bar. Else there is one if X'X takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        All float64, n int64. Cross-products, with weights, of the deviations from the means with
        weights, in products of the units of the data:

        - ``XX`` (feature, feature_bis), ``Xy`` (feature[, trait]), and ``yy``, () or
          (trait, trait_bis)
        - with covariates ``WW`` (covariate, covariate_bis), ``XW`` (feature, covariate) and
          ``Wy`` (covariate[, trait])

        Moments:

        - ``X_center`` (feature), ``y_center`` ([trait]) and ``W_center`` (covariate): the means
          with weights
        - ``X_mean``, ``y_mean``, ``W_mean``: the means without weights
        - ``X_variance``, ``y_variance``, ``W_variance``: sample variances without weights, divisor
          n - 1, which default priors are made of

        Sizes, (): ``n``, the number of observations, ``weight_sum`` and ``log_weight_sum``, the
        sums of the weights and of their logarithms.

        The attributes ``blrzoo`` and ``format_version`` tell what it is. All can be saved:
        ``to_netcdf``, ``to_zarr``, ``to_dict``.

    Raises
    ------
    TypeError
        The container is not supported, or its content is not real numbers.
    ValueError
        For data that the models refuse too (missing or infinite values, labels that do not match),
        missing values of y, labels of several kinds, weights beyond 1e60 or below 1e-60, or if
        X'X, 8 p^2 bytes, does not fit into memory.

    Warns
    -----
    UserWarning
        As the models do: some features are copies, y is 0 or 1 only.

    See Also
    --------
    blrzoo.merge_statistics : Statistics of all observations from those of several parts.

    Notes
    -----
    Cross-products about the means keep their digits where values are large beside their
    deviations. Sums of squares as they are lose twelve digits to a mean that is 1e6 times the
    standard deviation [1]_.

    Note units and reference coding, which nothing in the numbers shows, so that `merge_statistics`
    can compare them: as coordinates along features, covariates or traits, such as effect alleles,
    or as attributes ``units`` and ``coding``. See the second example.

    Whether y, features and covariates vary is looked at where a model is made of the statistics:
    what is constant in a part of the observations need not be in all of them. So a part may have
    y of one value, or a covariate that says which part it is.

    X'X takes n p^2 operations and is made by blocks: beside a copy of X and the result, which take
    8 n p and 8 p^2 bytes, about 64 MB.

    References
    ----------
    .. [1] Chan, Golub & LeVeque (1983). Algorithms for computing the sample variance: analysis and
       recommendations. The American Statistician 37:242-247.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.load_diabetes()
    >>> statistics = blr.sufficient_statistics(data.X, data.y)
    >>> dict(statistics.sizes), int(statistics.n)
    ({'feature': 10, 'feature_bis': 10}, 442)
    >>> beta = np.linalg.solve(statistics.XX.values, statistics.Xy.values)  # least squares
    >>> beta.round(1)[:4]
    array([ -0.5, -11.4,  24.8,  15.4])

    Noted, in which unit the features are:

    >>> statistics = statistics.assign_coords(unit=("feature", ["SD"] * 10))
    """
    quiet = Flag(default=False).check("quiet", quiet)
    shape = shape_of(y)
    several = len(shape) == 2 and min(shape) > 1
    data = read_data(X, y, covariates, weights, traits=several, part=True)
    return reduce_data(data, show=not quiet)


def reduce_data(data: RegressionData, show: bool) -> xr.Dataset:
    """Make the statistics of checked data.

    Parameters
    ----------
    data : RegressionData
        As `blrzoo.statistics.read.read_data` returns them.
    show : bool
        Whether to show a progress bar when it takes long.

    Returns
    -------
    xarray.Dataset
        As `sufficient_statistics`; with a dim of traits where the data were read as of traits.
    """
    labels = plain_labels(data)
    check_memory(data.p)
    return as_dataset(_values(data, show), labels)


def _values(data: RegressionData, show: bool) -> dict[str, Any]:
    """All variables, with a dim of traits also where there is one."""
    weights = data.weights
    root = None if weights is None else np.sqrt(weights)
    values = _sizes(data)
    T = data.y.size // data.n
    others = np.hstack([data.y.reshape(data.n, -1), data.W])
    moments = center(others, weights)
    values |= _named("y", moments, slice(None, T)) | _named("W", moments, slice(T, None))
    if root is not None:
        others *= root[:, None]
    cross = others.T @ others
    values |= {"yy": cross[:T, :T], "Wy": cross[T:, :T], "WW": cross[T:, T:]}
    moments, cross = feature_moments(data, root, others)
    values |= _named("X", moments) | {"Xy": cross[:, :T], "XW": cross[:, T:]}
    return values | {"XX": feature_products(data, moments.center, root, show)}


def _sizes(data: RegressionData) -> dict[str, Any]:
    """The number of observations, and sums of their weights."""
    weights = np.ones(data.n) if data.weights is None else data.weights
    return {
        "n": data.n,
        "weight_sum": weights.sum(),
        "log_weight_sum": np.log(weights).sum(),
    }


def _named(side: str, moments: Moments, columns: slice = slice(None)) -> dict[str, np.ndarray]:
    """Moments of some columns by the names of their variables."""
    return {f"{side}_{name}": value[columns] for name, value in moments._asdict().items()}
