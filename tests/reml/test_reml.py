"""`fit_em` against REML coded independently, and the exact marginal posterior."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import statsmodels.api as sm
import xarray as xr
from scipy import optimize
from statsmodels.regression.mixed_linear_model import VCSpec

import blrzoo as blr
from tests.zoo.bad_data import W as W8
from tests.zoo.bad_data import X as X8
from tests.zoo.bad_data import Y as Y8


class Reference:
    """The restricted likelihood from the n x n covariance, as in the textbooks."""

    def __init__(self, X, y, index, W=None):
        self.X, self.y, self.index = np.asarray(X), np.asarray(y), np.asarray(index)
        n = len(self.y)
        W = np.empty((n, 0)) if W is None else np.asarray(W)
        self.F = np.column_stack([np.ones(n), W - W.mean(axis=0)])
        self.X = self.X - self.X.mean(axis=0)

    def covariance(self, sigma2, tau2):
        D = np.atleast_1d(tau2)[self.index]
        return (self.X * D) @ self.X.T + sigma2 * np.eye(len(self.y))

    def __call__(self, sigma2, *tau2):
        V, F = self.covariance(sigma2, tau2), self.F
        information = F.T @ np.linalg.solve(V, F)
        fixed = np.linalg.solve(information, F.T @ np.linalg.solve(V, self.y))
        r = self.y - F @ fixed
        return -0.5 * (
            (len(r) - F.shape[1]) * np.log(2 * np.pi)
            + np.linalg.slogdet(V)[1]
            + np.linalg.slogdet(information)[1]
            - np.linalg.slogdet(F.T @ F)[1]
            + r @ np.linalg.solve(V, r)
        )

    def maximise(self, fixed=None):
        """Nelder-Mead over logs, restarted: slow, without derivatives, and independent."""
        size = self.index.max() + 2
        known = np.full(size, np.nan) if fixed is None else np.asarray(fixed, dtype=float)

        def complete(logs):
            theta = known.copy()
            theta[np.isnan(known)] = np.exp(logs)
            return theta

        best = np.log(np.full(np.isnan(known).sum(), self.y.var() / 4))
        for _ in range(4):
            options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 8000}
            best = optimize.minimize(
                lambda logs: -self(*complete(logs)), best, method="Nelder-Mead", options=options
            ).x
        return complete(best)

    def standard_errors(self, theta):
        """From a Hessian by differences."""
        size, h = len(theta), 1e-4 * np.asarray(theta)
        H = np.empty((size, size))
        for i, j in np.ndindex(size, size):
            a, b = np.eye(size)[i] * h, np.eye(size)[j] * h
            corners = [self(*(theta + s * a + t * b)) for s in (1, -1) for t in (1, -1)]
            H[i, j] = np.dot(corners, [1, -1, -1, 1]) / (4 * h[i] * h[j])
        return np.sqrt(np.diag(np.linalg.inv(-H)))

    def effects(self, sigma2, *tau2):
        """Mixed model equations: means and SDs of fixed effects and beta, (fixed + feature)."""
        Z, k = np.column_stack([self.F, self.X]), self.F.shape[1]
        D = np.array(tau2)[self.index]
        C = np.linalg.inv(Z.T @ Z / sigma2 + np.diag(np.r_[np.zeros(k), 1 / D]))
        return C @ Z.T @ self.y / sigma2, np.sqrt(np.diag(C))


def simulate(n, p, tau, seed, covariates=0):
    """tau (): SD of effects, or (group): one for each group in turn."""
    rng = np.random.default_rng(seed)
    tau = np.atleast_1d(tau)
    index = np.arange(p) % len(tau)
    names = [f"x{j}" for j in range(p)]
    X = pd.DataFrame(rng.normal(size=(n, p)) * rng.uniform(0.5, 2, p) + 3, columns=names)
    W = pd.DataFrame(rng.normal(size=(n, covariates))).rename(columns="w{}".format)
    y = 5 + X @ rng.normal(0, tau[index]) + W.sum(axis=1) + rng.normal(size=n)
    return X, y, (W if covariates else None), index


CASES = {
    "n>p": (80, 12, 0.3, 1, 0),
    "n<p": (40, 90, 0.15, 2, 0),
    "n=p": (30, 30, 0.3, 3, 0),
    "p=1": (30, 1, 1.0, 8, 0),
    "n>p-W": (60, 10, 0.3, 5, 2),
    "n<p-W": (40, 90, 0.15, 7, 3),
    "groups-n>p": (100, 20, (0.6, 0.2), 1, 0),
    "groups-n<p": (60, 100, (0.25, 0.08), 2, 0),
    "groups-W": (100, 21, (0.6, 0.2, 0.4), 3, 2),
    "one-group": (50, 8, (0.5,), 4, 0),
}  # fmt: skip


def make(X, y, W, index, tau, **options):
    if np.ndim(tau):
        prior = blr.priors.HierarchicalRidge([f"g{g}" for g in index])
        return blr.regression(X, y, prior=prior, covariates=W, **options)
    return blr.single_component(X, y, covariates=W, **options)


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES)
def case(request):
    X, y, W, index = simulate(*request.param)
    model = make(X, y, W, index, request.param[2])
    reference = Reference(X, y, index, W)
    return blr.fit_em(model), reference, reference.maximise(), model


def variances(tree, group="estimate"):
    return np.r_[tree[group]["sigma2"].values, np.ravel(tree[group]["tau2"].values)]


def test_variances_maximise_the_restricted_likelihood(case):
    fit, _, best, _ = case
    assert fit["fit/converged"]
    assert (best > 1e-3).all()  # the cases are made to have their maximum inside
    np.testing.assert_allclose(variances(fit), best, rtol=1e-5)


def test_log_restricted_likelihood_has_its_full_value_and_never_falls(case):
    fit, reference, _, _ = case
    values = fit["fit/log_restricted_likelihood"]
    assert values.sizes == {"iteration": int(fit["fit/n_iter"]) + 1}
    np.testing.assert_allclose(values[-1], reference(*variances(fit)), rtol=1e-10)
    assert (np.diff(values) > -1e-10).all()
    assert fit["fit/n_iter"] < 30


def test_standard_errors_are_those_of_the_hessian(case):
    fit, reference, best, _ = case
    expected = reference.standard_errors(best)
    np.testing.assert_allclose(variances(fit, "standard_error"), expected, rtol=1e-4)


def test_effects_are_the_closed_form(case):
    fit, reference, _, _ = case
    for group, expected in zip(
        ("estimate", "standard_error"), reference.effects(*variances(fit)), strict=True
    ):
        found = fit[group]
        gamma = found["gamma"].values if "gamma" in found else []
        got = np.r_[found["mu"].values, gamma, found["beta"].values]
        np.testing.assert_allclose(got, expected, rtol=1e-7, atol=1e-10)


def test_names_dims_and_labels_are_those_of_the_model(case):
    fit, _, _, model = case
    free = {rv.name: model.named_vars_to_dims.get(rv.name, ()) for rv in model.free_RVs}
    for group in ("estimate", "standard_error"):
        assert {name: array.dims for name, array in fit[group].data_vars.items()} == free
        for dim, index in fit[group].coords.items():
            assert list(index.values) == list(model.coords[dim])


@pytest.mark.parametrize("name", ["n>p", "n<p", "groups-W"])
def test_plain_em_climbs_to_the_same_place(name):
    X, y, W, index = simulate(*CASES[name])
    model = make(X, y, W, index, CASES[name][2])
    fast = blr.fit_em(model)
    plain = blr.fit_em(model, accelerate=False, tol=1e-6, max_iter=50_000)
    np.testing.assert_allclose(variances(plain), variances(fast), rtol=1e-4)
    assert (np.diff(plain["fit/log_restricted_likelihood"]) > -1e-10).all()
    assert plain["fit/n_iter"] > fast["fit/n_iter"]


def test_an_em_step_is_the_average_of_second_moments():
    X, y, W, index = simulate(*CASES["groups-W"])
    reference = Reference(X, y, index, W)
    model = make(X, y, W, index, (1, 1, 1))
    with pytest.warns(UserWarning, match="has not converged"):
        first = blr.fit_em(model, accelerate=False, max_iter=1)
    with pytest.warns(UserWarning, match="has not converged"):
        second = blr.fit_em(model, accelerate=False, max_iter=2)
    mean, sd = reference.effects(*variances(first))
    k, moments = reference.F.shape[1], mean**2 + sd**2
    tau2 = [moments[k:][index == g].mean() for g in range(3)]
    np.testing.assert_allclose(second["estimate/tau2"], tau2, rtol=1e-9)
    # REML: E(e'e) with e = P-projected residual, plus k sigma2 for the fixed effects' own error
    Z = np.column_stack([reference.F, reference.X])
    sigma2, D = float(first["estimate/sigma2"]), first["estimate/tau2"].values[index]
    C = np.linalg.inv(Z.T @ Z / sigma2 + np.diag(np.r_[np.zeros(k), 1 / D]))
    expected = np.sum((y - Z @ mean) ** 2) + np.trace(Z @ C @ Z.T) - k * sigma2
    np.testing.assert_allclose(second["estimate/sigma2"], expected / (len(y) - k), rtol=1e-9)


@pytest.mark.parametrize("name", ["n>p", "n<p-W", "groups-n>p"])
def test_equal_to_statsmodels(name):
    X, y, W, index = simulate(*CASES[name])
    fit = blr.fit_em(make(X, y, W, index, CASES[name][2]))
    fixed = np.ones((len(y), 1)) if W is None else sm.add_constant(W - W.mean()).to_numpy()
    parts = [(X - X.mean()).to_numpy()[:, index == g] for g in range(index.max() + 1)]
    names = [f"g{g}" for g in range(len(parts))]
    columns = [[list(map(str, range(part.shape[1])))] for part in parts]
    vcs = VCSpec(names, columns, [[part] for part in parts])
    groups = np.ones(len(y))
    model = sm.MixedLM(y.to_numpy(), fixed, groups, exog_vc=vcs)
    reference = model.fit(reml=True, method=["cg"], gtol=1e-7)
    expected = np.r_[reference.scale, reference.vcomp]
    np.testing.assert_allclose(variances(fit), expected, rtol=1e-5)
    gamma = fit["estimate"].get("gamma", xr.DataArray(np.empty(0))).values
    np.testing.assert_allclose(np.r_[fit["estimate/mu"], gamma], reference.fe_params, rtol=1e-5)


def test_mode_of_the_marginal_posterior_by_brute_force():
    """Integrate mu and beta numerically (p = 1) on a grid of tau2 and sigma2."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=8)
    x -= x.mean()
    y = 1.5 * x + rng.normal(size=8)
    fit = blr.fit_em(blr.single_component(x[:, None], y))
    mu, beta = np.meshgrid(np.linspace(-6, 6, 161), np.linspace(-6, 8, 161), indexing="ij")
    squares = ((y - mu[..., None] - beta[..., None] * x) ** 2).sum(axis=-1)

    def log_posterior(sigma2, tau2):
        joint = -squares / (2 * sigma2) - 4 * np.log(sigma2) - beta**2 / (2 * tau2)
        return np.log(np.exp(joint - np.log(tau2) / 2).sum())

    centre = variances(fit)
    steps = np.exp(np.linspace(-0.02, 0.02, 21))
    grid = np.array([[log_posterior(centre[0] * a, centre[1] * b) for b in steps] for a in steps])
    assert np.unravel_index(grid.argmax(), grid.shape) == (10, 10)
    wide = np.exp(np.linspace(-2, 2, 9))
    far = np.array([[log_posterior(centre[0] * a, centre[1] * b) for b in wide] for a in wide])
    assert np.unravel_index(far.argmax(), far.shape) == (4, 4)


# At the boundary


@pytest.mark.parametrize(("n", "p"), [(50, 10), (30, 60)])
def test_no_signal_gives_exactly_zero(n, p):
    for seed in range(30):  # the first in which the maximum is at 0
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(n, p)), rng.normal(size=n)
        reference = Reference(X, y, np.zeros(p, dtype=int))
        at_zero = reference(y.var(ddof=1), 0.0)
        if all(at_zero > reference(y.var(ddof=1) * (1 - h), h / p) for h in (1e-4, 0.1, 0.5, 0.9)):
            break
    fit = blr.fit_em(blr.single_component(X, y))
    estimate, error = fit["estimate"], fit["standard_error"]
    assert fit["fit/converged"]
    assert estimate["tau2"] == 0
    np.testing.assert_allclose(estimate["sigma2"], y.var(ddof=1), rtol=1e-7)
    np.testing.assert_allclose(error["sigma2"], y.var(ddof=1) * np.sqrt(2 / (n - 1)), rtol=1e-6)
    np.testing.assert_allclose(estimate["mu"], y.mean())
    assert (estimate["beta"] == 0).all()
    assert (error["beta"] == 0).all()
    assert np.isnan(error["tau2"])
    assert fit["fit/h2"] == 0


def test_one_group_of_two_at_zero():
    X, y, _, _ = simulate(150, 12, 0.5, 6)
    noise = pd.DataFrame(np.random.default_rng(11).normal(size=(150, 5)))
    noise -= X @ np.linalg.lstsq(X, noise, rcond=None)[0]
    residual = y - y.mean() - (X - X.mean()) @ np.linalg.lstsq(X - X.mean(), y - y.mean())[0]
    noise -= np.outer(residual, residual @ noise / (residual @ residual))  # says nothing of y
    both = np.hstack([X, noise])
    prior = blr.priors.HierarchicalRidge(["signal"] * 12 + ["noise"] * 5)
    fit = blr.fit_em(blr.regression(both, y, prior=prior))
    single = blr.fit_em(blr.single_component(X.to_numpy(), y))
    assert fit["fit/converged"]
    assert fit["estimate/tau2"].sel(group="noise") == 0
    assert np.isnan(fit["standard_error/tau2"].sel(group="noise"))
    for group in ("estimate", "standard_error"):
        alone = single[group]
        np.testing.assert_allclose(fit[group]["tau2"].sel(group="signal"), alone["tau2"], rtol=1e-5)
        np.testing.assert_allclose(fit[group]["sigma2"], alone["sigma2"], rtol=1e-5)
        np.testing.assert_allclose(fit[group]["beta"][:12], alone["beta"], rtol=1e-5)


def test_residual_variance_at_zero():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, 60))
    y = X @ rng.normal(size=60)
    reference = Reference(X, y, np.zeros(60, dtype=int))
    fit = blr.fit_em(blr.single_component(X, y))
    assert fit["fit/converged"]
    assert fit["estimate/sigma2"] == 0
    assert fit["fit/h2"] == 1
    best = reference.maximise()  # creeps along sigma2 towards 0
    assert best[0] < 1e-3
    np.testing.assert_allclose(fit["estimate/tau2"], best[1], rtol=1e-4)
    fitted = fit["estimate/mu"].item() + (X - X.mean(axis=0)) @ fit["estimate/beta"].values
    np.testing.assert_allclose(fitted, y)
    assert np.isfinite(fit["standard_error/beta"]).all()


# What the model fixes


def test_fixed_variances_stay():
    X, y, W, index = simulate(*CASES["n>p-W"])
    reference = Reference(X, y, index, W)
    fit = blr.fit_em(blr.single_component(X, y, covariates=W, sigma2=1.3))
    np.testing.assert_allclose(variances(fit), reference.maximise([1.3, np.nan]), rtol=1e-5)
    assert fit["standard_error/sigma2"] == 0
    assert fit["standard_error/tau2"] > 0
    fit = blr.fit_em(blr.single_component(X, y, covariates=W, tau2=0.2))
    np.testing.assert_allclose(variances(fit), reference.maximise([np.nan, 0.2]), rtol=1e-5)
    fit = blr.fit_em(blr.single_component(X, y, covariates=W, tau2=0.2, sigma2=1.3))
    assert fit["fit/n_iter"] == 0
    assert fit["fit/converged"]
    np.testing.assert_allclose(variances(fit), [1.3, 0.2], rtol=1e-12)
    np.testing.assert_allclose(fit["estimate/beta"], reference.effects(1.3, 0.2)[0][3:], rtol=1e-8)


def test_fixed_intercept_and_covariate_effects_stay():
    X, y, W, _ = simulate(*CASES["n>p-W"])
    fit = blr.fit_em(blr.single_component(X, y, covariates=W, gamma=[1.0, 2.0]))
    offset = (W - W.mean()).to_numpy() @ [1.0, 2.0]
    same = blr.fit_em(blr.single_component(X, y - offset))
    np.testing.assert_allclose(variances(fit), variances(same), rtol=1e-7)
    np.testing.assert_allclose(fit["estimate/gamma"], [1, 2])
    assert (fit["standard_error/gamma"] == 0).all()
    fit = blr.fit_em(blr.single_component(X, y, mu=4.0))
    V = Reference(X, y, np.zeros(10, dtype=int)).covariance(*variances(fit))
    np.testing.assert_allclose(
        fit["fit/log_restricted_likelihood"][-1],  # nothing left to restrict
        -0.5
        * (
            len(y) * np.log(2 * np.pi)
            + np.linalg.slogdet(V)[1]
            + (y - 4) @ np.linalg.solve(V, y - 4)
        ),
    )
    assert fit["estimate/mu"] == 4
    assert fit["standard_error/mu"] == 0


def test_fixed_by_do():
    X, y, _, _ = simulate(*CASES["n>p"])
    done = pm.do(blr.single_component(X, y), {"sigma2": 1.3})
    fixed = blr.single_component(X, y, sigma2=1.3)
    np.testing.assert_allclose(variances(blr.fit_em(done)), variances(blr.fit_em(fixed)))


def test_weights_are_repeated_rows_and_missing_rows_play_no_part():
    X, y, W, _ = simulate(*CASES["n>p-W"])
    weights = np.random.default_rng(1).uniform(0.2, 4, len(y))
    fit = blr.fit_em(blr.single_component(X, y, covariates=W, weights=weights))
    reference = Reference(X, y, np.zeros(10, dtype=int), W)
    for name in ("X", "F"):
        setattr(reference, name, np.sqrt(weights)[:, None] * getattr(reference, name))
    reference.y = np.sqrt(weights) * reference.y
    np.testing.assert_allclose(variances(fit), reference.maximise(), rtol=1e-5)
    gone = y.where(np.arange(len(y)) % 7 != 0)
    part = blr.fit_em(blr.single_component(X, gone, missing="predict"))
    rows = gone.notna()
    np.testing.assert_allclose(
        variances(part), variances(blr.fit_em(blr.single_component(X[rows], y[rows])))
    )


# Invariance


@pytest.mark.filterwarnings("ignore:X has columns of different units")
def test_units_of_y_and_of_groups_do_not_matter():
    X, y, W, index = simulate(*CASES["groups-W"])
    fit = blr.fit_em(make(X, y, W, index, (1, 1, 1)))
    factor = np.array([1e-6, 1.0, 1e5])
    other = blr.fit_em(make(X * factor[index], 1e4 * y, W, index, (1, 1, 1)))
    scale = 1e8 / np.r_[1, factor**2]
    np.testing.assert_allclose(variances(other), variances(fit) * scale, rtol=1e-6)
    errors = variances(fit, "standard_error") * scale
    np.testing.assert_allclose(variances(other, "standard_error"), errors, rtol=1e-5)
    np.testing.assert_allclose(other["fit/h2"], fit["fit/h2"], rtol=1e-6)


def test_hyperpriors_and_centering_do_not_matter():
    X, y, W, _ = simulate(*CASES["n>p-W"])
    fit = blr.fit_em(blr.single_component(X, y, covariates=W))
    strong = {"tau2": (100, 5.0), "sigma2": pm.HalfNormal.dist(0.1), "mu": (0, 1e-3)}
    other = blr.fit_em(blr.single_component(X, y, covariates=W, center=False, **strong))
    np.testing.assert_allclose(variances(other), variances(fit), rtol=1e-7)
    np.testing.assert_allclose(other["estimate/beta"], fit["estimate/beta"], rtol=1e-6)
    shift = X.mean() @ fit["estimate/beta"].values + W.mean() @ fit["estimate/gamma"].values
    np.testing.assert_allclose(other["estimate/mu"], fit["estimate/mu"] - shift, rtol=1e-6)


def test_a_prior_of_ones_own_and_the_model_on_the_context():
    class Ranked(blr.priors.Prior):
        """Groups by position, in an order of their own."""

        def variables(self):
            return {"tau2": pm.HalfNormal("tau2", 1.0, shape=2)}

        def variance(self, v):
            return v["tau2"][np.array([1, 0] * 10)]

    X, y, _, index = simulate(*CASES["groups-n>p"])
    with blr.regression(X, y, prior=Ranked()):
        fit = blr.fit_em()
    expected = blr.fit_em(make(X, y, None, index, (1, 1)))
    np.testing.assert_allclose(fit["estimate/tau2"], expected["estimate/tau2"][::-1], rtol=1e-7)


def test_agrees_with_mcmc():
    X, y, _, _ = simulate(300, 30, 0.5, 8)
    weak = {"tau2": (0.01, 0.25), "sigma2": (0.01, 1.0)}
    model = blr.single_component(X, y, **weak)
    fit = blr.fit_em(model)
    with model:
        idata = blr.sample(draws=500, tune=200, chains=2, random_seed=1, quiet=True)
    posterior = idata.posterior
    for name in ("mu", "beta", "sigma2"):
        mean, sd = (getattr(posterior[name], f)(("chain", "draw")) for f in ("mean", "std"))
        assert (abs(mean - fit["estimate"][name]) < 0.3 * sd).all(), name
        assert (abs(sd / fit["standard_error"][name] - 1) < 0.25).all(), name


# Refusals and warnings


class Scaled(blr.priors.Prior):
    def __init__(self, variance):
        self.of = variance

    def variables(self):
        return {"tau2": pm.HalfNormal("tau2", 1.0, shape=3), "a": pm.HalfNormal("a", 1.0)}

    def variance(self, v):
        return self.of(v)


class OtherName(blr.priors.Prior):
    def variables(self):
        return {"tau": pm.HalfNormal("tau", 1.0)}

    def variance(self, v):
        return v["tau"] ** 2


class FunctionOfSD(blr.priors.SingleComponent):
    def tau2_variable(self):
        return pm.HalfNormal("tau", 1.0) ** 2


def with_potential():
    with blr.single_component(X8, Y8) as model:
        pm.Potential("extra", -(model["tau2"] ** 2))
    return model


def with_variable():
    with blr.single_component(X8, Y8) as model:
        pm.Normal("extra", model["beta"][0], 1.0, observed=0.0)
    return model


def other_model():
    with pm.Model() as model:
        pm.Normal("beta", 0, 1, shape=3)
    return model


def regress(prior, X=X8, y=Y8, **options):
    return lambda: blr.regression(X, y, prior=prior, **options)


REST = np.random.default_rng(5).normal(size=8)
UNSUPPORTED = {
    "mixture": (regress(blr.priors.SpikeSlab()), r"^model .*without labels.*SpikeSlab.*sample"),
    "other-model": (other_model, r"^model must .*did not make\. Make it with blrzoo"),
    "no-tau2": (regress(OtherName()), r"^model must .*variable 'tau2', got .*tau .*OtherName"),
    "function": (regress(FunctionOfSD()), r"^model must have tau2 .* function of tau\. Give"),
    "product": (regress(Scaled(lambda v: v["tau2"] * v["a"])), r"^model must .*alone, got a in"),
    "twice": (regress(Scaled(lambda v: 2 * v["tau2"])), r"^model must .*one element of tau2"),
    "sum": (regress(Scaled(lambda v: v["tau2"].sum())), r"^model must .*one element of tau2"),
    "potential": (with_potential, r"^model must have no terms beside .* got extra"),
    "variable": (with_variable, r"^model must have no terms beside .* got extra"),
    "exact-y": (regress(blr.priors.SingleComponent(), y=X8[:, 0]), r"features do not fit exactly"),
    "exact-W": (
        regress(blr.priors.SingleComponent(), y=W8 @ [1, 2], covariates=W8),
        r"^model must have a y that varies beyond its fixed effects",
    ),
    "in-W": (regress(blr.priors.SingleComponent(), X=W8 @ [[1], [2]], covariates=W8), r"for \[0"),
    "few": (regress(blr.priors.SingleComponent(), X8[:2], Y8[:2]), r"more obs.* 2, 1 and 2"),
}  # fmt: skip


@pytest.mark.parametrize(("make_model", "pattern"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_unsupported(make_model, pattern):
    model = make_model()
    with pytest.raises(ValueError, match=pattern):
        blr.fit_em(model)


@pytest.mark.parametrize(
    ("options", "error", "pattern"),
    [
        ({"tol": 0}, ValueError, "tol must be a finite number above 0, got 0"),
        ({"tol": np.nan}, ValueError, "tol must be a finite number above 0, got nan"),
        ({"tol": "1"}, TypeError, "tol must be a finite number above 0, got '1'"),
        ({"max_iter": 0}, ValueError, "max_iter must be an int from 1 .*got 0"),
        ({"max_iter": 1.5}, TypeError, r"max_iter must be an int .*got 1\.5"),
        ({"accelerate": 1}, TypeError, "accelerate must be True or False, got 1"),
    ],
)
def test_bad_arguments(options, error, pattern):
    with pytest.raises(error, match=pattern):
        blr.fit_em(blr.single_component(X8, Y8), **options)


def test_not_a_model():
    with pytest.raises(
        TypeError, match=r"model must be a pm\.Model, given or on the context, got None"
    ):
        blr.fit_em()


def test_variances_that_cannot_be_told_apart():
    X = np.linalg.qr(np.column_stack([np.ones(8), np.eye(8)[:, :7]]))[0][:, 1:]
    with pytest.warns(UserWarning, match="cannot tell apart.*Fix one"):
        fit = blr.fit_em(blr.single_component(X, REST))  # V = (tau2 + sigma2) I
    assert fit["fit/converged"]
    total = fit["estimate/tau2"] + fit["estimate/sigma2"]
    np.testing.assert_allclose(total, REST.var(ddof=1))
    assert np.isnan(fit["standard_error/tau2"])


def test_max_iter_is_a_warning_at_the_line_of_the_caller():
    with pytest.warns(UserWarning, match=r"after max_iter=1 iterations.*slope is") as caught:
        fit = blr.fit_em(blr.single_component(X8, Y8), max_iter=1)
    assert caught[0].filename == __file__
    assert not fit["fit/converged"]
    assert fit["fit/n_iter"] == 1
