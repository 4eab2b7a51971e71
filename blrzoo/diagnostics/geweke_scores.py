"""Geweke's convergence diagnostic: the start of a chain against its end."""

import numpy as np
import xarray as xr
from scipy import stats

from blrzoo.checks import Names, Number
from blrzoo.diagnostics.elements import hyperparameters, sampled
from blrzoo.diagnostics.indicators import quantities
from blrzoo.posterior.kept import refuse_kept
from blrzoo.posterior.reader import (
    SAMPLE_DIMS,
    feature_blocks,
    join_features,
    refuse_broken,
)

__all__ = ["geweke", "start_against_end"]

_FEWEST = 10  # draws of a part
_BATCHES = 8  # of the end: with fewer, power is lost; more are too short for slow chains


def geweke(
    idata: xr.DataTree,
    *,
    var_names: str | list[str] | None = None,
    first: float = 0.1,
    last: float = 0.5,
) -> xr.Dataset:
    r"""Compare the start of each chain with its end (Geweke's convergence diagnostic).

    A chain that has converged has the same mean at its start as at its end [1]_. The end is cut
    into 8 batches, and the spread of their means
    :math:`\bar\theta_{b1}, \ldots, \bar\theta_{b8}` gives the standard error:

    .. math::

       t = \frac{\bar\theta_a - \bar\theta_b}{s \sqrt{m / n_a + 1 / 8}}
       \sim t_7, \qquad
       z = \Phi^{-1}(F_{t_7}(t))

    with :math:`\bar\theta_a` the mean of the start, :math:`\bar\theta_b` and :math:`s` the mean and
    standard deviation of the batch means, :math:`m` the number of draws of a batch and :math:`n_a`
    that of the start. For a stationary chain, z is approximately standard normal: about 5 % of
    the scores exceed 2 in size by chance, so look for many such scores, or for large ones.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData.
    var_names : str or list of str, optional
        Variables of the posterior, ``"model_size"`` (number of included features) or
        ``"genetic_variance"`` (of X beta). Default: these two, and all variables without the dim
        ``feature``. Effects are left out by default: they are many, most of them are 0 in most
        draws, and the genetic variance covers their sum. Pass ``var_names="beta"`` for them.
    first, last : float, default 0.1 and 0.5
        Shares of the draws that are compared, from the start and from the end of each chain.

    Returns
    -------
    xarray.Dataset
        The z-scores, dims (chain, ...) with the other dims of the variable; positive where the
        mean of the start is above that of the end. NaN where the start or the end does not vary (an
        indicator that did not change, a fixed hyperparameter) or has a draw that is not finite:
        there is no standard error then. For indicators, see `blrzoo.indicator_table`.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, `var_names` are not names, or a share is not a number.
    ValueError
        If a variable is missing or recorded in sums only (``keep="summary"``), if draws of a
        parameter of the model are not finite, if the shares overlap, or if one of them is less than
        10 draws.

    See Also
    --------
    blrzoo.plot_geweke : The scores in a picture.
    blrzoo.diagnose : All checks, in words.
    blrzoo.testing.geweke_joint : Another test by the same author: whether a sampler draws from
        its model at all. It needs the model, not draws.

    Notes
    -----
    Geweke estimated the variance of each mean, separately for the start and the end, by the
    spectral density at frequency zero, and took z for normal; R's ``coda`` fits an autoregression.
    The start, a tenth of the chain, is too short for that: for autoregressions with 2 to 20
    effective draws in the start, 7 to 24 % of such scores exceed 2. Batch means of the end with
    Student's t [2]_ hold the level if the start has at least about 5 effective draws (the chain
    about 50); with 2 or 3 of them 6 to 8 % of the scores exceed 2, with one 12 %. For skewed
    variables, such as variances, it is 7 to 8 % with 5 effective draws in the start. The price is
    power: with 7 degrees of freedom only larger drifts are detected, and a drift that goes on
    steadily through the end also widens the spread of the batches. R-hat and ESS detect that one.

    References
    ----------
    .. [1] Geweke (1992). Evaluating the accuracy of sampling-based approaches to the calculation
       of posterior moments. In: Bayesian Statistics 4, Oxford University Press, 169-193.
    .. [2] Schmeiser (1982). Batch size effects in the analysis of simulation output. Operations
       Research 30:556-568.

    Examples
    --------
    >>> import arviz as az
    >>> import numpy as np
    >>> from blrzoo.diagnostics.geweke_scores import geweke
    >>> draws = np.random.default_rng(1).normal(size=(2, 1000))
    >>> draws[1] += 3 * np.exp(-np.arange(1000) / 100)  # it started far away
    >>> z = geweke(az.from_dict({"posterior": {"sigma2": draws}}))
    >>> z["sigma2"].values.round(1)
    array([-0. ,  4.7])
    """
    refuse_broken(idata)
    chosen = _choose(idata, var_names)
    first = Number(above=0, below=1, default=0.1).check("first", first)
    last = Number(above=0, below=1, default=0.5).check("last", last)
    _check_shares(first, last, sampled(idata).sizes["draw"])
    scores = {name: _of_variable(draws, first, last) for name, draws in chosen.items()}
    for score in scores.values():
        score.attrs = {"long_name": "Geweke's z, start against end"}
    return xr.Dataset(scores, attrs={"first": first, "last": last})


def start_against_end(draws: np.ndarray, first: float = 0.1, last: float = 0.5) -> np.ndarray:
    """Geweke's z of draws (chain, draw, ...), start against end: (chain, ...)."""
    by_draw = np.moveaxis(np.asarray(draws, dtype=float), 1, -1)
    n = by_draw.shape[-1]
    start, end = by_draw[..., : int(first * n)], by_draw[..., n - int(last * n) :]
    length = end.shape[-1] // _BATCHES
    batches = end[..., -_BATCHES * length :].reshape(*end.shape[:-1], _BATCHES, length)
    with np.errstate(all="ignore"):  # what does not vary, or is not finite, has no score
        means = batches.mean(axis=-1)
        error = means.std(axis=-1, ddof=1) * np.sqrt(length / start.shape[-1] + 1 / _BATCHES)
        t = (start.mean(axis=-1) - means.mean(axis=-1)) / error
        return np.where(_varies(start) & _varies(means), _as_normal(t, _BATCHES - 1), np.nan)


def _as_normal(t: np.ndarray, freedom: int) -> np.ndarray:
    """Normal score with the tail probability of t, from the tail that is not rounded."""
    return -np.sign(t) * stats.norm.ppf(stats.t.sf(abs(t), freedom))


def _varies(x: np.ndarray) -> np.ndarray:
    return np.isfinite(x).all(axis=-1) & (x.min(axis=-1) < x.max(axis=-1))


def _of_variable(draws: xr.DataArray, first: float, last: float) -> xr.DataArray:
    if "feature" not in draws.dims:
        return _scores(draws, first, last)
    blocks = (
        _scores(b, first, last).to_dataset(name="z")
        for b in feature_blocks(draws, progressbar=True)
    )
    return join_features(blocks)["z"]


def _scores(draws: xr.DataArray, first: float, last: float) -> xr.DataArray:
    template = draws.isel(draw=0, drop=True)
    return template.copy(data=start_against_end(draws.values, first, last))


def _choose(idata: xr.DataTree, var_names: str | list[str] | None) -> dict[str, xr.DataArray]:
    """Variables (chain, draw[, feature], ...) by name."""
    if var_names is None:
        chosen = hyperparameters(idata) | quantities(idata)
        if not chosen:
            raise ValueError(
                "idata must have hyperparameters in its posterior, or a model size or a genetic "
                f"variance; the posterior has {list(sampled(idata).data_vars)}. Name what to "
                "compare, for instance var_names='beta'."
            )
        return chosen
    names = Names(advice="Leave it out for all hyperparameters.").check("var_names", var_names)
    variables = sampled(idata)
    extra = quantities(idata) if {"model_size", "genetic_variance"} & set(names) else {}
    known = {str(name): draws for name, draws in variables.items()} | extra
    refuse_kept(idata, *names)
    if missing := [name for name in names if name not in known]:
        raise ValueError(
            f"var_names must be variables of idata.posterior, 'model_size' or "
            f"'genetic_variance'; there is no {', '.join(map(repr, missing))}, only "
            f"{[str(name) for name in known]}."
        )
    wide = [dim for name in names for dim in known[name].dims if dim == "feature"]
    order = (*SAMPLE_DIMS, "feature", ...) if wide else (*SAMPLE_DIMS, ...)
    return {name: known[name].transpose(*order, missing_dims="ignore") for name in names}


def _check_shares(first: float, last: float, draws: int) -> None:
    for name, share in (("first", first), ("last", last)):
        if int(share * draws) < _FEWEST:
            raise ValueError(
                f"{name}={share} of {draws} draws is {int(share * draws)} draws; at least "
                f"{_FEWEST} are needed. Draw more, or take a larger share."
            )
    if first + last > 1:
        raise ValueError(f"first + last must be at most 1, got {first} + {last}: they overlap")
