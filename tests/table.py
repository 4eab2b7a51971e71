"""The table of priors that drives the generic tests: a new prior adds one row.

Each row makes a model of given data, with priors narrow enough for the joint test.
"""

import numpy as np
import pymc as pm
import pytest

import blrzoo as blr
from blrzoo.building import Part, build_model
from blrzoo.data import check_data
from blrzoo.likelihood.single import Likelihood
from blrzoo.sources import Observations
from tests.builders import make_data

#: Values of no parameter are 0 or 1, where a mistake would not show.
NARROW = {"mu": (0.3, 0.8), "sigma2": (8.0, 1.2)}


class HalfNormalSlab(blr.priors.SpikeSlab):
    """The slab's standard deviation is half-normal: not conjugate, so NUTS draws it."""

    def tau2_variable(self):
        return pm.HalfNormal("tau", 1.0) ** 2


class GroupRidge(blr.priors.Prior):
    """A variance for each group of features, with its conditional written out."""

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

    class FixedMixture(blr.priors.MixturePrior):
        def variables(self):
            return {}

        def components(self, v):
            return np.array([0.0, 0.1, 1.0]), np.log([0.5, 0.3, 0.2])

    return FixedMixture()


def _covariates(X):
    """Two covariates, one where there are three observations."""
    both = np.column_stack([np.cos(np.arange(len(X))) + 2.0, np.sin(2.0 * np.arange(len(X)))])
    return both[:, : len(X) - 2]


def _in_units(X):
    """Features in different units."""
    return X * 3.0 ** np.arange(X.shape[1])


def _halves(X):
    """Two groups of features; one group if there is one feature."""
    return np.where(np.arange(X.shape[1]) % 2, "odd", "even")


def _annotation(X):
    return np.cos(np.arange(X.shape[1]))[:, None] + 2.0


TRAIT_NARROW = {"mu": (0.3, 0.8), "Sigma_e": (8, 4.0)}


def _two_traits(y, holes=False):
    """Add a second trait, and optionally missing values; every row keeps one trait."""
    Y = np.column_stack([y, np.cos(np.arange(len(y))) - 0.5 * y])
    if holes:
        Y[::3, 0], Y[1::3, 1] = np.nan, np.nan
    return Y


class TwoVariances(blr.priors.MultivariatePrior):
    """A multi-trait prior in a few lines: fixed correlation, learned variances of two groups."""

    def __init__(self, groups):
        self.group_index = np.asarray(groups)

    def variables(self):
        return {"tau2": pm.InverseGamma("tau2", 4.0, 2.0, shape=2)}

    def covariance(self, v):
        self.shape = np.array([[1.0, 0.5], [0.5, 1.0]])
        return v["tau2"][:, None, None] * self.shape

    def conditionals(self, v, effects):
        squares = ((effects @ np.linalg.inv(self.shape)) * effects).sum(axis=1)
        found = [squares[self.group_index == g].sum() for g in (0, 1)]
        counts = 2.0 * np.bincount(self.group_index, minlength=2)
        return {v["tau2"]: pm.InverseGamma.dist(4.0 + counts / 2, 2.0 + pm.math.stack(found) / 2)}


class HalfNormalCovariance(blr.priors.Multivariate):
    """The prior of Sigma_b is replaced: not conjugate, so NUTS draws the standard deviations."""

    def variables(self):
        sd = pm.HalfNormal("sd", 1.0, dims="trait")
        correlation = np.array([[1.0, 0.3], [0.3, 1.0]])
        return {"Sigma_b": pm.Deterministic("Sigma_b", correlation * sd[:, None] * sd[None, :])}


PRIORS = {
    "ridge-joint": lambda X, y: blr.single_component(X, y, tau2=(8, 0.5), update="joint", **NARROW),
    "ridge-single-site": lambda X, y: blr.single_component(
        X, y, tau2=(8, 0.5), update="single-site", **NARROW
    ),
    "ridge-covariate": lambda X, y: blr.single_component(
        X, y, tau2=(8, 0.5), covariates=_covariates(X), gamma=(0.2, 0.5), **NARROW
    ),
    "ridge-not-centred": lambda X, y: blr.single_component(
        X + 1.0, y, tau2=(8, 0.5), center=False, update="single-site", **NARROW
    ),
    "spike-slab": lambda X, y: blr.spike_slab(X, y, tau2=(8, 0.5), pi=(2, 2), **NARROW),
    "spike-slab-covariate": lambda X, y: blr.spike_slab(
        X, y, tau2=(8, 0.5), pi=(2, 2), covariates=_covariates(X), gamma=(0.2, 0.5), **NARROW
    ),
    "spike-slab-standardized": lambda X, y: blr.spike_slab(
        _in_units(X), y, tau2=(8, 0.5), pi=(2, 2), standardize=True, **NARROW
    ),
    "spike-slab-fixed": lambda X, y: blr.spike_slab(
        X, y, tau2=0.5, pi=0.3, mu=(0.0, 1.0), sigma2=1.0
    ),
    "spike-slab-inclusion": lambda X, y: blr.spike_slab(
        X, y, tau2=(8, 0.5), inclusion=np.linspace(0.2, 0.8, X.shape[1]), **NARROW
    ),
    "spike-slab-groups": lambda X, y: blr.spike_slab(
        X, y, tau2=(8, 0.5), pi=(2, 2), groups=_halves(X), **NARROW
    ),
    "multiple-component": lambda X, y: blr.multiple_component(
        X, y, n_components=3, tau2=(8, [0.1, 1.0]), pi=(2, 2, 2), **NARROW
    ),
    "bayes-r": lambda X, y: blr.multiple_component(
        X, y, ratios=(0, 0.01, 0.1, 1), tau2=(8, 1.0), pi=(2, 2, 2, 2), **NARROW
    ),
    "no-null": lambda X, y: blr.multiple_component(
        X, y, n_components=2, tau2=(8, [0.1, 1.0]), pi=(2, 2), null=False, **NARROW
    ),
    "hierarchical": lambda X, y: blr.hierarchical(X, y, _halves(X), tau2=(8, 0.5), **NARROW),
    "hierarchical-pooled": lambda X, y: blr.hierarchical(
        X, y, _halves(X), tau2=(8, 0.5), pooled=True, **NARROW
    ),
    "hierarchical-mixture": lambda X, y: blr.hierarchical(
        X, y, _halves(X), n_components=3, tau2=(8, 0.5), pi=(2, 2, 2), pooled=True, **NARROW
    ),
    "hierarchical-bayes-r": lambda X, y: blr.hierarchical(
        X,
        y,
        _halves(X),
        n_components=3,
        tau2=(8, 0.5),
        ratios=(0.1, 1),
        pi=(2, 2, 2),
        shared_pi=True,
        **NARROW,
    ),
    "weights-and-missing": lambda X, y: blr.spike_slab(
        X,
        np.where(np.arange(len(y)) == 1, np.nan, y),
        tau2=(8, 0.5),
        pi=(2, 2),
        weights=np.linspace(0.5, 2.0, len(y)),
        missing="predict",
        **NARROW,
    ),
    "ridge-weights": lambda X, y: blr.single_component(
        X, y, tau2=(8, 0.5), weights=np.linspace(0.5, 2.0, len(y)), update="joint", **NARROW
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
    "bayes-a": lambda X, y: blr.regression(
        X, y, prior=blr.priors.BayesA(nu=8, S2=(4, 8)), **NARROW
    ),
    "bayes-b": lambda X, y: blr.regression(
        X, y, prior=blr.priors.BayesB(nu=8, S2=(4, 8), pi=(2, 2)), **NARROW
    ),
    "lasso": lambda X, y: blr.regression(
        X, y, prior=blr.priors.BayesianLasso(lambda2=(4, 1)), **NARROW
    ),
    "horseshoe": lambda X, y: blr.regression(
        X, y, prior=blr.priors.Horseshoe(tau=pm.HalfNormal.dist(0.5), c2=(8, 0.5)), **NARROW
    ),
    "annotated-variance": lambda X, y: blr.regression(
        X,
        y,
        prior=blr.priors.AnnotatedVariance(_annotation(X), tau2=(8, 0.5), eta=(0, 0.5)),
        **NARROW,
    ),
    "annotated-inclusion": lambda X, y: blr.regression(
        X,
        y,
        prior=blr.priors.AnnotatedInclusion(_annotation(X), tau2=(8, 0.5), eta=(0, 0.5)),
        **NARROW,
    ),
    "multivariate-joint": lambda X, y: blr.multivariate(
        X, _two_traits(y), Sigma_b=(8, 2.0), update="joint", **TRAIT_NARROW
    ),
    "multivariate-single-site": lambda X, y: blr.multivariate(
        X, _two_traits(y), Sigma_b=(8, 2.0), update="single-site", **TRAIT_NARROW
    ),
    "multivariate-diagonal": lambda X, y: blr.multivariate(
        X,
        _two_traits(y),
        form="diagonal",
        tau2=(8, 0.5),
        residual="diagonal",
        mu=(0.3, 0.8),
        sigma2=(8.0, 1.2),
    ),
    "multivariate-holes": lambda X, y: blr.multivariate(
        X,
        _two_traits(y, holes=True),
        Sigma_b=(8, 2.0),
        weights=np.linspace(0.5, 2.0, len(y)),
        covariates=_covariates(X),
        gamma=(0.2, 0.5),
        **TRAIT_NARROW,
    ),
    "traits-independent": lambda X, y: blr.multivariate_spike_slab(
        X, _two_traits(y), Sigma_b=(8, 2.0), pi=(2, 2), **TRAIT_NARROW
    ),
    "traits-all": lambda X, y: blr.multivariate_spike_slab(
        X,
        _two_traits(y, holes=True),
        patterns="all",
        Sigma_b=(8, 2.0),
        pi=(2, 2, 2, 2),
        **TRAIT_NARROW,
    ),
    "traits-standardized": lambda X, y: blr.multivariate_spike_slab(
        _in_units(X),
        _two_traits(y),
        patterns="all",
        Sigma_b=(8, 2.0),
        pi=(2, 2, 2, 2),
        standardize=True,
        **TRAIT_NARROW,
    ),
    "traits-restrictive": lambda X, y: blr.multivariate_spike_slab(
        X,
        np.where(np.arange(len(y))[:, None] == 1, np.nan, _two_traits(y)),
        patterns="restrictive",
        form="diagonal",
        tau2=(8, 0.5),
        pi=(2, 2),
        missing="predict",
        **TRAIT_NARROW,
    ),
    "traits-explicit": lambda X, y: blr.multivariate_spike_slab(
        X, _two_traits(y), patterns=[[1, 0], [1, 1]], Sigma_b=(8, 2.0), pi=(2, 2), **TRAIT_NARROW
    ),
    "traits-groups": lambda X, y: blr.hierarchical_multivariate(
        X, _two_traits(y), _halves(X), Sigma_b=(8, 2.0), **TRAIT_NARROW
    ),
    "traits-groups-mixture": lambda X, y: blr.hierarchical_multivariate(
        X, _two_traits(y), _halves(X), n_components=3, Sigma_b=(8, 2.0), **TRAIT_NARROW
    ),
    "traits-canonical": lambda X, y: blr.hierarchical_multivariate(
        X,
        _two_traits(y),
        _halves(X),
        components=["null", "equal", "each", [[1.0, 0.2], [0.2, 0.5]], "learned"],
        Sigma_b=(8, 2.0),
        **TRAIT_NARROW,
    ),
    "traits-own": lambda X, y: blr.regression(
        X, _two_traits(y), prior=TwoVariances(np.arange(X.shape[1]) % 2), **TRAIT_NARROW
    ),
    "traits-half-normal": lambda X, y: blr.regression(
        X, _two_traits(y), prior=HalfNormalCovariance(), **TRAIT_NARROW
    ),
}

#: Rows that have all kinds of blocks, likelihoods, data and step methods, for tests of these.
KINDS = (
    "ridge-joint",
    "ridge-covariate",
    "spike-slab",
    "spike-slab-standardized",
    "weights-and-missing",
    "hierarchical-mixture",
    "half-normal-slab",
    "multivariate-joint",
    "multivariate-diagonal",
    "multivariate-holes",
    "traits-independent",
    "traits-all",
    "traits-restrictive",
    "traits-groups-mixture",
)

#: Marks of rows that repeat what others show, each with a compiled sweep of its own.
REPEATS = [pytest.mark.slow, pytest.mark.engine]

#: Variables without a full conditional, which NUTS draws.
LEFT_TO_NUTS = {
    "half-normal-slab": {"tau"},
    "half-normal-ridge": {"tau2"},
    "horseshoe": {"lambda", "tau", "c2"},
    "annotated-variance": {"eta"},
    "annotated-inclusion": {"eta0", "eta"},
    "traits-half-normal": {"sd"},
}


def small_data(n: int = 6, p: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """A few observations, for tests that look at the prior as much as at the data."""
    return make_data(n, p, effects=(1.0,), mu=0.0)


#: Intercept and residual variance that a chain over the prior can travel.
ONE = {"mu": NARROW["mu"], "sigma2": NARROW["sigma2"]}


def two_terms(n=20, priors=(), updates=("auto", "auto"), likelihood=None, codes=False, **options):
    """Markers, standardized where asked for, and cages."""
    X, y = small_data(n, 4)
    Z = np.random.default_rng(3).normal(size=(n, 2))
    X = (X > 0).astype(np.int8) + (X > 1).astype(np.int8) if codes else X
    if priors and priors[0].dims == ("feature", "trait"):
        y = np.column_stack([y, y[::-1]])
    parts = [
        Part(Observations(check_data(x, y, traits=y.ndim > 1, form="auto"), True), *rest)
        for x, *rest in zip(
            (X, Z),
            priors,
            (options.get("standardize", False), False),
            updates,
            ("", "cage"),
            strict=True,
        )
    ]
    return build_model(parts, likelihood or Likelihood(**ONE), 0.5)
