"""Priors of effects on several traits: a file for each kind, `base` for what they share."""
