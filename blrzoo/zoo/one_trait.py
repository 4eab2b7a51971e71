"""The factories for one trait."""

from typing import Any, Unpack

import pymc as pm

from blrzoo.advice import advised
from blrzoo.model import Options, Update, regression
from blrzoo.priors.base import Prior
from blrzoo.priors.grouped import GroupedMixture, GroupedRidge
from blrzoo.priors.mixture import MultipleComponent
from blrzoo.priors.ridge import SingleComponent
from blrzoo.priors.spike_slab import SpikeSlab

__all__ = ["hierarchical", "multiple_component", "single_component", "spike_slab"]


@advised(passes_to=regression)
def single_component(
    X: Any,
    y: Any,
    *,
    tau2: Any = None,
    update: Update = "auto",
    **options: Unpack[Options],
) -> pm.Model:
    """Bayesian ridge: all effects from one normal distribution.

    Parameters
    ----------
    X, y, update
        See `blrzoo.regression`.
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an effect; see `blrzoo.SingleComponent`.
    **options
        covariates, weights, missing, h2, mu, gamma, sigma2, center: see `blrzoo.regression`.

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
        update=update,
        **options,
    )


@advised(passes_to=regression)
def spike_slab(
    X: Any,
    y: Any,
    *,
    tau2: Any = None,
    pi: Any = None,
    expected_size: float | None = None,
    inclusion: Any = None,
    groups: Any = None,
    **options: Unpack[Options],
) -> pm.Model:
    """Variable selection: an effect is zero, or from one normal distribution (BayesC-pi).

    Parameters
    ----------
    X, y
        See `blrzoo.regression`.
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an included effect; see `blrzoo.SpikeSlab`.
    pi : None, number, (a, b) or ``.dist()``
        Probability that a feature is included; see `blrzoo.SpikeSlab`.
    expected_size, inclusion, groups
        Other ways to say it: the expected number of included features, a fixed probability for
        each feature, or a learned one for each group; see `blrzoo.SpikeSlab`.
    **options
        covariates, weights, missing, h2, mu, gamma, sigma2, center: see `blrzoo.regression`.

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
        prior=SpikeSlab(
            tau2=tau2, pi=pi, expected_size=expected_size, inclusion=inclusion, groups=groups
        ),
        **options,
    )


@advised(passes_to=regression)
def multiple_component(
    X: Any,
    y: Any,
    *,
    n_components: int | None = None,
    tau2: Any = None,
    pi: Any = None,
    ratios: Any = None,
    null: bool = True,
    **options: Unpack[Options],
) -> pm.Model:
    """Small, medium and large effects: zero, or from one of several normal distributions.

    Parameters
    ----------
    X, y
        See `blrzoo.regression`.
    n_components, tau2, pi, ratios, null
        The mixture; see `blrzoo.MultipleComponent`. ``ratios=(0, 0.01, 0.1, 1)`` is BayesR.
    **options
        covariates, weights, missing, h2, mu, gamma, sigma2, center: see `blrzoo.regression`.

    Returns
    -------
    pm.Model
        With ``beta`` and ``label`` (feature), ``tau2`` and ``pi`` (component), ``sigma2``, ``mu``
        and, with covariates, ``gamma``.

    Raises
    ------
    ValueError, TypeError
        For data or hyperparameters that are refused.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> with blr.multiple_component(data.X, data.y):
    ...     idata = blr.sample(draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> idata.posterior["tau2"].dims, float(idata.posterior["tau2"].sel(component=0).max())
    (('chain', 'draw', 'component'), 0.0)
    """
    return regression(
        X,
        y,
        prior=MultipleComponent(
            n_components=n_components, tau2=tau2, pi=pi, ratios=ratios, null=null
        ),
        **options,
    )


@advised(passes_to=regression)
def hierarchical(
    X: Any,
    y: Any,
    groups: Any,
    *,
    components: int = 1,
    tau2: Any = None,
    pi: Any = None,
    ratios: Any = None,
    shared_pi: bool = False,
    pooled: bool = False,
    **options: Unpack[Options],
) -> pm.Model:
    """Each biological group of features has its own variance, or its own mixture.

    Parameters
    ----------
    X, y
        See `blrzoo.regression`.
    groups : array-like, (feature,)
        Label of each feature's group; a Series or DataArray is joined to the features by label.
    components : int, default 1
        1: a variance for each group (`blrzoo.GroupedRidge`). K > 1: a mixture of a null and K - 1
        normals for each group (`blrzoo.GroupedMixture`).
    tau2, pooled
        See `blrzoo.GroupedRidge`.
    pi, ratios, shared_pi
        Of mixtures; see `blrzoo.GroupedMixture`.
    **options
        covariates, weights, missing, h2, mu, gamma, sigma2, center: see `blrzoo.regression`.

    Returns
    -------
    pm.Model
        With ``beta`` (feature) and ``tau2`` (group), or ``label`` (feature) and ``tau2`` and
        ``pi`` (group, component), ``sigma2``, ``mu`` and, with covariates, ``gamma``.

    Raises
    ------
    ValueError, TypeError
        For data, groups or hyperparameters that are refused.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=4, n_causal=2, random_seed=1)
    >>> model = blr.hierarchical(data.X, data.y, ["exon", "exon", "intron", "intron"])
    >>> with model:
    ...     idata = blr.sample(draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> idata.posterior["tau2"].sel(group="exon").dims
    ('chain', 'draw')
    """
    return regression(
        X,
        y,
        prior=_grouped(groups, components, tau2, pooled, pi, ratios, shared_pi),
        **options,
    )


def _grouped(
    groups: Any, components: int, tau2: Any, pooled: bool, pi: Any, ratios: Any, shared_pi: bool
) -> Prior:
    mixture = {"pi": pi, "ratios": ratios, "shared_pi": shared_pi or None}
    if isinstance(components, bool) or components != 1:
        return GroupedMixture(
            groups,
            n_components=components,
            tau2=tau2,
            pi=pi,
            ratios=ratios,
            shared_pi=shared_pi,
            pooled=pooled,
        )
    given = [name for name, value in mixture.items() if value is not None]
    if given:
        raise ValueError(
            f"{given[0]} must be left out with components=1, which has no mixture, got "
            f"{mixture[given[0]]!r}. Pass components=4, for instance."
        )
    return GroupedRidge(groups, tau2=tau2, pooled=pooled)
