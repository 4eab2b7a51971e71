"""The readers of an InferenceData: draws, X and groups by label, variances of X beta."""
