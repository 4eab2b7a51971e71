"""Timings: ``make bench``. Compare ratios within a run; single times depend on the machine."""
