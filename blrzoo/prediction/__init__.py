"""Predictions of new rows, their scores, and posterior predictive checks."""

from blrzoo.prediction.checks import ppc_table
from blrzoo.prediction.new_rows import log_score, predict
from blrzoo.prediction.scoring import score

__all__ = ["log_score", "ppc_table", "predict", "score"]
