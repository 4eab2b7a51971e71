"""blrzoo: a zoo of Bayesian linear regression models for PyMC."""

from blrzoo import testing
from blrzoo.datasets import load_diabetes
from blrzoo.diagnostics import indicator_diagnostics
from blrzoo.em.fit import fit_em
from blrzoo.gibbs.step import BLRGibbs, register
from blrzoo.least_squares import ols
from blrzoo.model import regression
from blrzoo.plots import plot_pip
from blrzoo.priors.annotated import AnnotatedInclusion, AnnotatedVariance
from blrzoo.priors.base import MixturePrior, Prior
from blrzoo.priors.grouped import GroupedMixture, GroupedRidge
from blrzoo.priors.horseshoe import Horseshoe
from blrzoo.priors.lasso import BayesianLasso
from blrzoo.priors.mixture import MultipleComponent
from blrzoo.priors.ridge import SingleComponent
from blrzoo.priors.scaled_t import BayesA, BayesB
from blrzoo.priors.spike_slab import SpikeSlab
from blrzoo.sampling import sample
from blrzoo.simulation import simulate
from blrzoo.summaries.effects import effect_summary
from blrzoo.summaries.inclusion import model_size, pip
from blrzoo.zoo import hierarchical, multiple_component, single_component, spike_slab

__all__ = [
    "AnnotatedInclusion",
    "AnnotatedVariance",
    "BLRGibbs",
    "BayesA",
    "BayesB",
    "BayesianLasso",
    "GroupedMixture",
    "GroupedRidge",
    "Horseshoe",
    "MixturePrior",
    "MultipleComponent",
    "Prior",
    "SingleComponent",
    "SpikeSlab",
    "effect_summary",
    "fit_em",
    "hierarchical",
    "indicator_diagnostics",
    "load_diabetes",
    "model_size",
    "multiple_component",
    "ols",
    "pip",
    "plot_pip",
    "regression",
    "sample",
    "simulate",
    "single_component",
    "spike_slab",
    "testing",
]

register()
