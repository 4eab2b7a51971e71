"""Designs: arrays, products and sweeps against NumPy with the matrix that they stand for."""

import itertools
import pickle
import tracemalloc
from functools import cache, partial

import cloudpickle
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
import scipy.sparse
from pytensor.graph import vectorize_graph

from blrzoo.designs import (
    DESIGNS,
    Dense,
    DenseFloat32,
    Design,
    Genotypes,
    Sparse,
    column_moments,
    register,
)
from blrzoo.ops import (
    IndicatorSweep,
    LinearPredictor,
    Rotate,
    Sweep,
    TraitSweep,
    numba,
)
from blrzoo.ops.sweep import make_kernel
from blrzoo.storage.csc import canonical
from tests.ops import inputs

pytestmark = pytest.mark.engine

NAMES = ["dense", "float32", "genotypes", "sparse"]

#: Weights, units, and how much of its mean is taken from each feature.
VARIANTS = [
    (False, False, 1.0),
    (True, True, 1.0),
    (True, False, 0.0),
    (False, True, 0.0),
    (True, False, 0.4),
]

variants = pytest.mark.parametrize("variant", VARIANTS, ids=str)
names = pytest.mark.parametrize("name", NAMES)


@cache
def make(name, variant=VARIANTS[1], n=21, p=9):
    """A design with missing codes, and the matrix X* that it stands for."""
    weighted, scaled, share = variant
    rng = np.random.default_rng(7)
    codes = rng.binomial(2, rng.uniform(0.1, 0.6, size=p), size=(n, p)).astype(np.int8)
    codes[rng.random((n, p)) < 0.1 * (np.arange(p) % 3 > 0)] = -1
    w = rng.gamma(2.0, size=n) if weighted else np.ones(n)
    unit = rng.gamma(2.0, size=p) if scaled else 1.0
    means = column_moments(codes, w, missing_code=True).mean
    X, center = np.where(codes == -1, means, codes), share * means
    given = {"genotypes": codes, "sparse": scipy.sparse.csr_array(X)}.get(name, X)
    design = DESIGNS[name](given, center, np.sqrt(w) if weighted else 1.0, unit)
    return design, np.sqrt(w)[:, None] * (X - center) / unit


def close(name):
    """Digits of the design's own numbers."""
    tolerance = 2e-6 if name == "float32" else 1e-12
    return partial(np.testing.assert_allclose, rtol=tolerance, atol=10 * tolerance)


@variants
@names
def test_diagonal_shape_and_columns(name, variant):
    design, X = make(name, variant)
    assert design.shape == X.shape
    assert all(isinstance(array, np.ndarray) for array in design.arrays)
    close(name)(design.arrays[-1], (X**2).sum(axis=0))
    for index in ([3], [4, 0, -1], slice(2, 7), X[0] > 0, 5):
        columns = design.columns(index)
        assert columns.dtype == np.float64
        close(name)(columns, X[:, np.atleast_1d(np.arange(9)[index])])
    close(name)(Design.columns(design, [4, 0]), X[:, [4, 0]])


@variants
@names
def test_a_sweep_follows_the_residual(name, variant):
    """Dot products before and after changes of some effects, and the residual that is left."""
    design, X = make(name, variant)
    arrays, residual = design.arrays, np.random.default_rng(1).normal(size=len(X))
    before, working = residual.copy(), design.begin(design.arrays, residual)
    assert working.ndim == 1
    assert working.dtype == np.float64
    close(name)(design.end(arrays, working.copy()), residual)
    for j, change in ((0, 0.5), (4, -1.5), (0, 2.0), (7, 1.0)):
        design.update(arrays, j, change, working)
        before += change * X[:, j]
    close(name)([design.dot(arrays, j, working) for j in range(9)], X.T @ before)
    close(name)(design.end(arrays, working), before)
    np.testing.assert_array_equal(residual, np.random.default_rng(1).normal(size=len(X)))


@pytest.mark.parametrize("dims", [(), (1,), (3,)], ids=str)
@variants
@names
def test_products(name, variant, dims):
    """With all effects, with few of them, and as the base class does it."""
    design, X = make(name, variant)
    rng = np.random.default_rng(1)
    residual, effects = rng.normal(size=(21, *dims)), rng.normal(size=(9, *dims))
    few = effects * (np.arange(9) == 4).reshape(-1, *[1] * len(dims))
    for given in (effects, few, 0 * few):
        close(name)(design.fit(given), X @ given)
        close(name)(Design.product.__func__(type(design), design.arrays, given), X @ given)
    assert design.fit(effects).flags.c_contiguous
    close(name)(design.cross(design.arrays, residual), X.T @ residual)
    close(name)(Design.cross.__func__(type(design), design.arrays, residual), X.T @ residual)


@names
def test_several_blocks_and_tiles(name):
    design, X = make(name, n=1500, p=190)
    rng = np.random.default_rng(1)
    tell = partial(np.testing.assert_allclose, atol=3e-4 if name == "float32" else 1e-9)
    tell(design.arrays[-1], (X**2).sum(axis=0), rtol=1e-6)
    tell(design.columns(slice(None)), X)
    effects, residual = rng.normal(size=(190, 2)), rng.normal(size=1500)
    tell(design.fit(effects), X @ effects)
    tell(design.cross(design.arrays, residual), X.T @ residual)


def state_of(op, n, p):
    """Inputs of a sweep besides the design's arrays."""
    if op is Sweep:
        return inputs.sweep_inputs(n, p, 3, seed=5)[1]
    if op is IndicatorSweep:
        return list(inputs.indicator_state(n, p, 3, seed=5)[1].values())
    state = inputs.trait_state(n, p, 2, 2, seed=5)[1]
    rotation = inputs.rotation_of(state, Rotate().reference)
    return inputs.trait_inputs(state, rotation)


slow = pytest.mark.slow
SWEEPS = [Sweep, TraitSweep, IndicatorSweep]


@cache
def compiled(op, name, dims):
    """An Op of a design in numba; `dims` are numbers of dims and dtypes of its inputs."""
    inputs = [pt.tensor(dtype=dtype, shape=(None,) * ndim) for ndim, dtype in dims]
    return pytensor.function(inputs, op(name)(*inputs), mode="NUMBA", trust_input=True)


def run(op, name, arrays, *rest):
    inputs = [np.asarray(value) for value in (*arrays, *rest)]
    return compiled(op, name, tuple((v.ndim, str(v.dtype)) for v in inputs))(*inputs)


def rows(fast, *values):
    """Rows, of which only `fast` ones run in `make test`: each compiles a sweep, 40 MB of code."""
    return [value if value in fast else pytest.param(*value, marks=slow) for value in values]


@pytest.mark.parametrize(
    ("name", "op"),
    rows(
        [("genotypes", Sweep), ("genotypes", TraitSweep), ("genotypes", IndicatorSweep)],
        *itertools.product(NAMES, SWEEPS),
    ),
)
def test_sweeps_equal_the_reference_and_those_of_the_dense_design(name, op):
    """Numba against NumPy, and the same draws for the same noise, whatever the design."""
    for variant in VARIANTS:
        design, X = make(name, variant)
        state = state_of(op, *X.shape)
        drawn = run(op, name, design.arrays, *state)
        expected = op(name).reference(*design.arrays, *state)
        dense = op("dense").reference(*make("dense", variant)[0].arrays, *state)
        apart = 1e-4 if name == "float32" else 1e-10
        for value, same, similar in zip(drawn, expected, dense, strict=True):
            np.testing.assert_allclose(value, same, rtol=1e-12, atol=1e-12)
            np.testing.assert_allclose(value, similar, rtol=apart, atol=apart)


@pytest.fixture
def minimal(monkeypatch):
    """A design of one's own, with no more than what it must have; X is not centred."""
    monkeypatch.setitem(DESIGNS, "minimal", Minimal)
    return Minimal(np.random.default_rng(3).normal(size=(21, 9)))


class Minimal(Design):
    name = "minimal"

    def __init__(self, X):
        self.arrays = (np.ascontiguousarray(X.T), (X**2).sum(axis=0))

    @staticmethod
    def dot(arrays, j, working):
        return (arrays[0][j] * working).sum()

    @staticmethod
    def update(arrays, j, change, working):
        working += change * arrays[0][j]


@pytest.mark.parametrize(
    "op", [Sweep, *(pytest.param(op, marks=slow) for op in (TraitSweep, IndicatorSweep))]
)
def test_a_design_of_ones_own_in_a_sweep(minimal, op):
    state = state_of(op, *minimal.shape)
    expected = op("dense").reference(*minimal.arrays, *state)
    for value, other in zip(run(op, "minimal", minimal.arrays, *state), expected, strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
def test_a_design_of_ones_own_in_the_linear_predictor(minimal, mode):
    check_gradients(minimal, minimal.arrays[0].T, mode, (), close("minimal"))


def check_gradients(design, X, mode, dims, tell):
    """Value, gradient (by finite differences too) and its own gradient of sum(exp(X* b))."""
    arrays = [pt.tensor(dtype=a.dtype, shape=(None,) * a.ndim) for a in design.arrays]
    b, direction = (pt.tensor(dtype="float64", shape=(None,) * (1 + len(dims))) for _ in "bd")
    fit = LinearPredictor(design.name)(*arrays, b)
    gradient = pt.grad(pt.exp(fit).sum(), b)
    second = pt.grad((gradient * direction).sum(), b)
    outputs = [fit, gradient, fit.shape[0], gradient.shape[0]]
    outputs += [second] * (mode != "NUMBA")  # which would be compiled once more
    inputs = [*arrays, b, direction]
    function = pytensor.function(inputs, outputs, mode=mode, on_unused_input="ignore")
    at, along = np.random.default_rng(2).normal(size=(2, X.shape[1], *dims)) / 10
    at[3] = 0.0
    fitted, first, *shape_and_second = function(*design.arrays, at, along)
    tell(fitted, X @ at)
    tell(first, X.T @ np.exp(X @ at))
    assert tuple(shape_and_second[:2]) == X.shape
    for found in shape_and_second[2:]:
        tell(found, X.T @ (np.exp(X @ at) * (X @ along)))
    ends = (np.exp(function(*design.arrays, at + s * along, along)[0]).sum() for s in (1e-5, -1e-5))
    np.testing.assert_allclose(np.subtract(*ends) / 2e-5, (first * along).sum(), rtol=1e-5)


@pytest.mark.parametrize("dims", [(), (3,)], ids=str)
@names
def test_gradients_of_the_linear_predictor(name, dims):
    check_gradients(*make(name), "FAST_COMPILE", dims, close(name))


@pytest.mark.parametrize("name", ["genotypes", pytest.param("sparse", marks=slow)])
def test_gradients_of_the_linear_predictor_in_numba(name):
    """More columns than are kept in the cache at once."""
    check_gradients(*make(name), "NUMBA", (3000,), close(name))


@pytest.mark.parametrize("shape", [(4, 9), (2, 3, 9)], ids=str)
@pytest.mark.parametrize("traits", [(), (2,)], ids=str)
@pytest.mark.parametrize("name", ["dense", "sparse"])
def test_vectorized_over_draws(name, shape, traits):
    """All draws are one product; `gradient` goes through the transpose."""
    design, X = make(name)
    core = pt.tensor(dtype="float64", shape=(None,) * (1 + len(traits)))
    draws = pt.tensor(dtype="float64", shape=(None,) * (len(shape) + len(traits)))
    fit = LinearPredictor(name)(*design.shared(), core)
    gradient = pt.grad((fit**2).sum(), core)
    outputs = vectorize_graph([fit, gradient], {core: draws})
    value = np.random.default_rng(1).normal(size=(*shape, *traits))
    fits, gradients = pytensor.function([draws], outputs, mode="FAST_COMPILE")(value)
    letters = "it"[: 1 + len(traits)]
    expected = np.einsum(f"ni,...{letters}->...{letters.replace('i', 'n')}", X, value)
    np.testing.assert_allclose(fits, expected, rtol=1e-11, atol=1e-11)
    both = np.einsum(f"ni,...{letters}->...{letters.replace('i', 'n')}", 2 * X.T @ X, value)
    np.testing.assert_allclose(gradients, both, rtol=1e-10, atol=1e-10)


def test_a_design_for_each_draw_is_refused():
    rows, diagonal, effects = pt.dmatrix(), pt.dvector(), pt.dvector()
    fit = LinearPredictor("dense")(rows, diagonal, effects)
    with pytest.raises(NotImplementedError, match="one design for all draws"):
        vectorize_graph(fit, {rows: pt.dtensor3(), effects: pt.dmatrix()})


def test_effects_of_three_dims_are_refused():
    design, _ = make("dense")
    with pytest.raises(ValueError, match="vector or a matrix"):
        LinearPredictor("dense")(*design.shared(), np.ones((2, 9, 1)))


@names
def test_pickles(name):
    design, X = make(name)
    for tool in (pickle, cloudpickle):
        again = tool.loads(tool.dumps(design))
        np.testing.assert_array_equal(again.fit(np.ones(9)), design.fit(np.ones(9)))
    predictor = LinearPredictor(name)
    assert pickle.loads(pickle.dumps(predictor)) == predictor
    b = pt.dvector()
    function = pytensor.function([b], predictor(*design.shared(), b), mode="FAST_COMPILE")
    close(name)(cloudpickle.loads(cloudpickle.dumps(function))(np.ones(9)), X.sum(axis=1))


def random_codes(n, p):
    return np.random.default_rng(1).integers(-1, 3, size=(n, p), dtype=np.int8)


def test_feature_major_codes_are_shared():
    codes = np.asfortranarray(random_codes(40, 30))
    design = Genotypes(codes, np.ones(30))
    assert np.shares_memory(design.arrays[0], codes)
    assert np.shares_memory(design.shared()[0].get_value(borrow=True), codes)
    assert not np.shares_memory(
        Genotypes(np.ascontiguousarray(codes), np.ones(30)).arrays[0], codes
    )


def test_compressed_columns_are_shared_and_never_changed():
    X = scipy.sparse.csc_array(np.diag([1.0, 2.0, 3.0]))
    assert np.shares_memory(Sparse(X, np.zeros(3)).arrays[0], X.data)
    twice = scipy.sparse.csc_array(([1.0, 2.0, 4.0], [2, 0, 2], [0, 3]), shape=(3, 1))
    before = [array.copy() for array in (twice.data, twice.indices)]
    design = Sparse(twice, np.zeros(1))
    assert column_moments(twice).maximum == [5.0]
    np.testing.assert_array_equal(design.columns([0])[:, 0], [2.0, 0.0, 5.0])
    for old, new in zip(before, (twice.data, twice.indices), strict=True):
        np.testing.assert_array_equal(old, new)


def peak(function, *args):
    """Bytes that a call has at its peak, numpy's buffers included."""
    tracemalloc.start()
    try:
        result = function(*args)
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


def test_nothing_as_large_as_x_is_made_beside_x():
    n, p = 2000, 3000
    codes = np.ascontiguousarray(np.maximum(random_codes(n, p), 0))
    codes[::50] = -1
    means = column_moments(codes, missing_code=True).mean
    small = 5_000_000  # blocks, and what there is for each feature
    used, design = peak(Genotypes, codes, means)
    assert used < 1 * n * p + small < 2 * n * p
    assert peak(design.fit, np.ones(p))[0] < small
    assert peak(design.cross, design.arrays, np.ones(n))[0] < small
    assert peak(column_moments, codes, None)[0] < small
    X = codes.astype(np.float64)
    assert peak(Dense, X, means)[0] < 8 * n * p + small
    used, design = peak(DenseFloat32, X, means)
    assert used < 4 * n * p + small
    assert peak(design.fit, np.ones(p))[0] < small


def test_sparse_sweeps_touch_stored_values_only():
    """What is carried for other observations is neither read nor changed."""
    X = scipy.sparse.csc_array(([2.0, 3.0], [4, 7], [0, 1, 2]), shape=(10_000, 2))
    design = Sparse(X, column_moments(X).mean)
    working = design.begin(design.arrays, np.ones(10_000))
    others = np.setdiff1d(np.arange(10_000), [4, 7])
    working[others] = np.nan
    design.update(design.arrays, 0, 0.5, working)
    np.testing.assert_allclose(design.dot(design.arrays, 0, working), 2 * 0.5 * 2, rtol=1e-3)
    assert np.isnan(working[others]).all()
    assert working[4] == 2.0


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["int8", "int64", "uint8", "bool", "float32", "float64"])
def test_column_moments(dtype, weighted):
    X = np.abs(random_codes(50, 6)).astype(dtype)
    w = np.random.default_rng(2).gamma(2.0, size=50) if weighted else None
    expected = (
        np.average(X.astype(float), axis=0, weights=w),
        X.astype(float).var(axis=0, ddof=1),
        X.min(axis=0),
        X.max(axis=0),
    )
    for given in (X, np.asfortranarray(X), scipy.sparse.csr_matrix(X), scipy.sparse.coo_array(X)):
        for found, value in zip(column_moments(given, w), expected, strict=True):
            assert found.dtype == np.float64
            np.testing.assert_allclose(found, value, rtol=1e-13)


def test_column_moments_of_missing_codes():
    codes = random_codes(50, 6)
    codes[:, 3] = -1
    w = np.random.default_rng(2).gamma(2.0, size=50)
    masked = np.ma.masked_equal(codes, -1)
    moments = column_moments(codes, w, missing_code=True)
    mean = np.ma.average(masked, axis=0, weights=w)
    filled = np.where(codes == -1, mean.filled(np.nan), codes)
    np.testing.assert_allclose(moments.mean, mean.filled(np.nan), rtol=1e-13)
    np.testing.assert_allclose(moments.variance, filled.var(axis=0, ddof=1), rtol=1e-12)
    observed = np.arange(6) != 3
    assert np.isnan([moments.minimum[3], moments.maximum[3]]).all()
    np.testing.assert_array_equal(moments.minimum[observed], masked.min(axis=0)[observed])
    np.testing.assert_array_equal(moments.maximum[observed], masked.max(axis=0)[observed])


def test_a_common_shift_cancels_nothing():
    """Values around 1e6: moments and the diagonal keep their digits."""
    X = np.random.default_rng(1).normal(size=(60, 4))
    shifted = X + 1e6
    for given in (shifted, scipy.sparse.csc_array(shifted)):
        moments = column_moments(given)
        np.testing.assert_allclose(moments.variance, X.var(axis=0, ddof=1), rtol=1e-8)
        design = Dense if given is shifted else Sparse
        diagonal = design(given, moments.mean).arrays[-1]
        np.testing.assert_allclose(diagonal, 59 * X.var(axis=0, ddof=1), rtol=1e-8)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda codes: codes.astype(float), TypeError, "must be int8, got float64"),
        (lambda codes: np.where(codes == 0, -9, codes).astype(np.int8), ValueError, "got -9 in co"),
        (lambda codes: codes * (np.arange(6) != 4) - (np.arange(6) == 4), ValueError, "column 4"),
    ],
)
def test_wrong_codes_are_refused(change, error, message):
    codes = change(np.maximum(random_codes(50, 6), 0))
    with pytest.raises(error, match=message):
        Genotypes(codes if codes.dtype == float else codes.astype(np.int8), np.ones(6))


def test_other_kinds_of_numbers_become_float64():
    X = scipy.sparse.csr_array(np.array([[True, False], [False, True]]))
    assert canonical(X).dtype == np.float64
    assert canonical(X.astype(np.int8)).dtype == np.int8


def test_the_key_of_compiled_kernels_follows_the_source(monkeypatch):
    """That of the kernel, of a class and those that it inherits from, and of none in a session."""
    sources = {}
    monkeypatch.setattr(numba.inspect, "getsource", lambda module: sources.get(module.__name__, ""))
    parts = "designs.genotypes", "designs.centred", "designs.base", "ops.sweep", "ops.numba"
    for part in parts:
        before = numba.design_version(Genotypes, make_kernel)
        sources[f"blrzoo.{part}"] = "changed"
        assert numba.design_version(Genotypes, make_kernel) != before
        assert numba.design_version(Genotypes) == numba.design_version(Genotypes)
    monkeypatch.undo()
    session = type("Session", (Dense,), {"__module__": "nowhere"})
    assert numba.design_version(session) != numba.design_version(session)
    assert numba.design_version(Dense) == numba.design_version(Dense)


def test_registered_by_name():
    assert {name: DESIGNS[name] for name in NAMES} == {
        "dense": Dense,
        "float32": DenseFloat32,
        "genotypes": Genotypes,
        "sparse": Sparse,
    }
    assert register(Dense) is Dense
