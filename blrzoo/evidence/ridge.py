"""Marginal likelihood of a ridge: closed form given its two variances."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor
import scipy.linalg
from pytensor.graph.traversal import ancestors

from blrzoo.evaluate import ONCE, value_of
from blrzoo.evidence.power import check_model
from blrzoo.evidence.quadrature import log_integral
from blrzoo.reml.mixed_model import read_model

__all__ = ["Ridge", "ridge_log_evidence"]

_RULE = (
    "method='exact' needs a model of one trait whose effects are normal with one common variance "
    "tau2, where tau2 and sigma2 are fixed or have priors of their own, and mu and gamma are fixed "
    "or normal"
)
_REMEDY = "Pass method='stepping-stones'."
_BLOCK = 2**22  # numbers in the largest array


def ridge_log_evidence(model: pm.Model) -> tuple[float, float]:
    """Log marginal likelihood of a model with one common variance, and its quadrature error.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.evidence.ridge import ridge_log_evidence
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> value, error = ridge_log_evidence(blr.single_component(data.X, data.y))
    >>> bool(-150 < value < -50), error < 1e-6
    (True, True)
    """
    # p(y) is the integral over tau2 and sigma2, with their priors, of
    # N(y; F m, F D F' + tau2 X X' + sigma2 I), F being the columns of mu and gamma, whose priors
    # have means m and variances D.
    check_model(model)
    ridge, free = Ridge.read(model), _free(model)
    if not free:
        return float(ridge.log_density(np.ones(1), np.ones(1))[0, 0]), 0.0
    axes = {name: _axis(model, name) for name in free}

    def log_density(points: list[np.ndarray]) -> np.ndarray:
        values, priors = [np.ones(1), np.ones(1)], [np.zeros(1), np.zeros(1)]
        for (name, (evaluate, _)), z in zip(axes.items(), points, strict=True):
            place = ("tau2", "sigma2").index(name)
            values[place], priors[place] = evaluate(z)
        with np.errstate(all="ignore"):
            total = ridge.log_density(*values) + priors[0][:, None] + priors[1]
        return total.reshape([len(z) for z in points])

    return log_integral(log_density, [start for _, start in axes.values()])


@dataclass(frozen=True, eq=False)
class Ridge:
    """A ridge model, rotated by the singular vectors of X so that a density costs O(min(n, p)).

    Attributes
    ----------
    n : int
        Number of observations.
    log_root : float
        Sum of the logs of the square roots of the weights.
    eigenvalues : ndarray, (rank,)
        Of X X'; a fixed tau2 is part of X.
    rotated : ndarray, (rank, fixed + 1)
        Columns of mu and gamma times their prior SDs, and y minus its prior mean, rotated.
    rest : ndarray, (fixed + 1, fixed + 1)
        Cross-products of the parts of these columns that are orthogonal to X.
    sigma2 : float
        The fixed residual variance, 1 if it is estimated: a factor of the sigma2 that is passed.
    """

    n: int
    log_root: float
    eigenvalues: np.ndarray
    rotated: np.ndarray
    rest: np.ndarray
    sigma2: float

    @classmethod
    def read(cls, model: pm.Model) -> "Ridge":
        """Read a model; refuse one that is not a ridge."""
        try:
            mixed = read_model(model)
        except ValueError as error:
            raise ValueError(f"{_RULE}; {_reason(error)}. {_REMEDY}") from error
        if mixed.tau2 is None and mixed.n_variances > 1:
            raise ValueError(f"{_RULE}; got {mixed.n_variances} variances. {_REMEDY}")
        X = mixed.X if mixed.tau2 is None else mixed.X * np.sqrt(mixed.tau2[mixed.index])
        free = [name for name in ("mu", "gamma") if _is_free(model, name)]
        parts = [(np.empty(0), np.empty(0)), *(_normal(model, name) for name in free)]
        means, sds = (np.concatenate(column) for column in zip(*parts, strict=True))
        Z = np.column_stack([mixed.F * sds, mixed.y - mixed.F @ means])
        U, s, _ = scipy.linalg.svd(X, full_matrices=False)
        rotated = U.T @ Z
        rest = Z - U @ rotated
        weights = model["weights"].data if "weights" in model.named_vars else np.ones(1)
        return cls(
            n=len(Z),
            log_root=float(np.log(weights).sum() / 2),
            eigenvalues=s**2,
            rotated=rotated,
            rest=rest.T @ rest,
            sigma2=1.0 if mixed.sigma2 is None else float(mixed.sigma2),
        )

    def log_density(self, tau2: np.ndarray, sigma2: np.ndarray) -> np.ndarray:
        """Log density of y (a, b) at each pair of variances (a,) and (b,), 1 where fixed."""
        size = max(1, _BLOCK // (len(sigma2) * self.rotated.size))
        parts = [tau2[start : start + size] for start in range(0, len(tau2), size)]
        return np.concatenate([self._block(part, sigma2 * self.sigma2) for part in parts])

    def _block(self, tau2: np.ndarray, sigma2: np.ndarray) -> np.ndarray:
        variances = tau2[:, None, None] * self.eigenvalues + sigma2[:, None]
        rank, k = self.rotated.shape
        products = (self.rotated[:, :, None] * self.rotated[:, None, :]).reshape(rank, k * k)
        cross = ((1 / variances) @ products).reshape(*variances.shape[:2], k, k)
        cross = cross + self.rest / sigma2[:, None, None]
        precision = cross[..., :-1, :-1] + np.eye(k - 1)
        linear = cross[..., :-1, -1:]
        fitted = np.sum(linear * np.linalg.solve(precision, linear), axis=(-2, -1))
        return self.log_root - 0.5 * (
            self.n * np.log(2 * np.pi)
            + np.log(variances).sum(axis=-1)
            + (self.n - rank) * np.log(sigma2)
            + np.linalg.slogdet(precision)[1]
            + cross[..., -1, -1]
            - fitted
        )


def _reason(error: ValueError) -> str:
    """The part of the message of `read_model` on what it got."""
    return "got " + str(error).split("got ", 1)[-1].split(". ")[0].rstrip(".")


def _is_free(model: pm.Model, name: str) -> bool:
    return name in model.named_vars and model[name] in model.free_RVs


def _free(model: pm.Model) -> list[str]:
    return [name for name in ("tau2", "sigma2") if _is_free(model, name)]


def _check_independent(model: pm.Model, name: str) -> None:
    others = (set(ancestors([model[name]])) & set(model.basic_RVs)) - {model[name]}
    if others:
        names = ", ".join(sorted(str(rv.name) for rv in others))
        raise ValueError(f"{_RULE}; got a prior of {name} that depends on {names}. {_REMEDY}")


def _normal(model: pm.Model, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Prior means and SDs of the elements of mu or gamma."""
    node = model[name].owner
    _check_independent(model, name)
    if not isinstance(node.op, pm.Normal.rv_type):
        raise ValueError(f"{_RULE}; got {name} with the prior {node.op.name}. {_REMEDY}")
    size = 1 if name == "mu" else len(model.coords["covariate"])
    mean, sd = (value_of(x) for x in node.op.dist_params(node))
    return np.broadcast_to(mean, size).astype(float), np.broadcast_to(sd, size).astype(float)


#: From points on the unbounded scale to variances, and log prior densities of the points.
Evaluate = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _axis(model: pm.Model, name: str) -> tuple[Evaluate, float]:
    """A variance as a function of an unbounded number, and the initial value of that number."""
    _check_independent(model, name)
    rv = model[name]
    value, transform = model.rvs_to_values[rv], model.rvs_to_transforms[rv]
    variance = value if transform is None else transform.backward(value, *rv.owner.inputs)
    function = pytensor.function(
        [value], [variance, model.logp(vars=[rv], jacobian=True)], mode=ONCE
    )

    def evaluate(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = (1,) * value.ndim
        with np.errstate(all="ignore"):
            pairs = [function(np.full(shape, z)) for z in points]
        values, densities = np.array([[np.sum(x) for x in pair] for pair in pairs]).T
        return values, np.where(values > 0, densities, -np.inf)

    return evaluate, float(np.sum(model.initial_point()[value.name]))
