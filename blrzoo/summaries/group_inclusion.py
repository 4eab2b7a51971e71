"""Posterior inclusion probabilities of sets of features: groups, genes, windows."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike
from scipy import sparse

from blrzoo.posterior import reader
from blrzoo.posterior.fit_variance import as_slice
from blrzoo.posterior.reader import SAMPLE_DIMS, included_in, indicators
from blrzoo.summaries._feature_sets import FeatureSets, model_groups, read_groups, windows
from blrzoo.summaries.inclusion import block_table, collapse
from blrzoo.summaries.mixing import Mixing, effective_draws, mixing_of

__all__ = ["group_pip", "window_pip"]

_LONG_NAMES = {
    "pip": "probability that any feature of the set is included",
    "mcse_pip": "Monte Carlo standard error of the probability",
    "error_bound": "bound on the Monte Carlo error of the probability (95 %)",
    "pip_spread": "range of the probability across chains",
    "changes": "number of times that the event changed, over all chains",
    "expected_size": "expected number of included features",
    "mcse_expected_size": "Monte Carlo standard error of the expected number",
    "n_features": "number of features",
}


def group_pip(
    idata: xr.DataTree,
    groups: ArrayLike | Mapping[Any, Iterable[Hashable]] | None = None,
    *,
    any: str | Sequence[str] | None = None,
) -> xr.Dataset:
    r"""Compute the probability that at least one feature of a group is included.

    .. math:: P(\textstyle\sum_{j \in G} \delta_j > 0 \mid y)

    It is the share of the draws in which the group has an included feature. If correlated features
    replace each other from draw to draw, each has a low PIP and their group a high one.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators.
    groups : optional
        - Labels (feature): one group per feature. A Series or DataArray is joined to the features
          by label, anything else by position. A feature whose label is missing (None, NaN) is in
          no group.
        - Sets that may overlap: a mapping of each group's name to the labels of its features, or
          a table of 0/1 (feature, group), a DataFrame, DataArray or array.

        Default: the groups of the model, ``group_index`` in the constant data.
    any : str or sequence of str, optional
        Dims of the indicators, such as ``"trait"``: a feature counts if it is included for at
        least one of the traits. Default: one result per trait.

    Returns
    -------
    xarray.Dataset
        Dims (group[, trait]):

        - ``pip``: probability that any feature of the group is included
        - ``mcse_pip``: its Monte Carlo standard error
        - ``error_bound``: a bound that its Monte Carlo error exceeds with a probability of about
          5 %, see `blrzoo.indicator_table`
        - ``pip_spread``: its range across chains; NaN for a single chain
        - ``changes``: how often it changes from one draw to the next whether the group has an
          included feature, over all chains
        - ``expected_size``: posterior mean of the number of included features (the sum of their
          PIPs); ``mcse_expected_size``: its Monte Carlo standard error, NaN for a number that
          never changes
        - ``n_features``, (group): how many features the group has

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or a group of a mapping is not a list of labels.
    ValueError
        If there are no draws of indicators, `groups` do not fit the features, a group is empty,
        or `any` is not a dim of the indicators.

    See Also
    --------
    window_pip : Groups of neighboring features.

    Notes
    -----
    The prior probability grows with the size of the group, :math:`1 - (1 - \pi)^{|G|}` for a
    fixed :math:`\pi`: compare large groups with it before calling them important.

    Draws are read by blocks of groups and features. The Monte Carlo errors take most of the time,
    about a millisecond per group.

    Examples
    --------
    >>> import arviz as az
    >>> import numpy as np
    >>> import blrzoo as blr
    >>> draws = np.array([[[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 1]]])  # a and b alternate
    >>> idata = az.from_dict(
    ...     {"posterior": {"delta": draws}},
    ...     dims={"delta": ["feature"]},
    ...     coords={"feature": ["a", "b", "c"]},
    ... )
    >>> table = blr.group_pip(idata, {"gene1": ["a", "b"], "gene2": ["b", "c"]})
    >>> table[["pip", "expected_size", "n_features"]].to_dataframe()
           pip  expected_size  n_features
    group
    gene1  1.0           1.00           2
    gene2  0.5           0.75           2
    """
    draws = indicators(idata)  # missing ones are reported before wrong groups
    sets = model_groups(idata) if groups is None else read_groups(idata, groups)
    return _table(draws, mixing_of(idata), sets, "group", any)


def window_pip(
    idata: xr.DataTree,
    positions: ArrayLike | None,
    width: float,
    *,
    step: float | None = None,
    chromosome: ArrayLike | None = None,
    any: str | Sequence[str] | None = None,
) -> xr.Dataset:
    r"""Compute the probability that at least one feature of a window is included.

    .. math:: P(\textstyle\sum_{j \in W} \delta_j > 0 \mid y)

    Windows W of equal width slide along the positions of the features, from the smallest position
    of each chromosome to the first window that holds its largest. Windows without a feature are
    left out.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a model with indicators.
    positions : array-like (feature,) or None
        Position of each feature, for instance in base pairs; in any order. A Series or DataArray
        is joined to the features by label. None: 0, 1, 2, ... in the order of the features, on
        each chromosome; the width is then a number of features.
    width : float
        Width of the windows, in the unit of `positions`: a window holds the positions with
        ``start <= position < start + width``.
    step : float, optional
        Distance from one start to the next, at most `width`. Default: `width`, windows side by
        side. With half of it, features closer than half a width share some window.
    chromosome : array-like (feature,), optional
        Label of the chromosome of each feature; no window spans two. Joined as `positions`.
    any : str or sequence of str, optional
        Dims of the indicators, such as ``"trait"``: a feature counts if it is included for at
        least one of the traits. Default: one result per trait.

    Returns
    -------
    xarray.Dataset
        Dims (window[, trait]), with the coordinates ``start`` and ``end`` (excluded), and
        ``chromosome`` if it was given, dims (window):

        - ``pip``: probability that any feature of the window is included
        - ``mcse_pip``, ``error_bound``: its Monte Carlo standard error, and a bound that its Monte
          Carlo error exceeds with a probability of about 5 %
        - ``pip_spread``, ``changes``: its range across chains, and how often it changes from one
          draw to the next whether the window has an included feature
        - ``expected_size``, ``mcse_expected_size``: posterior mean of the number of included
          features, and its Monte Carlo standard error
        - ``n_features``, (window): how many features the window has

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or positions, width or step are not numbers.
    ValueError
        If there are no draws of indicators, or an argument is out of range or does not fit the
        features.

    Examples
    --------
    >>> import arviz as az
    >>> import numpy as np
    >>> import blrzoo as blr
    >>> draws = np.array([[[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 1]]])
    >>> idata = az.from_dict({"posterior": {"delta": draws}}, dims={"delta": ["feature"]})
    >>> windows = blr.window_pip(idata, positions=[100, 180, 900], width=100)
    >>> windows[["pip", "n_features"]].to_dataframe()[["start", "end", "pip", "n_features"]]
            start  end   pip  n_features
    window
    0         100  200  1.00           2
    1         900 1000  0.25           1
    """
    draws = indicators(idata)
    sets = windows(idata, positions, width, step, chromosome)
    return _table(draws, mixing_of(idata), sets, "window", any)


# ---- draws of sets ----


def _table(
    draws: xr.DataArray,
    mixing: Mixing,
    sets: FeatureSets,
    dim: str,
    collapsed: str | Sequence[str] | None,
) -> xr.Dataset:
    parts = [
        _statistics(number, mixing) for number in _numbers(draws, sets.members, dim, collapsed)
    ]
    table = _join(parts, dim)
    table["n_features"] = (dim, np.diff(sets.members.indptr))
    for name, long_name in _LONG_NAMES.items():
        table[name].attrs = {"long_name": long_name}
    coords = {dim: sets.labels} | sets.coords
    return table.assign_coords({name: (dim, values) for name, values in coords.items()})


def _join(parts: list[xr.Dataset], dim: str) -> xr.Dataset:
    options: Any = {"data_vars": "minimal", "coords": "minimal", "compat": "override"}
    return xr.concat(parts, dim, join="override", combine_attrs="override", **options)


def _numbers(
    draws: xr.DataArray,
    members: sparse.csr_array,
    dim: str,
    collapsed: str | Sequence[str] | None,
) -> Iterator[xr.DataArray]:
    """Count the included features of each set (chain, draw, set[, trait]), by blocks of sets."""
    width = max(1, reader._BLOCK_BYTES // (8 * max(1, draws.isel(feature=0).size)))
    for start in range(0, members.shape[0], width):
        block = members[start : start + width]
        used = np.unique(block.indices)
        part = draws.isel(feature=as_slice(used))
        blocks = (collapse(included, collapsed) for included in included_in(part))
        yield _count(blocks, block[:, used], dim)


def _count(blocks: Iterator[xr.DataArray], members: sparse.csr_array, dim: str) -> xr.DataArray:
    total, done = 0, 0
    for included in blocks:
        z = np.moveaxis(included.values, 2, 0)
        columns = members[:, done : done + len(z)]
        total = total + columns @ z.reshape(len(z), -1).astype(np.int32)
        done += len(z)
    others = included.isel(feature=0, drop=True)
    values = np.moveaxis(np.reshape(total, (members.shape[0], *others.shape)), 0, 2)
    dims = (*SAMPLE_DIMS, dim, *others.dims[2:])
    coords = {name: c for name, c in others.coords.items() if set(c.dims) <= set(dims)}
    return xr.DataArray(values, dims=dims, coords=coords)


def _statistics(number: xr.DataArray, mixing: Mixing) -> xr.Dataset:
    counts = np.moveaxis(number.values, (0, 1), (-2, -1))
    sd = counts.std(axis=(-2, -1))
    error = sd / np.sqrt(effective_draws(counts, mixing))
    table = block_table(number > 0, mixing)
    table["expected_size"] = table["pip"].copy(data=counts.mean(axis=(-2, -1)))
    table["mcse_expected_size"] = table["pip"].copy(data=np.where(sd > 0, error, np.nan))
    return table
