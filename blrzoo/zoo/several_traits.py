"""The factories for several traits without groups."""

from typing import Any, Literal, Unpack

import pymc as pm

from blrzoo.advice import advised
from blrzoo.model import TraitOptions, Update, regression
from blrzoo.priors.multivariate.ridge import Multivariate
from blrzoo.priors.multivariate.spike_slab import MultivariateSpikeSlab

__all__ = ["multivariate", "multivariate_spike_slab"]


@advised(passes_to=regression)
def multivariate(
    X: Any,
    Y: Any = None,
    *,
    Sigma_b: Any = None,
    form: Literal["full", "diagonal"] = "full",
    tau2: Any = None,
    update: Update = "auto",
    **options: Unpack[TraitOptions],
) -> pm.Model:
    r"""Bayesian ridge for several traits: effects and residuals covary between traits.

    .. math:: y_i = \mu + \Gamma'(w_i - \bar w) + B'(x_i - \bar x) + e_i, \quad
       e_i \sim N_T(0, \Sigma_e)

    .. math:: b_j \sim N_T(0, \Sigma_b), \quad \Sigma_b \sim \text{inverse-Wishart}(\nu, S), \quad
       \Sigma_e \sim \text{inverse-Wishart}(\nu_e, S_e)

    :math:`b_j`, a row of B, are the effects of feature j on the T traits. Traits that were not
    measured are integrated out.

    Other names
        Multi-trait GBLUP and SNP-BLUP, multi-trait RR-BLUP (JWAS), "BRR" in BGLR's Multitrait.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Names of columns become the ``feature``
        coordinate. Or what `sufficient_statistics` returns, without Y.
    Y : array-like, (obs, trait)
        Responses, joined to X by label; NaN where a trait was not measured. Names of columns
        become the ``trait`` coordinate. A trait of 0 and 1 is modelled as normal, with a warning.
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariance of a feature's effects, (trait, trait_bis), in products of units of y per unit
        of x. Default ``(T + 3, S)`` with prior mean
        ``S / 2 = diag(h2 var(y_t) / sum_j var(x_j))``.
    form : {"full", "diagonal"}, default "full"
        "diagonal": effects on different traits are independent, with variances `tau2`.
    tau2 : None, number, array, (nu, S2) or ``.dist()``
        For ``form="diagonal"``: variances of the effects, (trait). Default ``(4, S2)`` with prior
        mean ``2 S2 = h2 var(y_t) / sum_j var(x_j)``.
    update : {"auto", "joint", "single-site"}, default "auto"
        How the Gibbs step draws effects: all at once from one multivariate normal, through a
        factorisation made once, or feature by feature. "auto": at once where the factorisation
        takes a second or two at most.
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
        With ``beta`` (feature, trait), ``Sigma_b`` and ``Sigma_e`` (trait, trait_bis), ``mu``
        (trait) and, with covariates, ``gamma`` (covariate, trait).

    Raises
    ------
    ValueError, TypeError
        For data or hyperparameters that are refused; the
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

    With more features than rows Sigma_b mixes slowly: look at `blrzoo.diagnose`.

    References
    ----------
    .. [1] Henderson & Quaas (1976). Multiple trait evaluation using relatives' records. J. Animal
       Science 43:1188-1197.
    .. [2] Perez-Rodriguez & de los Campos (2022). Multitrait Bayesian shrinkage and variable
       selection models with the BGLR-R package. Genetics 222:iyac112.

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
    Y: Any = None,
    *,
    patterns: Any = "independent",
    Sigma_b: Any = None,
    pi: Any = None,
    form: Literal["full", "diagonal"] = "full",
    tau2: Any = None,
    **options: Unpack[TraitOptions],
) -> pm.Model:
    r"""Variable selection for several traits: a feature affects some traits, all or none.

    .. math:: y_i = \mu + \Gamma'(w_i - \bar w) + B'(x_i - \bar x) + e_i, \quad
       e_i \sim N_T(0, \Sigma_e)

    .. math:: b_{jt} = \alpha_{jt} \delta_{jt}, \quad \alpha_j \sim N_T(0, \Sigma_b), \quad
       \Sigma_b \sim \text{inverse-Wishart}(\nu, S)

    The indicators :math:`\delta_j` of a feature are independent,
    :math:`\delta_{jt} \sim Bernoulli(\pi_t)` with :math:`\pi_t \sim Beta(a, b)`; or one of
    several patterns, :math:`P(\delta_j = \text{pattern } k) = \pi_k` with
    :math:`\pi \sim Dirichlet(a)`. Indicators and effects of a feature are drawn as one block, all
    traits at once; independent indicators of more than 6 traits one after the other, with the
    effects integrated out.

    Other names
        Multi-trait BayesC-pi (JWAS: "all" and "restrictive" priors), SpikeSlab in BGLR's
        Multitrait ("independent"), multi-trait BayesC in qgg.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Names of columns become the ``feature``
        coordinate. Or what `sufficient_statistics` returns, without Y.
    Y : array-like, (obs, trait)
        Responses, joined to X by label; NaN where a trait was not measured. Names of columns
        become the ``trait`` coordinate. A trait of 0 and 1 is modelled as normal, with a warning.
    patterns : {"independent", "all", "restrictive"} or array-like, (pattern, trait)
        Indicators of the traits are independent (the default); or any pattern has its own
        probability (up to 6 traits); or a feature affects all traits or none; or an array of 0 and
        1 lists the patterns (columns of a DataFrame are joined to the traits by label).
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariance of the effects of a feature that affects all traits, (trait, trait_bis).
        Default ``(T + 3, S)`` with prior mean
        ``S / 2 = diag(h2 var(y_t) / (s_t mean_j var(x_j)))``, s_t being
        ``s = min(p / 2, sqrt(n))`` (the share of patterns that affect trait t of it) or, where
        `pi` is given, ``max(P(delta_jt = 1) p, 1)``.
    pi : None, number, array, tuple or ``.dist()``
        "independent": probability that a trait is affected, (trait); a number, or ``(a, b)`` of
        which each may be (trait,). Default ``(1, sqrt((p - s) / s))``.
        Else probabilities of the patterns, (pattern); a tuple has the Dirichlet's parameters.
        Default, for K patterns, ``1 / min(K - 1, 16)`` for each but the null and
        ``sqrt((p - s) / s)`` times their sum for the null; all 1 without a null.
    form : {"full", "diagonal"}, default "full"
        "diagonal": effects on different traits are independent, with variances `tau2`.
    tau2 : None, number, array, (nu, S2) or ``.dist()``
        For ``form="diagonal"``: variances of the effects on affected traits, (trait). Default
        ``(1, S2)``, where 2 S2 is the prior mean that the default of `Sigma_b` has.
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
        With ``beta`` and ``delta`` (feature, trait), ``pi``, ``Sigma_b``, ``Sigma_e``, ``mu``
        (trait) and, with covariates, ``gamma`` (covariate, trait).

    Raises
    ------
    ValueError, TypeError
        For data or hyperparameters that are refused; the
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
    .. [1] Cheng, Kizilkaya, Zeng, Garrick & Fernando (2018). Genomic prediction from multiple-trait
       Bayesian regression methods using mixture priors. Genetics 209:89-103.
    .. [2] Rohde, Sorensen & Sorensen (2020). qgg: an R package for large-scale quantitative genetic
       analyses. Bioinformatics 36:2614-2615.

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
