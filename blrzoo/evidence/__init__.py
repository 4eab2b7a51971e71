"""Comparison of models, and of features: leave-one-out, marginal likelihoods, Bayes factors."""

from blrzoo.evidence.factors import bayes_factors
from blrzoo.evidence.loo import compare
from blrzoo.evidence.marginal import log_marginal_likelihood
from blrzoo.prediction import log_score
from blrzoo.summaries.selection import bayes_factor_inclusion

__all__ = [
    "bayes_factor_inclusion",
    "bayes_factors",
    "compare",
    "log_marginal_likelihood",
    "log_score",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
