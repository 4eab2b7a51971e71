"""The Ops: a file for each, with its NumPy reference and its numba kernel.

A new Op is a new file: a subclass of a class of `blrzoo.ops.base` with a `reference`, and a
kernel, registered by a decorator of `blrzoo.ops.numba`.
"""

from blrzoo.ops.indicators import IndicatorSweep
from blrzoo.ops.linear_predictor import CrossProduct, LinearPredictor
from blrzoo.ops.sweep import Sweep
from blrzoo.ops.traits import Rotate, TraitSweep

__all__ = ["CrossProduct", "IndicatorSweep", "LinearPredictor", "Rotate", "Sweep", "TraitSweep"]
