"""blrzoo: a zoo of Bayesian linear regression models for PyMC."""

import logging

from blrzoo import testing
from blrzoo.comparison import bayes_factors, compare, log_marginal_likelihood
from blrzoo.datasets import load_diabetes
from blrzoo.description import describe
from blrzoo.diagnostics import diagnose, geweke, indicator_diagnostics
from blrzoo.distributions.inverse_wishart import InverseWishart
from blrzoo.gene_sets import (
    assign_to_genes,
    gene_set_model,
    gene_set_table,
    gene_statistics,
    gene_z_scores,
)
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
from blrzoo.prediction import log_score, ppc_statistics, predict, score
from blrzoo.priors.annotated import AnnotatedInclusion, AnnotatedVariance
from blrzoo.priors.base import MixturePrior, Prior
from blrzoo.priors.grouped import GroupedMixture, GroupedRidge
from blrzoo.priors.horseshoe import Horseshoe
from blrzoo.priors.lasso import BayesianLasso
from blrzoo.priors.mixture import MultipleComponent
from blrzoo.priors.multivariate.base import MultivariateMixturePrior, MultivariatePrior
from blrzoo.priors.multivariate.mixture import GroupedMultivariateMixture
from blrzoo.priors.multivariate.ridge import GroupedMultivariate, Multivariate
from blrzoo.priors.multivariate.spike_slab import MultivariateSpikeSlab
from blrzoo.priors.ridge import SingleComponent
from blrzoo.priors.scaled_t import BayesA, BayesB
from blrzoo.priors.spike_slab import SpikeSlab
from blrzoo.reml.em import fit_em
from blrzoo.sampling import extend, sample
from blrzoo.simulation import simulate
from blrzoo.statistics import merge_statistics, sufficient_statistics
from blrzoo.summaries import (
    bayes_factor_inclusion,
    bayesian_fdr,
    credible_sets,
    draws_table,
    effect_summary,
    enrichment,
    genetic_correlation,
    genetic_covariance,
    group_pip,
    heritability,
    model_size,
    pip,
    pleiotropy,
    residual_correlation,
    variance_draws,
    variance_explained,
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
    "AnnotatedInclusion",
    "AnnotatedVariance",
    "BLRGibbs",
    "BayesA",
    "BayesB",
    "BayesianLasso",
    "GroupedMixture",
    "GroupedMultivariate",
    "GroupedMultivariateMixture",
    "GroupedRidge",
    "Horseshoe",
    "InverseWishart",
    "MixturePrior",
    "MultipleComponent",
    "Multivariate",
    "MultivariateMixturePrior",
    "MultivariatePrior",
    "MultivariateSpikeSlab",
    "Prior",
    "SingleComponent",
    "SpikeSlab",
    "assign_to_genes",
    "bayes_factor_inclusion",
    "bayes_factors",
    "bayesian_fdr",
    "compare",
    "credible_sets",
    "cross_validate",
    "describe",
    "diagnose",
    "draws_table",
    "effect_summary",
    "enrichment",
    "extend",
    "fit_em",
    "gene_set_model",
    "gene_set_table",
    "gene_statistics",
    "gene_z_scores",
    "genetic_correlation",
    "genetic_covariance",
    "geweke",
    "group_pip",
    "heritability",
    "hierarchical",
    "hierarchical_multivariate",
    "indicator_diagnostics",
    "load_diabetes",
    "log_marginal_likelihood",
    "log_score",
    "merge_statistics",
    "model_size",
    "multiple_component",
    "multivariate",
    "multivariate_spike_slab",
    "ols",
    "pip",
    "pleiotropy",
    "plot_effects",
    "plot_geweke",
    "plot_patterns",
    "plot_pip",
    "plot_prior_posterior",
    "plot_shrinkage",
    "plot_variance",
    "ppc_statistics",
    "predict",
    "regression",
    "residual_correlation",
    "sample",
    "score",
    "simulate",
    "single_component",
    "spike_slab",
    "sufficient_statistics",
    "testing",
    "variance_draws",
    "variance_explained",
    "window_pip",
]

# As PyMC does: what is logged is shown, unless an application has set up logging of its own.
_log = logging.getLogger(__name__)
if not logging.root.handlers:
    _log.setLevel(logging.INFO)
    if not _log.handlers:
        _log.addHandler(logging.StreamHandler())

register()
