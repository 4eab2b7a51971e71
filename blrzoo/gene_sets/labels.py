"""Arrays with and without labels, in the order of other labels."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from blrzoo.tables import show

__all__ = ["aligned", "gene_members", "labels_of", "read_correlation", "snps_by_gene", "vector"]

Array = NDArray[Any]

_ROUNDING = 1e-6  # of correlations that went through float32 or a text file


def labels_of(value: Any, axis: int = 0) -> pd.Index | None:
    """Take the labels of an axis.

    Parameters
    ----------
    value : array-like
        Of any kind.
    axis : int, default 0
        The axis.

    Returns
    -------
    pandas.Index or None
        None for what has no labels: arrays, lists, and DataArrays without coordinates.
    """
    if isinstance(value, pd.Series | pd.DataFrame):
        return value.axes[axis]
    if isinstance(value, xr.DataArray) and value.dims[axis] in value.coords:
        return value.get_index(value.dims[axis])
    return None


def vector(name: str, value: Any) -> tuple[NDArray[np.float64], pd.Index]:
    """Read one finite number for each label.

    Parameters
    ----------
    name : str
        The argument, for messages.
    value : array-like, (label,)
        A Series or DataArray has labels; anything else gets 0, 1, ...

    Returns
    -------
    values : ndarray (label,)
    labels : pandas.Index

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If it is not a vector of finite numbers, or a label occurs twice.
    """
    array = np.asarray(value)
    if array.ndim != 1 or not array.size:
        raise ValueError(
            f"{name} must be a vector, one value each, got shape {array.shape}. Pass a Series."
        )
    labels = labels_of(value)
    labels = pd.RangeIndex(array.size) if labels is None else labels
    _check_numbers(name, array)
    if not np.isfinite(array.astype(float)).all():
        where = labels[~np.isfinite(array.astype(float))]
        raise ValueError(
            f"{name} must be finite, got missing or infinite values at {show(where)}. Drop them."
        )
    if not labels.is_unique:
        twice = labels[labels.duplicated()].unique()
        raise ValueError(f"{name} must have each label once, got several {show(twice)}. Drop some.")
    return array.astype(float), labels


def aligned(name: str, value: Any, labels: pd.Index, axes: Sequence[int]) -> Array:
    """Bring some axes of a matrix into the order of labels.

    Parameters
    ----------
    name : str
        The argument, for messages.
    value : array-like, two dimensions
        Axes with labels are joined by them, others by position.
    labels : pandas.Index
        What to have along the axes, in this order.
    axes : sequence of int
        Which axes.

    Returns
    -------
    ndarray
        In the dtype of `value`; its own memory where nothing had to be moved.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If it is no matrix, lacks a label or has one twice, or has another length.
    """
    array = np.asarray(value)
    if array.ndim != 2:
        raise ValueError(f"{name} must be a matrix, got shape {array.shape}. Pass two dimensions.")
    _check_numbers(name, array)
    for axis in axes:
        known = labels_of(value, axis)
        if known is None and array.shape[axis] != labels.size:
            raise ValueError(
                f"{name} without labels must have one entry for each of the {labels.size} labels, "
                f"got {array.shape[axis]} along axis {axis}. Pass a DataFrame to join by label."
            )
        if known is not None and not known.equals(labels):
            array = array.take(_places(name, known, labels), axis=axis)
    return array


def _places(name: str, known: pd.Index, labels: pd.Index) -> NDArray[np.intp]:
    if not known.is_unique:
        twice = known[known.duplicated()].unique()
        raise ValueError(f"{name} must have each label once, got several {show(twice)}. Drop some.")
    places = known.get_indexer(labels)
    if (places < 0).any():
        raise ValueError(
            f"{name} must have every label, got none of {show(labels[places < 0])} "
            f"({(places < 0).sum()} of {labels.size}). Add them, or drop them everywhere else."
        )
    return places


def _check_numbers(name: str, array: Array) -> None:
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, got dtype {array.dtype}. Convert it: .astype(float)."
        )


def read_correlation(name: str, value: Any, labels: pd.Index) -> NDArray[np.float64]:
    """Read a correlation matrix, in the order of labels.

    Parameters
    ----------
    name : str
        The argument, for messages.
    value : array-like, (label, label)
        A DataFrame or DataArray is joined by label.
    labels : pandas.Index
        The order.

    Returns
    -------
    ndarray (label, label)

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If it does not fit the labels, is not symmetric, or has other than ones on its diagonal.
    """
    matrix = aligned(name, value, labels, (0, 1)).astype(float)
    good = np.isfinite(matrix).all() and np.allclose(matrix, matrix.T, rtol=0, atol=_ROUNDING)
    if not good or not np.allclose(matrix.diagonal(), 1.0, rtol=0, atol=_ROUNDING):
        raise ValueError(
            f"{name} must be a correlation matrix, got one that is not finite and symmetric with "
            "ones on its diagonal. Divide a covariance by the standard deviations."
        )
    return matrix


def gene_members(
    genes: Mapping[Hashable, Any], snps: pd.Index
) -> tuple[pd.Index, sparse.csr_array]:
    """Turn the SNPs of each gene into a table of 0/1.

    Parameters
    ----------
    genes : mapping of gene to labels of SNPs
        As `assign_to_genes` makes it.
    snps : pandas.Index
        All SNPs.

    Returns
    -------
    names : pandas.Index (gene)
    members : scipy.sparse.csr_array (gene, snp)

    Raises
    ------
    TypeError
        If it is not a mapping of lists.
    ValueError
        If there are no genes, or a gene has no SNPs, or unknown ones.
    """
    if not isinstance(genes, Mapping):
        raise TypeError(
            "genes must be a mapping of each gene to the labels of its SNPs, got "
            f"{type(genes).__name__}. blrzoo.assign_to_genes makes one from positions."
        )
    places = [_snps_of(name, labels, snps) for name, labels in genes.items()]
    if not places:
        raise ValueError("genes must have at least one gene, got none. Pass a name and its SNPs.")
    ends = np.cumsum([0, *map(len, places)])
    entries = (np.ones(ends[-1]), np.concatenate(places), ends)
    members = sparse.csr_array(entries, shape=(len(places), snps.size))
    return pd.Index(list(genes), name="gene", tupleize_cols=False), members


def _snps_of(name: Hashable, labels: Any, snps: pd.Index) -> NDArray[np.intp]:
    if isinstance(labels, str) or not np.iterable(labels):
        raise TypeError(
            f"genes must map each gene to a list of labels of SNPs, got {labels!r} for {name!r}. "
            "Put a single label into a list."
        )
    wanted = pd.Index(list(labels)).unique()
    places = snps.get_indexer(wanted)
    if not wanted.size or (places < 0).any():
        raise ValueError(
            f"genes must have at least one SNP each, all of them known, got "
            f"{show(wanted[places < 0])} in {name!r}. Drop such genes, and SNPs without data."
        )
    return np.sort(places)


def snps_by_gene(members: sparse.csr_array) -> list[NDArray[np.intp]]:
    """List the positions of the SNPs of each gene.

    Parameters
    ----------
    members : scipy.sparse.csr_array (gene, snp)
        From `gene_members`.

    Returns
    -------
    list of ndarray
    """
    return [members.indices[first:last] for first, last in pairwise(members.indptr)]
