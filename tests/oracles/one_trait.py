"""Exact posteriors of small problems, computed without blrzoo, which the samplers must reproduce.

Enumeration over all inclusion vectors, and quadrature over the variances; y is multivariate normal
given the included features, tau2 and sigma2.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from scipy import special, stats

#: n, p, correlation between neighbours, effects: strong and weak, independent and correlated.
DESIGNS = {
    "null": (20, 6, 0.0, []),
    "weak": (30, 6, 0.0, [0.2, -0.2]),
    "strong": (30, 6, 0.0, [3.0, -2.0, 1.0]),
    "strong-and-weak": (40, 8, 0.0, [4.0, 0.3, -0.3]),
    "correlated-weak": (30, 6, 0.7, [0.3]),
    "correlated-strong": (40, 8, 0.8, [2.0, 0.0, -2.0]),
    "correlated-mixed": (25, 7, 0.6, [1.0, 0.2, 0.0, 0.5]),
    "n<p": (5, 8, 0.3, [2.0, 1.0]),
    "one-feature": (15, 1, 0.0, [0.4]),
    "negative-correlation": (30, 6, -0.7, [1.0, 1.0]),
}
MU = {"mu": (0.0, 10.0)}
CHAINS = {"draws": 10_000, "tune": 500, "chains": 4, "quiet": True}


@dataclass(frozen=True)
class Exact:
    """Posterior of the effects as a mixture of normals over configurations.

    ``weights`` (configuration,) are posterior probabilities; ``included``, ``means`` and ``sds``
    are (configuration, feature), and 0 where a feature is not included.
    """

    weights: np.ndarray
    included: np.ndarray
    means: np.ndarray
    sds: np.ndarray
    hyper: dict[str, np.ndarray]

    @property
    def pip(self):
        return self.weights @ self.included

    @property
    def mean(self):
        return self.weights @ self.means

    @property
    def sd(self):
        second = self.weights @ (self.means**2 + self.sds**2)
        return np.sqrt(second - self.mean**2)

    def cdf(self, j, value):
        """P(beta_j <= value)."""
        inside = self.sds[:, j] > 0
        scale = np.where(inside, self.sds[:, j], 1.0)
        normal = stats.norm.cdf((value - self.means[:, j]) / scale)
        return self.weights @ np.where(inside, normal, float(value >= 0))

    def hyper_mean(self, name):
        return self.weights @ self.hyper[name]


def enumerate_spike_slab(X, y, *, pi, tau2, sigma2, mu=(0.0, 10.0)):
    """Exact posterior over all 2^p models.

    pi: a number, or (a, b) of a beta prior. tau2, sigma2: a number, or (nu, S2), which is
    integrated out by quadrature.
    """
    p = X.shape[1]
    X = X - X.mean(axis=0)
    models = np.array(list(itertools.product([0, 1], repeat=p)), dtype=float)
    prior = log_prior_inclusion(models.sum(axis=1), p, pi)
    return _mix(X, y, models, prior, tau2, sigma2, mu)


def exact_ridge(X, y, *, tau2, sigma2, mu=(0.0, 10.0)):
    """Exact posterior of the ridge: every feature is included."""
    X = X - X.mean(axis=0)
    return _mix(X, y, np.ones((1, X.shape[1])), np.zeros(1), tau2, sigma2, mu)


def enumerate_mixture(X, y, *, pi, tau2, sigma2, mu=(0.0, 10.0)):
    """Exact posterior over all K^p label vectors with fixed hyperparameters; component 0 is null.

    pi, tau2: (component,), or (feature, component).
    """
    p, k = X.shape[1], np.shape(tau2)[-1]
    pi, tau2 = np.broadcast_to(pi, (p, k)), np.broadcast_to(tau2, (p, k))
    rows, features = [], np.arange(p)
    for labels in itertools.product(range(k), repeat=p):
        log_prior = np.log(pi[features, labels]).sum()
        evidence, mean, sd = _normal_posterior(
            X - X.mean(axis=0), y, tau2[features, labels], sigma2, mu
        )
        rows.append((log_prior + evidence, np.array(labels), mean, sd))
    logs, labels, means, sds = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.exp(logs - special.logsumexp(logs))
    return Exact(weights, (labels > 0).astype(float), means, sds, {"label": labels})


def log_prior_inclusion(sizes, p, pi):
    if isinstance(pi, tuple):
        a, b = pi
        return special.betaln(a + sizes, b + p - sizes) - special.betaln(a, b)
    return sizes * np.log(pi) + (p - sizes) * np.log1p(-pi)


def _mix(X, y, models, log_prior, tau2, sigma2, mu):
    grid_t, log_t = _grid(tau2)
    grid_s, log_s = _grid(sigma2)
    rows = []
    for model, lp in zip(models, log_prior, strict=True):
        for t, lt in zip(grid_t, log_t, strict=True):
            for s, ls in zip(grid_s, log_s, strict=True):
                evidence, mean, sd = _normal_posterior(X, y, model * t, s, mu)
                rows.append((lp + lt + ls + evidence, model, mean, sd, t, s))
    logs, included, means, sds, t, s = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.exp(logs - special.logsumexp(logs))
    return Exact(weights, included, means, sds, {"tau2": t, "sigma2": s})


def _grid(parameter, size=40):
    """Points and log weights: a fixed value, or equal steps of log x between extreme quantiles."""
    if not isinstance(parameter, tuple):
        return np.array([parameter]), np.zeros(1)
    nu, S2 = parameter
    prior = stats.invgamma(nu / 2, scale=nu * S2 / 2)
    points = np.geomspace(prior.ppf(1e-7), prior.ppf(1 - 1e-7), size)
    return points, prior.logpdf(points) + np.log(points)


def _normal_posterior(X, y, variances, sigma2, mu):
    """Log evidence, and mean and SD of each effect, for known prior variances (0: no effect)."""
    use = variances > 0
    Z = np.column_stack([np.ones(len(y)), X[:, use]])
    prior_precision = np.r_[1 / mu[1] ** 2, 1 / variances[use]]
    offset = y - mu[0]
    precision = Z.T @ Z / sigma2 + np.diag(prior_precision)
    linear = Z.T @ offset / sigma2
    covariance = np.linalg.inv(precision)
    location = covariance @ linear
    evidence = 0.5 * (
        np.log(prior_precision).sum()
        - np.linalg.slogdet(precision)[1]
        - len(y) * np.log(2 * np.pi * sigma2)
        - offset @ offset / sigma2
        + linear @ location
    )
    mean, sd = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    mean[use], sd[use] = location[1:], np.sqrt(np.diag(covariance)[1:])
    return evidence, mean, sd


def assert_agrees(draws, exact, what, *, bound=5.0, transform=None):
    """Mean of draws (chain, draw) within `bound` Monte Carlo standard errors of the exact value.

    Draws that never change have no standard error: then the exact value must be so close that a
    change was unlikely in this number of draws.
    """
    draws = np.asarray(draws, dtype=float)
    if np.ptp(draws) == 0:
        assert abs(draws.flat[0] - exact) < 10 / draws.size, (what, draws.flat[0], exact)
        return
    error = array_stats.mcse(draws)
    z = (draws.mean() - exact) / error
    assert abs(z) < bound, (
        f"{what}: {draws.mean():.5g} +- {error:.2g} against {exact:.5g} (z={z:.1f})"
    )


def assert_sd_agrees(draws, exact, what, *, bound=5.0):
    """SD of draws within `bound` Monte Carlo standard errors of the exact one."""
    draws = np.asarray(draws, dtype=float)
    error = array_stats.mcse(draws, method="sd")
    z = (draws.std() - exact) / error
    assert abs(z) < bound, f"SD of {what}: {draws.std():.5g} +- {error:.2g} against {exact:.5g}"


def assert_effects_agree(posterior: xr.Dataset, exact: Exact):
    """PIPs, means, SDs and a tail probability of every effect."""
    for j, feature in enumerate(posterior["feature"].values):
        beta = posterior["beta"].isel(feature=j).values
        if "delta" in posterior:
            delta = posterior["delta"].isel(feature=j).values
            assert_agrees(delta, exact.pip[j], f"PIP of {feature}")
        assert_agrees(beta, exact.mean[j], f"mean of {feature}")
        if np.ptp(beta) > 0:
            assert_sd_agrees(beta, exact.sd[j], f"beta of {feature}")
        tail = exact.mean[j] + 1.5 * exact.sd[j]
        assert_agrees(beta <= tail, exact.cdf(j, tail), f"tail of {feature}")


def assert_same_posterior(first, second, names, *, bound=5.0):
    """Means and SDs of two fits within `bound` standard errors of their difference."""
    for name in names:
        for index in np.ndindex(first[name].shape[2:]):
            a, b = (fit[name].values[(..., *index)] for fit in (first, second))
            for method, value in (("mean", np.mean), ("sd", np.std)):
                error = np.hypot(*(array_stats.mcse(x, method=method) for x in (a, b)))
                assert abs(value(a) - value(b)) < bound * error, (name, index, method)


def log_evidence_spike_slab(X, y, *, pi, tau2, sigma2, mu=(0.0, 10.0), size=40):
    """Log marginal likelihood: all 2^p models summed, the variances by quadrature."""
    p = X.shape[1]
    models = np.array(list(itertools.product([0, 1], repeat=p)), dtype=float)
    prior = log_prior_inclusion(models.sum(axis=1), p, pi)
    return _log_evidence(X, y, models, prior, tau2, sigma2, mu, size)


def log_evidence_ridge(X, y, *, tau2, sigma2, mu=(0.0, 10.0), size=40):
    """Log marginal likelihood of the model with everything included."""
    models = np.ones((1, X.shape[1]))
    return _log_evidence(X, y, models, np.zeros(1), tau2, sigma2, mu, size)


def _log_evidence(X, y, models, log_prior, tau2, sigma2, mu, size):
    X = X - X.mean(axis=0)
    (grid_t, log_t), (grid_s, log_s) = (_grid(parameter, size) for parameter in (tau2, sigma2))
    logs = [
        lp + lt + ls + _normal_posterior(X, y, model * t, s, mu)[0]
        for model, lp in zip(models, log_prior, strict=True)
        for t, lt in zip(grid_t, log_t, strict=True)
        for s, ls in zip(grid_s, log_s, strict=True)
    ]
    return special.logsumexp(logs) + sum(_log_step(grid) for grid in (grid_t, grid_s))


def _log_step(grid):
    """Log of the step of a grid in log x; 0 for a fixed value."""
    return np.log(np.log(grid[1] / grid[0])) if len(grid) > 1 else 0.0
