"""Classical least squares beside the Bayesian models: the same data, the same names."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.linalg
import xarray as xr
from scipy import stats

from blrzoo.checks import LeftOut, Number
from blrzoo.data import RegressionData, check_data
from blrzoo.labels import align, labels_of, oriented, show
from blrzoo.values import COLLINEAR, constant_columns, dependent_columns

__all__ = ["ScaledQR", "ols", "project_out"]


def project_out(Q: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Residuals of columns (obs[, column]) regressed on orthonormal ones, Q (obs, k)."""
    for _ in range(2):  # the second pass removes the rounding error of the first
        values = values - Q @ (Q.T @ values)
    return values


@dataclass(frozen=True, eq=False)
class ScaledQR:
    """Columns as Q R, each divided by its length; an intercept must have been projected out."""

    Q: np.ndarray
    R: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, columns: np.ndarray) -> "ScaledQR":
        """Factorise columns (obs, column), of which none is 0."""
        scale = np.linalg.norm(columns, axis=0)
        Q, R = scipy.linalg.qr(columns / scale, mode="economic")
        return cls(Q, R, scale)

    @property
    def dependent(self) -> bool:
        """Whether a column is a linear combination of those before it."""
        return bool((np.abs(np.diag(self.R)) <= COLLINEAR).any())

    def solve(self, y: np.ndarray) -> np.ndarray:
        """Least-squares coefficients (column,) of y (obs,)."""
        return scipy.linalg.solve_triangular(self.R, self.Q.T @ y) / self.scale


def ols(
    X: Any,
    y: Any,
    *,
    covariates: Any = None,
    ci_prob: float = 0.95,
    X_new: Any = None,
    covariates_new: Any = None,
) -> xr.Dataset:
    r"""Ordinary least squares, with standard errors, tests and intervals [2]_.

    .. math:: y = Z b + e, \quad Z = [1, W, X], \qquad
       \hat b = (Z'Z)^{-1} Z'y, \quad \hat\sigma^2 = \frac{(y - Z\hat b)'(y - Z\hat b)}{n - q},
       \quad Var(\hat b) = (Z'Z)^{-1} \hat\sigma^2,

    with q columns of Z: the intercept, the covariates W and the features X. Statistics are
    :math:`t = \hat b / se(\hat b)`, on n - q degrees of freedom.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas or xarray. Arguments with labels of observations are joined by
        label, others by position.
    y : array-like, (obs)
        Response.
    covariates : array-like, (obs, covariate), optional
        More columns, whose estimates are called gamma. Default: none. An intercept is always
        included.
    ci_prob : float, default 0.95
        Probability of the confidence and prediction intervals, in (0, 1).
    X_new : array-like, (obs_new, feature), optional
        Features of new observations, to predict. Columns are joined by label to those of X, or by
        position if they have no labels. Default: no predictions.
    covariates_new : array-like, (obs_new, covariate), optional
        Covariates of the new observations, needed with `X_new` if there are `covariates`. Rows are
        joined by label to those of `X_new`, or by position if one of both has no labels.

    Returns
    -------
    xarray.Dataset
        - ``beta`` (feature), ``gamma`` (covariate) and ``intercept`` (): estimates on the scale of
          the data as given. The intercept is the expected y where X and W are 0, whereas ``mu`` of
          the Bayesian models is that at their means.
        - For each of the three, ``*_se``, ``*_t``, ``*_p`` (two-sided, of the value 0),
          ``*_lower`` and ``*_upper`` (confidence interval).
        - ``fitted`` and ``residual`` (obs); ``sigma2`` (), the residual variance with divisor
          ``df`` = n - q; ``r2`` (), the share of the variance of y that is fitted.
        - With `X_new`, on (obs_new): ``predicted``; ``mean_lower`` and ``mean_upper``, a confidence
          interval of the expected y; ``predicted_lower`` and ``predicted_upper``, a prediction
          interval of a new y, whose variance is sigma2 larger.

        The attribute ``ci_prob`` is the probability of the intervals.

    Raises
    ------
    TypeError
        If data or `ci_prob` are not real numbers.
    ValueError
        If data are missing or infinite, labels do not match, or y is constant; n <= q; a column is
        constant, or a linear combination of those before it; `ci_prob` is not in (0, 1); or
        `covariates_new` is given without `X_new` or `covariates`, or is missing although both are
        given.

    See Also
    --------
    blrzoo.single_component : the ridge, which needs neither n > q nor independent columns.

    Notes
    -----
    Computed by a QR decomposition of the centered and scaled columns [1]_. A column counts as a
    linear combination of those before it if its part orthogonal to them is at most 1e-7 of its
    length.

    References
    ----------
    .. [1] Golub & Van Loan (2013). Matrix Computations, 4th ed., section 5.3.
    .. [2] Seber & Lee (2003). Linear Regression Analysis, 2nd ed., chapters 3-5.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.load_diabetes()
    >>> fit = blr.ols(data.X, data.y, X_new=data.X[:1])
    >>> fit[["beta", "beta_se", "beta_p"]].sel(feature="bmi").to_array().values.round(4)
    array([24.7546,  3.1683,  0.    ])
    >>> int(fit.df), float(fit.r2.round(4))
    (431, 0.5177)
    >>> fit[["predicted_lower", "predicted", "predicted_upper"]].to_array().values.T.round(1)
    array([[ 98.7, 206.1, 313.5]])
    """
    ci_prob = Number(above=0, below=1, default=0.95).check("ci_prob", ci_prob)
    with warnings.catch_warnings():  # of constant features and copies, which are refused below
        warnings.simplefilter("ignore", UserWarning)
        data = check_data(X, y, covariates)
    fit = _LeastSquares(data, ci_prob)
    result = fit.estimates()
    if X_new is not None:
        result = result.merge(fit.predictions(X_new, covariates_new))
    else:
        LeftOut("without X_new", advice="Pass X_new too.").check("covariates_new", covariates_new)
    return result


class _LeastSquares:
    """The fit, by its decomposition. Columns: covariates, then features."""

    def __init__(self, data: RegressionData, ci_prob: float) -> None:
        _check_size(data)
        _check_constant(data)
        columns = np.hstack([data.W, data.X])
        self.data, self.ci_prob, self.center = data, ci_prob, columns.mean(axis=0)
        factors = ScaledQR.of(columns - self.center)
        if factors.dependent:
            _refuse_dependent(data, columns)
        self.R, self.scale = factors.R, factors.scale
        y_mean = data.y.mean()
        deviation = data.y - y_mean
        self.b = factors.solve(deviation)
        self.intercept = y_mean - self.center @ self.b
        self.residual = deviation - factors.Q @ (factors.Q.T @ deviation)
        self.df = data.n - columns.shape[1] - 1
        self.sigma2 = self.residual @ self.residual / self.df
        self.r2 = 1 - self.residual @ self.residual / (deviation @ deviation)
        self.quantile = stats.t.ppf((1 + ci_prob) / 2, self.df)

    def estimates(self) -> xr.Dataset:
        """Estimates, tests and intervals, fitted values and residuals."""
        data, k = self.data, self.data.W.shape[1]
        inverse = scipy.linalg.solve_triangular(self.R, np.eye(len(self.R)))
        se = np.sqrt(self.sigma2) * np.linalg.norm(inverse, axis=1) / self.scale
        at_zero = self._mean_se(np.zeros((1, len(self.b))))[0]
        variables = self._table("intercept", (), self.intercept, at_zero)
        if k:
            variables |= self._table("gamma", ("covariate",), self.b[:k], se[:k])
        variables |= self._table("beta", ("feature",), self.b[k:], se[k:])
        variables |= {
            "fitted": ("obs", data.y - self.residual),
            "residual": ("obs", self.residual),
            "sigma2": self.sigma2,
            "df": self.df,
            "r2": self.r2,
        }
        return xr.Dataset(variables, coords=data.coords, attrs={"ci_prob": float(self.ci_prob)})

    def _table(
        self, name: str, dims: tuple[str, ...], value: np.ndarray | float, se: np.ndarray | float
    ) -> dict[str, object]:
        with np.errstate(divide="ignore", invalid="ignore"):  # a perfect fit has se = 0
            t = np.divide(value, se)
        parts = {
            "": value,
            "_se": se,
            "_t": t,
            "_p": 2 * stats.t.sf(np.abs(t), self.df),
            "_lower": value - self.quantile * se,
            "_upper": value + self.quantile * se,
        }
        return {f"{name}{suffix}": (dims, part) for suffix, part in parts.items()}

    def _mean_se(self, rows: np.ndarray) -> np.ndarray:
        """Standard error of the expected y at rows of covariates and features."""
        scaled = ((rows - self.center) / self.scale).T
        leverage = np.sum(scipy.linalg.solve_triangular(self.R, scaled, trans="T") ** 2, axis=0)
        return np.sqrt(self.sigma2 * (1 / self.data.n + leverage))

    def predictions(self, X_new: Any, covariates_new: Any) -> xr.Dataset:
        """Predictions and their intervals at new rows."""
        X, labels = _read_new("X_new", X_new, self.data.coords["feature"])
        rows = np.hstack([self._covariates(covariates_new, labels, len(X)), X])
        se = self._mean_se(rows)
        value, half = self.intercept + rows @ self.b, self.quantile * se
        half_new = self.quantile * np.sqrt(se**2 + self.sigma2)
        parts = {
            "predicted": value,
            "mean_lower": value - half,
            "mean_upper": value + half,
            "predicted_lower": value - half_new,
            "predicted_upper": value + half_new,
        }
        obs = np.arange(len(X)) if labels is None else labels
        return xr.Dataset({k: ("obs_new", v) for k, v in parts.items()}, {"obs_new": obs})

    def _covariates(self, covariates_new: Any, labels: pd.Index | None, m: int) -> np.ndarray:
        k = self.data.W.shape[1]
        if (covariates_new is not None) != (k > 0):
            raise ValueError(
                f"covariates_new must be given where there are covariates and X_new, and only "
                f"there; got {k} covariate(s) and covariates_new="
                f"{'None' if covariates_new is None else 'an array'}. Pass both or none."
            )
        if not k:
            return np.empty((m, 0))
        W, rows = _read_new("covariates_new", covariates_new, self.data.coords["covariate"])
        if labels is None:
            rows, labels = None, pd.RangeIndex(m)
        return align("covariates_new", W, rows, labels, "rows of X_new")


def _read_new(name: str, value: Any, columns: np.ndarray) -> tuple[np.ndarray, pd.Index | None]:
    """Values of new observations, columns in the order of the fit, and labels of the rows."""
    table = _as_matrix(name, value, len(columns))
    try:
        values = np.asarray(table, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} must be real numbers, got {error}. Convert them first.") from error
    rows, names = labels_of(name, table), labels_of(name, table, axis=1)
    wanted = pd.Index(columns)
    values = align(name, values, names, wanted, "columns of the fit", axis=1)
    if not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be complete and finite, got {int((~np.isfinite(values)).sum())} missing "
            "or infinite value(s). Drop these observations, or impute the values."
        )
    return values, rows


def _as_matrix(name: str, value: Any, width: int) -> Any:
    """Put dims into the order observation, column; a Series is the column of a fit with one."""
    if isinstance(value, xr.DataArray):
        value = oriented(value, "obs", "feature", "covariate")
    if width == 1 and isinstance(value, pd.Series | xr.DataArray) and value.ndim == 1:
        rows = labels_of(name, value)
        given = {} if rows is None else {"obs": rows}
        return xr.DataArray(np.asarray(value)[:, None], given, ("obs", "column"))
    if np.ndim(value) != 2:
        raise ValueError(
            f"{name} must have 2 dimensions, (observation, column), got {np.ndim(value)}. For one "
            f"observation pass {name}.reshape(1, -1)."
        )
    return value


def _check_size(data: RegressionData) -> None:
    columns = data.p + data.W.shape[1] + 1
    if data.n <= columns:
        raise ValueError(
            f"X must have more observations than there are columns with the intercept, got "
            f"n = {data.n} observations and {columns} columns (p = {data.p} features). Least "
            "squares has no unique answer, or no residual variance: drop columns, or use "
            "blrzoo.single_component(X, y), which shrinks the effects."
        )


def _check_constant(data: RegressionData) -> None:
    constant = constant_columns(data.X.min(axis=0), data.X.max(axis=0))
    if constant.any():
        raise ValueError(
            f"X must have no constant features, which are collinear with the intercept, got "
            f"{show(data.coords['feature'][constant].tolist())}. Drop them."
        )


def _refuse_dependent(data: RegressionData, columns: np.ndarray) -> None:
    """Refuse features that are linear combinations of the intercept and the columns before."""
    names = data.coords["feature"][dependent_columns(columns)[data.W.shape[1] :]].tolist()
    raise ValueError(
        f"X must have linearly independent columns, also of the intercept and the covariates, "
        f"got feature {show(names)} as linear combinations of the columns before. Drop these, "
        "or use blrzoo.single_component(X, y), which shrinks the effects."
    )
