"""Patterns of indicators over several traits: which of them each feature affects."""

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from blrzoo.checks import Integer
from blrzoo.posterior.kept import refuse_kept
from blrzoo.posterior.reader import (
    SAMPLE_DIMS,
    draws_of,
    included_blocks,
    posterior,
)
from blrzoo.summaries.table import check_interval, summary_table

__all__ = ["pleiotropy_table"]

_OTHER = "other"
_BITS = 62  # fit into an int64


def pleiotropy_table(
    idata: xr.DataTree,
    *,
    most: int = 64,
    ci_prob: float = 0.95,
    ci_kind: Literal["eti", "hdi"] = "eti",
) -> xr.Dataset:
    """Count the features that affect each pattern of traits, and find the pattern of each feature.

    The pattern of a feature in a draw says which traits it affects: ``"110"`` affects the first
    two of three. Patterns cannot be computed from the PIPs: indicators of different traits are not
    independent.

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``delta`` (chain, draw, feature, trait) in its posterior.
    most : int, default 64
        Number of patterns to tell apart, those with the most features. The others are counted
        together, as the pattern "other".
    ci_prob : float, default 0.95
        Probability of the credible interval, in (0, 1), whatever the ``rcParams`` of ArviZ say.
    ci_kind : {"eti", "hdi"}, default "eti"
        Equal-tailed, or highest density (the narrowest) interval.

    Returns
    -------
    xarray.Dataset
        Only patterns that occur in some draw, those with the most features first:

        - ``mean``, ``sd``, ``lower``, ``upper``, ``mcse_mean`` (pattern): posterior mean, standard
          deviation, credible interval and Monte Carlo standard error of the mean, of the number of
          features with the pattern; the means sum to the number of features
        - ``share`` (pattern): mean share of features
        - ``traits`` (pattern): names of the traits affected, "none" if there are none
        - ``probability`` (feature, pattern): posterior probability that the feature has the
          pattern; it sums to 1 for each feature
        - ``affected`` (pattern, trait): whether the trait is affected; NaN for "other", else 0/1

        ``.drop_dims(["feature", "trait"]).to_dataframe()`` makes a table of the patterns,
        ``["probability"].to_pandas()`` of the features.

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or `most` or `ci_prob` is not a number.
    ValueError
        If there are no draws of indicators by trait, there are more than 62 traits, or an argument
        is out of range.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> import blrzoo as blr
    >>> delta = np.zeros((1, 4, 3, 2), int)  # one chain of four draws, three features, two traits
    >>> delta[:, :, 0] = 1  # the first affects both traits
    >>> delta[:, :3, 1, 0] = 1  # the second the first trait, in three draws of four
    >>> idata = az.from_dict(
    ...     {"posterior": {"delta": delta}},
    ...     dims={"delta": ["feature", "trait"]},
    ...     coords={"feature": ["a", "b", "c"], "trait": ["height", "weight"]},
    ... )
    >>> result = blr.pleiotropy_table(idata)
    >>> result[["traits", "mean", "share"]].to_dataframe().round(2)
                    traits  mean  share
    pattern
    00                none  1.25   0.42
    11       height+weight  1.00   0.33
    10              height  0.75   0.25
    >>> result["probability"].to_pandas()
    pattern    00   11    10
    feature
    a        0.00  1.0  0.00
    b        0.25  0.0  0.75
    c        1.00  0.0  0.00
    """
    ci_prob = check_interval(ci_prob, ci_kind)
    most = Integer(1, default=64).check("most", most)
    delta = _delta(idata)
    codes = _most_frequent(idata, most)
    counts, probability = _tally(idata, codes)
    names = [_name(code, delta.sizes["trait"]) for code in codes] + [_OTHER]
    draws = xr.DataArray(
        counts.reshape(*delta.shape[:2], len(names)),
        {"pattern": names},
        (*SAMPLE_DIMS, "pattern"),
    )
    table = summary_table(draws, ci_prob=ci_prob, ci_kind=ci_kind)
    table["share"] = table["mean"] / delta.sizes["feature"]
    table["probability"] = (("feature", "pattern"), probability / counts.shape[0])
    for name in ("feature", "trait"):
        if name in delta.coords:
            table[name] = delta[name]
    _describe(table, names, delta)
    return table if counts[:, -1].any() else table.isel(pattern=slice(-1))


def _describe(table: xr.Dataset, names: list[str], delta: xr.DataArray) -> None:
    """Add the traits that the patterns affect."""
    on = np.array([list(name) for name in names[:-1]]) == "1"
    labels = delta.get_index("trait").astype(str).to_numpy()
    traits = ["+".join(labels[row]) or "none" for row in on] + [_OTHER]
    affected = np.vstack([on.astype(float), np.full(len(labels), np.nan)])
    table["traits"] = ("pattern", traits, {"long_name": "traits affected"})
    table["affected"] = (("pattern", "trait"), affected, {"long_name": "is the trait affected"})
    table["share"].attrs = {"long_name": "mean share of features"}
    table["probability"].attrs = {"long_name": "posterior probability of the pattern"}


def _delta(idata: xr.DataTree) -> xr.DataArray:
    refuse_kept(idata, "delta")
    if "delta" not in posterior(idata) or "trait" not in posterior(idata)["delta"].dims:
        raise ValueError(
            "idata.posterior must have indicators for each trait, 'delta' (chain, draw, feature, "
            f"trait); it has {list(posterior(idata).data_vars)}. Fit several traits with a model "
            "that selects features, and keep delta (var_names=...)."
        )
    delta = draws_of(idata, "delta")
    if delta.sizes["trait"] > _BITS:
        raise ValueError(
            f"idata.posterior must have at most {_BITS} traits in 'delta', got "
            f"{delta.sizes['trait']}. Choose some: idata.sel(trait=[...])."
        )
    return delta


def _codes(idata: xr.DataTree) -> Iterator[NDArray[np.int64]]:
    """Yield patterns as numbers (sample, feature), by blocks; the first bit is trait 1."""
    for block in included_blocks(idata):
        bits = block.transpose(*SAMPLE_DIMS, "feature", "trait").values
        code = np.zeros(bits.shape[:-1], np.int64)
        for trait in range(bits.shape[-1]):
            code = 2 * code + bits[..., trait]
        yield code.reshape(-1, code.shape[-1])


def _most_frequent(idata: xr.DataTree, most: int) -> NDArray[np.int64]:
    """Return the codes of the most frequent patterns, in this order; of equals the smaller."""
    totals = pd.Series(dtype=np.int64)
    for codes in _codes(idata):
        totals = totals.add(pd.Series(codes.ravel()).value_counts(), fill_value=0)
    frequent = totals.sort_index().sort_values(ascending=False, kind="stable")
    return frequent.index[:most].to_numpy(np.int64)


def _tally(
    idata: xr.DataTree, codes: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count features per pattern and draw, and draws per feature and pattern; others last."""
    order = np.argsort(codes)
    by_sample: Any = 0
    by_feature = []
    width = codes.size + 1
    for block in _codes(idata):
        found = np.searchsorted(codes[order], block).clip(max=codes.size - 1)
        place = np.where(codes[order][found] == block, order[found], codes.size)
        samples, features = place.shape
        by_sample = by_sample + _count(place + width * np.arange(samples)[:, None], samples, width)
        by_feature.append(_count(place + width * np.arange(features), features, width))
    return by_sample, np.concatenate(by_feature)


def _count(cells: NDArray[np.int64], rows: int, width: int) -> NDArray[np.int64]:
    return np.bincount(cells.ravel(), minlength=rows * width).reshape(rows, width)


def _name(code: int, n_traits: int) -> str:
    return format(int(code), f"0{n_traits}b")
