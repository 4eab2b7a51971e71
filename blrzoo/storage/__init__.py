"""The forms in which X is kept, from the argument to the sweep, and sums over its columns."""
