"""Simulated data with a known truth, as `xarray.Dataset`."""

from blrzoo.simulation.study import simulate

__all__ = ["simulate"]
