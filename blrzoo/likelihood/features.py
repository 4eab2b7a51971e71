"""What the features add to the mean of y, of any design."""

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.ops.linear_predictor import LinearPredictor

__all__ = ["linear_predictor", "scaled"]


def linear_predictor(design: Design, beta: Any, rows: str = "") -> TensorVariable:
    """Multiply X about its centres, neither weighted nor scaled, with beta.

    Parameters
    ----------
    design : Design
        X; its arrays are shared variables that belong to no model, so that a model, its copies
        and all fits have one copy of them.
    beta : TensorVariable, (feature[, trait])
        Effects, in units of y per unit of the feature as given.
    rows : str, default ""
        "" for the rows with y, "_missing" for those without.

    Returns
    -------
    TensorVariable, (obs[, trait])

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs.dense import Dense
    >>> from blrzoo.likelihood.features import linear_predictor
    >>> linear_predictor(Dense(np.eye(2), np.zeros(2)), np.array([3.0, 4.0])).eval()
    array([3., 4.])
    """
    effects = scaled(design, pt.as_tensor(beta))
    # PyMC takes what is not observed, and follows from a shared variable, for changed data.
    arrays = [pt.constant(array) for array in design.arrays] if rows else design.shared()
    fit = LinearPredictor(design.name)(*arrays, effects)
    return fit / _like(design.root, fit) if np.ndim(design.root) else fit


def scaled(design: Design, beta: TensorVariable) -> TensorVariable:
    """Effects on the scale of a design, (feature[, trait]), from those per unit as given.

    Parameters
    ----------
    design : Design
        Its features may be divided by units.
    beta : TensorVariable, (feature[, trait])
        Effects, in units of y per unit of the feature as given.

    Returns
    -------
    TensorVariable, (feature[, trait])
    """
    return beta if design.unit is None else beta * _like(design.unit, beta)


def _like(values: np.ndarray, variable: Any) -> np.ndarray:
    """A vector with as many dims as a variable."""
    return np.reshape(values, (-1,) + (1,) * (variable.ndim - 1))
