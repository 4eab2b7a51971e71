"""Checked data to the design of their form."""

from typing import Any

import numpy as np

from blrzoo.designs.base import DESIGNS, Design
from blrzoo.storage.forms import form_of

__all__ = ["read_design"]


def read_design(
    X: Any,
    center: np.ndarray,
    weights: np.ndarray | None = None,
    unit: np.ndarray | None = None,
) -> Design:
    """Make the design that the type of X stands for.

    Parameters
    ----------
    X : ndarray, csc_array or Design, (obs, feature)
        In one of the forms of `blrzoo.storage.forms`. A design of the user's own is taken as it is.
    center : ndarray, (feature,)
        What is subtracted from each feature.
    weights : ndarray, (obs,), optional
        Relative precisions of the observations.
    unit : ndarray, (feature,), optional
        What each feature is divided by.

    Returns
    -------
    Design

    Raises
    ------
    ValueError
        Where a design of the user's own would have to be weighted or divided by units.

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.designs.read import read_design
    >>> read_design(np.array([[0, 2], [1, 1], [2, 0]], dtype=np.int8), np.ones(2)).name
    'genotypes'
    """
    if isinstance(X, Design):
        if weights is not None or unit is not None:
            raise ValueError(
                f"weights and standardize must be left out with a design of your own, got them "
                f"with {type(X).__name__}. Let the design apply them."
            )
        return X
    root = 1.0 if weights is None else np.sqrt(weights)
    design = DESIGNS[form_of(X)](X, center, root, 1.0 if unit is None else unit)  # type: ignore[call-arg]
    design.center, design.root, design.unit = center, root, unit
    return design
