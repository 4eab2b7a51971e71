"""What full conditionals ask of the residual: a few sums, which every form of the data has."""

from typing import Any, NamedTuple

import pytensor.tensor as pt

from blrzoo.ops.small import product
from blrzoo.priors.multivariate.ridge import outer

__all__ = ["ResidualSums", "sums_over_rows"]


class ResidualSums(NamedTuple):
    """Sums over the observations of the residual r of everything, with O = diag(weights).

    For several traits R, (obs, trait), is in the place of r. Conditionals that ask for these sums
    hold for each form of the data, with rows or without.

    Attributes
    ----------
    count : () number of observations
    weight : () 1'O1
    total : () or (trait,), 1'Or
    squares : () r'Or, or (trait, trait_bis) R'OR
    covariates : (covariate, covariate_bis) W'OW, W about its centre; None without covariates
    projection : (covariate[, trait]) W'Or; None without covariates
    """

    count: Any
    weight: Any
    total: Any
    squares: Any
    covariates: Any = None
    projection: Any = None


def sums_over_rows(residual: Any, root: Any, W: Any = None) -> ResidualSums:
    """Sum over rows.

    Parameters
    ----------
    residual : TensorVariable, (obs[, trait])
        Times the square roots of the weights.
    root : TensorVariable, () or (obs,)
        These square roots.
    W : TensorVariable, (obs, covariate), optional
        Covariates about their centre.

    Returns
    -------
    ResidualSums

    Examples
    --------
    >>> import numpy as np
    >>> from blrzoo.likelihood.residual import sums_over_rows
    >>> found = sums_over_rows(np.array([1.0, 2.0]), np.array(1.0))
    >>> float(found.weight.eval()), float(found.total.eval()), float(found.squares.eval())
    (2.0, 3.0, 5.0)
    """
    residual, root = pt.as_tensor(residual), pt.as_tensor(root)
    one = pt.atleast_1d(root) + pt.zeros((residual.shape[0],))
    several = residual.ndim == 2
    weighted = (one[:, None] if several else one) * residual
    found = ResidualSums(
        count=residual.shape[0],
        weight=pt.sum(one**2),
        total=pt.sum(weighted, axis=0),
        squares=pt.sum(outer(residual) if several else residual**2, axis=0),
    )
    if W is None:
        return found
    W = W * one[:, None]
    projection = product(W.T, residual) if several else pt.sum(W * residual[:, None], axis=0)
    return found._replace(covariates=product(W.T, W), projection=projection)
