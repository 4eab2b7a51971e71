"""From full conditionals to one compiled sweep, and the step method that PyMC calls."""
