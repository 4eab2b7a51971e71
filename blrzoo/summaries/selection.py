"""Decisions on inclusion: selection at a false discovery rate, and Bayes factors."""

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from blrzoo.checks import Number
from blrzoo.labels import labels_of, one_per_feature, order
from blrzoo.posterior.inputs import constant_data, groups_of, prior_draws
from blrzoo.posterior.reader import SAMPLE_DIMS, indicator_name, posterior, prior_indicators
from blrzoo.summaries.inclusion import pip, pip_interval, probability_included

__all__ = ["bayes_factor_inclusion", "bayesian_fdr"]

_ROUNDING = 1e-12  # of a mean of probabilities
_FDR_NAMES = {
    "pip": "posterior inclusion probability",
    "selected": "whether it is selected",
    "threshold": "smallest PIP that is selected",
    "fdr": "expected false discovery rate",
    "n_selected": "number selected",
}
_BF_NAMES = {
    "bayes_factor": "Bayes factor of inclusion",
    "lower": "lower end of its Monte Carlo interval (95 %)",
    "upper": "upper end of its Monte Carlo interval (95 %)",
    "bound": "'<' or '>' where the Bayes factor is only known to be below or above",
    "pip": "posterior inclusion probability",
    "prior": "prior inclusion probability",
}


def bayesian_fdr(idata: xr.DataTree | xr.DataArray, level: float = 0.05) -> xr.Dataset:
    r"""Select as many features as an expected false discovery rate allows.

    The features with the largest PIPs are selected, the most that satisfy

    .. math:: FDR(S) = \frac{1}{|S|} \sum_{j \in S} (1 - PIP_j) \le level

    FDR(S) is the posterior expectation of the share of selected features that are not in the model.

    Parameters
    ----------
    idata : xarray.DataTree or DataArray
        The InferenceData of a model with indicators; or probabilities, of any dims, such as
        ``pip(idata, any="trait")``, ``pip(idata).sel(trait="bmi")`` or ``group_pip(idata)["pip"]``.
    level : float, default 0.05
        Largest expected false discovery rate, between 0 and 1.

    Returns
    -------
    xarray.Dataset
        - ``pip`` and ``selected`` (bool), dims (feature[, trait]) or those of the probabilities;
          with several traits, all pairs of feature and trait are in one list
        - ``threshold``: smallest PIP that is selected; NaN if nothing is selected
        - ``fdr``: expected false discovery rate of the selection; 0 if nothing is selected
        - ``n_selected``: number selected

    Raises
    ------
    TypeError
        If `idata` is neither, or `level` is not a number.
    ValueError
        If there are no indicators, if probabilities are missing or outside 0 to 1, or if `level`
        is not between 0 and 1.

    Notes
    -----
    Features with equal PIPs are selected together or not at all. The rule is that of [1]_ and
    [2]_; it selects the most features for a given FDR.

    It is about single features. If correlated features replace each other from draw to draw, it
    may select none of them, although one of them must matter: use `group_pip` or `credible_sets`.

    References
    ----------
    .. [1] Newton, Noueiry, Sarkar & Ahlquist (2004). Detecting differential gene expression with a
       semiparametric hierarchical mixture method. Biostatistics 5:155-176.
    .. [2] Müller, Parmigiani, Robert & Rousseau (2004). Optimal sample size for multiple testing:
       the case of gene expression microarrays. JASA 99:990-1001.

    Examples
    --------
    >>> import xarray as xr
    >>> import blrzoo as blr
    >>> pips = xr.DataArray(
    ...     [0.99, 0.2, 0.95, 0.8], dims="feature", coords={"feature": ["age", "bmi", "bp", "sex"]}
    ... )
    >>> result = blr.bayesian_fdr(pips, level=0.1)
    >>> result["feature"].values[result["selected"]].tolist()
    ['age', 'bp', 'sex']
    >>> round(result["fdr"].item(), 3)  # (0.01 + 0.05 + 0.2) / 3
    0.087
    """
    level = Number(above=0, below=1, default=0.05).check("level", level)
    pips = _probabilities(idata) if isinstance(idata, xr.DataArray) else pip(idata)
    threshold = _threshold(pips.values.ravel(), level)
    selected = pips >= threshold
    number = int(selected.sum())
    fdr = float((1 - pips.values[selected.values]).mean()) if number else 0.0
    result = xr.Dataset(
        {
            "pip": pips,
            "selected": selected,
            "threshold": threshold,
            "fdr": fdr,
            "n_selected": number,
        }
    )
    return _named(result, _FDR_NAMES).assign_attrs(level=level)


def bayes_factor_inclusion(idata: xr.DataTree, *, prior: ArrayLike | None = None) -> xr.Dataset:
    r"""Compute the Bayes factor of each feature's inclusion.

    .. math:: BF_j = \frac{p(y | \delta_j = 1)}{p(y | \delta_j = 0)}
       = \frac{PIP_j}{1 - PIP_j} \Big/ \frac{P(\delta_j = 1)}{1 - P(\delta_j = 1)}

    It says how many times more probable the data are with the feature than without it, all else
    averaged over its prior: the posterior odds of inclusion divided by the prior odds.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators.
    prior : number or array-like, optional
        Prior inclusion probability, from 0 to 1: one for all, or one for each feature (a Series
        or DataArray is joined by label; a DataArray may also have the dim trait). If
        :math:`\pi` is learned, it is the prior mean :math:`E[\pi]`. Default: the first of these
        that `idata` has:

        1. ``pi``, if it was fixed: in the constant data (``inclusion=``), or the same in all draws;
        2. the group ``prior`` (``idata.update(pm.sample_prior_predictive(5000, model=model))``):
           the mean of its draws of ``pi``, or, if that has other dims than feature, trait, group
           or component, of its indicators.

    Returns
    -------
    xarray.Dataset
        Dims (feature[, trait]):

        - ``bayes_factor``: NaN if the prior is 0 or 1
        - ``lower``, ``upper``: the Bayes factors at the ends of a 95 % interval for the Monte Carlo
          error of the PIP, which is not a credible interval
        - ``bound``: ``"<"`` if no draw included the feature: then ``bayes_factor`` is the upper
          end, and the true one is below it; ``">"`` if all draws did: then it is the lower end, and
          the true one is above it; else empty
        - ``pip``, ``prior``: posterior and prior inclusion probability

        The attribute ``prior_from`` says where the prior was found.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or `prior` is not numbers.
    ValueError
        If there are no indicators, `prior` is not given and cannot be found in `idata`, or it is
        outside 0 to 1 or does not fit the features.

    Notes
    -----
    The prior of one indicator is :math:`P(\delta_j = 1) = \int \pi p(\pi) d\pi = E[\pi]`,
    whatever the rest of the prior of :math:`\pi` is: for :math:`\pi \sim Beta(a, b)` it is
    :math:`a / (a + b)`, by default :math:`1 / (1 + \sqrt{(p - s) / s})` with
    :math:`s = \min(p / 2, \sqrt{n})`; with ``expected_size=k`` it is k / p; for mixtures,
    :math:`\pi \sim Dirichlet(a)`, it is :math:`1 - a_0 / \sum_k a_k`. It is not the posterior mean
    of :math:`\pi`.

    The interval is that of Clopper and Pearson with as many trials as effective draws (see
    `blrzoo.indicator_table`): at prior odds of 1, n draws cannot tell a Bayes factor above about
    n / 4 from an infinite one. It does not include the Monte Carlo error of a prior that is
    estimated from draws: use some thousands of these, or pass `prior`. For scales of evidence see
    [1]_.

    References
    ----------
    .. [1] Kass & Raftery (1995). Bayes factors. JASA 90:773-795.

    Examples
    --------
    >>> import arviz as az
    >>> import numpy as np
    >>> import blrzoo as blr
    >>> draws = np.random.default_rng(1).random((4, 1000, 3)) < [0.5, 0.1, 0.0]
    >>> idata = az.from_dict(
    ...     {"posterior": {"delta": draws.astype(int)}},
    ...     dims={"delta": ["feature"]},
    ...     coords={"feature": ["age", "bmi", "bp"]},
    ... )
    >>> table = blr.evidence.bayes_factor_inclusion(idata, prior=0.1)
    >>> table[["bayes_factor", "lower", "upper", "bound"]].to_dataframe().round(2)
             bayes_factor  lower  upper bound
    feature
    age              8.88   8.32   9.49
    bmi              1.00   0.90   1.12
    bp               0.01   0.00   0.01     <
    """
    table = pip_interval(idata)
    values, source = _prior(idata, prior, table["pip"])
    odds = {name: _odds(table[name]) / _odds(values) for name in ("pip", "lower", "upper")}
    never, always = table["pip"] == 0, table["pip"] == 1
    factor = xr.where(never, odds["upper"], xr.where(always, odds["lower"], odds["pip"]))
    defined = (values > 0) & (values < 1)
    result = xr.Dataset(
        {
            "bayes_factor": factor.where(defined),
            "lower": odds["lower"].where(defined),
            "upper": odds["upper"].where(defined),
            "bound": xr.where(never & defined, "<", xr.where(always & defined, ">", "")),
            "pip": table["pip"],
            "prior": values,
        }
    ).transpose(*table["pip"].dims)
    return _named(result, _BF_NAMES).assign_attrs(prior_from=source)


def _named(table: xr.Dataset, long_names: dict[str, str]) -> xr.Dataset:
    for name, long_name in long_names.items():
        table[name].attrs = {"long_name": long_name}
    return table


# ---- false discovery rate ----


def _probabilities(pips: xr.DataArray) -> xr.DataArray:
    if pips.dtype.kind not in "biuf" or not bool(((pips >= 0) & (pips <= 1)).all()):
        raise ValueError(
            f"idata must be an InferenceData, or a DataArray of probabilities from 0 to 1; this "
            f"DataArray (dtype {pips.dtype}) holds other or missing values. Pass for instance "
            "pip(idata)."
        )
    return pips.astype(float).rename("pip")


def _threshold(pips: np.ndarray, level: float) -> float:
    """Return the smallest PIP of the largest selection, NaN if there is none."""
    ordered = np.sort(pips)[::-1]
    rate = np.cumsum(1 - ordered) / np.arange(1, ordered.size + 1)
    last_of_ties = np.append(ordered[:-1] > ordered[1:], True)[: ordered.size]
    allowed = np.flatnonzero(last_of_ties & (rate <= level + _ROUNDING))
    return float(ordered[allowed[-1]]) if allowed.size else float("nan")


# ---- prior inclusion probabilities ----


def _odds(probability: xr.DataArray) -> xr.DataArray:
    with np.errstate(divide="ignore"):
        return probability / (1 - probability)


def _prior(
    idata: xr.DataTree, prior: ArrayLike | None, pips: xr.DataArray
) -> tuple[xr.DataArray, str]:
    """Return prior inclusion probabilities with the dims of the PIPs, and their source."""
    if prior is not None:
        return _given(prior, pips), "the argument prior"
    for values, source in (
        (_fixed(idata, pips), "pi, which was fixed"),
        (_drawn_pi(idata, pips), "the mean of pi in the group prior"),
        (_drawn_indicators(idata, pips), "the mean of the indicators in the group prior"),
    ):
        if values is not None:
            return values, source
    raise ValueError(
        "prior must be given: idata has no prior inclusion probability ('pi' was not fixed, and "
        "there is no group 'prior'). Pass prior=, a / (a + b) for the pi ~ Beta(a, b) that "
        "blrzoo.sample logs; or add draws of the prior by "
        f"idata.update({prior_draws(idata, 5000, ['pi', str(indicator_name(idata))])})."
    )


def _given(prior: ArrayLike, pips: xr.DataArray) -> xr.DataArray:
    if isinstance(prior, xr.DataArray) and set(prior.dims) <= set(pips.dims):
        values = _aligned(prior, pips)
    elif not isinstance(prior, xr.Dataset | xr.DataTree) and np.ndim(prior) == 0:
        values = xr.DataArray(prior)
    else:
        array = one_per_feature("prior", prior, pips.get_index("feature"))
        values = xr.DataArray(array, dims="feature")
    if values.dtype.kind not in "iuf":
        raise TypeError(f"prior must hold numbers, got dtype {values.dtype}. Pass probabilities.")
    if not bool(((values >= 0) & (values <= 1)).all()):
        raise ValueError(
            f"prior must hold probabilities from 0 to 1, one for each feature, got values from "
            f"{float(values.min())} to {float(values.max())} (NaN: none). Correct them."
        )
    return _broadcast(values, pips)


def _broadcast(values: xr.DataArray, pips: xr.DataArray) -> xr.DataArray:
    return xr.zeros_like(pips) + values.astype(float)


def _aligned(values: xr.DataArray, pips: xr.DataArray) -> xr.DataArray:
    """Put values in the order of the PIPs, by label where both have labels."""
    for axis, dim in enumerate(values.dims):
        if dim in values.coords and dim in pips.coords:
            labels = labels_of("prior", values, axis)
            places = order("prior", labels, pips.get_index(dim), f"{dim}s of the PIPs", more=True)
            values = values.isel({dim: places})
    if wrong := [dim for dim in values.dims if values.sizes[dim] != pips.sizes[dim]]:
        raise ValueError(
            f"prior must have the sizes of the PIPs, got {dict(values.sizes)} instead of "
            f"{dict(pips.sizes)}; {wrong} differ. Pass one value for each."
        )
    return values.drop_vars(values.coords)


def _fixed(idata: xr.DataTree, pips: xr.DataArray) -> xr.DataArray | None:
    constant, variables = constant_data(idata), posterior(idata)
    if "pi" in constant:
        return _of_pi(constant["pi"], idata, pips)
    if "pi" not in variables:
        return None
    pi = variables["pi"].transpose(*SAMPLE_DIMS, ...)
    if pi.sizes["chain"] * pi.sizes["draw"] < 2:  # one draw does not show whether it was fixed
        return None
    first = pi.isel(chain=0, draw=0, drop=True)
    return _of_pi(first, idata, pips) if bool((pi == first).all()) else None


def _drawn_pi(idata: xr.DataTree, pips: xr.DataArray) -> xr.DataArray | None:
    if "prior" not in idata.children or "pi" not in idata["prior"].data_vars:
        return None
    return _of_pi(idata["prior"].to_dataset()["pi"].mean(SAMPLE_DIMS), idata, pips)


def _drawn_indicators(idata: xr.DataTree, pips: xr.DataArray) -> xr.DataArray | None:
    draws = prior_indicators(idata)
    if draws is None:
        return None
    return _broadcast(_aligned(probability_included(draws), pips), pips)


def _of_pi(pi: xr.DataArray, idata: xr.DataTree, pips: xr.DataArray) -> xr.DataArray | None:
    """Return the inclusion probability of each feature by pi; None if its dims do not tell."""
    if "component" in pi.dims:
        if pips.ndim > 1:  # components may be patterns of traits
            return None
        pi = 1 - pi.isel(component=0, drop=True)  # the null
    if "group" in pi.dims:
        index, _ = groups_of(idata)
        pi = pi.isel(group=xr.DataArray(index, dims="feature"), drop=True)
    if not set(pi.dims) <= set(pips.dims):
        return None
    return _broadcast(_aligned(pi, pips), pips)
