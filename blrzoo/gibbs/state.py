"""Current values of a model's variables while a sweep is built, and the generator.

The sweep is built symbolically, variable after variable. `State` holds the current value of each
model variable. Each conditional is rebuilt over these values right before it is drawn, so no
intermediate result can hold an old value. One random generator is threaded through the graph.
"""

from collections.abc import Iterable

import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import ancestors, io_toposort
from pytensor.tensor.random.op import RNGConsumerOp
from pytensor.tensor.random.variable import rng as rng_variable
from pytensor.tensor.variable import TensorVariable

__all__ = ["State"]

#: A number of draws, or the shape of an array of them.
type Size = TensorVariable | int | tuple[TensorVariable | int, ...]


class State:
    """Current value of each random variable of a model, as symbols, and the generator.

    Parameters
    ----------
    model : pm.Model
        Values start as the model's value variables (transformed back), or the observed data.
    """

    def __init__(self, model: pm.Model) -> None:
        self.model = model
        self.values: dict[Variable, Variable] = {}
        self.rng = rng_variable("rng")
        for rv in sorted(model.basic_RVs, key=lambda rv: len(list(ancestors([rv])))):
            value, transform = model.rvs_to_values[rv], model.rvs_to_transforms.get(rv)
            if transform is not None:
                value = transform.backward(value, *self.rebuild(rv.owner.inputs))
            self.values[rv] = value

    def rebuild(self, outputs: Iterable[Variable]) -> list[Variable]:
        """Rebuild graphs of model variables and data over the current values."""
        rng = self.rng
        rebuilt = self._rebuild(list(outputs))
        if self.rng is not rng:
            raise NotImplementedError("a graph over model variables holds a draw of its own")
        return rebuilt

    def value(self, variable: TensorVariable) -> TensorVariable:
        """Current value of a random variable; one that `pm.do` made data is its own value."""
        return self.values.get(variable, variable)

    def draw(self, rv: TensorVariable, conditional: TensorVariable) -> None:
        """Draw a variable from its full conditional, from the threaded generator."""
        (self.values[rv],) = self._rebuild([conditional])

    def _rebuild(self, outputs: list[Variable]) -> list[Variable]:
        memo = dict(self.values)
        for node in io_toposort(list(memo), outputs):
            inputs = [memo.get(variable, variable) for variable in node.inputs]
            random = isinstance(node.op, RNGConsumerOp)
            if random:
                ((old, new),) = node.op.update(node).items()
                inputs[node.inputs.index(old)] = self.rng
            copy = node.clone_with_new_inputs(inputs, strict=False)
            if random:
                self.rng = copy.outputs[node.outputs.index(new)]
            memo.update(zip(node.outputs, copy.outputs, strict=True))
        return [memo.get(output, output) for output in outputs]

    def normals(self, size: Size) -> TensorVariable:
        """Draw standard normals from the threaded generator."""
        self.rng, draw = self.rng.normal(size=size)
        return draw

    def exponentials(self, size: Size) -> TensorVariable:
        """Draw standard exponentials from the threaded generator."""
        self.rng, draw = self.rng.exponential(size=size)
        return draw

    def integers(self, high: TensorVariable, size: Size) -> TensorVariable:
        """Draw whole numbers from 0 to below `high` from the threaded generator."""
        self.rng, draw = self.rng.integers(0, high, size=size)
        return draw

    def transformed(self, rv: TensorVariable) -> TensorVariable:
        """Current value of a variable on the scale of its value variable."""
        transform = self.model.rvs_to_transforms[rv]
        value = self.values[rv]
        if transform is not None:
            value = transform.forward(value, *self.rebuild(rv.owner.inputs))
        target = self.model.rvs_to_values[rv]
        return pt.cast(value, target.dtype)
