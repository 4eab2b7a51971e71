"""The factories for one trait without groups."""

from typing import Any, Unpack

import pymc as pm
from numpy.typing import ArrayLike

from blrzoo.advice import advised
from blrzoo.model import Options, Update, regression
from blrzoo.priors.given import Parameter
from blrzoo.priors.mixture import MultipleComponent
from blrzoo.priors.ridge import SingleComponent
from blrzoo.priors.spike_slab import SpikeSlab

__all__ = ["multiple_component", "single_component", "spike_slab"]


@advised(passes_to=regression)
def single_component(
    X: Any,
    y: Any = None,
    *,
    tau2: Parameter = None,
    update: Update = "auto",
    **options: Unpack[Options],
) -> pm.Model:
    r"""Bayesian ridge: all effects from one normal distribution.

    .. math:: y = \mu + (W - \bar W)\gamma + (X - \bar X)\beta + e, \quad
       e \sim N(0, \sigma^2 I)

    .. math:: \beta_j \sim N(0, \tau^2), \quad \tau^2 \sim \text{scaled-inverse-}\chi^2(\nu, S^2)

    Every feature has an effect, shrunk towards 0 but never exactly 0. Suits polygenic traits and
    prediction. The same model as a random effect with covariance :math:`XX'\tau^2`.

    Other names
        BRR (BGLR), ridge, SNP-BLUP and GBLUP, bayesN (qgg), BayesRR (hibayes), RR-BLUP (JWAS).

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Column names become the ``feature``
        coordinate. Or the result of `sufficient_statistics`, without y.
    y : array-like, (obs,)
        Response, joined to X by label. A response of 0 and 1 is treated as normal, with a warning.
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an effect, in squared units of y per unit of x. Default ``(4, S2)`` with prior
        mean ``2 S2 = h2 var(y) / sum_j var(x_j)``.
    update : {"auto", "joint", "single-site"}, default "auto"
        How the Gibbs step draws the effects: "joint", all at once from one multivariate normal, or
        "single-site", feature by feature. "auto": joint if its factorization, made once, takes a
        second or two at most.
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
        With ``beta`` (feature), ``tau2``, ``sigma2``, ``mu`` and, with covariates, ``gamma``.

    Raises
    ------
    TypeError
        For unknown arguments and values of the wrong type.
    ValueError
        For values out of range, labels or shapes that do not agree, and a constant y or X.

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
    .. [1] Hoerl & Kennard (1970). Ridge regression. Technometrics 12:55-67.
    .. [2] Perez & de los Campos (2014). Genome-wide regression and prediction with the BGLR
       statistical package. Genetics 198:483-495.

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
    return regression(X, y, prior=SingleComponent(tau2=tau2), update=update, **options)


@advised(passes_to=regression)
def spike_slab(
    X: Any,
    y: Any = None,
    *,
    tau2: Parameter = None,
    pi: Parameter = None,
    expected_size: float | None = None,
    inclusion: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    **options: Unpack[Options],
) -> pm.Model:
    r"""Variable selection: an effect is zero, or from one normal distribution (BayesC-pi).

    .. math:: y = \mu + (W - \bar W)\gamma + (X - \bar X)\beta + e, \quad
       e \sim N(0, \sigma^2 I)

    .. math:: \delta_j \sim Bernoulli(\pi), \quad \beta_j = 0 \text{ if } \delta_j = 0, \quad
       \beta_j | \delta_j = 1 \sim N(0, \tau^2), \quad
       \tau^2 \sim \text{scaled-inverse-}\chi^2(\nu, S^2), \quad \pi \sim Beta(a, b)

    The posterior mean of :math:`\delta_j` is the posterior inclusion probability (PIP),
    `blrzoo.pip`. The Gibbs step draws an indicator and its effect as one block, with the effect
    integrated out of the indicator's probability.

    Other names
        BayesC-pi (BGLR, hibayes, JWAS), bayesC (qgg), BVS, George & McCulloch's SSVS with a
        point-mass spike.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Column names become the ``feature``
        coordinate. Or the result of `sufficient_statistics`, without y.
    y : array-like, (obs,)
        Response, joined to X by label. A response of 0 and 1 is treated as normal, with a warning.
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an included effect, in squared units of y per unit of x. Default ``(1, S2)``
        with ``2 S2 = h2 var(y) / (max(s, 1) mean_j var(x_j))``, about the prior median: s
        included features explain h2. ``s = min(p / 2, sqrt(n))``, or ``E[pi] p`` if `pi`,
        `expected_size` or `inclusion` is given.
    pi : None, number, (a, b) or ``.dist()``
        Probability that a feature is included. Default ``(1, sqrt((p - s) / s))`` with
        ``s = min(p / 2, sqrt(n))``: halfway, in log odds, between a uniform prior and one that
        expects s features. It is uniform for p <= 2 sqrt(n).
    expected_size : float, optional
        Prior mean of the number of included features, instead of `pi`: the same as
        ``pi=(1, (p - expected_size) / expected_size)``.
    inclusion : array-like, (feature,), optional
        Fixed inclusion probability of each feature, instead of `pi`; 0 and 1 are allowed. A
        Series or DataArray is joined to the features by label; it may have further features.
    groups : array-like, (feature,), optional
        Label of each feature's group, joined as `inclusion` is. Each group has its own `pi`,
        (group), with the same prior. Not together with `inclusion`.
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
        With ``beta`` and ``delta`` (feature), ``tau2``, ``pi`` (() or, with `groups`, (group) or,
        with `inclusion`, (feature)), ``sigma2``, ``mu`` and, with covariates, ``gamma``.

    Raises
    ------
    TypeError
        For unknown arguments and values of the wrong type.
    ValueError
        For values out of range, labels or shapes that do not agree, a constant y or X, and more
        than one of `pi`, `expected_size` and `inclusion`.

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
    .. [1] Mitchell & Beauchamp (1988). Bayesian variable selection in linear regression. JASA
       83:1023-1032.
    .. [2] Habier et al. (2011). Extension of the Bayesian alphabet for genomic selection. BMC
       Bioinformatics 12:186.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> with blr.spike_slab(data.X, data.y, pi=(1, 4)):
    ...     idata = blr.sample(draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> blr.pip(idata).dims
    ('feature',)
    """
    prior = SpikeSlab(
        tau2=tau2, pi=pi, expected_size=expected_size, inclusion=inclusion, groups=groups
    )
    return regression(X, y, prior=prior, **options)


@advised(passes_to=regression)
def multiple_component(
    X: Any,
    y: Any = None,
    *,
    n_components: int | None = None,
    tau2: Parameter = None,
    pi: Parameter = None,
    ratios: ArrayLike | None = None,
    null: bool = True,
    **options: Unpack[Options],
) -> pm.Model:
    r"""Small, medium and large effects: zero, or from one of several normal distributions.

    .. math:: y = \mu + (W - \bar W)\gamma + (X - \bar X)\beta + e, \quad
       e \sim N(0, \sigma^2 I)

    .. math:: \beta_j | k_j \sim N(0, \tau^2_{k_j}), \quad P(k_j = k) = \pi_k, \quad
       \tau^2_0 = 0, \quad
       \pi \sim Dirichlet(a), \quad
       \tau^2_k \sim \text{scaled-inverse-}\chi^2(\nu, S^2_k) \text{ for } k > 0

    With `ratios` (BayesR) the variances are :math:`\tau^2_k = \tau^2 r_k`, with one common
    :math:`\tau^2 \sim` scaled-inverse-:math:`\chi^2(\nu, S^2)`. The Gibbs step draws a label
    :math:`k_j` and its effect as one block, with the effect integrated out of the label's
    probabilities.

    Other names
        BayesR (hibayes, qgg; with ratios), Bayesian multiple-component regression.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Column names become the ``feature``
        coordinate. Or the result of `sufficient_statistics`, without y.
    y : array-like, (obs,)
        Response, joined to X by label. A response of 0 and 1 is treated as normal, with a warning.
    n_components : int, optional
        Number of components K, including the null, at most 100. Default: 4, or set by `ratios`.
    tau2 : None, array, (nu, S2) or ``.dist()``
        Variances of the components except the null, (slab), from small to large; with `ratios`
        the common tau2, (). Default ``(4, S2)`` with prior means ``2 S2 = r_k v`` and
        r_k = ..., 0.01, 0.1, 1, or with `ratios` ``2 S2 = v``. X is expected to explain h2:
        ``v = h2 var(y) / (max(p sum_k q_k r_k, 1) mean_j var(x_j))``, where q_k is ``E[pi_k]`` if
        `pi` is given, else ``s / (p (K - 1))`` with ``s = min(p / 2, sqrt(n))`` (``1 / K`` without
        a null).
    pi : None, array, tuple or ``.dist()``
        Probabilities of the components, (component); a tuple has the parameters of the Dirichlet
        prior. Default ``1 / min(K - 1, 16)`` for each normal, and for the null their sum times
        ``b = sqrt((p - s) / s)``: up to K = 17, P(effect is not zero) ~ Beta(1, b).
    ratios : sequence of float, optional
        Variances relative to the common tau2, with or without a leading 0 for the null;
        ``(0, 0.01, 0.1, 1)`` is BayesR. Default: each component learns its own variance.
    null : bool, default True
        Whether there is a null component. If not, `n_components` (default 4) counts normals, `pi`
        is for these (default: Dirichlet parameters 1), and label 0 has probability 0.
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
        With ``beta`` and ``label`` (feature), ``tau2`` and ``pi`` (component), ``sigma2``, ``mu``
        and, with covariates, ``gamma``. The variances that are drawn are ``tau2_slab`` (slab) or,
        with `ratios`, ``tau2_common``; ``tau2`` follows from them.

    Raises
    ------
    TypeError
        For unknown arguments and values of the wrong type.
    ValueError
        For values out of range, labels or shapes that do not agree, and a constant y or X.

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
    .. [1] Erbe et al. (2012). Improving accuracy of genomic predictions within and between dairy
       cattle breeds. J. Dairy Sci. 95:4114-4129.
    .. [2] Moser et al. (2015). Simultaneous discovery, estimation and prediction analysis of
       complex traits using a Bayesian mixture model. PLoS Genetics 11:e1004969.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> with blr.multiple_component(data.X, data.y):
    ...     idata = blr.sample(draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> idata.posterior["tau2"].dims, float(idata.posterior["tau2"].sel(component=0).max())
    (('chain', 'draw', 'component'), 0.0)
    """
    prior = MultipleComponent(n_components=n_components, tau2=tau2, pi=pi, ratios=ratios, null=null)
    return regression(X, y, prior=prior, **options)
