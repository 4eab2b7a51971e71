"""Graphs that are evaluated once: without machine code, which would take longer to make."""

import numpy as np
from pytensor.compile.mode import Mode
from pytensor.graph.basic import Variable

__all__ = ["AS_WRITTEN", "ONCE", "value_of"]

#: PyTensor's mode for them.
ONCE = "FAST_COMPILE"

#: Mode without rewriting, which takes most of the time of `ONCE`: for graphs without random
#: variables, as one of which only the shape is needed would be drawn.
AS_WRITTEN = Mode("py", None)


def value_of(variable: Variable) -> np.ndarray:
    """Evaluate a PyTensor variable that depends on no random variable.

    Parameters
    ----------
    variable : Variable
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
