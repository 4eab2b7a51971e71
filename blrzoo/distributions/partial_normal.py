"""Normal rows of which some cells were not measured: their density, and their completion.

Many rows share a pattern (which cells are known), so whatever depends on the covariance alone is
computed once per pattern, and a row costs one quadratic form.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pymc.distributions.dist_math import check_parameters as where_valid
from pymc.distributions.distribution import Distribution, SymbolicRandomVariable
from pymc.distributions.shape_utils import rv_size_is_none
from pymc.pytensorf import normalize_rng_param
from pytensor.graph.basic import Variable
from pytensor.tensor.random.utils import normalize_size_param
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.partial_inputs import check_known, check_parameters, check_rows
from blrzoo.ops.partial import Complete
from blrzoo.ops.small import inverse_log_determinant

__all__ = ["PartialNormal", "completed"]

_LOG_2PI = float(np.log(2 * np.pi))


class PartialNormalRV(SymbolicRandomVariable):
    """Draws of `PartialNormal`: complete rows, whether their cells were measured or not."""

    name = "PartialNormal"
    extended_signature = "[rng],[size],(t),(t,t),(),(),(p,t)->[rng],(t)"
    _print_name = ("PartialNormal", "\\operatorname{PartialNormal}")

    @classmethod
    def rv_op(
        cls,
        mu: pt.TensorLike,
        cov: pt.TensorLike,
        root: pt.TensorLike,
        index: pt.TensorLike,
        patterns: pt.TensorLike,
        *,
        size: Variable | Sequence[int | Variable] | None = None,
        rng: Variable | None = None,
    ) -> TensorVariable:
        """Make the graph of a draw; `size` is the number of rows, which predictions may change."""
        mu, cov, root, index, patterns = map(pt.as_tensor, (mu, cov, root, index, patterns))
        size, rng = normalize_size_param(size), normalize_rng_param(rng)
        batch = index.shape if rv_size_is_none(size) else size
        traits = patterns.shape[1]
        rows = pt.prod(batch)
        next_rng, normals = _normals((rows, traits), rng)
        location = pt.broadcast_to(mu, (*batch, traits)).reshape((rows, traits))
        drawn = Complete()(
            location,
            location,
            cov,
            pt.broadcast_to(root, tuple(batch)).reshape((rows,)),
            pt.zeros((rows,), dtype="int64"),
            pt.zeros((1, traits), dtype="bool"),
            normals,
        ).reshape((*batch, traits))
        inputs = [rng, size, mu, cov, root, index, patterns]
        return cls(inputs=inputs, outputs=[next_rng, drawn])(*inputs)


class PartialNormal(Distribution):
    r"""Rows from a multivariate normal, of which some cells were not measured.

    .. math:: y_i \sim N_T(\mu_i, \Sigma / w_i), \quad
       \log p(y_{i,k}) = -\tfrac12 \left( |k| \log 2\pi + \log|\Sigma_{kk} / w_i|
       + w_i (y_i - \mu_i)_k' \Sigma_{kk}^{-1} (y_i - \mu_i)_k \right)

    with k the known cells of row i; the others are integrated out. This is the likelihood of data
    that are missing at random [1]_. ``logp`` has one number for each row, (obs,): that of
    `pm.MvNormal` for a row of known cells only, 0 for a row of unknown ones. The density and its
    gradient do not depend on what the value holds in unknown cells, such as NaN.

    Draws (prior and posterior predictive) are complete rows: all cells are drawn.

    Parameters
    ----------
    mu : tensor-like, (obs, trait) or what broadcasts to it
        Means, in units of the traits.
    cov : tensor-like, (trait, trait)
        Covariance of a row with weight 1, positive definite.
    known : ndarray of bool, (obs, trait)
        True where a cell was measured. A constant; rows may have any pattern.
    weights : tensor-like, (obs), optional
        Relative precisions, positive: the covariance of a row is ``cov / weight``. Default 1.
    observed : array-like, (obs, trait), optional
        The data: NumPy (masked arrays too), pandas, or a PyTensor constant or shared variable.
        Known cells must be finite; let the others be NaN, which ``idata.observed_data`` then shows.
        Nothing is imputed: PyMC imputes arrays with NaN but no PyTensor variables, so arrays are
        wrapped in ``pytensor.tensor.constant`` here. ``pm.observe(model, {"y": Y})`` accepts NaN
        too; `pm.Data` does not: use ``pytensor.shared(Y)`` for data to be replaced later.
    **kwargs
        Arguments of all PyMC distributions, such as ``dims=("obs", "trait")`` or ``initval``.

    Raises
    ------
    TypeError
        If `known` is not boolean.
    ValueError
        If shapes do not fit `known`, known cells are not finite, or weights are not positive.
    pymc.logprob.utils.ParameterValueError
        When the density is evaluated and `cov` or `weights` are variables that are not positive
        (definite).

    See Also
    --------
    completed : the unknown cells given the known ones.

    References
    ----------
    .. [1] Rubin (1976). Inference and missing data. Biometrika 63:581-592.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.distributions.partial_normal import PartialNormal
    >>> Y = np.array([[1.0, np.nan], [0.0, 0.0], [np.nan, np.nan]])
    >>> with pm.Model(coords={"obs": range(3), "trait": ["a", "b"]}) as model:
    ...     mu = pm.Normal("mu", 0, 1, dims="trait")
    ...     y = PartialNormal("y", mu, np.eye(2), ~np.isnan(Y), observed=Y, dims=("obs", "trait"))
    >>> [rv.name for rv in model.free_RVs]
    ['mu']
    >>> pm.logp(y, Y).eval({mu: np.zeros(2)}).round(4) + 0.0
    array([-1.4189, -1.8379,  0.    ])
    """

    rv_type = PartialNormalRV
    rv_op = PartialNormalRV.rv_op

    def __new__(
        cls,
        name: str,
        mu: pt.TensorLike,
        cov: pt.TensorLike,
        known: ArrayLike,
        weights: pt.TensorLike | None = None,
        *,
        observed: pt.TensorLike | None = None,
        **kwargs: Any,
    ) -> TensorVariable:
        """Register the variable in the model on the context."""
        if observed is not None:
            observed = check_rows("observed", observed, check_known(known))
        return super().__new__(cls, name, mu, cov, known, weights, observed=observed, **kwargs)

    @classmethod
    def dist(
        cls,
        mu: pt.TensorLike,
        cov: pt.TensorLike,
        known: ArrayLike,
        weights: pt.TensorLike | None = None,
        **kwargs: Any,
    ) -> TensorVariable:
        """Return the variable without a name and a model; parameters as of the class."""
        return super().dist(check_parameters(mu, cov, known, weights), **kwargs)

    @staticmethod
    def support_point(
        rv: TensorVariable,
        size: Variable,
        mu: TensorVariable,
        cov: TensorVariable,
        root: TensorVariable,
        index: TensorVariable,
        patterns: TensorVariable,
    ) -> TensorVariable:
        """Return the means."""
        batch = index.shape if rv_size_is_none(size) else size
        return pt.broadcast_to(mu, (*batch, patterns.shape[1]))

    @staticmethod
    def logp(
        value: TensorVariable,
        mu: TensorVariable,
        cov: TensorVariable,
        root: TensorVariable,
        index: TensorVariable,
        patterns: TensorVariable,
    ) -> TensorVariable:
        """Log density of the known cells of each row, (obs,)."""
        deviations = _where(patterns[index], value) - _where(patterns[index], mu)
        density, positive = _density(deviations, root, index, patterns, *_parts(cov, patterns))
        return where_valid(density, positive, msg="posdef covariance, positive weights")


class CompletedNormalRV(SymbolicRandomVariable):
    """Draws of `completed`: the known cells as given, the others given those."""

    name = "CompletedNormal"
    extended_signature = "[rng],[size],(t),(t),(t,t),(),(),(p,t)->[rng],(t)"
    _print_name = ("CompletedNormal", "\\operatorname{CompletedNormal}")

    @classmethod
    def rv_op(
        cls,
        y: pt.TensorLike,
        mu: pt.TensorLike,
        cov: pt.TensorLike,
        root: pt.TensorLike,
        index: pt.TensorLike,
        patterns: pt.TensorLike,
        *,
        size: Variable | Sequence[int | Variable] | None = None,
        rng: Variable | None = None,
    ) -> TensorVariable:
        """Make the graph of a draw; `size` is the number of rows and follows from `y`."""
        parameters = list(map(pt.as_tensor, (y, mu, cov, root, index, patterns)))
        size, rng = normalize_size_param(size), normalize_rng_param(rng)
        y, mu, cov, root, index, patterns = parameters
        next_rng, normals = _normals(y.shape, rng)
        location, root = pt.broadcast_to(mu, y.shape), pt.broadcast_to(root, y.shape[:1])
        drawn = Complete()(y, location, cov, root, index, patterns, normals)
        inputs = [rng, size, *parameters]
        return cls(inputs=inputs, outputs=[next_rng, drawn])(*inputs)


class _CompletedNormal(Distribution):
    """The distribution of `completed`."""

    rv_type = CompletedNormalRV
    rv_op = CompletedNormalRV.rv_op

    @staticmethod
    def support_point(
        rv: TensorVariable,
        size: Variable,
        y: TensorVariable,
        mu: TensorVariable,
        cov: TensorVariable,
        root: TensorVariable,
        index: TensorVariable,
        patterns: TensorVariable,
    ) -> TensorVariable:
        return pt.switch(patterns[index], y, mu)

    @staticmethod
    def logp(
        value: TensorVariable,
        y: TensorVariable,
        mu: TensorVariable,
        cov: TensorVariable,
        root: TensorVariable,
        index: TensorVariable,
        patterns: TensorVariable,
    ) -> TensorVariable:
        # With Omega = cov^-1, the unknown cells have precision w Omega_uu, and their deviations
        # from the conditional mean are Omega_uu^-1 (Omega e)_u.
        known, unknown = patterns[index], ~patterns
        precision, log_determinant = inverse_log_determinant(cov)
        deviations = pt.switch(known, y, value) - mu
        scores = _where(~known, (deviations[:, :, None] * precision).sum(axis=1))
        covs, log_precisions = _parts(precision, unknown)
        density, positive = _density(scores, root, index, unknown, covs, -log_precisions)
        density = pt.switch((known & pt.neq(value, y)).any(axis=1), -np.inf, density)
        positive &= pt.isfinite(log_determinant)
        return where_valid(density, positive, msg="posdef covariance, positive weights")


def completed(
    y: pt.TensorLike,
    mu: pt.TensorLike,
    cov: pt.TensorLike,
    known: ArrayLike,
    weights: pt.TensorLike | None = None,
) -> TensorVariable:
    r"""Distribution of complete rows given their known cells, for data augmentation [1]_.

    With k the known and u the unknown cells of row i, and :math:`B = \Sigma_{uk}\Sigma_{kk}^{-1}`,

    .. math:: y_{i,u} | y_{i,k} \sim N\left(\mu_{i,u} + B (y_i - \mu_i)_k, \;
       (\Sigma_{uu} - B \Sigma_{ku}) / w_i\right)

    so that ``logp`` of a complete row under `pm.MvNormal` is that of its known cells, under
    `PartialNormal`, plus that of its unknown cells given them, under this distribution. In a Gibbs
    sweep everything else is then drawn as with complete data.

    Parameters
    ----------
    y : tensor-like, (obs, trait)
        The rows; unknown cells may hold anything, such as NaN or an earlier draw.
    mu : tensor-like, (obs, trait) or what broadcasts to it
        Means, in units of the traits.
    cov : tensor-like, (trait, trait)
        Covariance of a row with weight 1, positive definite.
    known : ndarray of bool, (obs, trait)
        True where a cell is known. A constant.
    weights : tensor-like, (obs), optional
        Relative precisions, positive: the covariance of a row is ``cov / weight``. Default 1.

    Returns
    -------
    TensorVariable, (obs, trait)
        An unnamed ``.dist()``. Its known cells are exactly those of `y`. Its ``logp``, (obs,), is 0
        for rows of known cells only, and -inf for a value whose known cells are not those of `y`.

    Raises
    ------
    TypeError
        If `known` is not boolean.
    ValueError
        If shapes do not fit `known`, known cells are not finite, or weights are not positive.

    References
    ----------
    .. [1] Tanner & Wong (1987). The calculation of posterior distributions by data augmentation.
       JASA 82:528-540.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.distributions.partial_normal import completed
    >>> Y = np.array([[1.0, np.nan], [0.5, 0.25]])
    >>> cov = np.array([[1.0, 0.8], [0.8, 1.0]])
    >>> rows = pm.draw(completed(Y, 0.0, cov, ~np.isnan(Y)), draws=2000, random_seed=1)
    >>> rows.shape, rows[0, 1].tolist()
    ((2000, 2, 2), [0.5, 0.25])
    >>> bool(abs(rows[:, 0, 1].mean() - 0.8) < 0.1), bool(abs(rows[:, 0, 1].std() - 0.6) < 0.06)
    (True, True)
    """
    values = pt.as_tensor(check_rows("y", y, check_known(known)))
    return _CompletedNormal.dist([values, *check_parameters(mu, cov, known, weights)])


def _normals(
    shape: TensorVariable | Sequence[TensorVariable], rng: Variable
) -> tuple[Variable, TensorVariable]:
    """Generator and standard normals."""
    return pt.random.normal(0.0, 1.0, size=shape, rng=rng, return_next_rng=True)


def _where(known: TensorVariable, values: TensorVariable) -> TensorVariable:
    """Values of the known cells; 0 in the others, whatever they hold."""
    return pt.switch(known, values, 0.0)


def _parts(
    matrix: TensorVariable, patterns: TensorVariable
) -> tuple[TensorVariable, TensorVariable]:
    """Inverse, (pattern, trait, trait), and log determinant of each pattern's part of a matrix."""
    # The rest of the matrix is replaced by the identity, and the rest of the inverse by 0.
    inside = patterns[:, :, None] & patterns[:, None, :]
    embedded = pt.switch(inside, matrix, pt.eye(patterns.shape[1], dtype="float64"))
    inverse, log_determinant = inverse_log_determinant(embedded)
    return _where(inside, inverse), log_determinant


def _density(
    x: TensorVariable,
    root: TensorVariable,
    index: TensorVariable,
    patterns: TensorVariable,
    middle: TensorVariable,
    log_determinant: TensorVariable,
) -> tuple[TensorVariable, TensorVariable]:
    """Log density, with x' middle x over the cells of the pattern, and whether it exists."""
    count = patterns[index].sum(axis=-1)
    squares = x[..., :, None] * middle[index] * x[..., None, :]
    density = count * pt.log(root) - 0.5 * (
        count * _LOG_2PI + log_determinant[index] + root**2 * squares.sum(axis=(-2, -1))
    )
    return density, pt.all(pt.isfinite(log_determinant)) & pt.all(root > 0)
