"""Calibration of several traits over data sets with a known truth: intervals and PIPs."""

import numpy as np
import pytest
from scipy import stats

import blrzoo as blr

DATA_SETS = 24
PROB = 0.9
#: Effects of a causal feature, and residuals, at the means of their priors; rg = 0.7.
SIGMA_B = 0.02 * np.array([[1.0, 0.7], [0.7, 1.0]])
SIGMA_E = np.array([[1.0, 0.3], [0.3, 1.0]])
#: Causal features are shared by the traits in part.
PATTERNS, PI = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]), [0.7, 0.075, 0.075, 0.15]
N, P = 600, 100

#: Cells that are measured.
HOLES = {
    "complete": lambda rng: np.ones((N, 2), dtype=bool),
    "30% missing": lambda rng: rng.random((N, 2)) > 0.3,
    "disjoint individuals": lambda rng: np.arange(N)[:, None] % 2 == np.arange(2),
}


#: Priors that truths are drawn from, so that intervals are right on average: those of one fixed
#: truth need not be, as the prior draws correlations towards its mean.
PRIORS = {"Sigma_b": (10.0, 7 * SIGMA_B), "Sigma_e": (20.0, 17 * SIGMA_E)}


def draw_truth(seed):
    """Covariances of a data set."""
    rng = np.random.default_rng([seed, 1])
    return [stats.invwishart(nu, S).rvs(random_state=rng) for nu, S in PRIORS.values()]


def make_data(seed, measured, Sigma_b, Sigma_e):
    """Correlated features, (B, causal) from the model's prior given the covariances."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, P))
    for j in range(1, P):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    causal = PATTERNS[rng.choice(4, size=P, p=PI)]
    B = causal * rng.multivariate_normal([0, 0], Sigma_b, size=P)
    Y = X @ B + rng.multivariate_normal([0, 0], Sigma_e, size=N)
    known = measured(rng)
    known[~known.any(axis=1), 0] = True
    return X, np.where(known, Y, np.nan), causal


def correlation(Sigma):
    return Sigma[..., 0, 1] / np.sqrt(Sigma[..., 0, 0] * Sigma[..., 1, 1])


def quantities(Sigma_b, Sigma_e):
    """What the intervals are of: (..., trait, trait) to named values."""
    return {
        **{f"Sigma_b[{i}{j}]": Sigma_b[..., i, j] for i, j in ((0, 0), (0, 1), (1, 1))},
        **{f"Sigma_e[{i}{j}]": Sigma_e[..., i, j] for i, j in ((0, 0), (0, 1), (1, 1))},
        "rg": correlation(Sigma_b),
        "re": correlation(Sigma_e),
    }


def fit(X, Y, seed):
    model = blr.multivariate_spike_slab(X, Y, patterns="all", pi=PI, **PRIORS)
    return blr.sample(model, draws=1500, tune=500, chains=2, cores=1, random_seed=seed, quiet=True)


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.parametrize("holes", HOLES)
def test_intervals_and_pips_are_calibrated(holes):
    covered = dict.fromkeys(quantities(SIGMA_B, SIGMA_E), 0)
    pips, causals = [], []
    for seed in range(DATA_SETS):
        Sigma_b, Sigma_e = draw_truth(seed)
        X, Y, causal = make_data(seed, HOLES[holes], Sigma_b, Sigma_e)
        idata = fit(X, Y, seed)
        draws = quantities(idata.posterior["Sigma_b"].values, idata.posterior["Sigma_e"].values)
        for name, value in quantities(Sigma_b, Sigma_e).items():
            low, high = np.quantile(draws[name], [(1 - PROB) / 2, (1 + PROB) / 2])
            covered[name] += low <= value <= high
        pips.append(blr.pip(idata).values.ravel())
        causals.append(causal.ravel())
    # Each below its bound with probability 1/1000 where the intervals are right.
    bound = stats.binom.ppf(1e-3, DATA_SETS, PROB)
    assert min(covered.values()) >= bound, covered
    assert_pips_calibrated(np.concatenate(pips), np.concatenate(causals))


def assert_pips_calibrated(pips, causal):
    """In each class of PIPs as many causal features as the PIPs say, within 4 standard errors."""
    for low, high in ((0.0, 0.1), (0.1, 0.3), (0.3, 0.6), (0.6, 0.85), (0.85, 0.95), (0.95, 1.0)):
        chosen = (pips >= low) & (pips <= high)
        assert chosen.sum() > 20, (low, high, chosen.sum())
        error = np.sqrt((pips[chosen] * (1 - pips[chosen])).sum() + 1.0)
        z = (causal[chosen].sum() - pips[chosen].sum()) / error
        assert abs(z) < 4, (low, high, pips[chosen].mean(), causal[chosen].mean())


def test_the_check_of_pips_can_fail():
    rng = np.random.default_rng(1)
    pips = rng.uniform(size=3000) ** 2
    causal = rng.uniform(size=3000) < pips
    assert_pips_calibrated(pips, causal)
    with pytest.raises(AssertionError):
        assert_pips_calibrated(np.sqrt(pips), causal)
