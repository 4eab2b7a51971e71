"""The factories for several traits without groups."""

from typing import Any, Literal, Unpack

import pymc as pm
from numpy.typing import ArrayLike

from blrzoo.advice import advised
from blrzoo.model import TraitOptions, Update, regression
from blrzoo.priors.given import Parameter
from blrzoo.priors.multivariate.ridge import Multivariate
from blrzoo.priors.multivariate.spike_slab import MultivariateSpikeSlab

__all__ = ["multivariate", "multivariate_spike_slab"]


@advised(passes_to=regression)
def multivariate(
    X: Any,
    Y: Any = None,
    *,
    Sigma_b: Parameter = None,
    form: Literal["full", "diagonal"] = "full",
    tau2: Parameter = None,
    update: Update = "auto",
    **options: Unpack[TraitOptions],
) -> pm.Model:
    r"""Bayesian ridge for several traits: effects and residuals covary between traits.

    .. math:: y_i = \mu + \Gamma'(w_i - \bar w) + B'(x_i - \bar x) + e_i, \quad
       e_i \sim N_T(0, \Sigma_e)

    .. math:: b_j \sim N_T(0, \Sigma_b), \quad \Sigma_b \sim \text{inverse-Wishart}(\nu, S), \quad
       \Sigma_e \sim \text{inverse-Wishart}(\nu_e, S_e)

    :math:`b_j`, row j of B, has the effects of feature j on the T traits. Missing traits are
    integrated out.

    Other names
        Multi-trait GBLUP and SNP-BLUP, multi-trait RR-BLUP (JWAS), "BRR" in BGLR's Multitrait.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Column names become the ``feature``
        coordinate. Or the result of `sufficient_statistics`, without Y.
    Y : array-like, (obs, trait)
        Responses, joined to X by label; NaN where a trait was not measured. Column names become
        the ``trait`` coordinate. A trait of 0 and 1 is treated as normal, with a warning.
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
        How the Gibbs step draws the effects: "joint", all at once from one multivariate normal, or
        "single-site", feature by feature. "auto": joint if its factorization, made once, takes a
        second or two at most.
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
        With ``beta`` (feature, trait), ``Sigma_b`` and ``Sigma_e`` (trait, trait_bis), ``mu``
        (trait) and, with covariates, ``gamma`` (covariate, trait). Diagonal forms have ``tau2``
        (trait), or ``sigma2`` (trait) instead of ``Sigma_e``.

    Raises
    ------
    TypeError
        For unknown arguments and values of the wrong type.
    ValueError
        For values out of range, labels or shapes that do not agree, a constant trait or X, and
        parameters of the other form.

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

    With more features than observations ``Sigma_b`` mixes slowly; check `blrzoo.diagnose`.

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
    patterns: ArrayLike = "independent",
    Sigma_b: Parameter = None,
    pi: Parameter = None,
    form: Literal["full", "diagonal"] = "full",
    tau2: Parameter = None,
    **options: Unpack[TraitOptions],
) -> pm.Model:
    r"""Variable selection for several traits: a feature affects some traits, all or none.

    .. math:: y_i = \mu + \Gamma'(w_i - \bar w) + B'(x_i - \bar x) + e_i, \quad
       e_i \sim N_T(0, \Sigma_e)

    .. math:: b_{jt} = \alpha_{jt} \delta_{jt}, \quad \alpha_j \sim N_T(0, \Sigma_b), \quad
       \Sigma_b \sim \text{inverse-Wishart}(\nu, S)

    The indicators :math:`\delta_j` of a feature are independent,
    :math:`\delta_{jt} \sim Bernoulli(\pi_t)` with :math:`\pi_t \sim Beta(a, b)`, or form one of
    several patterns, :math:`P(\delta_j = \text{pattern } k) = \pi_k` with
    :math:`\pi \sim Dirichlet(a)`. The Gibbs step draws indicators and effects of a feature as one
    block, all traits at once. Independent indicators of more than 6 traits are drawn one at a
    time, with the effects integrated out. Missing traits are integrated out.

    Other names
        Multi-trait BayesC-pi (JWAS: "all" and "restrictive" priors), SpikeSlab in BGLR's
        Multitrait ("independent"), multi-trait BayesC in qgg.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Column names become the ``feature``
        coordinate. Or the result of `sufficient_statistics`, without Y.
    Y : array-like, (obs, trait)
        Responses, joined to X by label; NaN where a trait was not measured. Column names become
        the ``trait`` coordinate. A trait of 0 and 1 is treated as normal, with a warning.
    patterns : {"independent", "all", "restrictive"} or array-like, (pattern, trait)
        "independent" (default): the indicators of the traits are independent. "all": each of the
        2^T patterns of indicators has its own probability (up to 6 traits). "restrictive": a
        feature affects all traits or none. An array of 0 and 1 lists the patterns that are
        possible; columns of a DataFrame are joined to the traits by label.
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariance of the effects of a feature that affects all traits, (trait, trait_bis), in
        products of units of y per unit of x. Default ``(T + 3, S)`` with prior mean
        ``S / 2 = diag(h2 var(y_t) / (max(s_t, 1) mean_j var(x_j)))``. s_t is the number of
        features that are expected to affect trait t: ``sum_j P(delta_jt = 1)`` if `pi` is given,
        else ``s = min(p / 2, sqrt(n))`` with "independent", and otherwise s (without a null
        pattern p) times the share of the non-null patterns that affect t.
    pi : None, number, array, tuple or ``.dist()``
        With "independent": probability that a feature affects a trait, (trait); a number, an
        array or ``(a, b)``, each of which may be (trait,). Default ``(1, sqrt((p - s) / s))``.
        Otherwise probabilities of the patterns, (pattern); a tuple has the parameters of the
        Dirichlet prior. Default, for K patterns, ``1 / min(K - 1, 16)`` for each except the null,
        and for the null their sum times ``sqrt((p - s) / s)``; all 1 without a null.
    form : {"full", "diagonal"}, default "full"
        "diagonal": effects on different traits are independent, with variances `tau2`.
    tau2 : None, number, array, (nu, S2) or ``.dist()``
        For ``form="diagonal"``: variances of the effects on affected traits, (trait). Default
        ``(1, S2)`` with ``2 S2 = h2 var(y_t) / (max(s_t, 1) mean_j var(x_j))``.
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
        With ``beta``, ``alpha`` and ``delta`` (feature, trait), ``pi`` (trait), ``Sigma_b`` and
        ``Sigma_e`` (trait, trait_bis), ``mu`` (trait) and, with covariates, ``gamma`` (covariate,
        trait).
        With patterns, ``pi`` (pattern), ``label`` (feature), the pattern of each feature, and the
        data ``patterns`` (pattern, trait). Diagonal forms have ``tau2`` (trait), or ``sigma2``
        (trait) instead of ``Sigma_e``.

    Raises
    ------
    TypeError
        For unknown arguments and values of the wrong type.
    ValueError
        For values out of range, labels or shapes that do not agree, a constant trait or X,
        parameters of the other form, and "all" with more than 6 traits.

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
