"""Which genes are members of which sets, as a design matrix."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from blrzoo.checks import Instance, Integer, NoneOr
from blrzoo.labels import check_unique, labels_of

__all__ = ["membership"]

_log = logging.getLogger(__name__)


def membership(
    sets: Mapping[Any, Iterable[Any]],
    genes: Any,
    *,
    min_size: int = 5,
    max_size: int | None = None,
) -> xr.DataArray:
    """Make the design matrix of a gene-set analysis: 1 where a gene is a member of a set.

    Parameters
    ----------
    sets : mapping of set to list of genes
        Sets may overlap. Members that are not among `genes` are ignored: they were not measured.
    genes : array-like, (gene,)
        Labels of all genes that were measured, each once. Of a Series, or of a DataArray with
        coordinates, the labels are taken.
    min_size, max_size : int, default 5 and None
        Sets with fewer, or more, measured genes are dropped, and a log line names them; so are
        sets of all genes, which are compared with none. Very small sets say more about their
        genes, very large ones little about biology.

    Returns
    -------
    xarray.DataArray (gene, set)
        0 and 1 (int8), in the order of `genes` and of `sets`.

    Raises
    ------
    TypeError
        If `sets` is not a mapping of lists, or a size is not an int.
    ValueError
        If genes are repeated, a size is out of range, or no set is left.

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


def _genes(genes: Any) -> pd.Index:
    labels = labels_of("genes", genes)
    labels = pd.Index(np.asarray(genes)) if labels is None else labels
    check_unique("genes", labels, "gene")
    return labels.rename("gene")


def _members(name: Any, members: Any, genes: pd.Index) -> NDArray[np.bool_]:
    if isinstance(members, str) or not np.iterable(members):
        raise TypeError(
            f"sets must map each set to a list of genes, got {members!r} for {name!r}. "
            "Put a single gene into a list."
        )
    return genes.isin(list(members))


def _report(
    columns: dict[Any, NDArray[np.bool_]],
    kept: dict[Any, NDArray[np.bool_]],
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
