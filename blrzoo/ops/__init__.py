"""The sweep over features: a PyTensor Op, its NumPy reference and its numba kernel."""

from blrzoo.ops import small_kernel
from blrzoo.ops.indicator_kernel import make_indicator_kernel
from blrzoo.ops.indicators import IndicatorSweep
from blrzoo.ops.kernel import make_kernel
from blrzoo.ops.sweep import Sweep
from blrzoo.ops.trait_kernel import make_trait_kernel
from blrzoo.ops.traits import Rotate, TraitSweep

__all__ = [
    "IndicatorSweep",
    "Rotate",
    "Sweep",
    "TraitSweep",
    "make_indicator_kernel",
    "make_kernel",
    "make_trait_kernel",
    "small_kernel",
]
