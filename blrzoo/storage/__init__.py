"""Forms in which X is kept, from the argument to the sweep, and what is computed of its columns."""
