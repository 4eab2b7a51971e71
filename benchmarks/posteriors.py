"""Posteriors that several programs draw from: data, and the same model by blrzoo and in PyMC."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pymc as pm

import blrzoo as blr

__all__ = [
    "SEED",
    "Data",
    "blrzoo_model",
    "lasso_data",
    "lasso_effects",
    "plain_model",
    "ridge_data",
    "ridge_effects",
    "selection_data",
    "slab_effects",
]

SEED = 1


class Data(NamedTuple):
    """Data and priors of a problem."""

    X: np.ndarray
    y: np.ndarray
    priors: dict[str, tuple[float, float]]

    @property
    def centered(self) -> np.ndarray:
        """X about its means."""
        return self.X - self.X.mean(axis=0)


# ---- data ----


def selection_data(n: int = 200, p: int = 50, causal: int = 5) -> Data:
    """Independent normal features, of which some explain half of the variance of y."""
    rng = np.random.default_rng(SEED)
    X = rng.normal(size=(n, p))
    y = X[:, :causal].sum(axis=1) + rng.normal(0, np.sqrt(causal), size=n)
    priors = {"pi": (1.0, 4.0), "tau2": (4.0, 0.5), "sigma2": (4.0, 2.5), "mu": (0.0, 10.0)}
    return Data(X, y - y.mean(), priors)


def ridge_data() -> Data:
    """The same, without a prior of inclusion."""
    data = selection_data()
    return data._replace(priors={k: v for k, v in data.priors.items() if k != "pi"})


def lasso_data(n: int = 200, p: int = 2000) -> Data:
    """Data of issue 2884 of PyMC: three effects among 2000, and much noise."""
    rng = np.random.default_rng(SEED)
    X = rng.normal(size=(n, p))
    effects = np.zeros(p)
    effects[[50 * p // 2000, 750 * p // 2000, 1500 * p // 2000]] = 3.0, -2.0, 1.5
    y = X @ effects + rng.normal(0, 6, size=n)
    rate = 0.25 * y.var() / X.var(axis=0).sum()  # the package's default, with h2 = 0.5
    priors = {"lambda2": (2.0, rate), "sigma2": (4.0, y.var() / 4), "mu": (0.0, 10.0)}
    return Data(X, y - y.mean(), priors)


# ---- models ----


def blrzoo_model(data: Data) -> pm.Model:
    """The model of the package that has these priors."""
    if "pi" in data.priors:
        return blr.spike_slab(data.X, data.y, **data.priors)
    if "tau2" in data.priors:
        return blr.single_component(data.X, data.y, **data.priors)
    given = {**data.priors}
    prior = blr.priors.BayesianLasso(lambda2=given.pop("lambda2"))
    return blr.regression(data.X, data.y, prior=prior, **given)


def variance(name: str, data: Data) -> Any:
    """A scaled-inverse-chi-squared variable."""
    nu, scale = data.priors[name]
    return pm.InverseGamma(name, nu / 2, nu * scale / 2)


def slab_effects(data: Data) -> Any:
    """Indicators times normal effects."""
    p = data.X.shape[1]
    delta = pm.Bernoulli("delta", pm.Beta("pi", *data.priors["pi"]), shape=p)
    pm.Deterministic("size", delta.sum())
    return delta * pm.Normal("b", 0, pm.math.sqrt(variance("tau2", data)), shape=p)


def ridge_effects(data: Data) -> Any:
    """Normal effects with one variance."""
    return pm.Normal("beta", 0, pm.math.sqrt(variance("tau2", data)), shape=data.X.shape[1])


def lasso_effects(data: Data) -> Any:
    """Laplace effects, as a scale times standard ones: better for NUTS where p is large."""
    lambda2 = pm.Gamma("lambda2", *data.priors["lambda2"])
    return pm.Laplace("z", 0, 1, shape=data.X.shape[1]) / pm.math.sqrt(lambda2)


def plain_model(effects: Callable[[Data], Any], data: Data) -> pm.Model:
    """The same posterior, written in PyMC."""
    with pm.Model() as model:
        mu = pm.Normal("mu", *data.priors["mu"])
        mean = mu + pm.math.dot(data.centered, effects(data))
        pm.Normal("y", mean, pm.math.sqrt(variance("sigma2", data)), observed=data.y)
    return model
