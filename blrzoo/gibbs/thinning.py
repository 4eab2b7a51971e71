"""Number of sweeps that a draw stands for."""

import numpy as np

from blrzoo.designs.base import Design
from blrzoo.gibbs.compose import Composer

__all__ = ["MOST", "WORK", "default_thin"]

#: Products of elements of X with effects or residuals in the sweeps of a draw: some milliseconds.
WORK = 2e7

#: Most sweeps of a draw.
MOST = 25


def default_thin(composer: Composer) -> int:
    """Number of sweeps of a draw: as many as `WORK` allows, from 1 to `MOST`.

    One, where effects and variances are drawn jointly: such draws are nearly independent.
    """
    if any(move.independent for move in composer.moves):
        return 1
    traits = int(np.prod(composer.trait_shape))
    work = sum(_elements(term.design) * traits for term in composer.spec.terms)
    return int(min(max(WORK / work, 1), MOST))


def _elements(design: Design) -> int:
    """Length of the residual times number of features."""
    return int(design.rows(design.arrays)) * len(design.arrays[-1])
