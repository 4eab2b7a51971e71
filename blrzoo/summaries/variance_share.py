"""Heritability: the share of the variance of y that the features explain."""

from typing import Any, Literal, get_args

import xarray as xr

from blrzoo.checks import Choice, Flag
from blrzoo.posterior.fit_variance import variance_of_fit
from blrzoo.posterior.inputs import design_of
from blrzoo.posterior.reader import draws_of, genetic_variance
from blrzoo.summaries._components import (
    UndeterminedError,
    expected_variance,
    feature_variances,
    residual_variance,
)

__all__ = ["heritability"]

Definition = Literal["both", "fit", "components"]
_LONG_NAMES = {
    "h2_fit": "share of variance of the fitted values X beta",
    "h2_components": "share of variance that the hyperparameters expect on X",
}


def heritability(
    idata: xr.DataTree, X: Any = None, *, definition: Definition = "both", progressbar: bool = True
) -> xr.Dataset:
    r"""Compute the share of variance that is due to X (heritability), draw by draw.

    There are two definitions, and both are called heritability:

    .. math::

       h^2_{fit} &= \frac{var(X\beta)}{var(X\beta) + \sigma^2}

       h^2_{components} &= \frac{V}{V + \sigma^2}, \qquad
       V = \sum_j var(x_j) E[\beta_j^2 | hyperparameters]

    ``h2_fit`` is about these effects and these individuals: the variance over the rows of X of
    their genetic values. ``h2_components`` is about the population that the effects come from:
    the variance that the prior expects on X with the hyperparameters of a draw.
    :math:`E[\beta_j^2]` is :math:`\tau^2` (ridge), :math:`\pi\tau^2` (spike and slab) or
    :math:`\sum_k \pi_k \tau^2_k` (mixtures), those of the feature's group in models with groups;
    with several traits it is the diagonal of the expected :math:`b_j b_j'`, for instance
    :math:`\pi_t \Sigma_{b,tt}` with independent indicators.

    They differ where effects of correlated features (linkage disequilibrium) add up or cancel,
    which only ``h2_fit`` includes; where few features have an effect, so that ``h2_components``,
    which averages over effects that might have been, is more uncertain; and where the data say
    little, so that each depends on its own prior. ``h2_fit`` is in-sample unless other individuals
    are passed as `X`. For "how much of the variance of these data does X explain?", report
    ``h2_fit``; to compare with REML, report ``h2_components``.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``sigma2`` (or ``Sigma_e``) in its posterior; for ``h2_fit`` also
        ``beta`` or the sample statistic ``genetic_variance``.
    X : array-like, (obs, feature), optional
        Features of the individuals of interest, on the scale of the model's X. A DataFrame or
        DataArray is joined by the features' labels, an array by position. Default: X of the
        model; for ``h2_fit`` the recorded ``genetic_variance`` if there is one, for
        ``h2_components`` the recorded variances of the features if X was not kept.
    definition : {"both", "fit", "components"}, default "both"
        Which of the two. With "both", ``h2_components`` is left out if it cannot be computed, and
        the reason is in the attributes of the result, under its name.
    progressbar : bool, default True
        Show a progress bar, in terminals and notebooks, when it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        ``h2_fit`` and ``h2_components``, dims (chain, draw[, trait]). `summary_table` makes a
        table of them.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or X is not numeric.
    ValueError
        If the residual variance, ``beta``, X or the hyperparameters are missing, or X does not fit
        the features.

    Notes
    -----
    Variances are over observations with equal weights, with denominator n. In a model with weights
    the residual variance of an observation is sigma2 / weight; sigma2, that of weight 1, is used.
    In a fit of sufficient statistics with weights, the variance of X beta is weighted. The variance
    that covariates explain is in neither the numerator nor the denominator.

    The hyperparameters do not determine ``h2_components`` if each feature has a variance of its
    own (BayesA, BayesB, Bayesian lasso, horseshoe), or one that depends on annotations.

    References
    ----------
    .. [1] Gianola, de los Campos, Hill, Manfredi & Fernando (2009). Additive genetic variability
       and the Bayesian alphabet. Genetics 183:347-363.
    .. [2] Lehermeier, de los Campos, Wimmer & Schön (2017). Genomic variance estimates: with or
       without disequilibrium covariances? J. Animal Breeding and Genetics 134:232-241.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> import blrzoo as blr
    >>> X = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -2.0], [0.0, 2.0]])  # variances 0.5 and 2
    >>> idata = az.from_dict(
    ...     {
    ...         "posterior": {
    ...             "beta": np.array([[[1.0, 0.5]]]),  # one chain of one draw
    ...             "tau2": np.array([[0.8]]),
    ...             "sigma2": np.array([[2.0]]),
    ...         },
    ...         "constant_data": {"X": X},
    ...     },
    ...     dims={"beta": ["feature"], "X": ["obs", "feature"]},
    ... )
    >>> h2 = blr.heritability(idata)
    >>> float(h2["h2_fit"].item()), float(h2["h2_components"].item())
    (0.3333333333333333, 0.5)
    """
    Choice(get_args(Definition), default="both").check("definition", definition)
    progressbar = Flag(default=True).check("progressbar", progressbar)
    residual = residual_variance(idata)
    result = xr.Dataset()
    for name, compute in (("h2_fit", _fitted), ("h2_components", _expected)):
        if definition not in ("both", name.removeprefix("h2_")):
            continue
        try:
            genetic = compute(idata, X, progressbar)
        except UndeterminedError as reason:
            if definition != "both":
                raise ValueError(
                    f"h2_components cannot be computed: {reason}. Use definition='fit'."
                ) from None
            result.attrs[name] = f"left out: {reason}"
            continue
        share = (genetic / (genetic + residual)).transpose("chain", "draw", ...)
        result[name] = share.assign_attrs(long_name=_LONG_NAMES[name])
    return result


def _fitted(idata: xr.DataTree, X: Any, progressbar: bool) -> xr.DataArray:
    """Return var(X beta), (chain, draw[, trait]), recorded or computed."""
    if X is None:
        known = genetic_variance(idata, progressbar=progressbar)
        if known is not None:
            return known.drop_attrs()
    beta = draws_of(idata, "beta")
    return variance_of_fit(design_of(idata, X), beta, progressbar=progressbar)


def _expected(idata: xr.DataTree, X: Any, progressbar: bool) -> xr.DataArray:
    return expected_variance(idata, feature_variances(idata, X))
