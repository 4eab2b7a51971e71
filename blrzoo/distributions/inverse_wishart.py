"""The inverse Wishart distribution, the conjugate prior of a covariance matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.dist_math import check_parameters
from pymc.distributions.shape_utils import implicit_size_from_params, rv_size_is_none
from pymc.distributions.transforms import _default_transform
from pymc.pytensorf import normalize_rng_param
from pytensor.graph.basic import Variable
from pytensor.raise_op import Assert
from pytensor.tensor.random.utils import normalize_size_param
from pytensor.tensor.variable import TensorConstant, TensorVariable

from blrzoo.distributions.log_cholesky import LogCholeskyTransform
from blrzoo.distributions.one_generator import OneGenerator
from blrzoo.ops.small import inverse_bartlett, inverse_log_determinant, positive_definite

__all__ = ["InverseWishart"]


class InverseWishartRV(OneGenerator):
    """Draws of `InverseWishart`: chi-squares and normals, then the Bartlett decomposition."""

    name = "inverse_wishart"
    extended_signature = "[rng],[size],(),(m,m)->[rng],(m,m)"
    _print_name = ("InverseWishart", "\\operatorname{InverseWishart}")

    @classmethod
    def rv_op(
        cls,
        nu: pt.TensorLike,
        S: pt.TensorLike,
        *,
        size: Variable | Sequence[int | Variable] | None = None,
        rng: Variable | None = None,
    ) -> TensorVariable:
        """Build the graph of a draw."""
        nu, S = (pt.cast(pt.as_tensor(value), "float64") for value in (nu, S))
        rng, size = normalize_rng_param(rng), normalize_size_param(size)
        batch = implicit_size_from_params(nu, S, ndims_params=[0, 2])
        batch = tuple(batch if rv_size_is_none(size) else size)
        m = S.shape[-1]
        freedom = nu[..., None] - pt.arange(m)
        freedom = Assert("InverseWishart: nu must exceed the rows of S minus 1")(
            freedom, pt.all(freedom > 0)
        )
        new, chi2 = pt.random.chisquare(freedom, size=(*batch, m), rng=rng, return_next_rng=True)
        new, normals = pt.random.normal(size=(*batch, m, m), rng=new, return_next_rng=True)
        drawn = inverse_bartlett(S, chi2, normals)
        return cls(inputs=[rng, size, nu, S], outputs=[new, drawn])(rng, size, nu, S)


class InverseWishart(pm.Continuous):
    r"""Inverse Wishart distribution of a covariance matrix.

    The conjugate prior of the covariance of normal vectors: with n deviates
    :math:`x_i \sim N_T(0, \Sigma)`, the posterior is
    :math:`IW(\nu + n, S + \sum_i x_i x_i')` [1]_. For T = 1 it is the inverse gamma
    distribution ``InverseGamma(nu / 2, S / 2)``.

    .. math::

       f(\Sigma | \nu, S) = \frac{|S|^{\nu/2}}{2^{\nu T/2} \, \Gamma_T(\nu/2)}
       |\Sigma|^{-(\nu+T+1)/2} \exp(-\mathrm{tr}(S \Sigma^{-1}) / 2)

    ========  ====================================================================
    Support   symmetric positive definite (T, T) matrices; elsewhere the density is 0
    Mean      :math:`S / (\nu - T - 1)` for :math:`\nu > T + 1`
    Mode      :math:`S / (\nu + T + 1)`
    ========  ====================================================================

    Parameters
    ----------
    name : str
        Name of the model variable; ``InverseWishart.dist`` has none.
    nu : tensor_like of float, (...)
        Degrees of freedom, above T - 1; need not be an integer.
    S : tensor_like of float, (..., T, T)
        Scale, symmetric positive definite, in units of a sum of squares: ``nu`` times a prior guess
        of the covariance.
    **kwargs
        Arguments of all PyMC distributions, such as ``dims=("trait", "trait_bis")`` or ``shape``.

    Raises
    ------
    TypeError
        If nu or S are not real numbers.
    ValueError
        If S is not a square matrix (or several), and for constants: nu <= T - 1 or NaN, or an S
        that is not symmetric and positive definite.
    pymc.logprob.utils.ParameterValueError
        When the density is evaluated and nu or S are variables with such values. Inside
        ``pm.sample`` the density is 0 then, as for all distributions of PyMC.
    AssertionError, numpy.linalg.LinAlgError
        When a draw is made with such a nu, or such an S.

    Notes
    -----
    Under NUTS the variable is the packed lower Cholesky factor with a log diagonal, see
    `blrzoo.distributions.log_cholesky.LogCholeskyTransform`. Draws are made by the Bartlett
    decomposition [2]_.

    References
    ----------
    .. [1] Gelman et al. (2013). Bayesian Data Analysis, 3rd ed., section 3.6.
    .. [2] Smith & Hocking (1972). Algorithm AS 53: Wishart variate generator. Journal of the
       Royal Statistical Society C 21:341-345.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.distributions.inverse_wishart import InverseWishart
    >>> coords = {"trait": ["height", "weight"], "trait_bis": ["height", "weight"]}
    >>> with pm.Model(coords=coords) as model:
    ...     Sigma = InverseWishart("Sigma", 6, 3 * np.eye(2), dims=("trait", "trait_bis"))
    >>> model.initial_point()
    {'Sigma_logcholesky__': array([0., 0., 0.])}
    >>> draws = pm.draw(InverseWishart.dist(nu=[8, 20], S=np.eye(2)), draws=3, random_seed=1)
    >>> draws.shape
    (3, 2, 2, 2)
    """

    rv_type = InverseWishartRV
    rv_op = InverseWishartRV.rv_op

    @classmethod
    def dist(cls, nu: pt.TensorLike, S: pt.TensorLike, **kwargs: Any) -> TensorVariable:
        """Return the variable without a name and a model; parameters as of the class."""
        nu, S = _numbers("nu", nu), _numbers("S", S)
        shape = S.type.shape
        if len(shape) < 2 or (None not in shape[-2:] and shape[-1] != shape[-2]):
            raise ValueError(
                f"InverseWishart: S must be a square matrix, (..., trait, trait), got shape "
                f"{shape}; for one trait give [[S]]"
            )
        _check_constants(nu, S)
        return super().dist([nu, S], **kwargs)

    @staticmethod
    def support_point(
        rv: TensorVariable, size: Variable, nu: TensorVariable, S: TensorVariable
    ) -> TensorVariable:
        """Return the mean, or the mode where there is no mean."""
        m = S.shape[-1]
        point = S / pt.switch(nu > m + 1, nu - m - 1, nu + m + 1)[..., None, None]
        return point if rv_size_is_none(size) else pt.broadcast_to(point, (*size, m, m))

    @staticmethod
    def logp(value: TensorVariable, nu: TensorVariable, S: TensorVariable) -> TensorVariable:
        """Log density, (...)."""
        m = S.shape[-1]
        precision, log_value = inverse_log_determinant(value)
        _, log_scale = inverse_log_determinant(S)
        normaliser = nu * m / 2 * np.log(2.0) + m * (m - 1) / 4 * np.log(np.pi)
        normaliser += pt.sum(pt.gammaln((nu[..., None] - pt.arange(m)) / 2), axis=-1)
        density = nu * log_scale - (nu + m + 1) * log_value
        density = (density - pt.sum(S * precision, axis=(-2, -1))) / 2 - normaliser
        return check_parameters(
            pt.switch(pt.isnan(log_value), -np.inf, density),
            nu > m - 1,
            pt.invert(pt.isnan(log_scale)),
            msg="nu > T - 1, S symmetric and positive definite",
        )


def _numbers(name: str, value: object) -> TensorVariable:
    """Convert a parameter to a tensor of real numbers."""
    try:
        # PyTensor tries a plain float as float32, where 1e39 overflows.
        tensor = pt.as_tensor(np.float64(value) if isinstance(value, float) else value)
        real = np.dtype(tensor.dtype).kind in "iuf"
    except (NotImplementedError, OverflowError, TypeError, ValueError):
        real = False
    if not real:
        raise TypeError(
            f"InverseWishart: {name} must be real numbers, got {value!r} of type "
            f"{type(value).__name__}. Pass numbers, or a variable of PyMC."
        )
    return tensor


def _check_constants(nu: TensorVariable, S: TensorVariable) -> None:
    """Refuse constants out of range; variables are checked when they are evaluated."""
    m = S.type.shape[-1]
    if isinstance(nu, TensorConstant) and m is not None and not (nu.data > m - 1).all():
        raise ValueError(
            f"InverseWishart: nu must be above the number of rows of S minus 1, {m - 1}, got "
            f"{nu.data.tolist()}. nu={m + 3} gives a finite mean, S / 2."
        )
    if isinstance(S, TensorConstant) and not positive_definite(S.data):
        raise ValueError(
            f"InverseWishart: S must be symmetric and positive definite, got {S.data.tolist()}. "
            f"Pass nu times a prior guess of the covariance, for instance nu * np.eye({m})."
        )


@_default_transform.register(InverseWishartRV)
def _inverse_wishart_transform(op: InverseWishartRV, rv: TensorVariable) -> LogCholeskyTransform:
    return LogCholeskyTransform()
