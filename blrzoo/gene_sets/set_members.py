"""Which genes are members of which sets, as a design matrix."""

import logging
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from blrzoo.checks import Instance, Integer, NoneOr
from blrzoo.labels import check_unique, labels_of

__all__ = ["membership"]

_log = logging.getLogger(__name__)


def membership(
    sets: Mapping[Any, Iterable[Hashable]],
    genes: ArrayLike,
    *,
    min_size: int = 5,
    max_size: int | None = None,
) -> xr.DataArray:
    """Make the design matrix of a gene-set analysis: 1 where a gene is a member of a set.

    Parameters
    ----------
    sets : mapping of set to list of genes
        Sets may overlap. Members that are not in `genes` are ignored, as not measured.
    genes : array-like, (gene,)
        All genes that were measured, each once: their labels, or a Series or DataArray whose
        labels they are, such as the response of `gene_set_model`.
    min_size, max_size : int, default 5 and None
        Smallest and largest number of measured genes. Other sets are left out, and so are sets
        that hold all genes, as there are none to compare them with; a log message names them.
        Very small sets say more about their genes than about the set, and very large ones say
        little about biology. None: no limit.

    Returns
    -------
    xarray.DataArray (gene, set)
        0 and 1 (int8), in the order of `genes` and of `sets`.

    Raises
    ------
    TypeError
        If `sets` is not a mapping of lists, or a size is not an int.
    ValueError
        If genes are repeated, `min_size` is below 1, `max_size` is below `min_size`, or no set
        remains.

    Notes
    -----
    Sets with the same measured genes cannot be told apart. They are kept; the model warns of
    them, and they share their inclusion probability.

    Examples
    --------
    >>> from blrzoo.gene_sets import membership
    >>> sets = {"S1": ["a", "b"], "S2": ["b", "c", "not measured"]}
    >>> membership(sets, ["a", "b", "c", "d"], min_size=2).to_pandas()
    set   S1  S2
    gene
    a      1   0
    b      1   1
    c      0   1
    d      0   0
    """
    labels = _genes(genes)
    min_size = Integer(1, default=5).check("min_size", min_size)
    no_limit = "Leave it out for no limit."
    max_size = NoneOr(Integer(min_size, advice=no_limit)).check("max_size", max_size)
    what = "a mapping of each set to a list of its genes"
    remedy = "Name the sets: dict(enumerate(sets))."
    Instance(Mapping, what, advice=remedy).check("sets", sets)
    columns = {name: _members(name, members, labels) for name, members in sets.items()}
    largest = len(labels) - 1 if max_size is None else min(max_size, len(labels) - 1)
    kept = {k: v for k, v in columns.items() if min_size <= v.sum() <= largest}
    _report(columns, kept, min_size, largest, len(labels))
    values = np.array(list(kept.values()), dtype=np.int8).T
    coords = {"gene": labels, "set": pd.Index(list(kept), name="set", tupleize_cols=False)}
    return xr.DataArray(values, coords, ("gene", "set"), name="member")


def _genes(genes: ArrayLike) -> pd.Index:
    labels = labels_of("genes", genes)
    labels = pd.Index(np.asarray(genes)) if labels is None else labels
    check_unique("genes", labels, "gene")
    return labels.rename("gene")


def _members(name: Hashable, members: object, genes: pd.Index) -> NDArray[np.bool_]:
    if isinstance(members, str) or not np.iterable(members):
        raise TypeError(
            f"sets must map each set to a list of genes, got {members!r} for {name!r}. "
            "Put a single gene into a list."
        )
    return genes.isin(list(members))


def _report(
    columns: dict[Hashable, NDArray[np.bool_]],
    kept: dict[Hashable, NDArray[np.bool_]],
    min_size: int,
    largest: int,
    n_genes: int,
) -> None:
    dropped = [name for name in columns if name not in kept]
    sizes = ", ".join(f"{name!r}: {columns[name].sum()}" for name in dropped[:5])
    rule = f"{min_size} to {largest} of the {n_genes} measured genes"
    if not kept:
        raise ValueError(
            f"sets must have at least one set with {rule}, got {sizes or 'no sets'}. Check that "
            "sets and genes are named alike, or pass a smaller min_size."
        )
    if dropped:
        more = ", ..." if len(dropped) > 5 else ""
        _log.warning("%d set(s) without %s are left out: %s%s", len(dropped), rule, sizes, more)
