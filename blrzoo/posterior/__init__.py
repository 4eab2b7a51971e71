"""What all that is read from a fit reads: draws, X and groups by label, variances of X beta."""
