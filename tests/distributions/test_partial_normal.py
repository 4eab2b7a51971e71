"""Normal rows with unknown cells: density, gradients, draws, and what PyMC does with them."""

import itertools

import cloudpickle
import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pymc.logprob.utils import ParameterValueError
from scipy import stats

from blrzoo.distributions.partial_normal import PartialNormal, completed
from blrzoo.gibbs.compose import State
from blrzoo.ops.partial import Complete, complete

pytestmark = pytest.mark.engine

#: For graphs that are evaluated a few times only.
QUICK = "FAST_COMPILE"


def make_rows(traits, repeats=2, seed=0):
    """Rows of every pattern, shuffled, with weights; `holes` has NaN in the unknown cells."""
    rng = np.random.default_rng(seed)
    patterns = list(itertools.product([True, False], repeat=traits))
    known = rng.permutation(np.repeat(patterns, repeats, axis=0))
    Y = rng.normal(size=known.shape) + 1.0
    A = rng.normal(size=(traits, traits + 2))
    return {
        "known": known,
        "Y": Y,
        "holes": np.where(known, Y, np.nan),
        "mu": rng.normal(size=known.shape),
        "cov": A @ A.T + 0.1 * np.eye(traits),
        "weights": rng.uniform(0.2, 3.0, size=len(known)),
    }


def expected_logp(rows, cells):
    """Row by row with SciPy, of the cells that `cells` says."""
    found = np.zeros(len(cells))
    for i, k in enumerate(cells):
        if k.any():
            cov = rows["cov"][np.ix_(k, k)] / rows["weights"][i]
            found[i] = stats.multivariate_normal.logpdf(rows["Y"][i, k], rows["mu"][i, k], cov)
    return found


def parameters(rows):
    return rows["mu"], rows["cov"], rows["known"], rows["weights"]


@pytest.mark.parametrize("traits", [1, 2, 3, 4])
def test_logp_is_that_of_the_known_cells(traits):
    rows = make_rows(traits, seed=traits)
    density = pm.logp(PartialNormal.dist(*parameters(rows)), rows["holes"])
    expected = expected_logp(rows, rows["known"])
    np.testing.assert_allclose(density.eval(mode=QUICK), expected, rtol=1e-11, atol=1e-11)
    np.testing.assert_allclose(density.eval(mode="NUMBA"), expected, rtol=1e-11, atol=1e-11)
    assert (expected == 0).sum() == 2


def test_logp_of_complete_rows_is_that_of_mv_normal():
    rows = make_rows(3)
    mu, cov = np.array([1.0, 0.0, -1.0]), rows["cov"]
    whole = np.ones_like(rows["known"])
    ours = pm.logp(PartialNormal.dist(mu, cov, whole), rows["Y"]).eval(mode=QUICK)
    theirs = pm.logp(pm.MvNormal.dist(mu, cov), rows["Y"]).eval(mode=QUICK)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("hole", [np.nan, np.inf, 1e300])
def test_what_unknown_cells_hold_does_not_matter(hole):
    rows = make_rows(3)
    mu, cov, value = pt.dmatrix("mu"), pt.dmatrix("cov"), pt.dmatrix("value")
    density = pm.logp(PartialNormal.dist(mu, cov, *parameters(rows)[2:]), value)
    gradients = pt.grad(density.sum(), [value, mu, cov])
    function = pytensor.function([value, mu, cov], [density, *gradients], mode=QUICK)
    expected = function(rows["Y"], rows["mu"], rows["cov"])
    found = function(np.where(rows["known"], rows["Y"], hole), rows["mu"], rows["cov"])
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    for gradient in found[1:3]:
        assert (gradient[~rows["known"]] == 0).all()
        assert (gradient[rows["known"]] != 0).all()


def test_gradients_are_those_of_finite_differences():
    rows = make_rows(3, seed=5)
    mu, cov, weights = pt.dmatrix("mu"), pt.dmatrix("cov"), pt.dvector("weights")
    rv = PartialNormal.dist(mu, cov, rows["known"], weights)
    density = pm.logp(rv, pt.constant(rows["holes"])).sum()
    inputs = [mu, cov, weights]
    function = pytensor.function(inputs, density, mode=QUICK)
    gradients = pytensor.function(inputs, pt.grad(density, inputs), mode=QUICK)
    at = [rows[name] for name in ("mu", "cov", "weights")]
    found, rng = gradients(*at), np.random.default_rng(5)
    for k, gradient in enumerate(found):
        for _ in range(5):
            step = 1e-5 * rng.normal(size=gradient.shape)
            step = step + step.T if k == 1 else step  # a covariance stays symmetric
            high, low = (function(*at[:k], at[k] + s * step, *at[k + 1 :]) for s in (1, -1))
            np.testing.assert_allclose(2 * (gradient * step).sum(), high - low, rtol=1e-6)


@pytest.mark.parametrize("traits", [1, 2, 4])
def test_known_and_completed_densities_make_the_complete_one(traits):
    rows = make_rows(traits, seed=10 + traits)
    partial = pm.logp(PartialNormal.dist(*parameters(rows)), rows["holes"]).eval(mode=QUICK)
    rest = pm.logp(completed(rows["holes"], *parameters(rows)), rows["Y"]).eval(mode=QUICK)
    whole = expected_logp(rows, np.ones_like(rows["known"]))
    np.testing.assert_allclose(whole - rest, partial, rtol=1e-10, atol=1e-10)
    assert (rest[rows["known"].all(axis=1)] == 0).all()


def test_completed_density_is_nothing_at_other_known_cells():
    rows = make_rows(2)
    elsewhere = rows["Y"] + np.eye(2)[0]  # the first trait of each row moves
    density = pm.logp(completed(rows["holes"], *parameters(rows)), elsewhere).eval(mode=QUICK)
    np.testing.assert_array_equal(density == -np.inf, rows["known"][:, 0])


def op_inputs(traits, seed):
    rows = make_rows(traits, repeats=4, seed=seed)
    patterns, index = np.unique(rows["known"], axis=0, return_inverse=True)
    normals = np.random.default_rng(seed).normal(size=rows["known"].shape)
    root = np.sqrt(rows["weights"])
    return [rows["holes"], rows["mu"], rows["cov"], root, index.ravel(), patterns, normals]


@pytest.mark.parametrize("traits", [1, 2, 3, 5])
def test_kernel_equals_reference(traits):
    inputs = op_inputs(traits, seed=traits)
    before = [np.copy(value) for value in inputs]
    expected, drawn = Complete().reference(*inputs), complete(*inputs)
    np.testing.assert_allclose(drawn, expected, rtol=1e-12, atol=1e-12)
    assert np.isfinite(drawn).all()
    known = np.isfinite(inputs[0])
    np.testing.assert_array_equal(drawn[known], inputs[0][known])
    for old, now in zip(before, inputs, strict=True):
        np.testing.assert_array_equal(old, now)


@pytest.mark.parametrize("mode", ["NUMBA", QUICK])
def test_op_in_both_modes(mode):
    inputs = op_inputs(3, seed=1)
    function = pytensor.function([], Complete()(*map(pt.constant, inputs)), mode=mode)
    np.testing.assert_allclose(function(), Complete().reference(*inputs), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("draw", [Complete().reference, complete], ids=["numpy", "numba"])
def test_op_refuses_what_would_be_read_out_of_bounds_and_bad_covariances(draw):
    inputs = op_inputs(2, seed=1)
    for i in (0, 1, 3, 4, 6):
        with pytest.raises(ValueError, match="differ in shape"):
            draw(*inputs[:i], inputs[i][:-1], *inputs[i + 1 :])
    for wrong in ([[1.0, 2.0], [2.0, 1.0]], np.full((2, 2), np.nan)):
        with pytest.raises(np.linalg.LinAlgError):
            draw(*inputs[:2], np.array(wrong), *inputs[3:])


def test_density_refuses_a_covariance_that_is_none_and_weights_below_zero():
    rows, weights = make_rows(2), pt.dvector("weights")
    rv = PartialNormal.dist(rows["mu"], [[1.0, 2.0], [2.0, 1.0]], rows["known"])
    with pytest.raises(ParameterValueError, match="posdef"):
        pm.logp(rv, rows["holes"]).eval(mode=QUICK)
    density = pm.logp(PartialNormal.dist(*parameters(rows)[:3], weights), rows["holes"])
    with pytest.raises(ParameterValueError, match="weights"):
        density.eval({weights: -rows["weights"]}, mode=QUICK)


def conditional(rows, i, k):
    """Mean and covariance of the unknown cells of a row, by the textbook's formula."""
    cov, u = rows["cov"] / rows["weights"][i], ~k
    slope = cov[np.ix_(u, k)] @ np.linalg.inv(cov[np.ix_(k, k)])
    mean = rows["mu"][i, u] + slope @ (rows["Y"][i, k] - rows["mu"][i, k])
    return mean, cov[np.ix_(u, u)] - slope @ cov[np.ix_(k, u)]


def assert_normal(draws, mean, cov):
    """Means, covariances and tails of iid rows, to 5 standard errors."""
    n, variance = len(draws), np.diag(cov)
    assert (abs(draws.mean(axis=0) - mean) < 5 * np.sqrt(variance / n)).all()
    error = np.sqrt((np.outer(variance, variance) + cov**2) / n)
    deviations = draws - mean
    assert (abs(deviations.T @ deviations / n - cov) < 5 * error).all()
    tail = stats.norm.sf(1.5)
    above = (deviations > 1.5 * np.sqrt(variance)).mean(axis=0)
    assert (abs(above - tail) < 5 * np.sqrt(tail * (1 - tail) / n)).all()


def test_completed_draws_have_the_conditional_moments():
    copies, one = 2000, make_rows(3, repeats=1, seed=3)
    repeated = {k: v if k == "cov" else np.repeat(v, copies, axis=0) for k, v in one.items()}
    rv = completed(repeated["holes"], *parameters(repeated))
    draws = pm.draw(rv, draws=10, random_seed=1).reshape((10, -1, copies, 3))
    draws = draws.swapaxes(0, 1).reshape((-1, 10 * copies, 3))
    for i, k in enumerate(one["known"]):
        assert (draws[i][:, k] == one["Y"][i, k]).all()
        if not k.all():
            assert_normal(draws[i][:, ~k], *conditional(one, i, k))
    correlation = np.corrcoef(draws[:, :, 0][~one["known"][:, 0]])
    off = correlation[np.triu_indices(len(correlation), 1)]
    assert (abs(off) < 5 / np.sqrt(10 * copies)).all(), "rows must be independent"


def test_random_draws_are_complete_rows_with_the_covariance():
    one = make_rows(2, repeats=1, seed=4)
    draws = pm.draw(PartialNormal.dist(*parameters(one)), draws=20_000, random_seed=1)
    for i, weight in enumerate(one["weights"]):
        assert_normal(draws[:, i], one["mu"][i], one["cov"] / weight)
    extra = pm.draw(PartialNormal.dist(*parameters(one), size=(5, 4)), random_seed=1)
    assert extra.shape == (5, 4, 2)
    assert len(np.unique(extra)) == extra.size


@pytest.fixture(scope="module")
def data():
    rows = make_rows(2, repeats=3, seed=6)
    return rows | {"X": np.random.default_rng(6).normal(size=(len(rows["known"]), 1))}


def make_model(data, observed=True):
    n, traits = data["known"].shape
    coords = {"obs": np.arange(n), "trait": ["a", "b"], "feature": ["x"]}
    with pm.Model(coords=coords) as model:
        X = pm.Data("X", data["X"], dims=("obs", "feature"))
        weights = pm.Data("weights", data["weights"], dims="obs")
        mu = pm.Normal("mu", 0, 1, dims="trait")
        beta = pm.Normal("beta", 0, 1, dims=("feature", "trait"))
        sd = pm.HalfNormal("sd", 1)
        cov = sd**2 * (np.eye(traits) + 0.5)
        mean = mu + (X[:, :, None] * beta[None]).sum(axis=1)
        given = {"observed": data["holes"]} if observed else {}
        PartialNormal("y", mean, cov, data["known"], weights, dims=("obs", "trait"), **given)
    return model


POINT = {"mu": np.array([0.3, -0.2]), "beta": np.array([[0.5, 1.0]]), "sd_log__": np.array(0.1)}


def expected_at_point(data):
    """Log likelihood of the model's rows at POINT."""
    mean = POINT["mu"] + data["X"] @ POINT["beta"]
    cov = np.exp(0.2) * (np.eye(2) + 0.5)
    return expected_logp(data | {"mu": mean, "cov": cov}, data["known"])


def likelihood(model, value="y"):
    density = model.logp(vars=[model[value]], sum=False)[0]
    return pytensor.function(model.value_vars, density, mode=QUICK, on_unused_input="ignore")


def at_point(model):
    return [POINT[value.name] for value in model.value_vars]


def test_pymc_copies_pickles_and_debugs(data, capsys):
    model = make_model(data)
    assert [rv.name for rv in model.free_RVs] == ["mu", "beta", "sd"]
    assert [rv.name for rv in model.observed_RVs] == ["y"]
    latent = make_model(data, observed=False)
    assert [rv.name for rv in latent.free_RVs] == ["mu", "beta", "sd", "y"]
    models = {
        "original": model,
        "copy": model.copy(),
        "pickle": cloudpickle.loads(cloudpickle.dumps(model)),
        "do": pm.do(model, {"mu": POINT["mu"], "beta": POINT["beta"]}),
        "observe": pm.observe(latent, {"y": data["holes"]}),
        "observe constant": pm.observe(latent, {"y": pt.constant(data["holes"])}),
    }
    for name, other in models.items():
        found = likelihood(other)(*at_point(other))
        np.testing.assert_allclose(found, expected_at_point(data), rtol=1e-10, err_msg=name)
    assert [rv.name for rv in models["do"].free_RVs] == ["sd"]
    model.debug(verbose=False)
    assert "No problems found" in capsys.readouterr().out


def test_pymc_samples_and_predicts(data):
    model = make_model(data)
    with model:
        idata = pm.sample(
            draws=20,
            tune=50,
            chains=1,
            step=pm.NUTS(),
            random_seed=1,
            progressbar=False,
            quiet=True,
            compute_convergence_checks=False,
        )
        pm.compute_log_likelihood(idata, progressbar=False)
        predictive = pm.sample_posterior_predictive(idata, random_seed=1, progressbar=False)
        prior = pm.sample_prior_predictive(7, random_seed=1)
        pm.set_data({"X": np.ones((3, 1)), "weights": np.ones(3)}, coords={"obs": [7, 8, 9]})
        new = pm.sample_posterior_predictive(
            idata, predictions=True, random_seed=1, progressbar=False
        )
    for tree in (idata, prior):
        np.testing.assert_array_equal(tree.observed_data["y"], data["holes"])
    assert idata.posterior["sd"].std() > 0
    assert_log_likelihood(idata, data)
    sizes = {"chain": 1, "draw": 20, "obs": len(data["Y"]), "trait": 2}
    assert dict(predictive.posterior_predictive["y"].sizes) == sizes
    assert predictive.posterior_predictive["y"].notnull().all()
    assert dict(prior.prior_predictive["y"].sizes) == sizes | {"draw": 7}
    assert dict(new.predictions["y"].sizes) == sizes | {"obs": 3}


def assert_log_likelihood(idata, data):
    assert idata.log_likelihood["y"].dims == ("chain", "draw", "obs")
    draw = idata.posterior.isel(chain=0, draw=-1)
    mean = draw["mu"].values + data["X"] @ draw["beta"].values
    cov = float(draw["sd"]) ** 2 * (np.eye(2) + 0.5)
    expected = expected_logp(data | {"mu": mean, "cov": cov}, data["known"])
    np.testing.assert_allclose(idata.log_likelihood["y"][0, -1], expected, rtol=1e-8, atol=1e-10)


def test_shared_observations_can_be_replaced(data):
    Y = pytensor.shared(data["holes"])
    with pm.Model() as model:
        PartialNormal("y", 0.0, np.eye(2), data["known"], observed=Y)
    density = model.compile_logp(mode=QUICK)
    before = density({})
    Y.set_value(data["holes"] / 2)
    squares = np.nansum(data["holes"] ** 2)
    np.testing.assert_allclose(density({}) - before, 0.375 * squares, rtol=1e-10)


@pytest.mark.parametrize(
    "kind", [np.ma.masked_invalid, pd.DataFrame, np.asarray], ids=lambda kind: kind.__name__
)
def test_observed_may_be_of_any_kind(data, kind):
    with pm.Model() as model:
        PartialNormal("y", 0.0, np.eye(2), data["known"], observed=kind(data["holes"]))
    assert not model.free_RVs
    expected = stats.norm.logpdf(data["Y"][data["known"]]).sum()
    np.testing.assert_allclose(model.compile_logp(mode=QUICK)({}), expected, rtol=1e-10)


def test_a_gibbs_sweep_draws_completed_rows_from_its_own_generator(data):
    """`State.draw` threads one generator, and rebuilds the rows over the current values."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 1, shape=2)
        y = pm.Normal("y", 0, 1, shape=data["Y"].shape)
    state = State(model)
    start = state.rng
    value = model.rvs_to_values[y]
    state.draw(y, completed(y, mu, data["cov"], data["known"], data["weights"]))
    first = state.values[y]
    state.draw(y, completed(y, mu, data["cov"], data["known"], data["weights"]))
    inputs = [model.rvs_to_values[mu], value, pytensor.In(start, mutable=True)]
    function = pytensor.function(inputs, [first, state.values[y], state.rng])
    one, two, rng = function(POINT["mu"], data["holes"], np.random.default_rng(1))
    for rows in (one, two):
        np.testing.assert_array_equal(rows[data["known"]], data["Y"][data["known"]])
    assert (one != two)[~data["known"]].all()
    again, *_ = function(POINT["mu"], data["holes"], np.random.default_rng(1))
    np.testing.assert_array_equal(one, again)
    assert (function(POINT["mu"], data["holes"], rng)[0] != one)[~data["known"]].all()


def test_nothing_known_in_any_row():
    known = np.zeros((4, 2), dtype=bool)
    Y, cov = np.full((4, 2), np.nan), np.array([[2.0, 0.5], [0.5, 1.0]])
    density = pm.logp(PartialNormal.dist(1.0, cov, known), Y)
    assert (density.eval(mode=QUICK) == 0).all()
    draws = pm.draw(completed(Y, 1.0, cov, known), draws=5000, random_seed=1)
    assert_normal(draws.reshape((-1, 2)), np.ones(2), cov)


K = np.array([[True, False], [True, True], [False, False]])
ROWS = np.where(K, 1.0, np.nan)
MASKED = np.ma.masked_array(np.ones((3, 2)), mask=K)
GOOD = {"y": ROWS, "mu": 0.0, "cov": np.eye(2), "known": K, "weights": None}

BAD = {
    "known is not boolean": ({"known": K.astype(int)}, TypeError, "known must be an array of bool"),
    "known is a vector": ({"known": K[0]}, ValueError, r"known must be \(obs, trait\)"),
    "known is empty": ({"known": K[:0]}, ValueError, "at least one row"),
    "mu has other rows": ({"mu": np.zeros((2, 2))}, ValueError, r"mu must be \(obs, trait\)"),
    "mu has other traits": ({"mu": np.zeros(3)}, ValueError, "mu must be"),
    "mu is a cube": ({"mu": np.zeros((1, 3, 2))}, ValueError, "mu must be"),
    "cov has other traits": ({"cov": np.eye(3)}, ValueError, r"cov must be \(trait, trait\)"),
    "cov is a vector": ({"cov": np.ones(2)}, ValueError, "cov must be"),
    "weights have other rows": ({"weights": np.ones(2)}, ValueError, r"weights must be \(obs,\)"),
    "weights are a number": ({"weights": 2.0}, ValueError, "weights must be"),
    "a weight is zero": ({"weights": [1.0, 0.0, 1.0]}, ValueError, "positive and finite, got 0"),
    "a weight is NaN": ({"weights": [1.0, np.nan, 1.0]}, ValueError, "positive and finite"),
    "other rows": ({"y": ROWS[:2]}, ValueError, r"must be \(obs, trait\) as known"),
    "a known cell is NaN": ({"y": ROWS * np.nan}, ValueError, "finite where known is True, got 3"),
    "a known cell is masked": ({"y": MASKED}, ValueError, r"the first at \(0, 0\)"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused(case):
    change, error, match = BAD[case]
    y, *rest = (GOOD | change).values()
    with pytest.raises(error, match=match):
        completed(y, *rest)
    with pm.Model(), pytest.raises(error, match=match):
        PartialNormal("y", *rest, observed=y)
