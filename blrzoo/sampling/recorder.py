"""Recorder of draws, compiled once for all chains of all models of a kind."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import pymc as pm
from pymc.backends import NDArray
from pytensor.tensor.variable import TensorVariable

from blrzoo.gibbs.compiled import Compiled
from blrzoo.gibbs.spec import spec_of

__all__ = ["Recorder", "n_labels", "recorder"]


class Recorder(NDArray):
    """PyMC's backend, which PyMC copies for each chain."""

    # Without one, PyMC makes a backend for each chain, and compiles the same function for each.
    # Plain copies of an `NDArray` would all record into the same arrays.
    def __copy__(self) -> Self:
        """An empty recorder with the same compiled function."""
        return type(self)(
            model=self.model,
            vars=self.vars,
            fn=self.fn,
            var_shapes=self.var_shapes,
            var_dtypes=self.var_dtypes,
        )


def recorder[R: Recorder](
    model: pm.Model, var_names: list[str] | None, kind: type[R] = Recorder
) -> R:
    """Make the recorder of the variables to keep; None keeps all."""
    kept = [rv for rv in model.unobserved_RVs if var_names is None or rv.name in var_names]
    values = model.replace_rvs_by_values(kept)
    try:
        function: Recording | None = Recording(model, values)
    except ValueError:  # a Deterministic of the user draws random numbers: PyMC seeds them
        function = None
    made = kind(model=model, vars=values, fn=function)
    # There are as many labels as effects: a byte for each.
    made.var_dtypes |= {name: np.dtype(np.int8) for name in _labels(model) & {*made.varnames}}
    return made


def _labels(model: pm.Model) -> set[str]:
    """Names of labels whose values fit into a byte."""
    return {str(rv.name) for rv in model.free_RVs if n_labels(rv) <= np.iinfo(np.int8).max}


def n_labels(rv: TensorVariable) -> float:
    """Number of values of a label; infinity if unknown, and for other variables."""
    spec = spec_of(rv)
    if spec is None or rv.name not in {term.label_name for term in spec.terms}:
        return np.inf
    if isinstance(rv.owner.op, pm.Bernoulli.rv_type):
        return 2
    (probabilities,) = rv.owner.op.dist_params(rv.owner)
    number = probabilities.type.shape[-1]
    return np.inf if number is None else number


class Recording:
    """The function of a recorder, which takes values by position or by name."""

    def __init__(self, model: pm.Model, values: list[TensorVariable]) -> None:
        self.names = [str(variable.name) for variable in model.value_vars]
        self.function = Compiled(model.value_vars, values)

    def __call__(self, *point: np.ndarray, **named: np.ndarray) -> Sequence[np.ndarray]:
        """Return the values to keep."""
        return self.function(*point, *[named[name] for name in self.names if name in named])
