"""The factories for several traits."""

from typing import Any, Literal, Unpack

import numpy as np
import pymc as pm

from blrzoo.advice import advised
from blrzoo.model import TraitOptions, Update, regression
from blrzoo.priors.multivariate.base import MultivariatePrior
from blrzoo.priors.multivariate.mixture import GroupedMultivariateMixture
from blrzoo.priors.multivariate.ridge import GroupedMultivariate, Multivariate
from blrzoo.priors.multivariate.spike_slab import MultivariateSpikeSlab

__all__ = ["hierarchical_multivariate", "multivariate", "multivariate_spike_slab"]


@advised(passes_to=regression)
def multivariate(
    X: Any,
    Y: Any,
    *,
    Sigma_b: Any = None,
    form: Literal["full", "diagonal"] = "full",
    tau2: Any = None,
    update: Update = "auto",
    **options: Unpack[TraitOptions],
) -> pm.Model:
    """Bayesian ridge for several traits: effects and residuals covary between traits.

    Parameters
    ----------
    X : array-like, (obs, feature)
        See `blrzoo.regression`.
    Y : array-like, (obs, trait)
        Responses; NaN where a trait was not measured. Columns name the traits.
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariance of a feature's effects, (trait, trait_bis); see `blrzoo.Multivariate`.
    form, tau2
        ``form="diagonal"``: effects on different traits are independent, with variances `tau2`.
    update
        See `blrzoo.regression`.
    **options
        covariates, weights, missing, h2, mu, gamma, Sigma_e, residual, sigma2, center: see
        `blrzoo.regression`.

    Returns
    -------
    pm.Model
        With ``beta`` (feature, trait), ``Sigma_b`` and ``Sigma_e`` (trait, trait_bis), ``mu``
        (trait) and, with covariates, ``gamma`` (covariate, trait).

    Raises
    ------
    ValueError, TypeError
        For data or hyperparameters that are refused.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, n_traits=2, random_seed=1)
    >>> with blr.multivariate(data.X, data.y):
    ...     idata = blr.sample(draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> idata.posterior["Sigma_b"].dims
    ('chain', 'draw', 'trait', 'trait_bis')
    """
    prior = Multivariate(Sigma_b=Sigma_b, form=form, tau2=tau2)
    return regression(X, Y, prior=prior, update=update, **options)


@advised(passes_to=regression)
def multivariate_spike_slab(
    X: Any,
    Y: Any,
    *,
    patterns: Any = "independent",
    Sigma_b: Any = None,
    pi: Any = None,
    form: Literal["full", "diagonal"] = "full",
    tau2: Any = None,
    **options: Unpack[TraitOptions],
) -> pm.Model:
    """Variable selection for several traits: a feature affects some traits, all or none.

    Parameters
    ----------
    X, Y
        See `blrzoo.multivariate`.
    patterns : {"independent", "all", "restrictive"} or array-like, (pattern, trait)
        Which patterns of traits a feature may affect; see `blrzoo.MultivariateSpikeSlab`.
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariance of the effects of a feature that affects all traits, (trait, trait_bis).
    pi : None, number, array, tuple or ``.dist()``
        Probabilities that a trait is affected, (trait), for independent patterns; else of the
        patterns, (pattern). See `blrzoo.MultivariateSpikeSlab`.
    form, tau2
        ``form="diagonal"``: effects on different traits are independent, with variances `tau2`.
    **options
        covariates, weights, missing, h2, mu, gamma, Sigma_e, residual, sigma2, center: see
        `blrzoo.regression`.

    Returns
    -------
    pm.Model
        With ``beta`` and ``delta`` (feature, trait), ``pi``, ``Sigma_b``, ``Sigma_e``, ``mu``
        and, with covariates, ``gamma``.

    Raises
    ------
    ValueError, TypeError
        For data or hyperparameters that are refused.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, n_traits=2, random_seed=1)
    >>> with blr.multivariate_spike_slab(data.X, data.y, patterns="all"):
    ...     idata = blr.sample(draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> blr.pip(idata).dims, idata.posterior["pattern"].values.tolist()
    (('feature', 'trait'), ['00', '10', '01', '11'])
    """
    prior = MultivariateSpikeSlab(patterns=patterns, Sigma_b=Sigma_b, pi=pi, form=form, tau2=tau2)
    return regression(X, Y, prior=prior, **options)


@advised(passes_to=regression)
def hierarchical_multivariate(
    X: Any,
    Y: Any,
    groups: Any,
    *,
    components: Any = 1,
    Sigma_b: Any = None,
    pi: Any = None,
    form: Literal["full", "diagonal"] = "full",
    tau2: Any = None,
    **options: Unpack[TraitOptions],
) -> pm.Model:
    """Each group of features has its own covariance of effects, or its own mixture of them.

    Parameters
    ----------
    X, Y
        See `blrzoo.multivariate`.
    groups : array-like, (feature,)
        Label of each feature's group; a Series or DataArray is joined to the features by label.
    components : int or list, default 1
        1: a covariance for each group (`blrzoo.GroupedMultivariate`). K > 1: a mixture of a null
        and K - 1 learned covariances for each group. A list: "null", "learned", the canonical
        "equal", "each" and "independent", and fixed matrices (`blrzoo.GroupedMultivariateMixture`).
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariances of the effects that are learned.
    pi : None, array, tuple or ``.dist()``
        Of mixtures: probabilities of the components, ([group,] component).
    form, tau2
        With one component: see `blrzoo.multivariate`.
    **options
        covariates, weights, missing, h2, mu, gamma, Sigma_e, residual, sigma2, center: see
        `blrzoo.regression`.

    Returns
    -------
    pm.Model
        With ``beta`` (feature, trait), ``Sigma_b`` (group[, component], trait, trait_bis),
        ``Sigma_e``, ``mu``; for mixtures ``label`` (feature) and ``pi`` (group, component).

    Raises
    ------
    ValueError, TypeError
        For data, groups, components or hyperparameters that are refused.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=4, n_causal=2, n_traits=2, random_seed=1)
    >>> groups = ["exon", "exon", "intron", "intron"]
    >>> kinds = ["null", "equal", "each", "learned"]
    >>> with blr.hierarchical_multivariate(data.X, data.y, groups, components=kinds):
    ...     idata = blr.sample(draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> idata.posterior["component"].values.tolist()
    ['null', 'equal', 'trait1 only', 'trait2 only', 'learned']
    """
    prior = _grouped(groups, components, Sigma_b, pi, form, tau2)
    return regression(X, Y, prior=prior, **options)


def _grouped(
    groups: Any, components: Any, Sigma_b: Any, pi: Any, form: Any, tau2: Any
) -> MultivariatePrior:
    whole = isinstance(components, int | np.integer) and not isinstance(components, bool)
    if whole and components == 1:
        if pi is not None:
            raise ValueError(
                f"pi must be left out with components=1, which has no mixture, got {pi!r}. Pass "
                f"components=3, for instance."
            )
        return GroupedMultivariate(groups, Sigma_b=Sigma_b, form=form, tau2=tau2)
    if form != "full" or tau2 is not None:
        raise ValueError(
            f"form and tau2 must be left out for a mixture, got form={form!r} and tau2={tau2!r}. "
            f"Pass Sigma_b, or components=1."
        )
    return GroupedMultivariateMixture(groups, components=components, Sigma_b=Sigma_b, pi=pi)
