"""The sweep over features: a PyTensor Op, its NumPy reference and its numba kernel."""
