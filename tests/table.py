"""The table of priors that drives the generic tests: a new prior adds one row.

Each row makes a model of given data, with priors narrow enough for the joint test.
"""

import numpy as np
import pymc as pm

import blrzoo as blr

NARROW = {"mu": (0.0, 1.0), "sigma2": (8.0, 1.0)}


class HalfNormalSlab(blr.SpikeSlab):
    """The slab's standard deviation is half-normal: no conjugate update, NUTS takes it."""

    def tau2_variable(self):
        return pm.HalfNormal("tau", 1.0) ** 2


class GroupRidge(blr.Prior):
    """The example of the design: a variance for each group of features."""

    def __init__(self, groups, df=8.0, scale=0.5):
        self.index, self.df, self.scale = np.asarray(groups), df, scale
        self.counts = np.bincount(self.index)

    def variables(self):
        pm.modelcontext(None).add_coord("group", range(len(self.counts)))
        return {
            "tau2": pm.InverseGamma("tau2", self.df / 2, self.df * self.scale / 2, dims="group")
        }

    def variance(self, v):
        return v["tau2"][self.index]

    def conditionals(self, v, effects):
        ss = pm.math.stack([pm.math.sum(effects[self.index == g] ** 2) for g in (0, 1)])
        shape, scale = (self.df + self.counts) / 2, (self.df * self.scale + ss) / 2
        return {v["tau2"]: pm.InverseGamma.dist(shape, scale)}


def fixed_mixture():
    """Three components with fixed variances and weights, labels in a Categorical."""

    class FixedMixture(blr.MixturePrior):
        def variables(self):
            return {}

        def components(self, v):
            return np.array([0.0, 0.1, 1.0]), np.log([0.5, 0.3, 0.2])

    return FixedMixture()


def _covariate(X):
    return np.cos(np.arange(len(X)))[:, None] + 2.0


PRIORS = {
    "ridge-joint": lambda X, y: blr.single_component(X, y, tau2=(8, 0.5), update="joint", **NARROW),
    "ridge-single-site": lambda X, y: blr.single_component(
        X, y, tau2=(8, 0.5), update="single-site", **NARROW
    ),
    "ridge-covariate": lambda X, y: blr.single_component(
        X, y, tau2=(8, 0.5), covariates=_covariate(X), gamma=(0.0, 0.5), **NARROW
    ),
    "ridge-not-centred": lambda X, y: blr.single_component(
        X + 1.0, y, tau2=(8, 0.5), center=False, update="single-site", **NARROW
    ),
    "spike-slab": lambda X, y: blr.spike_slab(X, y, tau2=(8, 0.5), pi=(2, 2), **NARROW),
    "spike-slab-covariate": lambda X, y: blr.spike_slab(
        X, y, tau2=(8, 0.5), pi=(2, 2), covariates=_covariate(X), gamma=(0.0, 0.5), **NARROW
    ),
    "spike-slab-fixed": lambda X, y: blr.spike_slab(
        X, y, tau2=0.5, pi=0.3, mu=(0.0, 1.0), sigma2=1.0
    ),
    "mixture-fixed": lambda X, y: blr.regression(X, y, prior=fixed_mixture(), **NARROW),
    "group-ridge": lambda X, y: blr.regression(
        X, y, prior=GroupRidge(np.arange(X.shape[1]) % 2), **NARROW
    ),
    "half-normal-slab": lambda X, y: blr.regression(
        X, y, prior=HalfNormalSlab(pi=(2, 2)), **NARROW
    ),
    "half-normal-ridge": lambda X, y: blr.single_component(
        X, y, tau2=pm.HalfNormal.dist(1.0), **NARROW
    ),
}

#: What has no full conditional and is left to NUTS.
LEFT_TO_NUTS = {"half-normal-slab": {"tau"}, "half-normal-ridge": {"tau2"}}


def small_data(n=6, p=3, seed=1):
    """A few observations, for tests that look at the prior as much as at the data."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X[:, 0] + rng.normal(size=n)
