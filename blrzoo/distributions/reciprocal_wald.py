"""Reciprocals of inverse Gaussians: full conditionals of the variances of the Bayesian lasso."""

from collections.abc import Sequence

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.abstract import _logprob
from pymc.pytensorf import normalize_rng_param
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.one_generator import OneGenerator

__all__ = ["reciprocal_wald"]


def reciprocal_wald(inverse_mean: pt.TensorLike, shape: pt.TensorLike) -> TensorVariable:
    r"""Make an unnamed distribution of reciprocals of inverse Gaussians.

    .. math:: 1 / x \sim InverseGaussian(\mu, \lambda)

    Draws solve the quadratic of [1]_ for x, not for 1 / x, so they are accurate for large means.
    (PyTensor cannot compile its own Wald with numba.)

    Parameters
    ----------
    inverse_mean : tensor_like of float
        1 / mu, nonnegative.
    shape : tensor_like of float
        lambda, positive, of a shape that broadcasts with `inverse_mean`.

    Returns
    -------
    TensorVariable
        A distribution as ``pm.Wald.dist`` returns it, of the common shape.

    References
    ----------
    .. [1] Michael, Schucany & Haas (1976). Generating random variates using transformations with
       multiple roots. American Statistician 30:88-90.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.distributions.reciprocal_wald import reciprocal_wald
    >>> x = reciprocal_wald(inverse_mean=np.ones(2), shape=2.0)  # mean 1 / mu + 1 / lambda
    >>> pm.draw(x, draws=4000, random_seed=1).mean(axis=0).round(1)
    array([1.5, 1.5])
    """
    return ReciprocalWaldRV.rv_op(inverse_mean, shape)


class ReciprocalWaldRV(OneGenerator):
    """Draws of `reciprocal_wald`."""

    name = "reciprocal_wald"
    extended_signature = "[rng],(),()->[rng],()"
    _print_name = ("ReciprocalWald", "\\operatorname{ReciprocalWald}")

    @classmethod
    def rv_op(
        cls, inverse_mean: pt.TensorLike, shape: pt.TensorLike, *, rng: Variable | None = None
    ) -> TensorVariable:
        """Build the graph of a draw."""
        given = [pt.cast(pt.as_tensor(value), "float64") for value in (inverse_mean, shape)]
        given = pt.broadcast_arrays(*given)
        # Inputs of any length: one graph for data of any size.
        a, scale = (pt.tensor(dtype="float64", shape=(None,) * x.ndim) for x in given)
        rng = normalize_rng_param(rng)
        new, normal = pt.random.normal(size=(2, *a.shape), rng=rng, return_next_rng=True)
        half = normal[0] ** 2 / (2 * scale)
        larger = a + half + pt.sqrt(half * (half + 2 * a))
        uniform = pt.erfc(normal[1] / np.sqrt(2)) / 2
        drawn = pt.switch(uniform * (larger + a) <= larger, larger, a**2 / larger)
        return cls(inputs=[rng, a, scale], outputs=[new, drawn])(rng, *given)


@_logprob.register(ReciprocalWaldRV)
def _reciprocal_wald_logp(
    op: ReciprocalWaldRV,
    values: Sequence[TensorVariable],
    rng: Variable,
    inverse_mean: TensorVariable,
    shape: TensorVariable,
    **kwargs: object,
) -> TensorVariable:
    (value,) = values
    density = pt.log(shape / (2 * np.pi * value)) / 2
    density -= shape * (value - inverse_mean) ** 2 / (2 * value)
    return pt.switch(value > 0, density, -np.inf)
