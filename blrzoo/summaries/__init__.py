"""Summaries of a posterior: functions of an InferenceData that return xarray."""

from blrzoo.summaries.covariance import (
    genetic_correlation,
    genetic_covariance,
    residual_correlation,
)
from blrzoo.summaries.effects import effect_table
from blrzoo.summaries.fine_mapping import credible_sets
from blrzoo.summaries.group_inclusion import group_pip, window_pip
from blrzoo.summaries.inclusion import model_size, pip
from blrzoo.summaries.pleiotropy import pleiotropy_table
from blrzoo.summaries.selection import bayes_factor_inclusion, bayesian_fdr
from blrzoo.summaries.table import summary_table
from blrzoo.summaries.variance import enrichment_table, variance_explained, variance_table
from blrzoo.summaries.variance_share import heritability

__all__ = [
    "bayes_factor_inclusion",
    "bayesian_fdr",
    "credible_sets",
    "effect_table",
    "enrichment_table",
    "genetic_correlation",
    "genetic_covariance",
    "group_pip",
    "heritability",
    "model_size",
    "pip",
    "pleiotropy_table",
    "residual_correlation",
    "summary_table",
    "variance_explained",
    "variance_table",
    "window_pip",
]
