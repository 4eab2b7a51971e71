"""Which of several models fits the same data best: leave-one-out, marginal likelihoods."""

from blrzoo.comparison.factors import bayes_factors
from blrzoo.comparison.loo import compare
from blrzoo.comparison.marginal import log_marginal_likelihood

__all__ = ["bayes_factors", "compare", "log_marginal_likelihood"]
