"""Fine mapping: credible sets of features, from the joint draws of the indicators."""

import warnings
from collections.abc import Hashable
from typing import Any

import numpy as np
import xarray as xr

from blrzoo.checks import LeftOut, Number
from blrzoo.posterior.correlations import Correlations
from blrzoo.posterior.inputs import design_of
from blrzoo.posterior.reader import SAMPLE_DIMS, count_included, indicators
from blrzoo.summaries._set_search import SetSearch
from blrzoo.summaries.inclusion import block_table, probability_included
from blrzoo.summaries.mixing import Mixing, mixing_in

__all__ = ["credible_sets"]

_MANY, _LARGE = 0.2, 100  # warn above this share of included features, if there are so many

_LONG_NAMES = {
    "lead": "feature with the highest PIP in the set",
    "size": "number of features in the set",
    "coverage": "probability that any feature of the set is included",
    "mcse_coverage": "Monte Carlo standard error of the coverage",
    "expected_size": "expected number of included features in the set",
    "purity": "smallest absolute correlation between features of the set",
    "mean_abs_corr": "mean absolute correlation between features of the set",
    "members": "whether the feature is in the set",
    "pip": "posterior inclusion probability",
    "credible_set": "number of the feature's set, 0 if it is in none",
    "place": "place of the feature in its set by PIP, 0 if it is in none",
    "reason": "why no set was found for the feature, or around it",
}


def credible_sets(
    idata: xr.DataTree,
    X: Any = None,
    *,
    coverage: float = 0.95,
    min_abs_corr: float = 0.5,
    threshold: float = 0.1,
    trait: Hashable | None = None,
    progressbar: bool = True,
) -> xr.Dataset:
    r"""Find small sets of correlated features that each hold a causal one with high probability.

    A set S is as small as a greedy search can make it with

    .. math:: P(\textstyle\sum_{j \in S} \delta_j > 0 \mid y) \ge coverage,

    the share of the draws in which at least one of its features is included. "Causal" is short
    for "included in the model".

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators.
    X : array-like, (obs, feature), optional
        Features, to compute correlations from; those of other individuals, such as a reference
        panel, are allowed. The columns of a DataFrame, or a DataArray with the coordinate
        ``feature``, are joined by label, anything else by position. Default: ``X`` of the
        constant data.
    coverage : float, default 0.95
        Smallest probability that a set holds a causal feature, between 0 and 1.
    min_abs_corr : float, default 0.5
        Smallest absolute correlation between any two features of a set, 0 to 1.
    threshold : float, default 0.1
        Smallest probability that calls for a set or a reason, 0 to 1. Every feature whose PIP is
        at least this is in a set, or its ``reason`` says why not. The same holds for a neighborhood
        (a feature with a PIP above 0, and the features in no set whose absolute correlation with
        it is at least `min_abs_corr`): if the probability that any of them is included is at least
        this, one of them has a reason.
    trait : optional
        Label of the trait to find sets for. Default, with several traits: a feature counts as
        included in a draw if it is included for at least one trait.
    progressbar : bool, default True
        Show a progress bar, in terminals and notebooks, when it takes more than two seconds.

    Returns
    -------
    xarray.Dataset
        Dims (set), 1, 2, ... in the order in which they were found; there may be none:

        - ``lead``: the feature of the set with the highest PIP
        - ``size``: number of features
        - ``coverage``, ``mcse_coverage``: probability that any feature of the set is included, and
          its Monte Carlo standard error
        - ``expected_size``: expected number of included features in the set, 1 or somewhat more
          for one signal
        - ``purity``, ``mean_abs_corr``: smallest and mean absolute correlation between features
          of the set; 1 for a set of one

        Dims (feature):

        - ``pip``: posterior inclusion probability
        - ``credible_set``: the number of the feature's set, 0 if it is in none
        - ``place``: its place in the set by PIP, 1 is the highest; 0 if it is in none
        - ``reason``: why no set was found for the feature, or around it; else empty

        Dims (set, feature): ``members`` (bool).

        ``sets[["credible_set", "place", "pip"]].to_dataframe()`` is a table of the members.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or an argument has the wrong type.
    ValueError
        If there are no draws of indicators, there is no `X`, or it does not fit the features or
        has missing values, `trait` is not a label, or an argument is out of range.

    Warns
    -----
    UserWarning
        If there are at least 100 features and the posterior mean of the number of included ones
        is more than a fifth of them: any group of a few features then holds an included one by
        chance. The warning comes before the search.

    Notes
    -----
    *Leads of high PIP.* (1) Of the features that are in no set, begin a set S with the one of the
    highest PIP, if that is at least `threshold`. (2) Of the features in no set whose absolute
    correlation with every feature of S is at least `min_abs_corr`, add the one that most takes the
    place of the set, that with the largest gain

    .. math:: P(\delta_k = 1 \mid \textstyle\sum_{j \in S} \delta_j = 0, y)
              - P(\delta_k = 1 \mid \textstyle\sum_{j \in S} \delta_j > 0, y)

    if it is positive, until `coverage` is reached. A second signal, which is included as often
    with the set as without it, is not added. If the coverage cannot be reached, the feature of step
    1 gets a reason instead of a set. (3) Remove features that are not needed for the coverage after
    all. Sets do not overlap.

    *Spread signals.* Many nearly equal features may share a signal that is in every draw, so
    that none has a high PIP. For each feature c in no set with a PIP above 0, N(c) is c and the
    features in no set with :math:`|r_{ck}| \ge` `min_abs_corr`, and

    .. math:: s_c = \sum_{k \in N(c)} PIP_k \ge P(\textstyle\sum_{k \in N(c)} \delta_k > 0 \mid y)

    bounds the probability that any of N(c) is included. In decreasing order of s (ties in the
    order of the features): (4) If s_c is at least `coverage`, read the draws of N(c). Let
    :math:`1 - q` be the largest correlation for which the features with
    :math:`|r_{ck}| \ge 1 - q` together have the coverage. Those with
    :math:`|r_{ck}| \ge 1 - 2q` (near copies, if these suffice) are the candidates of steps 2 and 3,
    which begin with the highest PIP among them. If the feature with this PIP has fewer candidates
    when it is the center itself, those are used. If they yield no set, all neighbors of that
    center are the candidates. If there is still no set, c has a reason. (5) If s_c is below
    `coverage`, but at least `threshold`, c has a reason, unless a feature of N(c) has one already.

    *Cost.* Correlations of the m features with a PIP above 0 are computed once, by blocks in single
    precision: n m^2 operations, and no matrix of all pairs in memory. Draws are read only where s_c
    is at least `coverage`. A region is tried from at most three centers. After 100 leads in a row
    without a set, in either part, no further ones are tried; ``reason`` says so. A set is chosen
    from the 5000 candidates with the highest PIP, in step 4 from the 5000 nearest.

    The result differs from the credible sets of SuSiE [1]_, each of which is about the posterior
    of one "single effect": a set there holds *the* effect variable of that component of a sum,
    under a variational approximation. Here a set is a statement about the joint posterior of all
    indicators; two causal features in one set are possible, and P(any included) counts them once.
    Purity is defined as in susieR; there, sets below `min_abs_corr` are removed, here no set grows
    below it.

    The coverage is a posterior probability, as good as the model and the mixing: correlated
    features must replace each other often within the draws (see `blrzoo.indicator_table`). If the
    prior includes many features, any large group of features holds an included one, whatever y
    is: look for small sets, under sparse priors.

    References
    ----------
    .. [1] Wang, Sarkar, Carbonetto & Stephens (2020). A simple new approach to variable selection
       in regression, with application to genetic fine mapping. J. R. Stat. Soc. B 82:1273-1300.

    Examples
    --------
    Two features with correlation 0.9 alternate; a third has a PIP of 0.3 of its own:

    >>> import arviz as az
    >>> import numpy as np
    >>> import blrzoo as blr
    >>> rng = np.random.default_rng(1)
    >>> first = rng.random(1000) < 0.6
    >>> draws = np.stack([first, ~first, rng.random(1000) < 0.3], axis=-1)[None].astype(int)
    >>> idata = az.from_dict(
    ...     {"posterior": {"delta": draws}},
    ...     dims={"delta": ["feature"]},
    ...     coords={"feature": ["a", "b", "c"]},
    ... )
    >>> X = rng.multivariate_normal(np.zeros(3), [[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]], size=500)
    >>> sets = blr.credible_sets(idata, X)
    >>> sets[["lead", "size", "coverage", "purity"]].to_dataframe().round(1)
        lead  size  coverage  purity
    set
    1      a     2       1.0     0.9
    >>> sets["credible_set"].values
    array([1, 1, 0])
    >>> print(sets["reason"].sel(feature="c").item())
    coverage not reached: 0.29 within |r| >= 0.5
    """
    coverage = Number(above=0, below=1, default=0.95).check("coverage", coverage)
    min_abs_corr = Number(least=0, most=1, default=0.5).check("min_abs_corr", min_abs_corr)
    threshold = Number(least=0, most=1, default=0.1).check("threshold", threshold)
    draws = indicators(idata)
    if trait is not None:
        draws = _of_trait(draws, trait)
    pips = probability_included(draws, [str(dim) for dim in draws.dims[3:]] or None).values
    _warn_of_many(pips)
    correlations = Correlations(design_of(idata, X))
    search = SetSearch(draws, pips, correlations, coverage, min_abs_corr, threshold, progressbar)
    search.run()
    attrs = {"coverage": coverage, "min_abs_corr": min_abs_corr, "threshold": threshold}
    mixing = mixing_in(draws, count_included(draws))
    result = _result(search, mixing).assign_attrs(attrs)
    return result if trait is None else result.assign_coords(trait=trait)


# ---- what goes in ----


def _of_trait(draws: xr.DataArray, trait: Hashable | None) -> xr.DataArray:
    if "trait" not in draws.dims:
        remedy = f"{draws.name!r} has the dims {draws.dims}."
        LeftOut("where the indicators have no traits", advice=remedy).check("trait", trait)
    labels = draws.get_index("trait")
    if trait not in labels:
        raise ValueError(f"trait must be one of {list(labels)}, got {trait!r}.")
    return draws.isel(trait=labels.get_loc(trait), drop=True)


def _warn_of_many(pips: np.ndarray) -> None:
    """Warn that sets mean little in a fit that includes many features."""
    size = pips.sum()
    if pips.size >= _LARGE and size > _MANY * pips.size:
        warnings.warn(
            f"On average {size:.0f} of {pips.size} features are included: any group of a few holds "
            "an included one by chance, so credible sets say little, or cannot be found. Fit "
            "with a sparser prior, for instance expected_size=10.",
            UserWarning,
            stacklevel=3,
        )


# ---- what comes out ----


def _result(search: SetSearch, mixing: Mixing) -> xr.Dataset:
    members = [np.sort(found) for found in search.members]  # ties go in the order of the data
    ordered = [found[np.argsort(-search.pips[found], kind="stable")] for found in members]
    numbers = np.arange(1, len(ordered) + 1)
    place = np.zeros_like(search.set_index)
    for found in ordered:
        place[found] = np.arange(1, found.size + 1)
    result = _set_table(search, ordered, mixing).assign(
        members=(("set", "feature"), search.set_index == numbers[:, None]),
        pip=("feature", search.pips),
        credible_set=("feature", search.set_index),
        place=("feature", place),
        reason=("feature", _reasons(search, [found[0] for found in ordered])),
    )
    for name, long_name in _LONG_NAMES.items():
        result[name].attrs = {"long_name": long_name}
    return result.assign_coords(set=numbers, feature=search.draws["feature"])


def _reasons(search: SetSearch, leads: list[int]) -> np.ndarray:
    """Return the reasons by feature, with the nearest set if one is near."""
    texts = [""] * search.pips.size
    failed = np.array(list(search.reasons), dtype=int)
    near = search.correlations.between(failed, np.array(leads, dtype=int))
    for feature, r in zip(failed, near, strict=True):
        texts[feature] = search.reasons[feature]
        if r.size and r.max() >= search.min_abs_corr:
            texts[feature] += f"; |r| = {r.max():.2f} with the lead of set {r.argmax() + 1}"
    return np.array(texts, dtype=str)


def _set_table(search: SetSearch, ordered: list[np.ndarray], mixing: Mixing) -> xr.Dataset:
    shape = tuple(search.draws.sizes[dim] for dim in SAMPLE_DIMS)
    covered = np.reshape(np.array(search.covered, dtype=bool), (len(ordered), *shape))
    table = block_table(
        xr.DataArray(covered, dims=("set", *SAMPLE_DIMS)).transpose(*SAMPLE_DIMS, "set"),
        mixing,
    )
    leads = np.array([found[0] for found in ordered], dtype=int)
    purity = np.array([search.correlations.purity(found) for found in ordered]).reshape(-1, 2)
    return xr.Dataset(
        {
            "lead": ("set", search.draws["feature"].values[leads]),
            "size": ("set", np.array([found.size for found in ordered], dtype=int)),
            "coverage": table["pip"],
            "mcse_coverage": table["mcse_pip"],
            "expected_size": ("set", np.array([search.pips[found].sum() for found in ordered])),
            "purity": ("set", purity[:, 0]),
            "mean_abs_corr": ("set", purity[:, 1]),
        }
    )
