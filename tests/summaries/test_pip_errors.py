"""The error bound of a PIP, against chains and posteriors whose PIPs are known."""

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from blrzoo.diagnostics import indicator_table
from tests.builders import tree

CHAINS, DRAWS = 4, 1000


def swaps(rng, effective, chains=CHAINS):
    """Features that take each other's place: a configuration stays for long, others within it.

    Three features are in one configuration each, so one is always in; the others are in with some
    probability in each of them, draw by draw.
    """
    weights = np.array([0.82, 0.15, 0.03])
    given = np.array(
        [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0.05, 0], [0.02, 0.1, 0.02], [0.02, 0.02, 0.6]]
    )
    leave = 2 / (1 + DRAWS / effective)
    now = rng.choice(3, p=weights, size=(chains, DRAWS))
    stays = rng.random((chains, DRAWS)) >= leave
    stays[:, 0] = False
    since = np.maximum.accumulate(np.where(stays, 0, np.arange(DRAWS)), axis=1)
    chance = given[:, np.take_along_axis(now, since, axis=1)]
    delta = rng.random(chance.shape) < chance
    return np.moveaxis(delta, 0, -1), given @ weights


def drifting(rng, effective, chains=CHAINS):
    """Features with one slow direction in common: the log-odds of all move together."""
    odds, phi = np.linspace(-4.5, 3, 10), 1 - 2 / (1 + DRAWS / effective)
    noise = rng.normal(size=(chains, DRAWS))
    noise[:, 0] /= np.sqrt(1 - phi**2)
    slow = lfilter([1], [1, -phi], noise, axis=1) * np.sqrt(1 - phi**2)
    nodes, weights = np.polynomial.hermite_e.hermegauss(50)
    exact = (weights / weights.sum()) @ (1 / (1 + np.exp(-odds - 0.7 * nodes[:, None])))
    chance = 1 / (1 + np.exp(-odds - 0.7 * slow[..., None]))
    return rng.random(chance.shape) < chance, exact


def missed(make, effective, replicates, seed, chosen=(0.0, 1.0)):
    """Share of the bounds that the error exceeds, of the chosen PIPs, in each replicate."""
    rng, shares = np.random.default_rng(seed), []
    for _ in range(replicates):
        delta, exact = make(rng, effective)
        table = indicator_table(tree(delta=delta))
        wrong = abs(table["pip"].values - exact) > table["error_bound"].values
        shares.append(wrong[(exact > chosen[0]) & (exact < chosen[1])].mean())
    return np.array(shares)


@pytest.mark.parametrize(
    ("make", "effective", "chosen"),
    [(swaps, 6, (0.0, 0.04)), (drifting, 6, (0.0, 1.0))],
    ids=["low beside slow", "all drift together"],
)
@pytest.mark.slow
def test_the_bound_holds_where_something_else_is_slow(make, effective, chosen):
    """A chain has six effective draws of what is slow, and hundreds of most indicators alone."""
    misses = missed(make, effective, 100, seed=1, chosen=chosen)
    assert misses.mean() < 0.05 + 3.5 * np.sqrt(0.05 * 0.95 / misses.size)


@pytest.mark.slow
@pytest.mark.parametrize("effective", [3, 10, 30, 100])
@pytest.mark.parametrize("make", [swaps, drifting])
def test_the_bound_holds_from_slow_to_fast(make, effective):
    """With three effective draws per chain, the level is nine in ten; else as it says."""
    misses = missed(make, effective, 100, seed=2)
    allowed = 0.1 if effective == 3 else 0.05
    assert misses.mean() < allowed + 4 * misses.std(ddof=1) / np.sqrt(misses.size)


def test_the_bound_is_not_much_wider_than_that_of_independent_draws():
    pips = np.repeat([0.005, 0.02, 0.1, 0.5, 0.9, 0.99], 20)
    delta = np.random.default_rng(3).random((CHAINS, DRAWS, pips.size)) < pips
    table = indicator_table(tree(delta=delta))
    count, n = delta.sum(axis=(0, 1)), CHAINS * DRAWS
    ends = [stats.binomtest(int(k), n).proportion_ci() for k in count]
    best = [max(abs(np.array(end) - k / n)) for end, k in zip(ends, count, strict=True)]
    ratio = (table["error_bound"].values / best).reshape(6, 20).mean(axis=1)
    assert np.all(ratio < 1.15)
    assert np.all(ratio > 1)


def test_a_rare_indicator_mixes_no_faster_than_the_others():
    """Two features swap slowly, so the model size does not move at all; the third never came."""
    rng = np.random.default_rng(4)
    first = np.cumsum(rng.random((CHAINS, DRAWS)) < 0.01, axis=1) % 2
    delta = np.stack([first, 1 - first, np.zeros_like(first)], axis=-1)
    delta[..., 0] |= rng.random(first.shape) < 0.01  # the size moves, and fast
    table = indicator_table(tree(delta=delta))
    assert table["ess_bulk"] > 1000
    # A swap in 100 draws is a correlation time of 100: 40 effective draws, and 3.7 / 40 = 0.09.
    assert table["error_bound"][2] > 0.05


def test_the_loading_on_what_is_slow_is_what_counts():
    """An indicator that goes with a slow one in part has the error of that part."""
    rng = np.random.default_rng(5)
    delta, _ = swaps(rng, 6)
    alone = indicator_table(tree(delta=delta[..., [4]]))
    beside = indicator_table(tree(delta=delta))
    assert beside["mcse_pip"][4] > 1.5 * alone["mcse_pip"][0]
    fast = np.random.default_rng(6).random((CHAINS, DRAWS, 1)) < 0.3
    both = indicator_table(tree(delta=np.concatenate([delta, fast], axis=-1)))
    alone = indicator_table(tree(delta=fast))
    np.testing.assert_allclose(both["mcse_pip"][-1], alone["mcse_pip"][0], rtol=1e-9)
