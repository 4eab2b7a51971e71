"""Sufficient statistics: all that a linear regression needs of its data, without the rows."""

from blrzoo.statistics.build import sufficient_statistics
from blrzoo.statistics.check import check_statistics
from blrzoo.statistics.merge import merge_statistics

__all__ = ["check_statistics", "merge_statistics", "sufficient_statistics"]
