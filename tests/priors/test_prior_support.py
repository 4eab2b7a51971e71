"""Another prior of a parameter, a ``.dist()``: all its values must be the parameter's."""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

import blrzoo as blr
from blrzoo.priors.covariance import COVARIANCE
from blrzoo.priors.parameters import (
    NORMAL,
    PROBABILITY,
    SIMPLEX,
    VARIANCE,
    Family,
    check_parameter,
)
from blrzoo.priors.positive import GAMMA

EYE = np.eye(2)


def lognormal(mean: Any, size: Any) -> Any:
    return pm.math.exp(pm.Normal.dist(mean, 1.0, size=size))


INSIDE: dict[str, tuple[Family, Any]] = {
    "half-normal": (VARIANCE, pm.HalfNormal.dist(1)),
    "half-cauchy": (VARIANCE, pm.HalfCauchy.dist(1)),
    "gamma": (VARIANCE, pm.Gamma.dist(0.01, 0.01)),
    "inverse-gamma": (VARIANCE, pm.InverseGamma.dist(0.01, 0.01)),
    "lognormal": (VARIANCE, pm.LogNormal.dist(0, 10)),
    "exponential": (GAMMA, pm.Exponential.dist(1)),
    "weibull": (VARIANCE, pm.Weibull.dist(1, 1)),
    "uniform": (VARIANCE, pm.Uniform.dist(0, 3)),
    "uniforms": (VARIANCE, pm.Uniform.dist([0, 1], [2, 3])),
    "truncated-normal": (VARIANCE, pm.TruncatedNormal.dist(5, 10, lower=0)),
    "truncated": (VARIANCE, pm.Truncated.dist(pm.Normal.dist(5, 10), lower=0)),
    "mixture": (
        VARIANCE,
        pm.Mixture.dist([0.5, 0.5], [pm.HalfNormal.dist(1), pm.Gamma.dist(2, 1)]),
    ),
    "custom": (VARIANCE, pm.CustomDist.dist(0.0, dist=lognormal)),
    "beta": (PROBABILITY, pm.Beta.dist(0.01, 0.01)),
    "uniform-01": (PROBABILITY, pm.Uniform.dist(0, 1)),
    "logit-normal": (PROBABILITY, pm.LogitNormal.dist(0, 1)),
    "dirichlet": (SIMPLEX, pm.Dirichlet.dist([0.1, 1, 1])),
    "dirichlets": (SIMPLEX, pm.Dirichlet.dist(np.ones((2, 3)))),
    "normal": (NORMAL, pm.Normal.dist(0, 10)),
    "student": (NORMAL, pm.StudentT.dist(1)),
    "flat": (NORMAL, pm.Flat.dist()),
    "half-normal-mean": (NORMAL, pm.HalfNormal.dist(1)),
    "inverse-wishart": (COVARIANCE, blr.priors.InverseWishart.dist(1.01, EYE)),
    "wishart": (COVARIANCE, pm.Wishart.dist(3, EYE)),
}


@pytest.mark.parametrize("id", INSIDE)
def test_a_prior_inside_the_range_is_accepted(id: str) -> None:
    family, dist = INSIDE[id]
    assert check_parameter("it", dist, family) is dist


POSITIVE = r"must be positive, got a prior that"
BETWEEN = r"must be strictly between 0 and 1, got a prior that"
DISCRETE = r"must have a continuous prior, got a discrete one: "
NO_DRAWS = pm.CustomDist.dist(
    1.0, logp=lambda value, a: -a * value, support_point=lambda rv, *_: pt.ones_like(rv)
)
OUTSIDE: dict[str, tuple[Family, Any, str]] = {
    "normal": (VARIANCE, pm.Normal.dist(5, 10), POSITIVE + r".*: Normal\. .*pm\.Truncated"),
    "student": (GAMMA, pm.StudentT.dist(3, mu=5), POSITIVE),
    "uniform": (VARIANCE, pm.Uniform.dist(-1e-9, 3), POSITIVE),
    "one-of-two": (VARIANCE, pm.Uniform.dist([0, -1], [3, 3]), POSITIVE),
    "truncated": (VARIANCE, pm.TruncatedNormal.dist(5, 1, lower=-0.5), POSITIVE),
    "truncated-above": (VARIANCE, pm.TruncatedNormal.dist(5, 1, upper=10), POSITIVE),
    "normal-probability": (PROBABILITY, pm.Normal.dist(0.5, 1), BETWEEN),
    "half-normal-probability": (PROBABILITY, pm.HalfNormal.dist(0.1), BETWEEN),
    "uniform-probability": (PROBABILITY, pm.Uniform.dist(0, 1.001), BETWEEN),
    "lower-probability": (PROBABILITY, pm.Uniform.dist(-1e-9, 1), BETWEEN),
    "normal-simplex": (
        SIMPLEX,
        pm.Beta.dist(1, 1, shape=2),
        r"must be prob.*support",
    ),
    "matrix": (COVARIANCE, pm.LogNormal.dist(np.log([[2, 0.1], [0.1, 2]]), 1), r"must be a symm"),
    "poisson": (VARIANCE, pm.Poisson.dist(3), DISCRETE + "Poisson"),
    "categorical": (NORMAL, pm.Categorical.dist([0.5, 0.5]), DISCRETE + "Categorical"),
    "bernoulli": (PROBABILITY, pm.Bernoulli.dist(0.5), DISCRETE),
    "no-draws": (
        VARIANCE,
        NO_DRAWS,
        r"must have a prior that can be drawn from.*random= or dist=",
    ),
}


@pytest.mark.parametrize("id", OUTSIDE)
def test_a_prior_beyond_the_range_is_refused(id: str) -> None:
    family, dist, pattern = OUTSIDE[id]
    with pytest.raises(ValueError, match=f"^it {pattern}"):
        check_parameter("it", dist, family)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_check_leaves_the_global_random_state_alone(seed: int) -> None:
    np.random.seed(seed)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    check_parameter("tau2", pm.CustomDist.dist(0.0, dist=lognormal), VARIANCE)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_factories_refuse_it() -> None:
    data = blr.simulate(n=20, p=3, n_causal=1, random_seed=1)
    for name, dist in {
        "tau2": pm.Normal.dist(5, 10),
        "sigma2": pm.Poisson.dist(3),
        "pi": pm.Normal.dist(0.5, 1),
        "mu": pm.Categorical.dist([0.5, 0.5]),
    }.items():
        with pytest.raises(ValueError, match=f"^{name} must "):
            blr.spike_slab(data.X, data.y, **{name: dist})
