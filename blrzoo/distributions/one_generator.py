"""Base of the random variables of this package."""

from typing import Any

from pymc.distributions.distribution import SymbolicRandomVariable

__all__ = ["OneGenerator"]


class OneGenerator(SymbolicRandomVariable):
    """A random variable whose first input is a generator, and whose first output is the next."""

    def update(self, node: Any) -> dict[Any, Any]:
        """The generator before and after a draw."""
        return {node.inputs[0]: node.outputs[0]}
