"""What all models share: intercepts, covariates and residual variances, of one trait or several."""
