"""Distributions against SciPy, closed forms and finite differences."""

import cloudpickle
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pymc.logprob.utils import ParameterValueError
from scipy import stats

from blrzoo.distributions.canonical_normal import canonical_normal
from blrzoo.distributions.inverse_wishart import InverseWishart
from blrzoo.distributions.log_cholesky import LogCholeskyTransform
from blrzoo.priors import conjugate
from tests.builders import NOT_COVARIANCES, covariances
from tests.oracles.one_trait import assert_agrees, assert_sd_agrees

pytestmark = pytest.mark.engine

BATCHES = [(), (2, 3)]
TRAITS = {"coords": {"trait": ["a", "b"], "trait_bis": ["a", "b"]}}


def assert_mean_and_sd(draws, mean, sd, what):
    """Independent draws (draw, ...), each element within 5 standard errors."""
    n, spread = len(draws), draws.std(axis=0)
    fourth = np.mean((draws - draws.mean(axis=0)) ** 4, axis=0)
    assert np.all(abs(draws.mean(axis=0) - mean) < 5 * spread / np.sqrt(n)), what
    error = np.sqrt((fourth - spread**4) / n) / (2 * spread)
    assert np.all(abs(spread - sd) < 5 * error), what


def assert_share(below, probability, what):
    """Share of independent draws (draw, ...) within 5 standard errors of its probability."""
    error = np.sqrt(probability * (1 - probability) / len(below))
    assert np.all(abs(below.mean(axis=0) - probability) < 5 * error), what


# The inverse Wishart distribution


@pytest.mark.parametrize("T", [1, 2, 3, 4])
def test_density_against_scipy(T):
    rng = np.random.default_rng(T)
    nu = T - 0.5 + 4 * rng.random((2, 3))
    S, value = covariances(2, 3, T, T, seed=3), covariances(2, 3, T, T, seed=4)
    logp = pm.logp(InverseWishart.dist(nu, S), value).eval()
    common = pm.logp(InverseWishart.dist(nu[0, 0], S[0, 0], size=(2, 3)), value).eval()
    assert logp.shape == common.shape == (2, 3)
    for at in np.ndindex(2, 3):
        np.testing.assert_allclose(logp[at], stats.invwishart.logpdf(value[at], nu[at], S[at]))
        first = stats.invwishart.logpdf(value[at], nu[0, 0], S[0, 0])
        np.testing.assert_allclose(common[at], first)


def test_one_trait_is_the_inverse_gamma():
    value = np.array([0.3, 2.0, 7.0])
    logp = pm.logp(InverseWishart.dist(5.5, [[3.0]], size=3), value[:, None, None])
    np.testing.assert_allclose(logp.eval(), stats.invgamma.logpdf(value, 5.5 / 2, scale=1.5))


def test_shapes_need_not_be_known_beforehand():
    S, value = pt.dmatrix(), pt.dmatrix()
    logp = pytensor.function([S, value], pm.logp(InverseWishart.dist(7, S), value))
    for T in (2, 3):
        arrays = covariances(T, T), covariances(T, T, seed=2)
        np.testing.assert_allclose(logp(*arrays), stats.invwishart.logpdf(arrays[1], 7, arrays[0]))


@pytest.mark.parametrize("kind", NOT_COVARIANCES)
def test_density_is_zero_outside_of_the_support(kind):
    value = np.stack([NOT_COVARIANCES[kind], np.eye(2)])
    logp = pm.logp(InverseWishart.dist(5, np.eye(2), size=2), value).eval()
    np.testing.assert_allclose(logp, [-np.inf, stats.invwishart.logpdf(np.eye(2), 5, np.eye(2))])


@pytest.mark.parametrize("nu", [1.0, -3.0, np.nan])
def test_degrees_of_freedom_must_suffice(nu):
    for known in (nu, [5.0, nu]):
        with pytest.raises(ValueError, match=r"nu must be above .* minus 1, 1, got"):
            InverseWishart.dist(known, np.eye(2))
    dist = InverseWishart.dist(pytensor.shared(nu), np.eye(2))
    with pytest.raises(ParameterValueError, match="nu > T - 1"):
        pm.logp(dist, np.eye(2)).eval()
    with pytest.raises(AssertionError, match="nu must exceed"):
        pm.draw(dist)


def test_scale_must_be_a_covariance():
    for kind in NOT_COVARIANCES.values():
        for known in (kind, np.stack([np.eye(2), kind])):
            with pytest.raises(ValueError, match=r"S must be symmetric and positive definite, got"):
                InverseWishart.dist(5, known)
        dist = InverseWishart.dist(5, pytensor.shared(np.array(kind)))
        with pytest.raises(ParameterValueError, match="positive definite"):
            pm.logp(dist, np.eye(2)).eval()
        with pytest.raises(np.linalg.LinAlgError):
            pm.draw(dist)
    for shape in ((), (2,), (2, 3)):
        with pytest.raises(ValueError, match="S must be a square matrix"):
            InverseWishart.dist(5, np.ones(shape))


@pytest.mark.parametrize("value", ["a", None, True, 1j, {}, [["a"]], np.array(["a", "b"])])
def test_parameters_must_be_real_numbers(value):
    for name in ("nu", "S"):
        with pytest.raises(TypeError, match=f"{name} must be real numbers, got .* of type"):
            InverseWishart.dist(**{"nu": 5, "S": np.eye(2), name: value})


@pytest.mark.parametrize(("T", "nu"), [(1, 10.0), (2, 12.5), (4, 16.0)])
def test_draws(T, nu):
    n, S = 20_000, covariances(T, T, seed=5)
    draws = pm.draw(InverseWishart.dist(nu, S, size=n), random_seed=1)
    assert np.array_equal(draws, np.swapaxes(draws, -1, -2))
    # von Rosen (1988): moments of the elements
    diagonal, k = np.diag(S), nu - T
    top = (k + 1) * S**2 + (k - 1) * np.outer(diagonal, diagonal)
    sd = np.sqrt(top / (k * (k - 1) ** 2 * (k - 3)))
    assert_mean_and_sd(draws, S / (nu - T - 1), sd, "elements")
    marginal = stats.invgamma((k + 1) / 2, scale=diagonal / 2)
    variances = np.diagonal(draws, axis1=1, axis2=2)
    for probability in (0.02, 0.98):
        assert_share(variances < marginal.ppf(probability), probability, "tail of variances")
    # |S| / |Sigma| is a product of independent chi-squares
    logs = np.linalg.slogdet(S)[1] - np.linalg.slogdet(draws)[1]
    freedom = nu - np.arange(T)
    chi2 = np.random.default_rng(1).chisquare(freedom, size=(n, T))
    for probability in (0.02, 0.98):
        bound = np.quantile(np.log(chi2).sum(axis=1), probability)
        error = np.sqrt(2 * probability * (1 - probability) / n)
        assert abs(np.mean(logs < bound) - probability) < 5 * error


def test_correlations_of_draws():
    # With an identity scale r of two traits has the density (1 - r^2)^((nu - 3) / 2).
    draws = pm.draw(InverseWishart.dist(5.0, np.eye(2), size=20_000), random_seed=2)
    r = draws[:, 0, 1] / np.sqrt(draws[:, 0, 0] * draws[:, 1, 1])
    law = stats.beta(2.0, 2.0, loc=-1, scale=2)
    assert_mean_and_sd(r, 0.0, law.std(), "correlation")
    assert_share(r[:, None] < law.ppf([0.02, 0.98]), np.array([0.02, 0.98]), "tail of r")


def test_draws_of_a_batch_are_independent_and_have_their_own_parameters():
    nu, S = np.array([10.0, 30.0]), covariances(3, 1, 2, 2, seed=6)
    draws = pm.draw(InverseWishart.dist(nu, S), draws=4000, random_seed=3)
    assert draws.shape == (4000, 3, 2, 2, 2)
    mean = S / (nu - 3)[:, None, None]
    assert np.all(abs(draws.mean(axis=0) - mean) < 5 * draws.std(axis=0) / np.sqrt(4000))
    flat = draws[..., 0, 0].reshape(4000, 6)
    assert np.all(abs(np.corrcoef(flat.T) - np.eye(6)) < 5 / np.sqrt(4000))


def test_sizes():
    assert pm.draw(InverseWishart.dist(5, np.eye(2), size=(3, 4)), random_seed=1).shape[:2] == (
        3,
        4,
    )
    assert pm.draw(InverseWishart.dist(5, np.eye(2), shape=(3, 2, 2)), random_seed=1).shape[0] == 3
    assert InverseWishart.dist(5, np.eye(2)).type.shape == (2, 2)


@pytest.mark.parametrize(("nu", "divisor"), [(7.0, 4.0), (3.0, 6.0), (2.0, 5.0)])
def test_initial_point_is_the_mean_or_else_the_mode(nu, divisor):
    S = covariances(2, 2)
    with pm.Model(**TRAITS) as model:
        InverseWishart("Sigma", nu, S, dims=("trait", "trait_bis"))
        InverseWishart("several", nu, S, shape=(3, 2, 2))
    point = model.initial_point()
    for name in ("Sigma", "several"):
        start = LogCholeskyTransform().backward(point[f"{name}_logcholesky__"]).eval()
        np.testing.assert_allclose(start, np.broadcast_to(S / divisor, start.shape))


# The transform


@pytest.mark.parametrize("T", [1, 2, 3, 4, 10])
def test_transform_goes_there_and_back(T):
    transform, Sigma = LogCholeskyTransform(), covariances(2, 3, T, T)
    packed = transform.forward(Sigma).eval()
    factor = np.linalg.cholesky(Sigma)
    diagonal = np.diagonal(factor, axis1=-2, axis2=-1)
    factor[..., np.arange(T), np.arange(T)] = np.log(diagonal)
    np.testing.assert_allclose(packed, factor[(..., *np.tril_indices(T))], atol=1e-12)
    unknown = pt.tensor3()
    for back in (
        transform.backward(packed).eval(),
        transform.backward(unknown).eval({unknown: packed}),
    ):
        np.testing.assert_allclose(back, Sigma, rtol=1e-12, atol=1e-12)
        assert np.array_equal(back, np.swapaxes(back, -1, -2))


@pytest.mark.parametrize("T", [1, 2, 3, 4])
def test_jacobian_against_finite_differences(T):
    transform, size = LogCholeskyTransform(), T * (T + 1) // 2
    packed = np.random.default_rng(T).normal(size=(2, size))
    x = pt.dmatrix()
    back = pytensor.function([x], transform.backward(x))
    for b in range(2):
        ends = packed[b] + 1e-6 * np.concatenate([np.eye(size), -np.eye(size)])
        lower = back(ends)[(..., *np.tril_indices(T))]
        slopes = (lower[:size] - lower[size:]) / 2e-6
        found = transform.log_jac_det(packed).eval()[b]
        np.testing.assert_allclose(found, np.linalg.slogdet(slopes)[1], rtol=1e-7, atol=1e-7)


def test_gradient_under_the_transform():
    with pm.Model() as model:
        InverseWishart("Sigma", [5.0, 8.5], covariances(2, 3, 3))
    logp, slope = model.compile_logp(), model.compile_dlogp()
    point = {"Sigma_logcholesky__": np.random.default_rng(1).normal(size=(2, 6))}
    moves = 1e-6 * np.eye(12).reshape(12, 2, 6)
    differences = [
        logp({k: x + move for k, x in point.items()})
        - logp({k: x - move for k, x in point.items()})
        for move in moves
    ]
    np.testing.assert_allclose(slope(point), np.array(differences) / 2e-6, rtol=1e-5, atol=1e-6)


# In a model


def nuts_model():
    """Bivariate normals with zero means, as one trait and the other given it."""
    Y = np.random.default_rng(1).multivariate_normal([0, 0], [[1, 0.7], [0.7, 2]], size=20)
    with pm.Model(**TRAITS) as model:
        Sigma = InverseWishart("Sigma", 6, [[1.0, 0.2], [0.2, 2.0]], dims=("trait", "trait_bis"))
        slope = Sigma[0, 1] / Sigma[0, 0]
        pm.Normal("first", 0, pt.sqrt(Sigma[0, 0]), observed=Y[:, 0])
        left = Sigma[1, 1] - slope * Sigma[0, 1]
        pm.Normal("second", slope * Y[:, 0], pt.sqrt(left), observed=Y[:, 1])
    return model, stats.invwishart(6 + 20, np.array([[1.0, 0.2], [0.2, 2.0]]) + Y.T @ Y)


@pytest.mark.slow
def test_nuts_draws_the_conjugate_posterior():
    model, posterior = nuts_model()
    with model:
        idata = pm.sample(
            1000, tune=500, chains=2, cores=1, random_seed=1, progressbar=False, quiet=True
        )
    assert idata.posterior["Sigma"].dims == ("chain", "draw", "trait", "trait_bis")
    assert idata.sample_stats["diverging"].values.sum() == 0
    for i, j in ((0, 0), (0, 1), (1, 1)):
        draws = idata.posterior["Sigma"].values[..., i, j]
        assert_agrees(draws, posterior.mean()[i, j], f"Sigma[{i}, {j}]")
        assert_sd_agrees(draws, np.sqrt(posterior.var()[i, j]), f"Sigma[{i}, {j}]")


def test_a_model_is_copied_pickled_and_drawn_from():
    model, _ = nuts_model()
    point = model.initial_point()
    models = (model, model.copy(), cloudpickle.loads(cloudpickle.dumps(model)))
    logps = [again.compile_logp(mode="FAST_COMPILE")(point) for again in models]
    np.testing.assert_allclose(logps, logps[0])
    idata = pm.sample_prior_predictive(300, model=model, random_seed=1)
    Sigma = idata.prior["Sigma"].values[0]
    assert idata.prior["Sigma"].dims == ("chain", "draw", "trait", "trait_bis")
    assert np.all(
        abs(Sigma.mean(axis=0) - [[1 / 3, 0.2 / 3], [0.2 / 3, 2 / 3]])
        < 5 * Sigma.std(axis=0) / 300**0.5
    )
    assert np.linalg.eigvalsh(Sigma).min() > 0
    seeds = [pm.draw(model["Sigma"], random_seed=seed) for seed in (1, 1, 2)]
    assert np.array_equal(seeds[0], seeds[1])
    assert not np.array_equal(seeds[0], seeds[2])


def test_initial_values_must_be_covariances():
    with pm.Model() as model:
        InverseWishart("Sigma", 5, np.eye(2), initval=np.array(NOT_COVARIANCES["negative"]))
    with pytest.raises(np.linalg.LinAlgError):
        model.initial_point()


def test_it_can_be_observed():
    value = covariances(2, 2)
    with pm.Model() as model:
        InverseWishart("Sigma", 5, np.eye(2), observed=value)
    expected = stats.invwishart.logpdf(value, 5, np.eye(2))
    np.testing.assert_allclose(model.compile_logp()({}), expected)


# Normal distributions by their precision


def canonical(shape, seed=7):
    size = int(np.prod(shape))
    return covariances(size, size, seed=seed), np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3)], ids=str)
def test_canonical_normal_against_scipy(shape):
    P, linear = canonical(shape)
    covariance = np.linalg.inv(P)
    mean = covariance @ linear.ravel()
    dist = canonical_normal(P, linear)
    value = np.random.default_rng(1).normal(size=shape)
    expected = stats.multivariate_normal(mean, covariance).logpdf(value.ravel())
    np.testing.assert_allclose(pm.logp(dist, value).eval(), expected)
    draws = pm.draw(dist, draws=10_000, random_seed=1)
    assert draws.shape == (10_000, *shape)
    flat = draws.reshape(10_000, -1)
    sd = np.sqrt(np.diag(covariance))
    assert_mean_and_sd(flat, mean, sd, "draws")
    assert_share(flat < mean + 2 * sd, stats.norm.cdf(2), "tail")
    assert_mean_and_sd(flat.sum(axis=1), mean.sum(), np.sqrt(covariance.sum()), "sum of draws")


def test_canonical_normal_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="one row and one column"):
        canonical_normal(np.eye(3), np.ones(2))
    dist = canonical_normal(np.array(NOT_COVARIANCES["negative"]), np.ones(2))
    with pytest.raises(np.linalg.LinAlgError):
        pm.draw(dist)
    with pytest.raises(ParameterValueError, match="positive definite"):
        pm.logp(dist, np.ones(2)).eval()


# Conjugacy: prior + likelihood - conditional does not change with the variable


def assert_constant(values):
    assert np.ptp(values) < 1e-9 * (1 + np.abs(values).max())
    assert np.isfinite(values).all()


@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_inverse_wishart_conditional(batch):
    rng = np.random.default_rng(1)
    count = rng.integers(0, 9, size=batch)
    cross = np.zeros((*batch, 3, 3))
    deviates = {b: rng.normal(size=(count[b], 3)) for b in np.ndindex(batch)}
    for b, x in deviates.items():
        cross[b] = x.T @ x
    with pm.Model():
        Sigma = InverseWishart("Sigma", 4.5, covariances(3, 3), shape=(*batch, 3, 3))
    conditional = conjugate.inverse_wishart(Sigma, count, cross)
    assert pm.draw(conditional, random_seed=1).shape == (*batch, 3, 3)
    value = Sigma.type()
    gap = pytensor.function([value], pm.logp(Sigma, value) - pm.logp(conditional, value))
    points = [covariances(*batch, 3, 3, seed=seed) for seed in range(5)]
    for b, x in deviates.items():
        likelihood = [
            stats.multivariate_normal(cov=point[b]).logpdf(x).sum() if len(x) else 0.0
            for point in points
        ]
        assert_constant([gap(p)[b] + like for p, like in zip(points, likelihood, strict=True)])


def test_no_conditional_for_other_priors():
    with pm.Model():
        other = pm.Wishart("other", nu=5, V=np.eye(2))
        shrunk = pm.Laplace("shrunk", 0, 1, shape=2)
    assert conjugate.inverse_wishart(other, 3, np.eye(2)) is None
    assert conjugate.inverse_wishart(pt.constant(np.eye(2)), 3, np.eye(2)) is None
    assert conjugate.multivariate_normal(shrunk, np.eye(2), np.ones(2)) is None


@pytest.mark.parametrize("shape", [(3,), (2, 2)], ids=str)
def test_multivariate_normal_conditional(shape):
    precision, linear = canonical(shape)
    with pm.Model():
        x = pm.Normal("x", [0.5, -1.0, 2.0][: shape[-1]], [1.0, 2.0, 3.0][: shape[-1]], shape=shape)
    conditional = conjugate.multivariate_normal(x, precision, linear)
    value = x.type()
    gap = pytensor.function([value], pm.logp(x, value).sum() - pm.logp(conditional, value))
    points = np.random.default_rng(1).normal(size=(5, *shape))
    flat = points.reshape(5, -1)
    likelihood = flat @ linear.ravel() - np.einsum("ni,ij,nj->n", flat, precision, flat) / 2
    assert_constant([gap(point) + like for point, like in zip(points, likelihood, strict=True)])
