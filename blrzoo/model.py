"""`regression`: from data and a prior to a PyMC model."""

from typing import Any, Literal, TypedDict, get_args

import pymc as pm

from blrzoo.advice import advised, prior_like
from blrzoo.building import Part, Update, build_model
from blrzoo.checks import Choice, Flag, Instance, LeftOut, Number
from blrzoo.likelihood.single import Likelihood
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.priors.base import Prior
from blrzoo.priors.given import Parameter
from blrzoo.priors.multivariate.ridge import Form
from blrzoo.sources import read_source

__all__ = ["Options", "TraitOptions", "Update", "regression"]

_H2 = "It is the share of the variance of y that the default priors expect X to explain."


class Options(TypedDict, total=False):
    """Arguments of `regression` that every factory has."""

    covariates: Any
    weights: Any
    missing: Literal["error", "predict"]
    h2: float
    mu: Parameter
    gamma: Parameter
    sigma2: Parameter
    center: bool
    standardize: bool
    design: str


class TraitOptions(Options, total=False):
    """Arguments of `regression` that every factory for several traits has."""

    Sigma_e: Parameter
    residual: Literal["full", "diagonal"]


@advised()
def regression(
    X: Any,
    y: Any = None,
    *,
    prior: Prior,
    covariates: Any = None,
    h2: float = 0.5,
    mu: Parameter = None,
    gamma: Parameter = None,
    sigma2: Parameter = None,
    Sigma_e: Parameter = None,
    residual: Literal["full", "diagonal"] = "full",
    center: bool = True,
    standardize: bool = False,
    weights: Any = None,
    missing: Literal["error", "predict"] = "error",
    update: Update = "auto",
    design: str = "auto",
) -> pm.Model:
    r"""Bayesian linear regression with any prior of the effects, as a PyMC model.

    .. math:: y = \mu + (W - \bar W)\gamma + (X - \bar X)\beta + e, \quad
       e \sim N(0, \sigma^2 I)

    With a prior for several traits, y is a matrix; mu, gamma and beta have a column for each trait;
    the residuals of an observation are :math:`N_T(0, \Sigma_e)`; and missing traits (NaN) are
    integrated out.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Column names become the ``feature``
        coordinate. Or the result of `blrzoo.sufficient_statistics`, instead of X, y, covariates
        and weights.
    y : array-like, (obs,) or, for a prior of several traits, (obs, trait)
        Response. If both X and y have labels, they are joined by label. A response of 0 and 1 is
        treated as normal, with a warning.
    prior : Prior
        Prior of the effects, for instance ``blr.priors.SpikeSlab()``, or an instance of your own
        subclass of `blrzoo.priors.Prior`.
    covariates : array-like, (obs, covariate), optional
        Fixed effects W, without an intercept, joined to X by label. Default: none.
    h2 : float, default 0.5
        Share of var(y) that the default priors expect X to explain, in (0, 1).
    mu, gamma : None, number, array, (mean, sd) or ``.dist()``
        Intercept, ([trait]), in units of y, and effects of the covariates, (covariate[, trait]).
        Defaults ``(mean(y), 10 sd(y))`` and ``(0, 10 sd(y) / sd(W_k))``, for each trait.
    sigma2 : None, number, (nu, S2) or ``.dist()``
        Residual variance, in squared units of y. Default ``(4, S2)`` with prior mean
        ``2 S2 = (1 - h2) var(y)``.
    Sigma_e : None, number, matrix, (nu, S) or ``.dist()``
        For several traits, instead of `sigma2`: residual covariance, (trait, trait_bis). Default
        ``(T + 3, S)`` with prior mean ``S / 2 = diag((1 - h2) var(y_t))``.
    residual : {"full", "diagonal"}, default "full"
        For several traits, "diagonal": residuals of different traits are independent, with
        variances `sigma2`, (trait).
    center : bool, default True
        Center the columns of X and W in the model; the data are kept as given. Then `mu` is the
        mean of y at average features, which mixes well and suits its default prior. The intercept
        at X = 0 is ``mu - X_center @ beta - W_center @ gamma``.
    standardize : bool, default False
        Whether the prior is about effects per standard deviation of a feature, ``beta_j sd(x_j)``:
        `tau2` and all defaults are then per standard deviation (var(x_j) is 1). ``beta`` stays per
        unit of X. For features in different units; genotypes usually are not standardized.
    weights : array-like, (obs,), optional
        Known relative precisions w_i > 0: observation i has residual variance ``sigma2 / w_i``
        (covariance ``Sigma_e / w_i``). If y are means, the numbers of records they are based on.
        Default: all 1.
    missing : {"error", "predict"}, default "error"
        "error" refuses rows without y (all traits NaN or masked). "predict" leaves them out of the
        likelihood and draws ``y_missing`` (obs_missing[, trait]) from the posterior predictive
        distribution.
    update : {"auto", "joint", "single-site"}, default "auto"
        How the Gibbs step draws the effects: "joint", all at once from one multivariate normal
        (only if all effects have one common variance), or "single-site", feature by feature.
        "auto": joint if it is possible, its factorization, made once, takes a second or two at
        most, and X has at most 100 MB in float64 or is stored as "dense".
    design : {"auto", "dense", "float32", "sparse", "genotypes", "gram"} or str, default "auto"
        How X is stored and multiplied. Apart from rounding, the posterior is the same.

        - "dense": float64, 8 bytes a number.
        - "float32": 4 bytes a number; X is rounded to 7 digits, sums are in double precision.
        - "genotypes": int8 codes 0, 1, 2 (-1 or NaN: missing, replaced by the feature's mean), one
          byte a number. int8 memory in column-major order is used without a copy, so do not
          change it.
        - "sparse": compressed columns, for X of mostly zeros.
        - "gram": cross-products X'X instead of X, (feature, feature), for many more observations
          than features. What needs rows is not available: leave-one-out, posterior predictive,
          missing traits.

        "auto": sparse for a sparse X, genotypes for int8 codes 0, 1, 2 and -1, else dense; it
        never rounds or discards rows. Or the name of your own design, see `blrzoo.designs.Design`.

    Returns
    -------
    pm.Model
        With ``beta`` (feature[, trait]), ``mu``, ``sigma2`` or ``Sigma_e``, the prior's variables
        and the observed ``y`` (obs[, trait]). Its data are ``X``, ``X_center``, ``W``,
        ``W_center`` and, with `standardize`, ``X_scale``. If X has more than 10 MB (as float64),
        a fit does not store X but ``X_variance`` (divisor n): pass ``X=`` to functions that need
        it. With sufficient statistics ``Xy`` (feature[, trait]) is observed, the products of X
        and y.

    Raises
    ------
    TypeError
        For unknown arguments and values of the wrong type.
    ValueError
        For values out of range, labels or shapes that do not agree, a constant y or X, and
        arguments that the prior, the design or another argument excludes.

    Warns
    -----
    UserWarning
        For constant or identical features, features in such different units that a few dominate
        the default prior, responses of 0 and 1, and traits that are linear combinations of others.

    Notes
    -----
    A hyperparameter is None (default prior), a number or array (fixed), a tuple (parameters of its
    conjugate prior), or a PyMC distribution such as ``pm.HalfNormal.dist(1)``, which must be
    continuous with its support in the range of the parameter. The conjugate prior ``(nu, S2)`` of a
    variance is scaled inverse chi-squared, with mean nu S2 / (nu - 2) for nu > 2; ``(nu, S)`` of a
    covariance is inverse-Wishart, with mean S / (nu - T - 1) for nu > T + 1. A prior of the
    conjugate family is drawn from its full conditional, any other by NUTS. In the defaults, var and
    sd have the divisor n - 1.

    Hyperparameters with a value for each group, component, slab, pattern, annotation, covariate or
    trait may have labels, also within a tuple: a Series, a DataFrame (rows and columns) or a
    DataArray (with dims named as in the model, in any order). They are joined to the coordinates of
    the model by label, and must have each label once and no others. Values without labels (an
    array, a list, the default index 0..n-1 of pandas) go by position, in the order of
    ``model.coords``: groups in the order of their first feature, components from 0, slabs from 1.
    Values with fewer dims than the parameter have its last dims.

    Variances and similar numbers must be from 1e-250 to 1e250, probabilities at least 1e-30, and
    degrees of freedom and other counts of a prior at least 1e-6.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.regression(data.X, data.y, prior=blr.priors.SpikeSlab())
    >>> model.named_vars_to_dims["beta"]
    ('feature',)
    """
    _check_prior(prior)
    h2 = Number(above=0, below=1, default=0.5, advice=_H2).check("h2", h2)
    center = Flag(default=True).check("center", center)
    standardize = Flag(default=False).check("standardize", standardize)
    Choice(get_args(Update), default="auto").check("update", update)
    source = read_source(
        X,
        y,
        covariates=covariates,
        weights=weights,
        missing=missing,
        traits="trait" in prior.dims,
        center=center,
        design=design,
    )
    likelihood = _likelihood("trait" in prior.dims, mu, gamma, sigma2, Sigma_e, residual)
    if "covariate" not in source.coords:
        remedy = "Pass covariates=, or leave gamma out."
        LeftOut("where there are no covariates", advice=remedy).check("gamma", gamma)
    part = Part(source, prior, standardize=standardize, update=update)
    return build_model([part], likelihood, h2)


def _likelihood(
    several: bool,
    mu: Parameter,
    gamma: Parameter,
    sigma2: Parameter,
    Sigma_e: Parameter,
    residual: Form,
) -> Likelihood | TraitLikelihood:
    if several:
        return TraitLikelihood(
            mu=mu, gamma=gamma, sigma2=sigma2, Sigma_e=Sigma_e, residual=residual
        )
    Choice(get_args(Form), default="full").check("residual", residual)
    remedy = "Pass sigma2, or use a model of several traits, for instance blrzoo.multivariate."
    left_out = LeftOut("for one trait, which has sigma2", advice=remedy)
    left_out.check("Sigma_e", Sigma_e)
    left_out.check("residual", None if residual == "full" else residual)
    return Likelihood(mu=mu, gamma=gamma, sigma2=sigma2)


def _check_prior(prior: object) -> None:
    remedy = f"Pass an instance, for example {prior_like(prior) or 'blr.priors.SpikeSlab()'}."
    if isinstance(prior, type) and issubclass(prior, Prior):
        remedy = f"Make an instance: {prior_like(prior) or f'{prior.__name__}()'}."
    Instance(Prior, "an instance of blrzoo.priors.Prior", advice=remedy).check("prior", prior)
