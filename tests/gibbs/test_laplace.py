"""The normal around the mode of a density."""

import numpy as np
import pytest

from blrzoo.gibbs.moves.laplace import laplace

COVARIANCE = np.array([[2.0, 0.9, 0.0], [0.9, 1.0, -0.3], [0.0, -0.3, 0.5]])
MODE = np.array([3.0, -40.0, 0.01])


@pytest.mark.parametrize("units", [np.ones(3), np.array([1e-6, 1.0, 1e6])])
def test_a_normal_is_found_in_any_units(units):
    precision = np.linalg.inv(COVARIANCE)

    def log_density(points):
        z = points / units - MODE
        return 1e4 - 0.5 * np.einsum("ki,ij,kj->k", z, precision, z)

    mode, factor = laplace(log_density, np.zeros(3))
    np.testing.assert_allclose(mode / units, MODE, atol=2e-3)
    np.testing.assert_allclose((factor / units[:, None]), np.linalg.cholesky(COVARIANCE), atol=1e-4)


def test_the_mode_of_a_skewed_density_behind_a_bound():
    """log of a gamma with shape 3: mode log 3, curvature 3; no density where it overflows."""

    def log_density(points):
        with np.errstate(over="ignore"):
            return np.where(points > 5, -np.inf, 3 * points - np.exp(points))[:, 0]

    mode, factor = laplace(log_density, np.array([-20.0]))
    np.testing.assert_allclose(mode, np.log(3), atol=1e-3)
    np.testing.assert_allclose(factor, [[3**-0.5]], rtol=0.01)


def test_a_flat_direction_has_a_finite_width():
    mode, factor = laplace(lambda points: -0.5 * points[:, 0] ** 2, np.array([1.0, 2.0]))
    assert np.isfinite(mode).all()
    assert np.isfinite(factor).all()
    assert np.diagonal(factor).min() > 0
