"""The density of y without the effects, against a multivariate normal and against its kernel."""

import numpy as np
import pytest
from scipy import stats

from blrzoo.designs.factorisation import Factorisation
from blrzoo.ops.marginal import MarginalDensity, marginal_density
from tests.builders import covariances


@pytest.mark.parametrize("T", [1, 3])
@pytest.mark.parametrize(("n", "p"), [(7, 4), (5, 9), (6, 1)])
def test_density_is_that_of_a_normal(n, p, T):
    rng = np.random.default_rng(n)
    X, target = rng.normal(size=(n, p)), rng.normal(size=(n, T))
    slabs, noises = covariances(2, 4, T, T)
    U, s, _ = Factorisation(X).arrays
    found = MarginalDensity().reference(U, s, target, slabs, noises)
    exact = [
        stats.multivariate_normal(cov=np.kron(X @ X.T, slab) + np.kron(np.eye(n), noise)).logpdf(
            target.ravel()
        )
        for slab, noise in zip(slabs, noises, strict=True)
    ]
    np.testing.assert_allclose(found - n * T / 2 * np.log(2 * np.pi), exact, rtol=1e-11)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0, 0.0])
@pytest.mark.parametrize("which", [3, 4])
def test_no_covariance_has_no_density(which, wrong):
    inputs = marginal_inputs(6, 4, 2, 3)
    inputs[which][1, 0, 0] = wrong
    density = MarginalDensity().reference(*inputs)
    assert np.isfinite(density).tolist() == [True, False, True]
    assert density[1] == -np.inf


def marginal_inputs(n, p, T, candidates):
    rng = np.random.default_rng(p)
    U, s, _ = Factorisation(rng.normal(size=(n, p))).arrays
    return [U, s, rng.normal(size=(n, T)), *covariances(2, candidates, T, T)]


@pytest.mark.engine
@pytest.mark.parametrize(("n", "p", "T"), [(60, 20, 1), (20, 60, 1), (20, 60, 3)])
def test_kernel_is_the_reference(n, p, T):
    inputs = marginal_inputs(n, p, T, 6)
    inputs[1][0] = 1e120  # a determinant that overflows as a product
    inputs[3][2, 0, 0] = np.nan
    inputs[4][4, 0, 0] = -1.0
    reference = MarginalDensity().reference(*inputs)
    compiled = marginal_density(*inputs)
    assert (reference[[2, 4]] == -np.inf).all()
    np.testing.assert_allclose(compiled, reference, rtol=1e-10)
