"""The Ops of small matrices: numba against NumPy, gradients, and what is no covariance."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest

from blrzoo.ops import small
from tests.builders import NOT_COVARIANCES, covariances

pytestmark = pytest.mark.engine


def evaluate(op, arrays, mode):
    inputs = [pt.tensor(dtype="float64", shape=(None,) * x.ndim) for x in arrays]
    outputs = op(*inputs)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return pytensor.function(inputs, outputs, mode=mode)(*arrays)


def op_inputs(m, batch):
    rng = np.random.default_rng(2)
    A, vector = covariances(*batch, m, m), rng.normal(size=(*batch, m))
    square = rng.normal(size=(*batch, m, m))
    return {
        small.log_cholesky: [A],
        small.inverse_log_determinant: [A],
        small.pack: [square],
        small.unpack: [rng.normal(size=(*batch, m * (m + 1) // 2))],
        small.inverse_bartlett: [A, rng.chisquare(5, size=(*batch, m)), square],
        small.canonical_draw: [A, vector, rng.normal(size=(*batch, m))],
    }


@pytest.mark.parametrize("batch", [(), pytest.param((2, 3), marks=pytest.mark.slow)], ids=str)
def test_kernels_agree_with_numpy(batch):
    for m in (1, 2, 5, 10):
        for op, arrays in op_inputs(m, batch).items():
            numba, python = (evaluate(op, arrays, mode) for mode in ("NUMBA", "FAST_COMPILE"))
            for first, second in zip(numba, python, strict=True):
                assert first.shape == second.shape
                np.testing.assert_allclose(
                    first, second, rtol=1e-12, atol=1e-12 * abs(second).max()
                )


def test_shapes_are_inferred():
    for op, arrays in op_inputs(3, (2,)).items():
        fixed, free = (
            op(*(pt.tensor(dtype="float64", shape=shape(x)) for x in arrays))
            for shape in (lambda x: x.shape, lambda x: (None,) * x.ndim)
        )
        for known, unknown, value in zip(
            *(x if isinstance(x, list) else [x] for x in (fixed, free)),
            evaluate(op, arrays, "FAST_COMPILE"),
            strict=True,
        ):
            assert known.type.shape == value.shape
            given = dict(zip(unknown.owner.inputs, arrays, strict=True))
            assert tuple(unknown.shape.eval(given, on_unused_input="ignore")) == value.shape


@pytest.mark.parametrize("mode", ["NUMBA", "FAST_COMPILE"])
@pytest.mark.parametrize("kind", NOT_COVARIANCES)
def test_what_is_no_covariance_is_never_passed_on(kind, mode):
    wrong, good = np.array(NOT_COVARIANCES[kind]), covariances(2, 2)
    inverse, log = evaluate(small.inverse_log_determinant, [np.stack([good, wrong])], mode)
    np.testing.assert_allclose(inverse[0], np.linalg.inv(good))
    np.testing.assert_allclose(log[0], np.linalg.slogdet(good)[1])
    assert np.isnan(inverse[1]).all()
    assert np.isnan(log[1])
    for op, arrays in op_inputs(2, ()).items():
        if op in (small.log_cholesky, small.inverse_bartlett, small.canonical_draw):
            with pytest.raises(np.linalg.LinAlgError):
                evaluate(op, [wrong, *arrays[1:]], mode)


def test_rounding_passes_as_symmetric():
    A = covariances(3, 3)
    A[0, 1] *= 1 + 1e-13
    assert np.isfinite(evaluate(small.log_cholesky, [A], "NUMBA")[0]).all()


def test_gradient_of_inverse_and_determinant():
    A, weights = covariances(2, 3, 3), np.random.default_rng(1).normal(size=(2, 3, 3))

    def value(matrix):
        return np.sum(weights * np.linalg.inv(matrix)) + 2 * np.sum(np.linalg.slogdet(matrix)[1])

    x = pt.tensor3()
    inverse, log = small.inverse_log_determinant(x)
    gradient = pytensor.function([x], pt.grad(pt.sum(weights * inverse) + 2 * pt.sum(log), x))(A)
    for index in np.ndindex(2, 3, 3):
        step = np.zeros_like(A)
        step[index] = step[index[0], index[2], index[1]] = 1e-6
        slope = (value(A + step) - value(A - step)) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * step) / 1e-6, slope, rtol=1e-5, atol=1e-7)


def test_any_memory_layout_will_do():
    A = covariances(4, 3, 3)
    (expected,) = evaluate(small.log_cholesky, [A], "FAST_COMPILE")
    for other in (np.asfortranarray(A), np.repeat(A, 2, axis=0)[::2]):
        (found,) = evaluate(small.log_cholesky, [other], "NUMBA")
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("mode", [pytest.param("NUMBA", marks=pytest.mark.slow), "FAST_COMPILE"])
def test_one_scale_serves_a_batch(mode):
    S, chi2, normals = op_inputs(3, (2, 3))[small.inverse_bartlett]
    (one,) = evaluate(small.inverse_bartlett, [S[0, 0], chi2, normals], mode)
    repeated = np.broadcast_to(S[0, 0], S.shape)
    (many,) = evaluate(small.inverse_bartlett, [repeated, chi2, normals], mode)
    assert np.array_equal(one, many)


def test_packing():
    A = np.random.default_rng(1).normal(size=(2, 4, 4))
    x = pt.tensor3()
    lower = pytensor.function([x], small.unpack(small.pack(x)))(A)
    assert np.array_equal(lower, np.tril(A))
    gradient = pt.grad(pt.sum(small.unpack(small.pack(x)) ** 2), x)
    np.testing.assert_allclose(gradient.eval({x: A}), 2 * np.tril(A))
