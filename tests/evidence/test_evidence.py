"""Log marginal likelihoods against enumeration, quadrature, closed forms and PyMC's SMC."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from arviz_stats.base import array_stats
from scipy import special, stats

import blrzoo as blr
from blrzoo.evidence.marginal import log_marginal_likelihood
from blrzoo.evidence.power import power_posterior
from blrzoo.evidence.quadrature import log_integral
from blrzoo.evidence.stones import PowerChains, powers, stepping_stones
from tests.builders import make_data
from tests.oracles.one_trait import log_evidence_ridge, log_evidence_spike_slab
from tests.oracles.several_traits import enumerate_covariances
from tests.table import PRIORS, small_data

FIXED = {"pi": 0.3, "tau2": 0.8, "sigma2": 1.2, "mu": (0.0, 10.0)}
LEARNED = {"tau2": (6.0, 1.0), "sigma2": (8.0, 1.0), "mu": (0.0, 10.0)}
STONES = {"method": "stepping-stones", "progressbar": False, "random_seed": 1}


def assert_evidence(result, exact, largest_se=0.15):
    """Within 4 standard errors, and these not large."""
    estimate, se = float(result["log_marginal_likelihood"]), float(result["se"])
    assert 0 < se < largest_se
    assert abs(estimate - exact) < 4 * se, f"{estimate:.4f} +- {se:.2g} against {exact:.4f}"


@pytest.fixture(scope="module")
def fixed():
    """Chains of a spike-and-slab with fixed hyperparameters, and the exact answer."""
    X, y = make_data()
    return PowerChains(blr.spike_slab(X, y, **FIXED)), log_evidence_spike_slab(X, y, **FIXED)


def estimate(sampler, stones, draws, tune, chains, seed):
    path, rng = powers(stones), np.random.default_rng(seed)
    return stepping_stones(sampler.draw(path[:-1], draws, tune, chains, rng), path)


# The power posterior


@pytest.mark.parametrize(
    "name",
    [
        "ridge-joint",
        "ridge-covariate",
        "spike-slab-covariate",
        "bayes-r",
        "weights-and-missing",
        "half-normal-slab",
        "bayes-a",
    ],
)
@pytest.mark.slow
def test_conditionals_of_the_powered_model_match_its_density(name):
    powered = power_posterior(PRIORS[name](*small_data()))
    for power in (1.0, 0.3, 0.01):
        powered["likelihood_power"].set_value(np.array(power))
        errors = blr.testing.check_conditionals(powered, points=2, features=2, random_seed=1)
        assert errors


TWO_TRAITS = {
    "diagonal": lambda X, Y: blr.multivariate(X, Y, residual="diagonal", mu=(0, 1)),
    "selection-weights-covariates": lambda X, Y: blr.multivariate_spike_slab(
        X,
        Y,
        covariates=np.cos(np.arange(len(X)))[:, None],
        weights=np.linspace(0.5, 2.0, len(X)),
        mu=(0, 1),
    ),
}


@pytest.mark.parametrize("name", TWO_TRAITS)
@pytest.mark.slow
def test_conditionals_of_two_traits_match_the_powered_density(name):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(8, 3))
    powered = power_posterior(TWO_TRAITS[name](X, X[:, :2] + rng.normal(size=(8, 2))))
    for power in (1.0, 0.3, 0.01):
        powered["likelihood_power"].set_value(np.array(power))
        assert blr.testing.check_conditionals(powered, points=2, features=2, random_seed=1)


@pytest.mark.parametrize("name", ["ridge-covariate", "spike-slab"])
def test_the_check_sees_a_power_that_is_forgotten(name, monkeypatch):
    powered = power_posterior(PRIORS[name](*small_data()))
    powered["likelihood_power"].set_value(np.array(0.3))
    monkeypatch.setattr("blrzoo.likelihood.single.power", lambda model: pt.constant(1.0))
    with pytest.raises(AssertionError, match=r"'mu'.*'sigma2'"):
        blr.testing.check_conditionals(powered, random_seed=1)


def test_the_powered_density_is_the_density_times_the_power():
    model = blr.spike_slab(*make_data(), **FIXED)
    powered, point = power_posterior(model), model.initial_point()
    powered["likelihood_power"].set_value(np.array(0.25))
    expected = model.compile_logp(vars=[model["y"]], mode="FAST_COMPILE")(point)
    prior = model.compile_logp(vars=model.free_RVs, mode="FAST_COMPILE")(point)
    got = powered.compile_logp(mode="FAST_COMPILE")(point)
    np.testing.assert_allclose(got, prior + 0.25 * expected)
    assert "likelihood_power" not in model.named_vars


# Stepping stones


@pytest.mark.slow
def test_spike_slab_against_enumeration(fixed):
    sampler, exact = fixed
    assert_evidence(estimate(sampler, 30, 200, 20, 4, seed=1), exact)


@pytest.mark.slow
def test_spike_slab_with_learned_hyperparameters_against_quadrature():
    X, y = make_data(n=30, p=4, correlation=0.8)
    learned = {**LEARNED, "pi": (2.0, 3.0)}
    result = log_marginal_likelihood(
        blr.spike_slab(X, y, **learned), stones=15, draws=150, tune=30, **STONES
    )
    assert_evidence(result, log_evidence_spike_slab(X, y, **learned))
    assert result.attrs["method"] == "stepping-stones"
    assert result["power"].values[0] == 0
    assert result.sizes["stone"] == 15
    np.testing.assert_array_equal(result["y"], y)


@pytest.mark.slow
def test_draws_at_a_power_have_the_mean_log_likelihood_of_that_power(fixed):
    """It is the slope of the log normalising constant of the power posterior."""
    sampler, _ = fixed
    X, y = make_data()
    path = np.array([0.0, 0.05, 0.3])
    drawn = sampler.draw(path, 1000, 50, 4, np.random.default_rng(3))
    for power, draws in zip(path[1:], drawn[1:], strict=True):
        # p(y | theta)^t is N(y; ., sigma2 / t), up to a factor that does not depend on theta
        h = 1e-4
        slope = np.diff([_log_powered(X, y, power + step) for step in (-h, h)])[0] / (2 * h)
        assert abs(draws.mean() - slope) < 4 * float(array_stats.mcse(draws))


def _log_powered(X, y, power):
    sigma2, n = FIXED["sigma2"], len(y)
    factor = n / 2 * ((1 - power) * np.log(2 * np.pi * sigma2) - np.log(power))
    return log_evidence_spike_slab(X, y, **{**FIXED, "sigma2": sigma2 / power}) + factor


def z_scores(fixed, repeats, **settings):
    sampler, exact = fixed
    results = [estimate(sampler, seed=1000 + seed, **settings) for seed in range(repeats)]
    return np.array(
        [(float(r["log_marginal_likelihood"]) - exact) / float(r["se"]) for r in results]
    )


def assert_standard_normal(z):
    """The estimates scatter about the truth as their standard errors say."""
    low, high = stats.chi2.ppf([1e-4, 1 - 1e-4], z.size)
    assert low < np.sum(z**2) < high, np.sqrt(np.mean(z**2))
    assert abs(z.mean()) < 4 / np.sqrt(z.size)


@pytest.mark.slow
def test_standard_errors_cover_the_truth(fixed):
    z = z_scores(fixed, 20, stones=8, draws=30, tune=10, chains=4)
    assert_standard_normal(z)
    for wrong in (0.5, 2.5):
        with pytest.raises(AssertionError):
            assert_standard_normal(z / wrong)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {"stones": 15, "draws": 60, "tune": 20, "chains": 4},
        {"stones": 40, "draws": 25, "tune": 0, "chains": 4},
        {"stones": 30, "draws": 100, "tune": 10, "chains": 1},
    ],
)
def test_standard_errors_cover_the_truth_in_many_repeats(fixed, settings):
    assert_standard_normal(z_scores(fixed, 100, **settings))


@pytest.mark.slow
def test_standard_errors_cover_the_truth_where_hyperparameters_are_learned():
    X, y = make_data(n=30, p=4, correlation=0.8)
    learned = {**LEARNED, "pi": (2.0, 3.0)}
    sampler = PowerChains(blr.spike_slab(X, y, **learned))
    exact = log_evidence_spike_slab(X, y, **learned)
    assert_standard_normal(z_scores((sampler, exact), 60, stones=15, draws=60, tune=20, chains=4))


def test_correlation_between_stones_is_in_the_error():
    """Chains that stay where they are: independent of each other, not of themselves."""
    rng = np.random.default_rng(1)
    level = rng.normal(size=(1, 50, 1))
    stuck = np.broadcast_to(level, (10, 50, 20)) + 1e-6 * rng.normal(size=(10, 50, 20))
    result = stepping_stones(stuck, np.linspace(0, 1, 11))
    # the log of each ratio is near 0.1 mean(level), and the sum of ten is off by sd / sqrt(50)
    assert 0.7 < float(result["se"]) / (level.std() / np.sqrt(50)) < 1.4


def test_same_seed_same_answer(fixed):
    sampler, _ = fixed
    first, second, third = (estimate(sampler, 5, 20, 5, 2, seed) for seed in (1, 1, 2))
    assert first.equals(second)
    assert not first.equals(third)


def test_an_uncertain_stone_is_told():
    model = blr.spike_slab(*make_data(), **FIXED)
    with pytest.warns(UserWarning, match="ratios of the stones .* more stones"):
        log_marginal_likelihood(model, stones=2, draws=20, tune=5, chains=2, **STONES)


def test_rows_without_y_play_no_part():
    X, y = make_data(15, 3)
    gaps = np.where(np.arange(len(y)) < 3, np.nan, y)
    settings = {**LEARNED, "center": False}
    model = blr.single_component(X, gaps, missing="predict", **settings)
    result = log_marginal_likelihood(model)
    expected = log_marginal_likelihood(blr.single_component(X[3:], y[3:], **settings))
    assert result.sizes["obs"] == 12
    np.testing.assert_allclose(
        result["log_marginal_likelihood"], expected["log_marginal_likelihood"], rtol=1e-10
    )


# Several traits


@pytest.mark.slow
def test_two_traits_against_enumeration():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(15, 3))
    Y = X[:, :1] * np.array([1.0, 0.5]) + rng.normal(size=(15, 2))
    Sigma_b, Sigma_e = np.array([[0.8, 0.3], [0.3, 0.5]]), np.array([[1.0, 0.4], [0.4, 1.5]])
    model = blr.multivariate_spike_slab(
        X, Y, patterns="restrictive", pi=[0.6, 0.4], Sigma_b=Sigma_b, Sigma_e=Sigma_e, mu=(0, 10)
    )
    exact = enumerate_covariances(
        X, Y, covariances=np.array([0 * Sigma_b, Sigma_b]), pi=[0.6, 0.4], Sigma_e=Sigma_e
    )
    result = log_marginal_likelihood(model, stones=15, draws=100, tune=20, **STONES)
    assert_evidence(result, special.logsumexp(exact.hyper["log_evidence"]))


def test_holes_are_refused():
    X, y = make_data(n=10, p=2)
    Y = np.column_stack([y, y**2])
    Y[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"missing cells of y.* augmentation"):
        log_marginal_likelihood(blr.multivariate(X, Y), **STONES)


# Exact


@pytest.mark.parametrize(("n", "p"), [(20, 4), (8, 12)])
def test_exact_with_fixed_variances_is_the_density_of_a_normal(n, p):
    X, y = make_data(n, p)
    rng = np.random.default_rng(3)
    W, weights = rng.normal(size=(n, 2)), rng.uniform(0.5, 2.0, size=n)
    X0, W0 = (A - np.average(A, axis=0, weights=weights) for A in (X, W))
    covariance = 0.7 * X0 @ X0.T + 1.3 * np.diag(1 / weights) + 100 + W0 @ np.diag([4, 9]) @ W0.T
    expected = stats.multivariate_normal(np.full(n, 0.5) + W0[:, 0], covariance).logpdf(y)
    model = blr.single_component(
        X,
        y,
        tau2=0.7,
        sigma2=1.3,
        mu=(0.5, 10.0),
        covariates=W,
        gamma=([1.0, 0.0], [2.0, 3.0]),
        weights=weights,
    )
    result = log_marginal_likelihood(model)
    assert result.attrs["method"] == "exact"
    np.testing.assert_allclose(result["log_marginal_likelihood"], expected, rtol=1e-10)
    assert float(result["se"]) == 0


@pytest.mark.parametrize("fixed_one", [{}, {"tau2": 0.5}, {"sigma2": 1.5}])
@pytest.mark.parametrize(("n", "p"), [(15, 3), (6, 9)])
def test_exact_with_learned_variances_is_the_quadrature(n, p, fixed_one):
    X, y = make_data(n, p)
    settings = LEARNED | fixed_one
    result = log_marginal_likelihood(blr.single_component(X, y, **settings))
    expected = log_evidence_ridge(X, y, size=60, **settings)
    assert float(result["se"]) < 1e-6
    np.testing.assert_allclose(result["log_marginal_likelihood"], expected, atol=1e-5)


@pytest.mark.parametrize(
    ("dist", "density", "upper"),
    [
        (pm.Uniform.dist(0, 2), stats.uniform(0, 2), 2.0),
        (pm.HalfNormal.dist(1.0), stats.halfnorm(), 7.0),
    ],
)
def test_exact_with_any_prior_of_the_variance(dist, density, upper):
    X, y = make_data(12, 3)
    model = blr.single_component(X, y, tau2=dist, sigma2=1.2, mu=0.0)
    nodes, weights = np.polynomial.legendre.leggauss(200)
    grid = upper * (nodes + 1) / 2
    X0 = X - X.mean(axis=0)
    logs = [
        stats.multivariate_normal(np.zeros(12), t * X0 @ X0.T + 1.2 * np.eye(12)).logpdf(y)
        for t in grid
    ]
    expected = special.logsumexp(logs, b=weights * upper / 2 * density.pdf(grid))
    np.testing.assert_allclose(
        log_marginal_likelihood(model)["log_marginal_likelihood"], expected, atol=1e-8
    )


@pytest.mark.slow
def test_exact_and_stepping_stones_agree_on_the_joint_draw():
    """With weights and covariates, both variances learned."""
    X, y = make_data(25, 4)
    more = {"covariates": X[:, :1] ** 2, "weights": np.linspace(0.5, 2.0, 25)}
    model = blr.single_component(X, y, update="joint", **LEARNED, **more)
    exact = log_marginal_likelihood(model)
    result = log_marginal_likelihood(model, stones=15, draws=150, tune=30, **STONES)
    assert_evidence(result, float(exact["log_marginal_likelihood"]))


@pytest.mark.slow
def test_stepping_stones_with_a_variance_left_to_nuts():
    X, y = make_data(25, 4)
    settings = {"tau2": pm.HalfNormal.dist(1.0), "sigma2": pm.HalfNormal.dist(2.0)}
    model = blr.single_component(X, y, mu=(0, 10), **settings)
    exact = log_marginal_likelihood(model)
    assert exact.attrs["method"] == "exact"
    result = log_marginal_likelihood(model, stones=20, draws=300, tune=200, **STONES)
    assert_evidence(result, float(exact["log_marginal_likelihood"]))


def test_a_trajectory_of_nuts_that_overflows_is_a_divergence(fixed, monkeypatch):
    class Diverges:
        def step(self, point):
            return point, np.square(np.array([1e200]))

    sampler, _ = fixed
    monkeypatch.setattr(sampler, "step", Diverges())
    assert sampler._step({}) == {}


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.slow
def test_sequential_monte_carlo_of_pymc_says_the_same():
    X, y = make_data(15, 3)
    model = blr.single_component(X, y, **LEARNED)
    with model:
        idata = pm.sample_smc(
            draws=500,
            chains=8,
            cores=1,
            correlation_threshold=1e-3,
            random_seed=2,
            progressbar=False,
            compute_convergence_checks=False,
        )
    found = np.array([run[-1] for run in idata.sample_stats["log_marginal_likelihood"].values])
    exact = float(log_marginal_likelihood(model)["log_marginal_likelihood"])
    assert abs(found.mean() - exact) < 4 * found.std(ddof=1) / np.sqrt(found.size)


def test_exact_looks_far_for_what_is_far():
    """In units that are a million times smaller the search begins elsewhere."""
    X, y = make_data(15, 3)
    small = log_marginal_likelihood(blr.single_component(X, y))["log_marginal_likelihood"]
    large = log_marginal_likelihood(blr.single_component(X, 1e6 * y))["log_marginal_likelihood"]
    np.testing.assert_allclose(large, small - 15 * np.log(1e6), atol=1e-6)


@pytest.mark.parametrize("narrow", [1e-3, 1.0, 30.0])
def test_log_integral_of_a_correlated_normal(narrow):
    cov = np.array([[1.0, 0.9 * narrow], [0.9 * narrow, narrow**2]])
    normal = stats.multivariate_normal([4.0, -7.0], cov)

    def log_density(axes):
        return normal.logpdf(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)) + 2.5

    value, error = log_integral(log_density, [0.0, 0.0])
    assert abs(value - 2.5) < 1e-8
    assert error < 1e-8


def test_log_integral_refuses_what_has_none():
    with pytest.raises(ValueError, match="does not fall off"):
        log_integral(lambda axes: np.zeros(len(axes[0])), [0.0])
    with pytest.raises(ValueError, match="not finite everywhere"):
        log_integral(lambda axes: np.full(len(axes[0]), np.nan), [0.0])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda X, y: blr.spike_slab(X, y), "got a mixture: SpikeSlab"),
        (lambda X, y: blr.hierarchical(X, y, [0, 1, 1]), "got 2 variances"),
        (lambda X, y: blr.regression(X, y, prior=blr.priors.BayesianLasso()), "got 3 variances"),
        (lambda X, y: blr.single_component(X, y, mu=pm.StudentT.dist(3)), "got mu with the prior"),
        (lambda X, y: blr.multivariate(X, np.column_stack([y, X[:, 0]])), "got none that"),
    ],
)
def test_exact_is_refused_for_other_models(make, reason):
    X, y = make_data(10, 3)
    with pytest.raises(ValueError, match=f"exact.*{reason}.*stepping-stones"):
        log_marginal_likelihood(make(X, y), method="exact")


# Models


def test_copies_and_interventions_are_models_like_others():
    X, y = make_data(15, 3)
    model = blr.single_component(X, y, **LEARNED)
    expected = log_marginal_likelihood(model)["log_marginal_likelihood"]
    copy = log_marginal_likelihood(model.copy())["log_marginal_likelihood"]
    np.testing.assert_allclose(copy, expected, rtol=1e-12)
    with pm.do(model, {"tau2": 0.5}):
        done = log_marginal_likelihood(stones=20, draws=100, chains=2, **STONES)
    assert_evidence(done, log_evidence_ridge(X, y, **{**LEARNED, "tau2": 0.5}), largest_se=0.3)


def test_models_that_are_not_of_y_alone_are_refused():
    X, y = make_data(10, 2)
    model = blr.single_component(X, y)
    with model.copy() as added:
        pm.Potential("more", added["mu"] * 0.0)
    for wrong, got in ((added, "more"), (pm.observe(model, {"tau2": 0.5}), "tau2")):
        with pytest.raises(ValueError, match=f"y as its only observed variable.*got {got}"):
            log_marginal_likelihood(wrong)
    with pm.Model() as other:
        pm.Normal("y", pm.Normal("mu"), observed=y)
    with pytest.raises(ValueError, match="one of blrzoo"):
        log_marginal_likelihood(other)
    with pytest.raises(TypeError, match=r"a pm\.Model, given or on the context, got None"):
        log_marginal_likelihood()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"method": "smc"}, ValueError, "method must be 'auto', 'exact' or"),
        ({"stones": 1}, ValueError, "stones must be an int from 2 .*, got 1"),
        ({"draws": 5.0}, TypeError, "draws must be an int"),
        ({"tune": -1}, ValueError, "tune must be an int from 0"),
        ({"chains": True}, TypeError, "chains must be an int"),
    ],
)
def test_arguments_out_of_range(arguments, error, message):
    with pytest.raises(error, match=message):
        log_marginal_likelihood(blr.single_component(*make_data(10, 2)), **arguments)
