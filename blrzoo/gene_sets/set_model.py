"""The model of a gene-set analysis: statistics of genes regressed on membership of sets."""

import warnings
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import scipy.linalg
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from blrzoo.checks import LeftOut
from blrzoo.data import RegressionData, check_data
from blrzoo.gene_sets.set_members import membership
from blrzoo.gene_sets.snps import read_correlation
from blrzoo.labels import labels_of
from blrzoo.zoo.one_trait import spike_slab

__all__ = ["gene_set_model"]

_PI = (1.0, 9.0)  # a tenth of the sets
_H2 = 0.05
_WHITENED = ("mu", "center", "weights", "missing")  # would mean something else then


def gene_set_model(
    y: Any,
    sets: Mapping[Any, Iterable[Hashable]] | xr.DataArray,
    *,
    covariates: Any = None,
    gene_correlation: ArrayLike | None = None,
    min_size: int | None = None,
    max_size: int | None = None,
    **options: Any,
) -> pm.Model:
    r"""Regress a statistic of genes on their membership of sets, to find the sets that matter.

    .. math::

       y_g = \mu + (w_g - \bar w)\gamma + \sum_s (m_{gs} - \bar m_s) \beta_s + e_g, \qquad
       e \sim N(0, \sigma^2 R)

    .. math::

       \delta_s \sim Bernoulli(\pi), \quad \beta_s = 0 \text{ where } \delta_s = 0, \quad
       \beta_s | \delta_s = 1 \sim N(0, \tau^2), \quad
       \tau^2 \sim \text{scaled-inverse-}\chi^2(\nu, S^2), \quad \pi \sim Beta(1, 9)

    with :math:`m_{gs} = 1` if gene g is a member of set s, and else 0. It is `blrzoo.spike_slab`
    with other default priors. All sets are in one regression, so that a set that merely overlaps
    with one that matters can be told apart from it, by the genes that are in only one of the two.
    `gene_set_table` reports the inclusion probability and effect of each set.

    Parameters
    ----------
    y : Series or DataArray, (gene,)
        Statistic of each gene, such as ``z`` of `gene_z_scores`; large where the trait is
        associated with the gene. Its labels are the genes.
    sets : mapping of set to list of genes, or DataArray (gene, set)
        The sets, which may overlap; genes that are not in y are ignored. Or the matrix of 0 and 1
        that `membership` returns.
    covariates : array-like, (gene, covariate), optional
        Fixed effects W, joined by label, such as the size of a gene: ``covariates`` of
        `gene_z_scores`. MAGMA adjusts for the size and density of genes, and their logarithms.
        Default: none.
    gene_correlation : array-like, (gene, gene), optional
        R, correlations of y between genes due to LD, ``gene_correlation`` of `gene_z_scores`;
        joined by label. Without it, genes count as independent, and a set of neighboring genes can
        look important because one of them is associated. Default: the identity matrix.
    min_size, max_size : int, optional
        Smallest and largest number of measured genes; other sets are left out, and a log message
        names them. Default: 5, and no limit. For a mapping of sets only.
    **options
        Further arguments of `blrzoo.spike_slab`. Two defaults differ: ``pi=(1, 9)``, unless
        `expected_size` or `inclusion` is given: a tenth of the sets are expected to matter; and
        ``h2=0.05``: sets are expected to explain a twentieth of the variance between genes. Thus
        `tau2` is by default ``(1, S2)`` with
        ``2 S2 = 0.05 var(y) / (s mean_s var(m_s))`` and ``s = max(p / 10, 1)`` for p sets, and
        `sigma2` is ``(4, S2)`` with ``2 S2 = 0.95 var(y)``; with `gene_correlation`, variances are
        those of the transformed data.

    Returns
    -------
    pm.Model
        With ``beta`` and ``delta`` (feature), ``pi``, ``tau2``, ``sigma2``, ``mu`` and, with
        covariates, ``gamma`` (covariate). The dim ``feature`` is that of the sets, ``obs`` that of
        the genes. The data ``set_size`` (feature) are the numbers of measured genes.

    Raises
    ------
    TypeError, ValueError
        If `sets` is neither a mapping of lists nor a matrix of 0 and 1, no set remains, y has no
        labels with a mapping of sets, R is not a positive definite correlation matrix (as when two
        genes have the same SNPs), data or hyperparameters are refused by `blrzoo.spike_slab`, or
        an argument is given that cannot be combined with others.

    See Also
    --------
    gene_z_scores, gene_statistics : Statistics of genes.

    Notes
    -----
    The test is competitive: :math:`\beta_s` is the difference between genes in the set and genes
    outside, in units of y, given the other sets and the covariates. It can be negative; see
    ``positive`` in `gene_set_table`.

    With `gene_correlation`, y, memberships, covariates and the intercept are multiplied by the
    inverse of the Cholesky factor of R (generalized least squares). Effects keep their meaning. The
    intercept is then the covariate ``intercept``, ``mu`` is 0, and the InferenceData holds the
    transformed X, W and y. `weights`, `missing`, `mu` and `center` cannot be used then.

    For several traits, pass ``membership(sets, genes)`` to `blrzoo.multivariate_spike_slab`.

    References
    ----------
    .. [1] de Leeuw, Mooij, Heskes & Posthuma (2015). MAGMA: generalized gene-set analysis of GWAS
       data. PLoS Computational Biology 11:e1004219.
    .. [2] Gholipourshahraki et al. (2024). Evaluation of Bayesian linear regression models for gene
       set prioritization in complex diseases. PLoS Genetics 20:e1011463.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> import blrzoo as blr
    >>> from blrzoo.gene_sets import gene_set_model
    >>> rng = np.random.default_rng(1)
    >>> genes = [f"g{i}" for i in range(200)]
    >>> y = pd.Series(rng.normal(size=200), index=genes)
    >>> y[genes[:20]] += 2
    >>> sets = {"cause": genes[:20], "overlap": genes[10:30], "other": genes[50:80]}
    >>> with gene_set_model(y, sets):
    ...     idata = blr.sample(draws=200, tune=100, chains=2, random_seed=1, quiet=True)
    >>> (blr.pip(idata) > 0.5).to_series().to_dict()
    {'cause': True, 'overlap': False, 'other': False}
    """
    X = _members(y, sets, min_size, max_size)
    if {"pi", "expected_size", "inclusion"}.isdisjoint(options):
        options["pi"] = _PI
    options.setdefault("h2", _H2)
    sizes = X.sum("gene").values
    if gene_correlation is None:
        model = spike_slab(X, y, covariates=covariates, **options)
    else:
        model = _whitened(X, y, covariates, gene_correlation, options)
    with model:
        pm.Data("set_size", sizes, dims="feature")
    return model


def _members(y: Any, sets: object, min_size: int | None, max_size: int | None) -> xr.DataArray:
    given = {k: v for k, v in (("min_size", min_size), ("max_size", max_size)) if v is not None}
    if isinstance(sets, Mapping):
        if labels_of("y", y) is None:
            raise TypeError(
                f"y must name its genes, got {type(y).__name__} without labels. Pass a Series "
                "indexed by gene, or a DataArray with coordinates."
            )
        return membership(sets, y, **given)
    if not isinstance(sets, xr.DataArray) or set(sets.dims) != {"gene", "set"}:
        raise TypeError(
            "sets must be a mapping of each set to its genes, or a DataArray (gene, set), got "
            f"{type(sets).__name__}. blrzoo.gene_sets.membership makes one."
        )
    left_out = LeftOut("for a matrix of memberships", advice="Pass it to membership.")
    left_out.check("min_size", min_size)
    left_out.check("max_size", max_size)
    if not np.isin(sets, (0, 1)).all():
        raise ValueError("sets must hold 0 and 1, got other values. Pass for instance sets > 0.")
    return sets.transpose("gene", "set").astype(np.int8)


def _whitened(
    X: xr.DataArray, y: Any, covariates: Any, correlation: ArrayLike, options: dict[str, Any]
) -> pm.Model:
    """Make the model of data multiplied by the inverse of the Cholesky factor of R."""
    for name in _WHITENED:
        if name in options:
            raise ValueError(
                f"{name} must be left out with gene_correlation, got {options[name]!r}. Leave "
                "out one of them."
            )
    data = check_data(X, y, covariates)
    genes = pd.Index(data.coords["obs"])
    R = read_correlation("gene_correlation", correlation, genes)
    if np.allclose(R, np.eye(len(R)), rtol=0, atol=1e-6):  # independent: nothing to transform
        return spike_slab(X, y, covariates=covariates, **options)
    root = _root(R)
    frames = _frames(data, root)
    with warnings.catch_warnings():  # check_data has warned of sets that are copies
        warnings.simplefilter("ignore", UserWarning)
        return spike_slab(**frames, mu=0.0, center=False, **options)


def _root(correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        root = np.linalg.cholesky(correlation)
    except np.linalg.LinAlgError:
        root = np.zeros((1, 1))
    if root.diagonal().min() < 1e-4:
        raise ValueError(
            "gene_correlation must be positive definite, got a matrix that is not: some genes "
            "have (nearly) the same SNPs. Drop one of each such pair, or pass "
            "0.95 * gene_correlation + 0.05 * np.eye(n)."
        )
    return root


def _frames(data: RegressionData, root: NDArray[np.float64]) -> dict[str, pd.DataFrame | pd.Series]:
    """Transform X, y and the covariates, with the intercept among them."""
    genes, sets = data.coords["obs"], data.coords["feature"]
    names = ["intercept", *data.coords.get("covariate", [])]
    W = np.column_stack([np.ones(data.n), data.W - data.W.mean(axis=0)])

    def solve(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return scipy.linalg.solve_triangular(root, values, lower=True)

    return {
        "X": pd.DataFrame(solve(data.X - data.X.mean(axis=0)), genes, sets),
        "y": pd.Series(solve(data.y), genes),
        "covariates": pd.DataFrame(solve(W), genes, names),
    }
