"""Base of the random variables of this package."""

from pymc.distributions.distribution import SymbolicRandomVariable
from pytensor.graph.basic import Apply, Variable

__all__ = ["OneGenerator"]


class OneGenerator(SymbolicRandomVariable):
    """A random variable whose first input is a generator, and whose first output is the next."""

    def update(self, node: Apply) -> dict[Variable, Variable]:
        """The generator before and after a draw."""
        return {node.inputs[0]: node.outputs[0]}
