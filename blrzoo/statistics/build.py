"""Sufficient statistics, computed from data."""

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
    r"""Reduce data to their sufficient statistics for linear regression: sums over observations.

    In :math:`y = \mu + (W - \bar W)\gamma + (X - \bar X)\beta + e`, with residual variances
    :math:`\sigma^2 / w_i` and :math:`O = diag(w)`, the likelihood depends on the data only through

    .. math:: (Z - \bar Z)' O (Z - \bar Z) \text{ with } Z = [X, W, y], \quad
       \bar Z = \frac{\sum_i w_i z_i}{\sum_i w_i}, \quad n, \quad \sum_i w_i, \quad
       \sum_i \log w_i

    and the means. With several traits, y and e have a column for each, and the residuals of an
    observation have the covariance :math:`\Sigma_e / w_i`. The size of the statistics does not
    depend on n, and `merge_statistics` merges those of several sites exactly, so the rows can stay
    where they are. Models take statistics as X, without y.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray, or a SciPy sparse matrix; int8 numbers are genotype codes,
        with -1 where missing, which is replaced by the weighted mean of the feature. Arguments
        with labels of observations are joined by label, others by position.
    y : array-like, (obs) or (obs, trait)
        Response without missing values, for one trait or several. A matrix with one column counts
        as a vector.
    covariates : array-like, (obs, covariate), optional
        Covariates W, without an intercept. Default: none.
    weights : array-like, (obs), optional
        Relative precisions of the observations, positive: an observation's residual variance is
        ``sigma2 / weight``. Default: all 1.
    quiet : bool, default False
        True for no progress bar. Otherwise one appears if X'X takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        All float64, n int64. Weighted cross-products of the deviations from the weighted means, in
        products of the units of the data:

        - ``XX`` (feature, feature_bis), ``Xy`` (feature[, trait]), and ``yy``, () or
          (trait, trait_bis)
        - with covariates ``WW`` (covariate, covariate_bis), ``XW`` (feature, covariate) and
          ``Wy`` (covariate[, trait])

        Moments:

        - ``X_center`` (feature), ``y_center`` ([trait]) and ``W_center`` (covariate): weighted
          means
        - ``X_mean``, ``y_mean``, ``W_mean``: means without weights
        - ``X_variance``, ``y_variance``, ``W_variance``: sample variances without weights, divisor
          n - 1, for default priors

        Sizes, (): ``n``, the number of observations, ``weight_sum`` and ``log_weight_sum``, the
        sums of the weights and of their logarithms.

        The attributes ``blrzoo`` and ``format_version`` identify the Dataset. It can be saved by
        ``to_netcdf``, ``to_zarr`` and ``to_dict``.

    Raises
    ------
    TypeError
        If a container is not supported, or its content is not real numbers; or `quiet` is no bool.
    ValueError
        If values are missing or infinite, labels do not match or are of several kinds, weights are
        not positive or outside 1e-60 to 1e60, or X'X, 8 p^2 bytes, does not fit into memory.

    Warns
    -----
    UserWarning
        If some features are copies of others, or y is 0 or 1 only.

    See Also
    --------
    blrzoo.merge_statistics : Statistics of all observations from those of several parts.

    Notes
    -----
    Cross-products about the means stay accurate where means are large relative to standard
    deviations. Sums of squares about zero lose twelve digits to a mean that is 1e6 times the
    standard deviation [1]_.

    Units and reference coding do not show in the numbers. Note them, so that `merge_statistics` can
    compare them: as coordinates along features, covariates or traits, such as effect alleles, or as
    attributes ``units`` and ``coding``. See the second example.

    Whether y, features and covariates vary is checked when a model is made of the statistics, as
    what is constant in a part of the observations may vary in all of them. So a part may have a
    constant y, or a covariate that says which part it is.

    X'X takes n p^2 operations and is computed by blocks, which take about 64 MB beside a copy of X,
    8 n p bytes, and the result, 8 p^2 bytes.

    References
    ----------
    .. [1] Chan, Golub & LeVeque (1983). Algorithms for computing the sample variance: analysis and
       recommendations. The American Statistician 37:242-247.

    Examples
    --------
    >>> import numpy as np
    >>> import blrzoo as blr
    >>> data = blr.load_diabetes()
    >>> statistics = blr.sufficient_statistics(data.X, data.y)
    >>> dict(statistics.sizes), int(statistics.n)
    ({'feature': 10, 'feature_bis': 10}, 442)
    >>> beta = np.linalg.solve(statistics.XX.values, statistics.Xy.values)  # least squares
    >>> beta.round(1)[:4]
    array([ -0.5, -11.4,  24.8,  15.4])

    Note the units of the features:

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
        Data as `blrzoo.statistics.read.read_data` returns them.
    show : bool
        Whether to show a progress bar when it takes long.

    Returns
    -------
    xarray.Dataset
        As of `sufficient_statistics`; with a dim trait where y has one.
    """
    labels = plain_labels(data)
    check_memory(data.p)
    return as_dataset(_values(data, show), labels)


def _values(data: RegressionData, show: bool) -> dict[str, np.ndarray | float]:
    """All variables, with a dim of traits even for one trait."""
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


def _sizes(data: RegressionData) -> dict[str, np.ndarray | float]:
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
