"""Graphs that are evaluated once: without machine code, which would take longer to make."""

from typing import Any

import numpy as np

__all__ = ["ONCE", "value_of"]

#: PyTensor's mode for them.
ONCE = "FAST_COMPILE"


def value_of(variable: Any) -> np.ndarray:
    """Evaluate a PyTensor variable that depends on no random variable.

    Parameters
    ----------
    variable : TensorVariable
        A constant, data of a model, or a graph of them.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> import pytensor.tensor as pt
    >>> from blrzoo.evaluate import value_of
    >>> float(value_of(pt.sqrt(pt.constant(9.0))))
    3.0
    """
    known = getattr(variable, "data", None)
    return np.asarray(variable.eval(mode=ONCE) if known is None else known)
