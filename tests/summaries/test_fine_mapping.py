"""Credible sets by hand, by brute force, and their coverage on simulated data."""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import blrzoo as blr
from blrzoo.posterior import correlations, reader
from blrzoo.posterior.correlations import Correlations
from blrzoo.summaries.fine_mapping import credible_sets
from tests.builders import exact_design, indicators, tree
from tests.oracles.one_trait import enumerate_spike_slab


def blocks(sizes, r):
    """Correlation matrix of blocks, r within a block."""
    index = np.repeat(np.arange(len(sizes)), sizes)
    return np.where(index[:, None] == index, np.where(np.eye(sum(sizes)), 1.0, r), 0.0)


def one_of(seed, *shares, n=1000):
    """Draws (1, n, feature) in which exactly one is included, in exactly these shares."""
    counts = np.round(np.array(shares) * n).astype(int)
    which = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(shares)), counts))
    return (which[:, None] == np.arange(len(shares))).astype(int)[None]


def table(sets):
    return {
        k: (sets["feature"].values[sets["members"].values[i]].tolist(), sets["lead"].values[i])
        for i, k in enumerate(sets["set"].values.tolist())
    }


# ---- by hand ----


def test_two_features_that_alternate_are_one_set():
    delta = np.array([[[1, 0], [0, 1], [1, 0], [0, 1]]])
    sets = credible_sets(tree(delta=delta), exact_design(blocks([2], 0.9)))
    assert table(sets) == {1: (["a", "b"], "a")}
    assert sets["coverage"].item() == 1.0
    assert sets["size"].item() == 2
    np.testing.assert_allclose(sets["pip"], 0.5)
    np.testing.assert_allclose(sets["purity"], 0.9, rtol=1e-8)
    np.testing.assert_array_equal(sets["credible_set"], [1, 1])
    assert (sets["reason"] == "").all()


def test_without_correlation_they_are_not():
    sets = credible_sets(tree(delta=one_of(1, 0.6, 0.4)), exact_design(np.eye(2)))
    assert sets.sizes["set"] == 0
    np.testing.assert_array_equal(sets["credible_set"], [0, 0])
    assert sets["reason"].sel(feature="a") == "coverage not reached: 0.60 within |r| >= 0.5"
    assert sets["reason"].sel(feature="b") == "coverage not reached: 0.40 within |r| >= 0.5"


def test_a_set_is_no_larger_than_it_must_be():
    delta = one_of(2, 0.15, 0.5, 0.05, 0.3)
    idata = tree(delta=delta)
    X = exact_design(blocks([4], 0.8))
    expected = {0.95: "abd", 0.8: "bd", 0.5: "b", 0.96: "abcd"}
    for coverage, members in expected.items():
        sets = credible_sets(idata, X, coverage=coverage)
        assert table(sets)[1] == (list(members), "b")
        shares = dict(zip("abcd", [0.15, 0.5, 0.05, 0.3], strict=True))
        assert sets["coverage"][0] == pytest.approx(sum(shares[m] for m in members))
    np.testing.assert_array_equal(sets["place"], [3, 1, 4, 2])


def test_two_signals_in_one_block_are_two_sets():
    delta = np.concatenate([one_of(3, 0.5, 0.5), one_of(4, 0.7, 0.3)], axis=2)
    sets = credible_sets(tree(delta=delta), exact_design(blocks([4], 0.9)))
    # c and d, then a and b, are never in together: the joint draws tell the pairs apart
    assert table(sets) == {1: (["c", "d"], "c"), 2: (["a", "b"], "a")}
    np.testing.assert_array_equal(sets["coverage"], [1, 1])


def test_a_second_signal_is_not_drawn_in():
    """c is in for more of the draws without a than b is, but as often with a as without it."""
    a = np.repeat([1, 0], [900, 100])
    b = np.concatenate([np.zeros(900, int), np.repeat([1, 0], [60, 40])])
    c = np.tile([1, 1, 1, 1, 0], 200)
    correlation = np.array([[1, 0.9, 0.6], [0.9, 1, 0.6], [0.6, 0.6, 1]])
    idata = tree(delta=np.stack([a, b, c], axis=-1)[None])
    sets = credible_sets(idata, exact_design(correlation))
    assert table(sets) == {1: (["a", "b"], "a")}
    np.testing.assert_allclose(sets["expected_size"], 0.96)
    assert "coverage not reached: 0.80" in sets["reason"].sel(feature="c").item()


def test_what_later_members_make_needless_is_dropped():
    """Greedy takes a, then b (2 new draws), c and d; a, c and d cover what b covers."""
    delta = np.zeros((1, 10, 4), int)
    delta[0, :4, 0] = 1
    delta[0, 4:8, 1] = 1
    delta[0, [4, 5, 8], 2] = 1
    delta[0, [6, 7, 9], 3] = 1
    X = exact_design(blocks([4], 0.9))
    sets = credible_sets(tree(delta=delta), X)
    assert table(sets)[1] == (["a", "c", "d"], "a")
    assert sets["coverage"].item() == 1
    assert "|r| = 0.90 with the lead of set 1" in sets["reason"].sel(feature="b").item()


def test_all_members_correlate_with_all():
    """b correlates with a and c, a not with c."""
    correlation = np.array([[1, 0.7, 0.2], [0.7, 1, 0.7], [0.2, 0.7, 1]])
    idata = tree(delta=one_of(5, 0.35, 0.4, 0.25))
    sets = credible_sets(idata, exact_design(correlation))
    assert sets.sizes["set"] == 0
    assert "coverage not reached: 0.75" in sets["reason"].sel(feature="b").item()
    wide = credible_sets(idata, exact_design(correlation), min_abs_corr=0.1)
    assert table(wide)[1] == (["a", "b", "c"], "b")
    np.testing.assert_allclose(wide["purity"], 0.2, rtol=1e-6)
    np.testing.assert_allclose(wide["mean_abs_corr"], (0.7 + 0.7 + 0.2) / 3, rtol=1e-6)


def test_negative_correlations_count_as_positive_ones():
    correlation = np.array([[1, -0.9], [-0.9, 1]])
    sets = credible_sets(tree(delta=one_of(6, 0.5, 0.5)), exact_design(correlation))
    assert sets["size"].item() == 2
    np.testing.assert_allclose(sets["purity"], 0.9, rtol=1e-8)


def test_a_feature_that_is_always_in_is_a_set_of_its_own():
    delta = np.concatenate([np.ones((1, 100, 1), int), indicators(7, 1, 100, 1)], axis=2)
    sets = credible_sets(tree(delta=delta), exact_design(blocks([2], 0.99)))
    assert table(sets) == {1: (["a"], "a")}
    assert sets["purity"].item() == 1
    assert sets["mcse_coverage"].item() > 0
    expected = f"coverage not reached: {delta[..., 1].mean():.2f} within |r| >= 0.5; |r| = 0.99"
    assert sets["reason"].sel(feature="b").item().startswith(expected)


def test_the_threshold_decides_who_needs_a_reason():
    delta = indicators(8, 1, 1000, 3, probability=[0.05, 0.2, 0.0])
    X = exact_design(np.eye(3))
    assert (credible_sets(tree(delta=delta), X)["reason"] != "").values.tolist() == [0, 1, 0]
    low = credible_sets(tree(delta=delta), X, threshold=0)
    assert (low["reason"] != "").values.tolist() == [1, 1, 0]  # never in: nothing to say


def test_a_member_of_a_later_set_has_no_reason():
    """From a, greedy goes to c and is stuck; from b it finds a and d."""
    correlation = np.array(
        [[1, 0.7, 0.6, 0.7], [0.7, 1, 0.1, 0.7], [0.6, 0.1, 1, 0.1], [0.7, 0.7, 0.1, 1]]
    )
    idata = tree(delta=one_of(9, 0.35, 0.2, 0.25, 0.2))
    sets = credible_sets(idata, exact_design(correlation), coverage=0.75)
    assert table(sets) == {1: (["a", "b", "d"], "a")}
    assert (sets["reason"].values != "").tolist() == [False, False, True, False]
    np.testing.assert_array_equal(sets["place"], [1, 2, 0, 3])


def test_a_constant_feature_correlates_with_nothing():
    X = exact_design(blocks([3], 0.9))
    X[:, 1] = 0.1
    sets = credible_sets(tree(delta=one_of(10, 0.4, 0.3, 0.3)), X, coverage=0.7)
    assert table(sets) == {1: (["a", "c"], "a")}


def test_mixtures_of_one_feature_a_draw():
    label = one_of(11, 0.5, 0.5) * np.random.default_rng(1).integers(1, 4, size=(1, 1000, 2))
    sets = credible_sets(tree(label=label), exact_design(blocks([2], 0.9)))
    assert sets["size"].item() == 2


def test_sets_of_a_trait_and_of_any():
    delta = np.stack([one_of(12, 0.5, 0.5, 0.0), one_of(13, 0.0, 0.0, 1.0)], axis=-1)
    data = xr.DataArray(delta, dims=("chain", "draw", "feature", "trait"))
    idata = tree(delta=data.assign_coords(trait=["bmi", "height"]))
    X = exact_design(blocks([2, 1], 0.9))
    assert table(credible_sets(idata, X, trait="bmi")) == {1: (["a", "b"], "a")}
    assert table(credible_sets(idata, X, trait="height")) == {1: (["c"], "c")}
    assert credible_sets(idata, X, trait="height")["trait"] == "height"
    assert table(credible_sets(idata, X)) == {1: (["c"], "c"), 2: (["a", "b"], "a")}


def test_any_trait_is_joint():
    """A feature that affects one trait or the other has a union of 1, and PIPs of one half."""
    delta = np.stack([one_of(14, 0.5, 0.5), 1 - one_of(14, 0.5, 0.5)], axis=-1)
    sets = credible_sets(tree(delta=delta), exact_design(np.eye(2)))
    assert sets["size"].values.tolist() == [1, 1]
    assert credible_sets(tree(delta=delta), exact_design(np.eye(2)), trait="t1").sizes["set"] == 0


# ---- against brute force ----


@pytest.mark.parametrize("seed", range(8))
def test_sets_cover_and_need_their_members(seed):
    """The sets are what they say they are, and none could do without a member."""
    rng = np.random.default_rng(seed)
    z = (rng.random((2, 200, 8)) < rng.uniform(0.05, 0.5, size=8)).astype(int)
    X = rng.normal(size=(50, 8)) + rng.normal(size=(50, 1))
    r = np.abs(np.corrcoef(X.T))
    sets = credible_sets(tree(delta=z), X, coverage=0.7, min_abs_corr=0.3)
    flat = z.reshape(-1, 8).astype(bool)
    for k in range(sets.sizes["set"]):
        members = np.flatnonzero(sets["members"].values[k])
        assert sets["coverage"][k] == flat[:, members].any(axis=1).mean() >= 0.7
        pairs = [r[i, j] for i, j in itertools.combinations(members, 2)] or [1.0]
        assert sets["purity"].values[k] == pytest.approx(min(pairs))
        assert min(pairs) >= 0.3
        assert sets["mean_abs_corr"].values[k] == pytest.approx(np.mean(pairs))
        needed = [np.delete(members, i) for i in range(1, len(members))]
        lead = members[flat[:, members].mean(axis=0).argmax()]
        assert sets["lead"].values[k] == "abcdefgh"[lead]
        for fewer in needed:
            assert lead not in fewer or flat[:, fewer].any(axis=1).mean() < 0.7
        assert sets["expected_size"].values[k] == pytest.approx(flat[:, members].sum() / 400)
    high = flat.mean(axis=0) >= 0.1
    accounted = (sets["credible_set"].values > 0) ^ (sets["reason"].values != "")
    assert accounted[high].all()


@pytest.mark.parametrize("dtype", [float, np.float32, np.int8])
def test_correlations_against_numpy(monkeypatch, dtype):
    rng = np.random.default_rng(1)
    X = (rng.integers(0, 3, size=(30, 9)) + (50 if dtype is not np.int8 else 0)).astype(dtype)
    expected = np.abs(np.corrcoef(X.astype(float).T))
    for size in (2**24, 8 * 30 * 2):
        monkeypatch.setattr(correlations, "_BLOCK_BYTES", size)
        for matrix in (X, np.asfortranarray(X)):
            absolute = Correlations(matrix)
            for others in (np.arange(9), np.array([7, 2]), np.array([], int)):
                found = absolute.with_one(4, others)
                np.testing.assert_allclose(found, expected[4, others], atol=1e-10)


def test_blocks_change_nothing(monkeypatch):
    delta = np.concatenate([one_of(k, 0.5, 0.3, 0.2) for k in range(4)], axis=2)
    idata, X = tree(delta=delta), exact_design(blocks([3] * 4, 0.8))
    whole = credible_sets(idata, X)
    monkeypatch.setattr(reader, "_BLOCK_BYTES", 1000 * 8 * 2)
    monkeypatch.setattr(correlations, "_BLOCK_BYTES", 40 * 8 * 2)
    xr.testing.assert_allclose(credible_sets(idata, X), whole, rtol=1e-12)
    assert whole.sizes["set"] == 4


# ---- what goes in ----


@pytest.fixture
def idata():
    X = xr.DataArray(exact_design(blocks([2, 1], 0.9)), dims=("obs", "feature"))
    constant = {"constant_data": xr.Dataset({"X": X.assign_coords(feature=list("abc"))})}
    delta = np.concatenate([one_of(1, 0.5, 0.5), indicators(2, 1, 1000, 1)], axis=2)
    delta = np.concatenate([delta, delta[:, ::-1]])  # two chains
    return tree(delta=delta, groups=constant)


def test_x_is_joined_by_label(idata):
    expected = credible_sets(idata)
    assert table(expected) == {1: (["a", "b"], "a")}
    X = idata["constant_data"]["X"]
    for same in (
        X.sel(feature=list("cba")).T,
        pd.DataFrame(X.values, columns=list("abc"))[["c", "a", "b"]].assign(other=1.0),
        X.values,
    ):
        xr.testing.assert_allclose(credible_sets(idata, same), expected)


def test_files_single_chains_and_thinned_draws(idata, tmp_path: Path):
    sets = credible_sets(idata)
    idata.to_netcdf(tmp_path / "fit.nc")
    with xr.open_datatree(tmp_path / "fit.nc") as loaded:
        xr.testing.assert_allclose(credible_sets(loaded), sets)
    sets.to_netcdf(tmp_path / "sets.nc")
    with xr.open_dataset(tmp_path / "sets.nc") as loaded:
        assert table(loaded) == table(sets)
        assert loaded["reason"].values.tolist() == sets["reason"].values.tolist()
    for fewer in (idata.isel(chain=[0]), idata.isel(draw=slice(None, None, 5))):
        assert table(credible_sets(fewer))[1][0] == ["a", "b"]
    assert not [name for name in sets.data_vars if hasattr(xr.Dataset, name)]


def test_no_sets_can_be_written_too(tmp_path: Path):
    sets = credible_sets(tree(delta=indicators(3, 2, 50, 3)), exact_design(np.eye(3)))
    assert sets.sizes["set"] == 0
    sets.to_netcdf(tmp_path / "sets.nc")
    assert sets.to_dataframe().empty


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"coverage": 1.0}, ValueError, "coverage must be a number above 0 and below 1, got 1"),
        ({"coverage": 95}, ValueError, "coverage must be"),
        ({"min_abs_corr": -0.1}, ValueError, "min_abs_corr must be a number from 0 to 1"),
        ({"threshold": 1.1}, ValueError, "threshold must be a number from 0 to 1"),
        ({"threshold": "low"}, TypeError, "threshold must be a number.*str"),
        ({"trait": "bmi"}, ValueError, "trait must be left out"),
        ({"X": np.ones((5, 2))}, ValueError, "X must have one column"),
        ({"X": np.full((5, 3), np.nan)}, ValueError, "X must be finite"),
        ({"X": np.array([["a"] * 3] * 5)}, TypeError, "X must hold real numbers"),
    ],
)
def test_what_is_refused(idata, arguments, error, message):
    with pytest.raises(error, match=message):
        credible_sets(idata, **arguments)


def test_what_must_be_there(idata):
    with pytest.raises(ValueError, match="X must be given"):
        credible_sets(tree(delta=indicators(4, 1, 5, 3)))
    with pytest.raises(ValueError, match=r"'delta'.*'label'.*has \['beta'\]"):
        credible_sets(tree(beta=np.ones((1, 5, 3))), np.ones((5, 3)))
    several = xr.DataArray(indicators(5, 1, 5, 3, 2), dims=("chain", "draw", "feature", "trait"))
    with pytest.raises(ValueError, match=r"trait must be one of \['t1', 't2'\], got 't3'"):
        credible_sets(tree(delta=several), exact_design(np.eye(3)), trait="t3")
    missing = indicators(6, 1, 5, 3).astype(float)
    missing[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="no missing draw"):
        credible_sets(tree(delta=missing), exact_design(np.eye(3)))


# ---- coverage ----


def test_coverage_is_what_it_says():
    """Data of the model itself, exact posteriors by enumeration, independent draws."""
    rng = np.random.default_rng(1)
    stated, covered = [], []
    for _ in range(150):
        X = rng.normal(size=(40, 6)) + 2 * rng.normal(size=(40, 1))
        delta = rng.random(6) < 0.25
        y = (X - X.mean(axis=0)) @ (delta * rng.normal(0, 0.7, size=6)) + rng.normal(size=40)
        exact = enumerate_spike_slab(X, y, pi=0.25, tau2=0.49, sigma2=1.0, mu=(0.0, 1.0))
        models = rng.choice(len(exact.weights), size=2000, p=exact.weights)
        idata = tree(delta=exact.included[models].astype(int)[None])
        sets = credible_sets(idata, X, coverage=0.8)
        stated.extend(sets["coverage"].values)
        covered.extend((sets["members"].values & delta).any(axis=1))
    variance = np.sum(np.array(stated) * (1 - np.array(stated)))
    assert len(stated) > 80
    assert variance > 4  # enough of them could miss
    assert abs(np.sum(covered) - np.sum(stated)) < 4 * np.sqrt(variance)


@pytest.mark.slow
def test_sets_of_fits_hold_a_causal_feature():
    """Twenty data sets with neighbours that correlate 0.95, drawn by the Gibbs step."""
    sets_with, n_sets, strong_in, n_strong = 0, 0, 0, 0
    for seed in range(20):
        data = blr.simulate(n=200, p=60, n_causal=3, correlation=0.95, random_seed=seed)
        model = blr.spike_slab(data.X, data.y, expected_size=3)
        options = {"draws": 2000, "tune": 500, "chains": 2, "random_seed": seed, "quiet": True}
        sets = credible_sets(blr.sample(model, **options))
        causal = data["causal"].values
        sets_with += int((sets["members"].values & causal).any(axis=1).sum())
        n_sets += sets.sizes["set"]
        strong = causal & (np.abs(data["beta"].values) > 0.4)
        strong_in += int((strong & (sets["credible_set"].values > 0)).sum())
        n_strong += int(strong.sum())
    assert n_sets >= 30
    assert sets_with >= stats.binom.ppf(1e-3, n_sets, 0.95)
    assert strong_in >= stats.binom.ppf(1e-3, n_strong, 0.95)
    assert n_strong >= 15
