"""Priors of the effects: `Prior` and one file for each kind."""
