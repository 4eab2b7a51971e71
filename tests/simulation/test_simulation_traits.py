"""Simulated traits: heritabilities, correlations and shared features are those asked for.

Bounds are five standard errors: (1 - r^2) / sqrt(m) for the correlation of m pairs of normals.
"""

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from blrzoo.simulation import simulate

DISTRIBUTIONS = ["gaussian", "genotype"]
MATRIX = np.array([[1.0, 0.6, -0.2], [0.6, 1.0, 0.1], [-0.2, 0.1, 1.0]])
SIZE = 1e-6


def effects_of_features(data):
    """Effects of the features that are causal for all traits, each trait's in units of its RMS."""
    beta = data.beta.values[data.causal.all("trait").values]
    return beta / np.sqrt(np.mean(beta**2, axis=0))


def residual(data):
    """Give the noise in units of its SD."""
    noise = data.y - data.mu - (data.X.astype(float) @ data.beta)
    return noise.values / np.sqrt(np.diagonal(data.Sigma_e.values))


def pairs(n_traits):
    return list(zip(*np.triu_indices(n_traits, 1), strict=True))


# What comes back


@pytest.mark.parametrize("n_traits", [1, 2, 12])
@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_dims_and_coords(distribution, n_traits):
    data = simulate(30, 12, n_traits=n_traits, distribution=distribution, random_seed=0)
    dims = {name: variable.dims for name, variable in data.data_vars.items()}
    square = ("trait", "trait_bis")
    expected = {"X": ("obs", "feature"), "y": ("obs", "trait"), "beta": ("feature", "trait")}
    expected |= {"causal": ("feature", "trait"), "mu": ("trait",), "h2": ("trait",)}
    expected |= dict.fromkeys(["genetic_covariance", "genetic_correlation", "Sigma_e"], square)
    assert dims == expected | ({"maf": ("feature",)} if distribution == "genotype" else {})
    assert dict(data.sizes) == dict(obs=30, feature=12, trait=n_traits, trait_bis=n_traits)
    labels = [f"trait{t:02d}" if n_traits > 9 else f"trait{t}" for t in range(1, n_traits + 1)]
    assert data.trait.values.tolist() == data.trait_bis.values.tolist() == labels


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("h2", [0.0, 0.4])
def test_one_of_several_traits_is_one_trait(distribution, h2):
    options = dict(
        h2=h2, mu=2.0, distribution=distribution, correlation=0.5, missing=0.2, random_seed=3
    )
    one, several = simulate(50, 20, **options), simulate(50, 20, n_traits=1, **options)
    assert float(several.Sigma_e[0, 0]) == float(one.sigma2)
    assert float(several.genetic_covariance[0, 0]) == pytest.approx(h2)
    added = ["genetic_covariance", "genetic_correlation", "Sigma_e", "trait_bis"]
    xr.testing.assert_equal(
        several.drop_vars(added).squeeze("trait", drop=True), one.drop_vars("sigma2")
    )


def test_attributes_are_the_arguments():
    arguments = dict(n=20, p=15, n_traits=3, n_causal=3, h2=[0.3, 0.2, 0.1], correlation=-0.4)
    arguments |= dict(genetic_correlation=0.5, residual_correlation=-0.5, overlap=1.0)
    arguments |= dict(n_groups=2, causal_weights=[1.0, 3.0], missing="disjoint", mu=[1.0, 0.0, 2.0])
    arguments |= dict(distribution="gaussian", effects="equal", random_seed=7)
    data = simulate(**arguments)
    assert data.attrs == arguments
    flat = simulate(**arguments | {"genetic_correlation": np.eye(3)}).attrs["genetic_correlation"]
    assert flat == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize(
    "options",
    [
        dict(n_traits=1, h2=[0.5], genetic_correlation=[[1]], n_groups=1, causal_weights=[2]),
        dict(n_traits=3, genetic_correlation=MATRIX, h2=[0.0, 0.2, 0.3], overlap=0.5, missing=0.1),
        dict(n_traits=2, residual_correlation=0.5, groups=list("aabbbcccdddeeef"), mu=[1, 2]),
        dict(n_groups=3, causal_weights={"group2": 4}, missing=0.5),
    ],
    ids=["one", "three", "groups", "groups of one"],
)
def test_netcdf_round_trip(tmp_path, distribution, options):
    data = simulate(20, 15, n_causal=3, distribution=distribution, random_seed=1, **options)
    data.to_netcdf(tmp_path / "simulated.nc")
    with xr.open_dataset(tmp_path / "simulated.nc") as read:
        xr.testing.assert_identical(read.load(), data)
        assert read.causal.dtype == bool


def test_arrays_may_be_changed():
    options = dict(n_traits=3, n_groups=2, missing=0.1, distribution="genotype", random_seed=0)
    first = simulate(20, 10, **options)
    for name in first.data_vars:
        first[name].values[...] = 0
    assert simulate(20, 10, **options).Sigma_e.values.any()


# Seeds


def test_a_seed_fixes_everything():
    options = dict(n=30, p=20, n_traits=3, n_causal=4, overlap=0.5, missing=0.3)
    options |= dict(n_groups=2, causal_weights=[5, 1], genetic_correlation=MATRIX)
    first = simulate(**options, random_seed=5)
    xr.testing.assert_identical(first, simulate(**options, random_seed=5))
    other = simulate(**options, random_seed=6)
    for name in ("X", "y", "beta"):
        assert not first[name].equals(other[name])
    assert (first.y.isnull() != other.y.isnull()).any()


def test_the_attributes_give_the_data_back():
    data = simulate(30, 20, n_traits=2, n_causal=4, overlap=0.5, n_groups=3, missing=0.1)
    xr.testing.assert_identical(data, simulate(**data.attrs))


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize(
    "change",
    [
        {"h2": [0.1, 0.0, 0.7]},
        {"h2": 0.0},
        {"n_causal": 3},
        {"effects": "equal", "genetic_correlation": 0.3},
        {"genetic_correlation": MATRIX},
        {"overlap": 0.0, "n_causal": 2},
        {"n_groups": 4, "causal_weights": [1, 2, 3, 4]},
        {"mu": [5.0, 6.0, 7.0]},
    ],
    ids=str,
)
def test_features_and_noise_of_a_seed_do_not_depend_on_the_effects(distribution, change):
    options = dict(
        n_traits=3, residual_correlation=MATRIX, distribution=distribution, random_seed=2
    )
    base, data = simulate(30, 20, **options), simulate(30, 20, **options, **change)
    np.testing.assert_array_equal(data.X, base.X)
    np.testing.assert_allclose(residual(data), residual(base), atol=1e-12)


def test_noise_of_the_first_trait_is_that_of_one_trait():
    one = simulate(30, 20, n_traits=1, random_seed=2)
    for options in (dict(n_traits=2), dict(n_traits=3, residual_correlation=MATRIX)):
        data = simulate(30, 20, **options, random_seed=2)
        np.testing.assert_array_equal(data.X, one.X)
        np.testing.assert_allclose(residual(data)[:, 0], residual(one)[:, 0], atol=1e-12)


# The truth


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("effects", ["normal", "equal"])
@pytest.mark.parametrize("overlap", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("n", [2, 100])
def test_realised_h2_is_exact(distribution, effects, overlap, n):
    h2 = np.array([0.8, 0.0, 1e-6])
    for seed in range(5):
        options = dict(
            distribution=distribution, effects=effects, overlap=overlap, genetic_correlation=0.5
        )
        data = simulate(n, 30, n_traits=3, n_causal=5, h2=h2, random_seed=seed, **options)
        explained = np.var(data.X.values @ data.beta.values, axis=0)
        noise = np.diagonal(data.Sigma_e.values)
        np.testing.assert_allclose(explained / (explained + noise), h2, rtol=1e-9)
        np.testing.assert_allclose(data.h2, h2, rtol=1e-12)
        np.testing.assert_allclose(explained + noise, 1.0, rtol=1e-9)
        np.testing.assert_array_equal(data.causal, data.beta != 0)
        assert data.causal.sum("feature").values.tolist() == [5, 0, 5]


def test_covariances_are_those_of_the_data():
    options = dict(h2=[0.6, 0.3, 0.1], genetic_correlation=MATRIX, residual_correlation=0.4)
    data = simulate(60, 20, n_traits=3, correlation=0.5, random_seed=4, **options)
    values = data.X.values @ data.beta.values
    np.testing.assert_allclose(data.genetic_covariance, np.cov(values.T, ddof=0), rtol=1e-10)
    np.testing.assert_allclose(data.genetic_correlation, np.corrcoef(values.T), rtol=1e-10)
    sigma2 = [0.4, 0.7, 0.9]
    expected = [
        [sigma2[t] if t == u else 0.4 * np.sqrt(sigma2[t] * sigma2[u]) for u in range(3)]
        for t in range(3)
    ]
    np.testing.assert_allclose(data.Sigma_e, expected, rtol=1e-12)


def test_a_trait_without_heritability_is_noise():
    data = simulate(50, 20, n_traits=3, h2=[0.5, 0.0, 0.3], random_seed=0)
    assert not data.beta.sel(trait="trait2").any()
    assert float(data.genetic_covariance.sel(trait="trait2").sum()) == 0
    undefined = data.genetic_correlation.isnull().values
    np.testing.assert_array_equal(
        undefined, [[False, True, False], [True] * 3, [False, True, False]]
    )
    assert float(data.Sigma_e[1, 1]) == 1
    # The other traits do not know of it.
    other = simulate(50, 20, n_traits=3, h2=[0.5, 0.9, 0.3], random_seed=0)
    for name in ("beta", "y"):
        np.testing.assert_array_equal(data[name][:, [0, 2]], other[name][:, [0, 2]])


@pytest.mark.parametrize("effects", ["normal", "equal"])
@pytest.mark.parametrize("overlap", [0.6, 1.0])
def test_effects_have_the_genetic_correlation(effects, overlap):
    n_causal = 3000
    for seed in range(3):
        options = dict(effects=effects, overlap=overlap, genetic_correlation=MATRIX)
        data = simulate(5, 8000, n_traits=3, n_causal=n_causal, random_seed=seed, **options)
        scaled = effects_of_features(data)
        assert len(scaled) == overlap * n_causal
        for t, u in pairs(3):
            r = MATRIX[t, u]
            # Signs are two-point: their products have the variance 1 - r^2.
            error = (1 - r**2 if effects == "normal" else np.sqrt(1 - r**2)) / np.sqrt(len(scaled))
            assert abs(np.mean(scaled[:, t] * scaled[:, u]) - r) < 5 * error


@pytest.mark.parametrize("overlap", [0.0, 0.5, 1.0])
def test_effects_of_each_trait_are_normal_or_equal(overlap):
    options = dict(n_traits=3, n_causal=1000, overlap=overlap, genetic_correlation=MATRIX)
    data = simulate(20, 4000, **options, random_seed=0)
    for beta in data.beta.values.T:
        beta = beta[beta != 0]
        assert stats.kstest(beta / np.sqrt(np.mean(beta**2)), "norm").pvalue > SIZE
    data = simulate(20, 4000, **options, effects="equal", random_seed=0)
    for beta in data.beta.values.T:
        beta = beta[beta != 0]
        np.testing.assert_allclose(abs(beta), abs(beta[0]))
        assert abs(np.sign(beta).mean()) < 5 / np.sqrt(1000)


@pytest.mark.parametrize("effects", ["normal", "equal"])
@pytest.mark.parametrize(("n_traits", "r"), [(2, 1), (2, -1), (4, 1)])
def test_perfectly_correlated_effects_are_proportional(n_traits, r, effects):
    options = dict(genetic_correlation=r, effects=effects, n_causal=10)
    scaled = effects_of_features(simulate(50, 20, n_traits=n_traits, random_seed=0, **options))
    for t in range(1, n_traits):
        np.testing.assert_allclose(scaled[:, t], r * scaled[:, 0], rtol=1e-6)


def test_the_least_correlation_of_all_pairs_makes_noises_add_to_nothing():
    data = simulate(50, 20, n_traits=4, residual_correlation=-1 / 3, random_seed=0)
    np.testing.assert_allclose(residual(data).sum(axis=1), 0.0, atol=1e-7)


@pytest.mark.parametrize(("overlap", "r"), [(1.0, 0.8), (0.5, 0.8), (0.5, -0.6), (0.0, 0.8)])
def test_genetic_correlation_follows_the_overlap(overlap, r):
    drawn = []
    for seed in range(60):
        options = dict(n_traits=2, n_causal=100, overlap=overlap, genetic_correlation=r)
        data = simulate(300, 250, **options, random_seed=seed)
        drawn.append(float(data.genetic_correlation[0, 1]))
    error = np.std(drawn, ddof=1) / np.sqrt(60)
    assert abs(np.mean(drawn) - overlap * r) < 5 * error
    assert error < 0.03


@pytest.mark.parametrize("correlation", [MATRIX, 0.6, 0.0], ids=["matrix", "number", "none"])
def test_noise_has_the_residual_correlation(correlation):
    expected = np.broadcast_to(correlation, (3, 3))
    data = simulate(
        20_000, 5, n_traits=3, h2=[0.5, 0.1, 0.9], residual_correlation=correlation, random_seed=1
    )
    noise = residual(data)
    for t, u in pairs(3):
        r = expected[t, u]
        drawn = np.corrcoef(noise[:, t], noise[:, u])[0, 1]
        assert abs(drawn - r) < 5 * (1 - r**2) / np.sqrt(20_000)
    for column in noise.T:
        assert stats.kstest(column, "norm").pvalue > SIZE
    mixed = np.corrcoef(noise.T, (data.X @ data.beta).values.T)[:3, 3:]
    assert (abs(mixed) < 5 / np.sqrt(20_000)).all()


# Which features


@pytest.mark.parametrize("n_traits", [1, 2, 4])
@pytest.mark.parametrize(
    ("overlap", "n_causal", "shared"),
    [(1.0, 10, 10), (0.0, 10, 0), (0.3, 10, 3), (0.5, 7, 4), (0.34, 3, 1), (0.1, 4, 0)],
)
def test_overlap_is_exact(n_traits, overlap, n_causal, shared):
    for seed in range(5):
        options = dict(n_causal=n_causal, overlap=overlap, random_seed=seed)
        causal = simulate(20, 40, n_traits=n_traits, **options).causal.values.astype(int)
        common = causal.T @ causal
        assert (np.diagonal(common) == n_causal).all()
        assert all(common[t, u] == shared for t, u in pairs(n_traits))
        if n_traits > 1:
            assert causal.all(axis=1).sum() == shared
        assert causal.any(axis=1).sum() == n_causal * n_traits - (n_traits - 1) * (
            shared if n_traits > 1 else 0
        )


def test_causal_features_are_drawn_uniformly():
    options = dict(n_traits=2, n_causal=2, overlap=0.5)
    drawn = [simulate(3, 6, random_seed=seed, **options).causal.values for seed in range(600)]
    counts = np.sum(drawn, axis=0)
    assert (abs(counts - 600 / 3) < 5 * np.sqrt(600 * 2 / 9)).all()
    common = np.sum([causal.all(axis=1) for causal in drawn], axis=0)
    assert (abs(common - 600 / 6) < 5 * np.sqrt(600 * 5 / 36)).all()


@pytest.mark.parametrize(
    ("p", "n_traits", "overlap", "expected"),
    [(50, 3, 1.0, 10), (50, 3, 0.0, 10), (24, 3, 0.0, 8), (3, 3, 0.0, 1), (6, 3, 1.0, 6)],
)
def test_default_number_of_causal_features_is_what_there_is_room_for(
    p, n_traits, overlap, expected
):
    data = simulate(20, p, n_traits=n_traits, overlap=overlap, random_seed=0)
    assert data.attrs["n_causal"] == expected
    assert (data.causal.sum("feature") == expected).all()


# What is refused

THREE = dict(n_traits=3)
REFUSED = [
    (dict(n_traits=0), ValueError, r"n_traits must be an int from 1 .*got 0"),
    (dict(n_traits=1_000_000), ValueError, r"n_traits must be an int from 1 to 5000, got 1000000"),
    (dict(n_traits=2.0), TypeError, r"n_traits must be an int .*got 2.0"),
    (dict(n_traits=True), TypeError, r"n_traits must be an int .*got True"),
    (dict(h2=[0.1, 0.2]), TypeError, r"h2 must be one number for one trait, .* n_traits too"),
    (dict(THREE, h2=[0.1]), ValueError, r"h2 must be a number or one for each .* pass 3 numbers"),
    (
        dict(THREE, h2=[0.1, 0.2, 1]),
        ValueError,
        r"h2\[2\] must be a number of at least 0 and below 1, got 1",
    ),
    (dict(THREE, h2=np.eye(3)), TypeError, r"h2\[0\] must be a number .* of type list"),
    (dict(THREE, h2=np.array(0.5)), ValueError, r"h2 must be a number or one for each trait"),
    (dict(THREE, h2=[0, 0, 0], n_causal=1), ValueError, r"n_causal must be 0 if and only if h2"),
    (dict(THREE, h2=[0, 0.1, 0], n_causal=0), ValueError, r"got n_causal=0 and h2=\[0.0, 0.1"),
    (dict(THREE, mu=[1, 2]), ValueError, r"mu must be a number or one for each trait"),
    (dict(THREE, mu=[1, 2, "a"]), TypeError, r"mu\[2\] must be a .*number.* got 'a'"),
    (dict(genetic_correlation=0.5), ValueError, r"genetic_correlation must be left out without"),
    (dict(residual_correlation=[[1]]), ValueError, r"residual_correlation must be left out"),
    (dict(overlap=0.5), ValueError, r"overlap must be left out without n_traits, got 0.5"),
    (dict(THREE, overlap=1.1), ValueError, r"overlap must be a number from 0 to 1, got 1.1"),
    (dict(THREE, overlap=None), TypeError, r"overlap must be a .*number.* got None"),
    (
        dict(THREE, genetic_correlation=-0.6),
        ValueError,
        r"genetic_correlation must be a number from -0.5 to 1, got .* 3 traits",
    ),
    (
        dict(THREE, residual_correlation=1.1),
        ValueError,
        r"residual_correlation must be a number from -0.5",
    ),
    (dict(THREE, genetic_correlation="0"), TypeError, r"genetic_correlation must be a number"),
    (dict(THREE, genetic_correlation=np.eye(2)), ValueError, r"a row and a column for each trait"),
    (dict(THREE, genetic_correlation=[[1, 2], [1]]), TypeError, r"must be a number or a matrix"),
    (dict(THREE, genetic_correlation=MATRIX * np.nan), ValueError, r"must be finite, got"),
    (
        dict(THREE, genetic_correlation=np.triu(MATRIX)),
        ValueError,
        r"must be symmetric, got 0.6 in row 0, column 1 and 0.0 in row 1, column 0: make",
    ),
    (dict(THREE, residual_correlation=2 * MATRIX), ValueError, r"ones on its diagonal, .* not cov"),
    (
        dict(THREE, residual_correlation=[[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]),
        ValueError,
        r"residual_correlation must be positive semi-definite .* eigenvalue is -0.8. Move",
    ),
    (
        dict(THREE, genetic_correlation=-0.5, effects="equal"),
        ValueError,
        r"sin\(pi / 2 \* genetic_correlation\), .* semi-definite .* or use effects='normal'",
    ),
    (dict(THREE, n_causal=9), ValueError, r"n_causal must leave enough features, got n_causal=9"),
    (
        dict(THREE, n_causal=4, overlap=0.5),
        ValueError,
        r"n_causal must leave enough features, got n_causal=4: with 3 traits that have 2 of them "
        r"in common, 8 features are causal, and only 7 of p=7 .* raise p or overlap",
    ),
    (dict(n_traits=8, overlap=0), ValueError, r"got n_causal=1: with 8 traits that have 0 of them"),
]


@pytest.mark.parametrize(("change", "error", "message"), REFUSED, ids=lambda value: str(value)[:60])
def test_bad_arguments_are_refused(change, error, message):
    p = 7 if "p=7" in message or change.get("n_traits") == 8 else 8
    with pytest.raises(error, match=message):
        simulate(**{"n": 20, "p": p, "random_seed": 0, **change})
