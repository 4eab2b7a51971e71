"""The variance of X beta by group of features."""

from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from blrzoo.checks import Choice
from blrzoo.posterior.group_variance import moments_by_group
from blrzoo.posterior.inputs import design_of, groups_of
from blrzoo.posterior.reader import draws_of
from blrzoo.summaries.table import check_interval, summary_table

__all__ = ["enrichment_table", "variance_explained", "variance_table"]

_LONG_NAMES = {
    "variance": "variance over the observations of X_g beta_g",
    "share": "var(X_g beta_g) / var(X beta)",
    "apportioned": "cov(X_g beta_g, X beta) / var(X beta)",
}


def variance_explained(
    idata: xr.DataTree, X: Any = None, groups: ArrayLike | None = None, *, progressbar: bool = True
) -> xr.Dataset:
    r"""Partition the variance of X beta by group of features, draw by draw.

    For the features g of a group, over the rows of X:

    .. math::

       variance_g = var(X_g\beta_g), \qquad
       share_g = \frac{var(X_g\beta_g)}{var(X\beta)}, \qquad
       apportioned_g = \frac{cov(X_g\beta_g, X\beta)}{var(X\beta)}

    Shares need not sum to 1, as groups may be correlated (linkage disequilibrium). ``apportioned``
    gives half of the covariance of two groups to each: it sums to 1, and can be negative.
    `variance_table` makes a table of them.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``beta`` in its posterior.
    X : array-like, (obs, feature), optional
        Features of the individuals of interest, on the scale of the model's X. A DataFrame or
        DataArray is joined by the features' labels, an array by position. Default: X of the
        model, from the constant data.
    groups : array-like, (feature,), optional
        Label of each feature's group. A Series or DataArray is joined by the features' labels,
        anything else by position. Default: the groups of the model.
    progressbar : bool, default True
        Show a progress bar, in terminals and notebooks, when it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        ``variance`` (in squared units of y), ``share`` and ``apportioned``, dims
        (chain, draw, group[, trait]). The latter two are NaN in draws in which var(X beta) is 0.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or X is not numeric.
    ValueError
        If ``beta``, X or groups are missing, or do not fit each other.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=4, n_causal=2, random_seed=1)
    >>> model = blr.single_component(data.X, data.y)
    >>> idata = blr.sample(model, draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> draws = blr.variance_explained(idata, groups=["first", "first", "second", "second"])
    >>> draws["share"].dims, draws["group"].values.tolist()
    (('chain', 'draw', 'group'), ['first', 'second'])
    >>> draws["apportioned"].sum("group").round(6).values.max()
    np.float64(1.0)
    """
    beta = draws_of(idata, "beta")
    index, names = groups_of(idata, groups)
    moments = moments_by_group(
        design_of(idata, X), beta, index, len(names), progressbar=progressbar
    )
    template = beta.isel(feature=0, drop=True).expand_dims(group=names, axis=2)
    variance, covariance = (
        template.copy(data=np.moveaxis(moment, -1, 2).reshape(template.shape))
        for moment in moments[:2]
    )
    total = template.isel(group=0, drop=True)
    total = total.copy(data=moments[2].reshape(total.shape))
    total = total.where(total > 0)  # no shares of nothing
    result = {"variance": variance, "share": variance / total, "apportioned": covariance / total}
    return xr.Dataset({k: v.assign_attrs(long_name=_LONG_NAMES[k]) for k, v in result.items()})


def variance_table(
    idata: xr.DataTree,
    X: Any = None,
    groups: ArrayLike | None = None,
    *,
    ci_prob: float = 0.95,
    ci_kind: Literal["eti", "hdi"] = "eti",
    progressbar: bool = True,
) -> xr.Dataset:
    r"""Partition the variance of X beta by group of features: chromosomes, windows, pathways.

    For the features g of a group, draw by draw and over the rows of X:

    .. math::

       variance_g = var(X_g\beta_g), \qquad
       share_g = \frac{var(X_g\beta_g)}{var(X\beta)}, \qquad
       apportioned_g = \frac{cov(X_g\beta_g, X\beta)}{var(X\beta)}

    ``share`` is about the group on its own; shares need not sum to 1, because correlated groups
    (linkage disequilibrium) have covariances, which are in no share. ``apportioned`` gives half of
    the covariance of two groups to each: it sums to 1 in every draw, and can be negative for a
    group that works against the others. If the two differ much, the data do not tell the groups
    apart.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``beta`` in its posterior.
    X : array-like, (obs, feature), optional
        Features of the individuals of interest, on the scale of the model's X. A DataFrame or
        DataArray is joined by the features' labels, an array by position. Default: X of the
        model, from the constant data.
    groups : array-like, (feature,), optional
        Label of each feature's group. A Series or DataArray is joined by the features' labels,
        anything else by position. Default: the groups of the model.
    ci_prob : float, default 0.95
        Probability of the credible interval, in (0, 1), whatever the ``rcParams`` of ArviZ say.
    ci_kind : {"eti", "hdi"}, default "eti"
        Equal-tailed, or highest density (the narrowest) interval.
    progressbar : bool, default True
        Show a progress bar, in terminals and notebooks, when it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``sd``, ``lower``, ``upper`` and ``mcse_mean`` (Monte Carlo standard error of the
        mean), dims (quantity, group[, trait]), of the quantities ``variance`` (in squared units of
        y), ``share`` and ``apportioned``. ``.sel(quantity="share").to_dataframe()`` makes a table
        of one of them. `variance_explained` returns the draws.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, X is not numeric, or `ci_prob` is not a number.
    ValueError
        If ``beta``, X or groups are missing, or do not fit each other.

    Notes
    -----
    Shares are not defined in draws in which var(X beta) is 0; their summary skips these.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> import blrzoo as blr
    >>> X = np.random.default_rng(1).normal(size=(100, 3))
    >>> beta = np.random.default_rng(2).normal([1.0, 0.0, 2.0], 0.1, size=(4, 250, 3))
    >>> idata = az.from_dict({"posterior": {"beta": beta}}, dims={"beta": ["feature"]})
    >>> table = blr.variance_table(idata, X, groups=["chr1", "chr1", "chr2"])
    >>> shares = table.sel(quantity="apportioned", drop=True)
    >>> shares[["mean", "lower", "upper"]].to_dataframe().round(2)
           mean  lower  upper
    group
    chr1   0.21   0.13   0.29
    chr2   0.79   0.71   0.87
    """
    ci_prob = check_interval(ci_prob, ci_kind)
    draws = variance_explained(idata, X, groups, progressbar=progressbar)
    return summary_table(draws, ci_prob=ci_prob, ci_kind=ci_kind)


def enrichment_table(
    idata: xr.DataTree,
    X: Any = None,
    groups: ArrayLike | None = None,
    *,
    of: Literal["share", "apportioned"] = "share",
    ci_prob: float = 0.95,
    ci_kind: Literal["eti", "hdi"] = "eti",
    progressbar: bool = True,
) -> xr.Dataset:
    r"""Compare each group's share of variance with its share of features.

    .. math:: enrichment_g = \frac{share_g}{p_g / p}

    with :math:`p_g` of the p features in group g. A group drawn at random has an enrichment of 1,
    if groups are not correlated; 2 means twice the average variance per feature.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``beta`` in its posterior.
    X : array-like, (obs, feature), optional
        Features of the individuals of interest, on the scale of the model's X. A DataFrame or
        DataArray is joined by the features' labels, an array by position. Default: X of the
        model, from the constant data.
    groups : array-like, (feature,), optional
        Label of each feature's group. A Series or DataArray is joined by the features' labels,
        anything else by position. Default: the groups of the model.
    of : {"share", "apportioned"}, default "share"
        Which share of variance: :math:`var(X_g\beta_g) / var(X\beta)` or
        :math:`cov(X_g\beta_g, X\beta) / var(X\beta)`. With the latter, the mean of the enrichments,
        weighted by share of features, is exactly 1.
    ci_prob : float, default 0.95
        Probability of the credible interval, in (0, 1), whatever the ``rcParams`` of ArviZ say.
    ci_kind : {"eti", "hdi"}, default "eti"
        Equal-tailed, or highest density (the narrowest) interval.
    progressbar : bool, default True
        Show a progress bar, in terminals and notebooks, when it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        Dims (group[, trait]); ``.to_dataframe()`` makes a table of it:

        - ``mean``, ``sd``, ``lower``, ``upper``, ``mcse_mean``: posterior mean, standard deviation,
          credible interval and Monte Carlo standard error of the mean, of the enrichment; draws in
          which var(X beta) is 0 are skipped
        - ``probability``: posterior probability that the enrichment exceeds 1
        - ``features``, (group): number of features

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, X is not numeric, or `ci_prob` is not a number.
    ValueError
        If ``beta``, X or groups are missing, or do not fit each other, or `of` or `ci_kind` is
        another word.

    Notes
    -----
    A prior with the same variance for all features shrinks enrichments towards 1; a hierarchical
    one (`blrzoo.hierarchical`) lets the data decide. Every feature counts once, whatever its
    variance: bring features to one scale, unless their scales are meant to matter.

    References
    ----------
    .. [1] Finucane et al. (2015). Partitioning heritability by functional annotation using
       genome-wide association summary statistics. Nature Genetics 47:1228-1235.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> import blrzoo as blr
    >>> X = np.random.default_rng(1).normal(size=(100, 4))
    >>> beta = np.random.default_rng(2).normal([2.0, 0.0, 0.0, 0.0], 0.1, size=(4, 250, 4))
    >>> idata = az.from_dict({"posterior": {"beta": beta}}, dims={"beta": ["feature"]})
    >>> table = blr.enrichment_table(idata, X, groups=["exon", "intron", "intron", "intron"])
    >>> table[["mean", "probability", "features"]].to_dataframe().round(1)
            mean  probability  features
    group
    exon     4.0          1.0         1
    intron   0.0          0.0         3
    """
    ci_prob = check_interval(ci_prob, ci_kind)
    Choice(("share", "apportioned"), default="share").check("of", of)
    index, names = groups_of(idata, groups)
    counts = np.bincount(index, minlength=len(names))
    features = xr.DataArray(counts, {"group": names}, "group")
    share = variance_explained(idata, X, groups, progressbar=progressbar)[of]
    ratio = share / (features.where(features > 0) / index.size)
    table = summary_table(ratio, ci_prob=ci_prob, ci_kind=ci_kind)
    above = (ratio > 1).where(ratio.notnull()).mean(("chain", "draw"))
    table["probability"] = above.assign_attrs(long_name="P(enrichment > 1)")
    table["features"] = features.assign_attrs(long_name="number of features")
    return table
