"""Random variables of a model as one vector without bounds."""

import math
from collections.abc import Sequence

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform
from pytensor.tensor.variable import TensorVariable

from blrzoo.gibbs.state import State

__all__ = ["Coordinates"]


class Coordinates:
    """Some random variables, each as its transform in the model has it.

    Parameters
    ----------
    variables : sequence of TensorVariable
        Random variables of the model.
    state : State
        Current values.
    start : dict of str to ndarray
        A point of the model, for the sizes of the values.
    """

    def __init__(
        self, variables: Sequence[TensorVariable], state: State, start: dict[str, np.ndarray]
    ) -> None:
        self.variables, self.state, model = variables, state, state.model
        self._shapes = [start[model.rvs_to_values[rv].name].shape for rv in variables]

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return sum(map(math.prod, self._shapes))

    def current(self) -> TensorVariable:
        """Current point, (coordinate,)."""
        return pt.concatenate([self._forward(rv).ravel() for rv in self.variables])

    def split(self, points: TensorVariable) -> dict[TensorVariable, TensorVariable]:
        """Coordinates of each variable, from points, (..., coordinate)."""
        found, first = {}, 0
        for rv, shape in zip(self.variables, self._shapes, strict=True):
            last, found[rv] = first + math.prod(shape), points[..., first]
            if shape:
                found[rv] = points[..., first:last].reshape((*points.shape[:-1], *shape))
            first = last
        return found

    def backward(self, rv: TensorVariable, value: TensorVariable) -> TensorVariable:
        """Value of a variable."""
        transform = self._transform(rv)
        return value if transform is None else transform.backward(value, *self._inputs(rv))

    def log_jacobian(self, rv: TensorVariable, value: TensorVariable) -> TensorVariable:
        """Log Jacobian determinant of `backward`, summed."""
        transform = self._transform(rv)
        if transform is None:
            return pt.constant(0.0)
        return pt.sum(transform.log_jac_det(value, *self._inputs(rv)))

    def _forward(self, rv: TensorVariable) -> TensorVariable:
        transform, value = self._transform(rv), self.state.value(rv)
        return value if transform is None else transform.forward(value, *self._inputs(rv))

    def _transform(self, rv: TensorVariable) -> Transform | None:
        return self.state.model.rvs_to_transforms[rv]

    def _inputs(self, rv: TensorVariable) -> list[TensorVariable]:
        return self.state.rebuild(rv.owner.inputs)
