"""The search for pairs of correlated features, in each design."""

import numpy as np
import pytest

from blrzoo.designs import DESIGNS, Dense, Genotypes, Gram, Sparse, pairs
from blrzoo.designs.dense import DenseFloat32
from blrzoo.designs.pairs import find_pairs


def codes(n=200, p=40, seed=1):
    """Genotype codes of which neighbours are correlated."""
    rng = np.random.default_rng(seed)
    haplotypes = np.empty((2, n, p))
    for h in haplotypes:
        h[:, 0] = rng.normal(size=n)
        for j in range(1, p):
            h[:, j] = 0.8 * h[:, j - 1] + 0.6 * rng.normal(size=n)
    return (haplotypes > 0.4).sum(axis=0).astype(np.int8)


WEIGHTS = {"plain": 1.0, "weights": np.sqrt(np.linspace(0.4, 3.0, 200))}


def design_of(name, G, root):
    center, unit = G.mean(axis=0), np.linspace(0.5, 2.0, G.shape[1])
    if name == "gram":
        X = (G - center) * np.reshape(root, (-1, 1))
        return Gram(X.T @ X, unit)
    if name == "sparse":
        import scipy.sparse as sp

        return Sparse(sp.csc_array(G.astype(float)), center, root, unit)
    kinds = {"dense": Dense, "float32": DenseFloat32, "genotypes": Genotypes}
    return kinds[name](G if name == "genotypes" else G.astype(float), center, root, unit)


def expected_pairs(G, root, count=pairs.PARTNERS, least=pairs.CORRELATION):
    """All correlations at once."""
    X = (G - G.mean(axis=0)) * np.reshape(root, (-1, 1))
    size = np.abs(X.T @ X) / np.sqrt(np.outer((X**2).sum(axis=0), (X**2).sum(axis=0)))
    np.fill_diagonal(size, 0.0)
    found = {
        (min(j, k), max(j, k))
        for j, row in enumerate(size)
        for k in np.argsort(-row)[:count]
        if row[k] > least
    }
    return sorted(found)


def listed(found):
    return list(zip(found.first.tolist(), found.second.tolist(), strict=True))


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", ["dense", "float32", "genotypes", "sparse", "gram"])
def test_pairs_are_those_of_all_correlations(name, weights):
    G, root = codes(), WEIGHTS[weights]
    design = design_of(name, G, root)
    found = find_pairs(design, len(G))
    assert listed(found) == expected_pairs(G, root)
    X = (G - G.mean(axis=0)) * np.reshape(root, (-1, 1)) / np.linspace(0.5, 2.0, 40)
    products = (X[:, found.first] * X[:, found.second]).sum(axis=0)
    np.testing.assert_allclose(found.cross, products, rtol=1e-4 if name == "float32" else 1e-10)


def test_every_design_is_searched():
    own = {name for name, kind in DESIGNS.items() if kind.__module__.startswith("blrzoo.")}
    assert own == {"dense", "float32", "genotypes", "sparse", "gram"}


def test_the_search_goes_by_blocks(monkeypatch):
    G = codes()
    whole = find_pairs(Dense(G.astype(float), G.mean(axis=0)), len(G))
    monkeypatch.setattr(pairs, "_SIZE", 200)
    parts = find_pairs(Dense(G.astype(float), G.mean(axis=0)), len(G))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other)


def test_of_many_features_only_neighbours_are_looked_at(monkeypatch):
    G = codes()
    G[:, 30] = G[:, 2]  # a copy far away
    design = Genotypes(G, G.mean(axis=0))
    assert (2, 30) in listed(find_pairs(design, len(G)))
    for size in (200, 1 << 22):
        monkeypatch.setattr(pairs, "_SIZE", size)
        monkeypatch.setattr(pairs, "ALL", 39)
        monkeypatch.setattr(pairs, "NEIGHBOURS", 3)
        found = find_pairs(design, len(G))
        assert (found.second - found.first).max() == 3
        near = [(j, k) for j, k in expected_pairs(G, 1.0, count=40) if k - j <= 3]
        assert listed(found) == near


def test_correlations_are_estimated_from_some_observations():
    G = codes(n=20_000, p=6)
    found = find_pairs(Genotypes(G, G.mean(axis=0)), len(G))
    X = G - G.mean(axis=0)
    np.testing.assert_allclose(found.cross, (X[:, found.first] * X[:, found.second]).sum(axis=0))
    assert {(j, j + 1) for j in range(5)} <= set(listed(found))


def test_chance_is_no_correlation():
    """Of few observations, correlations above 0.3 occur between independent features."""
    X = np.random.default_rng(1).normal(size=(40, 60))
    correlations = np.corrcoef(X.T) - np.eye(60)
    assert np.abs(correlations).max() > 0.45
    assert listed(find_pairs(Dense(X, X.mean(axis=0)), len(X))) == []
    centered = X - X.mean(axis=0)
    assert listed(find_pairs(Gram(centered.T @ centered), len(X))) == []


def test_constant_features_and_a_single_one_have_no_partners():
    X = np.ones((50, 3))
    X[:, 1] = X[:, 2] = np.arange(50.0)
    assert listed(find_pairs(Dense(X, X.mean(axis=0)), len(X))) == [(1, 2)]
    assert listed(find_pairs(Dense(X[:, :1], X[:, :1].mean(axis=0)), len(X))) == []
    centered = X - X.mean(axis=0)
    assert listed(find_pairs(Gram(centered.T @ centered), len(centered))) == [(1, 2)]
