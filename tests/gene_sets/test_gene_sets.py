"""Gene sets against answers by hand, closed forms, simulation and a planted truth."""

import logging

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import blrzoo as blr
from blrzoo.gene_sets import (
    assign_to_genes,
    from_posterior,
    gene_set_model,
    gene_set_table,
    gene_statistics,
    gene_z_scores,
    ld,
    membership,
)
from blrzoo.gene_sets.chi2_sums import normal_score
from blrzoo.summaries.group_inclusion import group_pip
from tests.builders import random_fit

POSITIONS = pd.Series([500, 100, 200, 900], index=["d", "a", "b", "e"])
GENES = pd.DataFrame({"start": [100, 200], "end": [200, 500]}, index=["A", "B"])
SNPS = {"A": ["a", "b"], "B": ["b", "c"]}


def autoregression(size, rho):
    return rho ** np.abs(np.subtract.outer(np.arange(size), np.arange(size)))


# ---- SNPs to genes ----


def test_both_ends_belong_to_a_gene_and_genes_may_overlap():
    assert assign_to_genes(POSITIONS, GENES) == {"A": ["a", "b"], "B": ["d", "b"]}


@pytest.mark.parametrize(
    ("window", "a", "b"),
    [
        (99, ["a", "b"], ["d", "b"]),
        (100, ["a", "b"], ["d", "a", "b"]),
        ((0, 300), ["d", "a", "b"], ["d", "b"]),
        ((0, 400), ["d", "a", "b"], ["d", "b", "e"]),
        ((100.0, 0), ["a", "b"], ["d", "a", "b"]),
    ],
)
def test_windows_reach_out_on_their_side(window, a, b):
    assert assign_to_genes(POSITIONS, GENES, window=window) == {"A": a, "B": b}


def test_genes_of_other_chromosomes_do_not_count():
    genes = GENES.assign(chromosome=["1", "2"])
    on = pd.Series(["2", "1", "2", "2"], index=POSITIONS.index)
    assert assign_to_genes(POSITIONS, genes, chromosome=on) == {"A": ["a"], "B": ["d", "b"]}
    assert assign_to_genes(POSITIONS, genes, chromosome=list(on))["A"] == ["a"]


def test_chromosomes_are_joined_to_the_positions_by_label():
    genes = GENES.assign(chromosome=["1", "X"])
    on = pd.Series(["1", "1", "X", "X"], index=POSITIONS.index)
    expected = assign_to_genes(POSITIONS, genes, chromosome=on.to_numpy())
    assert assign_to_genes(POSITIONS, genes, chromosome=on[::-1]) == expected
    mixed = [1, 1, "X", "X"]  # numbers of a list stay numbers
    genes = genes.assign(chromosome=[1, "X"])
    assert assign_to_genes(POSITIONS, genes, chromosome=mixed) == expected


def test_snps_are_named_by_the_positions(caplog):
    array = xr.DataArray(POSITIONS.values, {"feature": POSITIONS.index}, "feature")
    assert assign_to_genes(array, GENES)["A"] == ["a", "b"]
    assert assign_to_genes(POSITIONS.to_numpy(), GENES)["A"] == [1, 2]
    assert not caplog.records
    more = pd.concat([GENES, pd.DataFrame({"start": [600], "end": [700]}, index=["C"])])
    assert list(assign_to_genes(POSITIONS, more)) == ["A", "B"]
    assert "1 of 3 genes have no SNP" in caplog.text


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"genes": {"A": (1, 2)}}, TypeError, "genes must be a DataFrame"),
        ({"genes": GENES[["start"]]}, ValueError, r"columns 'start' and 'end', got .*\['end'\]"),
        ({"genes": GENES.assign(end=0)}, ValueError, r"end before they start.*\['A', 'B'\]"),
        ({"genes": GENES + 5000}, ValueError, "SNP in at least one of them, got none"),
        ({"genes": GENES.loc[["A", "A"]]}, ValueError, "different label for every value"),
        ({"positions": [[1, 2]]}, ValueError, r"positions must be a vector.*\(1, 2\)"),
        ({"positions": ["x"]}, TypeError, "positions must hold real numbers"),
        ({"positions": [1.0, np.nan]}, ValueError, r"positions must be finite.*\[1\]"),
        ({"window": -1}, ValueError, "window must be a finite number of at least 0, got -1"),
        ({"window": "1 kb"}, TypeError, "window must be .*Pass 0 for none, or a pair"),
        ({"chromosome": [1, 1, 1, 1]}, ValueError, "if and only if genes has the column"),
        ({"genes": GENES.assign(chromosome=1)}, ValueError, "chromosome must be given if and only"),
        (
            {"genes": GENES.assign(chromosome=1), "chromosome": list("1111")},
            ValueError,
            r"none in common. Are some text",
        ),
        (
            {"genes": GENES.assign(chromosome=1), "chromosome": [1]},
            ValueError,
            r"one value for each of the 4 SNPs of positions, got shape \(1,\)",
        ),
    ],
)
def test_bad_positions_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        assign_to_genes(**{"positions": POSITIONS, "genes": GENES} | change)


# ---- sums of chi-squares ----


@pytest.mark.parametrize("size", [1, 2, 5, 40])
def test_the_score_of_independent_chi_squares_is_that_of_a_chi_square(size):
    totals = stats.chi2.ppf([0.001, 0.05, 0.5, 0.95, 0.999, 1 - 1e-9], size)
    exact = stats.norm.isf(stats.chi2.sf(totals, size))
    scores = [normal_score(total, np.full(size, 1.0)) for total in totals]
    np.testing.assert_allclose(scores, exact, atol=1e-9 if size == 1 else 0.015)
    scaled = [normal_score(3 * total, np.full(size, 3.0)) for total in totals]
    np.testing.assert_allclose(scaled, scores, atol=1e-9)


@pytest.mark.parametrize("correlation", [0.5, 0.9, "all 0.5"])
def test_tails_are_right_under_strong_ld(correlation):
    R = (
        autoregression(30, correlation)
        if isinstance(correlation, float)
        else np.full((30, 30), 0.5)
    )
    np.fill_diagonal(R, 1.0)
    eigenvalues = np.linalg.eigvalsh(R)
    rng, draws = np.random.default_rng(1), 400_000
    T = sum(weight * rng.chisquare(1, draws) for weight in eigenvalues)
    for tail in (0.999, 0.95, 0.5, 0.05, 0.01, 0.001):
        p = stats.norm.sf(normal_score(np.quantile(T, 1 - tail), eigenvalues))
        error = np.sqrt(tail * (1 - tail) / draws)
        assert abs(p - tail) < 5 * error + 0.08 * min(tail, 1 - tail), (tail, p)


def test_scores_increase_without_a_gap_and_do_not_overflow():
    eigenvalues = np.array([3.0, 1.0, 0.5, 0.5, 0.0])
    totals = np.concatenate([5 + np.linspace(-1e-3, 1e-3, 401), np.geomspace(1e-3, 1e6, 300)])
    scores = np.array([normal_score(total, eigenvalues) for total in np.sort(totals)])
    assert np.isfinite(scores).all()
    assert (np.diff(scores) > -1e-5).all()
    assert np.diff(scores[np.abs(np.sort(totals) - 5) < 1.1e-3]).max() < 5e-5
    assert scores[-1] == pytest.approx(np.sqrt(1e6 / 3), rel=0.01)  # as of the first alone
    assert normal_score(0.0, eigenvalues) == pytest.approx(normal_score(5e-6, eigenvalues))


# ---- z-scores of genes ----


def null_scores(R, draws, seed):
    root = np.linalg.cholesky(R)
    return np.random.default_rng(seed).normal(size=(draws, len(R))) @ root.T


def test_mean_and_variance_of_the_sum_are_those_of_simulated_scores():
    R = autoregression(12, 0.8)
    z = null_scores(R, 20_000, 2)
    T = (z**2).sum(axis=1)
    table = gene_z_scores(z[0], {"A": range(12), "B": [3]}, correlation=R)
    assert table.mean_chi2.values[0] * 12 == pytest.approx(T[0])
    size, effective = 12, table.n_effective.values[0]
    variance = 2 * size**2 / effective
    assert variance == pytest.approx(2 * (R**2).sum())
    assert abs(T.mean() - size) < 5 * np.sqrt(variance / T.size)
    error = np.sqrt(((T - size) ** 2).var() / T.size)
    assert abs(T.var() - variance) < 5 * error
    assert variance > 24 + 20 * error  # LD is not lost in the noise
    assert table.n_snps.values.tolist() == [12, 1]


@pytest.mark.slow
def test_type_one_error_of_genes_in_simulated_genotypes():
    """500 genes of 6 SNPs in LD, 20 traits without any association."""
    n, genes = 300, {f"g{i}": range(6 * i, 6 * i + 6) for i in range(500)}
    X = blr.simulate(
        n, 3000, distribution="genotype", correlation=0.95, n_causal=0, h2=0, random_seed=3
    ).X
    U = X.values - X.values.mean(axis=0)
    U /= np.linalg.norm(U, axis=0)
    y = np.random.default_rng(3).normal(size=(n, 20))
    r = U.T @ (y - y.mean(axis=0)) / np.linalg.norm(y - y.mean(axis=0), axis=0)
    z = r * np.sqrt((n - 2) / (1 - r**2))
    scores = np.array([gene_z_scores(t, genes, X=X.values).z for t in z.T])
    for alpha in (0.05, 0.01):
        rate = stats.norm.sf(scores) < alpha
        by_trait = rate.mean(axis=1)  # genes are correlated, traits are not
        error = max(by_trait.std(ddof=1), np.sqrt(alpha / 500)) / np.sqrt(20)
        assert abs(rate.mean() - alpha) < 5 * error, (alpha, rate.mean())
    assert abs(scores.mean()) < 0.06
    assert abs(scores.std() - 1) < 0.06


def test_ld_from_x_from_a_matrix_and_by_label_agree():
    rng = np.random.default_rng(4)
    X = pd.DataFrame(rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4)), columns=list("abcd"))
    z = pd.Series(rng.normal(size=4) * 2, index=list("abcd"))
    expected = gene_z_scores(z, SNPS, X=X.to_numpy(), gene_correlation=True)
    others = [
        gene_z_scores(z, SNPS, X=X[list("dbca")], gene_correlation=True),
        gene_z_scores(z, SNPS, X=7 - 3 * X, gene_correlation=True),
        gene_z_scores(
            z,
            SNPS,
            X=xr.DataArray(X.T, {"feature": list("abcd")}, ("feature", "obs")),
            gene_correlation=True,
        ),
        gene_z_scores(z, SNPS, correlation=X.corr().loc[list("cadb"), list("cadb")]).assign(
            gene_correlation=expected.gene_correlation
        ),
        gene_z_scores(-z[list("dcba")], SNPS, X=X, gene_correlation=True),
        gene_z_scores(2 * stats.norm.sf(abs(z)), {"A": [0, 1], "B": [1, 2]}, X=X.values, scores="p")
        .assign_coords(gene=["A", "B"])
        .assign(gene_correlation=expected.gene_correlation),
    ]
    for other in others:
        xr.testing.assert_allclose(other, expected, rtol=1e-9)


def test_covariates_are_sizes_and_densities_that_vary():
    R = np.eye(4)
    R[0, 1] = R[1, 0] = 0.5
    table = gene_z_scores(np.ones(4), {"A": [0, 1], "B": [0, 2, 3]}, correlation=R)
    assert table.covariates.covariate.values.tolist() == ["log_size", "log_density"]
    expected = [[np.log(2), np.log(4 / 2.5 / 2)], [np.log(3), 0]]
    np.testing.assert_allclose(table.covariates, expected, atol=1e-12)
    alike = gene_z_scores(np.ones(4), {"A": [0], "B": [3]}, correlation=R)
    assert alike.covariates.shape == (2, 0)


def test_correlation_between_genes_is_that_of_simulated_sums(monkeypatch):
    R, genes = autoregression(9, 0.9), {"A": [0, 1, 2], "B": [2, 3, 4, 5], "C": [7, 8]}
    table = gene_z_scores(np.ones(9), genes, correlation=R, gene_correlation=True)
    T = [(null_scores(R, 100_000, 5)[:, on] ** 2).sum(axis=1) for on in genes.values()]
    np.testing.assert_allclose(table.gene_correlation, np.corrcoef(T), atol=5 * 2 / np.sqrt(1e5))
    by_hand = (R[:3, 7:] ** 2).sum() / np.sqrt((R[:3, :3] ** 2).sum() * (R[7:, 7:] ** 2).sum())
    assert table.gene_correlation.sel(gene="A", gene_bis="C") == pytest.approx(by_hand)
    monkeypatch.setattr(ld, "_BLOCK", 2)
    again = gene_z_scores(np.ones(9), genes, correlation=R, gene_correlation=True)
    xr.testing.assert_allclose(again, table)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"X": None}, ValueError, "X must be given, or correlation.*neither"),
        ({"correlation": np.eye(3)}, ValueError, "not both, got both"),
        ({"genes": [["a"]]}, TypeError, "genes must be a mapping"),
        ({"genes": {}}, ValueError, "at least one name"),
        ({"genes": {"A": "a"}}, TypeError, r"list of labels of SNPs, got 'a' \(str\) for 'A'"),
        ({"genes": {"A": []}}, ValueError, "at least one label for each name"),
        ({"genes": {"A": ["a", "z"]}}, ValueError, r"got \['z'\] \(1 unknown\) in 'A'"),
        ({"z": pd.Series([1.0, np.inf, 0], list("abc"))}, ValueError, r"z must be finite.*\['b'\]"),
        (
            {"z": pd.Series([1.0, 1, 0], list("abb"))},
            ValueError,
            r"z must have a different label .*\['b'\]",
        ),
        ({"scores": "chi2"}, ValueError, "scores must be 'z' or 'p'"),
        ({"scores": "p"}, ValueError, "p-values above 0.*pass z-scores"),
        (
            {"X": np.ones((5, 2))},
            ValueError,
            r"one column for each of the 3 labels, got shape \(5, 2\)",
        ),
        ({"X": np.ones((5, 3))}, ValueError, r"vary between observations.*\['a', 'b'\]"),
        ({"X": np.ones(5)}, ValueError, "X must be a matrix"),
        ({"X": np.full((5, 3), np.nan)}, ValueError, "X must be finite .* missing values"),
        ({"X": np.full((5, 3), "AA")}, TypeError, "X must hold real numbers"),
        ({"X": pd.DataFrame(np.eye(4)[:, :2], columns=list("ab"))}, ValueError, r"missing \['c'\]"),
        ({"X": None, "correlation": 2 * np.eye(3)}, ValueError, "must be a correlation matrix"),
        ({"X": None, "correlation": np.triu(np.ones((3, 3)))}, ValueError, "finite and symmetric"),
        (
            {"X": None, "correlation": np.array([[1, 2, 0], [2, 1, 0], [0, 0, 1]])},
            ValueError,
            "positive semi-definite, got the eigenvalue -1 for the SNPs of 'A'",
        ),
    ],
)
def test_bad_scores_are_refused(change, error, message):
    good = {
        "z": pd.Series([1.0, -2.0, 0.0], index=list("abc")),
        "genes": SNPS,
        "X": np.random.default_rng(1).normal(size=(9, 3)),
    }
    with pytest.raises(error, match=message):
        gene_z_scores(**good | change)


# ---- genes from a posterior ----


def genotyped(traits=None, **options):
    """Effects of four SNPs, with their genotypes."""
    X = np.random.default_rng(6).integers(0, 3, size=(20, 4)).astype(np.int8)
    coords = {"feature": list("abce")}
    return random_fit(4, traits, draws=30, **{"X": X, "coords": coords} | options)


@pytest.mark.parametrize("traits", [None, ["t1", "t2"]])
def test_variance_and_squares_of_overlapping_genes_by_hand(traits, monkeypatch):
    idata = genotyped(traits)
    table = gene_statistics(idata, SNPS)
    X = idata["constant_data"]["X"].values
    beta = idata["posterior"]["beta"].values
    for gene, on in (("A", [0, 1]), ("B", [1, 2])):
        fitted = np.tensordot(beta[:, :, on], X[:, on], (2, 1))
        variance = fitted.var(axis=-1)
        here = table.sel(gene=gene)
        np.testing.assert_allclose(here.variance, variance.mean(axis=(0, 1)))
        flat = variance.reshape(60, *variance.shape[2:])
        np.testing.assert_allclose(here.variance_sd, flat.std(axis=0, ddof=1))
        squares = (beta[:, :, on] ** 2).sum(axis=2).mean(axis=(0, 1))
        np.testing.assert_allclose(here.sum_squares, squares)
        r = np.corrcoef(X[:, on].T)
        assert here.n_effective == pytest.approx(4 / (r**2).sum())
    assert table.variance.dims == ("gene", *(["trait"] if traits else []))
    assert (table.mcse_variance < table.variance_sd / 2).all()
    expected = group_pip(idata, SNPS)["pip"]
    np.testing.assert_array_equal(table["pip"], expected)
    monkeypatch.setattr(from_posterior, "_BLOCK_BYTES", 1)
    xr.testing.assert_allclose(gene_statistics(idata, SNPS), table)


def test_what_is_not_known_is_left_out_or_asked_for():
    with pytest.raises(ValueError, match="X must be given"):
        gene_statistics(genotyped(X=None), SNPS)
    table = gene_statistics(genotyped(X=None), SNPS, X=genotyped()["constant_data"]["X"])
    xr.testing.assert_allclose(table, gene_statistics(genotyped(), SNPS))
    assert "pip" not in gene_statistics(genotyped(drop=["delta"]), SNPS)
    without = genotyped()
    del without["posterior"]["beta"]
    with pytest.raises(ValueError, match="'beta'"):
        gene_statistics(without, SNPS)
    with pytest.raises(TypeError, match="idata must be an InferenceData"):
        gene_statistics(genotyped()["posterior"].to_dataset(), SNPS)
    with pytest.raises(ValueError, match=r"got \['d'\] \(1 unknown\) in 'B'"):
        gene_statistics(genotyped(), {"B": ["d"]})


def test_a_chain_thinned_draws_and_a_file(tmp_path):
    idata = genotyped()
    idata.to_netcdf(tmp_path / "fit.nc")
    with az.from_netcdf(tmp_path / "fit.nc") as loaded:
        xr.testing.assert_allclose(gene_statistics(loaded, SNPS), gene_statistics(idata, SNPS))
        xr.testing.assert_allclose(gene_set_table(loaded), gene_set_table(idata))
    one, thinned = idata.isel(chain=[1]), idata.isel(draw=slice(None, None, 5))
    for part, of in ((one, genotyped()["posterior"].isel(chain=[1])), (thinned, None)):
        table = gene_statistics(part, {"A": ["a"]})
        beta = part["posterior"]["beta"].sel(feature="a")
        variance = part["constant_data"]["X"].sel(feature="a").values.var()
        assert table.variance.item() == pytest.approx((beta**2).mean().item() * variance)
        assert of is None or np.array_equal(of["beta"].sel(feature="a"), beta)
        assert gene_set_table(part).sizes == {"set": 4}


# ---- sets ----

SETS = {"S1": ["a", "b", "b"], "S2": ["c", "b", "unknown"], "all": list("abcd"), "one": ["d"]}


def test_membership_by_hand(caplog):
    table = membership(SETS, list("abcd"), min_size=2)
    assert table.dims == ("gene", "set")
    assert table.set.values.tolist() == ["S1", "S2"]
    np.testing.assert_array_equal(table, [[1, 0], [1, 1], [0, 1], [0, 0]])
    assert "2 set(s) without 2 to 3 of the 4 measured genes" in caplog.text
    assert "'all': 4, 'one': 1" in caplog.text
    by_label = pd.Series(1.0, index=list("abcd"))
    xr.testing.assert_equal(membership(SETS, by_label, min_size=2), table)
    xr.testing.assert_equal(membership(SETS, by_label.to_xarray(), min_size=2), table)
    xr.testing.assert_equal(membership(SETS, table.gene, min_size=2), table)
    few = membership(SETS, list("abcd"), min_size=1, max_size=1)
    assert few.set.values.tolist() == ["one"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"sets": [["a"]]}, TypeError, "sets must be a mapping"),
        ({"sets": {"S": "a"}}, TypeError, "list of genes, got 'a' for 'S'"),
        ({"sets": {}}, ValueError, "at least one set.*got no sets"),
        ({"sets": {"S": ["x"]}}, ValueError, "got 'S': 0.*named alike"),
        ({"genes": list("abca")}, ValueError, r"every gene; got \['a'\]"),
        ({"min_size": 0}, ValueError, "min_size must be an int from 1"),
        ({"min_size": 2.0}, TypeError, "min_size must be an int"),
        ({"max_size": 1}, ValueError, "max_size must be None or an int from 2 .*, got 1"),
        ({"max_size": True}, TypeError, "max_size must be None or an int"),
    ],
)
def test_bad_sets_are_refused(change, error, message):
    with pytest.raises(error, match=message):
        membership(**{"sets": SETS, "genes": list("abcd"), "min_size": 2} | change)


# ---- the model ----


def planted(seed, effect=1.0):
    """200 genes; "cause" has an effect, "overlap" shares half of it, "apart" nothing."""
    rng = np.random.default_rng(seed)
    genes = [f"g{i:03d}" for i in range(200)]
    y = pd.Series(rng.normal(size=200), index=genes)
    y[genes[:30]] += effect
    sets = {"cause": genes[:30], "overlap": genes[15:45], "apart": genes[100:130]}
    sets |= {f"random{k}": rng.choice(genes[45:], 30, replace=False) for k in range(5)}
    return y, sets


def fit(model, draws=500):
    return blr.sample(model, draws=draws, tune=200, chains=2, cores=1, random_seed=1, quiet=True)


@pytest.fixture(scope="module")
def idata():
    y, sets = planted(1)
    return fit(gene_set_model(y, sets))


@pytest.mark.slow
def test_the_planted_set_is_found_and_the_others_stay_low():
    tables = []
    for seed in range(6):
        y, sets = planted(seed)
        tables.append(blr.pip(fit(gene_set_model(y, sets))))
    pips = xr.concat(tables, "seed")
    assert (pips.idxmax("feature") == "cause").all()
    assert pips.sel(feature="cause").min() > 0.9
    assert pips.sel(feature="apart").median() < 0.2
    assert pips.sel(feature=["apart", *(f"random{k}" for k in range(5))]).mean() < 0.25
    assert pips.sel(feature="overlap").median() < 0.35
    singly = [one_at_a_time(*planted(seed), "overlap") for seed in range(6)]
    assert np.median(singly) < 0.05  # which one regression a set does not tell apart


def one_at_a_time(y, sets, name):
    table = blr.ols(membership(sets, y).sel(set=[name]), y)
    return stats.t.sf(table.beta_t.item(), table.df.item())


@pytest.mark.slow
def test_nothing_is_found_where_there_is_nothing():
    pips = [blr.pip(fit(gene_set_model(*planted(seed, effect=0)))) for seed in range(4)]
    assert np.mean(pips) < 0.1


def closed_form(y, M, W, R, tau2, sigma2):
    """Posterior mean and SD of effects that are all included, with a flat prior of the rest."""
    fixed = np.column_stack([np.ones(len(y)), W])
    inverse = np.linalg.inv(R) / sigma2
    Z = np.column_stack([fixed, M])
    precision = Z.T @ inverse @ Z + np.diag([0.0] * fixed.shape[1] + [1 / tau2] * M.shape[1])
    covariance = np.linalg.inv(precision)
    chosen = slice(fixed.shape[1], None)
    return (covariance @ Z.T @ inverse @ y)[chosen], np.sqrt(covariance.diagonal())[chosen]


@pytest.mark.parametrize("correlated", [False, True])
@pytest.mark.slow
def test_effects_are_those_of_generalised_least_squares(correlated):
    y, sets = planted(2)
    sets = {name: sets[name] for name in ("cause", "overlap", "random0")}
    rng = np.random.default_rng(2)
    W = pd.DataFrame(rng.normal(size=(200, 2)), index=y.index, columns=["size", "density"])
    R = pd.DataFrame(autoregression(200, 0.6) if correlated else np.eye(200), y.index, y.index)
    shuffled = rng.permutation(y.index)
    options = {"gene_correlation": R.loc[shuffled, shuffled]} if correlated else {}
    model = gene_set_model(
        y, sets, covariates=W.loc[shuffled], tau2=0.3, sigma2=1.2, inclusion=[1, 1, 1], **options
    )
    table = blr.effect_table(fit(model, draws=4000))
    M = membership(sets, y).values
    mean, sd = closed_form(y.values, M, W.values, R.values, 0.3, 1.2)
    assert (abs(table["mean"] - mean) < 5 * table["mcse_mean"]).all()
    ess = (table["sd"] / table["mcse_mean"]) ** 2
    assert (abs(table["sd"] / sd - 1) < 5 / np.sqrt(2 * ess)).all()
    assert ess.min() > 2000


@pytest.mark.slow
def test_correlation_between_genes_keeps_clusters_out():
    """Clusters of 10 genes whose statistics correlate 0.8; each set is a cluster."""
    genes = [f"g{i:03d}" for i in range(200)]
    R = pd.DataFrame(np.kron(np.eye(20), 0.8 * np.ones((10, 10)) + 0.2 * np.eye(10)), genes, genes)
    sets = {f"cluster{k}": genes[10 * k : 10 * k + 10] for k in range(4)}
    found = {"without": 0.0, "with": 0.0}
    for seed in range(3):
        y = pd.Series(np.linalg.cholesky(R) @ np.random.default_rng(seed).normal(size=200), genes)
        found["without"] += blr.pip(fit(gene_set_model(y, sets))).sum().item()
        found["with"] += blr.pip(fit(gene_set_model(y, sets, gene_correlation=R))).sum().item()
    assert found["without"] > 4  # of 12
    assert found["with"] < 1.5


def test_defaults_can_be_changed_and_sizes_are_kept():
    y, sets = planted(3)
    model = gene_set_model(y, sets, min_size=30, max_size=30, expected_size=2)
    assert model["set_size"].eval().tolist() == [30] * 8
    assert list(model.coords["feature"]) == list(sets)
    assert list(model.coords["obs"]) == list(y.index)
    table = membership(sets, y)
    again = gene_set_model(y.to_xarray().rename(index="gene"), table.T)
    np.testing.assert_array_equal(again["X"].eval(), table)
    whitened = gene_set_model(y, sets, gene_correlation=autoregression(200, 0.3))
    assert whitened["set_size"].eval().tolist() == [30] * 8
    assert list(whitened.coords["covariate"]) == ["intercept"]


def test_sets_that_are_copies_are_told():
    y, sets = planted(4)
    with pytest.warns(UserWarning, match="copies of another one"):
        gene_set_model(y, sets | {"again": sets["cause"]})
    with pytest.warns(UserWarning, match="copies") as warned:
        gene_set_model(
            y, sets | {"again": sets["cause"]}, gene_correlation=autoregression(200, 0.5)
        )
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"y": np.ones(200)}, TypeError, "y must name its genes"),
        ({"sets": np.eye(3)}, TypeError, r"or a DataArray \(gene, set\), got ndarray"),
        ({"sets": "matrix", "min_size": 3}, ValueError, "min_size must be left out for a matrix"),
        ({"sets": "numbers"}, ValueError, "sets must hold 0 and 1"),
        ({"min_size": 99}, ValueError, "at least one set with 99 to 199"),
        ({"gene_correlation": np.eye(3)}, ValueError, "one row for each of the 200"),
        ({"gene_correlation": np.ones((200, 200))}, ValueError, r"not.*the same SNPs.*np.eye\(n\)"),
        ({"gene_correlation": np.eye(200), "mu": 1.0}, ValueError, "mu must be left out"),
        ({"h2": 2}, ValueError, "h2 must be"),
    ],
)
def test_bad_models_are_refused(change, error, message):
    y, sets = planted(5)
    if isinstance(change.get("sets"), str):
        matrix = membership(sets, y)
        change = change | {"sets": matrix if change["sets"] == "matrix" else matrix + 2}
    with pytest.raises(error, match=message):
        gene_set_model(**{"y": y, "sets": sets} | change)


# ---- the table ----


@pytest.mark.slow
def test_the_table_is_that_of_effects_with_sizes(idata, caplog):
    caplog.set_level(logging.WARNING)
    table = gene_set_table(idata)
    effects = blr.effect_table(idata, sort_by="pip").rename(feature="set")
    xr.testing.assert_equal(table[list(effects.data_vars)], effects)
    assert table.set.values[0] == "cause"
    np.testing.assert_array_equal(table["size"], 30)
    beta = idata["posterior"]["beta"].rename(feature="set").sel(set=table.set)
    xr.testing.assert_allclose(table["positive"], (beta > 0).mean(("chain", "draw")))
    assert (table["positive"] <= table["pip"]).all()
    in_order = gene_set_table(idata, sort_by=None, ci_prob=0.5)
    np.testing.assert_array_equal(in_order.set, idata["posterior"].feature)
    assert (in_order.upper <= table.upper.sel(set=in_order.set)).all()


def test_sizes_follow_the_order_and_come_from_x_where_they_must():
    y, sets = planted(1)
    sets["cause"] = sets["cause"][:20]
    model = blr.spike_slab(membership(sets, y), y)
    table = gene_set_table(fit(model, draws=50))
    assert table["size"].to_series().drop("cause").eq(30).all()
    assert table["size"].sel(set="cause") == 20
    assert "size" not in gene_set_table(genotyped())  # its X holds 0, 1 and 2
    assert "pip" not in gene_set_table(genotyped(drop=["delta"]), sort_by="abs_mean")
    two = gene_set_table(genotyped(traits=["t1", "t2"]))
    assert two["positive"].dims == two["pip"].dims == ("set", "trait")
