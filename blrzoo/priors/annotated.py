"""Priors with annotations of the features: log-linear variances, logistic inclusion."""

from typing import Self

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pytensor.tensor.variable import TensorVariable
from scipy.special import expit, logit

from blrzoo.priors import conjugate
from blrzoo.priors.annotations import Annotations, read_annotations
from blrzoo.priors.base import Prior, Variables
from blrzoo.priors.computed import Computed
from blrzoo.priors.given import Checked, Parameter
from blrzoo.priors.parameters import NORMAL, PROBABILITY, check_parameter, parameter, prior_mean
from blrzoo.priors.ridge import SingleComponent
from blrzoo.priors.scale import DataSummary
from blrzoo.priors.sparsity import default_beta
from blrzoo.priors.spike_slab import SpikeSlab

__all__ = ["AnnotatedInclusion", "AnnotatedVariance"]

_ETA0_SD = 1.5


class _Annotated(Prior):
    """Annotations joined to the features, and their coefficients ``eta``."""

    annotations: Annotations
    eta: Checked
    #: Centered annotations, (feature, annotation), in the order of the data: set by `bind`.
    A: np.ndarray

    def bind(self, data: DataSummary, h2: float) -> Self:
        """Join the annotations to the features."""
        bound = super().bind(data, h2)
        A = self.annotations.of(data.coords["feature"])
        bound.A = A - A.mean(axis=0)
        return bound

    def eta_variable(self) -> TensorVariable:
        """Make the coefficients of the annotations."""
        pm.modelcontext(None).add_coord("annotation", self.annotations.names)
        sd = self.A.std(axis=0)
        sd = np.where(sd > 0, sd, 1.0)  # annotations of a single feature do not vary
        default = Computed((0.0, 1 / sd), ("mean = 0", "sd = 1 / sd_A"), {"sd_A": sd})
        return parameter("eta", self.eta, NORMAL, default, dims="annotation")

    def predictor(self, v: Variables) -> TensorVariable:
        """Return ``(A - mean A) eta``, (feature,)."""
        return pt.as_tensor(self.A) @ v["eta"]


class AnnotatedVariance(_Annotated, SingleComponent):
    r"""The logarithm of an effect's variance is linear in annotations of its feature.

    Density
        :math:`\beta_j | rest \sim N(0, \tau^2 w_j)`,
        :math:`w_j = \exp((A_j - \bar A)' \eta)`, :math:`\tau^2 \sim`
        scaled-inverse-:math:`\chi^2(\nu, S^2)`, :math:`\eta_k \sim N(m_k, s_k^2)`.
    Full conditionals
        :math:`\tau^2 | rest \sim` scaled-inverse-:math:`\chi^2(\nu + p,
        (\nu S^2 + \sum_j \beta_j^2 / w_j) / (\nu + p))`; :math:`\beta` as in `Prior`, feature by
        feature. :math:`\eta` is drawn by NUTS.
    Other names
        Functional or annotation-informed prior; for 0/1 annotations, :math:`e^{\eta_k}` is the
        enrichment of the variance per feature.

    Parameters
    ----------
    annotations : array-like, (feature, annotation)
        Numbers or booleans: NumPy, pandas or xarray. Rows with labels are joined to the features
        by label, and may include further features; rows without labels go by position. The model
        centers the annotations.
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an effect whose feature has average annotations, in squared units of y per
        unit of x. Default ``(4, S2)`` with prior mean ``2 S2 = h2 var(y) / sum_j var(x_j)``.
    eta : None, number, array (annotation), (mean, sd) or ``.dist()``
        Change of the log variance per unit of an annotation. Default ``(0, 1 / sd(A_k))``, sd
        with the divisor p. Values with labels are joined to the annotations by label.

    Raises
    ------
    ValueError, TypeError
        For annotations that are not finite numbers, do not vary, have repeated labels or lack a
        feature, and for parameters of a wrong type or out of range.

    References
    ----------
    .. [1] Finucane et al. (2015). Partitioning heritability by functional annotation using
       genome-wide association summary statistics. Nature Genetics 47:1228-1235.
    .. [2] van de Wiel et al. (2016). Better prediction by use of co-data: adaptive
       group-regularized ridge regression. Statistics in Medicine 35:368-381.

    Examples
    --------
    >>> import pandas as pd, blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> coding = pd.DataFrame({"coding": [1, 0, 0, 1, 0]}, index=data["feature"].values)
    >>> model = blr.regression(data.X, data.y, prior=blr.priors.AnnotatedVariance(coding))
    >>> sorted(rv.name for rv in model.free_RVs)
    ['beta', 'eta', 'mu', 'sigma2', 'tau2']
    >>> model.coords["annotation"]
    ('coding',)
    """

    def __init__(
        self, annotations: ArrayLike, *, tau2: Parameter = None, eta: Parameter = None
    ) -> None:
        super().__init__(tau2=tau2)
        self.annotations = read_annotations(annotations)
        self.eta = check_parameter("eta", eta, NORMAL)

    def variables(self) -> Variables:
        """Make ``tau2`` and ``eta`` (annotation)."""
        return {**super().variables(), "eta": self.eta_variable()}

    def variance(self, v: Variables) -> TensorVariable:
        """Variance of each effect: ``tau2`` times the factor of its annotations."""
        return v["tau2"] * pt.exp(self.predictor(v))

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditional of ``tau2`` given the effects and ``eta``."""
        sum_of_squares = pt.sum(effects**2 * pt.exp(-self.predictor(v)))
        return {v["tau2"]: conjugate.inverse_gamma(v["tau2"], effects.shape[0], sum_of_squares)}


class AnnotatedInclusion(_Annotated, SpikeSlab):
    r"""Spike and slab, where the inclusion probability is logistic in annotations of the feature.

    Density
        As `SpikeSlab`, but :math:`\delta_j \sim Bernoulli(\pi_j)` with
        :math:`\mathrm{logit}\, \pi_j = \eta_0 + (A_j - \bar A)' \eta`,
        :math:`\eta_0 \sim N(m_0, s_0^2)`, :math:`\eta_k \sim N(m_k, s_k^2)`.
    Full conditionals
        :math:`\tau^2`, :math:`\delta_j` and :math:`\beta_j` as in `SpikeSlab`. :math:`\eta_0` and
        :math:`\eta` are drawn by NUTS.
    Other names
        Functional priors of fine-mapping; BayesRC and BayesRC-pi are related models with groups.

    Parameters
    ----------
    annotations : array-like, (feature, annotation)
        Numbers or booleans: NumPy, pandas or xarray. Rows with labels are joined to the features
        by label, and may include further features; rows without labels go by position. The model
        centers the annotations.
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an included effect, in squared units of y per unit of x. Default ``(1, S2)``
        with ``2 S2 = h2 var(y) / (max(s, 1) mean_j var(x_j))``, ``s = min(p / 2, sqrt(n))`` or,
        if `eta0` is given, ``p / (1 + exp(-E[eta0]))``.
    eta0 : None, number, (mean, sd) or ``.dist()``
        Log odds of inclusion of a feature with average annotations. Default
        ``(log(s / (p - s)) / 2, 1.5)`` with ``s = min(p / 2, sqrt(n))``.
    eta : None, number, array (annotation), (mean, sd) or ``.dist()``
        Change of the log odds per unit of an annotation. Default ``(0, 1 / sd(A_k))``, sd with
        the divisor p. Values with labels are joined to the annotations by label.

    Raises
    ------
    ValueError, TypeError
        For annotations that are not finite numbers, do not vary, have repeated labels or lack a
        feature, and for parameters of a wrong type or out of range.

    References
    ----------
    .. [1] Carbonetto & Stephens (2013). Integrated enrichment analysis of variants and pathways
       in genome-wide association studies. PLoS Genetics 9:e1003770.
    .. [2] MacLeod et al. (2016). Exploiting biological priors and sequence variants enhances QTL
       discovery and genomic prediction of complex traits. BMC Genomics 17:144.

    Examples
    --------
    >>> import pandas as pd, blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> coding = pd.DataFrame({"coding": [1, 0, 0, 1, 0]}, index=data["feature"].values)
    >>> model = blr.regression(data.X, data.y, prior=blr.priors.AnnotatedInclusion(coding))
    >>> sorted(rv.name for rv in model.free_RVs)
    ['beta', 'delta', 'eta', 'eta0', 'mu', 'sigma2', 'tau2']
    >>> model.named_vars_to_dims["pi"]
    ('feature',)
    """

    def __init__(
        self,
        annotations: ArrayLike,
        *,
        tau2: Parameter = None,
        eta0: Parameter = None,
        eta: Parameter = None,
    ) -> None:
        super().__init__(tau2=tau2)
        self.annotations = read_annotations(annotations)
        self.eta0 = _check_odds(check_parameter("eta0", eta0, NORMAL))
        self.eta = check_parameter("eta", eta, NORMAL)

    def variables(self) -> Variables:
        """Make ``tau2``, ``eta0``, ``eta`` (annotation) and ``pi`` (feature)."""
        eta0 = parameter("eta0", self.eta0, NORMAL, self._default_eta0())
        v = {"tau2": self.tau2_variable(), "eta0": eta0, "eta": self.eta_variable()}
        return {**v, "pi": pm.Deterministic("pi", pt.sigmoid(self.logit(v)), dims="feature")}

    def logit(self, v: Variables) -> TensorVariable:
        """Log odds of the inclusion of each feature."""
        return v["eta0"] + self.predictor(v)

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """Variances of spike and slab, and log weights by feature."""
        odds = self.logit(v)
        weights = pt.stack([-pt.softplus(odds), -pt.softplus(-odds)], axis=1)
        return pt.stack([0.0, v["tau2"]]), weights

    def expected_variance(self) -> Computed:
        """Variance of an included effect that the default ``tau2`` is scaled to."""
        if self.eta0 is None:
            return super().expected_variance()
        mean = prior_mean(self.eta0, NORMAL, ())
        formula = "share = 1 / (1 + exp(-mean_eta0))"
        return self.scaled_for(Computed(float(expit(mean)), (formula,), {"mean_eta0": mean}))

    def _default_eta0(self) -> Computed:
        """Mean, the log odds of the default inclusion probability, and SD."""
        beta = default_beta(self.data)
        included, excluded = beta.value
        parameters = float(np.log(included / excluded)), _ETA0_SD
        return beta.then(parameters, "mean = log(a / b)", f"sd = {_ETA0_SD}")


def _check_odds(eta0: Checked) -> Checked:
    """Refuse log odds whose probability is numerically 0."""
    if eta0 is None:
        return None
    mean, least = prior_mean(eta0, NORMAL, ()), float(logit(PROBABILITY.least))
    if mean < least:
        raise ValueError(
            f"eta0 must be at least {least:.0f}, log odds of a probability of "
            f"{PROBABILITY.least:g}, got {mean:g}. Pass for instance eta0=-5, that of 0.7 %."
        )
    return eta0
