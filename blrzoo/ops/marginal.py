"""Log density of y with all effects integrated out: the Op and its numba kernel."""

from collections.abc import Sequence

import numpy as np
import scipy.linalg
from numba import njit
from pytensor.graph.basic import Apply

from blrzoo.ops.base import ReferenceOp, Shape
from blrzoo.ops.numba import factorise, register, solve_lower, solve_upper

__all__ = ["MarginalDensity", "marginal_density"]

#: A product of factors of the determinant above it is replaced by its logarithm.
_LARGE = 1e100


class MarginalDensity(ReferenceOp):
    r"""Log density of y at several covariances, where all effects have a common one.

    With X = U S V' as in a `Factorisation`, B the covariance of effects and E that of residuals,
    rows of U'Y are independent, :math:`N_T(0, s_i^2 B + E)`, and what is orthogonal to U is N(0, E)
    [1]_. In the coordinates in which E is the identity and B is diagonal, all elements are
    independent, so each further pair (B, E) costs O(rank T^2). One trait has T = 1.

    Inputs:

    - U, s : (obs, rank), (rank,) of a `Factorisation`
    - target : (obs, trait) partial residual of the features, times square roots of the weights
    - slabs, noises : (candidate, trait, trait) covariances B and E

    Output: (candidate,), without the constant -n T / 2 log(2 pi); -inf where B or E is not
    symmetric and positive definite.

    References
    ----------
    .. [1] Zhou & Stephens (2014). Efficient multivariate linear mixed model algorithms for
       genome-wide association studies. Nature Methods 11:407-409.
    """

    dtypes = ("float64",)

    def reference(
        self,
        U: np.ndarray,
        s: np.ndarray,
        target: np.ndarray,
        slabs: np.ndarray,
        noises: np.ndarray,
    ) -> np.ndarray:
        """Evaluate in NumPy."""
        rotated = U.T @ target
        rest = target.T @ target - rotated.T @ rotated
        pairs = zip(slabs, noises, strict=True)
        return np.array([_log_density(s**2, rotated, rest, len(U), *pair) for pair in pairs])

    def infer_shape(self, node: Apply | None, shapes: Sequence[Shape]) -> list[Shape]:
        """One number for each candidate."""
        return [shapes[3][:1]]


def _log_density(
    d: np.ndarray,
    rotated: np.ndarray,
    rest: np.ndarray,
    n: int,
    slab: np.ndarray,
    noise: np.ndarray,
) -> float:
    """Log density at one pair of covariances, from sums of squares and their eigenvalues."""
    try:
        scipy.linalg.cholesky(slab)
        values, axes = scipy.linalg.eigh(slab, noise)
    except (np.linalg.LinAlgError, ValueError):  # not positive definite, not finite
        return -np.inf
    shrink = 1.0 + d[:, None] * values
    log_noise = -2.0 * np.linalg.slogdet(axes)[1]
    quadratic = ((rotated @ axes) ** 2 / shrink).sum() + np.sum(axes * (rest @ axes))
    return float(-0.5 * (n * log_noise + np.log(shrink).sum() + quadratic))


@njit
def _coordinates(slab, noise):  # type: ignore[no-untyped-def]
    """Axes A with A'EA = I, eigenvalues of A'BA, log determinant of E, and whether all exist."""
    n_traits, log_noise = noise.shape[0], 0.0
    values, axes = np.zeros(n_traits), np.zeros((n_traits, n_traits))
    _, positive = factorise(slab)
    factor, both = factorise(noise)
    if not (positive and both):
        return axes, values, log_noise, False
    half = slab.copy()
    for t in range(n_traits):
        log_noise += 2.0 * np.log(factor[t, t])
        solve_lower(factor, half[:, t])
    for t in range(n_traits):
        solve_lower(factor, half[t])
    values, vectors = np.linalg.eigh(half)
    for t in range(n_traits):
        for u in range(n_traits):
            axes[u, t] = vectors[u, t]
        solve_upper(factor, axes[:, t])
    return axes, values, log_noise, True


@register(MarginalDensity)
@njit
def marginal_density(U, s, target, slabs, noises):  # type: ignore[no-untyped-def]
    """`MarginalDensity` in one pass over U."""
    n, rank, n_traits = U.shape[0], U.shape[1], target.shape[1]
    rotated, rest = np.zeros((n_traits, rank)), np.zeros((n_traits, n_traits))
    for i in range(n):
        for t in range(n_traits):
            for k in range(rank):
                rotated[t, k] += U[i, k] * target[i, t]
            for u in range(n_traits):
                rest[t, u] += target[i, t] * target[i, u]
    for k in range(rank):
        for t in range(n_traits):
            for u in range(n_traits):
                rest[t, u] -= rotated[t, k] * rotated[u, k]
    density = np.full(slabs.shape[0], -np.inf)
    for m in range(slabs.shape[0]):
        axes, values, log_noise, positive = _coordinates(slabs[m], noises[m])
        if not positive:
            continue
        total, product = n * log_noise, 1.0
        for t in range(n_traits):
            for u in range(n_traits):
                for v in range(n_traits):
                    total += axes[u, t] * rest[u, v] * axes[v, t]
            for k in range(rank):
                shrink, projected = 1.0 + s[k] * s[k] * values[t], 0.0
                for u in range(n_traits):
                    projected += rotated[u, k] * axes[u, t]
                total += projected * projected / shrink
                product *= shrink
                if product > _LARGE:
                    total += np.log(product)
                    product = 1.0
        density[m] = -0.5 * (total + np.log(product))
    return density
