"""`log_marginal_likelihood`: density of y under a model, parameters integrated out."""

import logging
import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pymc as pm
import xarray as xr

from blrzoo.checks import Choice, Flag, Integer, Seed
from blrzoo.evidence.observed import response_of
from blrzoo.evidence.power import check_model
from blrzoo.evidence.ridge import ridge_log_evidence
from blrzoo.evidence.stones import PowerChains, powers, stepping_stones
from blrzoo.gibbs.spec import find_model

__all__ = ["Method", "log_marginal_likelihood"]

Method = Literal["auto", "exact", "stepping-stones"]

_UNSURE = 0.25  # standard error of one log ratio above which the normal approximation fails

_log = logging.getLogger(__name__)


def log_marginal_likelihood(
    model: pm.Model | None = None,
    *,
    method: Method = "auto",
    stones: int = 30,
    draws: int = 500,
    tune: int = 100,
    chains: int = 4,
    random_seed: int | Sequence[int] | np.random.Generator | None = None,
    progressbar: bool = True,
    compile_kwargs: dict[str, Any] | None = None,
) -> xr.Dataset:
    r"""Compute the log density of y under a model, all parameters integrated out over their priors.

    .. math:: \log p(y) = \log \int p(y | \theta) \, p(\theta) \, d\theta

    It depends on the priors, also on the width of priors of parameters that the data determine
    well; see `bayes_factors`.

    Parameters
    ----------
    model : pm.Model, optional
        A blrzoo model. Default: the model on the context. With several traits, all traits of a row
        must be measured. Rows without y are ignored.
    method : {"auto", "exact", "stepping-stones"}, default "auto"
        "exact": closed form, with quadrature over tau2 and sigma2, for models of one trait whose
        effects have one common variance (`blrzoo.single_component`). "stepping-stones": for all
        models. "auto": "exact" where it applies, else "stepping-stones".
    stones : int, default 30
        Number of power posteriors :math:`p(\theta) p(y | \theta)^t` to draw from, the prior
        included, at :math:`t = (k / stones)^{1/0.3}`, k = 0, ..., stones - 1 [1]_.
    draws, tune : int, default 500 and 100
        Number of draws per chain that are kept at each power, and that are discarded before. Each
        chain starts where it ended at the previous power.
    chains : int, default 4
        Number of chains, drawn one after the other.
    random_seed : int, list of int, Generator or None, optional
        Seed of the draws. Default: a new one at each call.
    progressbar : bool, default True
        Show a progress bar, in terminals and notebooks, when it takes more than two seconds.
    compile_kwargs : dict, optional
        Arguments of ``pytensor.function`` for the step methods, as for ``pm.sample``.

    Returns
    -------
    xarray.Dataset
        - ``log_marginal_likelihood`` (): natural logarithm
        - ``se`` (): Monte Carlo standard error, by effective sample sizes over all stones of each
          chain; with "exact" the error of the quadrature
        - with "stepping-stones", by ``stone`` with the coordinate ``power``: ``log_ratio``, the log
          ratio of the normalizing constants of the next power and this one, ``log_ratio_se``,
          ``ess`` and ``mean_log_likelihood``
        - ``y`` (obs[, trait]): the data, for `bayes_factors`
        - the attribute ``method``: the method that was used

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument is out of range; for models that blrzoo did not make, with observed variables
        or potentials besides y, or of sufficient statistics; for "exact" with a model that it does
        not apply to; and for "stepping-stones" where traits are missing in some rows.

    Warns
    -----
    UserWarning
        If a log ratio is so uncertain that the standard error is unreliable.

    Notes
    -----
    Stepping stones [1]_ estimate :math:`\log p(y) = \sum_k \log r_k` with
    :math:`r_k = E_{t_{k-1}}[p(y | \theta)^{t_k - t_{k-1}}]` from draws of the power posterior at
    :math:`t_{k-1}` [2]_. The power of a normal density leaves every full conditional of the Gibbs
    step in closed form: :math:`\sigma^2 / t` takes the place of :math:`\sigma^2`, and t n that of n
    where :math:`\sigma^2` is drawn.

    References
    ----------
    .. [1] Xie, Lewis, Fan, Kuo & Chen (2011). Improving marginal likelihood estimation for
       Bayesian phylogenetic model selection. Systematic Biology 60:150-160.
    .. [2] Friel & Pettitt (2008). Marginal likelihood estimation via power posteriors. JRSS B
       70:589-607.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.evidence.marginal import log_marginal_likelihood
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> exact = log_marginal_likelihood(blr.single_component(data.X, data.y))
    >>> exact.method, exact.sizes["obs"]
    ('exact', 50)
    """
    model = find_model(model)
    Choice(get_args(Method), default="auto").check("method", method)
    stones = Integer(2, default=30).check("stones", stones)
    draws = Integer(10, default=500).check("draws", draws)
    tune = Integer(0, default=100).check("tune", tune)
    chains = Integer(1, default=4).check("chains", chains)
    Seed().check("random_seed", random_seed)
    progressbar = Flag(default=True).check("progressbar", progressbar)
    check_model(model)
    method, result = _exact(model, method)
    if result is None:
        rng = np.random.default_rng(random_seed)
        _log.info("%d stones of %d chains with %d draws", stones, chains, tune + draws)
        sampler = PowerChains(model, compile_kwargs)
        path = powers(stones)
        drawn = sampler.draw(path[:-1], draws, tune, chains, rng, progressbar)
        result = stepping_stones(drawn, path)
        _warn(result)
    return result.assign(y=response_of(model)).assign_attrs(method=method)


def _exact(model: pm.Model, method: Method) -> tuple[Method, xr.Dataset | None]:
    """The method that is used, and its result if it is "exact"."""
    if method == "stepping-stones":
        return method, None
    try:
        value, error = ridge_log_evidence(model)
    except ValueError:
        if method == "exact":
            raise
        return "stepping-stones", None
    return "exact", xr.Dataset({"log_marginal_likelihood": value, "se": error})


def _warn(result: xr.Dataset) -> None:
    error = result["log_ratio_se"]
    if unsure := result["stone"].values[error.values > _UNSURE].tolist():
        warnings.warn(
            f"the ratios of the stones {unsure} are known to {float(error.max()):.2f} on the log "
            f"scale, more than {_UNSURE}: then the standard error itself is not to be trusted. "
            "Take more stones, or more draws.",
            UserWarning,
            stacklevel=3,
        )
