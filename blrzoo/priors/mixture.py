"""The multiple-component prior: zero, or one of several normals."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pytensor.tensor.variable import TensorVariable

from blrzoo.checks import Flag, Integer
from blrzoo.priors import conjugate
from blrzoo.priors.base import MixturePrior, Variables
from blrzoo.priors.computed import Computed
from blrzoo.priors.counting import count, total
from blrzoo.priors.given import Labelled, Ordered, Parameter, in_order, ordered
from blrzoo.priors.multivariate.weights import MOST_COMPONENTS, check_reached, check_weights
from blrzoo.priors.parameters import (
    LEAST,
    SIMPLEX,
    VARIANCE,
    check_parameter,
    numbers_of,
    parameter,
    prior_means,
)
from blrzoo.priors.scale import DataSummary
from blrzoo.priors.sparsity import default_dirichlet, default_share, scaled_shares

__all__ = ["MultipleComponent"]


class MultipleComponent(MixturePrior):
    r"""Effects are zero, or from one of several normals: small, medium and large effects.

    Density
        :math:`\beta_j | k_j \sim N(0, \tau^2_{k_j})`, :math:`P(k_j = k) = \pi_k`,
        :math:`\tau^2_0 = 0`, :math:`\pi \sim Dirichlet(a)`, and for k > 0 either
        :math:`\tau^2_k \sim` scaled-inverse-:math:`\chi^2(\nu, S^2_k)`, or
        :math:`\tau^2_k = \tau^2 r_k` with fixed ratios :math:`r_k` and one common
        :math:`\tau^2 \sim` scaled-inverse-:math:`\chi^2(\nu, S^2)` (BayesR).
    Full conditionals
        With :math:`m_k` effects in component k:
        :math:`\tau^2_k | rest \sim` scaled-inverse-:math:`\chi^2(\nu + m_k,
        (\nu S^2_k + \sum_{k_j = k} \beta_j^2) / (\nu + m_k))`; with ratios,
        :math:`\nu + \sum_{k>0} m_k` and :math:`\sum_j \beta_j^2 / r_{k_j}` replace these;
        :math:`\pi | rest \sim Dirichlet(a + m)`; labels and effects as in `MixturePrior`.
    Other names
        BayesR (hibayes, qgg; with ratios), Bayesian multiple-component regression.

    Parameters
    ----------
    n_components : int, optional
        Number of components K, including the null, at most 100. Default: 4, or set by `ratios`.
    tau2 : None, array, (nu, S2) or ``.dist()``
        Variances of the components except the null, (slab), from small to large; with `ratios`
        the common tau2, (). Default ``(4, S2)`` with prior means ``2 S2 = r_k v`` and
        r_k = ..., 0.01, 0.1, 1, or with `ratios` ``2 S2 = v``. X is expected to explain h2:
        ``v = h2 var(y) / (max(p sum_k q_k r_k, 1) mean_j var(x_j))``, where q_k is ``E[pi_k]`` if
        `pi` is given, else ``s / (p (K - 1))`` with ``s = min(p / 2, sqrt(n))`` (``1 / K`` without
        a null). Values with labels are joined to the numbers 1 to K - 1 by label.
    pi : None, array, tuple or ``.dist()``
        Probabilities of the components, (component); a tuple has the parameters a of the
        Dirichlet prior, one for each component. Default ``1 / min(K - 1, 16)`` for each normal,
        and for the null their sum times ``b = sqrt((p - s) / s)``: up to K = 17, P(effect is not
        zero) ~ Beta(1, b). All 1 without a null. Values with labels are joined to the numbers 0
        to K - 1 by label.
    ratios : sequence of float, optional
        Variances of the components relative to the common tau2, with or without a leading 0 for
        the null, for instance ``(0, 0.01, 0.1, 1)``. Labels of a Series are the numbers of the
        components, from 0 (the null) or from 1. Default: each component learns its own variance.
    null : bool, default True
        Whether there is a null component. If not, `n_components` counts normals, `pi` is for
        these, and label 0 has probability 0.

    Raises
    ------
    ValueError, TypeError
        For variances that are not positive, probabilities that do not sum to 1, fewer than two
        components (one without a null), and numbers of components that do not agree.

    References
    ----------
    .. [1] Erbe et al. (2012). Improving accuracy of genomic predictions within and between dairy
       cattle breeds. J. Dairy Sci. 95:4114-4129.
    .. [2] Moser et al. (2015). Simultaneous discovery, estimation and prediction analysis of
       complex traits using a Bayesian mixture model. PLoS Genetics 11:e1004969.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> bayes_r = blr.priors.MultipleComponent(ratios=(0, 0.01, 0.1, 1))
    >>> model = blr.regression(data.X, data.y, prior=bayes_r)
    >>> sorted(rv.name for rv in model.free_RVs)
    ['beta', 'label', 'mu', 'pi', 'sigma2', 'tau2_common']
    """

    #: Dims of the hyperparameters before "component" or "slab", their lengths, and the place of
    #: each feature in them.
    group_dims: tuple[str, ...] = ()
    group_shape: tuple[int, ...] = ()
    group_index: np.ndarray | int = 0

    scales: Mapping[str, float] = MappingProxyType({"tau2_slab": 2.0, "tau2_common": 2.0})

    def __init__(
        self,
        *,
        n_components: int | None = None,
        tau2: Parameter = None,
        pi: Parameter = None,
        ratios: ArrayLike | None = None,
        null: bool = True,
    ) -> None:
        self.null = Flag(default=True).check("null", null)
        self.ratios = None if ratios is None else _check_ratios(ratios)
        self.n_slabs = _count_slabs(n_components, self.ratios, self.null)
        self.tau2 = check_parameter("tau2", tau2, VARIANCE)
        self.pi = check_weights(pi, "component")

    def bind(self, data: DataSummary, h2: float) -> Self:
        """Join `pi` to the numbers of the components by label."""
        bound = super().bind(data, h2)
        bound.pi = self.pi_in_order({})
        check_reached(bound.pi, np.arange(self.n_slabs + self.null) >= self.null, "components")
        return bound

    def pi_in_order(self, coords: Mapping[str, np.ndarray]) -> Ordered:
        """Return `pi` in the order of the components and of the coordinates."""
        numbered = np.arange(1 - self.null, self.n_slabs + 1)
        dims = (*self.pi_dims, "component")
        return in_order("pi", self.pi, dims, {**coords, "component": numbered})

    def variables(self) -> Variables:
        """Make the variances and the probabilities of the components."""
        model = pm.modelcontext(None)
        model.add_coord("component", np.arange(self.n_slabs + 1))
        if self.ratios is None or not self.null:
            model.add_coord("slab", np.arange(1, self.n_slabs + 1))
        return {**self.variances(), **self.probabilities()}

    def variances(self) -> Variables:
        """Make ``tau2``, 0 for the null, from ``tau2_slab`` or ``tau2_common``."""
        if self.ratios is None:
            v = self.default_slabs()
            S2 = np.broadcast_to(v.value / 2, (*self.group_shape, self.n_slabs))
            default = v.then((4.0, S2), "nu = 4", "S2 = relative * v / 2")
            learned = self.learned_variance("tau2_slab", default, (*self.group_dims, "slab"))
            slabs = learned["tau2_slab"]
        else:
            v = self.default_common()
            S2 = np.broadcast_to(v.value / 2, self.group_shape)
            default = v.then((4.0, S2), "nu = 4", "S2 = v / 2")
            learned = self.learned_variance("tau2_common", default, self.group_dims)
            slabs = learned["tau2_common"][..., None] * self.ratios
        tau2 = pt.concatenate([pt.zeros_like(slabs[..., :1]), slabs], axis=-1)
        dims = (*self.group_dims, "component")
        return {**learned, "tau2": pm.Deterministic("tau2", tau2, dims=dims)}

    def learned_variance(self, name: str, default: Computed, dims: tuple[str, ...]) -> Variables:
        """Make the variances that are learned; a subclass may add a hierarchy."""
        argument = "tau2"
        return {name: parameter(name, self.tau2, VARIANCE, default, dims or None, argument)}

    def probabilities(self) -> Variables:
        """Make ``pi``, without a null from ``pi_slab``."""
        dims = (*self.pi_dims, "component")
        default = self._default_pi()
        if self.null:
            return {"pi": parameter("pi", self.pi, SIMPLEX, default, dims=dims)}
        slabs = parameter("pi_slab", self.pi, SIMPLEX, default, (*self.pi_dims, "slab"), "pi")
        pi = pt.concatenate([pt.zeros_like(slabs[..., :1]), slabs], axis=-1)
        return {"pi_slab": slabs, "pi": pm.Deterministic("pi", pi, dims=dims)}

    @property
    def pi_dims(self) -> tuple[str, ...]:
        """Dims of the probabilities before "component"."""
        return self.group_dims

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """Variances and log probabilities of the components, by feature if there are groups."""
        tau2, log_pi = v["tau2"], pt.log(v["pi"])
        if self.group_dims:
            tau2 = tau2[self.group_index]
        return tau2, log_pi[self.group_index] if self.pi_dims else log_pi

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of variances and probabilities, given effects and labels."""
        shape = (*self.group_shape, self.n_slabs + 1)
        cell = self.group_index * shape[-1] + v["label"]
        counts, sums = count(cell, shape), total(effects**2, cell, shape)
        if self.ratios is None:
            found = {v["tau2_slab"]: (counts[..., 1:], sums[..., 1:])}
        else:
            scaled = (sums[..., 1:] / self.ratios).sum(axis=-1)
            found = {v["tau2_common"]: (counts[..., 1:].sum(axis=-1), scaled)}
        updates = {rv: conjugate.inverse_gamma(rv, *given) for rv, given in found.items()}
        if self.group_dims and not self.pi_dims:
            counts = counts.sum(axis=0)
        pi, counts = (v["pi"], counts) if self.null else (v["pi_slab"], counts[..., 1:])
        return {**updates, pi: conjugate.dirichlet(pi, counts)}

    def default_slabs(self) -> Computed:
        """Prior means of the slabs' variances, (slab), each ten times the one before."""
        relative = 10.0 ** np.arange(1 - self.n_slabs, 1)
        v = self.scaled_for(self._share(relative=relative))
        return v.then(v.value * relative)

    def default_common(self) -> Computed:
        """Prior mean of the common variance of slabs with fixed ratios."""
        return self.scaled_for(self._share(ratios=self.ratios))

    def _share(self, **sizes: Any) -> Computed:
        """Sum over slabs of mean probability times size, relative to the largest or common."""
        ((name, size),) = sizes.items()
        means, m = self._mean_pi(), self.n_slabs
        if self.pi is not None:
            each = Computed(means, (), {"mean_pi": means})
        elif self.null:
            each = default_share(self.data, means, "any").then(means, "mean_pi = any / m", m=m)
        else:
            each = Computed(means, ("mean_pi = 1 / m",), {"m": m})
        return each.then(means @ size, f"share = sum(mean_pi * {name})", **sizes)

    def _default_pi(self) -> Computed:
        """Parameters of the default Dirichlet prior of the components."""
        return default_dirichlet(self.data, self._affected())

    def _affected(self) -> np.ndarray:
        """Whether a component has effects, for each that has a probability."""
        return np.arange(self.n_slabs + self.null) >= self.null

    def _mean_pi(self) -> np.ndarray:
        """Prior means of the probabilities of the slabs, (slab), averaged over groups."""
        n = self.n_slabs + self.null
        means = prior_means(self.pi, SIMPLEX, (scaled_shares(self.data, self._affected()),))
        means = means.reshape(-1, means.shape[-1]).mean(axis=0)
        if means.size != n:
            raise ValueError(
                f"pi must have one value for each of the {n} components, got {means.size}. Pass "
                f"n_components=, or as many values as there are components."
            )
        return means[-self.n_slabs :]


def _check_ratios(ratios: ArrayLike) -> np.ndarray:
    remedy = "Pass for instance ratios=(0, 0.01, 0.1, 1)."
    given = list(ratios) if isinstance(ratios, tuple) else ratios
    values = _by_number(numbers_of("ratios", given, "a sequence of numbers", remedy))
    values = values[1:] if values.ndim == 1 and values.size and values[0] == 0 else values
    if values.ndim != 1 or not values.size or not ((values >= LEAST) & (values <= 1 / LEAST)).all():
        raise ValueError(
            f"ratios must be positive numbers (from {LEAST:g} to {1 / LEAST:g}), with or without a "
            f"leading 0 for the null, got {ratios!r}. {remedy}"
        )
    return values


def _by_number(ratios: np.ndarray | Labelled) -> np.ndarray:
    """Order ratios by their labels, numbers of the components from 0 (the null) or from 1."""
    if not isinstance(ratios, Labelled):
        return ratios
    labels = ratios.labels[-1]
    first = 0 if labels is not None and 0 in labels else 1
    numbered = range(first, first + ratios.values.shape[-1])
    values = ordered("ratios", ratios, (numbered,), "numbers of the components")
    if first == 0 and values[..., 0].any():
        raise ValueError(
            f"ratios must be 0 for component 0, the null, got {values[..., 0]}. Number the other "
            f"components from 1, or pass ratios.to_numpy() to go by position."
        )
    return values


def _count_slabs(n_components: int | None, ratios: np.ndarray | None, null: bool) -> int:
    if n_components is None:
        n_components = 4 if ratios is None else ratios.size + null
    count = Integer(1 + null, MOST_COMPONENTS, default=4, advice="Pass for instance 2 to 5.")
    slabs = count.check("n_components", n_components) - null
    if ratios is not None and slabs != ratios.size:
        raise ValueError(
            f"n_components must be as many as ratios says, {ratios.size + null}, got "
            f"{n_components!r}. Leave it out, or pass {slabs} ratios without the null's 0."
        )
    return slabs
