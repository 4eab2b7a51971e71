"""Simulated data: the promised moments hold, the truth is exact, and a seed is a seed.

Bounds are five standard errors, or those of a test of size 1e-6; rows and seeds are independent.
"""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from blrzoo.simulation import simulate

DISTRIBUTIONS = ["gaussian", "genotype"]
SIZE = 1e-6


def assert_mean(draws, expected):
    """Hold the mean of independent draws to five standard errors of `expected`."""
    draws = np.asarray(draws)
    error = draws.std(ddof=1) / np.sqrt(draws.size)
    assert abs(draws.mean() - expected) < 5 * error


def residual(data):
    return (data.y - data.mu - data.X @ data.beta).values


# What comes back


@pytest.mark.parametrize(
    ("distribution", "dtype"), [("gaussian", np.float64), ("genotype", np.int8)]
)
def test_shapes_coords_and_types(distribution, dtype):
    data = simulate(30, 12, distribution=distribution, random_seed=0)
    dims = {name: variable.dims for name, variable in data.data_vars.items()}
    expected = {"X": ("obs", "feature"), "y": ("obs",), "beta": ("feature",)}
    expected |= {"causal": ("feature",), "mu": (), "sigma2": (), "h2": ()}
    assert dims == expected | ({"maf": ("feature",)} if distribution == "genotype" else {})
    assert data.X.shape == (30, 12)
    assert data.X.dtype == dtype
    assert data.y.dtype == data.beta.dtype == np.float64
    assert data.causal.dtype == bool
    np.testing.assert_array_equal(data.obs, np.arange(30))


@pytest.mark.parametrize(
    ("distribution", "p", "first", "last"),
    [
        ("gaussian", 9, "x1", "x9"),
        ("gaussian", 100, "x001", "x100"),
        ("genotype", 12, "snp01", "snp12"),
    ],
)
def test_labels_are_zero_padded_so_that_they_sort(distribution, p, first, last):
    labels = simulate(20, p, distribution=distribution, random_seed=0).feature.values.tolist()
    assert (labels[0], labels[-1]) == (first, last)
    assert labels == sorted(set(labels))


def test_attributes_are_the_arguments():
    arguments = dict(n=20, p=15, n_causal=3, h2=0.3, correlation=-0.4, distribution="genotype")
    arguments |= dict(maf=[0.2, 0.4], effects="equal", mu=2.0, random_seed=7)
    assert simulate(**arguments).attrs == arguments


@pytest.mark.parametrize(("p", "h2", "expected"), [(4, 0.5, 4), (50, 0.5, 10), (50, 0.0, 0)])
def test_default_number_of_causal_features(p, h2, expected):
    data = simulate(20, p, h2=h2, random_seed=0)
    assert int(data.causal.sum()) == data.attrs["n_causal"] == expected


def test_numpy_scalars_are_numbers():
    odd = simulate(np.int64(20), np.int32(5), h2=np.float32(0.5), mu=1, random_seed=np.uint8(3))
    xr.testing.assert_identical(odd, simulate(20, 5, h2=0.5, mu=1.0, random_seed=3))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_arrays_may_be_changed(distribution):
    first = simulate(20, 5, distribution=distribution, random_seed=0)
    for name in first.data_vars:
        first[name].values[...] = 0
    assert simulate(20, 5, distribution=distribution, random_seed=0).X.values.any()


@pytest.mark.parametrize("seed", [3, [1, 2], None, 2**100, np.random.default_rng(1)], ids=str)
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_netcdf_round_trip(tmp_path, distribution, seed):
    data = simulate(20, 15, distribution=distribution, random_seed=seed)
    data.to_netcdf(tmp_path / "simulated.nc")
    with xr.open_dataset(tmp_path / "simulated.nc") as read:
        xr.testing.assert_identical(read.load(), data)
        assert read.causal.dtype == bool
        assert read.X.dtype == data.X.dtype


# Seeds


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_a_seed_fixes_everything(distribution):
    options = dict(n=30, p=20, distribution=distribution, correlation=0.5)
    first = simulate(**options, random_seed=5)
    xr.testing.assert_identical(first, simulate(**options, random_seed=5))
    other = simulate(**options, random_seed=6)
    for name in ("X", "y", "beta"):
        assert not first[name].equals(other[name])


def test_a_generator_is_used_and_advances():
    rng = np.random.default_rng(5)
    first, second = simulate(30, 20, random_seed=rng), simulate(30, 20, random_seed=rng)
    xr.testing.assert_equal(first, simulate(30, 20, random_seed=5))
    assert not first.X.equals(second.X)


def test_without_a_seed_data_differ_and_the_attribute_gives_them_back():
    first, second = simulate(30, 20), simulate(30, 20)
    assert not first.X.equals(second.X)
    xr.testing.assert_identical(first, simulate(30, 20, random_seed=first.attrs["random_seed"]))


def test_the_global_random_state_is_neither_read_nor_changed():
    saved = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(0)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        first = simulate(30, 20), simulate(30, 20, random_seed=1)
        np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
        np.random.seed(0)  # noqa: NPY002
        second = simulate(30, 20), simulate(30, 20, random_seed=1)
    finally:
        np.random.set_state(saved)  # noqa: NPY002
    assert not first[0].X.equals(second[0].X)
    xr.testing.assert_identical(first[1], second[1])


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize(
    "change",
    [{"h2": 0.1}, {"n_causal": 3}, {"effects": "equal"}, {"mu": 5.0}, {"h2": 0.0}],
    ids=str,
)
def test_features_and_noise_of_a_seed_do_not_depend_on_the_effects(distribution, change):
    base = simulate(30, 20, distribution=distribution, random_seed=2)
    data = simulate(30, 20, distribution=distribution, random_seed=2, **change)
    np.testing.assert_array_equal(data.X, base.X)
    noise = [residual(d) / np.sqrt(float(d.sigma2)) for d in (base, data)]
    np.testing.assert_allclose(*noise, atol=1e-12)


# The truth


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("effects", ["normal", "equal"])
@pytest.mark.parametrize("h2", [1e-6, 0.3, 0.999])
@pytest.mark.parametrize(("n", "p", "n_causal"), [(2, 1, 1), (50, 200, 200), (200, 20, 5)])
def test_realised_h2_is_exact(distribution, effects, h2, n, p, n_causal):
    for seed in range(5):
        data = simulate(
            n,
            p,
            n_causal=n_causal,
            h2=h2,
            distribution=distribution,
            effects=effects,
            mu=3.0,
            random_seed=seed,
        )
        explained = np.var(data.X.values @ data.beta.values)
        realised = explained / (explained + float(data.sigma2))
        assert realised == pytest.approx(h2, rel=1e-9)
        assert float(data.h2) == pytest.approx(h2, rel=1e-12)
        assert explained + float(data.sigma2) == pytest.approx(1, rel=1e-9)
        np.testing.assert_array_equal(data.causal, data.beta != 0)
        assert int(data.causal.sum()) == n_causal


def test_without_heritability_y_is_noise():
    data = simulate(4000, 20, h2=0.0, mu=2.0, random_seed=0)
    assert not data.beta.values.any()
    assert float(data.h2) == 0
    assert float(data.sigma2) == 1
    assert_mean(data.y, 2.0)
    assert_mean((data.y - 2.0) ** 2, 1.0)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_noise_is_normal_and_unrelated_to_the_features(distribution):
    draws, products = [], []
    for seed in range(20):
        data = simulate(500, 10, h2=0.7, mu=-1.0, distribution=distribution, random_seed=seed)
        draws.append(residual(data) / np.sqrt(0.3))
        products.append(draws[-1] * (data.X - data.X.mean("obs")).sum("feature").values)
    assert stats.kstest(np.concatenate(draws), "norm").pvalue > SIZE
    assert_mean(np.concatenate(draws), 0.0)
    assert_mean(np.concatenate(draws) ** 2, 1.0)
    assert_mean(np.concatenate(products), 0.0)


def test_causal_features_are_drawn_uniformly():
    drawn = [simulate(3, 5, n_causal=2, random_seed=seed).causal.values for seed in range(600)]
    counts = np.sum(drawn, axis=0)
    assert (abs(counts - 600 * 0.4) < 5 * np.sqrt(600 * 0.4 * 0.6)).all()


def test_normal_effects_are_normal():
    beta = simulate(50, 4000, n_causal=4000, random_seed=0).beta.values
    assert_mean(beta, 0.0)
    assert stats.kstest(beta / np.sqrt(np.mean(beta**2)), "norm").pvalue > SIZE


def test_equal_effects_are_equal_with_random_signs():
    beta = simulate(50, 4000, n_causal=2000, effects="equal", random_seed=0).beta.values
    beta = beta[beta != 0]
    np.testing.assert_allclose(abs(beta), abs(beta[0]))
    assert_mean(np.sign(beta), 0.0)


def test_equal_effects_never_cancel():
    # Two rows and two columns: often both columns differ by one allele, and half of the sign
    # patterns then cancel.
    for seed in range(100):
        data = simulate(2, 2, distribution="genotype", effects="equal", random_seed=seed)
        assert np.isfinite(data.y).all()
        assert np.var(data.X.values @ data.beta.values) == pytest.approx(0.5)


# The features


@pytest.mark.parametrize("correlation", [0.0, 0.9, -0.6])
def test_gaussian_features_are_a_stationary_autoregression(correlation):
    X = simulate(4000, 40, correlation=correlation, random_seed=1).X.values
    for column in (0, 1, 39):
        assert_mean(X[:, column], 0.0)
        assert_mean(X[:, column] ** 2, 1.0)
    for lag in (1, 2, 5):
        # Rows are independent, and so are their means over the pairs at this lag.
        assert_mean((X[:, lag:] * X[:, :-lag]).mean(axis=1), correlation**lag)
        assert_mean(X[:, -1] * X[:, -1 - lag], correlation**lag)


@pytest.mark.parametrize("correlation", [0.0, 0.9, -0.6])
def test_correlation_of_genotypes_at_frequency_one_half(correlation):
    data = simulate(
        4000, 40, distribution="genotype", correlation=correlation, maf=(0.5, 0.5), random_seed=1
    )
    X = (data.X.values - 1.0) / np.sqrt(0.5)
    for lag in (1, 2, 5):
        expected = 2 / np.pi * np.arcsin(correlation**lag)
        assert_mean((X[:, lag:] * X[:, :-lag]).mean(axis=1), expected)


def test_genotypes_are_in_hardy_weinberg_equilibrium():
    X = simulate(2000, 50, distribution="genotype", maf=(0.3, 0.3), random_seed=1).X.values
    assert set(np.unique(X)) == {0, 1, 2}
    counts = np.bincount(X.ravel(), minlength=3)
    assert stats.chisquare(counts, X.size * np.array([0.49, 0.42, 0.09])).pvalue > SIZE


def test_frequencies_are_uniform_and_are_those_of_the_columns():
    n = 2000
    data = simulate(n, 1000, distribution="genotype", maf=(0.1, 0.4), random_seed=1)
    maf = data.maf.values
    assert stats.kstest(maf, stats.uniform(0.1, 0.3).cdf).pvalue > SIZE
    z = (data.X.values.mean(axis=0) / 2 - maf) / np.sqrt(maf * (1 - maf) / (2 * n))
    assert_mean(z, 0.0)
    assert_mean(z**2, 1.0)


@pytest.mark.parametrize(
    ("n", "maf", "correlation"),
    [(2, (0.05, 0.5), 0.0), (3, (0.01, 0.5), 0.9999), (2, (0.02, 0.02), 0.999), (5, None, -0.5)],
)
def test_no_column_of_genotypes_is_constant(n, maf, correlation):
    # Without redraws a column is constant with probability 0.49, 0.33, 0.93 or 0.13 here.
    for seed in range(20):
        X = simulate(
            n, 60, distribution="genotype", maf=maf, correlation=correlation, random_seed=seed
        ).X.values
        assert (X.min(axis=0) < X.max(axis=0)).all()


def test_redrawn_columns_keep_to_their_neighbours():
    # Half of these columns are redrawn; without regard to their neighbours the mean would be 0.62.
    means = []
    for seed in range(20):
        options = dict(distribution="genotype", maf=(0.05, 0.05), correlation=0.9, random_seed=seed)
        X = simulate(6, 50, **options).X.values.astype(float)
        means.append(np.mean([np.corrcoef(X[:, j], X[:, j + 1])[0, 1] for j in range(49)]))
    assert np.mean(means) > 2 / np.pi * np.arcsin(0.9)


# What is refused

REFUSED = [
    (dict(n=1), ValueError, r"n must be an int from 2 .*, got 1 of type int. Leave it out for 500"),
    (dict(n=10.0), TypeError, r"n must be an int .*got 10.0 of type float\. Leave"),
    (dict(n=True), TypeError, r"n must be an int .*got True of type bool"),
    (dict(n=None), TypeError, r"n must be an int .*got None"),
    (dict(p=0), ValueError, r"p must be an int from 1 .*, got 0 of type int. Leave it out for 100"),
    (dict(p="5"), TypeError, r"p must be an int .*got '5' of type str"),
    (dict(n_causal=-1), ValueError, r"n_causal must be an int from 0 .*got -1"),
    (dict(n_causal=2.0), TypeError, r"n_causal must be an int .*got 2.0"),
    (dict(n_causal=False), TypeError, r"n_causal must be an int .*got False"),
    (dict(n_causal=9), ValueError, r"n_causal must leave enough .* n_causal=9.* of p=8 .*: lower"),
    (dict(n_causal=0), ValueError, r"n_causal must be 0 if and only if h2 is 0, .*h2=0.5: leave"),
    (dict(n_causal=2, h2=0), ValueError, r"n_causal must be 0 if .* got n_causal=2 and h2=0.0"),
    (
        dict(h2=1),
        ValueError,
        r"h2 must be a number of at least 0 and below 1, got 1 of type \w+. Leave",
    ),
    (dict(h2=-0.1), ValueError, r"h2 must be a number of at least 0 and below 1, got -0.1"),
    (dict(h2=float("nan")), ValueError, r"h2 must be a number of at least 0 and below 1, got nan"),
    (dict(h2="half"), TypeError, r"h2 must be a .*number.* got 'half' of type str"),
    (dict(h2=False), TypeError, r"h2 must be a .*number.* got False of type bool"),
    (
        dict(correlation=1.0),
        ValueError,
        r"correlation must be a number above -1 and below 1, got 1.0",
    ),
    (
        dict(correlation=-1),
        ValueError,
        r"correlation must be a number above -1 and below 1, got -1",
    ),
    (dict(correlation=[0.5]), TypeError, r"correlation must be a .*number.* got \[0.5\]"),
    (dict(mu=float("inf")), ValueError, r"mu must be a finite number, got inf"),
    (dict(mu=None), TypeError, r"mu must be a .*number.* got None"),
    (
        dict(distribution="snp"),
        ValueError,
        r"distribution must be 'gaussian' or 'genotype', got 'snp' of type \w+. Leave",
    ),
    (dict(distribution=1), ValueError, r"distribution must be 'gaussian' or 'genotype', got 1"),
    (
        dict(effects="t"),
        ValueError,
        r"effects must be 'normal' or 'equal', got 't' of type \w+. Leave",
    ),
    (dict(effects=None), ValueError, r"effects must be 'normal' or 'equal', got None"),
    (
        dict(maf=(0.1, 0.5)),
        ValueError,
        r"maf must be left out unless distribution='genotype', .*: leave",
    ),
    (
        dict(distribution="genotype", maf=0.3),
        TypeError,
        r"maf must be a pair .* got 0.3 \(float\): pass",
    ),
    (
        dict(distribution="genotype", maf=(0.1,)),
        TypeError,
        r"maf must be a pair \(low, high\), got",
    ),
    (
        dict(distribution="genotype", maf=(0.1, "a")),
        TypeError,
        r"maf\[1\] must be a .*number.* got 'a'",
    ),
    (
        dict(distribution="genotype", maf=(0, 0.5)),
        ValueError,
        r"maf must satisfy 0 < low .* got \(0, 0.5",
    ),
    (
        dict(distribution="genotype", maf=(0.4, 0.3)),
        ValueError,
        r"maf must satisfy .* got \(0.4, 0.3\)",
    ),
    (
        dict(distribution="genotype", maf=(0.4, 0.6)),
        ValueError,
        r"maf must satisfy .* got \(0.4, 0.6\)",
    ),
    (
        dict(n=2, distribution="genotype", maf=(1e-9, 1e-9)),
        ValueError,
        r"maf, n and correlation must let genotypes vary, got .* n=2 .* larger n",
    ),
    (
        dict(random_seed=-1),
        ValueError,
        r"random_seed must be None, an int of at least 0, .* got -1",
    ),
    (
        dict(random_seed=1.5),
        TypeError,
        r"random_seed must be None, an int .* got 1.5 of type float",
    ),
]


@pytest.mark.parametrize(("change", "error", "message"), REFUSED, ids=lambda value: str(value)[:40])
def test_bad_arguments_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        simulate(**{"n": 20, "p": 8, "random_seed": 0, **change})


def test_arguments_after_p_are_keywords():
    with pytest.raises(TypeError, match="positional"):
        simulate(20, 8, 3)
