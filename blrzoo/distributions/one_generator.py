"""What random variables of this package have in common."""

from typing import Any

from pymc.distributions.distribution import SymbolicRandomVariable

__all__ = ["OneGenerator"]


class OneGenerator(SymbolicRandomVariable):
    """A random variable whose first input is its generator, and its first output the next."""

    def update(self, node: Any) -> dict[Any, Any]:
        """The generator in, and the generator out."""
        return {node.inputs[0]: node.outputs[0]}
