"""Full conditionals by conjugacy: parameters of a variable's prior, updated.

Each function takes a model variable and the sufficient statistics of what depends on it. It reads
the prior's parameters off the variable and returns the full conditional as a ``.dist()``. If the
prior is of another family, or the variable is fixed, it returns None, and PyMC assigns another step
method. So a prior that a subclass or an argument replaces is never drawn from a conditional that
does not hold for it.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.canonical_normal import canonical_normal
from blrzoo.distributions.inverse_wishart import InverseWishart
from blrzoo.distributions.reciprocal_wald import reciprocal_wald

__all__ = [
    "beta",
    "dirichlet",
    "exponential_variance",
    "gamma",
    "inverse_gamma",
    "inverse_wishart",
    "multivariate_normal",
    "normal",
]


#: A sufficient statistic of what depends on a variable.
type Statistic = TensorVariable | np.ndarray | float


def inverse_gamma(
    variable: TensorVariable, count: Statistic, sum_of_squares: Statistic
) -> TensorVariable | None:
    r"""Full conditional of a variance, given `count` normal deviates with that variance.

    .. math:: \tau^2 \sim IG(a, b), \; x_i \sim N(0, \tau^2) \Rightarrow
       \tau^2 | x \sim IG(a + m/2, \; b + \sum x_i^2 / 2)

    For the scaled-inverse-chi-squared(nu, S2), which is IG(nu/2, nu S2/2), this is
    scaled-inverse-chi-squared(nu + m, (nu S2 + sum x^2)/(nu + m)) [1]_.

    Parameters
    ----------
    variable : TensorVariable
        The variance, a model variable of any shape.
    count : TensorVariable or number, broadcastable to `variable`
        Number of deviates, m.
    sum_of_squares : TensorVariable, broadcastable to `variable`
        Their sum of squares.

    Returns
    -------
    TensorVariable or None
        An unnamed ``pm.InverseGamma.dist``; None if the prior is not an inverse gamma.

    References
    ----------
    .. [1] Gelman et al. (2013). Bayesian Data Analysis, 3rd ed., section 2.6.

    Examples
    --------
    >>> import pymc as pm
    >>> from blrzoo.priors import conjugate
    >>> with pm.Model():
    ...     tau2 = pm.InverseGamma("tau2", 2, 1)
    ...     sd = pm.HalfNormal("sd", 1)
    >>> conjugate.inverse_gamma(tau2, count=10, sum_of_squares=3.0).owner.op.name
    'invgamma'
    >>> conjugate.inverse_gamma(sd, count=10, sum_of_squares=3.0) is None
    True
    """
    parameters = _prior(variable, pm.InverseGamma)
    if parameters is None:
        return None
    shape, scale = parameters
    return pm.InverseGamma.dist(alpha=shape + count / 2, beta=scale + sum_of_squares / 2)


def inverse_wishart(
    variable: TensorVariable, count: Statistic, cross: Statistic
) -> TensorVariable | None:
    r"""Full conditional of a covariance matrix, given `count` normal vectors with it.

    .. math:: \Sigma \sim IW(\nu, S), \; x_i \sim N_T(0, \Sigma) \Rightarrow
       \Sigma | x \sim IW(\nu + m, \; S + \sum x_i x_i')

    Parameters
    ----------
    variable : TensorVariable, (..., T, T)
        The covariance, a model variable with an `InverseWishart` prior.
    count : TensorVariable or number, (...)
        Number of vectors, m.
    cross : TensorVariable, (..., T, T)
        Sum of the outer products of the vectors.

    Returns
    -------
    TensorVariable or None
        An unnamed ``InverseWishart.dist``; None if the prior is not inverse-Wishart.

    References
    ----------
    .. [1] Gelman et al. (2013). Bayesian Data Analysis, 3rd ed., section 3.6.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.priors import InverseWishart, conjugate
    >>> with pm.Model():
    ...     Sigma = InverseWishart("Sigma", 4, np.eye(2))
    >>> conjugate.inverse_wishart(Sigma, count=10, cross=np.eye(2)).owner.op.name
    'inverse_wishart'
    """
    parameters = _prior(variable, InverseWishart)
    if parameters is None:
        return None
    nu, S = parameters
    return InverseWishart.dist(nu=nu + count, S=S + cross)


def beta(variable: TensorVariable, ones: Statistic, zeros: Statistic) -> TensorVariable | None:
    """Full conditional of a probability, given Bernoulli outcomes: Beta(a + ones, b + zeros).

    Parameters
    ----------
    variable : TensorVariable
        The probability, a model variable of any shape.
    ones, zeros : TensorVariable or number, broadcastable to `variable`
        Numbers of outcomes 1 and 0.

    Returns
    -------
    TensorVariable or None
        An unnamed ``pm.Beta.dist``; None if the prior is not a beta.

    Examples
    --------
    >>> import pymc as pm
    >>> from blrzoo.priors import conjugate
    >>> with pm.Model():
    ...     pi = pm.Beta("pi", 1, 1)
    >>> conjugate.beta(pi, ones=3, zeros=7).owner.op.name
    'beta'
    """
    parameters = _prior(variable, pm.Beta)
    if parameters is None:
        return None
    a, b = parameters
    return pm.Beta.dist(alpha=a + ones, beta=b + zeros)


def dirichlet(variable: TensorVariable, counts: Statistic) -> TensorVariable | None:
    """Full conditional of probabilities, given categorical outcomes: Dirichlet(a + counts).

    Parameters
    ----------
    variable : TensorVariable, (..., component)
        The probabilities, a model variable.
    counts : TensorVariable, (..., component)
        Number of outcomes in each component.

    Returns
    -------
    TensorVariable or None
        An unnamed ``pm.Dirichlet.dist``; None if the prior is not a Dirichlet.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.priors import conjugate
    >>> with pm.Model():
    ...     pi = pm.Dirichlet("pi", np.ones(3))
    >>> conjugate.dirichlet(pi, np.array([5, 1, 0])).owner.op.name
    'dirichlet'
    """
    parameters = _prior(variable, pm.Dirichlet)
    if parameters is None:
        return None
    (a,) = parameters
    return pm.Dirichlet.dist(a=a + counts)


def gamma(variable: TensorVariable, shape: Statistic, rate: Statistic) -> TensorVariable | None:
    """Full conditional of a rate or of the scale of inverse gammas: Gamma(a + shape, b + rate).

    Parameters
    ----------
    variable : TensorVariable
        A positive model variable of any shape.
    shape, rate : TensorVariable or number, broadcastable to `variable`
        The likelihood is ``x**shape exp(-rate x)`` up to a constant.

    Returns
    -------
    TensorVariable or None
        An unnamed ``pm.Gamma.dist``; None if the prior is not a gamma.

    Examples
    --------
    >>> import pymc as pm
    >>> from blrzoo.priors import conjugate
    >>> with pm.Model():
    ...     rate = pm.Gamma("rate", 1, 1)
    >>> conjugate.gamma(rate, shape=3, rate=7).owner.op.name
    'gamma'
    """
    parameters = _prior(variable, pm.Gamma)
    if parameters is None:
        return None
    a, scale = parameters
    return pm.Gamma.dist(alpha=a + shape, beta=1 / scale + rate)


def exponential_variance(
    variable: TensorVariable, deviates: TensorVariable
) -> TensorVariable | None:
    r"""Full conditional of variances with exponential priors, given a normal deviate for each.

    .. math:: \tau^2_j \sim Exp(\rho), \; x_j \sim N(0, \tau^2_j) \Rightarrow
       1/\tau^2_j | x_j \sim InverseGaussian(\sqrt{2\rho} / |x_j|, \; 2\rho)

    Parameters
    ----------
    variable : TensorVariable
        The variances, a model variable of the shape of `deviates`.
    deviates : TensorVariable
        The normal deviates x.

    Returns
    -------
    TensorVariable or None
        The reciprocals of inverse Gaussians, an unnamed ``.dist()``; None if the prior is not
        exponential.

    References
    ----------
    .. [1] Park & Casella (2008). The Bayesian lasso. JASA 103:681-686.

    Examples
    --------
    >>> import pymc as pm
    >>> from blrzoo.priors import conjugate
    >>> with pm.Model():
    ...     tau2 = pm.Exponential("tau2", 0.5, shape=2)
    ...     x = pm.Normal("x", 0, tau2**0.5)
    >>> pm.draw(conjugate.exponential_variance(tau2, x), random_seed=1).shape
    (2,)
    """
    parameters = _prior(variable, pm.Exponential)
    if parameters is None:
        return None
    (scale,) = parameters
    rate = 2 / scale
    return reciprocal_wald(abs(deviates) / pt.sqrt(rate), rate)


def normal(
    variable: TensorVariable, precision: Statistic, linear: Statistic
) -> TensorVariable | None:
    """Full conditional of a scalar location under a normal likelihood.

    Parameters
    ----------
    variable : TensorVariable
        The location, a model variable with a normal prior.
    precision, linear : TensorVariable
        The log likelihood is ``-precision/2 x**2 + linear x`` up to a constant.

    Returns
    -------
    TensorVariable or None
        An unnamed ``pm.Normal.dist``; None if the prior is not normal.

    Examples
    --------
    >>> import pymc as pm
    >>> from blrzoo.priors import conjugate
    >>> with pm.Model():
    ...     mu = pm.Normal("mu", 0, 10)
    >>> conjugate.normal(mu, precision=5.0, linear=1.0).owner.op.name
    'normal'
    """
    parameters = _prior(variable, pm.Normal)
    if parameters is None:
        return None
    mean, sd = parameters
    total = 1 / sd**2 + precision
    return pm.Normal.dist(mu=(mean / sd**2 + linear) / total, sigma=1 / pt.sqrt(total))


def multivariate_normal(
    variable: TensorVariable, precision: Statistic, linear: Statistic
) -> TensorVariable | None:
    """Full conditional of locations with independent normal priors, drawn jointly.

    Parameters
    ----------
    variable : TensorVariable, k elements in any shape
        The locations, a model variable with a normal prior.
    precision : TensorVariable, (k, k)
        The log likelihood is ``-x'(precision)x / 2 + linear'x`` up to a constant, where x is
        `variable` as a vector, in C order.
    linear : TensorVariable, shape of `variable`
        See `precision`.

    Returns
    -------
    TensorVariable or None
        An unnamed multivariate normal ``.dist()``, in the shape of `variable`; None if the prior is
        not normal.

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.priors import conjugate
    >>> with pm.Model():
    ...     gamma = pm.Normal("gamma", 0, 10, shape=2)
    >>> conjugate.multivariate_normal(gamma, np.eye(2), np.ones(2)).owner.op.name
    'canonical_normal'
    """
    parameters = _prior(variable, pm.Normal)
    if parameters is None:
        return None
    mean, sd = (pt.broadcast_to(value, variable.shape) for value in parameters)
    prior = pt.reshape(1 / sd**2, (variable.size,))
    element = pt.arange(variable.size)
    total = precision + pt.switch(pt.eq(element[:, None], element), prior, 0.0)
    return canonical_normal(total, mean / sd**2 + linear)


def _prior(variable: TensorVariable, family: type[pm.Distribution]) -> list[TensorVariable] | None:
    """Parameters of a variable's prior, None if it is of another family."""
    node = variable.owner
    if node is None or not isinstance(node.op, family.rv_type):
        return None
    return list(node.op.dist_params(node))
