"""`fit_em`: restricted maximum likelihood of the variances, then the effects given them."""

from dataclasses import dataclass, field

import numpy as np
import pymc as pm
import scipy.linalg
import xarray as xr

from blrzoo.checks import Flag, Integer, Number
from blrzoo.gibbs.spec import find_model
from blrzoo.reml.mixed_model import MixedModel, read_model
from blrzoo.reml.restricted_likelihood import Point, RestrictedLikelihood
from blrzoo.values import warn_user

__all__ = ["fit_em"]

_SLACK = 1e-12  # relative rounding error of the log likelihood
_FALL = 0.99  # share of itself that a variance may lose in an accelerated step
_DAMPING = (0.0, 0.1, 1.0, 10.0, 100.0)  # times the diagonal of the information, added to it
_SMALL = 1e-3  # share of the variance of y below which a variance of exactly 0 is tried
_SINGULAR = 1e-8  # smallest ratio of eigenvalues of an information that is inverted


def fit_em(
    model: pm.Model | None = None,
    *,
    tol: float = 1e-8,
    max_iter: int = 10_000,
    accelerate: bool = True,
) -> xr.DataTree:
    r"""Estimate the variance components by EM, as an alternative to MCMC (REML).

    The estimates maximize the restricted likelihood of the variances [2]_, which is their marginal
    posterior density under flat hyperpriors,

    .. math:: L(\tau^2, \sigma^2) = \log \int p(y | \mu, \gamma, \beta, \sigma^2)\,
       p(\beta | \tau^2)\, d\beta\, d\mu\, d\gamma,

    with flat priors of mu and gamma: **the model's hyperpriors are not used**. Parameters that the
    model fixes to a number stay fixed. The effects are estimated given these variances.

    Parameters
    ----------
    model : pm.Model, optional
        From `blrzoo.single_component`, or from `blrzoo.regression` with a prior without labels in
        which the variance of an effect is ``tau2``, or one element of it. Default: the model on
        the context.
    tol : float, default 1e-8
        Converged when :math:`|\partial L / \partial \log \theta|` is at most `tol` for each
        variance :math:`\theta`, and L does not increase with a variance that vanishes. A relative
        change of a variance by x then changes L by at most ``tol * x`` to first order. The relative
        step of EM is ``2 / m`` times this derivative, with m as in the Notes.
    max_iter : int, default 10000
        Largest number of iterations; a warning says if it is reached.
    accelerate : bool, default True
        Replace an EM step by an average-information step [3]_ where this raises L at least as
        much. About ten iterations are then enough, where plain EM can take thousands. Both have
        the same fixed points, and L never decreases.

    Returns
    -------
    xarray.DataTree
        - ``estimate``: ``tau2`` () or (group), ``sigma2`` (), ``mu`` (), ``gamma`` (covariate) and
          ``beta`` (feature), with the model's names, dims and coordinates. Units as in the model.
          mu, gamma: generalized least squares; beta: posterior means (BLUP).
        - ``standard_error``: the same variables. Those of tau2 and sigma2 are from the observed
          information of L; NaN for an estimate of 0, and 0 for what is fixed. Those of mu, gamma
          and beta are posterior SDs given the variances. Those of beta include the uncertainty of
          mu and gamma; none includes that of the variances.
        - ``fit``: ``log_restricted_likelihood`` (iteration), the start included, as the log density
          of n - (number of fixed effects) orthonormal contrasts of y; ``converged``; ``n_iter``;
          and ``h2`` :math:`= V / (V + \sigma^2)` with
          :math:`V = \sum_j \tau^2_{g(j)} var(x_j)`.

    Raises
    ------
    TypeError
        For a model or arguments of the wrong type.
    ValueError
        For a mixture or another model that is not supported, an argument out of range, or data that
        have no information on a variance or for which L has no maximum.

    Warns
    -----
    UserWarning
        If it has not converged after `max_iter` iterations, or if the data do not determine the
        variances separately (their standard errors are NaN then).

    Notes
    -----
    An EM iteration [1]_, with expectations over :math:`\beta | y` at the current variances, fixed
    effects projected out, and N the number of observations minus that of fixed effects:

    .. math:: \tau^2_g \leftarrow \frac1{p_g} \sum_{j \in g} \left( \hat\beta_j^2 +
       Var(\beta_j | y) \right), \qquad
       \sigma^2 \leftarrow \frac1N E(e'e | y).

    Both are computed as :math:`\theta + 2 \theta^2 / m \cdot \partial L / \partial \theta`, with
    m = p_g and m = N. After one singular value decomposition of the features, an iteration costs
    O(min(n, p)) with one variance, and O(q^2 min(p, Gq)) with G of them and q = min(n, p).

    A variance whose estimate is 0 is reported as exactly 0, with all its effects. In small data
    with several variances, L can have several maxima; EM finds one of them. The start is the best
    of three: a share of 0.1, 0.5 or 0.9 of the variance of y due to the features, in equal parts
    for all groups.

    With weights, all rows are multiplied by the square roots of their weights, except in h2. Rows
    with a missing y are ignored.

    References
    ----------
    .. [1] Dempster, Laird & Rubin (1977). Maximum likelihood from incomplete data via the EM
       algorithm. JRSS B 39:1-38.
    .. [2] Patterson & Thompson (1971). Recovery of inter-block information when block sizes are
       unequal. Biometrika 58:545-554.
    .. [3] Jensen, Mantysaari, Madsen & Thompson (1997). Residual maximum likelihood estimation of
       (co)variance components in multivariate mixed linear models using average information.
       J. Indian Soc. Agric. Stat. 49:215-236.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=200, p=20, n_causal=20, random_seed=1)
    >>> fit = blr.fit_em(blr.single_component(data.X, data.y))
    >>> bool(fit["fit/converged"])
    True
    >>> fit["estimate/beta"].dims, list(fit["standard_error"].data_vars)
    (('feature',), ['mu', 'tau2', 'sigma2', 'beta'])
    """
    tol = Number(above=0, default=1e-8).check("tol", tol)
    max_iter = Integer(1, default=10_000).check("max_iter", max_iter)
    accelerate = Flag(default=True).check("accelerate", accelerate)
    model = find_model(model)
    mixed = read_model(model)
    search = Search(RestrictedLikelihood(mixed), tol, max_iter, accelerate)
    search.run()
    return _result(model, mixed, search)


@dataclass(eq=False)
class Search:
    """The iterations: current point, and values of L."""

    likelihood: RestrictedLikelihood
    tol: float
    max_iter: int
    accelerate: bool
    converged: bool = False
    values: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fixed = ~np.isnan(_given(self.likelihood))
        self.free = ~self.fixed
        starts = (self.likelihood.at(_start(self.likelihood, h2)) for h2 in (0.5, 0.1, 0.9))
        self.move_to(max(starts, key=lambda point: point.value))

    def move_to(self, point: Point) -> None:
        """Take a point as the current one."""
        self.point = point
        self.values.append(self.likelihood.log_likelihood(point.value))

    def run(self) -> None:
        """Iterate until the slopes vanish, and no small variance can be set to 0."""
        while len(self.values) <= self.max_iter:
            steepest = self.steepest()
            zero = self._try_zeros() if steepest <= self.tol else None
            if steepest <= self.tol and zero is None:
                self.converged = True
                return
            self.move_to(self.step() if zero is None else zero)
        warn_user(
            f"fit_em has not converged after max_iter={self.max_iter} iterations: the largest "
            f"slope is {self.steepest():.2g}, tol={self.tol:g}. Raise max_iter"
            + ("." if self.accelerate else ", or use accelerate=True.")
        )

    def steepest(self) -> float:
        """Largest slope of L by log theta, or by theta where L increases with a small one."""
        theta, score = self.point.theta, self.point.score
        size = np.where(score > 0, np.maximum(theta, _SMALL), theta)
        return float(np.abs(size * score)[self.free].max(initial=0.0))

    def step(self) -> Point:
        """One step of EM, or a longer one that is at least as good."""
        theta, score = self.point.theta, self.point.score
        steps = np.where(self.free, 2 * theta**2 / self.likelihood.sizes * score, 0.0)
        em = self.likelihood.at(theta + steps)
        if not self.accelerate:
            return em
        for damping in _DAMPING:
            step = self._average_information_step(damping)
            if step is None:
                continue
            jump = self.likelihood.at(theta + step)
            if jump.value >= em.value - _SLACK * abs(em.value):
                return jump
        return em

    def _average_information_step(self, damping: float) -> np.ndarray | None:
        """Newton's step with the average information; None where it needs more damping."""
        # No variance falls below 1% of itself. If one would, it is moved there, and the others take
        # the best step given that. If L increases with it, the information needs more damping.
        point, step = self.point, np.zeros(len(self.free))
        moving, lowest = self.free.copy(), -_FALL * point.theta
        average = point.average + damping * np.diag(np.diag(point.average))
        while moving.any():
            gradient = (point.score - average @ np.where(moving, 0.0, step))[moving]
            step[moving] = _solve(average[np.ix_(moving, moving)], gradient)
            low = moving & (step < lowest)
            if not low.any():
                break
            low &= point.score <= 0
            if not low.any():
                return None
            step[low] = lowest[low]
            moving &= ~low
        return step

    def _try_zeros(self) -> Point | None:
        """Set one of the small variances to 0 if L does not decrease."""
        for i in np.flatnonzero(self.free & (self.point.theta > 0) & (self.point.theta < _SMALL)):
            theta = np.where(np.arange(len(self.free)) == i, 0.0, self.point.theta)
            point = self.likelihood.at(theta)
            if point.value >= self.point.value and point.score[i] <= 0:
                return point
        return None


def _given(likelihood: RestrictedLikelihood) -> np.ndarray:
    """Values of theta that the model fixes; NaN for the others."""
    model = likelihood.model
    sigma2 = np.nan if model.sigma2 is None else model.sigma2
    tau2 = np.full(model.n_variances, np.nan) if model.tau2 is None else model.tau2
    return np.r_[sigma2, tau2] / likelihood.units


def _start(likelihood: RestrictedLikelihood, h2: float) -> np.ndarray:
    """Start with the share h2 on the features, in equal parts, but for variances that are fixed."""
    given, size = _given(likelihood), likelihood.model.n_variances
    return np.where(np.isnan(given), np.r_[1 - h2, np.full(size, h2 / size)], given)


def _solve(information: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Solve after scaling (rows of small variances vanish); the matrix may be singular."""
    size = np.sqrt(np.diag(information))
    size = np.where(size > 0, size, 1.0)
    return np.linalg.lstsq(information / np.outer(size, size), gradient / size, 1e-12)[0] / size


# The result


def _result(model: pm.Model, mixed: MixedModel, search: Search) -> xr.DataTree:
    theta, units = search.point.theta, search.likelihood.units
    variances, errors = theta * units, _variance_errors(search) * units
    estimates, sds = _effects(search.likelihood, theta)
    dims = {"tau2": mixed.tau2_dims, "beta": ("feature",), "gamma": ("covariate",)}
    coords = {
        d[0]: np.asarray(model.coords[d[0]]) for d in dims.values() if d and d[0] in model.coords
    }
    groups = {}
    for name, group, values in (
        ("estimate", estimates, variances),
        ("standard_error", sds, errors),
    ):
        tau2 = values[1:] if mixed.tau2_dims else values[1]
        parts = {"mu": group["mu"], "gamma": group["gamma"], "tau2": tau2, "sigma2": values[0]}
        parts["beta"] = group["beta"] / mixed.x_scale
        groups[name] = xr.Dataset(
            {k: (dims.get(k, ()), v) for k, v in parts.items() if np.size(v)}, coords=coords
        )
    return xr.DataTree.from_dict({**groups, "fit": _fit_group(mixed, search, variances)})


def _fit_group(mixed: MixedModel, search: Search, variances: np.ndarray) -> xr.Dataset:
    explained = float(variances[1:][mixed.index] @ mixed.x_variance)
    return xr.Dataset(
        {
            "log_restricted_likelihood": ("iteration", np.array(search.values)),
            "converged": search.converged,
            "n_iter": len(search.values) - 1,
            "h2": explained / (explained + variances[0]),
        },
        coords={"iteration": np.arange(len(search.values))},
    )


def _variance_errors(search: Search) -> np.ndarray:
    """Standard errors of theta: 0 if fixed, NaN at the boundary."""
    free, theta = search.free, search.point.theta
    errors = np.where(search.fixed, 0.0, np.nan)
    free = free & (theta > 0)
    if not free.any():
        return errors
    scale = np.outer(theta[free], theta[free])
    information = search.likelihood.observed(search.point)[np.ix_(free, free)] * scale
    eigenvalues, vectors = np.linalg.eigh(information)
    if eigenvalues[0] <= _SINGULAR * eigenvalues[-1]:
        if search.converged:
            warn_user(
                "fit_em found variances that the data cannot tell apart: their restricted "
                "likelihood has a ridge, the estimates are one point on it, and their standard "
                "errors are NaN. Fix one of the variances, or sample the model."
            )
        return errors
    errors[free] = theta[free] * np.sqrt(np.sum(vectors**2 / eigenvalues, axis=1))
    return errors


def _effects(
    likelihood: RestrictedLikelihood, theta: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Posterior means and SDs of beta, mu and gamma given the variances."""
    model, (sigma2, *tau2) = likelihood.model, theta * likelihood.units
    D = np.array(tau2)[model.index]
    # A has units of its own: `prior` is in these units, and `unit` converts back.
    prior = theta[1:][model.index]
    unit = np.sqrt(likelihood.units[1:])[model.index]
    S = likelihood.covariance(theta)
    T = S.whiten(likelihood.A * prior)  # L^-1 A D
    beta = unit * (S.whiten(likelihood.z[:, None])[:, 0] @ T)
    variance = D - unit**2 * np.sum(T**2, axis=0)
    fixed, fixed_sd = _fixed_effects(likelihood, beta, sigma2, D, T * unit)
    sd = np.sqrt(variance.clip(min=0.0))
    return {**fixed, "beta": beta}, {**fixed_sd, "beta": sd}


def _fixed_effects(
    likelihood: RestrictedLikelihood, beta: np.ndarray, sigma2: float, D: np.ndarray, T: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Generalized least squares of y - X beta, and its SDs, which include those of beta."""
    model = likelihood.model
    invert = scipy.linalg.solve_triangular(likelihood.R, likelihood.Q.T)  # of F, (fixed, obs)
    value = invert @ (model.y - model.X @ beta)
    H = invert @ model.X
    variance = sigma2 * np.sum(invert**2, axis=1) + H**2 @ D - np.sum((H @ T.T) ** 2, axis=1)
    return _place(model, value), _place(model, np.sqrt(variance.clip(min=0.0)), error=True)


def _place(model: MixedModel, values: np.ndarray, error: bool = False) -> dict[str, np.ndarray]:
    """Estimates (or errors) of mu and gamma by name; a fixed one has its value (error 0)."""
    found, start = {}, 0
    for name, given, size in (("mu", model.mu, 1), ("gamma", model.gamma, None)):
        if given is None:
            stop = len(values) if size is None else start + size
            found[name], start = values[start:stop], stop
        else:
            found[name] = np.zeros_like(given) if error else given
    return found | {"mu": found["mu"].reshape(())}
