"""Base classes of priors of effects on several traits."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.priors.base import Prior, Variables
from blrzoo.priors.computed import Computed
from blrzoo.priors.multivariate.shapes import (
    check_group_index,
    check_projections,
    check_returned,
)

__all__ = ["Cells", "MultivariateMixturePrior", "MultivariatePrior"]


class Cells(NamedTuple):
    """What the sweep needs of a prior: ``alpha_j ~ N(0, slabs[g(j), k])``, ``b_j = P_k alpha_j``.

    slabs (group, component, trait, trait), projections P (component, trait, trait), groups
    (feature,) and log_weights (feature, component).
    """

    slabs: TensorVariable
    projections: TensorVariable
    groups: TensorVariable
    log_weights: TensorVariable


class MultivariatePrior(Prior):
    r"""A multivariate normal prior of the effects on T traits; subclass it to write your own.

    Density
        :math:`b_j | \Sigma_{g(j)} \sim N_T(0, \Sigma_{g(j)})`, independently for each feature;
        one group unless a subclass says otherwise.
    Full conditionals
        With :math:`\Omega = \Sigma_e^{-1}`, :math:`D_j = x_j'x_j \Omega` and
        :math:`q_j = \Omega (R + x_j b_j')'x_j`: :math:`b_j | rest \sim N_T(C q_j, C)`,
        :math:`C = \Sigma (I + D_j \Sigma)^{-1}`, R the residuals. Those of hyperparameters are
        returned by `conditionals`; NUTS draws hyperparameters without one.

    A subclass has up to three methods: `variables`, `covariance` and, optionally, `conditionals`.
    While they run, ``self.data`` describes the data of the model: the numbers ``n`` of
    observations, ``p`` of features and ``n_traits``, the labels ``coords`` by dim, and the sample
    variances ``y_variance`` (trait,) and ``x_variance`` (feature,). ``self.h2`` is the share of
    each trait's variance that X is expected to explain.

    Examples
    --------
    A ridge of two traits whose effects have standard deviations with half-normal priors, and a
    fixed correlation. NUTS draws the standard deviations, the Gibbs step everything else:

    >>> import numpy as np, pymc as pm, blrzoo as blr
    >>> class FixedCorrelation(blr.priors.MultivariatePrior):
    ...     def variables(self):
    ...         return {"sd": pm.HalfNormal("sd", 1.0, dims="trait")}
    ...
    ...     def covariance(self, v):
    ...         correlation = np.array([[1.0, 0.5], [0.5, 1.0]])
    ...         return correlation * v["sd"][:, None] * v["sd"][None, :]
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(20, 3))
    >>> model = blr.regression(X, X[:, :2] + rng.normal(size=(20, 2)), prior=FixedCorrelation())
    >>> sorted(rv.name for rv in model.free_RVs)
    ['Sigma_e', 'beta', 'mu', 'sd']
    """

    dims = ("feature", "trait")
    blocks: Mapping[str, str] = MappingProxyType({"single-site": "traits", "joint": "joint-traits"})

    #: Number of each feature's group, (feature,), if covariances differ by group.
    group_index: np.ndarray | None = None

    def covariance(self, v: Variables) -> TensorVariable:
        """Prior covariance of a feature's effects.

        Parameters
        ----------
        v : dict of str to variable
            What `variables` returned.

        Returns
        -------
        TensorVariable, (trait, trait_bis) or (group, trait, trait_bis)
            In products of units of effects; by group if ``self.group_index`` is set.
        """
        raise NotImplementedError(f"{type(self).__name__} must define covariance(self, v)")

    def variance(self, v: Variables) -> TensorVariable:
        """Raise: effects on several traits have a `covariance`."""
        raise NotImplementedError("effects on several traits have a covariance(), no variance()")

    def check(self, v: Variables) -> None:
        """Refuse covariances of other shapes than (group, component, trait, trait)."""
        T, slabs = self.data.n_traits, self.cells(v).slabs.type.shape
        if len(slabs) != 4 or not {*slabs[2:]} <= {None, T}:
            raise ValueError(
                f"prior must return covariances of {T} by {T} traits, got shape {slabs[2:]} from "
                f"{type(self).__name__}. Return (trait, trait_bis), or one for each group."
            )

    def is_common(self, v: Variables) -> bool:
        """Whether all effects have one normal distribution, so that they can be drawn jointly."""
        return self.label_name is None and self.group_index is None

    def effects(self, v: Variables) -> TensorVariable:
        """Make the effects in the model on the context, and return ``beta``."""
        covariance, index = self._covariances(v), self._group_index()
        if index is not None:
            covariance = covariance[index]
        return self.multivariate_normal("beta", covariance)

    def multivariate_normal(self, name: str, covariance: TensorVariable) -> TensorVariable:
        """Make effects with a covariance, or one for each feature, on the scale of the prior."""
        shape = (self.data.p, self.data.n_traits)
        if self.data.x_scale is not None:
            covariance = self.data.per_unit(
                self.data.per_unit(covariance + np.zeros((shape[0], 1, 1)))
            )
        return pm.MvNormal(name, np.zeros(shape), cov=covariance, dims=self.dims)

    def cells(self, v: Variables) -> Cells:
        """Arrays for the sweep."""
        T, one = self.data.n_traits, pt.zeros((self.data.size, 1))
        slabs = self._covariances(v).reshape((-1, 1, T, T))
        return Cells(slabs, pt.constant(np.eye(T)[None]), self._groups(), one)

    def _covariances(self, v: Variables) -> TensorVariable:
        """Return `covariance` of a checked shape: the sweep does not check it."""
        value, T = self.covariance(v), self.data.n_traits
        leads = (self._n_groups(),)
        return check_returned(type(self).__name__, "covariances", value, (T, T), leads)

    def _group_index(self) -> np.ndarray | None:
        return check_group_index(type(self).__name__, self.group_index, self.data.p)

    def _n_groups(self) -> int | None:
        index = self._group_index()
        return None if index is None else int(index.max()) + 1

    def _groups(self) -> TensorVariable:
        index = self._group_index()
        return pt.zeros(self.data.size, dtype="int64") if index is None else pt.constant(index)

    def default_covariance(self, inclusion: np.ndarray | float = 1.0) -> np.ndarray:
        """Covariance of an included effect such that X explains h2 of each trait's variance.

        Diagonal, ``h2 * var(y_t) / (max(inclusion_t * p, 1) * mean_j var(x_j))``.

        Parameters
        ----------
        inclusion : float or array, (trait,)
            Prior probability that a feature is included.

        Returns
        -------
        ndarray, (trait, trait_bis)
        """
        included = np.maximum(np.asarray(inclusion) * self.data.p, 1.0)
        mean = float(self.data.x_variance.mean())
        return np.diag(self.h2 * self.data.y_variance / (included * mean))

    def scaled_for(self, share: Computed) -> Computed:
        """`default_covariance` where a share is included, by trait, with its computation."""
        return self.how_scaled(share, self.default_covariance(share.value))

    def pseudo_covariance(self) -> np.ndarray:
        """Covariance of the pseudo-prior of excluded effects in a mixture: any constant one."""
        return self.default_covariance()


class MultivariateMixturePrior(MultivariatePrior):
    r"""A finite mixture of multivariate normals for the effects on T traits.

    Density
        :math:`b_j = P_{k_j} \alpha_j` with a projection :math:`P_k` of each component,
        :math:`\alpha_j | k_j = k \sim N_T(0, A_{g(j)k})` and
        :math:`P(k_j = k) = \pi_{g(j)k}`. So b_j has the covariance :math:`V_k = P_k A_k P_k`,
        which may be singular: with :math:`P = 0` the component is the null, with
        :math:`P = diag(1, 0)` it has an effect on the first trait only.
    Full conditionals
        :math:`\log P(k_j = k | rest) = \log \pi_k - \frac12 \log|I + D_j V_k| + \frac12 q_j'
        V_k (I + D_j V_k)^{-1} q_j + const`, the effects of all traits integrated out, then
        :math:`\alpha_j` from its normal given the drawn component (`MultivariatePrior` has D and
        q); coordinates that :math:`P_k` removes are drawn given the others.

    Where no trait is affected, alpha has a fixed pseudo-prior, which does not change the posterior
    of anything else. A subclass defines `projections` and `components` instead of `covariance`.
    """

    effects_name = "alpha"
    label_name = "label"

    def projections(self) -> np.ndarray:
        """Orthogonal projections, (component, trait, trait): the effects are ``P_k alpha``."""
        raise NotImplementedError(f"{type(self).__name__} must define projections(self)")

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """Covariances of alpha, and log weights of the components.

        Parameters
        ----------
        v : dict of str to variable
            What `variables` returned.

        Returns
        -------
        covariances : TensorVariable, ([group,] component, trait, trait_bis)
            Positive definite; that of the null is not used.
        log_weights : TensorVariable, ([group,] component), or without groups (feature, component)
            Logarithms of the prior probabilities.
        """
        raise NotImplementedError(f"{type(self).__name__} must define components(self, v)")

    @property
    def active(self) -> np.ndarray:
        """Whether a component has effects, (component,)."""
        return self.projections().any(axis=(1, 2))

    def included(self, label: TensorVariable) -> TensorVariable:
        """Whether each feature affects any trait, (feature,), from the value of the label."""
        return pt.constant(self.active)[self.index(label)]

    def labels(self, v: Variables, log_weights: TensorVariable) -> TensorVariable:
        """Make the labels in the model on the context."""
        return pm.Categorical("label", p=pt.exp(log_weights), dims="feature")

    def cells(self, v: Variables) -> Cells:
        """Arrays for the sweep."""
        projections = check_projections(type(self).__name__, self.projections(), self.data.n_traits)
        K, T = projections.shape[:2]
        covariances, log_weights = self._check_components(self.components(v), K)
        slabs = covariances.reshape((-1, K, T, T))
        for null in np.flatnonzero(~self.active):
            slabs = pt.set_subtensor(slabs[:, int(null)], self.pseudo_covariance())
        if log_weights.ndim == 2 and self.group_index is not None:
            log_weights = log_weights[self.group_index]
        log_weights = pt.broadcast_to(log_weights, (self.data.size, K))
        return Cells(slabs, pt.constant(projections.astype(float)), self._groups(), log_weights)

    def _check_components(
        self, found: tuple[TensorVariable, TensorVariable], K: int
    ) -> tuple[TensorVariable, TensorVariable]:
        """Return `components` as tensors of checked shapes, as many as there are projections."""
        name, T = type(self).__name__, self.data.n_traits
        groups = self._n_groups()
        leads = (None,) if groups is None else (None, groups)
        covariances = check_returned(name, "covariances", found[0], (K, T, T), leads)
        leads = (None, self.data.p if groups is None else groups)
        return covariances, check_returned(name, "log weights", found[1], (K,), leads)

    def effects(self, v: Variables) -> TensorVariable:
        """Make labels, ``alpha`` and ``beta`` in the model, and return ``beta``."""
        cells, dims = self.cells(v), self.dims
        v[self.label_name] = self.labels(v, cells.log_weights)
        k = self.index(v[self.label_name])
        alpha = v["alpha"] = self.multivariate_normal("alpha", cells.slabs[cells.groups, k])
        beta = pt.sum(cells.projections[k] * alpha[:, None, :], axis=-1)
        return pm.Deterministic("beta", beta, dims=dims)
