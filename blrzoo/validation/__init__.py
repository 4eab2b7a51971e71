"""Cross-validation: models fitted without some rows, and how well they predict them."""

from blrzoo.validation.crossing import cross_validate

__all__ = ["cross_validate"]
