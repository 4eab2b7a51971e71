"""Hierarchical priors: variances, and mixtures of them, for each group of features."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pymc as pm
from numpy.typing import ArrayLike
from pytensor.tensor.variable import TensorVariable

from blrzoo.checks import Flag
from blrzoo.priors import conjugate
from blrzoo.priors.base import Prior, Variables
from blrzoo.priors.computed import Computed
from blrzoo.priors.counting import total
from blrzoo.priors.given import Checked, Parameter, in_order
from blrzoo.priors.groups import Groups
from blrzoo.priors.mixture import MultipleComponent
from blrzoo.priors.parameters import (
    VARIANCE,
    check_parameter,
    conjugate_prior,
    dims_shape,
    parameter,
)
from blrzoo.priors.positive import GAMMA
from blrzoo.priors.scale import DataSummary

__all__ = ["HierarchicalMixture", "HierarchicalRidge"]


class _Pooled:
    """A learned common scale S2 of the groups' variances: small groups borrow from the others.

    ``tau2_g ~ scaled-inverse-chi2(nu, S2)``, ``S2 ~ Exponential`` with the default or given S2 as
    its mean, so ``S2 | rest ~ Gamma(1 + nu G / 2, rate + sum_g nu / (2 tau2_g))``.
    """

    def __init__(self, pooled: bool, tau2: Any) -> None:
        self.on = Flag(default=False).check("pooled", pooled)
        if self.on and not (tau2 is None or isinstance(tau2, tuple)):
            raise ValueError(
                f"pooled must be False where tau2 is fixed or has another prior, got "
                f"tau2={tau2!r}. Leave tau2 out, or pass (nu, S2)."
            )
        if self.on and tau2 is not None and np.ndim(tau2[0]):
            raise ValueError(
                f"tau2: nu must be one number where S2 is pooled, got shape {np.shape(tau2[0])}. "
                f"Pass one number for all groups, or pooled=False."
            )

    def variance(
        self, name: str, value: Checked, default: Computed, dims: tuple[str, ...]
    ) -> Variables:
        """Make the variances and, if pooled, their scale, which has the dims after the group."""
        if not self.on:
            return {
                name: parameter(name, value, VARIANCE, default, dims=dims or None, argument="tau2")
            }
        given = in_order("tau2", value, dims, pm.modelcontext(None).coords)
        nu, S2 = default.value if given is None else given
        values = 1.0, 1 / _common("S2", S2, dims_shape(dims))
        how = default if given is None else None
        how = how and how.then(values, "shape = 1", "rate = 1 / S2")
        scale = conjugate_prior("S2", GAMMA, values, dims[1:] or None, how)
        return {name: conjugate_prior(name, VARIANCE, (nu, scale), dims), "S2": scale}

    def conditionals(
        self, v: Variables, name: str, tau2: Any
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditional of the scale, given the variances."""
        if not self.on:
            return {}
        nu = 4.0 if tau2 is None else tau2[0]
        precision = (nu / (2 * v[name])).sum(axis=0)
        return {v["S2"]: conjugate.gamma(v["S2"], (nu / 2) * v[name].shape[0], precision)}


def _common(field: str, value: np.ndarray | float, shape: tuple[int, ...]) -> np.ndarray:
    """Value of a pooled parameter, which must be the same in all groups, the first dim."""
    if np.shape(value) not in ((), shape, shape[1:]):
        raise ValueError(
            f"tau2: {field} must have shape () or {shape}, got shape {np.shape(value)}. Pass one "
            f"number for all groups."
        )
    every = np.broadcast_to(value, shape)
    if (every != every[0]).any():
        raise ValueError(
            f"tau2: {field} must be the same in all groups where it is pooled, got {value}. Pass "
            f"one number for all groups, or pooled=False."
        )
    return every[0]


class HierarchicalRidge(Prior):
    r"""A variance for each group of features (hierarchical BLR with one component).

    Density
        :math:`\beta_j | \tau^2 \sim N(0, \tau^2_{g(j)})`,
        :math:`\tau^2_g \sim` scaled-inverse-:math:`\chi^2(\nu, S^2)`; with `pooled`, S2 is
        learned, :math:`S^2 \sim Exponential`.
    Full conditionals
        With :math:`p_g` features in group g of G: :math:`\tau^2_g | rest \sim`
        scaled-inverse-:math:`\chi^2(\nu + p_g, (\nu S^2 + \sum_{g(j)=g} \beta_j^2) /
        (\nu + p_g))`; :math:`S^2 | rest \sim Gamma(1 + \nu G / 2, 1/E[S^2] +
        \sum_g \nu / (2 \tau^2_g))`; :math:`\beta` as in `Prior`, feature by feature.
    Other names
        Group ridge, multi-kernel GBLUP, BRR with several terms of ETA (BGLR), BayesN with sets.

    Parameters
    ----------
    groups : array-like, (feature,)
        Label of each feature's group. A Series or DataArray is joined to the features by label;
        it may have further features.
    tau2 : None, array, (nu, S2) or ``.dist()``
        Variances of the effects by group, (group), in squared units of y per unit of x. Default
        ``(4, S2)`` with prior mean ``2 S2 = h2 var(y) / sum_j var(x_j)`` in each group. Values
        with labels are joined to the groups by label.
    pooled : bool, default False
        Whether the groups have a common learned scale S2, so that small groups borrow strength
        from the others. Its prior is exponential, with the value of S2 above as its mean. `tau2`
        must then be None or (nu, S2), the same in all groups.

    Raises
    ------
    ValueError, TypeError
        For groups that do not fit the features, a tau2 of a wrong type or out of range, and a
        fixed tau2 or a ``.dist()`` with `pooled`.

    References
    ----------
    .. [1] Speed & Balding (2014). MultiBLUP: improved SNP-based prediction for complex traits.
       Genome Research 24:1550-1557.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=4, n_causal=2, random_seed=1)
    >>> prior = blr.priors.HierarchicalRidge(["coding", "coding", "intron", "intron"], pooled=True)
    >>> model = blr.regression(data.X, data.y, prior=prior)
    >>> sorted(rv.name for rv in model.free_RVs)
    ['S2', 'beta', 'mu', 'sigma2', 'tau2']
    >>> model.named_vars_to_dims["tau2"]
    ('group',)
    """

    #: The groups, joined to the features by `bind`.
    groups: Groups

    scales: Mapping[str, float] = MappingProxyType({"tau2": 2.0, "S2": 2.0})

    def __init__(self, groups: ArrayLike, *, tau2: Parameter = None, pooled: bool = False) -> None:
        self.group_labels = groups
        self.tau2 = check_parameter("tau2", tau2, VARIANCE)
        self.pooled = _Pooled(pooled, self.tau2)

    def bind(self, data: DataSummary, h2: float) -> Self:
        """Join the groups to the features of the data."""
        bound = super().bind(data, h2)
        bound.groups = Groups.of(self.group_labels, data)
        return bound

    def variables(self) -> Variables:
        """Make ``tau2`` and, if pooled, ``S2``."""
        self.groups.add_to_model()
        v = self.expected_variance()
        default = v.then((4.0, v.value / 2), "nu = 4", "S2 = v / 2")
        return self.pooled.variance("tau2", self.tau2, default, ("group",))

    def variance(self, v: Variables) -> TensorVariable:
        """Variance of each effect: that of its group."""
        return v["tau2"][self.groups.index]

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of ``tau2`` given the effects and, if pooled, of ``S2``."""
        sums = total(effects**2, self.groups.index, self.groups.sizes.shape)
        update = conjugate.inverse_gamma(v["tau2"], self.groups.sizes, sums)
        return {v["tau2"]: update, **self.pooled.conditionals(v, "tau2", self.tau2)}


class HierarchicalMixture(MultipleComponent):
    r"""A mixture of variances for each group of features (hierarchical BLR, BayesRC).

    Density
        :math:`\beta_j | k_j \sim N(0, \tau^2_{g(j) k_j})`, :math:`P(k_j = k) = \pi_{g(j) k}`,
        :math:`\tau^2_{g0} = 0`, :math:`\pi_g \sim Dirichlet(a)`, and for k > 0 either
        :math:`\tau^2_{gk} \sim` scaled-inverse-:math:`\chi^2(\nu, S^2_k)`, or
        :math:`\tau^2_{gk} = \tau^2_g r_k` with fixed ratios :math:`r_k` and
        :math:`\tau^2_g \sim` scaled-inverse-:math:`\chi^2(\nu, S^2)`. With `pooled` the scales
        are learned, :math:`S^2_k \sim Exponential`; with `shared_pi` all groups have one
        :math:`\pi`.
    Full conditionals
        Of variances and probabilities as in `MultipleComponent`, with the effects of each group
        (of all groups for a shared :math:`\pi`); of the scales as in `HierarchicalRidge`.
    Other names
        BayesRC, hierarchical BLR with biological priors.

    Parameters
    ----------
    groups : array-like, (feature,)
        Label of each feature's group. A Series or DataArray is joined to the features by label;
        it may have further features.
    shared_pi : bool, default False
        Whether all groups have the same probabilities `pi`, (component).
    pooled : bool, default False
        Whether the groups have common learned scales S2, (slab) or with `ratios` (), so that
        small groups borrow strength from the others. Their priors are exponential, with the
        values of S2 below as means. `tau2` must then be None or (nu, S2), the same in all groups.
    n_components : int, optional
        Number of components K, including the null, at most 100. Default: 4, or set by `ratios`.
    tau2 : None, array, (nu, S2) or ``.dist()``
        Variances of the components except the null, (group, slab); with `ratios` the common one,
        (group). Default ``(4, S2)`` with prior means ``2 S2 = r_k v`` and r_k = ..., 0.01, 0.1, 1,
        or with `ratios` ``2 S2 = v``. X is expected to explain h2:
        ``v = h2 var(y) / (max(p sum_k q_k r_k, 1) mean_j var(x_j))``, where q_k is ``E[pi_k]``
        (averaged over groups) if `pi` is given, else ``s / (p (K - 1))`` with
        ``s = min(p / 2, sqrt(n))`` (``1 / K`` without a null).
    pi : None, array, tuple or ``.dist()``
        Probabilities of the components, (group, component); a tuple has the parameters of the
        Dirichlet priors. Default ``1 / min(K - 1, 16)`` for each normal, and for the null their
        sum times ``sqrt((p - s) / s)``; all 1 without a null. Values with labels, of tau2 too, are
        joined to the groups and to the numbers of the components by label.
    ratios : sequence of float, optional
        Variances of the components relative to the common one of the group, with or without a
        leading 0 for the null. Default: each component learns its own variance.
    null : bool, default True
        Whether there is a null component. If not, `n_components` counts normals, `pi` is for
        these, and label 0 has probability 0.

    Raises
    ------
    ValueError, TypeError
        For groups that do not fit the features, values of a wrong type or out of range, numbers
        of components that do not agree, and a fixed tau2 or a ``.dist()`` with `pooled`.

    References
    ----------
    .. [1] MacLeod et al. (2016). Exploiting biological priors and sequence variants enhances QTL
       discovery and genomic prediction of complex traits. BMC Genomics 17:144.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=4, n_causal=2, random_seed=1)
    >>> prior = blr.priors.HierarchicalMixture(
    ...     ["coding", "coding", "intron", "intron"], n_components=2
    ... )
    >>> model = blr.regression(data.X, data.y, prior=prior)
    >>> model.named_vars_to_dims["tau2"], model.named_vars_to_dims["pi"]
    (('group', 'component'), ('group', 'component'))
    """

    group_dims = ("group",)

    #: The groups, joined to the features by `bind`.
    groups: Groups

    scales: Mapping[str, float] = MappingProxyType(
        {"tau2_slab": 2.0, "tau2_common": 2.0, "S2": 2.0}
    )

    def __init__(
        self, groups: ArrayLike, *, shared_pi: bool = False, pooled: bool = False, **mixture: Any
    ) -> None:
        super().__init__(**mixture)
        self.group_labels = groups
        self.shared_pi = Flag(default=False).check("shared_pi", shared_pi)
        self.pooled = _Pooled(pooled, self.tau2)

    def bind(self, data: DataSummary, h2: float) -> Self:
        """Join the groups to the features of the data."""
        bound = super().bind(data, h2)
        bound.groups = Groups.of(self.group_labels, data)
        bound.group_index, bound.group_shape = bound.groups.index, bound.groups.sizes.shape
        bound.pi = self.pi_in_order({"group": bound.groups.names})
        return bound

    def variables(self) -> Variables:
        """Make variances and probabilities of the components, by group."""
        self.groups.add_to_model()
        return super().variables()

    def learned_variance(self, name: str, default: Computed, dims: tuple[str, ...]) -> Variables:
        """Make the variances that are learned and, if pooled, their scales."""
        return self.pooled.variance(name, self.tau2, default, dims)

    @property
    def pi_dims(self) -> tuple[str, ...]:
        """Dims of the probabilities before "component"."""
        return () if self.shared_pi else self.group_dims

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of variances, probabilities and, if pooled, scales."""
        name = "tau2_slab" if self.ratios is None else "tau2_common"
        scales = self.pooled.conditionals(v, name, self.tau2)
        return super().conditionals(v, effects) | scales
