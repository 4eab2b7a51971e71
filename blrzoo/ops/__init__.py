"""The sweep over features: a PyTensor Op, its NumPy reference and its numba kernel."""

from blrzoo.ops import linear_predictor_kernel, small_kernel
from blrzoo.ops.indicator_kernel import make_indicator_kernel
from blrzoo.ops.indicators import IndicatorSweep
from blrzoo.ops.kernel import make_kernel
from blrzoo.ops.linear_predictor import CrossProduct, LinearPredictor
from blrzoo.ops.sweep import Sweep
from blrzoo.ops.trait_kernel import make_trait_kernel
from blrzoo.ops.traits import Rotate, TraitSweep

__all__ = [
    "CrossProduct",
    "IndicatorSweep",
    "LinearPredictor",
    "Rotate",
    "Sweep",
    "TraitSweep",
    "linear_predictor_kernel",
    "make_indicator_kernel",
    "make_kernel",
    "make_trait_kernel",
    "small_kernel",
]
