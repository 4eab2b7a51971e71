"""Linkage disequilibrium: correlations between SNPs, and what genes need of them."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from blrzoo.gene_sets.snps import matrix, read_correlation
from blrzoo.labels import show
from blrzoo.posterior.correlations import center_and_length

__all__ = ["LD", "effective_number", "gene_covariates", "square_sums"]

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

_BLOCK = 1024  # SNPs


class LD:
    """Correlations between SNPs, given as a matrix, or computed from X when needed."""

    def __init__(self, snps: pd.Index, X: Any = None, correlation: ArrayLike | None = None) -> None:
        if (X is None) == (correlation is None):
            raise ValueError(
                "X must be given, or correlation, but not both, got "
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
                f"{'' if len(self._X) < 3 else ' with missing values'}. Impute missing values."
            )

    def between(self, some: Index, others: Index) -> Floats:
        """Return the correlations between SNPs, by position: (some, others)."""
        if self._matrix is not None:
            return self._matrix[np.ix_(some, others)]
        left = self._unit(some)
        return left.T @ (left if others is some else self._unit(others))

    def _unit(self, columns: Index) -> Floats:
        """Return columns with mean 0 and length 1."""
        assert self._X is not None
        values = self._X[:, columns].astype(float)
        mean, length = center_and_length(values)
        if (constant := np.isinf(length)).any():
            raise ValueError(
                f"X must vary between observations at each SNP of a gene, got constant "
                f"{show(self._snps[columns[constant]])}. Drop these SNPs."
            )
        return (values - mean) / length


def effective_number(correlation: Floats) -> float:
    r"""Return :math:`K^2 / \sum_{jk} r_{jk}^2`: 1 for copies, K for independent SNPs."""
    return len(correlation) ** 2 / float((correlation**2).sum())


def square_sums(ld: LD, members: sparse.csr_array) -> Floats:
    """Sum squared correlations over the pairs of SNPs of each pair of genes, (gene, gene)."""
    used = np.unique(members.indices)
    blocks = [used[start : start + _BLOCK] for start in range(0, used.size, _BLOCK)]
    total = np.zeros((members.shape[0], members.shape[0]))
    for some in blocks:  # no matrix of all pairs of SNPs is made
        with_genes = sum(members[:, others] @ ld.between(others, some) ** 2 for others in blocks)
        total += members[:, some] @ np.asarray(with_genes).T
    return (total + total.T) / 2


def gene_covariates(n_snps: np.ndarray, n_effective: Floats) -> xr.DataArray:
    """Make log_size and log_density (gene, covariate), if they vary between genes."""
    columns = {"log_size": np.log(n_snps), "log_density": np.log(n_effective / n_snps)}
    varying = {name: v for name, v in columns.items() if np.ptp(v) > 1e-9}
    values = np.array(list(varying.values())).reshape(len(varying), len(n_snps)).T
    return xr.DataArray(values, {"covariate": list(varying)}, ("gene", "covariate"))
