"""What a design is: X in the form that makes its sweep cheapest, behind two operations.

A sweep visits the features one by one. All that it asks of a design is the dot product of a
feature with the working state, and the update of that state when an effect changes. A new design
is a subclass with its own `dot` and `update`; the sweep's kernel and the Op stay as they are.
"""

from typing import Any, ClassVar

import numpy as np
import pytensor
from pytensor.tensor.variable import TensorVariable

__all__ = ["DESIGNS", "Design", "register"]

#: Designs by name. The Op holds the name, which is also part of the key of compiled kernels.
DESIGNS: dict[str, type["Design"]] = {}


class Design:
    """X in some form, centred.

    Attributes
    ----------
    name : str
        Key in `DESIGNS`.
    arrays : tuple of ndarray
        What the kernel reads; the last one is the diagonal of X'X, (feature,).
    """

    name: ClassVar[str]
    arrays: tuple[np.ndarray, ...]

    @staticmethod
    def dot(arrays: Any, j: int, working: Any) -> Any:
        """x_j'r from the working state; compiled by numba."""
        raise NotImplementedError

    @staticmethod
    def update(arrays: Any, j: int, change: Any, working: Any) -> None:
        """Add ``change`` times x_j to the residual, in place; compiled by numba."""
        raise NotImplementedError

    def shared(self) -> list[TensorVariable]:
        """The arrays as PyTensor variables, not copied."""
        return [pytensor.shared(array, borrow=True) for array in self.arrays]

    def fit(self, effects: np.ndarray) -> np.ndarray:
        """The part of the working state that depends on the effects."""
        raise NotImplementedError


def register(design: type[Design]) -> type[Design]:
    """Make a design known by its name (a class decorator)."""
    DESIGNS[design.name] = design
    return design
