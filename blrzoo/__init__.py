"""blrzoo: a zoo of Bayesian linear regression models for PyMC."""

import logging
from typing import TYPE_CHECKING, Any

from blrzoo import evidence, gene_sets, priors, testing
from blrzoo.advice import no_such_name
from blrzoo.datasets import load_diabetes
from blrzoo.description import describe
from blrzoo.diagnostics import diagnose, geweke, indicator_table
from blrzoo.gibbs.step import BLRGibbs, register
from blrzoo.least_squares import ols
from blrzoo.model import regression
from blrzoo.plots import (
    plot_effects,
    plot_geweke,
    plot_patterns,
    plot_pip,
    plot_prior_posterior,
    plot_shrinkage,
    plot_variance,
)
from blrzoo.prediction import ppc_table, predict, score
from blrzoo.reml.em import fit_em
from blrzoo.sampling import sample, sample_more
from blrzoo.simulation import simulate
from blrzoo.statistics import merge_statistics, sufficient_statistics
from blrzoo.summaries import (
    bayesian_fdr,
    credible_sets,
    effect_table,
    enrichment_table,
    genetic_correlation,
    genetic_covariance,
    group_pip,
    heritability,
    model_size,
    pip,
    pleiotropy_table,
    residual_correlation,
    summary_table,
    variance_explained,
    variance_table,
    window_pip,
)
from blrzoo.validation import cross_validate
from blrzoo.zoo import (
    hierarchical,
    hierarchical_multivariate,
    multiple_component,
    multivariate,
    multivariate_spike_slab,
    single_component,
    spike_slab,
)

__all__ = [
    "BLRGibbs",
    "bayesian_fdr",
    "credible_sets",
    "cross_validate",
    "describe",
    "diagnose",
    "effect_table",
    "enrichment_table",
    "fit_em",
    "genetic_correlation",
    "genetic_covariance",
    "geweke",
    "group_pip",
    "heritability",
    "hierarchical",
    "hierarchical_multivariate",
    "indicator_table",
    "load_diabetes",
    "merge_statistics",
    "model_size",
    "multiple_component",
    "multivariate",
    "multivariate_spike_slab",
    "ols",
    "pip",
    "pleiotropy_table",
    "plot_effects",
    "plot_geweke",
    "plot_patterns",
    "plot_pip",
    "plot_prior_posterior",
    "plot_shrinkage",
    "plot_variance",
    "ppc_table",
    "predict",
    "regression",
    "residual_correlation",
    "sample",
    "sample_more",
    "score",
    "simulate",
    "single_component",
    "spike_slab",
    "sufficient_statistics",
    "summary_table",
    "variance_explained",
    "variance_table",
    "window_pip",
]

_NAMESPACES = {"evidence": evidence, "gene_sets": gene_sets, "priors": priors, "testing": testing}


def __dir__() -> list[str]:
    return [*__all__, *_NAMESPACES, *(name for name in globals() if name.startswith("__"))]


if not TYPE_CHECKING:  # else a type checker would accept every name as an attribute

    def __getattr__(name: str) -> Any:
        """Raise for an unknown name, saying what to write instead."""
        homes = {"blr": __all__} | {f"blr.{key}": one.__all__ for key, one in _NAMESPACES.items()}
        raise AttributeError(no_such_name(name, homes))


# As in PyMC, log messages are shown unless the application has set up logging itself.
_log = logging.getLogger(__name__)
if not logging.root.handlers:
    _log.setLevel(logging.INFO)
    if not _log.handlers:
        _log.addHandler(logging.StreamHandler())

register()
