"""Which SNPs belong to which genes, by position."""

import logging
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from blrzoo.checks import Instance, Number
from blrzoo.gene_sets.snps import vector
from blrzoo.labels import one_per_feature, show

__all__ = ["assign_to_genes"]

_log = logging.getLogger(__name__)


def assign_to_genes(
    positions: ArrayLike,
    genes: pd.DataFrame,
    *,
    window: float | tuple[float, float] = 0,
    chromosome: ArrayLike | None = None,
) -> dict[Hashable, list[Hashable]]:
    """Assign SNPs to the genes that they lie in, or close to.

    A SNP belongs to a gene if ``start - before <= position <= end + after``, on the same
    chromosome. Genes may overlap: a SNP can be in several, or in none.

    Parameters
    ----------
    positions : array-like, (feature,)
        Position of each SNP, for instance in base pairs, in any order. The labels of a Series or
        DataArray name the SNPs; those of an array are 0, 1, ...
    genes : DataFrame, indexed by gene
        With the columns ``start`` and ``end`` (both belong to the gene), in the unit of
        `positions`, and ``chromosome`` where there are several.
    window : float or (before, after), default 0
        How far outside the gene a SNP may lie, in the unit of `positions`: towards smaller and
        towards larger positions, or one number for both.
    chromosome : array-like, (feature,), optional
        Chromosome of each SNP, named as in `genes`; joined by label where it has labels, else in
        the order of `positions`. Needed if and only if `genes` has the column ``chromosome``.

    Returns
    -------
    dict
        The list of SNPs of each gene, in the order of `positions`. Genes without SNPs are left
        out, and a log message says how many. `gene_statistics`, `gene_z_scores` and
        `blrzoo.group_pip` accept it as it is.

    Raises
    ------
    TypeError
        If `genes` is not a DataFrame, or positions, starts, ends or the window are not numbers.
    ValueError
        If a value is missing or not finite, the window is negative, a gene ends before it starts,
        a label occurs twice, only one of `chromosome` and the column ``chromosome`` is given, they
        have no chromosome in common, or no SNP lies in any gene.

    Examples
    --------
    >>> import pandas as pd
    >>> from blrzoo.gene_sets import assign_to_genes
    >>> positions = pd.Series([120, 480, 510, 900], index=["rs1", "rs2", "rs3", "rs4"])
    >>> genes = pd.DataFrame({"start": [100, 450], "end": [500, 700]}, index=["A", "B"])
    >>> assign_to_genes(positions, genes)
    {'A': ['rs1', 'rs2'], 'B': ['rs2', 'rs3']}
    >>> assign_to_genes(positions, genes, window=(0, 200))["B"]
    ['rs2', 'rs3', 'rs4']
    """
    at, snps = vector("positions", positions)
    starts, ends = _intervals(genes)
    before, after = _window(window)
    on, of = _chromosomes(chromosome, genes, snps)
    order = {c: np.flatnonzero(on == c) for c in pd.unique(of)}
    order = {c: some[np.argsort(at[some], kind="stable")] for c, some in order.items()}
    assigned = {}
    for gene, c, start, end in zip(genes.index, of, starts - before, ends + after, strict=True):
        first = np.searchsorted(at[order[c]], start, "left")
        last = np.searchsorted(at[order[c]], end, "right")
        if first < last:
            assigned[gene] = snps[np.sort(order[c][first:last])].tolist()
    _report(genes, assigned)
    return assigned


def _intervals(genes: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    what = "a DataFrame with the columns 'start' and 'end', indexed by gene"
    remedy = "Pass pd.DataFrame({'start': starts, 'end': ends}, index=names)."
    Instance(pd.DataFrame, what, advice=remedy).check("genes", genes)
    if missing := [name for name in ("start", "end") if name not in genes.columns]:
        raise ValueError(
            f"genes must have the columns 'start' and 'end', got {show(genes.columns)} without "
            f"{missing}. Rename the columns."
        )
    starts, ends = (vector(f"genes[{name!r}]", genes[name])[0] for name in ("start", "end"))
    if (starts > ends).any():
        raise ValueError(
            "genes must not end before they start, got such positions of "
            f"{show(genes.index[starts > ends])}. Swap start and end, whatever the strand."
        )
    return starts, ends


def _window(window: Any) -> tuple[float, float]:
    pair = isinstance(window, tuple) and len(window) == 2
    before, after = window if pair else (window, window)
    side = Number(least=0, advice="Pass 0 for none, or a pair (before, after).")
    return side.check("window", before), side.check("window", after)


def _chromosomes(
    chromosome: ArrayLike | None, genes: pd.DataFrame, snps: pd.Index
) -> tuple[np.ndarray, np.ndarray]:
    """Return the chromosome of each SNP and of each gene."""
    if (chromosome is None) != ("chromosome" not in genes.columns):
        raise ValueError(
            "chromosome must be given if and only if genes has the column 'chromosome', got "
            f"{'none' if chromosome is None else 'one'}, and the columns {show(genes.columns)}."
        )
    if chromosome is None:
        return np.zeros(snps.size, dtype=int), np.zeros(len(genes), dtype=int)
    if isinstance(chromosome, list | tuple):  # NumPy would turn mixed labels into text
        chromosome = np.asarray(chromosome, dtype=object)
    values = one_per_feature("chromosome", chromosome, snps, "SNPs of positions").astype(object)
    of = genes["chromosome"].to_numpy(dtype=object)
    if not set(of) & set(values):
        raise ValueError(
            f"chromosome must name chromosomes as genes does, got {show(pd.unique(values))} and "
            f"{show(pd.unique(of))}, which have none in common. Are some text, and some numbers?"
        )
    return values, of


def _report(genes: pd.DataFrame, assigned: dict[Hashable, list[Hashable]]) -> None:
    if not assigned:
        raise ValueError(
            "genes must have a SNP in at least one of them, got none in any. Check that positions "
            "and genes are of the same genome build and unit."
        )
    empty = len(genes) - len(assigned)
    if empty:
        _log.warning("%d of %d genes have no SNP and are left out.", empty, len(genes))
