r"""The restricted likelihood of variance components: values, scores, information.

The fixed effects are projected out: with Q an orthonormal basis of the complement of the span of
their columns, Q'y is normal with mean 0 and covariance sigma2 I + sum_g tau2_g Q'X_g X_g'Q, and its
likelihood is the restricted one. The singular value decomposition of Q'X reduces it further, to
r = rank(Q'X) <= min(n, p) coordinates and a residual sum of squares.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import numpy as np
import scipy.linalg

from blrzoo.least_squares import project_out
from blrzoo.reml.mixed_model import MixedModel

__all__ = ["Point", "RestrictedLikelihood"]

_EMPTY = 1e-20  # least share of a group's sum of squares that is orthogonal to the fixed effects
_EXACT = 1e-24  # share of the sum of squares of y below which it counts as fitted exactly


@dataclass(frozen=True, eq=False)
class Point:
    """The restricted log likelihood at some variances, in units of `RestrictedLikelihood`."""

    theta: np.ndarray  # (1 + variance,): sigma2, then the elements of tau2
    value: float  # up to the change of units; -inf outside the domain
    score: np.ndarray  # gradient
    average: np.ndarray  # average information: mean of the observed and the expected one


class Covariance(Protocol):
    """``S = sum_i theta_i K_i`` of r coordinates, with K_0 = I and K_g = A_g A_g', at a theta."""

    def whiten(self, B: np.ndarray) -> np.ndarray:
        """L^-1 B, where S = L L'."""

    def solve(self, x: np.ndarray) -> np.ndarray:
        """S^-1 x."""

    def log_determinant(self) -> float:
        """Log determinant of S."""

    def apply(self, x: np.ndarray) -> np.ndarray:
        """K_i x for each i, as columns."""

    def traces(self) -> np.ndarray:
        """tr(S^-1 K_i)."""

    def second_traces(self) -> np.ndarray:
        """tr(S^-1 K_i S^-1 K_j)."""


class DiagonalCovariance:
    """One variance of effects: everything is diagonal, O(r)."""

    def __init__(self, K: np.ndarray, theta: np.ndarray) -> None:
        self.K, self.d = K, theta @ K
        if not (self.d > 0).all():
            raise np.linalg.LinAlgError("not positive definite")

    def whiten(self, B: np.ndarray) -> np.ndarray:
        return B / np.sqrt(self.d)[:, None]

    def solve(self, x: np.ndarray) -> np.ndarray:
        return x / self.d

    def log_determinant(self) -> float:
        return float(np.log(self.d).sum())

    def apply(self, x: np.ndarray) -> np.ndarray:
        return (self.K * x).T

    def traces(self) -> np.ndarray:
        return self.K @ (1 / self.d)

    def second_traces(self) -> np.ndarray:
        return (self.K / self.d**2) @ self.K.T


class FactorizedCovariance:
    """Several variances: a Cholesky factor, O(r^3), and L^-1 A_g."""

    def __init__(self, A: list[np.ndarray], theta: np.ndarray) -> None:
        self.A = A
        B = np.hstack([np.sqrt(t) * part for t, part in zip(theta[1:], A, strict=True)])
        S = theta[0] * np.eye(len(B)) + B @ B.T
        self.L = scipy.linalg.cholesky(S, lower=True, check_finite=False)

    def whiten(self, B: np.ndarray) -> np.ndarray:
        return scipy.linalg.solve_triangular(self.L, B, lower=True, check_finite=False)

    def solve(self, x: np.ndarray) -> np.ndarray:
        return scipy.linalg.cho_solve((self.L, True), x, check_finite=False)

    def log_determinant(self) -> float:
        return float(2 * np.log(np.diag(self.L)).sum())

    def apply(self, x: np.ndarray) -> np.ndarray:
        return np.column_stack([x, *(A @ (A.T @ x) for A in self.A)])

    @cached_property
    def _whitened(self) -> list[np.ndarray]:
        return [self.whiten(part) for part in (np.eye(len(self.L)), *self.A)]

    def traces(self) -> np.ndarray:
        return np.array([np.sum(T**2) for T in self._whitened])

    def second_traces(self) -> np.ndarray:
        return np.array([[np.sum((S.T @ T) ** 2) for S in self._whitened] for T in self._whitened])


class RestrictedLikelihood:
    """The restricted likelihood of a mixed model; refuses data that leave it without maximum."""

    # Internally, y has mean square 1 and the features of each group explain a variance of 1 per
    # unit of theta, so that everything is of order 1. `units`, those of sigma2 and of the elements
    # of tau2, convert back.

    def __init__(self, model: MixedModel) -> None:
        Q, self.R = np.linalg.qr(model.F)
        y, X = project_out(Q, model.y), project_out(Q, model.X)
        self.model, self.Q, self.N = model, Q, len(y) - Q.shape[1]  # N: degrees of freedom
        counts = np.bincount(model.index, minlength=model.n_variances)
        self.sizes = np.r_[self.N, counts].astype(float)  # divisors of an EM step
        y_unit, x_units = _check_information(model, y, X, self.N)
        self.units = y_unit / np.r_[1.0, x_units]
        U, s, Vt = _svd(X / np.sqrt(x_units)[model.index])
        self.z = U.T @ y / np.sqrt(y_unit)
        self.residual_df = self.N - len(s)  # outside the span of the features
        residual = y / np.sqrt(y_unit) - U @ self.z
        self.residual_squares = float(residual @ residual) if self.residual_df else 0.0
        self.A = s[:, None] * Vt
        self._covariance = _structure(s, self.A, model.index, model.n_variances)
        _check_residual(model, self.residual_squares, self.residual_df, self.N)

    def covariance(self, theta: np.ndarray) -> Covariance:
        """Return the covariance of the r coordinates, or raise LinAlgError."""
        return self._covariance(theta)

    def at(self, theta: np.ndarray) -> Point:
        """Evaluate value, score and average information."""
        size = len(theta)
        if self.residual_df and not theta[0] > 0:
            return Point(theta, -np.inf, np.zeros(size), np.zeros((size, size)))
        try:
            S = self.covariance(theta)
        except np.linalg.LinAlgError:
            return Point(theta, -np.inf, np.zeros(size), np.zeros((size, size)))
        Pz = S.solve(self.z)
        KPz = S.apply(Pz)
        white = S.whiten(KPz)
        form, quadratic, traces = self.z @ Pz, Pz @ KPz, S.traces()
        log_determinant, average = S.log_determinant(), white.T @ white / 2
        if self.residual_df:
            t = theta[0]
            form += self.residual_squares / t
            log_determinant += self.residual_df * np.log(t)
            quadratic[0] += self.residual_squares / t**2
            traces[0] += self.residual_df / t
            average[0, 0] += self.residual_squares / t**3 / 2
        value = -(self.N * np.log(2 * np.pi) + log_determinant + form) / 2
        return Point(theta, float(value), (quadratic - traces) / 2, average)

    def observed(self, point: Point) -> np.ndarray:
        """Observed information, minus the Hessian, (1 + variance, 1 + variance)."""
        second = self.covariance(point.theta).second_traces()
        if self.residual_df:
            second[0, 0] += self.residual_df / point.theta[0] ** 2
        return 2 * point.average - second / 2

    def log_likelihood(self, value: float) -> float:
        """Restricted log likelihood in the units of y: the density of N contrasts Q'y."""
        return value - self.N / 2 * float(np.log(self.units[0]))


def _svd(X: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thin decomposition, without directions that are due to rounding."""
    U, s, Vt = scipy.linalg.svd(X, full_matrices=False, check_finite=False)
    rank = int(np.sum(s > s[0] * max(X.shape) * np.finfo(float).eps))
    return U[:, :rank], s[:rank], Vt[:rank]


def _structure(
    s: np.ndarray, A: np.ndarray, index: np.ndarray, size: int
) -> Callable[[np.ndarray], Covariance]:
    if size == 1:
        return partial(DiagonalCovariance, np.stack([np.ones_like(s), s**2]))
    return partial(FactorizedCovariance, [_compress(A[:, index == g]) for g in range(size)])


def _compress(A: np.ndarray) -> np.ndarray:
    """A matrix with the same A A', and no more columns than rows."""
    return np.linalg.qr(A.T, mode="r").T if A.shape[1] > A.shape[0] else A


def _check_information(
    model: MixedModel, y: np.ndarray, X: np.ndarray, N: int
) -> tuple[float, np.ndarray]:
    """Mean square of y, and sum of mean squares of each group's features."""
    free = (model.sigma2 is None) + (model.n_variances if model.tau2 is None else 0)
    if N < max(free, 1):
        raise ValueError(
            f"model must have more observations than fixed effects and variances to estimate, got "
            f"{len(y)}, {len(y) - N} and {free}. Fix some, for instance sigma2=1.0, or sample it."
        )
    remaining, given = (
        np.bincount(model.index, np.sum(B**2, axis=0), model.n_variances) for B in (X, model.X)
    )
    empty = remaining <= _EMPTY * given
    if model.tau2 is None and empty.any():
        raise ValueError(
            "model must have a feature for each element of tau2 that varies and is no combination "
            f"of the covariates, got none for {np.flatnonzero(empty).tolist()} (counted from 0). "
            "Drop these features or groups, or fix tau2."
        )
    if not y @ y > _EXACT * (model.y @ model.y):
        raise ValueError(
            "model must have a y that varies beyond its fixed effects, got one that the intercept "
            "and the covariates fit exactly. Check the covariates."
        )
    return float(y @ y) / N, np.where(empty, 1.0, remaining / N)


def _check_residual(model: MixedModel, squares: float, df: int, N: int) -> None:
    if model.sigma2 is None and df and squares <= _EXACT * N:
        raise ValueError(
            "model must have a y that the features do not fit exactly, or the restricted "
            "likelihood has no maximum: it grows without bound as sigma2 goes to 0. Check y, or "
            "fix sigma2."
        )
