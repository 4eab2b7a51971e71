"""Sums of the residual that full conditionals are written with, for data of any form."""

from typing import Any, NamedTuple

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.ops.small import product
from blrzoo.priors.multivariate.ridge import outer

__all__ = ["ResidualSums", "sums_over_rows"]


class ResidualSums(NamedTuple):
    """Sums over the observations of the residual r, y minus its mean, with O = diag(weights).

    With several traits R, (obs, trait), is in place of r. Conditionals that are written with these
    sums hold for every form of the data, with rows or without.

    Attributes
    ----------
    count : ()
        Number of observations.
    weight : ()
        1'O1.
    total : () or (trait,)
        1'Or.
    squares : () or (trait, trait_bis)
        r'Or, or R'OR.
    covariates : (covariate, covariate_bis)
        W'OW, with W about its centers; None without covariates.
    projection : (covariate[, trait])
        W'Or; None without covariates.
    """

    count: Any
    weight: TensorVariable
    total: TensorVariable
    squares: TensorVariable
    covariates: Any = None
    projection: Any = None


def sums_over_rows(
    residual: TensorVariable, root: TensorVariable, W: TensorVariable | None = None
) -> ResidualSums:
    """Compute the sums from rows.

    Parameters
    ----------
    residual : TensorVariable, (obs[, trait])
        y minus its mean, times square roots of the weights.
    root : TensorVariable, () or (obs,)
        Square roots of the weights.
    W : TensorVariable, (obs, covariate), optional
        Covariates about their centers.

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
