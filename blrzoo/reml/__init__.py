"""Maximum restricted likelihood of the variance components, by EM."""
