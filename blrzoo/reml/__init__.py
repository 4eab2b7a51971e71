"""Restricted maximum likelihood (REML) of the variance components, by EM."""
