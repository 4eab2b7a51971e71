"""Gene-level statistics from the joint posterior of all SNPs."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

from blrzoo.gene_sets.ld import LD, effective_number, gene_covariates
from blrzoo.gene_sets.snps import gene_members, snps_by_gene
from blrzoo.posterior.group_variance import moments_by_group
from blrzoo.posterior.inputs import design_of, feature_index
from blrzoo.posterior.reader import SAMPLE_DIMS, draws_of, feature_blocks, indicator_name
from blrzoo.summaries.group_inclusion import group_pip
from blrzoo.summaries.table import mcse_of_mean

__all__ = ["gene_statistics"]

_BLOCK_BYTES = 2**26  # of draws of the effects of some genes and of their columns of X

_LONG_NAMES = {
    "variance": "posterior mean of the variance that the gene explains",
    "variance_sd": "posterior standard deviation of that variance",
    "mcse_variance": "Monte Carlo standard error of the posterior mean",
    "sum_squares": "posterior mean of the sum of squared effects",
    "pip": "probability that any SNP of the gene is included",
    "mcse_pip": "Monte Carlo standard error of the probability",
    "expected_size": "expected number of included SNPs",
    "n_snps": "number of SNPs",
    "n_effective": "number of independent SNPs with as much information",
    "covariates": "covariates of genes",
}


def gene_statistics(
    idata: xr.DataTree, genes: Mapping[Any, Iterable[Hashable]], X: Any = None
) -> xr.Dataset:
    r"""Summarize the effects of SNPs by gene, from a model fitted to all SNPs at once.

    Draw by draw, for the SNPs g of a gene:

    .. math::

       variance_g = var(X_g \beta_g), \qquad sum\_squares_g = \sum_{j \in g} \beta_j^2, \qquad
       pip_g = P(\textstyle\sum_{j \in g} \delta_j > 0 \mid y)

    Parameters
    ----------
    idata : xarray.DataTree
        An InferenceData with ``beta`` (chain, draw, feature[, trait]) in its posterior.
    genes : mapping of gene to list of SNPs
        From `assign_to_genes`, for instance. Genes may share SNPs, whose variance then counts in
        each of them.
    X : array-like, (obs, feature), optional
        Genotypes of the individuals of interest, on the scale of the model's X; a DataFrame or
        DataArray is joined by label. Default: X of the model, from the constant data.

    Returns
    -------
    xarray.Dataset
        Dims (gene[, trait]) if not said otherwise:

        - ``variance``, ``variance_sd``, ``mcse_variance``: posterior mean and standard deviation
          of the variance over the individuals that the gene explains, in squared units of y, and
          the Monte Carlo standard error of the mean
        - ``sum_squares``: posterior mean, in squared units of y per unit of x. It depends on the
          scale of the columns of X, and ignores LD
        - ``pip``, ``mcse_pip``: posterior probability that at least one SNP of the gene is
          included, and its Monte Carlo standard error; ``expected_size``: posterior mean of the
          number of included SNPs. Left out for models without indicators
        - ``n_snps`` (gene): number K of SNPs
        - ``n_effective`` (gene): :math:`K^2 / \sum_{jk} r_{jk}^2` with the correlations
          :math:`r_{jk}` in X, the number of independent SNPs with as much information
        - ``covariates`` (gene, covariate): ``log_size``, the log of n_snps, and ``log_density``,
          the log of n_effective / n_snps, for `gene_set_model`; one that is the same for all genes
          is left out

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or `genes` is not a mapping of lists.
    ValueError
        If ``beta`` or X is missing or not finite, X does not fit the SNPs or has fewer than 3
        rows, a SNP of a gene does not vary in X, or a gene has no SNP or an unknown one.

    Notes
    -----
    These are statements about the gene given all other SNPs. A neighbor in LD with a causal gene
    has a large z-score (`gene_z_scores`), but not a large variance here, if the data can tell the
    two apart.

    All three are skewed, and grow with the size of the gene. As the response of `gene_set_model`,
    use the logarithm of ``variance``, clipped from below (it is 0 for a gene that no draw
    includes), or a normal score of its ranks, with the covariates.

    References
    ----------
    .. [1] Bai et al. (2024). Evaluation of Bayesian linear regression derived gene set test
       methods. BMC Genomics 25.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.gene_sets import gene_statistics
    >>> data = blr.simulate(n=100, p=6, n_causal=2, distribution="genotype", random_seed=1)
    >>> data.feature.values[data.causal].tolist()
    ['snp1', 'snp6']
    >>> model = blr.spike_slab(data.X, data.y)
    >>> idata = blr.sample(model, draws=200, tune=100, chains=2, random_seed=1, quiet=True)
    >>> genes = {"A": ["snp1", "snp2"], "B": ["snp3", "snp4"], "C": ["snp5", "snp6"]}
    >>> table = gene_statistics(idata, genes)
    >>> (table.variance > 0.05).values
    array([ True, False,  True])
    """
    names, members = gene_members(genes, feature_index(idata))
    matrix = design_of(idata, X)
    beta = draws_of(idata, "beta")
    parts = [_moments(beta, matrix, members[block]) for block in _blocks(beta, matrix, members)]
    table = xr.concat(parts, "gene").assign_coords(gene=names)
    if indicator_name(idata) is not None:
        inclusion = group_pip(idata, genes)[["pip", "mcse_pip", "expected_size"]]
        table = table.merge(inclusion.rename(group="gene").assign_coords(gene=names))
    table["n_snps"] = "gene", np.diff(members.indptr)
    ld = LD(feature_index(idata), matrix)
    effective = [effective_number(ld.between(on, on)) for on in snps_by_gene(members)]
    table["n_effective"] = "gene", effective
    table["covariates"] = gene_covariates(table.n_snps.values, table.n_effective.values)
    for name, variable in table.data_vars.items():
        variable.attrs = {"long_name": _LONG_NAMES[str(name)]}
    return table.drop_attrs(deep=False)


def _blocks(beta: xr.DataArray, X: np.ndarray, members: sparse.csr_array) -> Iterator[slice]:
    """Cut the genes into blocks whose draws and columns take little memory."""
    each = 8 * (beta.size // max(1, beta.sizes["feature"]) + len(X))  # bytes of a SNP
    most, start = max(1, _BLOCK_BYTES // each), 0
    ends = members.indptr
    while start < members.shape[0]:
        stop = int(np.searchsorted(ends, ends[start] + most, "right")) - 1
        stop = max(stop, start + 1)
        yield slice(start, stop)
        start = stop


def _moments(beta: xr.DataArray, X: np.ndarray, members: sparse.csr_array) -> xr.Dataset:
    """Compute variances and sums of squares of some genes; shared SNPs are repeated."""
    snps, index = members.indices, np.repeat(np.arange(members.shape[0]), np.diff(members.indptr))
    beta = beta.isel(feature=snps)
    values = moments_by_group(X[:, snps], beta, index, members.shape[0])[0]
    template = beta.isel(feature=0, drop=True).expand_dims(gene=members.shape[0], axis=-1)
    variance = template.copy(data=values.reshape(template.shape))
    mean = variance.mean(SAMPLE_DIMS)
    squares = [(block.astype(float) ** 2).mean(SAMPLE_DIMS) for block in feature_blocks(beta)]
    sums = np.zeros(mean.transpose("gene", ...).shape)
    np.add.at(sums, index, np.concatenate(squares))
    table = {
        "variance": mean,
        "variance_sd": variance.std(SAMPLE_DIMS, ddof=1),
        "mcse_variance": mean.copy(data=mcse_of_mean(variance.values)),
        "sum_squares": mean.transpose("gene", ...).copy(data=sums),
    }
    return xr.Dataset(table).transpose("gene", ...)
