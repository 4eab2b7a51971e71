"""Timings: ``make bench``. Ratios of one run count; single times depend on the machine."""
