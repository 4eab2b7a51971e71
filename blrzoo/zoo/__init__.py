"""The factories: a function for each variant of the family."""

from blrzoo.zoo.hierarchical import hierarchical, hierarchical_multivariate
from blrzoo.zoo.one_trait import multiple_component, single_component, spike_slab
from blrzoo.zoo.several_traits import multivariate, multivariate_spike_slab

__all__ = [
    "hierarchical",
    "hierarchical_multivariate",
    "multiple_component",
    "multivariate",
    "multivariate_spike_slab",
    "single_component",
    "spike_slab",
]
