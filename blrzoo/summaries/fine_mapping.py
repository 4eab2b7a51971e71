"""Fine mapping: credible sets of features, from the joint draws of the indicators."""

import numbers
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from blrzoo.summaries._correlations import Correlations
from blrzoo.summaries._inputs import design_of
from blrzoo.summaries._mixing import Mixing, mixing_of
from blrzoo.summaries._posterior import (
    SAMPLE_DIMS,
    draws_of,
    included_blocks,
    indicator_name,
    no_indicators,
)
from blrzoo.summaries.inclusion import block_table, collapse, pip

__all__ = ["credible_sets"]

Array = NDArray[Any]

_LONG_NAMES = {
    "lead": "feature of the highest PIP in the set",
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
    "reason": "why a feature of high PIP is in no set",
}


@dataclass(eq=False)
class _Search:
    """The state of the search for sets: what is known of the features, and the sets so far."""

    draws: xr.DataArray
    pips: Array
    correlations: Correlations
    coverage: float
    min_abs_corr: float
    set_index: Array
    members: list[Array] = field(default_factory=list)
    covered: list[Array] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)


def credible_sets(
    idata: xr.DataTree,
    X: Any = None,
    *,
    coverage: float = 0.95,
    min_abs_corr: float = 0.5,
    threshold: float = 0.1,
    trait: Any = None,
) -> xr.Dataset:
    r"""Find small sets of correlated features, each with a causal one of high probability.

    A set S is as small as a greedy search finds it with

    .. math:: P(\textstyle\sum_{j \in S} \delta_j > 0 \mid y) \ge coverage,

    the share of the draws in which at least one of its features is included. "Causal" is short
    for "included in the model".

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators.
    X : array-like, (obs, feature), optional
        Features, for their correlations. The columns of a DataFrame, or a DataArray with the
        coordinate ``feature``, are joined by label, anything else goes by position. Default:
        ``X`` of the constant data. It may be of other individuals, a reference panel.
    coverage : float, default 0.95
        Smallest probability that a set holds a causal feature, between 0 and 1.
    min_abs_corr : float, default 0.5
        Smallest absolute correlation between any two features of a set, 0 to 1.
    threshold : float, default 0.1
        Every feature whose PIP is at least this is in a set, or ``reason`` says why not.
    trait : optional
        Label of the trait whose sets are wanted. Default, with several traits: a feature is
        included in a draw if it is for at least one of them.

    Returns
    -------
    xarray.Dataset
        Dims (set), 1, 2, ... in the order in which they were found; there may be none:

        - ``lead``: the feature of the set with the highest PIP
        - ``size``: number of features
        - ``coverage``, ``mcse_coverage``: the probability that was reached, and its Monte Carlo
          standard error
        - ``expected_size``: expected number of included features in the set, 1 or somewhat more
          for one signal
        - ``purity``, ``mean_abs_corr``: smallest and mean absolute correlation between features
          of the set; 1 for a set of one

        Dims (feature):

        - ``pip``
        - ``credible_set``: the number of the feature's set, 0 if it is in none
        - ``place``: its place in the set by PIP, 1 is the highest; 0 if it is in none
        - ``reason``: why a feature of high PIP is in no set, else empty

        Dims (set, feature): ``members`` (bool).

        ``sets[["credible_set", "place", "pip"]].to_dataframe()`` is a table of the members.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or an argument has the wrong type.
    ValueError
        If there are no indicators, if there is no `X` or it does not fit the features or has
        missing values, or if an argument is out of range.

    Notes
    -----
    The search: (1) Of the features that are in no set, take the one of highest PIP, if that is at
    least `threshold`, as the first of a set. (2) Of the features in no set whose correlation with
    all of the set is at least `min_abs_corr`, add the one that most takes the place of the set:
    whose share of the draws without any of the set exceeds its share of the draws with it the
    most, until `coverage` is reached. A second signal, which is in as often with the set as
    without it, is not drawn in. If the coverage cannot be reached, the feature of step 1 gets no
    set, and a reason. (3) Drop what is not needed for the coverage after all. Sets do not overlap.
    Correlations are computed for one feature of a set at a time, and draws are taken of its
    candidates only.

    The result differs from the credible sets of SuSiE [1]_, which are of the posterior of one
    "single effect" each: a set there holds *the* effect variable of that component of a sum, under
    a variational approximation. Here a set is a statement on the joint posterior, on the draws
    of all indicators; two causal features in one set are possible, and P(any included) counts
    them once. Purity is susieR's; there, sets below `min_abs_corr` are removed, here no set grows
    below it.

    The coverage is a posterior probability, as good as the model and the mixing: correlated
    features must take each other's place often within the draws (see
    `blrzoo.indicator_diagnostics`). Where the prior includes many features, any large group of
    features holds an included one, whatever y is: look for small sets, under sparse priors.

    References
    ----------
    .. [1] Wang, Sarkar, Carbonetto & Stephens (2020). A simple new approach to variable selection
       in regression, with application to genetic fine mapping. J. R. Stat. Soc. B 82:1273-1300.

    Examples
    --------
    Two features of correlation 0.9 alternate; a third has a PIP of 0.3 of its own:

    >>> import arviz as az
    >>> import numpy as np
    >>> from blrzoo.summaries.fine_mapping import credible_sets
    >>> rng = np.random.default_rng(1)
    >>> first = rng.random(1000) < 0.6
    >>> draws = np.stack([first, ~first, rng.random(1000) < 0.3], axis=-1)[None].astype(int)
    >>> idata = az.from_dict(
    ...     {"posterior": {"delta": draws}},
    ...     dims={"delta": ["feature"]},
    ...     coords={"feature": ["a", "b", "c"]},
    ... )
    >>> X = rng.multivariate_normal(np.zeros(3), [[1, 0.9, 0], [0.9, 1, 0], [0, 0, 1]], size=500)
    >>> sets = credible_sets(idata, X)
    >>> sets[["lead", "size", "coverage", "purity"]].to_dataframe().round(1)
        lead  size  coverage  purity
    set
    1      a     2       1.0     0.9
    >>> sets["credible_set"].values
    array([1, 1, 0])
    >>> print(sets["reason"].sel(feature="c").item())
    coverage not reached: 0.29 within |r| >= 0.5
    """
    _check_share("coverage", coverage, open_above=True)
    _check_share("min_abs_corr", min_abs_corr)
    _check_share("threshold", threshold)
    tree = _indicators(idata, trait)
    search = _start(tree, Correlations(design_of(idata, X)), coverage, min_abs_corr)
    for lead in np.argsort(-search.pips, kind="stable"):
        if search.pips[lead] < threshold or search.pips[lead] == 0:
            break
        if not search.set_index[lead]:
            _try_lead(search, int(lead))
    attrs = {"coverage": coverage, "min_abs_corr": min_abs_corr, "threshold": threshold}
    result = _result(search, mixing_of(tree)).assign_attrs(attrs)
    return result if trait is None else result.assign_coords(trait=trait)


# ---- what goes in ----


def _check_share(name: str, value: Any, open_above: bool = False) -> None:
    if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
    share = float(value)
    inside = 0 < share < 1 if open_above else 0 <= share <= 1
    if not inside:
        rule = "between 0 and 1, both excluded" if open_above else "from 0 to 1"
        raise ValueError(f"{name} must be {rule}, got {value}. Pass a share such as 0.5.")


def _indicators(idata: xr.DataTree, trait: Any) -> xr.DataTree:
    """Take the indicators alone, of one trait if it is given."""
    name = indicator_name(idata)
    if name is None:
        raise no_indicators(idata)
    draws = draws_of(idata, name)
    if trait is not None:
        draws = _of_trait(draws, trait)
    return xr.DataTree.from_dict({"posterior": draws.to_dataset(name=name)})


def _of_trait(draws: xr.DataArray, trait: Any) -> xr.DataArray:
    if "trait" not in draws.dims:
        raise ValueError(
            f"trait must be left out where the indicators have no traits, got {trait!r}; "
            f"{draws.name!r} has the dims {draws.dims}."
        )
    labels = draws.get_index("trait")
    if trait not in labels:
        raise ValueError(f"trait must be one of {list(labels)}, got {trait!r}.")
    return draws.isel(trait=labels.get_loc(trait), drop=True)


def _start(
    idata: xr.DataTree, correlations: Correlations, coverage: float, min_abs_corr: float
) -> _Search:
    draws = draws_of(idata, str(indicator_name(idata)))
    pips = pip(idata, any=_others(draws)).values
    zeros = np.zeros(pips.size, dtype=int)
    return _Search(draws, pips, correlations, coverage, min_abs_corr, zeros)


def _others(draws: xr.DataArray) -> list[str] | None:
    return [str(dim) for dim in draws.dims[3:]] or None


# ---- the search ----


def _try_lead(search: _Search, lead: int) -> None:
    """Make a set that begins with a feature, or note why there is none."""
    features = np.array([lead])
    if search.pips[lead] < search.coverage:
        features = np.append(features, _candidates(search, lead))
    included = _included(search.draws, features)
    needed = int(np.ceil(search.coverage * len(included) - 1e-9))
    chosen, covered = _grow(search, features, included, needed)
    if covered.sum() < needed:
        search.reasons[lead] = _reason(search, lead, covered.mean())
        return
    chosen = _prune(chosen, included, needed)
    search.members.append(features[chosen])
    search.covered.append(included[:, chosen].any(axis=1))
    search.set_index[features[chosen]] = len(search.members)


def _candidates(search: _Search, lead: int) -> Array:
    """Find the features in no set that correlate with a lead, the highest PIP first."""
    free = (search.set_index == 0) & (search.pips > 0)
    free[lead] = False
    others = np.flatnonzero(free)
    near = others[search.correlations.with_one(lead, others) >= search.min_abs_corr]
    return near[np.argsort(-search.pips[near], kind="stable")]


def _included(draws: xr.DataArray, features: Array) -> Array:
    """Tell which of some features each draw includes: bool (draw of all chains, feature)."""
    chosen = draws.isel(feature=features).to_dataset(name=draws.name)
    blocks = included_blocks(xr.DataTree.from_dict({"posterior": chosen}))
    values = [collapse(block, _others(draws)).values for block in blocks]
    return np.concatenate(values, axis=2).reshape(-1, features.size)


def _grow(
    search: _Search, features: Array, included: Array, needed: int
) -> tuple[list[int], Array]:
    """Add the feature that most takes the place of the set, until the set is in often enough."""
    chosen, covered = [0], included[:, 0].copy()
    open_ = np.arange(features.size) > 0
    while covered.sum() < needed:
        # without the set less with it: 0 for a signal of its own, however high its PIP
        gain = included[~covered].mean(axis=0) - included[covered].mean(axis=0)
        best = int(np.where(open_, gain, 0).argmax())  # of several, that of the highest PIP
        if not (open_[best] and gain[best] > 0):
            break
        chosen.append(best)
        covered |= included[:, best]
        open_[best] = False
        left = np.flatnonzero(open_)
        near = search.correlations.with_one(features[best], features[left])
        open_[left] = near >= search.min_abs_corr
    return chosen, covered


def _prune(chosen: list[int], included: Array, needed: int) -> list[int]:
    """Drop what later features made needless; the first stays."""
    times = included[:, chosen].sum(axis=1)
    kept, total = set(chosen), int((times > 0).sum())
    for place in sorted(chosen[1:], reverse=True):  # from the lowest PIP on
        lost = int((included[:, place] & (times == 1)).sum())
        if total - lost >= needed:
            kept.remove(place)
            times, total = times - included[:, place], total - lost
    return sorted(kept)


def _reason(search: _Search, lead: int, reached: float) -> str:
    reason = f"coverage not reached: {reached:.2f} within |r| >= {search.min_abs_corr:g}"
    leads = np.array([members[0] for members in search.members], dtype=int)
    near = search.correlations.with_one(lead, leads)
    if near.size and near.max() >= search.min_abs_corr:
        reason += f"; |r| = {near.max():.2f} with the lead of set {near.argmax() + 1}"
    return reason


# ---- what comes out ----


def _result(search: _Search, mixing: Mixing) -> xr.Dataset:
    members = [np.sort(found) for found in search.members]  # of one PIP, the order of the data
    ordered = [found[np.argsort(-search.pips[found], kind="stable")] for found in members]
    numbers_ = np.arange(1, len(ordered) + 1)
    labels = search.draws["feature"].values
    place = np.zeros_like(search.set_index)
    for found in ordered:
        place[found] = np.arange(1, found.size + 1)
    reasons = ["" if search.set_index[j] else search.reasons.get(j, "") for j in range(labels.size)]
    result = _set_table(search, ordered, mixing).assign(
        members=(("set", "feature"), search.set_index == numbers_[:, None]),
        pip=("feature", search.pips),
        credible_set=("feature", search.set_index),
        place=("feature", place),
        reason=("feature", np.array(reasons, dtype=str)),
    )
    for name, long_name in _LONG_NAMES.items():
        result[name].attrs = {"long_name": long_name}
    return result.assign_coords(set=numbers_, feature=search.draws["feature"])


def _set_table(search: _Search, ordered: list[Array], mixing: Mixing) -> xr.Dataset:
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
