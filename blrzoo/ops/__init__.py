"""The Ops: a file for each, with its NumPy reference and its numba kernel.

A new one is a new file: an Op of `blrzoo.ops.base` with a `reference`, and a kernel that the
decorators of `blrzoo.ops.numba` register.
"""

from blrzoo.ops.indicators import IndicatorSweep
from blrzoo.ops.linear_predictor import CrossProduct, LinearPredictor
from blrzoo.ops.sweep import Sweep
from blrzoo.ops.traits import Rotate, TraitSweep

__all__ = ["CrossProduct", "IndicatorSweep", "LinearPredictor", "Rotate", "Sweep", "TraitSweep"]
