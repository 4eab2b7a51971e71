"""The table of gene sets: one row per set."""

from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr

from blrzoo.labels import one_per_feature
from blrzoo.posterior.inputs import constant_data, feature_index
from blrzoo.posterior.reader import SAMPLE_DIMS, draws_of, feature_blocks, join_features
from blrzoo.summaries.effects import effect_table

__all__ = ["gene_set_table"]


def gene_set_table(
    idata: xr.DataTree,
    *,
    ci_prob: float = 0.95,
    ci_kind: Literal["eti", "hdi"] = "eti",
    sort_by: str | None = "pip",
) -> xr.Dataset:
    """Summarize a gene-set analysis: the size, inclusion probability and effect of each set.

    Parameters
    ----------
    idata : xarray.DataTree
        The InferenceData of a `gene_set_model`.
    ci_prob : float, default 0.95
        Probability of the credible interval, in (0, 1), whatever the ``rcParams`` of ArviZ say.
    ci_kind : {"eti", "hdi"}, default "eti"
        Equal-tailed, or highest density (the narrowest) interval.
    sort_by : str or None, default "pip"
        ``"pip"``, ``"abs_mean"`` or another variable of `blrzoo.effect_table`: sets with the
        largest value come first, ties in the order of the data. With several traits, a set counts
        with the largest of its traits. None: the order of the data.

    Returns
    -------
    xarray.Dataset
        Dims (set[, trait]); ``.to_dataframe()`` makes a table of it:

        - ``size`` (set): number of measured genes; left out if the InferenceData does not hold it
        - ``pip``, ``mcse_pip``: posterior inclusion probability of the set, and its Monte Carlo
          standard error
        - ``mean``, ``sd``, ``lower``, ``upper``, ``mcse_mean``: posterior mean, standard deviation,
          credible interval and Monte Carlo standard error of the mean of the effect, in units of
          the statistic of genes, over all draws, also those with an effect of 0
        - ``positive``: posterior probability that the effect is above 0, at most the PIP. If a set
          has a high PIP and is not positive, its genes are less associated than others

    Raises
    ------
    TypeError
        If `idata` is not a DataTree, or `ci_prob` is not a number.
    ValueError
        If the posterior lacks draws of ``beta`` or one of its dims, or an argument is not one of
        those above.

    Examples
    --------
    >>> import arviz as az, numpy as np
    >>> from blrzoo.gene_sets import gene_set_table
    >>> delta = np.random.default_rng(1).random((4, 500, 2)) < [0.1, 0.9]
    >>> idata = az.from_dict(
    ...     {"posterior": {"beta": delta * 0.5, "delta": delta.astype(int)}},
    ...     dims={"beta": ["feature"], "delta": ["feature"]},
    ...     coords={"feature": ["immune", "lipids"]},
    ... )
    >>> gene_set_table(idata)[["pip", "mean", "positive"]].to_dataframe().round(1)
            pip  mean  positive
    set
    lipids  0.9   0.4       0.9
    immune  0.1   0.0       0.1
    """
    table = effect_table(idata, ci_prob=ci_prob, ci_kind=ci_kind, sort_by=sort_by)
    blocks = feature_blocks(draws_of(idata, "beta"))
    positive = join_features(
        (block > 0).mean(SAMPLE_DIMS).to_dataset(name="positive") for block in blocks
    )["positive"]
    sizes = _sizes(idata)
    order = feature_index(idata).get_indexer(table.get_index("feature"))
    table["positive"] = positive.isel(feature=order)
    table["positive"].attrs = {"long_name": "probability that the effect is above 0"}
    if sizes is not None:
        table["size"] = ("feature", sizes[order], {"long_name": "number of measured genes"})
    first = [name for name in ("size", "pip", "mcse_pip") if name in table]
    rest = [name for name in table.data_vars if name not in first]
    return table[[*first, *rest]].rename(feature="set")


def _sizes(idata: xr.DataTree) -> np.ndarray | None:
    """Return the sizes that the model recorded, or those of an X of memberships."""
    data, sets = constant_data(idata), feature_index(idata)
    if "set_size" in data:
        return one_per_feature("set_size", data["set_size"], sets)
    if "X" not in data or not np.isin(data["X"], (0, 1)).all():
        return None
    sizes = pd.Series(data["X"].sum("obs").values, data["X"].get_index("feature"))
    return one_per_feature("X", sizes, sets).astype(int)
