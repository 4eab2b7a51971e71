"""Priors of effects on several traits: `base`, and a file for each kind."""
