"""Covariances and correlations of traits, due to X and in their residuals."""

from typing import Any, Literal, get_args

import numpy as np
import xarray as xr

from blrzoo.checks import Choice
from blrzoo.posterior.fit_variance import covariance_of_fit
from blrzoo.posterior.inputs import constant_data, design_of
from blrzoo.posterior.reader import draws_of, posterior, refuse_broken
from blrzoo.summaries._components import (
    UndeterminedError,
    expected_covariance,
    feature_variances,
)

__all__ = ["genetic_correlation", "genetic_covariance", "residual_correlation"]

Definition = Literal["both", "fit", "components"]
_DIMS = ("chain", "draw", "trait", "trait_bis")
_LONG_NAMES = {
    "cov_fit": "covariance of the fitted values X B",
    "cov_components": "covariance that the hyperparameters expect on X",
    "rg_fit": "correlation of the fitted values X B",
    "rg_components": "correlation that the hyperparameters expect on X",
}


def genetic_covariance(
    idata: xr.DataTree, X: Any = None, *, definition: Definition = "both", progressbar: bool = True
) -> xr.Dataset:
    r"""Compute the covariance of traits that is due to X, draw by draw.

    There are two definitions, whose diagonals are the genetic variances in `heritability`:

    .. math::

       C_{fit} = cov(X B), \qquad
       C_{components} = \sum_j var(x_j) E[b_j b_j' | hyperparameters]

    ``cov_fit`` is the covariance over the rows of X of the genetic values :math:`X B`: that of
    these effects and these individuals. ``cov_components`` is what the prior expects on X with the
    hyperparameters of a draw: that of the population that the effects come from. Its
    :math:`E[b_j b_j']` is :math:`\Sigma_b` (no selection),
    :math:`\pi_t \pi_s \Sigma_{b,ts}` off and :math:`\pi_t \Sigma_{b,tt}` on the diagonal
    (independent indicators), :math:`\sum_k \pi_k D_k \Sigma_b D_k` (patterns :math:`D_k`) or
    :math:`\sum_k \pi_k \Sigma_{b,k}` (components); with groups, that of the feature's group.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData of several traits: ``beta`` (feature, trait) for ``cov_fit``, ``Sigma_b``
        (trait, trait_bis) and, in models that select, ``pi`` for ``cov_components``.
    X : array-like, (obs, feature), optional
        Features of the individuals of interest, on the scale of the model's X. A DataFrame or
        DataArray is joined by the features' labels, an array by position. Default: X of the
        model, from the constant data.
    definition : {"both", "fit", "components"}, default "both"
        Which of the two. With "both", ``cov_components`` is left out if the hyperparameters do not
        determine it, and ``cov_fit`` if the fit holds the variances of its features instead of X
        (a large X, or sufficient statistics); the reason is in the attributes of the result.
    progressbar : bool, default True
        Show a progress bar, in terminals and notebooks, when it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        ``cov_fit`` and ``cov_components``, in products of units of y, dims
        (chain, draw, trait, trait_bis).

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or X is not numeric.
    ValueError
        If there is only one trait, ``beta``, X or the hyperparameters are missing, or X does not
        fit the features.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> import blrzoo as blr
    >>> B = np.array([[[[1.0, 1.0], [0.0, 2.0]]]])  # one chain of one draw: (feature, trait)
    >>> X = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])  # variances 0.5
    >>> idata = az.from_dict({"posterior": {"beta": B}}, dims={"beta": ["feature", "trait"]})
    >>> blr.genetic_covariance(idata, X, definition="fit")["cov_fit"].values[0, 0]
    array([[0.5, 0.5],
           [0.5, 2.5]])
    """
    Choice(get_args(Definition), default="both").check("definition", definition)
    result = xr.Dataset()
    if definition == "both" and X is None and _has_variances_only(idata):
        result.attrs["cov_fit"] = "left out: there is no X in constant_data, and none was given"
    elif definition != "components":
        beta = _of_traits(draws_of(idata, "beta"), ("trait",))
        result["cov_fit"] = covariance_of_fit(design_of(idata, X), beta, progressbar=progressbar)
    if definition != "fit":
        try:
            result["cov_components"] = expected_covariance(idata, feature_variances(idata, X))
        except UndeterminedError as reason:
            if definition != "both":
                raise ValueError(
                    f"cov_components cannot be computed: {reason}. Use definition='fit'."
                ) from None
            result.attrs["cov_components"] = f"left out: {reason}"
    return _named(result)


def _has_variances_only(idata: xr.DataTree) -> bool:
    """Whether a fit knows the variances of its features, but not X."""
    data = constant_data(idata)
    return "X" not in data and "X_variance" in data


def genetic_correlation(
    idata: xr.DataTree, X: Any = None, *, definition: Definition = "both", progressbar: bool = True
) -> xr.Dataset:
    r"""Compute the correlation between traits that is due to X, draw by draw.

    There are two definitions:

    - ``rg_fit`` is the correlation over the rows of X of the genetic values :math:`X B`. It is
      about these effects and these individuals, and includes what correlated features (linkage
      disequilibrium) do together: two traits that are affected by different but correlated
      features are correlated.
    - ``rg_components`` is the correlation in
      :math:`\sum_j var(x_j) E[b_j b_j' | hyperparameters]`, the covariance that the prior expects
      with the hyperparameters of a draw. It is about the population that the effects come from,
      and includes only features that affect both traits.

    The expectation is :math:`\Sigma_b` if every feature has an effect on every trait. With
    independent indicators it is :math:`\pi_t \pi_s \Sigma_{b,ts}` off the diagonal and
    :math:`\pi_t \Sigma_{b,tt}` on it; with patterns :math:`D_k` it is
    :math:`\sum_k \pi_k D_k \Sigma_b D_k`; with components :math:`\sum_k \pi_k \Sigma_{b,k}`, and
    with groups that of the feature's group. So a correlation of 0.9 in ``Sigma_b`` is a small
    genetic correlation if few features affect both traits.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData of several traits: ``beta`` (feature, trait) for ``rg_fit``, ``Sigma_b``
        (trait, trait_bis) and, in models that select, ``pi`` for ``rg_components``.
    X : array-like, (obs, feature), optional
        Features of the individuals of interest, on the scale of the model's X. A DataFrame or
        DataArray is joined by the features' labels, an array by position. Default: X of the
        model, from the constant data.
    definition : {"both", "fit", "components"}, default "both"
        Which of the two. With "both", ``rg_components`` is left out if the hyperparameters do not
        determine it, and ``rg_fit`` if the fit holds the variances of its features instead of X
        (a large X, or sufficient statistics); the reason is in the attributes of the result.
    progressbar : bool, default True
        Show a progress bar, in terminals and notebooks, when it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        ``rg_fit`` and ``rg_components``, dims (chain, draw, trait, trait_bis); exactly 1 on the
        diagonal. In a draw in which the variance of a trait is 0 (no feature included), its
        correlations are NaN, also on the diagonal. `summary_table` makes a table of them and skips
        these draws: it then summarizes the correlation given that it is defined.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or X is not numeric.
    ValueError
        If there is only one trait, ``beta``, X or the hyperparameters are missing, or X does not
        fit the features.

    References
    ----------
    .. [1] Falconer & Mackay (1996). Introduction to Quantitative Genetics, 4th ed., chapter 19.
    .. [2] Lehermeier, de los Campos, Wimmer & Schön (2017). Genomic variance estimates: with or
       without disequilibrium covariances? J. Animal Breeding and Genetics 134:232-241.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> import blrzoo as blr
    >>> B = np.array([[[[1.0, 1.0], [0.0, 2.0]]]])  # one chain of one draw: (feature, trait)
    >>> X = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]])
    >>> idata = az.from_dict({"posterior": {"beta": B}}, dims={"beta": ["feature", "trait"]})
    >>> blr.genetic_correlation(idata, X, definition="fit")["rg_fit"].values[0, 0].round(3)
    array([[1.   , 0.447],
           [0.447, 1.   ]])
    """
    covariance = genetic_covariance(idata, X, definition=definition, progressbar=progressbar)
    names = {"cov_fit": "rg_fit", "cov_components": "rg_components"}
    result = xr.Dataset({names[str(k)]: _correlation(v) for k, v in covariance.items()})
    result.attrs = {names[k]: reason for k, reason in covariance.attrs.items()}
    return _named(result)


def residual_correlation(idata: xr.DataTree) -> xr.DataArray:
    """Compute the correlation between the residuals of traits, draw by draw.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData of several traits, with ``Sigma_e`` in its posterior.

    Returns
    -------
    xarray.DataArray
        Named ``residual_correlation``, dims (chain, draw, trait, trait_bis); exactly 1 on the
        diagonal, and 0 off it if the model has ``residual="diagonal"``. `summary_table` makes a
        table of it.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree.
    ValueError
        If ``Sigma_e`` is missing, or lacks one of the dims.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> import blrzoo as blr
    >>> Sigma_e = np.array([[[[4.0, 1.0], [1.0, 1.0]]]])  # one chain of one draw
    >>> dims = {"Sigma_e": ["trait", "trait_bis"]}
    >>> idata = az.from_dict({"posterior": {"Sigma_e": Sigma_e}}, dims=dims)
    >>> blr.residual_correlation(idata).values[0, 0]
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    refuse_broken(idata)
    variables = posterior(idata)
    if "Sigma_e" not in variables:
        raise ValueError(
            "idata.posterior must have the residual covariance of several traits, 'Sigma_e' "
            f"(trait, trait_bis); it has {list(variables.data_vars)}. Keep it when sampling "
            "(var_names=...); with one trait there is no correlation."
        )
    correlation = _correlation(_of_traits(variables["Sigma_e"], ("trait", "trait_bis")))
    return correlation.rename("residual_correlation").assign_attrs(
        long_name="correlation of residuals"
    )


def _of_traits(array: xr.DataArray, dims: tuple[str, ...]) -> xr.DataArray:
    if missing := [dim for dim in dims if dim not in array.dims]:
        raise ValueError(
            f"{array.name!r} in idata.posterior must be of several traits, with the dims "
            f"{', '.join(dims)}; it has {array.dims} and lacks {missing}. With one trait there is "
            "no correlation: see blrzoo.heritability."
        )
    return array


def _correlation(covariance: xr.DataArray) -> xr.DataArray:
    """Turn covariances into correlations, NaN for a variance of 0."""
    covariance = covariance.transpose(*_DIMS)
    sd = np.sqrt(np.diagonal(covariance.values, axis1=-2, axis2=-1).astype(float))
    sd[sd == 0] = np.nan
    values = covariance.values / (sd[..., :, None] * sd[..., None, :])
    values = np.clip(values, -1.0, 1.0)
    trait = np.arange(sd.shape[-1])
    values[..., trait, trait] = np.where(np.isnan(sd), np.nan, 1.0)
    return covariance.copy(data=values).drop_attrs()


def _named(result: xr.Dataset) -> xr.Dataset:
    for name, array in result.items():
        array.attrs = {"long_name": _LONG_NAMES[str(name)]}
    return result
