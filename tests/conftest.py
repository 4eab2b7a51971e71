"""Fixtures shared by the tests."""

import matplotlib

matplotlib.use("Agg")
