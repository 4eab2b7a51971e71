"""One multivariate normal for the effects of all features, or of each group of them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, Self, get_args

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pytensor.tensor.variable import TensorVariable

from blrzoo.checks import Choice, LeftOut
from blrzoo.priors import conjugate
from blrzoo.priors.base import Variables
from blrzoo.priors.computed import Computed
from blrzoo.priors.counting import total
from blrzoo.priors.covariance import check_covariance, covariance
from blrzoo.priors.given import Checked, Parameter
from blrzoo.priors.groups import Groups
from blrzoo.priors.multivariate.base import MultivariatePrior
from blrzoo.priors.parameters import VARIANCE, check_parameter, dims_shape, parameter
from blrzoo.priors.scale import DataSummary

__all__ = [
    "HierarchicalMultivariate",
    "Multivariate",
    "check_form",
    "covariance_conditional",
    "learned_covariance",
    "outer",
]

Form = Literal["full", "diagonal"]


def check_form(
    name: str, form: str, full: Mapping[str, object], diagonal: Mapping[str, object]
) -> None:
    """Refuse an unknown form of covariance, and parameters of the other form."""
    Choice(get_args(Form), default="full").check(name, form)
    own, other = (full, diagonal) if form == "full" else (diagonal, full)
    remedy = f"Pass {', '.join(own)}, or another {name}."
    for key, value in other.items():
        LeftOut(f"with {name}={form!r}", advice=remedy).check(key, value)


def learned_covariance(
    form: Form,
    Sigma_b: Checked,
    tau2: Any,
    mean: Computed,
    dims: tuple[str, ...] = (),
    nu: float = 4.0,
) -> Variables:
    """Make ``Sigma_b``, with the dims before the traits, and ``tau2`` if it is diagonal."""
    if form == "full":
        mean = mean.then(mean.value, "mean = diag(v)")
        return {"Sigma_b": covariance("Sigma_b", Sigma_b, mean, (*dims, "trait", "trait_bis"))}
    S2 = np.broadcast_to(np.diag(mean.value) / 2, dims_shape((*dims, "trait")))
    default = mean.then((nu, S2), f"nu = {nu:g}", "S2 = v / 2")
    tau2 = parameter("tau2", tau2, VARIANCE, default, dims=(*dims, "trait"))
    matrix = tau2[..., None] * np.eye(len(mean.value))
    return {
        "tau2": tau2,
        "Sigma_b": pm.Deterministic("Sigma_b", matrix, dims=(*dims, "trait", "trait_bis")),
    }


def outer(effects: TensorVariable) -> TensorVariable:
    """Outer products b_j b_j' of the effects, (feature, trait, trait_bis)."""
    return effects[:, :, None] * effects[:, None, :]


def covariance_conditional(
    v: Variables, count: TensorVariable | np.ndarray, cross: TensorVariable
) -> dict[TensorVariable, TensorVariable | None]:
    """Full conditional of a learned covariance, given the number of effects and their products."""
    if "tau2" in v:
        squares = pt.diagonal(cross, axis1=-2, axis2=-1)
        counts = pt.as_tensor(count)[..., None]
        return {v["tau2"]: conjugate.inverse_gamma(v["tau2"], counts, squares)}
    return {v["Sigma_b"]: conjugate.inverse_wishart(v["Sigma_b"], count, cross)}


class Multivariate(MultivariatePrior):
    r"""The effects of a feature on all traits from one multivariate normal: multi-trait ridge.

    Density
        :math:`b_j | \Sigma_b \sim N_T(0, \Sigma_b)`,
        :math:`\Sigma_b \sim` inverse-Wishart(:math:`\nu, S`); diagonal form:
        :math:`\Sigma_b = diag(\tau^2)`, :math:`\tau^2_t \sim`
        scaled-inverse-:math:`\chi^2(\nu, S^2_t)`.
    Full conditionals
        :math:`\Sigma_b | B \sim IW(\nu + p, S + \sum_j b_j b_j')`; :math:`\tau^2_t | B \sim`
        scaled-inverse-:math:`\chi^2(\nu + p, (\nu S^2_t + \sum_j b_{jt}^2) / (\nu + p))`;
        :math:`b_j` as in `MultivariatePrior`, feature by feature, or all jointly.
    Other names
        Multi-trait GBLUP and SNP-BLUP, multi-trait RR-BLUP (JWAS), "BRR" in BGLR's Multitrait.

    Parameters
    ----------
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariance of a feature's effects, (trait, trait_bis), in products of units of y per unit
        of x. Default ``(T + 3, S)`` with prior mean
        ``S / 2 = diag(h2 var(y_t) / sum_j var(x_j))``. Values with labels (a Series of variances,
        a DataFrame, a DataArray) are joined to the traits by label.
    form : {"full", "diagonal"}, default "full"
        "diagonal": effects on different traits are independent, with variances `tau2`.
    tau2 : None, number, array, (nu, S2) or ``.dist()``
        For ``form="diagonal"``: variances of the effects, (trait). Default ``(4, S2)`` with prior
        mean ``2 S2 = h2 var(y_t) / sum_j var(x_j)``. Values with labels are joined to the traits
        by label.

    Raises
    ------
    ValueError, TypeError
        For a Sigma_b that is not positive definite, a tau2 that is not positive, values of a wrong
        type, an unknown form, and parameters of the other form.

    References
    ----------
    .. [1] Henderson & Quaas (1976). Multiple trait evaluation using relatives' records. J. Animal
       Science 43:1188-1197.
    .. [2] Perez-Rodriguez & de los Campos (2022). Multitrait Bayesian shrinkage and variable
       selection models with the BGLR-R package. Genetics 222:iyac112.

    Examples
    --------
    >>> import numpy as np, blrzoo as blr
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(20, 3))
    >>> Y = X[:, :2] + rng.normal(size=(20, 2))
    >>> model = blr.regression(X, Y, prior=blr.priors.Multivariate(Sigma_b=(5, 0.1)))
    >>> sorted(rv.name for rv in model.free_RVs)
    ['Sigma_b', 'Sigma_e', 'beta', 'mu']
    """

    scales: Mapping[str, float] = MappingProxyType({"Sigma_b": 2.0, "tau2": 2.0})

    def __init__(
        self, *, Sigma_b: Parameter = None, form: Form = "full", tau2: Parameter = None
    ) -> None:
        check_form("form", form, {"Sigma_b": Sigma_b}, {"tau2": tau2})
        self.form = form
        self.Sigma_b = check_covariance("Sigma_b", Sigma_b)
        self.tau2 = check_parameter("tau2", tau2, VARIANCE)

    def variables(self) -> Variables:
        """Make ``Sigma_b`` and, if it is diagonal, ``tau2``."""
        return learned_covariance(self.form, self.Sigma_b, self.tau2, self.expected_variance())

    def covariance(self, v: Variables) -> TensorVariable:
        """Covariance of every feature's effects, ``Sigma_b``."""
        return v["Sigma_b"]

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditional of ``Sigma_b`` or ``tau2`` given the effects."""
        return covariance_conditional(v, effects.shape[0], pt.sum(outer(effects), axis=0))


class HierarchicalMultivariate(Multivariate):
    r"""A covariance for each group of features: hierarchical multivariate BLR, one component.

    Density
        :math:`b_j | \Sigma_b \sim N_T(0, \Sigma_{b,g(j)})`,
        :math:`\Sigma_{b,g} \sim` inverse-Wishart(:math:`\nu, S`); diagonal form:
        :math:`\Sigma_{b,g} = diag(\tau^2_g)`, :math:`\tau^2_{gt} \sim`
        scaled-inverse-:math:`\chi^2(\nu, S^2_t)`.
    Full conditionals
        With :math:`p_g` features in group g:
        :math:`\Sigma_{b,g} | B \sim IW(\nu + p_g, S + \sum_{g(j)=g} b_j b_j')`;
        :math:`\tau^2_{gt} | B \sim` scaled-inverse-:math:`\chi^2(\nu + p_g,
        (\nu S^2_t + \sum_{g(j)=g} b_{jt}^2) / (\nu + p_g))`; :math:`b_j` as in
        `MultivariatePrior`, feature by feature.
    Other names
        Multi-trait, multi-kernel GBLUP; several terms of ETA in BGLR's Multitrait.

    Parameters
    ----------
    groups : array-like, (feature,)
        Label of each feature's group. A Series or DataArray is joined to the features by label;
        it may have further features.
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariances of a feature's effects, ([group,] trait, trait_bis), in products of units of y
        per unit of x. Default ``(T + 3, S)`` with prior mean
        ``S / 2 = diag(h2 var(y_t) / sum_j var(x_j))`` in each group. Values with labels are joined
        to the groups and traits by label.
    form : {"full", "diagonal"}, default "full"
        "diagonal": effects on different traits are independent, with variances `tau2`.
    tau2 : None, number, array, (nu, S2) or ``.dist()``
        For ``form="diagonal"``: variances of the effects, ([group,] trait). Default ``(4, S2)``
        with prior mean ``2 S2 = h2 var(y_t) / sum_j var(x_j)``. Values with labels are joined to
        the groups and traits by label.

    Raises
    ------
    ValueError, TypeError
        For groups that do not fit the features, a Sigma_b that is not positive definite, a tau2
        that is not positive, values of a wrong type, an unknown form, and parameters of the other
        form.

    References
    ----------
    .. [1] Speed & Balding (2014). MultiBLUP: improved SNP-based prediction for complex traits.
       Genome Research 24:1550-1557.

    Examples
    --------
    >>> import numpy as np, blrzoo as blr
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(20, 4))
    >>> Y = X[:, :2] + rng.normal(size=(20, 2))
    >>> prior = blr.priors.HierarchicalMultivariate(["exon", "exon", "intron", "intron"])
    >>> blr.regression(X, Y, prior=prior).named_vars_to_dims["Sigma_b"]
    ('group', 'trait', 'trait_bis')
    """

    scales: Mapping[str, float] = MappingProxyType({})  # one for all features, not for groups

    #: The groups, joined to the features by `bind`.
    groups: Groups

    def __init__(self, groups: ArrayLike, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.group_labels = groups

    def bind(self, data: DataSummary, h2: float) -> Self:
        """Join the groups to the features of the data."""
        bound = super().bind(data, h2)
        bound.groups = Groups.of(self.group_labels, data)
        bound.group_index = bound.groups.index
        return bound

    def variables(self) -> Variables:
        """Make ``Sigma_b`` and, if it is diagonal, ``tau2`` of each group."""
        self.groups.add_to_model()
        mean = self.expected_variance()
        return learned_covariance(self.form, self.Sigma_b, self.tau2, mean, ("group",))

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditional of ``Sigma_b`` or ``tau2`` of each group, given the effects."""
        cross = total(outer(effects), self.group_index, self.groups.sizes.shape)
        return covariance_conditional(v, self.groups.sizes, cross)
