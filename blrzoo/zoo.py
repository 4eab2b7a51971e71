"""The factories: one short function for each variant of the family."""

from typing import Any

import pymc as pm

from blrzoo.model import Update, regression
from blrzoo.priors.ridge import SingleComponent
from blrzoo.priors.spike_slab import SpikeSlab

__all__ = ["single_component", "spike_slab"]


def single_component(
    X: Any,
    y: Any,
    *,
    tau2: Any = None,
    covariates: Any = None,
    h2: float = 0.5,
    mu: Any = None,
    gamma: Any = None,
    sigma2: Any = None,
    center: bool = True,
    update: Update = "auto",
) -> pm.Model:
    """Bayesian ridge: all effects from one normal distribution.

    Parameters
    ----------
    X, y, covariates, h2, mu, gamma, sigma2, center, update
        See `blrzoo.regression`.
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an effect; see `blrzoo.SingleComponent`.

    Returns
    -------
    pm.Model
        With ``beta`` (feature), ``tau2``, ``sigma2``, ``mu`` and, with covariates, ``gamma``.

    Raises
    ------
    ValueError, TypeError
        For data or hyperparameters that are refused.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.single_component(data.X, data.y)
    >>> with model:
    ...     idata = blr.sample(draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> idata.posterior["beta"].dims
    ('chain', 'draw', 'feature')
    """
    return regression(
        X,
        y,
        prior=SingleComponent(tau2=tau2),
        covariates=covariates,
        h2=h2,
        mu=mu,
        gamma=gamma,
        sigma2=sigma2,
        center=center,
        update=update,
    )


def spike_slab(
    X: Any,
    y: Any,
    *,
    tau2: Any = None,
    pi: Any = None,
    covariates: Any = None,
    h2: float = 0.5,
    mu: Any = None,
    gamma: Any = None,
    sigma2: Any = None,
    center: bool = True,
) -> pm.Model:
    """Variable selection: an effect is zero, or from one normal distribution (BayesC-pi).

    Parameters
    ----------
    X, y, covariates, h2, mu, gamma, sigma2, center
        See `blrzoo.regression`.
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an included effect; see `blrzoo.SpikeSlab`.
    pi : None, number, (a, b) or ``.dist()``
        Probability that a feature is included; see `blrzoo.SpikeSlab`.

    Returns
    -------
    pm.Model
        With ``beta`` and ``delta`` (feature), ``pi``, ``tau2``, ``sigma2``, ``mu`` and, with
        covariates, ``gamma``.

    Raises
    ------
    ValueError, TypeError
        For data or hyperparameters that are refused.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> with blr.spike_slab(data.X, data.y, pi=(1, 4)):
    ...     idata = blr.sample(draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> blr.pip(idata).dims
    ('feature',)
    """
    return regression(
        X,
        y,
        prior=SpikeSlab(tau2=tau2, pi=pi),
        covariates=covariates,
        h2=h2,
        mu=mu,
        gamma=gamma,
        sigma2=sigma2,
        center=center,
    )
