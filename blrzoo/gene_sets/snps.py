"""Reading of what users pass about SNPs: a value for each, matrices, and the SNPs of each gene."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from blrzoo.labels import align, check_unique, labels_of, members, show

__all__ = ["gene_members", "matrix", "read_correlation", "snps_by_gene", "vector"]

_ROUNDING = 1e-6  # of correlations that went through float32 or a text file


def vector(name: str, value: object) -> tuple[NDArray[np.float64], pd.Index]:
    """Read one finite number per label; without labels these are 0, 1, ..."""
    array = np.asarray(value)
    if array.ndim != 1 or not array.size:
        raise ValueError(
            f"{name} must be a vector, one value each, got shape {array.shape}. Pass a Series."
        )
    labels = labels_of(name, value)
    labels = pd.RangeIndex(array.size) if labels is None else labels
    _check_numbers(name, array)
    if not np.isfinite(array.astype(float)).all():
        where = labels[~np.isfinite(array.astype(float))]
        raise ValueError(
            f"{name} must be finite, got missing or infinite values at {show(where)}. Drop them."
        )
    check_unique(name, labels, "value")
    return array.astype(float), labels


def matrix(name: str, value: object, labels: pd.Index, axes: Sequence[int]) -> np.ndarray:
    """Read a matrix, with some axes in the order of the labels."""
    array = np.asarray(value)
    if array.ndim != 2:
        raise ValueError(f"{name} must be a matrix, got shape {array.shape}. Pass two dimensions.")
    _check_numbers(name, array)
    for axis in axes:
        known = labels_of(name, value, axis)
        array = align(name, array, known, labels, "labels", axis=axis, more=True)
    return array


def _check_numbers(name: str, array: np.ndarray) -> None:
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, got dtype {array.dtype}. Convert it: .astype(float)."
        )


def read_correlation(name: str, value: object, labels: pd.Index) -> NDArray[np.float64]:
    """Read a correlation matrix (label, label), in the order of the labels."""
    found = matrix(name, value, labels, (0, 1)).astype(float)
    good = np.isfinite(found).all() and np.allclose(found, found.T, rtol=0, atol=_ROUNDING)
    if not good or not np.allclose(found.diagonal(), 1.0, rtol=0, atol=_ROUNDING):
        raise ValueError(
            f"{name} must be a correlation matrix, got one that is not finite and symmetric with "
            "ones on its diagonal. Divide a covariance by the standard deviations."
        )
    return found


def gene_members(
    genes: Mapping[Any, Iterable[Hashable]], snps: pd.Index
) -> tuple[pd.Index, sparse.csr_array]:
    """Return the names of genes, and their SNPs as a table of 0/1, (gene, snp)."""
    if not isinstance(genes, Mapping):
        raise TypeError(
            "genes must be a mapping of each gene to the labels of its SNPs, got "
            f"{type(genes).__name__}. blrzoo.gene_sets.assign_to_genes makes one from positions."
        )
    names = pd.Index(list(genes), name="gene", tupleize_cols=False)
    return names, members("genes", genes, snps, "SNPs")


def snps_by_gene(members: sparse.csr_array) -> list[NDArray[np.intp]]:
    """List the positions of the SNPs of each gene."""
    return [members.indices[first:last] for first, last in pairwise(members.indptr)]
