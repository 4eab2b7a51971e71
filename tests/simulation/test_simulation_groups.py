"""Simulated groups of features, and values that are missing."""

from itertools import product

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from blrzoo.simulation import simulate

SIZE = 1e-6
SEEDS = 400


def expected_draws(sizes, weights, n_draws):
    """Probability of each vector of counts by group: one feature after another, by its weight."""
    states = {(0,) * len(sizes): 1.0}
    for _ in range(n_draws):
        after = {}
        for state, probability in states.items():
            left = np.array(weights) * (np.array(sizes) - state)
            for g, share in enumerate(left / left.sum()):
                new = (*state[:g], state[g] + 1, *state[g + 1 :])
                after[new] = after.get(new, 0.0) + probability * share
        states = {state: probability for state, probability in after.items() if probability > 0}
    return states


# Groups


@pytest.mark.parametrize("n_traits", [None, 1, 3])
@pytest.mark.parametrize(("p", "n_groups"), [(12, 3), (11, 3), (5, 5), (7, 1), (30, 12)])
def test_a_number_of_groups_makes_blocks(p, n_groups, n_traits):
    groups = simulate(20, p, n_traits=n_traits, n_groups=n_groups, random_seed=0).groups
    assert groups.dims == ("feature",)
    names, first, sizes = np.unique(groups, return_index=True, return_counts=True)
    width = len(str(n_groups))
    assert names.tolist() == [f"group{g:0{width}d}" for g in range(1, n_groups + 1)]
    assert first.tolist() == sorted(first)
    assert groups.values.tolist() == sorted(groups.values.tolist())
    assert sizes.max() - sizes.min() <= 1
    assert sizes.sum() == p


@pytest.mark.parametrize(
    "labels",
    [list("bbaac"), tuple("bbaac"), np.array(list("bbaac")), np.array(list("bbaac"), dtype=object)],
    ids=["list", "tuple", "array", "objects"],
)
def test_labels_are_kept(labels):
    data = simulate(20, 5, groups=labels, causal_weights=[0, 0, 1], n_causal=1, random_seed=0)
    assert data.groups.values.tolist() == list("bbaac")
    # The order of the weights is that of the first features: b, a, c.
    assert data.causal.values.tolist() == [False, False, False, False, True]


def test_labels_that_are_numbers_become_texts():
    options = dict(n_causal=1, random_seed=0)
    data = simulate(20, 4, groups=np.array([7, 7, 3, 3]), causal_weights={7: 0}, **options)
    assert data.groups.values.tolist() == ["7", "7", "3", "3"]
    assert not data.causal[:2].any()


@pytest.mark.parametrize("n_traits", [None, 2])
def test_equal_weights_change_nothing(n_traits):
    options = dict(n_traits=n_traits, n_causal=5, random_seed=0)
    plain = simulate(20, 30, **options)
    for weights in (None, [2, 2, 2], {"group2": 1}):
        grouped = simulate(20, 30, n_groups=3, causal_weights=weights, **options)
        xr.testing.assert_equal(plain, grouped.drop_vars("groups"))


def test_weights_by_label_are_weights_in_order():
    options = dict(n_causal=5, groups=list("bbbbaaaacccc"), random_seed=3)
    named = simulate(20, 12, causal_weights={"c": 4, "a": 0.5}, **options)
    xr.testing.assert_identical(named, simulate(20, 12, causal_weights=(1, 0.5, 4), **options))
    assert named.attrs["causal_weights"] == [1.0, 0.5, 4.0]


@pytest.mark.parametrize("distribution", ["gaussian", "genotype"])
def test_h2_is_exact_and_features_are_counted_with_groups(distribution):
    options = dict(
        n_groups=4, causal_weights={"group1": 50}, distribution=distribution, n_causal=8, h2=0.3
    )
    data = simulate(100, 40, **options, random_seed=0)
    assert np.var(data.X.values @ data.beta.values) == pytest.approx(0.3)
    assert int(data.causal.sum()) == 8


@pytest.mark.parametrize("n_traits", [None, 2])
@pytest.mark.parametrize("n_causal", [1, 4])
def test_causal_features_fall_in_groups_by_weight(n_traits, n_causal):
    """Counts by group have the distribution of draws without replacement, for each trait."""
    labels, weights = np.array(list("aabbbbcccccc")), [6.0, 2.0, 1.0]
    observed: dict[tuple[int, ...], int] = {}
    for seed in range(SEEDS):
        options = dict(groups=labels, causal_weights=weights, n_causal=n_causal, random_seed=seed)
        causal = simulate(3, 12, n_traits=n_traits, **options).causal.values.reshape(12, -1)[:, -1]
        counts = tuple(int(causal[labels == name].sum()) for name in "abc")
        observed[counts] = observed.get(counts, 0) + 1
    expected = expected_draws([2, 4, 6], weights, n_causal)
    assert set(observed) <= set(expected)
    common = [state for state, probability in expected.items() if probability * SEEDS >= 5]
    cells = np.array([[observed.get(s, 0), SEEDS * expected[s]] for s in common])
    cells = np.vstack([cells, [SEEDS, SEEDS] - cells.sum(axis=0)])
    cells = cells[cells[:, 1] > 1e-6]
    assert stats.chisquare(cells[:, 0], cells[:, 1]).pvalue > SIZE


def test_features_of_a_group_are_drawn_alike():
    labels = list("aaabbb")
    causal = [
        simulate(
            3, 6, groups=labels, causal_weights={"a": 4}, n_causal=2, random_seed=seed
        ).causal.values
        for seed in range(SEEDS)
    ]
    counts = np.sum(causal, axis=0)
    expected = expected_draws([3, 3], [4.0, 1.0], 2)
    in_a = sum(state[0] * probability for state, probability in expected.items()) / 3
    for count, share in zip(counts, [in_a] * 3 + [(2 - 3 * in_a) / 3] * 3, strict=True):
        assert abs(count - SEEDS * share) < 5 * np.sqrt(SEEDS * share * (1 - share))


def test_shared_features_are_as_enriched_as_the_others():
    """Of draws one after another the first have the large weights; these must not be shared."""
    labels = list("aaa" + "b" * 13)
    shared, own = [], []
    for seed in range(SEEDS):
        options = dict(n_traits=2, n_causal=4, overlap=0.5, groups=labels, causal_weights={"a": 99})
        causal = simulate(3, 16, **options, random_seed=seed).causal.values
        both = causal.all(axis=1)
        shared.append(both[:3].sum() / 2)
        own.append((causal.any(axis=1) & ~both)[:3].sum() / 4)
    difference = np.subtract(shared, own)
    assert abs(difference.mean()) < 5 * difference.std() / np.sqrt(SEEDS)
    assert np.mean(shared) > 0.4


def test_a_group_of_weight_zero_has_no_effects():
    for seed, n_traits in product(range(10), (None, 3)):
        options = dict(n_groups=2, causal_weights={"group2": 0}, n_causal=5, random_seed=seed)
        assert not simulate(20, 20, n_traits=n_traits, **options).causal[10:].any()


def test_default_number_of_causal_features_fits_in_the_groups():
    data = simulate(20, 12, n_groups=3, causal_weights={"group1": 0, "group2": 0}, random_seed=0)
    assert data.causal.values.tolist() == [False] * 8 + [True] * 4


# What is missing


@pytest.mark.parametrize("n_traits", [None, 1, 3])
def test_missing_share_is_exact_and_changes_nothing_else(n_traits):
    options = dict(n_traits=n_traits, random_seed=5)
    whole, data = simulate(40, 20, **options), simulate(40, 20, missing=0.24, **options)
    assert not whole.y.isnull().any()
    assert (data.y.isnull().sum("obs") == 10).all()
    np.testing.assert_array_equal(data.y, whole.y.where(data.y.notnull()))
    xr.testing.assert_equal(data.drop_vars("y"), whole.drop_vars("y"))
    assert data.attrs == whole.attrs | {"missing": 0.24}


def test_missing_cells_are_random_and_those_of_traits_unrelated():
    absent = np.array(
        [simulate(8, 2, n_traits=2, missing=0.25, random_seed=s).y.isnull() for s in range(SEEDS)]
    )
    cells = absent.sum(axis=0)
    assert (abs(cells - SEEDS / 4) < 5 * np.sqrt(SEEDS * 3 / 16)).all()
    # Two of eight rows for each trait: both draws share hypergeometrically many.
    both = np.bincount(absent.all(axis=2).sum(axis=1), minlength=3)
    expected = stats.hypergeom(8, 2, 2).pmf([0, 1, 2]) * SEEDS
    assert stats.chisquare(both, expected).pvalue > SIZE


@pytest.mark.parametrize("n_traits", [2, 3])
def test_disjoint_individuals_have_one_trait_each_in_turn(n_traits):
    whole = simulate(20, 5, n_traits=n_traits, random_seed=1)
    data = simulate(20, 5, n_traits=n_traits, missing="disjoint", random_seed=1)
    known = data.y.notnull().values
    assert known.argmax(axis=1).tolist() == [i % n_traits for i in range(20)]
    assert (known.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(data.y, whole.y.where(known))
    xr.testing.assert_equal(data.drop_vars("y"), whole.drop_vars("y"))


# What is refused

WEIGHTED = dict(n_groups=2)
REFUSED = [
    (dict(n_groups=0), ValueError, r"n_groups must be an int from 1 .*got 0"),
    (dict(n_groups=9), ValueError, r"n_groups must be an int from 1 to 8, got 9"),
    (dict(n_groups=2.0), TypeError, r"n_groups must be an int"),
    (
        dict(groups="aabbccdd"),
        TypeError,
        r"groups must be a list or an array of labels, got .* of type str.* Pass n_groups",
    ),
    (dict(groups=3), TypeError, r"groups must be a list or an array of labels, got 3"),
    (dict(WEIGHTED, groups=["a"] * 8), ValueError, r"n_groups must be left out with groups"),
    (dict(groups=["a", "b"]), ValueError, r"groups must have a label for each .* pass 8 labels"),
    (dict(groups=np.eye(8)), ValueError, r"groups must have a label .* got shape \(8, 8\)"),
    (dict(groups=[*"abcabc", None, np.nan]), ValueError, r"got 2 missing labels, .* position 6"),
    (dict(causal_weights=[1, 2]), ValueError, r"causal_weights must be left out without groups"),
    (dict(WEIGHTED, causal_weights=[1]), ValueError, r"must have a number for each .* pass 2"),
    (dict(WEIGHTED, causal_weights=3.0), TypeError, r"must be a dict or a list .* {'group1': 5.0}"),
    (dict(WEIGHTED, causal_weights={"b": 1}), ValueError, r"got \['b'\]: use \['group1', 'group2"),
    (
        dict(WEIGHTED, causal_weights=[1, -1]),
        ValueError,
        r"causal_weights\['group2'\] must be a finite number of at least 0",
    ),
    (dict(WEIGHTED, causal_weights=[1, np.inf]), ValueError, r"causal_weights\['group2'\] must"),
    (dict(WEIGHTED, causal_weights=["1", 1]), TypeError, r"causal_weights\['group1'\] must be a"),
    (dict(WEIGHTED, causal_weights=[0, 0]), ValueError, r"must be positive for some group, got"),
    (
        dict(WEIGHTED, causal_weights=[0, 1], n_causal=5),
        ValueError,
        r"n_causal must leave enough features, got n_causal=5: .* only 4 of p=8 may be",
    ),
    (
        dict(missing=1),
        ValueError,
        r"missing must be a number of at least 0 and below 1 or 'disjoint', got",
    ),
    (dict(missing=-0.1), ValueError, r"missing must be a number .*below 1"),
    (dict(missing=None), ValueError, r"missing must be a number .* got None"),
    (dict(missing="random"), ValueError, r"missing must be .* 'random'"),
    (dict(missing="disjoint"), ValueError, r"missing must be a share if there is one trait, got"),
    (dict(missing="disjoint", n_traits=1), ValueError, r"missing must be a share if there is one"),
    (dict(missing="disjoint", n_traits=11), ValueError, r"which leaves 1 of n=20: raise n"),
    (dict(missing=0.95), ValueError, r"missing must leave 2 known values of each trait, got 0.95"),
]


@pytest.mark.parametrize(("change", "error", "message"), REFUSED, ids=lambda value: str(value)[:60])
def test_bad_arguments_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        simulate(**{"n": 20, "p": 8, "random_seed": 0, **change})
