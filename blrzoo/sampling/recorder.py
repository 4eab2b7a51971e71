"""Where draws are recorded: compiled once for all chains."""

from typing import Self

import pymc as pm
from pymc.backends import NDArray

__all__ = ["Recorder", "recorder"]


class Recorder(NDArray):
    """PyMC's own backend, of which PyMC makes a copy for each chain.

    Left to itself PyMC makes each anew, and compiles the same function for each. A copy of an
    `NDArray` is of no use: all copies record into the same arrays.
    """

    def __copy__(self) -> Self:
        """An empty one, with the function that is compiled already."""
        return type(self)(
            model=self.model,
            vars=self.vars,
            fn=self.fn,
            var_shapes=self.var_shapes,
            var_dtypes=self.var_dtypes,
        )


def recorder(model: pm.Model, var_names: list[str] | None) -> Recorder:
    """Make the recorder of the variables to keep; None keeps all."""
    kept = [rv for rv in model.unobserved_RVs if var_names is None or rv.name in var_names]
    return Recorder(model=model, vars=model.replace_rvs_by_values(kept))
