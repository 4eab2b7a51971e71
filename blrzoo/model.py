"""Data and a prior to a PyMC model."""

from typing import Any, Literal, TypedDict, get_args

import pymc as pm

from blrzoo.advice import advised, prior_like
from blrzoo.building import Part, Update, build_model
from blrzoo.checks import Choice, Flag, Instance, LeftOut, Number
from blrzoo.likelihood.single import Likelihood
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.priors.base import Prior
from blrzoo.priors.multivariate.ridge import Form
from blrzoo.sources import read_source

__all__ = ["Options", "TraitOptions", "Update", "regression"]

_H2 = "It is the share of the variance of y that the default priors expect on X."


class Options(TypedDict, total=False):
    """Arguments of `regression` that every factory passes on."""

    covariates: Any
    weights: Any
    missing: Literal["error", "predict"]
    h2: float
    mu: Any
    gamma: Any
    sigma2: Any
    center: bool
    standardize: bool
    design: str


class TraitOptions(Options, total=False):
    """Arguments of `regression` that every factory for several traits passes on."""

    Sigma_e: Any
    residual: Literal["full", "diagonal"]


@advised()
def regression(
    X: Any,
    y: Any = None,
    *,
    prior: Prior,
    covariates: Any = None,
    h2: float = 0.5,
    mu: Any = None,
    gamma: Any = None,
    sigma2: Any = None,
    Sigma_e: Any = None,
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

    With a prior for several traits, y is a matrix, mu, gamma and beta have a column for each trait,
    and the residuals of an observation are :math:`N_T(0, \Sigma_e)`. Traits that were not measured
    (NaN) are integrated out.

    Parameters
    ----------
    X : array-like, (obs, feature)
        Features: NumPy, pandas, xarray or SciPy sparse. Names of columns become the ``feature``
        coordinate. Or what `blrzoo.sufficient_statistics` returns, in the place of X, y,
        covariates and weights.
    y : array-like, (obs) or, for a prior of several traits, (obs, trait)
        Response. Where X and y both carry labels, they are joined by label.
    prior : Prior
        Prior of the effects, for instance `SpikeSlab()`, or your own subclass of `Prior`.
    covariates : array-like, (obs, covariate), optional
        Fixed effects W, without an intercept.
    h2 : float, default 0.5
        Share of the variance of y that the default priors expect on X, in (0, 1).
    mu, gamma : None, number, (mean, sd) or ``.dist()``
        Intercept, in units of y, and effects of covariates, (covariate). Defaults
        ``(mean(y), 10 sd(y))`` and ``(0, 10 sd(y) / sd(w_k))``.
    sigma2 : None, number, (nu, S2) or ``.dist()``
        Residual variance, in squared units of y. Default ``(4, S2)`` with prior mean
        ``2 S2 = (1 - h2) var(y)``.
    center : bool, default True
        Center the columns of X and W in the model (the data are kept as given). Then `mu` is
        the mean of y at average features, which mixes well and is what its default prior is
        about. The intercept at X = 0 is ``mu - X_center @ beta - W_center @ gamma``.
    standardize : bool, default False
        Whether the prior is about effects per standard deviation of a feature: ``beta_j sd(x_j)``
        has the prior of the effects, and `tau2` and all defaults are per standard deviation
        (``mean_j var(x_j)`` is 1). ``beta`` stays in the units of X as given, so nothing else
        changes. For columns in different units; genotypes are usually left as they are.
    weights : array-like, (obs), optional
        Known relative precisions of the observations, positive: the residual variance of an
        observation is ``sigma2 / weight``. For means, the numbers of records that they are of.
    Sigma_e, residual : optional
        For several traits, in the place of sigma2: residual covariance, (trait, trait_bis), None,
        matrix, (nu, S) or ``.dist()``; default ``(T + 3, S)`` with prior mean ``S / 2 =
        diag((1 - h2) var(y_t))``. With ``residual="diagonal"`` residuals of different traits are
        independent, and `sigma2` has their variances, (trait).
    missing : {"error", "predict"}, default "error"
        What to do with rows whose y is missing (NaN, masked), all traits of it. "predict": they do
        not enter the likelihood; ``y_missing`` (obs_missing) in the posterior holds their posterior
        predictive draws, by their labels.
    update : {"auto", "joint", "single-site"}
        How the Gibbs step draws the effects: all at once from one multivariate normal (only
        where all effects have one common variance; the factorisation is made once), or feature
        by feature. "auto" takes the joint draw where it is possible and its factorisation needs
        a second or two at most, and where `design` is not "dense" at most 100 MB.
    design : {"auto", "dense", "float32", "sparse", "genotypes", "gram"} or str, default "auto"
        How X is stored and multiplied; the posterior is the same.

        - "dense": float64, 8 bytes a number.
        - "float32": 4 bytes; X is rounded to 7 digits, sums are in double precision.
        - "genotypes": int8 codes 0, 1, 2 (-1 or NaN: missing, replaced by the feature's mean), one
          byte; int8 memory in column-major order is used as it is, so do not change it.
        - "sparse": compressed columns, for mostly zeros.
        - "gram": cross-products X'X in the place of X, (feature, feature), for many more
          observations than features. Nothing that needs rows: no leave-one-out, no posterior
          predictive, no missing traits.

        "auto": sparse where X is, genotypes where X is int8 of these codes, else dense. It never
        rounds, and never gives up rows. Or the name of a design of your own, see
        `blrzoo.designs.Design`.

    Returns
    -------
    pm.Model
        With ``beta`` (feature[, trait]), ``mu``, ``sigma2`` or ``Sigma_e``, the prior's variables
        and the observed ``y`` (obs[, trait]); the data are ``X``, ``X_center``, ``W``,
        ``W_center`` and, where they were standardized, ``X_scale``. X of more than 10 MB (as
        float64) is not among the data of a fit, ``X_variance`` (denominator n) is: pass ``X=`` to
        what reads it. Of sufficient statistics, X'Oy is observed, ``Xy`` (feature[, trait]).

    Raises
    ------
    ValueError, TypeError
        For data or hyperparameters that are refused; the message says which, why, and what to do.

    Warns
    -----
    UserWarning
        If the columns of X have units so different that a few dominate the default prior.

    Notes
    -----
    Hyperparameters that have a value for each group, component, slab, pattern, annotation,
    covariate or trait may be given with labels, also within a tuple: a Series, a DataFrame (rows
    and columns) or a DataArray (with the names of the model's dims in any order). They are joined
    to the coordinates of the model by label, and must have each label once and no other. What has
    no labels (an array, a list, the default index 0..n-1 of pandas) goes by position, in the order
    of ``model.coords``: groups in the order of their first feature, components and slabs from 0
    and 1. With fewer dims than the parameter, values are of its last dims.

    Variances and numbers like them must be from 1e-250 to 1e250, probabilities at least 1e-30, and
    degrees of freedom and other counts of a prior at least 1e-6. A ``.dist()`` must be continuous
    and have all its values in the range of the parameter.

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
    several: bool, mu: Any, gamma: Any, sigma2: Any, Sigma_e: Any, residual: Any
) -> Likelihood | TraitLikelihood:
    if several:
        return TraitLikelihood(
            mu=mu, gamma=gamma, sigma2=sigma2, Sigma_e=Sigma_e, residual=residual
        )
    Choice(get_args(Form), default="full").check("residual", residual)
    remedy = "Pass sigma2, or take a model of several traits, for instance blrzoo.multivariate."
    left_out = LeftOut("for one trait, which has sigma2", advice=remedy)
    left_out.check("Sigma_e", Sigma_e)
    left_out.check("residual", None if residual == "full" else residual)
    return Likelihood(mu=mu, gamma=gamma, sigma2=sigma2)


def _check_prior(prior: Any) -> None:
    remedy = f"Pass an instance, for example {prior_like(prior) or 'blr.priors.SpikeSlab()'}."
    if isinstance(prior, type) and issubclass(prior, Prior):
        remedy = f"Make an instance: {prior_like(prior) or f'{prior.__name__}()'}."
    Instance(Prior, "an instance of blrzoo.priors.Prior", advice=remedy).check("prior", prior)
