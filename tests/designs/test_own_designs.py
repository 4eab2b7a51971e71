"""Designs written outside of the package: a sparse one, and one of cross-products."""

import numpy as np
import pytest

import blrzoo as blr
from blrzoo.designs import DESIGNS, SUMS, Design, register
from tests.builders import assert_same, genotypes, last_draw
from tests.designs.test_forms import ARGUMENTS

pytestmark = pytest.mark.engine


class NonZeros(Design):
    """Values that are not 0, in lists of observations; the residual and its sum are carried."""

    name = "nonzeros"

    def __init__(self, X, center, root, unit):
        if np.ndim(root):
            raise ValueError("weights must be left out with design='nonzeros', got some.")
        feature, obs = np.nonzero(X.T)
        start = np.searchsorted(feature, np.arange(X.shape[1] + 1))
        center, unit = center * np.ones(X.shape[1]), unit * np.ones(X.shape[1])
        diagonal = np.square((X - center) / unit).sum(axis=0)
        excess = (X - center).sum(axis=0)
        n = np.array([len(X)])
        self.arrays = (obs, start, X[obs, feature], n, center, unit, excess, diagonal)

    @staticmethod
    def rows(arrays):
        return arrays[3][0]

    @staticmethod
    def begin(arrays, residual):  # q, then its sum less that of the shifts, and the shift
        return np.concatenate((residual, np.array([residual.sum(), 0.0])))

    @staticmethod
    def dot(arrays, j, working):
        obs, start, value, _, center, unit, _, _ = arrays
        total, n = 0.0, working.size - 2
        for k in range(start[j], start[j + 1]):
            total += value[k] * (working[obs[k]] - working[n + 1])
        return (total - center[j] * working[n]) / unit[j]

    @staticmethod
    def update(arrays, j, change, working):
        obs, start, value, _, center, unit, excess, _ = arrays
        b, n = change / unit[j], working.size - 2
        for k in range(start[j], start[j + 1]):
            working[obs[k]] += b * value[k]
        working[n] += b * excess[j]
        working[n + 1] += b * center[j]

    @staticmethod
    def end(arrays, working):
        return working[:-2] - working[-1]


class Triangle(Design):
    """Cross-products of which only the lower triangle is stored."""

    name, form = "triangle", SUMS

    def __init__(self, cross, unit):
        scaled = cross if unit is None else cross / np.outer(unit, unit)
        self.unit = unit
        self.arrays = (scaled[np.tril_indices(len(cross))], np.diag(scaled).copy())

    @staticmethod
    def rows(arrays):
        return arrays[1].shape[0]

    @staticmethod
    def dot(arrays, j, working):
        return working[j]

    @staticmethod
    def update(arrays, j, change, working):
        for i in range(working.size):
            row, column = max(i, j), min(i, j)
            working[i] += change * arrays[0][row * (row + 1) // 2 + column]


@pytest.fixture(scope="module", autouse=True)
def registered():
    for design in (NonZeros, Triangle):
        register(design)
    yield
    for design in (NonZeros, Triangle):
        del DESIGNS[design.name]


CASES = [
    (design, name)
    for design in ("nonzeros", "triangle")
    for name in ARGUMENTS
    if (design, name) not in {("nonzeros", "weights"), ("triangle", "not centred")}
]


@pytest.mark.parametrize(("design", "arguments"), CASES)
def test_draws_are_those_of_numbers(design, arguments):
    (G, y), given = genotypes(), ARGUMENTS[arguments]
    X = G.astype(float)
    expected = last_draw(blr.spike_slab(X, y, **given))
    assert_same(expected, last_draw(blr.spike_slab(X, y, design=design, **given)), atol=1e-9)


@pytest.mark.parametrize("design", ["nonzeros", "triangle"])
def test_conditionals_and_gradient(design):
    G, y = genotypes()
    X, prior = G.astype(float), blr.priors.SingleComponent()
    models = [
        blr.regression(X, y, prior=prior, update="single-site", design=name)
        for name in ("dense", design)
    ]
    assert max(blr.testing.check_conditionals(models[1], random_seed=1).values()) < 1e-9
    point = models[0].initial_point()
    point["beta"] = np.linspace(-1, 1, X.shape[1])
    gradients = [model.compile_dlogp(mode="FAST_COMPILE")(point) for model in models]
    np.testing.assert_allclose(*gradients, rtol=1e-9, atol=1e-12)


def test_a_fit_is_read_as_any_other():
    G, y = genotypes()
    X = G.astype(float)
    fits = [
        blr.sample(
            blr.spike_slab(X, y, design=design), draws=50, tune=20, chains=2, cores=1,
            random_seed=1, quiet=True, idata_kwargs={"log_likelihood": True},
        )
        for design in ("dense", "nonzeros")
    ]  # fmt: skip
    tables = [blr.effect_table(fit)["mean"].values for fit in fits]
    np.testing.assert_allclose(*tables, atol=1e-9)
    np.testing.assert_allclose(*(fit.log_likelihood.y for fit in fits), atol=1e-9)
    np.testing.assert_allclose(
        *(blr.predict(fit, X[:3], random_seed=1)["mean"] for fit in fits), atol=1e-9
    )


def test_what_a_design_refuses_and_what_does_not_serve():
    G, y = genotypes()
    with pytest.raises(ValueError, match=r"^weights must be left out with design='nonzeros'"):
        blr.spike_slab(G.astype(float), y, design="nonzeros", weights=np.linspace(1, 2, len(y)))
    statistics = blr.sufficient_statistics(G, y)
    with pytest.raises(
        ValueError,
        match=r"^design must be 'auto', 'gram' or 'triangle', got",
    ):
        blr.spike_slab(statistics, design="nonzeros")
    assert blr.spike_slab(statistics, design="triangle").named_vars["beta"].ndim == 1
