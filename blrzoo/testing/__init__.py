"""Checks for authors of priors: is what the Gibbs step draws right for the model?"""

from blrzoo.testing.conditionals import check_conditionals
from blrzoo.testing.geweke import geweke_joint

__all__ = ["check_conditionals", "geweke_joint"]
