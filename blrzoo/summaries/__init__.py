"""Summaries of a posterior: functions of an InferenceData that return xarray."""

from blrzoo.summaries.effects import effect_summary
from blrzoo.summaries.inclusion import model_size, pip

__all__ = ["effect_summary", "model_size", "pip"]
