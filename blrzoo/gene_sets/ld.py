"""Linkage disequilibrium: correlations between SNPs, and what genes need of them."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

from blrzoo.gene_sets.snps import matrix, read_correlation
from blrzoo.labels import show
from blrzoo.posterior.correlations import centre_and_length

__all__ = ["LD", "effective_number", "gene_covariates", "square_sums"]

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_BLOCK = 1024  # SNPs


class LD:
    """Correlations between SNPs, computed from X as they are asked for, or given.

    Parameters
    ----------
    snps : pandas.Index (feature)
        Their labels.
    X : array-like (obs, feature), optional
        Genotypes.
    correlation : array-like (feature, feature), optional
        In the place of X.

    Raises
    ------
    TypeError, ValueError
        If not exactly one of the two is given, or it does not fit the SNPs.
    """

    def __init__(self, snps: pd.Index, X: Any = None, correlation: Any = None) -> None:
        if (X is None) == (correlation is None):
            raise ValueError(
                "X must be given, or correlation, and not both, got "
                f"{'neither' if X is None else 'both'}. Pass the genotypes (obs, feature)."
            )
        self._snps, self._matrix, self._X = snps, None, None
        if X is None:
            self._matrix = read_correlation("correlation", correlation, snps)
            return
        if isinstance(X, xr.DataArray) and "feature" in X.dims:
            X = X.transpose(..., "feature")
        self._X = matrix("X", X, snps, (1,))
        if len(self._X) < 3 or not np.isfinite(self._X).all():
            raise ValueError(
                f"X must be finite and have at least 3 observations, got shape {self._X.shape}"
                f"{'' if len(self._X) < 3 else ' with missing values'}. Impute what is missing."
            )

    def between(self, some: Index, others: Index) -> Floats:
        """Compute correlations.

        Parameters
        ----------
        some, others : ndarray of int
            Positions of SNPs.

        Returns
        -------
        ndarray (some, others)
        """
        if self._matrix is not None:
            return self._matrix[np.ix_(some, others)]
        left = self._unit(some)
        return left.T @ (left if others is some else self._unit(others))

    def _unit(self, columns: Index) -> Floats:
        """Columns of mean 0 and length 1."""
        assert self._X is not None
        values = self._X[:, columns].astype(float)
        mean, length = centre_and_length(values)
        if (constant := np.isinf(length)).any():
            raise ValueError(
                f"X must vary between observations at each SNP of a gene, got constant "
                f"{show(self._snps[columns[constant]])}. Drop these SNPs."
            )
        return (values - mean) / length


def effective_number(correlation: Floats) -> float:
    r"""Compute the number of independent SNPs with as much information.

    Parameters
    ----------
    correlation : ndarray (snp, snp)
        Of the SNPs of a gene.

    Returns
    -------
    float
        :math:`K^2 / \sum_{jk} r_{jk}^2`, from 1 (copies) to K (independent).
    """
    return len(correlation) ** 2 / float((correlation**2).sum())


def square_sums(ld: LD, members: sparse.csr_array) -> Floats:
    r"""Sum squared correlations over the pairs of SNPs of each pair of genes.

    Parameters
    ----------
    ld : LD
        Of all SNPs.
    members : scipy.sparse.csr_array (gene, feature)
        SNPs of each gene.

    Returns
    -------
    ndarray (gene, gene)
        :math:`\sum_{j \in g} \sum_{k \in h} r_{jk}^2`.
    """
    used = np.unique(members.indices)
    blocks = [used[start : start + _BLOCK] for start in range(0, used.size, _BLOCK)]
    total = np.zeros((members.shape[0], members.shape[0]))
    for some in blocks:  # never a matrix of all SNPs
        with_genes = sum(members[:, others] @ ld.between(others, some) ** 2 for others in blocks)
        total += members[:, some] @ np.asarray(with_genes).T
    return (total + total.T) / 2


def gene_covariates(n_snps: NDArray[Any], n_effective: Floats) -> xr.DataArray:
    """Make covariates of genes, those that vary between genes.

    Parameters
    ----------
    n_snps, n_effective : ndarray (gene,)
        Numbers of SNPs, and of independent ones that are worth the same.

    Returns
    -------
    xarray.DataArray (gene, covariate)
        ``log_size`` and ``log_density``.
    """
    columns = {"log_size": np.log(n_snps), "log_density": np.log(n_effective / n_snps)}
    varying = {name: v for name, v in columns.items() if np.ptp(v) > 1e-9}
    values = np.array(list(varying.values())).reshape(len(varying), len(n_snps)).T
    return xr.DataArray(values, {"covariate": list(varying)}, ("gene", "covariate"))
