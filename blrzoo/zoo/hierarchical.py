"""The factories whose features are in groups, for one trait and for several."""

from collections.abc import Sequence
from typing import Any, Literal, Unpack, get_args

import pymc as pm

from blrzoo.advice import advised, needs_groups
from blrzoo.checks import Choice, Flag, Integer, LeftOut
from blrzoo.model import Options, TraitOptions, regression
from blrzoo.priors.base import Prior
from blrzoo.priors.grouped import HierarchicalMixture, HierarchicalRidge
from blrzoo.priors.multivariate.base import MultivariatePrior
from blrzoo.priors.multivariate.mixture import HierarchicalMultivariateMixture
from blrzoo.priors.multivariate.ridge import Form, HierarchicalMultivariate
from blrzoo.priors.multivariate.weights import MOST_COMPONENTS

__all__ = ["hierarchical", "hierarchical_multivariate"]

_COUNT = Integer(1, MOST_COMPONENTS, default=1, advice="Pass 2 to 5 for a mixture.")
_NO_MIXTURE = LeftOut(
    "with n_components=1, which has no mixture", advice="Pass n_components=4, for instance."
)
_MIXTURE = LeftOut("for a mixture", advice="Pass Sigma_b, or n_components=1.")


@advised(passes_to=regression)
def hierarchical(
    X: Any,
    y: Any = None,
    groups: Any = None,
    *,
    n_components: int = 1,
    tau2: Any = None,
    pi: Any = None,
    ratios: Any = None,
    shared_pi: bool = False,
    pooled: bool = False,
    **options: Unpack[Options],
) -> pm.Model:
    r"""Each biological group of features has its own variance, or its own mixture.

    .. math:: y = \mu + (W - \bar W)\gamma + (X - \bar X)\beta + e, \quad
       e \sim N(0, \sigma^2 I)

    .. math:: \beta_j \sim N(0, \tau^2_{g(j)}), \quad
       \tau^2_g \sim \text{scaled-inverse-}\chi^2(\nu, S^2)

    With K > 1 components, in each group a mixture of a null and K - 1 normals:

    .. math:: \beta_j | k_j \sim N(0, \tau^2_{g(j) k_j}), \quad P(k_j = k) = \pi_{g(j) k}, \quad
       \tau^2_{g0} = 0, \quad \pi_g \sim Dirichlet(a)

    Other names
        Group ridge, MultiBLUP, multi-kernel GBLUP, BRR with several terms of ETA (BGLR), BayesN
        with sets (qgg); with mixtures BayesRC.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Names of columns become the ``feature``
        coordinate. Or what `sufficient_statistics` returns, without y.
    y : array-like, (obs,)
        Response, joined to X by label. One of 0 and 1 is modelled as normal, with a warning.
    groups : array-like, (feature,)
        Label of each feature's group; a Series or DataArray is joined to the features by label,
        and labels of other features are left out.
    n_components : int, default 1
        1: a variance for each group. K > 1: a mixture of a null and K - 1 normals for each.
    tau2 : None, array, (nu, S2) or ``.dist()``
        With one component: variances, (group); default ``(4, S2)`` with prior mean
        ``2 S2 = h2 var(y) / sum_j var(x_j)`` in every group. Of mixtures: of the components but
        the null, (group, slab), or with `ratios` the common one, (group); default ``(4, S2)`` with
        prior means ``2 S2`` in the ratios r_k = ..., 0.01, 0.1, 1, the last of them
        ``h2 var(y) / (max(p sum_k w_k r_k, 1) mean_j var(x_j))``, with ``w_k = E[pi_k]`` if `pi`
        is given, else ``s / p / (K - 1)``, ``s = min(p / 2, sqrt(n))``.
    pi : None, array, tuple or ``.dist()``
        Of mixtures: probabilities of the components, (group, component); a tuple has the
        Dirichlet's parameters. Default ``1 / min(K - 1, 16)`` for each normal and
        ``sqrt((p - s) / s)`` times their sum for the null.
    ratios : sequence of float, optional
        Of mixtures: variances relative to the group's common one, for instance
        ``(0, 0.01, 0.1, 1)``. Default: each component learns its own variance.
    shared_pi : bool, default False
        Of mixtures: one vector of probabilities for all groups, (component).
    pooled : bool, default False
        Learn a common scale S2 of the groups' variances, so that small groups borrow strength from
        the others; exponential, with the mean that S2 has without pooling.
    covariates : array-like, (obs, covariate), optional
        Fixed effects W, without an intercept, joined to X by label. Default: none.
    weights : array-like, (obs,), optional
        Known relative precisions w_i > 0: residual variances are divided by w_i. Default: all 1.
    missing : {"error", "predict"}, default "error"
        Rows whose y is NaN: refused, or left out of the fit and predicted as ``y_missing``.
    h2 : float, default 0.5
        Share of the variance of y that the default priors expect on X, in (0, 1).
    mu : None, number, (mean, sd) or ``.dist()``
        Intercept, the mean of y at average features. Default ``(mean(y), 10 sd(y))``.
    gamma : None, number, array, (mean, sd) or ``.dist()``
        Effects of the covariates, (covariate). Default ``(0, 10 sd(y) / sd(w_k))``.
    sigma2 : None, number, (nu, S2) or ``.dist()``
        Residual variance. Default ``(4, S2)`` with prior mean ``2 S2 = (1 - h2) var(y)``.
    center : bool, default True
        Center the columns of X and W in the model; the data are kept as given.
    standardize : bool, default False
        Prior scales per standard deviation of a feature; beta stays in the units given.
    design : {"auto", "dense", "float32", "sparse", "genotypes", "gram"}, default "auto"
        How X is stored: in 8, 4 or, as int8 codes 0, 1, 2 (-1: missing), one byte a number, as
        compressed columns, or as X'X ("gram", without rows). "auto": int8 codes and sparse
        matrices as they are, all else "dense". All but "float32" have the same posterior.

    Returns
    -------
    pm.Model
        With ``beta`` (feature) and ``tau2`` (group), or ``label`` (feature) and ``tau2`` and
        ``pi`` (group, component), ``sigma2``, ``mu`` and, with covariates, ``gamma``.

    Raises
    ------
    ValueError, TypeError
        For data, groups or hyperparameters that are refused; the
        message says which, why, and what to do.

    Warns
    -----
    UserWarning
        For constant or copied features, columns of X in different units, and a response of 0
        and 1.

    Notes
    -----
    A parameter is its default (None), fixed (a number or array), has its conjugate prior with the
    parameters given (a tuple), or any other prior of PyMC, as ``pm.HalfNormal.dist(1)``. The last
    is drawn by NUTS, the others that are not fixed from their full conditionals.

    References
    ----------
    .. [1] Speed & Balding (2014). MultiBLUP: improved SNP-based prediction for complex traits.
       Genome Research 24:1550-1557.
    .. [2] MacLeod et al. (2016). Exploiting biological priors and sequence variants enhances QTL
       discovery and genomic prediction of complex traits. BMC Genomics 17:144.

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
    if groups is None:  # y has a default, so groups must have one too
        raise TypeError(f"hierarchical() needs {needs_groups()}")
    return regression(
        X,
        y,
        prior=_one_trait_prior(groups, n_components, tau2, pooled, pi, ratios, shared_pi),
        **options,
    )


def _one_trait_prior(
    groups: Any, n_components: int, tau2: Any, pooled: bool, pi: Any, ratios: Any, shared_pi: bool
) -> Prior:
    shared_pi = Flag(default=False).check("shared_pi", shared_pi)
    n_components = _COUNT.check("n_components", n_components)
    if n_components != 1:
        return HierarchicalMixture(
            groups,
            n_components=n_components,
            tau2=tau2,
            pi=pi,
            ratios=ratios,
            shared_pi=shared_pi,
            pooled=pooled,
        )
    for name, value in {"pi": pi, "ratios": ratios, "shared_pi": shared_pi or None}.items():
        _NO_MIXTURE.check(name, value)
    return HierarchicalRidge(groups, tau2=tau2, pooled=pooled)


@advised(passes_to=regression)
def hierarchical_multivariate(
    X: Any,
    Y: Any = None,
    groups: Any = None,
    *,
    n_components: int | None = None,
    components: Sequence[Any] | None = None,
    Sigma_b: Any = None,
    pi: Any = None,
    form: Literal["full", "diagonal"] = "full",
    tau2: Any = None,
    **options: Unpack[TraitOptions],
) -> pm.Model:
    r"""Each group of features has its own covariance of effects, or its own mixture of them.

    .. math:: y_i = \mu + \Gamma'(w_i - \bar w) + B'(x_i - \bar x) + e_i, \quad
       e_i \sim N_T(0, \Sigma_e)

    .. math:: b_j \sim N_T(0, \Sigma_{b,g(j)}), \quad
       \Sigma_{b,g} \sim \text{inverse-Wishart}(\nu, S)

    With K > 1 components, in each group a mixture of a null and others, learned or fixed:

    .. math:: b_j | k_j \sim N_T(0, \Sigma_{b,g(j) k_j}), \quad P(k_j = k) = \pi_{g(j) k}, \quad
       \Sigma_{b,g0} = 0, \quad \pi_g \sim Dirichlet(a)

    Other names
        Multi-trait multi-kernel GBLUP, several terms of ETA in BGLR's Multitrait; with mixtures
        multi-trait BayesR and BayesRC, and mashr's mixture, with all features in one regression.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Names of columns become the ``feature``
        coordinate. Or what `sufficient_statistics` returns, without Y.
    Y : array-like, (obs, trait)
        Responses, joined to X by label; NaN where a trait was not measured. Names of columns
        become the ``trait`` coordinate. A trait of 0 and 1 is modelled as normal, with a warning.
    groups : array-like, (feature,)
        Label of each feature's group; a Series or DataArray is joined to the features by label,
        and labels of other features are left out.
    n_components : int, optional
        1: a covariance for each group. K > 1: a mixture of a null and K - 1 learned covariances
        for each group. Default 1, or as many as `components` has.
    components : list, optional
        In the place of their number: "null" (which there always is), "learned", the canonical
        "equal" (the same effect on all traits, in standard deviations), "each" (an effect on one
        trait only, a component for each) and "independent", and matrices (trait, trait_bis), which
        are fixed and may be singular. Canonical ones have the prior variances of Sigma_b.
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Learned covariances, ([group,] trait, trait_bis), of mixtures ([[group,] slab,] trait,
        trait_bis). Default ``(T + 3, S)``. With one component its prior mean is
        ``S / 2 = diag(h2 var(y_t) / sum_j var(x_j))``; of mixtures prior means are diagonal, each
        learned one ten times the one before, and the last
        ``diag(h2 var(y_t) / (max(p sum_k w_k r_k, 1) mean_j var(x_j)))`` with
        r_k = ..., 0.01, 0.1, 1 for the learned and 1 for the fixed components, ``w_k = E[pi_k]``
        if `pi` is given, else ``s / p / (K - 1)``, ``s = min(p / 2, sqrt(n))``.
    pi : None, array, tuple or ``.dist()``
        Of mixtures: probabilities of the components, ([group,] component); a tuple has the
        Dirichlet's parameters. Default ``1 / min(K - 1, 16)`` for each but the null and
        ``sqrt((p - s) / s)`` times their sum for the null.
    form : {"full", "diagonal"}, default "full"
        With one component, "diagonal": effects on different traits are
        independent, with variances `tau2`.
    tau2 : None, number, array, (nu, S2) or ``.dist()``
        For ``form="diagonal"``: variances, ([group,] trait). Default ``(4, S2)`` with prior mean
        ``2 S2 = h2 var(y_t) / sum_j var(x_j)``.
    covariates : array-like, (obs, covariate), optional
        Fixed effects W, without an intercept, joined to X by label. Default: none.
    weights : array-like, (obs,), optional
        Known relative precisions w_i > 0: residual variances are divided by w_i. Default: all 1.
    missing : {"error", "predict"}, default "error"
        Rows without any trait: refused, or left out of the fit and predicted as ``y_missing``.
    h2 : float, default 0.5
        Share of the variance of y that the default priors expect on X, in (0, 1).
    mu : None, number, array, (mean, sd) or ``.dist()``
        Intercepts, (trait), the means at average features. Default ``(mean(y_t), 10 sd(y_t))``.
    gamma : None, number, array, (mean, sd) or ``.dist()``
        Effects of W, (covariate, trait). Default ``(0, 10 sd(y_t) / sd(w_k))``.
    Sigma_e : None, number, matrix, (nu, S) or ``.dist()``
        Residual covariance, (trait, trait_bis). Default ``(T + 3, S)`` with prior mean
        ``S / 2 = diag((1 - h2) var(y_t))``.
    residual : {"full", "diagonal"}, default "full"
        "diagonal": residuals of different traits are independent, with variances `sigma2`.
    sigma2 : None, number, array, (nu, S2) or ``.dist()``
        For ``residual="diagonal"``: residual variances, (trait). Default ``(4, S2)`` with prior
        mean ``2 S2 = (1 - h2) var(y_t)``.
    center : bool, default True
        Center the columns of X and W in the model; the data are kept as given.
    standardize : bool, default False
        Prior scales per standard deviation of a feature; beta stays in the units given.
    design : {"auto", "dense", "float32", "sparse", "genotypes", "gram"}, default "auto"
        How X is stored: in 8, 4 or, as int8 codes 0, 1, 2 (-1: missing), one byte a number, as
        compressed columns, or as X'X ("gram", without rows, and without missing traits).
        "auto": int8 codes and sparse matrices as they are, all else "dense". All but "float32"
        have the same posterior.

    Returns
    -------
    pm.Model
        With ``beta`` (feature, trait), ``Sigma_b`` (group[, component], trait, trait_bis),
        ``Sigma_e``, ``mu`` (trait); for mixtures ``label`` (feature) and ``pi`` (group,
        component); with covariates ``gamma`` (covariate, trait).

    Raises
    ------
    ValueError, TypeError
        For data, groups, components or hyperparameters that are refused; the
        message says which, why, and what to do.

    Warns
    -----
    UserWarning
        For constant or copied features, columns of X in different units, and a response of 0
        and 1.

    Notes
    -----
    A parameter is its default (None), fixed (a number or array), has its conjugate prior with the
    parameters given (a tuple), or any other prior of PyMC, as ``pm.HalfNormal.dist(1)``. The last
    is drawn by NUTS, the others that are not fixed from their full conditionals.

    References
    ----------
    .. [1] Speed & Balding (2014). MultiBLUP: improved SNP-based prediction for complex traits.
       Genome Research 24:1550-1557.
    .. [2] Urbut, Wang, Carbonetto & Stephens (2019). Flexible statistical methods for estimating
       and testing effects in genomic studies with multiple conditions. Nature Genetics 51:187-195.
    .. [3] MacLeod et al. (2016). Exploiting biological priors and sequence variants enhances QTL
       discovery and genomic prediction of complex traits. BMC Genomics 17:144.

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
    if groups is None:
        raise TypeError(f"hierarchical_multivariate() needs {needs_groups()}")
    prior = _several_traits_prior(groups, n_components, components, Sigma_b, pi, form, tau2)
    return regression(X, Y, prior=prior, **options)


def _several_traits_prior(
    groups: Any,
    n_components: int | None,
    components: Any,
    Sigma_b: Any,
    pi: Any,
    form: Any,
    tau2: Any,
) -> MultivariatePrior:
    Choice(get_args(Form), default="full").check("form", form)
    number = 1 if n_components is None else n_components
    if components is None and _COUNT.check("n_components", number) == 1:
        _NO_MIXTURE.check("pi", pi)
        return HierarchicalMultivariate(groups, Sigma_b=Sigma_b, form=form, tau2=tau2)
    _MIXTURE.check("form", None if form == "full" else form)
    _MIXTURE.check("tau2", tau2)
    return HierarchicalMultivariateMixture(
        groups, n_components=n_components, components=components, Sigma_b=Sigma_b, pi=pi
    )
