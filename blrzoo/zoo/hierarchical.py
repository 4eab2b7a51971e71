"""The factories for features in groups, for one trait and for several."""

from collections.abc import Sequence
from typing import Any, Literal, Unpack, get_args

import pymc as pm
from numpy.typing import ArrayLike

from blrzoo.advice import advised, needs_groups
from blrzoo.checks import Choice, Flag, Integer, LeftOut
from blrzoo.model import Options, TraitOptions, regression
from blrzoo.priors.base import Prior
from blrzoo.priors.given import Parameter
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
    groups: ArrayLike | None = None,
    *,
    n_components: int = 1,
    tau2: Parameter = None,
    pi: Parameter = None,
    ratios: ArrayLike | None = None,
    shared_pi: bool = False,
    pooled: bool = False,
    **options: Unpack[Options],
) -> pm.Model:
    r"""Each group of features has its own variance of effects, or its own mixture.

    .. math:: y = \mu + (W - \bar W)\gamma + (X - \bar X)\beta + e, \quad
       e \sim N(0, \sigma^2 I)

    .. math:: \beta_j \sim N(0, \tau^2_{g(j)}), \quad
       \tau^2_g \sim \text{scaled-inverse-}\chi^2(\nu, S^2)

    With K > 1 components each group has a mixture of a null and K - 1 normals:

    .. math:: \beta_j | k_j \sim N(0, \tau^2_{g(j) k_j}), \quad P(k_j = k) = \pi_{g(j) k}, \quad
       \tau^2_{g0} = 0, \quad \pi_g \sim Dirichlet(a)

    Other names
        Group ridge, MultiBLUP, multi-kernel GBLUP, BRR with several terms of ETA (BGLR), BayesN
        with sets (qgg); as a mixture BayesRC.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Column names become the ``feature``
        coordinate. Or the result of `sufficient_statistics`, without y.
    y : array-like, (obs,)
        Response, joined to X by label. A response of 0 and 1 is treated as normal, with a warning.
    groups : array-like, (feature,)
        Label of each feature's group. A Series or DataArray is joined to the features by label;
        it may have further features.
    n_components : int, default 1
        1: one variance for each group. K > 1 (at most 100): a mixture of a null and K - 1 normals
        for each group.
    tau2 : None, array, (nu, S2) or ``.dist()``
        With one component: variances of the effects, (group), in squared units of y per unit of
        x. Default ``(4, S2)`` with prior mean ``2 S2 = h2 var(y) / sum_j var(x_j)`` in each group.
        In mixtures: variances of the components except the null, (group, slab), or with `ratios`
        the common one, (group). Default ``(4, S2)`` with prior means ``2 S2 = r_k v`` and
        r_k = ..., 0.01, 0.1, 1, or with `ratios` ``2 S2 = v``. X is expected to explain h2:
        ``v = h2 var(y) / (max(p sum_k q_k r_k, 1) mean_j var(x_j))``, where q_k is ``E[pi_k]``
        (averaged over groups) if `pi` is given, else ``s / (p (K - 1))`` with
        ``s = min(p / 2, sqrt(n))``.
    pi : None, array, tuple or ``.dist()``
        In mixtures: probabilities of the components, (group, component); a tuple has the
        parameters of the Dirichlet priors. Default ``1 / min(K - 1, 16)`` for each normal, and for
        the null their sum times ``sqrt((p - s) / s)``.
    ratios : sequence of float, optional
        In mixtures: variances relative to the common one of the group, for instance
        ``(0, 0.01, 0.1, 1)``. Default: each component learns its own variance.
    shared_pi : bool, default False
        In mixtures: whether all groups have the same probabilities `pi`, (component).
    pooled : bool, default False
        Whether the groups' variances have a common learned scale S2, so that small groups borrow
        strength from the others. Its prior is exponential, with the value of S2 above as its mean.
        `tau2` must then be None or (nu, S2).
    covariates : array-like, (obs, covariate), optional
        Fixed effects W, without an intercept, joined to X by label. Default: none.
    weights : array-like, (obs,), optional
        Known relative precisions w_i > 0: observation i has residual variance ``sigma2 / w_i``.
        Default: all 1.
    missing : {"error", "predict"}, default "error"
        "error" refuses rows without y. "predict" leaves them out of the likelihood and draws
        ``y_missing`` (obs_missing) from the posterior predictive distribution.
    h2 : float, default 0.5
        Share of var(y) that the default priors expect X to explain, in (0, 1).
    mu : None, number, (mean, sd) or ``.dist()``
        Intercept, the mean of y at average features. Default ``(mean(y), 10 sd(y))``.
    gamma : None, number, array, (mean, sd) or ``.dist()``
        Effects of the covariates, (covariate). Default ``(0, 10 sd(y) / sd(W_k))``.
    sigma2 : None, number, (nu, S2) or ``.dist()``
        Residual variance. Default ``(4, S2)`` with prior mean ``2 S2 = (1 - h2) var(y)``.
    center : bool, default True
        Center the columns of X and W in the model; the data are kept as given.
    standardize : bool, default False
        Whether the prior is about effects per standard deviation of a feature (var(x_j) is then 1
        in the defaults). ``beta`` stays per unit of X.
    design : {"auto", "dense", "float32", "sparse", "genotypes", "gram"}, default "auto"
        How X is stored: float64, float32 (rounds X), compressed columns, int8 codes 0, 1, 2 (-1:
        missing), or X'X without rows. "auto": genotypes for int8 codes, sparse for a sparse X,
        else dense. Apart from rounding, the posterior is the same.

    Returns
    -------
    pm.Model
        With ``beta`` (feature), ``tau2`` (group), ``sigma2``, ``mu`` and, with covariates,
        ``gamma``. Mixtures have ``label`` (feature), ``tau2`` and ``pi`` (group, component); the
        variances that are drawn are ``tau2_slab`` (group, slab) or, with `ratios`,
        ``tau2_common`` (group). With `pooled` also ``S2``, () or (slab).

    Raises
    ------
    TypeError
        For unknown arguments and values of the wrong type.
    ValueError
        For values out of range, labels or shapes that do not agree, a constant y or X, and
        arguments of a mixture with ``n_components=1``.

    Warns
    -----
    UserWarning
        For constant or identical features, features in different units, and a response of 0 and 1.

    Notes
    -----
    A hyperparameter is None (default prior), a number or array (fixed), a tuple (parameters of its
    conjugate prior), or a PyMC distribution such as ``pm.HalfNormal.dist(1)``. The conjugate prior
    ``(nu, S2)`` is scaled inverse chi-squared, with mean nu S2 / (nu - 2) for nu > 2. A prior of
    the conjugate family is drawn from its full conditional, any other by NUTS. In the defaults, n
    and p are the numbers of observations and features, var and sd have the divisor n - 1, and
    ``E[pi]`` of a distribution is its support point.

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
    if groups is None:  # y has a default, so groups must have one
        raise TypeError(f"hierarchical() needs {needs_groups()}")
    return regression(
        X,
        y,
        prior=_one_trait_prior(groups, n_components, tau2, pooled, pi, ratios, shared_pi),
        **options,
    )


def _one_trait_prior(
    groups: ArrayLike,
    n_components: int,
    tau2: Parameter,
    pooled: bool,
    pi: Parameter,
    ratios: ArrayLike | None,
    shared_pi: bool,
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
    groups: ArrayLike | None = None,
    *,
    n_components: int | None = None,
    components: Sequence[ArrayLike] | None = None,
    Sigma_b: Parameter = None,
    pi: Parameter = None,
    form: Literal["full", "diagonal"] = "full",
    tau2: Parameter = None,
    **options: Unpack[TraitOptions],
) -> pm.Model:
    r"""Each group of features has its own covariance of effects, or its own mixture of them.

    .. math:: y_i = \mu + \Gamma'(w_i - \bar w) + B'(x_i - \bar x) + e_i, \quad
       e_i \sim N_T(0, \Sigma_e)

    .. math:: b_j \sim N_T(0, \Sigma_{b,g(j)}), \quad
       \Sigma_{b,g} \sim \text{inverse-Wishart}(\nu, S)

    With K > 1 components each group has a mixture of a null and others, learned or fixed:

    .. math:: b_j | k_j \sim N_T(0, \Sigma_{b,g(j) k_j}), \quad P(k_j = k) = \pi_{g(j) k}, \quad
       \Sigma_{b,g0} = 0, \quad \pi_g \sim Dirichlet(a)

    Other names
        Multi-trait multi-kernel GBLUP, several terms of ETA in BGLR's Multitrait; as a mixture
        multi-trait BayesR and BayesRC, and mashr's mixture, with all features in one regression.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Column names become the ``feature``
        coordinate. Or the result of `sufficient_statistics`, without Y.
    Y : array-like, (obs, trait)
        Responses, joined to X by label; NaN where a trait was not measured. Column names become
        the ``trait`` coordinate. A trait of 0 and 1 is treated as normal, with a warning.
    groups : array-like, (feature,)
        Label of each feature's group. A Series or DataArray is joined to the features by label;
        it may have further features.
    n_components : int, optional
        1: one covariance for each group. K > 1 (at most 100): a mixture of a null and K - 1
        learned covariances for each group. Default 1, or set by `components`.
    components : list, optional
        Components of the mixtures, instead of `n_components`: "null" (always there, also if not
        listed), "learned", the canonical "equal" (the same effect on all traits, in standard
        deviations), "each" (an effect on one trait only, a component for each trait) and
        "independent", and fixed covariance matrices (trait, trait_bis), which may be singular.
        Canonical ones have the variances diag(V) below.
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Learned covariances, ([group,] trait, trait_bis), in mixtures ([[group,] slab,] trait,
        trait_bis). Default ``(T + 3, S)``. With one component its prior mean is
        ``S / 2 = diag(h2 var(y_t) / sum_j var(x_j))``. In mixtures it is ``S / 2 = r_k V``, with
        r_k = ..., 0.01, 0.1, 1 for the learned components (1 for fixed ones in the sum) and
        ``V = diag(h2 var(y_t) / (max(p sum_k q_k r_k, 1) mean_j var(x_j)))``, where q_k is
        ``E[pi_k]`` (averaged over groups) if `pi` is given, else ``s / (p (K - 1))`` with
        ``s = min(p / 2, sqrt(n))``.
    pi : None, array, tuple or ``.dist()``
        In mixtures: probabilities of the components, ([group,] component); a tuple has the
        parameters of the Dirichlet priors. Default ``1 / min(K - 1, 16)`` for each component
        except the null, and for the null their sum times ``sqrt((p - s) / s)``.
    form : {"full", "diagonal"}, default "full"
        "diagonal" (one component only): effects on different traits are independent, with
        variances `tau2`.
    tau2 : None, number, array, (nu, S2) or ``.dist()``
        For ``form="diagonal"``: variances of the effects, ([group,] trait). Default ``(4, S2)``
        with prior mean ``2 S2 = h2 var(y_t) / sum_j var(x_j)``.
    covariates : array-like, (obs, covariate), optional
        Fixed effects W, without an intercept, joined to X by label. Default: none.
    weights : array-like, (obs,), optional
        Known relative precisions w_i > 0: observation i has residual covariance ``Sigma_e / w_i``.
        Default: all 1.
    missing : {"error", "predict"}, default "error"
        "error" refuses rows without any trait. "predict" leaves them out of the likelihood and
        draws ``y_missing`` (obs_missing, trait) from the posterior predictive distribution.
    h2 : float, default 0.5
        Share of var(y_t) that the default priors expect X to explain, in (0, 1).
    mu : None, number, array, (mean, sd) or ``.dist()``
        Intercepts, (trait), the means at average features. Default ``(mean(y_t), 10 sd(y_t))``.
    gamma : None, number, array, (mean, sd) or ``.dist()``
        Effects of the covariates, (covariate, trait). Default ``(0, 10 sd(y_t) / sd(W_k))``.
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
        Whether the prior is about effects per standard deviation of a feature (var(x_j) is then 1
        in the defaults). ``beta`` stays per unit of X.
    design : {"auto", "dense", "float32", "sparse", "genotypes", "gram"}, default "auto"
        How X is stored: float64, float32 (rounds X), compressed columns, int8 codes 0, 1, 2 (-1:
        missing), or X'X without rows (no trait may be missing). "auto": genotypes for int8 codes,
        sparse for a sparse X, else dense. Apart from rounding, the posterior is the same.

    Returns
    -------
    pm.Model
        With ``beta`` (feature, trait), ``Sigma_b`` (group[, component], trait, trait_bis),
        ``Sigma_e`` (trait, trait_bis), ``mu`` (trait) and, with covariates, ``gamma`` (covariate,
        trait). Mixtures have ``label`` (feature), ``pi`` (group, component), ``Sigma_slab``
        (group, slab, trait, trait_bis), which has the learned ones of ``Sigma_b``, and ``alpha``
        (feature, trait), whose projection on the component's directions is ``beta``. Diagonal
        forms have ``tau2`` (group, trait), or ``sigma2`` (trait) instead of ``Sigma_e``.

    Raises
    ------
    TypeError
        For unknown arguments and values of the wrong type.
    ValueError
        For values out of range, labels or shapes that do not agree, a constant trait or X, and
        arguments that another one excludes.

    Warns
    -----
    UserWarning
        For constant or identical features, features in different units, traits of 0 and 1, and
        traits that are linear combinations of others.

    Notes
    -----
    A hyperparameter is None (default prior), a number or array (fixed), a tuple (parameters of its
    conjugate prior), or a PyMC distribution such as ``pm.HalfNormal.dist(1)``. The conjugate prior
    ``(nu, S)`` of a covariance is inverse-Wishart, with mean S / (nu - T - 1) for nu > T + 1;
    ``(nu, S2)`` of a variance is scaled inverse chi-squared, with mean nu S2 / (nu - 2) for
    nu > 2. A prior of the conjugate family is drawn from its full conditional, any other by NUTS.
    In the defaults, n, p and T are the numbers of observations, features and traits, var and sd
    have the divisor n - 1, and ``E[pi]`` of a distribution is its support point.

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
    ...     idata = blr.sample(draws=20, tune=20, chains=1, random_seed=1, quiet=True)
    >>> idata.posterior["component"].values.tolist()
    ['null', 'equal', 'trait1 only', 'trait2 only', 'learned']
    """
    if groups is None:
        raise TypeError(f"hierarchical_multivariate() needs {needs_groups()}")
    prior = _several_traits_prior(groups, n_components, components, Sigma_b, pi, form, tau2)
    return regression(X, Y, prior=prior, **options)


def _several_traits_prior(
    groups: ArrayLike,
    n_components: int | None,
    components: Sequence[ArrayLike] | None,
    Sigma_b: Parameter,
    pi: Parameter,
    form: Form,
    tau2: Parameter,
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
