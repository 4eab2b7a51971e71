"""Credible sets of signals that no single feature shows, and of fits that include many features."""

import numpy as np
import pytest
import xarray as xr

from blrzoo import progress
from blrzoo.posterior import correlations, neighborhoods
from blrzoo.posterior.correlations import Correlations
from blrzoo.posterior.neighborhoods import Neighborhoods, Rows
from blrzoo.summaries import _set_search, fine_mapping
from blrzoo.summaries.fine_mapping import credible_sets
from tests.builders import exact_design, indicators, tree
from tests.oracles.one_trait import enumerate_spike_slab


def copies(seed, sizes, noise=0.05, n=60):
    """X in which the features of each group are nearly the same."""
    rng = np.random.default_rng(seed)
    groups = [rng.normal(size=(n, 1)) + noise * rng.normal(size=(n, size)) for size in sizes]
    return np.hstack(groups)


def exclusive(seed, p, n=1000, probability=1.0):
    """Draws (4, n, p) that include one feature, any of them, or none."""
    rng = np.random.default_rng(seed)
    included = np.arange(p) == rng.integers(p, size=(4, n, 1))
    return (included & (rng.random((4, n, 1)) < probability)).astype(np.int8)


def fewest(delta, coverage=0.95):
    """How many features that exclude each other it takes for the coverage."""
    counts = np.sort(delta.sum(axis=(0, 1)))[::-1].cumsum()
    return int(np.searchsorted(counts, coverage * delta[..., 0].size - 1e-9)) + 1


# ---- spread signals ----


@pytest.mark.parametrize(("p", "largest"), [(30, 0.05), (1600, 0.003)])
def test_one_of_many_copies_in_every_draw_is_one_set(p, largest):
    delta = exclusive(1, p)
    assert delta.mean(axis=(0, 1)).max() < largest
    idata, X = tree(delta=delta), copies(1, [p])
    sets = credible_sets(idata, X)
    assert sets["size"].values.tolist() == [fewest(delta)]
    assert sets["coverage"].item() == delta[..., sets["members"].values[0]].any(axis=-1).mean()
    assert sets["coverage"].item() >= 0.95
    assert sets["purity"].item() > 0.95
    assert (sets["reason"] == "").all()
    xr.testing.assert_identical(credible_sets(idata, X), sets)


def test_two_spread_signals_of_one_neighborhood_are_two_sets():
    X = copies(2, [1]) + copies(3, [30, 30])  # |r| is 1 within and 1/2 to 0.9 between them
    assert np.abs(np.corrcoef(X.T)).min() > 0.5
    delta = np.concatenate([exclusive(4, 30), exclusive(5, 30)], axis=2)
    sets = credible_sets(tree(delta=delta), X)
    assert sorted(sets["size"].values) == sorted([fewest(delta[..., :30]), fewest(delta[..., 30:])])
    of = [np.unique(np.flatnonzero(members) // 30).tolist() for members in sets["members"].values]
    assert sorted(of) == [[0], [1]]
    assert sets["purity"].min() > 0.95


def test_features_that_are_in_by_chance_do_not_widen_a_set():
    """Draws of copies that exclude each other, among neighbors that are in now and then."""
    delta = np.concatenate([exclusive(6, 30), indicators(7, 4, 1000, 30, probability=0.01)], axis=2)
    X = np.hstack([copies(8, [30]), np.zeros((60, 30))])
    X[:, 30:] = X[:, :1] + 0.5 * copies(9, [1] * 30)
    sets = credible_sets(tree(delta=delta), X)
    assert sets.sizes["set"] == 1
    assert not sets["members"].values[0, 30:].any()


def test_concentrated_sets_come_first_and_keep_their_features():
    """c is a signal of its own in the neighborhood of 20 copies; d is in no draw."""
    alone = np.ones((4, 1000, 1), np.int8)
    delta = np.concatenate([exclusive(10, 20), alone, 0 * alone], axis=2)
    sets = credible_sets(tree(delta=delta), copies(11, [22]))
    assert sets["lead"].values[0] == "u"
    assert sets["size"].values.tolist() == [1, fewest(delta[..., :20])]
    assert (sets["members"].sum("set") <= 1).all()
    assert sets["credible_set"].values[20:].tolist() == [1, 0]


# ---- reasons ----


def test_a_region_below_the_coverage_has_one_reason():
    delta = exclusive(12, 20, probability=0.5)
    sets = credible_sets(tree(delta=delta), copies(13, [20]))
    assert sets.sizes["set"] == 0
    reasons = sets["reason"].values[sets["reason"].values != ""]
    total = delta.sum() / 4000
    assert reasons.tolist() == [f"coverage not reached: at most {total:.2f} within |r| >= 0.5"]


def test_the_probability_of_a_region_is_joint():
    """The PIPs add up to 1.8, but the draws without any are more than 5 %."""
    delta = indicators(14, 4, 1000, 20, probability=0.09)
    sets = credible_sets(tree(delta=delta), copies(15, [20]))
    assert sets.sizes["set"] == 0
    joint = delta.any(axis=-1).mean()
    assert f"coverage not reached: {joint:.2f} within" in "".join(sets["reason"].values)
    assert 1 <= (sets["reason"] != "").sum() <= 3


def test_a_region_below_the_threshold_has_none():
    idata, X = tree(delta=exclusive(16, 20, probability=0.08)), copies(17, [20])
    assert (credible_sets(idata, X)["reason"] == "").all()
    assert (credible_sets(idata, X, threshold=0.05)["reason"] != "").any()


@pytest.mark.parametrize("seed", [*range(6), 18])  # 18: a set takes a feature with a reason
def test_every_probable_neighborhood_is_accounted_for(seed):
    rng = np.random.default_rng(seed)
    largest = rng.choice([0.06, 0.09, 0.2, 0.35])
    z = (rng.random((2, 300, 24)) < rng.uniform(0, largest, size=24)).astype(int)
    X = rng.normal(size=(50, 24)) * rng.uniform(0.3, 1.5)
    X += np.repeat(rng.normal(size=(50, 4)), 6, axis=1)
    near = np.abs(np.corrcoef(X.T)) >= 0.4
    sets = credible_sets(tree(delta=z), X, coverage=rng.choice([0.4, 0.7, 0.9]), min_abs_corr=0.4)
    free, reason = sets["credible_set"].values == 0, sets["reason"].values != ""
    assert not (reason & ~free).any()
    centres = np.flatnonzero(free & z.any(axis=(0, 1)))
    probable = [j for j in centres if z[..., near[j] & free].any(axis=-1).mean() >= 0.1]
    assert probable
    for j in probable:
        assert reason[near[j]].any()


# ---- fits that include many features ----


def test_a_fit_that_includes_many_says_so_before_it_searches(monkeypatch):
    idata = tree(delta=indicators(18, 1, 100, 100, probability=0.35))
    monkeypatch.setattr(fine_mapping, "SetSearch", lambda *_: pytest.fail("warned too late"))
    size = idata["posterior"]["delta"].values.sum() / 100
    message = f"On average {size:.0f} of 100 features are included.*expected_size"
    with pytest.raises(UserWarning, match=message):  # warnings are errors in tests
        credible_sets(idata, np.random.default_rng(1).normal(size=(20, 100)))


def test_of_few_features_many_may_be_included():
    delta = indicators(19, 1, 500, 10, probability=0.6)
    assert credible_sets(tree(delta=delta), exact_design(np.eye(10))).sizes["set"] == 0


def test_leads_that_fail_are_not_tried_without_end(monkeypatch):
    """Of 400 features in blocks of four, a few are tried; all have a reason."""
    tried = []
    add_set = _set_search.SetSearch._add_set
    monkeypatch.setattr(
        _set_search.SetSearch, "_add_set", lambda *a: tried.append(1) or add_set(*a)
    )
    monkeypatch.setattr(_set_search, "_GIVE_UP", 10)
    delta = indicators(20, 1, 400, 400, probability=0.35)
    with pytest.warns(UserWarning, match="of 400 features"):
        sets = credible_sets(tree(delta=delta), copies(21, [4] * 100, n=200))
    assert sets.sizes["set"] == 0
    assert (sets["reason"] != "").all()
    assert "not tried: 10 leads in a row did not reach the coverage" in sets["reason"].values
    assert len(tried) <= 20


def test_a_region_is_tried_a_few_times(monkeypatch):
    tried = []
    fail = _set_search.SetSearch._fail
    monkeypatch.setattr(_set_search.SetSearch, "_fail", lambda *a: tried.append(1) or fail(*a))
    credible_sets(tree(delta=indicators(22, 1, 500, 100, probability=0.02)), copies(23, [100]))
    assert 1 <= len(tried) <= 3


def test_progress_is_shown_when_it_takes_long(monkeypatch):
    shown = []
    monkeypatch.setattr(progress, "_PATIENCE", -1.0)
    monkeypatch.setattr(progress, "_start_bar", lambda total, name: shown.append((total, name)))
    idata, X = tree(delta=indicators(24, 1, 100, 30, probability=0.2)), copies(25, [30])
    credible_sets(idata, X, progressbar=False)
    assert shown == []
    credible_sets(idata, X)
    assert shown[0] == (30, "Credible sets")


# ---- the parts ----


@pytest.mark.parametrize("dtype", [float, np.int8])
def test_neighborhoods_against_numpy(monkeypatch, dtype):
    rng = np.random.default_rng(26)
    X = (2 * rng.normal(size=(30, 11)) + 3 * rng.normal(size=(30, 1)) + 20).astype(dtype)
    X[:, 4] = 7  # a constant
    pips = rng.random(11)
    features = np.array([0, 1, 3, 4, 6, 7, 8, 10])
    with np.errstate(invalid="ignore"):
        r = np.nan_to_num(np.abs(np.corrcoef(X.astype(float).T)))
    smallest = np.median(r) + 1e-4
    near = (r >= smallest) & ~np.eye(11, dtype=bool) & np.isin(np.arange(11), features)
    sums = np.where(np.isin(np.arange(11), features), pips + near @ pips, 0)
    for tile, kept in ((1024, 2**23), (3, 2**23), (3, 0)):
        monkeypatch.setattr(correlations, "_TILE", tile)
        monkeypatch.setattr(neighborhoods, "_KEPT", kept)
        found = Neighborhoods(Correlations(X), features, pips, smallest, False)
        np.testing.assert_allclose(found.sums, sums, rtol=1e-12)
        for j in features:
            np.testing.assert_array_equal(np.sort(found.of(j)), np.flatnonzero(near[j]))
        found.remove(np.array([1, 8]))
        fewer = sums - near[:, [1, 8]] @ pips[[1, 8]]
        fewer[[1, 8, 2, 5, 9]] = 0
        np.testing.assert_allclose(found.sums, fewer, atol=1e-12)


def test_rows_of_correlations_against_numpy(monkeypatch):
    monkeypatch.setattr(neighborhoods, "_ROWS", 2)
    X = np.random.default_rng(27).normal(size=(10, 7))
    features = np.array([5, 0, 2, 6, 1])
    r = np.abs(np.corrcoef(X.T))
    rows = Rows(Correlations(X), features, 0.3)
    for place, j in enumerate(features):
        np.testing.assert_array_equal(rows.of(place), r[j, features] >= 0.3)


def test_blocks_change_nothing(monkeypatch):
    delta = np.concatenate([exclusive(28, 20), exclusive(29, 20, probability=0.6)], axis=2)
    idata, X = tree(delta=delta), copies(30, [20, 20])
    whole = credible_sets(idata, X)
    assert whole.sizes["set"] == 1
    assert (whole["reason"] != "").any()
    monkeypatch.setattr(correlations, "_TILE", 7)
    monkeypatch.setattr(correlations, "_BLOCK_BYTES", 60 * 8 * 2)
    monkeypatch.setattr(neighborhoods, "_KEPT", 0)
    monkeypatch.setattr(neighborhoods, "_ROWS", 3)
    monkeypatch.setattr(_set_search, "_BLOCK_BYTES", 4000 * 8 * 3)
    xr.testing.assert_allclose(credible_sets(idata, X), whole, rtol=1e-12)


def test_the_largest_choice(monkeypatch):
    """No more than so many features are looked at: those nearest to the centre."""
    monkeypatch.setattr(_set_search, "_LARGEST", 10)
    sets = credible_sets(tree(delta=exclusive(31, 20)), copies(32, [20]))
    assert sets.sizes["set"] == 0
    assert any(reason.startswith("coverage not reached: 0.5") for reason in sets["reason"].values)


# ---- coverage ----


def test_coverage_of_spread_sets_is_what_it_says():
    """Data of the model, whose features are near copies in two groups; exact posteriors."""
    rng = np.random.default_rng(33)
    stated, covered, n_spread = [], [], 0
    for _ in range(80):
        X = np.repeat(rng.normal(size=(40, 2)), 4, axis=1) + 0.1 * rng.normal(size=(40, 8))
        delta = rng.random(8) < 0.15
        y = (X - X.mean(axis=0)) @ (delta * rng.normal(0, 0.7, size=8)) + rng.normal(size=40)
        exact = enumerate_spike_slab(X, y, pi=0.15, tau2=0.49, sigma2=1.0, mu=(0.0, 1.0))
        models = rng.choice(len(exact.weights), size=2000, p=exact.weights)
        idata = tree(delta=exact.included[models].astype(int)[None])
        sets = credible_sets(idata, X, coverage=0.7, threshold=0.5)
        n_spread += int((sets["pip"].sel(feature=sets["lead"]) < 0.5).sum())
        stated.extend(sets["coverage"].values)
        covered.extend((sets["members"].values & delta).any(axis=1))
    variance = np.sum(np.array(stated) * (1 - np.array(stated)))
    assert n_spread > 30  # no feature of these shows the signal
    assert variance > 4
    assert abs(np.sum(covered) - np.sum(stated)) < 4 * np.sqrt(variance)
