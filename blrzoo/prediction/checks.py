"""Posterior predictive checks: statistics of the data against those of replicated data."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.checks import Flag, Instance
from blrzoo.labels import order
from blrzoo.posterior.finite import not_finite
from blrzoo.posterior.inputs import constant_data, of_statistics
from blrzoo.posterior.kept import kept_names, refuse_kept
from blrzoo.posterior.reader import SAMPLE_DIMS, posterior
from blrzoo.prediction._linear import Fit, mean_blocks
from blrzoo.prediction.rows import Rows
from blrzoo.summaries.table import check_interval

__all__ = ["ppc_table"]

Statistic = str | float | Callable[[np.ndarray], float | np.number | np.bool_]

_COLUMNS = {
    "observed": "statistic of the data",
    "mean": "mean of the statistic of replicated data",
    "sd": "standard deviation of the statistic of replicated data",
    "lower": "lower end of the equal-tailed interval of the replicated statistic",
    "upper": "upper end of the equal-tailed interval of the replicated statistic",
    "p_value": "P(replicated > observed) + P(equal) / 2",
}


def _moment(power: int) -> Callable[[np.ndarray], np.ndarray]:
    """Standardized central moment over the last axis, minus that of a normal."""

    def moment(values: np.ndarray) -> np.ndarray:
        centered = values - values.mean(axis=-1, keepdims=True)
        normal = 3.0 if power == 4 else 0.0
        return (centered**power).mean(axis=-1) / (centered**2).mean(axis=-1) ** (power / 2) - normal

    return moment


#: Over the last axis.
_KNOWN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "mean": lambda values: values.mean(axis=-1),
    "variance": lambda values: values.var(axis=-1, ddof=1),
    "skewness": _moment(3),
    "kurtosis": _moment(4),
    "min": lambda values: values.min(axis=-1),
    "max": lambda values: values.max(axis=-1),
}
_DEFAULT: tuple[Statistic, ...] = ("variance", "skewness", "kurtosis", 0.01, 0.99)
_LISTS = Instance(
    (list, tuple, set, Iterator), "a list, or a dict by label", default=list(_DEFAULT)
)


def ppc_table(
    idata: xr.DataTree,
    statistics: Mapping[str, Statistic] | Iterable[str | float] | None = None,
    *,
    residuals: bool = False,
    ci_prob: float = 0.95,
) -> xr.Dataset:
    r"""Compare statistics of the data with those of data replicated from the posterior.

    ``arviz.plot_ppc_tstat`` plots this for one statistic at a time; this is the table.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``y`` in its groups observed_data and posterior_predictive (from
        ``pm.sample_posterior_predictive(idata, extend_inferencedata=True)``).
    statistics : mapping of str to statistic, or iterable of str and float, optional
        A statistic is one of ``"mean"``, ``"variance"`` (divisor n - 1), ``"skewness"``,
        ``"kurtosis"`` (excess: 0 for a normal), ``"min"``, ``"max"`` and, for each pair of traits,
        ``"correlation"``; a float from 0 to 1, for that quantile; or, in a mapping, a function that
        returns a number for a vector, the values of one trait in the order of the rows. Default:
        variance, skewness, kurtosis, the quantiles 0.01 and 0.99, and with several traits the
        correlation.
    residuals : bool, default False
        Use y minus its mean given the parameters, draw by draw, of the data and of the replicated
        data (realized discrepancies [1]_). Needs draws of ``mu``, ``beta`` and, with covariates,
        ``gamma`` in the posterior, and ``X``, ``X_center`` (``W``, ``W_center``) in the constant
        data.
    ci_prob : float, default 0.95
        Probability of the equal-tailed intervals of the replicated statistics, in (0, 1).

    Returns
    -------
    xarray.Dataset
        Dims (statistic), with several traits labeled ``variance[milk]`` or
        ``correlation[milk, fat]``: ``observed`` (with `residuals` its posterior mean), ``mean``,
        ``sd``, ``lower`` and ``upper`` of the replicated statistic, and ``p_value``, the
        probability that it is larger than the observed one, plus half the probability that both
        are equal. Values near 0 or 1 indicate misfit.

    Raises
    ------
    TypeError
        If `idata` is not an InferenceData, `residuals` is not a bool, or a statistic is none of
        the above.
    ValueError
        If a group or ``y`` in it is missing, the rows or the draws of the groups differ, replicated
        data are not finite, a name is unknown, a quantile is out of range, or a function returns no
        number; for a fit of sufficient statistics, and one with ``keep="summary"``.

    Notes
    -----
    Values of y that were not measured (NaN) are left out of the data and of the replicated data.
    These p-values use the data twice: for statistics that the model fits (mean, variance) they are
    close to 1/2 even if the model is wrong. Choose statistics that the model has no parameter for.

    References
    ----------
    .. [1] Gelman, Meng & Stern (1996). Posterior predictive assessment of model fitness via
       realized discrepancies. Statistica Sinica 6:733-760.

    Examples
    --------
    >>> import arviz as az
    >>> import numpy as np
    >>> from blrzoo.prediction import ppc_table
    >>> rng = np.random.default_rng(1)
    >>> idata = az.from_dict(
    ...     {
    ...         "posterior": {"mu": np.zeros((2, 500))},
    ...         "posterior_predictive": {"y": rng.normal(size=(2, 500, 100))},
    ...         "observed_data": {"y": rng.exponential(size=100) - 1.0},
    ...     },
    ...     dims={"y": ["obs"]},
    ... )
    >>> table = ppc_table(idata, ["variance", "skewness"])
    >>> table[["observed", "lower", "upper", "p_value"]].to_dataframe().round(1)
               observed  lower  upper  p_value
    statistic
    variance        1.0    0.7    1.3      0.3
    skewness        1.5   -0.4    0.5      0.0
    """
    ci_prob = check_interval(ci_prob)
    residuals = Flag(default=False).check("residuals", residuals)
    y, replicated, names = _read(idata)
    chosen = _statistics(statistics, traits=y.shape[1])
    observed: np.ndarray = y[None]
    if residuals:
        means = _means(idata, y.shape)
        if len(means) != len(replicated):
            raise ValueError(
                f"idata.posterior_predictive must have the draws of the posterior with "
                f"residuals=True, got {len(replicated)} draws and {len(means)}. Sample it again "
                f"from this posterior."
            )
        observed, replicated = observed - means, replicated - means
    rows: dict[str, dict[str, float]] = {}
    for label, statistic in chosen.items():
        columns = combinations(range(y.shape[1]), 2 if statistic == "correlation" else 1)
        for column in map(list, columns):
            known = ~np.isnan(y[:, column]).any(axis=1)
            seen, again = (
                _apply(label, statistic, array[:, known][:, :, column])
                for array in (observed, replicated)
            )
            name = label if names is None else f"{label}[{', '.join(names[column])}]"
            rows[name] = _compare(seen, again, ci_prob)
    return _table(rows).assign_attrs(ci_kind="eti", ci_prob=ci_prob)


def _read(idata: xr.DataTree) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """The data (obs, trait), replicated data (sample, obs, trait), names of the traits."""
    posterior(idata)  # refuses what is not an InferenceData
    if of_statistics(idata):
        raise ValueError(
            "idata must be a fit of observations, which are compared with replicated ones; got one "
            "of sufficient statistics, which have no rows. Fit X and y, in another design than "
            "'gram'; or check predictions of other rows: blrzoo.score."
        )
    # PyMC draws what the posterior lacks from its prior: these would not be predictive draws.
    refuse_kept(idata, *kept_names(idata))
    observed, replicated = (_response(idata, g) for g in ("observed_data", "posterior_predictive"))
    traits = [dim for dim in observed.dims if dim != "obs"]
    if len(traits) > 1 or set(replicated.dims) != {*SAMPLE_DIMS, "obs", *traits}:
        raise ValueError(
            f"'y' must have the dims (obs[, trait]) in idata.observed_data and (chain, draw, obs"
            f"[, trait]) in idata.posterior_predictive; it has {observed.dims} and "
            f"{replicated.dims}. Name them with az.from_dict(..., dims=...)."
        )
    dims = ["obs", *traits]
    if any(not observed.get_index(dim).equals(replicated.get_index(dim)) for dim in dims):
        raise ValueError(
            "'y' in idata.observed_data and in idata.posterior_predictive must be of the same "
            "rows; their labels differ. Sample the posterior predictive with the data of the fit."
        )
    y = observed.transpose(*dims).values.astype(float)
    y = y.reshape(len(y), -1)
    values = replicated.transpose(*SAMPLE_DIMS, *dims).values.astype(float, copy=False)
    _check_replicated(values, y)
    names = np.array([str(t) for t in observed.get_index(traits[0])]) if traits else None
    return y, values.reshape(-1, *y.shape), names


def _check_replicated(values: np.ndarray, y: np.ndarray) -> None:
    """Refuse replicated data (chain, draw, obs[, trait]) that are not finite where y is known."""
    finite = np.isfinite(values).reshape(*values.shape[:2], *y.shape)
    broken = ~finite[:, :, ~np.isnan(y)].all(axis=-1)
    if broken.any():
        raise not_finite("'y' in idata.posterior_predictive", broken)


def _response(idata: xr.DataTree, group: str) -> xr.DataArray:
    found = idata[group].to_dataset() if group in idata.children else None
    if found is None or "y" not in found:
        remedy = "Keep the group with the posterior"
        if group == "posterior_predictive":
            remedy = "with model: pm.sample_posterior_predictive(idata, extend_inferencedata=True)"
        has = "no such group" if found is None else f"{[str(key) for key in found.data_vars]}"
        raise ValueError(f"idata must have 'y' in its group {group!r}; it has {has}. {remedy}.")
    return found["y"]


def _statistics(statistics: Any, traits: int) -> dict[str, Statistic]:
    """Checked statistics by label."""
    if statistics is None:
        statistics = [*_DEFAULT, *(["correlation"] if traits > 1 else [])]
    if isinstance(statistics, str | float):
        statistics = [statistics]
    if not isinstance(statistics, Mapping):
        listed = list(_LISTS.check("statistics", statistics))
        labels = [f"{one:g}" if isinstance(one, float) else str(one) for one in listed]
        statistics = dict(zip(labels, listed, strict=True))
    for one in statistics.values():
        _check_statistic(one, traits)
    return {str(label): one for label, one in statistics.items()}


def _check_statistic(statistic: object, traits: int) -> None:
    known = [*_KNOWN, "correlation"]
    rule = f"statistics must be names of {known}, quantiles between 0 and 1, or functions"
    if not isinstance(statistic, str | float) and not callable(statistic):
        raise TypeError(
            f"{rule}, got {type(statistic).__name__}. Pass functions in a dict by their labels."
        )
    if isinstance(statistic, str) and statistic not in known:
        raise ValueError(f"{rule}, got {statistic!r}. Pass a function in a dict by its label.")
    if isinstance(statistic, float) and not 0 <= statistic <= 1:
        raise ValueError(f"{rule}, got {statistic}. Try 0.99.")
    if statistic == "correlation" and traits == 1:
        raise ValueError(f"{rule}, got 'correlation', which takes two traits. Leave it out.")


def _apply(label: str, statistic: Statistic, values: np.ndarray) -> np.ndarray:
    """The statistic of each draw of values (sample, row, column)."""
    if statistic == "correlation":
        a, b = np.moveaxis(values - values.mean(axis=1, keepdims=True), 2, 0)
        return (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    vectors = values[:, :, 0]
    if isinstance(statistic, str):
        return _KNOWN[statistic](vectors)
    if isinstance(statistic, float):
        return np.quantile(vectors, statistic, axis=-1)
    result = np.array([statistic(vector) for vector in vectors])
    if result.ndim != 1 or result.dtype.kind not in "biuf":
        raise ValueError(
            f"statistics must return one number for a vector; {label!r} returned "
            f"{statistic(vectors[0])!r}. Reduce it, for instance by its mean."
        )
    return result.astype(float)


def _compare(observed: np.ndarray, replicated: np.ndarray, ci_prob: float) -> dict[str, float]:
    tail = (1 - ci_prob) / 2
    lower, upper = np.quantile(replicated, [tail, 1 - tail])
    larger, equal = replicated > observed, replicated == observed
    sd = replicated.std(ddof=1) if replicated.size > 1 else np.nan
    p_value = larger.mean() + equal.mean() / 2
    values = (observed.mean(), replicated.mean(), sd, lower, upper, p_value)
    return dict(zip(_COLUMNS, map(float, values), strict=True))


def _table(rows: dict[str, dict[str, float]]) -> xr.Dataset:
    return xr.Dataset(
        {
            name: ("statistic", [row[name] for row in rows.values()], {"long_name": long_name})
            for name, long_name in _COLUMNS.items()
        },
        coords={"statistic": list(rows)},
    )


def _means(idata: xr.DataTree, shape: tuple[int, ...]) -> np.ndarray:
    """Draws (sample, obs, trait) of the mean of the rows of the fit."""
    fit = Fit.of(idata)
    means = np.empty((len(fit.mu), *shape))
    for block, values in mean_blocks(fit, _rows_of_fit(idata, fit)):
        means[:, block] = np.moveaxis(values, 0, 1)
    return means


def _rows_of_fit(idata: xr.DataTree, fit: Fit) -> Rows:
    data = constant_data(idata)
    needed = ["X"] if fit.covariates is None else ["X", "W"]
    if lacking := [name for name in needed if name not in data]:
        raise ValueError(
            f"idata.constant_data must have {needed} for residuals=True; it lacks {lacking}. Keep "
            f"the data with the posterior, or pass residuals=False."
        )
    X = data["X"].transpose("obs", "feature")
    what = "features of the posterior"
    features = order("X in idata.constant_data", X.get_index("feature"), fit.features, what)
    W = None
    if fit.covariates is not None:
        W = data["W"].sel(covariate=fit.covariates).transpose("obs", "covariate").values
    obs: pd.Index = X.get_index("obs")
    return Rows(obs, X.values.astype(float, copy=False), features, W, None)
