"""Statistics of all observations from those of several parts."""

from collections.abc import Iterable, Iterator, Mapping, ValuesView
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.checks import Instance
from blrzoo.labels import Places, order
from blrzoo.statistics.check import check_statistics
from blrzoo.statistics.layout import CROSS, LABELLED, as_dataset, sides
from blrzoo.statistics.notes import Notes, same

__all__ = ["merge_statistics"]

_ROWS = 512  # of a matrix that are added together


def merge_statistics(parts: Iterable[xr.Dataset]) -> xr.Dataset:
    r"""Merge statistics of parts of the observations into those of all of them.

    For parts a and b with sums of weights :math:`w_a, w_b`, cross-products
    :math:`S = (Z - \bar Z)'O(Z - \bar Z)` of the columns :math:`Z = [X, W, y]`, and
    :math:`d = \bar z_b - \bar z_a` [1]_,

    .. math:: S = S_a + S_b + \frac{w_a w_b}{w_a + w_b} d d', \quad
       \bar z = \bar z_a + \frac{w_b}{w_a + w_b} d,

    and likewise for the sample variances, with numbers of observations in place of the sums of
    weights. This is exact; the order of the parts changes rounding only.

    Parameters
    ----------
    parts : list, tuple or iterator of xarray.Dataset
        Statistics made by `blrzoo.sufficient_statistics` or merged before, each of other
        observations, with the same features, covariates and traits. These are joined by label, in
        the order of the first part. A generator may read the parts one by one from files.

    Returns
    -------
    xarray.Dataset
        Statistics of all observations, with n observations, weights w and O = diag(w):

        - cross-products about the weighted means: ``XX`` X'OX (feature, feature_bis), ``Xy`` X'Oy
          (feature[, trait]), ``yy`` y'Oy, () or (trait, trait_bis), and with covariates ``WW``
          (covariate, covariate_bis), ``XW`` (feature, covariate) and ``Wy`` (covariate[, trait])
        - for X (feature), y ([trait]) and W (covariate): ``*_center``, weighted means, ``*_mean``,
          means without weights, and ``*_variance``, sample variances without weights
        - ``n``, ``weight_sum`` and ``log_weight_sum``, ()

        Other coordinates are those of the parts, and attributes those that all parts share.

    Raises
    ------
    TypeError
        If `parts` is not a list, tuple or iterator of Datasets of `blrzoo.sufficient_statistics`.
    ValueError
        If there is no part; parts differ in features, covariates, traits, format version,
        coordinates other than labels, or the attributes ``units`` and ``coding``; or a part has
        numbers that no data can have.

    See Also
    --------
    blrzoo.sufficient_statistics : the statistics of each part.

    Notes
    -----
    Models of merged statistics have one intercept. For an intercept of each part, give all parts a
    covariate for each of them but the first, which is 1 in that part and 0 in the others.
    Observations that are in two parts count twice.

    References
    ----------
    .. [1] Chan, Golub & LeVeque (1983). Algorithms for computing the sample variance: analysis and
       recommendations. The American Statistician 37:242-247.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.load_diabetes()
    >>> first = blr.sufficient_statistics(data.X[:200], data.y[:200])
    >>> second = blr.sufficient_statistics(data.X[200:], data.y[200:])
    >>> both = blr.merge_statistics([first, second])
    >>> whole = blr.sufficient_statistics(data.X, data.y)
    >>> int(both.n), bool(np.allclose(both.XX, whole.XX, rtol=1e-12))
    (442, True)
    """
    _check_listed(parts)
    merged: _Sum | None = None
    for k, part in enumerate(parts):
        name = f"parts[{k}]"
        check_statistics(part, name)
        if merged is None:
            merged = _Sum(part)
        else:
            merged.add(part, name)
    if merged is None:
        raise ValueError(
            "parts must have at least one Dataset of blrzoo.sufficient_statistics; got none. Pass "
            "a list of them."
        )
    return merged.dataset()


class _Sum:
    """Sum of the parts so far, with the labels and notes of the first one."""

    def __init__(self, first: xr.Dataset) -> None:
        self.values = {
            str(name): np.array(one.values, dtype=np.int64 if name == "n" else np.float64)
            for name, one in first.items()
        }
        self.coords = first.coords.to_dataset()
        self.notes = Notes.of(first)
        self.attributes = {name: dict(one.attrs) for name, one in first.items()}
        self.shared = dict(first.attrs)

    def add(self, part: xr.Dataset, name: str) -> None:
        """Add a part, joined by label."""
        ordered = _reorder(part, self.coords, name)
        self.notes.check_same(Notes.of(ordered), name)
        _add(self.values, {str(name): one.values for name, one in ordered.items()})
        self.shared = {k: v for k, v in self.shared.items() if same(v, part.attrs.get(k))}

    def dataset(self) -> xr.Dataset:
        """Statistics of all parts that were added."""
        labels = {dim: self.coords[dim].values for dim in LABELLED if dim in self.coords.dims}
        made = as_dataset(self.values, labels).assign_coords(self.coords.coords)
        for name, attributes in self.attributes.items():
            made[name].attrs.update(attributes)
        return made.assign_attrs(self.shared)


def _check_listed(parts: object) -> None:
    """Refuse what is no list of parts; other iterables would give letters, keys or rows."""
    remedy = "[statistics]" if isinstance(parts, xr.Dataset) else "[first, second]"
    remedy = "list(parts.values())" if isinstance(parts, dict) else remedy
    what = "a list of Datasets of blrzoo.sufficient_statistics"
    lists = (list, tuple, ValuesView, Iterator)
    Instance(lists, what, advice=f"Pass {remedy}.").check("parts", parts)


def _reorder(part: xr.Dataset, coords: xr.Dataset, name: str) -> xr.Dataset:
    """Bring features, covariates and traits into the order of the first part."""
    found: dict[str, Places] = {}
    for dim in LABELLED:
        wanted, labels = _labels(coords, dim), _labels(part, dim)
        if labels.equals(wanted):
            continue
        remedy = (
            f"Choose the common ones in all parts, part.sel({dim}=common, {dim}_bis=common), or "
            "make the statistics again, of the same columns."
        )
        places = order(name, labels, wanted, f"{dim}s of parts[0]", remedy=remedy)
        found |= dict.fromkeys((dim, f"{dim}_bis"), places)
    return part.isel(found)


def _labels(part: xr.Dataset, dim: str) -> pd.Index:
    """Labels of a dim; empty without the dim."""
    return part.indexes[dim] if dim in part.dims else pd.Index([])


def _add(total: dict[str, np.ndarray], part: Mapping[str, np.ndarray]) -> None:
    """Add a part in place."""
    there = sides("WW" in total)
    weight, more = total["weight_sum"].item(), part["weight_sum"].item()
    n, m = total["n"].item(), part["n"].item()
    shift = {side: part[f"{side}_center"] - total[f"{side}_center"] for side in there}
    root = np.sqrt(weight) * np.sqrt(more / (weight + more))
    for product in CROSS:
        if product in total:
            left, right = (root * shift[side] for side in product)
            _add_products(total[product], part[product], left, right)
    for side in there:
        total[f"{side}_center"] += shift[side] * (more / (weight + more))
        _add_moments(total, part, side, n, m)
    for name in ("n", "weight_sum", "log_weight_sum"):
        total[name] += part[name]


def _add_products(total: np.ndarray, part: np.ndarray, left: Any, right: Any) -> None:
    """S += S_b + left right', in place, by blocks of rows."""
    if total.ndim < 2:
        total += part + left * right
        return
    for start in range(0, len(total), _ROWS):
        rows = slice(start, start + _ROWS)
        total[rows] += part[rows] + np.multiply.outer(left[rows], right)


def _add_moments(
    total: dict[str, np.ndarray], part: Mapping[str, np.ndarray], side: str, n: int, m: int
) -> None:
    """Add means and variances without weights, in place."""
    mean, variance = total[f"{side}_mean"], total[f"{side}_variance"]
    shift = part[f"{side}_mean"] - mean
    squares = (n - 1) * variance + (m - 1) * part[f"{side}_variance"]
    variance[...] = (squares + shift**2 * (n * (m / (n + m)))) / (n + m - 1)
    mean += shift * (m / (n + m))
