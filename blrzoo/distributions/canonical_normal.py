"""Normal distributions given by their precision matrix, as in full conditionals."""

from collections.abc import Sequence

import numpy as np
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.logprob.abstract import _logprob
from pymc.pytensorf import normalize_rng_param
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.one_generator import OneGenerator
from blrzoo.ops.small import canonical_draw, inverse_log_determinant

__all__ = ["canonical_normal"]


def canonical_normal(precision: pt.TensorLike, linear: pt.TensorLike) -> TensorVariable:
    r"""Make an unnamed normal distribution from its canonical parameters [1]_.

    .. math:: p(x) \propto \exp(-x' P x / 2 + l' x), \quad x \sim N(P^{-1} l, P^{-1})

    Neither draws nor the density call LAPACK, which takes long to compile.

    Parameters
    ----------
    precision : tensor_like of float, (m, m)
        P, symmetric positive definite, over the elements of x in C order.
    linear : tensor_like of float, m elements in any shape
        l, of the shape of x.

    Returns
    -------
    TensorVariable
        A distribution as ``pm.MvNormal.dist`` returns it, of the shape of `linear`.

    Raises
    ------
    ValueError
        If `precision` is not a square matrix over the elements of `linear`.
    numpy.linalg.LinAlgError
        When a draw is made with a precision that is not symmetric and positive definite.
    pymc.logprob.utils.ParameterValueError
        When the density is evaluated with such a precision.

    References
    ----------
    .. [1] Rue & Held (2005). Gaussian Markov Random Fields, section 2.3.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.distributions.canonical_normal import canonical_normal
    >>> x = canonical_normal(precision=100 * np.eye(2), linear=np.array([100.0, 500.0]))
    >>> pm.draw(x, draws=1000, random_seed=1).mean(axis=0).round(1)
    array([1., 5.])
    >>> print(pm.logp(x, np.array([1.0, 5.0])).eval().round(4))
    2.7673
    """
    precision, linear = pt.as_tensor(precision), pt.as_tensor(linear)
    sizes = {size for size in precision.type.shape if size is not None}
    if None not in linear.type.shape:
        sizes.add(int(np.prod(linear.type.shape)))
    if precision.type.ndim != 2 or len(sizes) > 1:
        raise ValueError(
            f"canonical_normal: precision must have one row and one column for each element of "
            f"linear, got shapes {precision.type.shape} and {linear.type.shape}"
        )
    return CanonicalNormalRV.rv_op(precision, linear)


class CanonicalNormalRV(OneGenerator):
    """Draws of `canonical_normal`."""

    name = "canonical_normal"
    _print_name = ("CanonicalNormal", "\\operatorname{CanonicalNormal}")

    @classmethod
    def rv_op(
        cls, precision: pt.TensorLike, linear: pt.TensorLike, *, rng: Variable | None = None
    ) -> TensorVariable:
        """Build the graph of a draw."""
        given = [pt.cast(pt.as_tensor(x), "float64") for x in (precision, linear)]
        # Inputs of any shape: static ones would be checked in compiled code, which is slow.
        matrix, vector = (pt.tensor(dtype="float64", shape=(None,) * x.ndim) for x in given)
        rng = normalize_rng_param(rng)
        flat = pt.reshape(vector, (matrix.shape[-1],))
        new, normals = pt.random.normal(size=flat.shape, rng=rng, return_next_rng=True)
        drawn = pt.reshape(canonical_draw(matrix, flat, normals), vector.shape)
        shape = ",".join(f"k{axis}" for axis in range(vector.ndim))
        made = cls(
            inputs=[rng, matrix, vector],
            outputs=[new, drawn],
            extended_signature=f"[rng],(m,m),({shape})->[rng],({shape})",
        )
        return made(rng, *given)


@_logprob.register(CanonicalNormalRV)
def _canonical_normal_logp(
    op: CanonicalNormalRV,
    values: Sequence[TensorVariable],
    rng: Variable,
    precision: TensorVariable,
    linear: TensorVariable,
    **kwargs: object,
) -> TensorVariable:
    m = precision.shape[-1]
    covariance, log_determinant = inverse_log_determinant(precision)
    mean = pt.sum(covariance * pt.reshape(linear, (m,)), axis=-1)
    deviation = pt.reshape(values[0], (m,)) - mean
    quadratic = pt.sum(precision * deviation[:, None] * deviation)
    return check_parameters(
        (log_determinant - quadratic - m * np.log(2.0 * np.pi)) / 2,
        pt.invert(pt.isnan(log_determinant)),
        msg="precision symmetric and positive definite",
    )
