"""Summaries of a posterior: functions of an InferenceData that return xarray."""

from blrzoo.summaries.covariance import (
    genetic_correlation,
    genetic_covariance,
    residual_correlation,
)
from blrzoo.summaries.effects import effect_summary
from blrzoo.summaries.fine_mapping import credible_sets
from blrzoo.summaries.group_inclusion import group_pip, window_pip
from blrzoo.summaries.inclusion import model_size, pip
from blrzoo.summaries.pleiotropy import pleiotropy
from blrzoo.summaries.selection import bayes_factor_inclusion, bayesian_fdr
from blrzoo.summaries.table import draws_table
from blrzoo.summaries.variance import (
    enrichment,
    heritability,
    variance_draws,
    variance_explained,
)

__all__ = [
    "bayes_factor_inclusion",
    "bayesian_fdr",
    "credible_sets",
    "draws_table",
    "effect_summary",
    "enrichment",
    "genetic_correlation",
    "genetic_covariance",
    "group_pip",
    "heritability",
    "model_size",
    "pip",
    "pleiotropy",
    "residual_correlation",
    "variance_draws",
    "variance_explained",
    "window_pip",
]
