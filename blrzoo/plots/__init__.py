"""Plots of an InferenceData, on matplotlib axes that can be restyled."""

from blrzoo.plots.effects import plot_effects
from blrzoo.plots.geweke import plot_geweke
from blrzoo.plots.hyperparameters import plot_prior_posterior
from blrzoo.plots.inclusion import plot_pip
from blrzoo.plots.patterns import plot_patterns
from blrzoo.plots.shrinkage import plot_shrinkage
from blrzoo.plots.variance import plot_variance

__all__ = [
    "plot_effects",
    "plot_geweke",
    "plot_patterns",
    "plot_pip",
    "plot_prior_posterior",
    "plot_shrinkage",
    "plot_variance",
]
