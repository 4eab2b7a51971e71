"""Diagnostics of a fit: functions of an InferenceData, for what ArviZ lacks."""

from blrzoo.diagnostics.geweke_scores import geweke
from blrzoo.diagnostics.indicators import indicator_table
from blrzoo.diagnostics.verdict import Diagnosis, diagnose

__all__ = ["Diagnosis", "diagnose", "geweke", "indicator_table"]
