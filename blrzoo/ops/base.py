"""What the Ops have in common: a NumPy reference, and for sweeps a design and named inputs."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.basic import Apply, Variable
from pytensor.graph.op import Op
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import DESIGNS, Arrays, Design

__all__ = ["DesignOp", "ReferenceOp", "SweepOp", "begin_traits", "end_traits"]

#: Lengths of the dims, symbolic in a graph; None where a static one is unknown.
Shape = tuple[int | TensorVariable | None, ...]
Variables = Sequence[Variable]


class ReferenceOp(Op):
    """An Op that is evaluated in NumPy where PyTensor does not compile with numba.

    A subclass defines

    - ``reference(*inputs)``: the outputs in plain NumPy, easy to read, for the inputs of the numba
      kernel; one array, or a tuple where there are several outputs;
    - ``dtypes``: the dtypes of the outputs;
    - ``infer_shape(node, shapes)``: the shapes of the outputs from those of the inputs. `make_node`
      calls it too, with None for the node and static shapes, where an unknown length is None.

    Its kernel is registered by `blrzoo.ops.numba.register`.
    """

    __props__: tuple[str, ...] = ()
    dtypes: ClassVar[tuple[str, ...]]
    reference: Callable[..., np.ndarray | tuple[np.ndarray, ...]]

    def make_node(self, *inputs: pt.TensorLike) -> Apply:
        """Make the node of tensors; static shapes of the inputs give those of the outputs."""
        variables = [pt.as_tensor(value) for value in inputs]
        shapes = self.infer_shape(None, [variable.type.shape for variable in variables])
        pairs = zip(self.dtypes, shapes, strict=True)
        return Apply(
            self, variables, [pt.tensor(dtype=dtype, shape=shape) for dtype, shape in pairs]
        )

    def perform(
        self, node: Apply, inputs: Sequence[np.ndarray], outputs: list[list[np.ndarray | None]]
    ) -> None:
        """Evaluate with the NumPy reference."""
        values = self.reference(*inputs)
        for storage, value in zip(outputs, values if len(outputs) > 1 else [values], strict=True):
            storage[0] = value


class DesignOp(ReferenceOp):
    """A `ReferenceOp` whose first inputs are the arrays of a design.

    Its kernel is registered by `blrzoo.ops.numba.register_by_design`.

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.
    """

    __props__ = ("design",)

    def __init__(self, design: str) -> None:
        self.design = design

    @property
    def kind(self) -> type[Design]:
        """Class of the design."""
        return DESIGNS[self.design]


class SweepOp(DesignOp):
    """One Gibbs sweep over the features: a pure function of the state and of its noise.

    A subclass of this `DesignOp` defines

    - ``Inputs``: a NamedTuple of all its inputs after the design's arrays;
    - ``shapes(given)``: the shapes of the outputs, where `given` are the shapes of ``Inputs``;
    - ``dtypes`` and ``reference``, as for any `ReferenceOp`.

    Parameters
    ----------
    design : str
        Name of the design, a key of `blrzoo.designs.base.DESIGNS`.
    """

    Inputs: ClassVar[Any]
    shapes: Callable[[Any], list[Shape]]

    def infer_shape(self, node: Apply | None, shapes: Sequence[Shape]) -> list[Shape]:
        """Shapes of the outputs, from `shapes`."""
        _, given = self.parts(shapes)
        return self.shapes(given)

    def parts[V](self, inputs: Sequence[V]) -> tuple[tuple[V, ...], Any]:
        """Arrays of the design, and the other inputs by name."""
        first = -len(self.Inputs._fields)
        return tuple(inputs[:first]), self.Inputs(*inputs[first:])


def begin_traits(design: type[Design], arrays: Arrays, residual: np.ndarray) -> np.ndarray:
    """Working states of the design as rows, (trait, any), from the residual, (obs, trait)."""
    return np.array([design.begin(arrays, column) for column in residual.T])


def end_traits(design: type[Design], arrays: Arrays, rows: np.ndarray) -> np.ndarray:
    """Residual, (obs, trait), from the working states of the traits."""
    return np.stack([design.end(arrays, row) for row in rows], axis=1)
