"""The design of checked data."""

from collections.abc import Callable

import numpy as np

from blrzoo.designs.base import DESIGNS, Design
from blrzoo.storage.forms import Stored, form_of

__all__ = ["read_design"]


def read_design(
    X: Stored,
    center: np.ndarray,
    weights: np.ndarray | None = None,
    unit: np.ndarray | None = None,
    name: str = "auto",
) -> Design:
    """Make a design of X.

    Parameters
    ----------
    X : ndarray or csc_array, (obs, feature)
        In one of the forms of `blrzoo.storage.forms`.
    center : ndarray, (feature,)
        What is subtracted from each feature.
    weights : ndarray, (obs,), optional
        Relative precisions of the observations.
    unit : ndarray, (feature,), optional
        What each feature is divided by.
    name : str, default "auto"
        A key of `blrzoo.designs.base.DESIGNS`; "auto" chooses by the type of X.

    Returns
    -------
    Design

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs.read import read_design
    >>> read_design(np.array([[0, 2], [1, 1], [2, 0]], dtype=np.int8), np.ones(2)).name
    'genotypes'
    """
    root = 1.0 if weights is None else np.sqrt(weights)
    kind: Callable[..., Design] = DESIGNS[form_of(X) if name == "auto" else name]
    design = kind(X, center, root, 1.0 if unit is None else unit)
    design.center, design.root, design.unit = center, root, unit
    return design
