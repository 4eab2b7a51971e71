"""Priors of the effects: classes for ``prior=``, base classes, and `conjugate`."""

from blrzoo.distributions.inverse_wishart import InverseWishart
from blrzoo.priors import conjugate
from blrzoo.priors.annotated import AnnotatedInclusion, AnnotatedVariance
from blrzoo.priors.base import MixturePrior, Prior
from blrzoo.priors.grouped import HierarchicalMixture, HierarchicalRidge
from blrzoo.priors.horseshoe import Horseshoe
from blrzoo.priors.lasso import BayesianLasso
from blrzoo.priors.mixture import MultipleComponent
from blrzoo.priors.multivariate.base import MultivariateMixturePrior, MultivariatePrior
from blrzoo.priors.multivariate.mixture import HierarchicalMultivariateMixture
from blrzoo.priors.multivariate.ridge import HierarchicalMultivariate, Multivariate
from blrzoo.priors.multivariate.spike_slab import MultivariateSpikeSlab
from blrzoo.priors.ridge import SingleComponent
from blrzoo.priors.scaled_t import BayesA, BayesB
from blrzoo.priors.spike_slab import SpikeSlab

__all__ = [
    "AnnotatedInclusion",
    "AnnotatedVariance",
    "BayesA",
    "BayesB",
    "BayesianLasso",
    "HierarchicalMixture",
    "HierarchicalMultivariate",
    "HierarchicalMultivariateMixture",
    "HierarchicalRidge",
    "Horseshoe",
    "InverseWishart",
    "MixturePrior",
    "MultipleComponent",
    "Multivariate",
    "MultivariateMixturePrior",
    "MultivariatePrior",
    "MultivariateSpikeSlab",
    "Prior",
    "SingleComponent",
    "SpikeSlab",
    "conjugate",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
