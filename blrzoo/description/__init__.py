"""Description of a model, in words and numbers."""

from blrzoo.description.describe import describe
from blrzoo.description.table import Description, Line
from blrzoo.description.variables import describe_priors

__all__ = ["Description", "Line", "describe", "describe_priors"]
