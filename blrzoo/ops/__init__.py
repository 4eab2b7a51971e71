"""The sweep over features: a PyTensor Op, its NumPy reference and its numba kernel."""

from blrzoo.ops.kernel import make_kernel
from blrzoo.ops.sweep import Sweep

__all__ = ["Sweep", "make_kernel"]
