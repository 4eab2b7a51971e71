"""Mixtures of covariances for each group of features: hierarchical multivariate BLR."""

from collections.abc import Iterable, Sequence
from typing import Self

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pytensor.tensor.variable import TensorVariable

from blrzoo.checks import LeftOut
from blrzoo.priors import conjugate
from blrzoo.priors.base import Variables
from blrzoo.priors.computed import Computed
from blrzoo.priors.counting import count, total
from blrzoo.priors.covariance import check_covariance, covariance
from blrzoo.priors.given import Parameter, in_order
from blrzoo.priors.groups import Groups
from blrzoo.priors.multivariate.base import MultivariateMixturePrior
from blrzoo.priors.multivariate.canonical import Component, check_components, read_components
from blrzoo.priors.multivariate.ridge import outer
from blrzoo.priors.multivariate.weights import check_reached, check_weights, mean_weights
from blrzoo.priors.parameters import SIMPLEX, parameter
from blrzoo.priors.scale import DataSummary
from blrzoo.priors.sparsity import default_dirichlet, default_share, scaled_shares

__all__ = ["HierarchicalMultivariateMixture"]


class HierarchicalMultivariateMixture(MultivariateMixturePrior):
    r"""A mixture of covariances for each group of features, the first component the null.

    Density
        :math:`b_j | k_j = k \sim N_T(0, \Sigma_{b,g(j)k})`,
        :math:`P(k_j = k) = \pi_{g(j)k}`, :math:`\pi_g \sim Dirichlet(a)`. Covariances are
        learned, :math:`\Sigma_{b,gk} \sim` inverse-Wishart(:math:`\nu, S_k`), or fixed; fixed
        ones may be singular.
    Full conditionals
        With :math:`m_{gk}` features in component k of group g: :math:`\Sigma_{b,gk} | rest \sim
        IW(\nu + m_{gk}, S_k + \sum b_j b_j')`, the sum over these;
        :math:`\pi_g | rest \sim Dirichlet(a + m_g)`; labels and effects as one block (see
        `MultivariateMixturePrior`).
    Other names
        Multi-trait BayesR and BayesRC; with canonical components mashr's mixture, here for
        individual data and with all effects in one regression.

    Parameters
    ----------
    groups : array-like, (feature,)
        Label of each feature's group. A Series or DataArray is joined to the features by label;
        it may have further features.
    n_components : int, optional
        Number of components K, 2 to 100: a null and learned ones. Default 4, or set by
        `components`.
    components : list, optional
        Components instead of `n_components`: "null" (always there, also if not listed), "learned",
        the canonical "equal" (the same effect on all traits, in standard deviations), "each" (an
        effect on one trait only, a component for each trait) and "independent", and fixed
        covariance matrices (trait, trait_bis), which may be singular, in products of units of
        effects. Canonical ones have the variances diag(V) below.
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariances of the learned components, ([[group,] slab,] trait, trait_bis). Default
        ``(T + 3, S_k)`` with prior means ``S_k / 2 = r_k V``, with r_k = ..., 0.01, 0.1, 1 for the
        learned components (1 for fixed ones in the sum) and
        ``V = diag(h2 var(y_t) / (max(p sum_k q_k r_k, 1) mean_j var(x_j)))``, where q_k is
        ``E[pi_k]`` (averaged over groups) if `pi` is given, else ``s / (p (K - 1))`` with
        ``s = min(p / 2, sqrt(n))``.
    pi : None, array, (a_1, ..., a_K) or ``.dist()``
        Probabilities of the components, ([group,] component); a tuple has the parameters of the
        Dirichlet prior. Default ``1 / min(K - 1, 16)`` for each component except the null, and for
        the null their sum times ``sqrt((p - s) / s)``. Values with labels, of Sigma_b too, are
        joined to the groups, components, slabs and traits by label.

    Raises
    ------
    ValueError, TypeError
        For groups that do not fit the features, unknown components, values of a wrong type or out
        of range, and both `n_components` and `components`.

    References
    ----------
    .. [1] Urbut, Wang, Carbonetto & Stephens (2019). Flexible statistical methods for estimating
       and testing effects in genomic studies with multiple conditions. Nature Genetics 51:187-195.
    .. [2] MacLeod et al. (2016). Exploiting biological priors and sequence variants enhances QTL
       discovery and genomic prediction of complex traits. BMC Genomics 17:144.

    Examples
    --------
    >>> import numpy as np, blrzoo as blr
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(20, 4))
    >>> Y = X[:, :2] + rng.normal(size=(20, 2))
    >>> prior = blr.priors.HierarchicalMultivariateMixture(
    ...     ["exon", "exon", "intron", "intron"], components=["null", "equal", "learned"]
    ... )
    >>> model = blr.regression(X, Y, prior=prior)
    >>> model.named_vars_to_dims["Sigma_b"]
    ('group', 'component', 'trait', 'trait_bis')
    >>> list(model.coords["component"])
    ['null', 'equal', 'learned']
    """

    #: The groups, and the components of the traits at hand, made by `bind`.
    groups: Groups
    table: list[Component]

    def __init__(
        self,
        groups: ArrayLike,
        *,
        n_components: int | None = None,
        components: Sequence[ArrayLike] | None = None,
        Sigma_b: Parameter = None,
        pi: Parameter = None,
    ) -> None:
        self.group_labels, self.kinds = groups, check_components(n_components, components)
        self.Sigma_b = check_covariance("Sigma_b", Sigma_b)
        self.pi = check_weights(pi, "component")
        if not isinstance(self.kinds, int) and not _any_learned(self.kinds):
            where = f"where no component is learned, with components={components!r}"
            LeftOut(where, advice="Or add 'learned' to the components.").check("Sigma_b", Sigma_b)

    def bind(self, data: DataSummary, h2: float) -> Self:
        """Join the groups to the features, and list the components of the traits."""
        bound = super().bind(data, h2)
        bound.groups = Groups.of(self.group_labels, data)
        bound.group_index = bound.groups.index
        # The scale follows from the components' kinds: list them first, in any scale.
        traits = data.coords["trait"]
        bound.table = read_components(self.kinds, np.ones(data.n_traits), traits)
        coords: dict[str, Iterable[object]] = {
            "group": bound.groups.names,
            "component": [part.name for part in bound.table],
        }
        bound.pi = in_order("pi", self.pi, ("group", "component"), coords)
        check_reached(bound.pi, np.arange(len(bound.table)) > 0, "components")
        scale = np.sqrt(np.diag(bound._unit_covariance()))
        bound.table = read_components(self.kinds, scale, traits)
        return bound

    @property
    def learned(self) -> np.ndarray:
        """Numbers of the learned components."""
        return np.flatnonzero([part.covariance is None for part in self.table])

    def variables(self) -> Variables:
        """Make ``Sigma_b``, of ``Sigma_slab`` and fixed covariances, and ``pi`` of each group."""
        model = pm.modelcontext(None)
        self.groups.add_to_model()
        names = [part.name for part in self.table]
        model.add_coord("component", names)
        made = {}
        if self.learned.size:
            model.add_coord("slab", [names[k] for k in self.learned])
            dims = ("group", "slab", "trait", "trait_bis")
            made["Sigma_slab"] = covariance(
                "Sigma_slab", self.Sigma_b, self.slab_means(), dims, argument="Sigma_b"
            )
        dims = ("group", "component", "trait", "trait_bis")
        made["Sigma_b"] = pm.Deterministic(
            "Sigma_b", self._with_learned(made, self._fixed()), dims=dims
        )
        default = default_dirichlet(self.data, self._affected())
        by = ("group", "component")
        return {**made, "pi": parameter("pi", self.pi, SIMPLEX, default, dims=by)}

    def slab_means(self) -> Computed:
        """Prior means of the learned covariances, (slab, trait, trait_bis)."""
        relative = self._relative_sizes()
        means, m = self._mean_pi()[1:], len(self.table) - 1
        if self.pi is None:
            each = default_share(self.data, means, "any").then(means, "mean_pi = any / m", m=m)
        else:
            each = Computed(means, (), {"mean_pi": means})
        share = each.then(None, "share = sum(mean_pi * relative)", relative=relative[1:])
        unit, size = self._unit_covariance(), relative[self.learned]
        means_of_slabs = size[:, None, None] * unit
        scaled = self.how_scaled(share, unit)
        return scaled.then(means_of_slabs, "mean = outer(size, diag(v))", size=size)

    def projections(self) -> np.ndarray:
        """Projections onto the directions in which each component has effects."""
        T = self.data.n_traits
        return np.stack(
            [
                np.eye(T) if part.covariance is None else _range(part.covariance)
                for part in self.table
            ]
        )

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """Covariances of alpha, (group, component, ...), of full rank, and log probabilities."""
        outside = np.eye(self.data.n_traits) - self.projections()
        filled = self._fixed() + outside @ self.pseudo_covariance() @ outside
        return self._with_learned(v, filled), pt.log(v["pi"])

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of learned covariances and of ``pi``, given effects and labels."""
        shape = (len(self.groups.names), len(self.table))
        cell = self.groups.index * shape[1] + v["label"]
        counts, found = count(cell, shape), {}
        if self.learned.size:
            cross = total(outer(effects), cell, shape)[:, self.learned]
            slabs = v["Sigma_slab"]
            found[slabs] = conjugate.inverse_wishart(slabs, counts[:, self.learned], cross)
        return {**found, v["pi"]: conjugate.dirichlet(v["pi"], counts)}

    def pseudo_covariance(self) -> np.ndarray:
        """Prior mean of the covariance of an included effect."""
        return self.default_covariance(self._mean_pi()[1:].sum())

    def _fixed(self) -> np.ndarray:
        """Covariances of the fixed components, (component, trait, trait_bis); learned ones 0."""
        zero = np.zeros((self.data.n_traits, self.data.n_traits))
        return np.stack([zero if p.covariance is None else p.covariance for p in self.table])

    def _with_learned(self, v: Variables, fixed: np.ndarray) -> TensorVariable:
        """Fixed and learned covariances, (group, component, trait, trait_bis)."""
        every = pt.as_tensor(np.broadcast_to(fixed, (len(self.groups.names), *fixed.shape)))
        if not self.learned.size:
            return every
        return pt.set_subtensor(every[:, self.learned], v["Sigma_slab"])

    def _relative_sizes(self) -> np.ndarray:
        """Sizes of the components, (component,), learned ones each ten times the one before."""
        sizes = np.ones(len(self.table))
        sizes[self.learned] = 10.0 ** np.arange(1 - self.learned.size, 1)
        return sizes

    def _unit_covariance(self) -> np.ndarray:
        """Covariance of size 1 with which X explains h2 of each trait's variance."""
        return self.default_covariance(self._mean_pi()[1:] @ self._relative_sizes()[1:])

    def _mean_pi(self) -> np.ndarray:
        """Prior probabilities of the components, (component,), averaged over groups."""
        names = [part.name for part in self.table]
        shares = scaled_shares(self.data, self._affected())
        return mean_weights(self.pi, shares, names, "component")

    def _affected(self) -> np.ndarray:
        """Whether a component has effects, (component,); the null comes first."""
        return np.arange(len(self.table)) > 0


def _any_learned(kinds: list[ArrayLike]) -> bool:
    return any(isinstance(kind, str) and kind == "learned" for kind in kinds)


def _range(matrix: np.ndarray) -> np.ndarray:
    """Orthogonal projection onto the range of a positive semi-definite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    kept = vectors[:, values > 1e-10 * values.max()]
    return kept @ kept.T
