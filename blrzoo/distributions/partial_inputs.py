"""Parameters of normal rows with unknown cells, checked and converted to tensors."""

import numpy as np
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pytensor.graph.basic import Constant, Variable
from pytensor.tensor.variable import TensorVariable

__all__ = ["check_known", "check_parameters", "check_rows"]


def check_parameters(
    mu: pt.TensorLike, cov: pt.TensorLike, known: ArrayLike, weights: pt.TensorLike | None
) -> list[TensorVariable]:
    """Check mu and cov; return them, root weights, each row's pattern of `known`, the patterns."""
    known = check_known(known)
    n, traits = known.shape
    patterns, index = np.unique(known, axis=0, return_inverse=True)
    return [
        _tensor("mu", mu, (n, traits), "(obs, trait) or what broadcasts to it", stretches=True),
        _tensor("cov", cov, (traits, traits), "(trait, trait)"),
        pt.constant(1.0) if weights is None else pt.sqrt(_check_weights(weights, n)),
        pt.constant(index.reshape(-1).astype(np.int64)),
        pt.constant(patterns),
    ]


def check_known(known: ArrayLike) -> np.ndarray:
    """Check `known`, and return it as an array of booleans, (obs, trait)."""
    values = np.asarray(known)
    remedy = "Pass ~np.isnan(Y)."
    if values.dtype != bool:
        raise TypeError(
            f"known must be an array of booleans, True where a cell was measured, got "
            f"{type(known).__name__} of dtype {values.dtype}. {remedy}"
        )
    if values.ndim != 2 or not values.size:
        raise ValueError(
            f"known must be (obs, trait) with at least one row and one trait, got shape "
            f"{values.shape}. {remedy}"
        )
    return values


def check_rows(name: str, values: pt.TensorLike, known: np.ndarray) -> TensorVariable:
    """Check rows, and return them as a PyTensor variable, which PyMC does not impute."""
    if not isinstance(values, Variable):
        if isinstance(values, np.ma.MaskedArray):
            values = np.ma.filled(values.astype(np.float64), np.nan)
        values = pt.constant(np.asarray(values, dtype=np.float64))
    tensor = _tensor(name, values, known.shape, "(obs, trait) as known")
    if isinstance(tensor, Constant):
        wrong = np.argwhere(known & ~np.isfinite(tensor.data))
        if wrong.size:
            raise ValueError(
                f"{name} must be finite where known is True, got {len(wrong)} cells that are "
                f"not, the first at {tuple(wrong[0].tolist())}. Set known to False there."
            )
    return tensor


def _check_weights(weights: pt.TensorLike, n: int) -> TensorVariable:
    tensor = _tensor("weights", weights, (n,), "(obs,)")
    if isinstance(tensor, Constant):
        wrong = ~(np.isfinite(tensor.data) & (tensor.data > 0))
        if wrong.any():
            raise ValueError(
                f"weights must be positive and finite, got {tensor.data[wrong][0]:g}. Set known "
                f"to False in rows without information."
            )
    return tensor


def _tensor(
    name: str, values: pt.TensorLike, shape: tuple[int, ...], rule: str, stretches: bool = False
) -> TensorVariable:
    """Convert values to a float64 tensor; check its shape as far as it is known."""
    tensor = pt.as_tensor(values)
    tensor = tensor if tensor.dtype == "float64" else tensor.astype("float64")
    found = tensor.type.shape
    few = stretches and len(found) <= len(shape)
    ends = shape[len(shape) - len(found) :] if few else shape
    allowed = [{None, size, 1} if stretches else {None, size} for size in ends]
    if len(found) != len(ends) or any(a not in b for a, b in zip(found, allowed, strict=True)):
        raise ValueError(
            f"{name} must be {rule}, here {shape}, got shape {found}. Pass the same rows and "
            f"traits as in known."
        )
    return tensor
