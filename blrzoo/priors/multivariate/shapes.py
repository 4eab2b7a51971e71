"""Checks of what a user's own prior of several traits returns."""

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

__all__ = ["check_group_index", "check_projections", "check_returned"]


def check_group_index(owner: str, index: object, n_features: int) -> np.ndarray | None:
    """Check the numbers, from 0, of the features' groups; None without groups."""
    if index is None:
        return None
    array = np.asarray(index)
    whole = array.dtype.kind in "iu" and array.shape == (n_features,)
    if not whole or array.min() < 0:
        got = repr(array[array < 0][:5]) if whole else f"shape {array.shape} of {array.dtype}"
        raise ValueError(
            f"prior must have a group_index with a number, from 0, for each of the {n_features} "
            f"features, got {got} in {owner}. Number the groups: np.unique(groups, "
            f"return_inverse=True)[1]."
        )
    return array.astype(np.int64)


def check_returned(
    owner: str, what: str, value: object, shape: tuple[int, ...], leads: tuple[int | None, ...]
) -> TensorVariable:
    """Return a method's value as a tensor, checked to have the shape after one of the leads.

    A lead is None (no dim before the shape) or the length of one dim before it; the dim may be
    longer, as the last groups may have no features.
    """
    try:
        tensor = pt.as_tensor(value)
        got, fits = f"shape {tensor.type.shape}", _fits(tensor.type.shape, shape, leads)
    except (NotImplementedError, TypeError, ValueError):
        got, fits = repr(value), False
    if not fits:
        rule = " or ".join(str(shape if lead is None else (lead, *shape)) for lead in leads)
        raise ValueError(
            f"prior must return {what} of shape {rule}, got {got} from {owner}. Return one for "
            f"all features, or one for each group and set self.group_index."
        )
    return tensor


def check_projections(owner: str, value: object, n_traits: int) -> np.ndarray:
    """Check orthogonal projections, (component, trait, trait_bis)."""
    array = np.asarray(value)
    rule = "prior must have orthogonal projections, (component, trait, trait_bis),"
    remedy = "A projection P is symmetric with P @ P = P: np.eye, zeros, or np.diag of 0 and 1."
    if array.ndim != 3 or array.shape[1:] != (n_traits, n_traits):
        raise ValueError(f"{rule} got shape {array.shape} from {owner}. {remedy}")
    wrong = ~(np.isclose(array @ array, array) & np.isclose(array, array.swapaxes(1, 2)))
    if wrong.any():
        first = array[wrong.any(axis=(1, 2)).argmax()].tolist()
        raise ValueError(f"{rule} got {first} from {owner}. {remedy}")
    return array


def _fits(
    got: tuple[int | None, ...], shape: tuple[int, ...], leads: tuple[int | None, ...]
) -> bool:
    """Whether a static shape, None for unknown lengths, has one of the leads before the shape."""
    before, after = got[: len(got) - len(shape)], got[len(got) - len(shape) :]
    if len(before) > 1 or len(got) < len(shape):
        return False
    alike = all(a in (None, b) for a, b in zip(after, shape, strict=True))
    if not before:
        return alike and None in leads
    return alike and any(
        lead is not None and (before[0] is None or before[0] >= lead) for lead in leads
    )
