"""`log_marginal_likelihood`: the density of the data under a model, parameters integrated out."""

import logging
import warnings
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

_UNSURE = 0.25  # error of the log of one ratio from which the normal approximation fails

_log = logging.getLogger(__name__)


def log_marginal_likelihood(
    model: pm.Model | None = None,
    *,
    method: Method = "auto",
    stones: int = 30,
    draws: int = 500,
    tune: int = 100,
    chains: int = 4,
    random_seed: int | np.random.Generator | None = None,
    progressbar: bool = True,
    compile_kwargs: dict[str, Any] | None = None,
) -> xr.Dataset:
    r"""Log density of y under a model, all parameters integrated out over their priors.

    .. math:: \log p(y) = \log \int p(y | \theta) \, p(\theta) \, d\theta

    It depends on the priors, also on how wide they are where the data say much: see
    `bayes_factors`.

    Parameters
    ----------
    model : pm.Model, optional
        A blrzoo model. Default: the model on the context. With several traits, all traits of a row
        must be measured. Rows without y play no part.
    method : {"auto", "exact", "stepping-stones"}
        "exact": closed form, and quadrature over tau2 and sigma2, for models of one trait whose
        effects have one common variance (`blrzoo.single_component`). "stepping-stones": for all.
        "auto": the first where it holds, else the second.
    stones : int, default 30
        Number of power posteriors :math:`p(\theta) p(y | \theta)^t` to draw from, the prior
        included, at :math:`t = (k / stones)^{1/0.3}`, k = 0, ..., stones - 1 [1]_.
    draws, tune : int, default 500 and 100
        Draws of each chain at each of them that are kept, and that are discarded. Each chain
        starts where it ended at the power before.
    chains : int, default 4
        Number of chains, drawn one after the other.
    random_seed : int, Generator or None
        Seeds the draws.
    progressbar : bool, default True
        Whether to show one.
    compile_kwargs : dict, optional
        Of ``pytensor.function``, for the step methods, as for ``pm.sample``.

    Returns
    -------
    xarray.Dataset
        - ``log_marginal_likelihood`` ()
        - ``se`` (): Monte Carlo standard error, from the effective sample sizes of all stones of
          all chains; of "exact" the error of the quadrature
        - ``log_ratio``, ``log_ratio_se``, ``ess`` and ``mean_log_likelihood`` (stone), with the
          coordinate ``power``: what each stone adds, and how well it is known
        - ``y`` (obs[, trait]): the data, for `bayes_factors`
        - the attribute ``method``

    Raises
    ------
    TypeError, ValueError
        For arguments out of range, models that are not of blrzoo or have terms added, for "exact"
        with other models, and for "stepping-stones" where traits are missing in some rows.

    Warns
    -----
    UserWarning
        Where a stone is so uncertain that the standard error is not to be trusted.

    Notes
    -----
    A normal density to a power keeps every full conditional of the Gibbs step in closed form:
    :math:`\sigma^2 / t` takes the place of :math:`\sigma^2`, and t n that of n where
    :math:`\sigma^2` is drawn. Only the log density of y is needed of the draws.

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
    """The method taken, and the result where that is the exact one."""
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
