"""Checks for authors of priors: whether the Gibbs step draws from the model's posterior."""

from blrzoo.testing.conditionals import check_conditionals
from blrzoo.testing.geweke import geweke_joint

__all__ = ["check_conditionals", "geweke_joint"]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
