"""blrzoo: a zoo of Bayesian linear regression models for PyMC."""

from blrzoo import testing
from blrzoo.datasets import load_diabetes
from blrzoo.diagnostics import indicator_diagnostics
from blrzoo.gibbs.step import BLRGibbs, register
from blrzoo.model import regression
from blrzoo.plots import plot_pip
from blrzoo.priors.base import MixturePrior, Prior
from blrzoo.priors.ridge import SingleComponent
from blrzoo.priors.spike_slab import SpikeSlab
from blrzoo.sampling import sample
from blrzoo.simulation import simulate
from blrzoo.summaries.effects import effect_summary
from blrzoo.summaries.inclusion import model_size, pip
from blrzoo.zoo import single_component, spike_slab

__all__ = [
    "BLRGibbs",
    "MixturePrior",
    "Prior",
    "SingleComponent",
    "SpikeSlab",
    "effect_summary",
    "indicator_diagnostics",
    "load_diabetes",
    "model_size",
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
