"""Drawing from the posterior: a first fit, and more draws of it."""

from blrzoo.sampling.draw import sample
from blrzoo.sampling.extension import sample_more

__all__ = ["sample", "sample_more"]
