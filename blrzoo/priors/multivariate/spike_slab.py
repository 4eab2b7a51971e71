"""Spike and slab for several traits: which of them a feature affects."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Self

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pytensor.tensor.variable import TensorVariable

from blrzoo.priors import conjugate
from blrzoo.priors.base import Variables
from blrzoo.priors.computed import Computed
from blrzoo.priors.counting import count
from blrzoo.priors.covariance import check_covariance
from blrzoo.priors.given import Checked, Parameter, in_order
from blrzoo.priors.multivariate.base import Cells, MultivariateMixturePrior
from blrzoo.priors.multivariate.patterns import MAX_TRAITS, pattern_names, read_patterns
from blrzoo.priors.multivariate.ridge import (
    Form,
    check_form,
    covariance_conditional,
    learned_covariance,
    outer,
)
from blrzoo.priors.multivariate.weights import (
    check_reached,
    check_trait_shape,
    check_weights,
    mean_weights,
)
from blrzoo.priors.parameters import (
    PROBABILITY,
    SIMPLEX,
    VARIANCE,
    check_parameter,
    parameter,
    prior_means,
)
from blrzoo.priors.scale import DataSummary
from blrzoo.priors.sparsity import (
    default_beta,
    default_dirichlet,
    default_share,
    mean_share,
    scaled_shares,
)

__all__ = ["MultivariateSpikeSlab"]


class MultivariateSpikeSlab(MultivariateMixturePrior):
    r"""A feature affects some traits, all or none: variable selection for several traits.

    Density
        :math:`\beta_{jt} = \alpha_{jt} \delta_{jt}` with :math:`\delta_j` one of the patterns.
        Where a trait is affected, :math:`\alpha_j \sim N_T(0, \Sigma_b)`,
        :math:`\Sigma_b \sim` inverse-Wishart(:math:`\nu, S`).
        "independent": :math:`\delta_{jt} \sim Bernoulli(\pi_t)`, :math:`\pi_t \sim Beta(a, b)`;
        else :math:`P(\delta_j = \text{pattern } k) = \pi_k`, :math:`\pi \sim Dirichlet(a)`.
    Full conditionals
        With m features that affect a trait:
        :math:`\Sigma_b | rest \sim IW(\nu + m, S + \sum \alpha_j \alpha_j')`, the sum over these;
        :math:`\pi_t | rest \sim Beta(a + \sum_j \delta_{jt}, b + p - \sum_j \delta_{jt})`, or
        :math:`\pi | rest \sim Dirichlet(a + counts)`; :math:`\delta_j, \alpha_j` as one block,
        all traits at once (see `MultivariateMixturePrior`). For "independent" with more than 6
        traits, each :math:`\delta_{jt}` is drawn given the feature's other indicators, with
        :math:`\alpha_j` integrated out, and then :math:`\alpha_j`.
    Other names
        Multi-trait BayesC-pi (JWAS: "all" and "restrictive" priors), SpikeSlab in BGLR's
        Multitrait ("independent"), multi-trait BayesC in qgg.

    Parameters
    ----------
    patterns : {"independent", "all", "restrictive"} or array-like, (pattern, trait)
        "independent" (default): the indicators of the traits are independent. "all": each of the
        2^T patterns of indicators has its own probability (up to 6 traits). "restrictive": a
        feature affects all traits or none. An array of 0 and 1 lists the patterns that are
        possible; columns of a DataFrame are joined to the traits by label.
    Sigma_b : None, number, matrix, (nu, S) or ``.dist()``
        Covariance of the effects of a feature that affects all traits, (trait, trait_bis), in
        products of units of y per unit of x. Default ``(T + 3, S)`` with prior mean
        ``S / 2 = diag(h2 var(y_t) / (max(s_t, 1) mean_j var(x_j)))``. s_t is the number of
        features that are expected to affect trait t: ``sum_j P(delta_jt = 1)`` if `pi` is given,
        else ``s = min(p / 2, sqrt(n))`` with "independent", and otherwise s (without a null
        pattern p) times the share of the non-null patterns that affect t.
    pi : None, number, array, (a, b), (a_1, ..., a_K) or ``.dist()``
        With "independent": probability that a feature affects a trait, (trait); a number, an
        array or ``(a, b)``, each of which may be (trait,). Default ``(1, sqrt((p - s) / s))``.
        Otherwise probabilities of the patterns, (pattern); a tuple has the parameters of the
        Dirichlet prior. Default, for K patterns, ``1 / min(K - 1, 16)`` for each except the null,
        and for the null their sum times ``sqrt((p - s) / s)``; all 1 without a null. Values with
        labels, of Sigma_b and tau2 too, are joined to the traits or patterns by label.
    form : {"full", "diagonal"}, default "full"
        "diagonal": effects on different traits are independent, with variances `tau2`.
    tau2 : None, number, array, (nu, S2) or ``.dist()``
        For ``form="diagonal"``: variances of the effects on affected traits, (trait). Default
        ``(1, S2)`` with ``2 S2 = h2 var(y_t) / (max(s_t, 1) mean_j var(x_j))``.

    Raises
    ------
    ValueError, TypeError
        For unknown patterns, "all" with more than 6 traits, values of a wrong type, out of range
        or that do not fit the patterns, and parameters of the other form.

    References
    ----------
    .. [1] Cheng, Kizilkaya, Zeng, Garrick & Fernando (2018). Genomic prediction from multiple-trait
       Bayesian regression methods using mixture priors. Genetics 209:89-103.
    .. [2] Rohde, Sorensen & Sorensen (2020). qgg: an R package for large-scale quantitative genetic
       analyses. Bioinformatics 36:2614-2615.

    Examples
    --------
    >>> import numpy as np, blrzoo as blr
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(20, 3))
    >>> Y = X[:, :2] + rng.normal(size=(20, 2))
    >>> prior = blr.priors.MultivariateSpikeSlab(patterns="all", pi=(5, 1, 1, 1))
    >>> model = blr.regression(X, Y, prior=prior)
    >>> model.named_vars_to_dims["delta"], model.named_vars_to_dims["pi"]
    (('feature', 'trait'), ('pattern',))
    """

    #: The patterns, (pattern, trait), read by `bind` unless there are too many.
    table: np.ndarray

    scales: Mapping[str, float] = MappingProxyType({"Sigma_b": 2.0, "tau2": 2.0})

    def __init__(
        self,
        *,
        patterns: ArrayLike = "independent",
        Sigma_b: Parameter = None,
        pi: Parameter = None,
        form: Form = "full",
        tau2: Parameter = None,
    ) -> None:
        check_form("form", form, {"Sigma_b": Sigma_b}, {"tau2": tau2})
        self.form, self.patterns = form, patterns
        self.Sigma_b = check_covariance("Sigma_b", Sigma_b)
        self.tau2 = check_parameter("tau2", tau2, VARIANCE)
        self.independent = isinstance(patterns, str) and patterns == "independent"
        self.label_name = "delta" if self.independent else "label"
        self.pi = self._check_pi(pi)

    def _check_pi(self, pi: Parameter) -> Checked:
        if self.independent:
            return check_parameter("pi", pi, PROBABILITY)
        return check_weights(pi, "pattern")

    def bind(self, data: DataSummary, h2: float) -> Self:
        """List the patterns of the traits at hand, unless there are too many."""
        bound = super().bind(data, h2)
        if self.independent and data.n_traits > MAX_TRAITS:
            bound.blocks = {"single-site": "indicators"}
        else:
            traits = data.coords["trait"]
            bound.table = read_patterns(self.patterns, data.n_traits, traits)
        dim = "trait" if self.independent else "pattern"
        names = data.coords["trait"] if self.independent else pattern_names(bound.table)
        bound.pi = in_order("pi", self.pi, (dim,), {dim: names})
        if not self.independent:
            check_reached(bound.pi, bound.table, "patterns of each trait")
        return bound

    def variables(self) -> Variables:
        """Make ``Sigma_b``, ``tau2`` if it is diagonal, and ``pi``."""
        scale = self.scaled_for(self._share())
        made = learned_covariance(self.form, self.Sigma_b, self.tau2, scale, nu=1.0)
        return {**made, "pi": self.pi_variable()}

    def pi_variable(self) -> TensorVariable:
        """Make ``pi``, by trait or pattern; a subclass may return any expression."""
        if self.independent:
            return parameter("pi", self.pi, PROBABILITY, default_beta(self.data), dims="trait")
        pm.modelcontext(None).add_coord("pattern", pattern_names(self.table))
        pm.Data("patterns", self.table, dims=("pattern", "trait"))
        return parameter("pi", self.pi, SIMPLEX, self._default_pi(), dims="pattern")

    def projections(self) -> np.ndarray:
        """Projections onto the traits that each pattern affects."""
        return self.table[:, :, None] * np.eye(self.data.n_traits)

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """Covariances, the same for all patterns, and log probabilities of the patterns."""
        K, T = self.table.shape
        covariances = pt.broadcast_to(v["Sigma_b"], (K, T, T))
        if not self.independent:
            return covariances, pt.log(v["pi"])
        present, absent = pt.log(v["pi"]), pt.log1p(-v["pi"])
        return covariances, pt.sum(pt.switch(self.table, present, absent), axis=1)

    def index(self, label: TensorVariable) -> TensorVariable:
        """Pattern of each feature: its indicators in binary, or the label itself."""
        if not self.independent:
            return label
        return pt.sum(label * 2 ** np.arange(self.data.n_traits), axis=1)

    def label(self, index: TensorVariable | np.integer) -> TensorVariable | np.ndarray:
        """Value of the label from the pattern: the indicators of the traits, or itself."""
        if not self.independent:
            return index
        return (
            self.table[index] if isinstance(index, np.integer) else pt.constant(self.table)[index]
        )

    def included(self, label: TensorVariable) -> TensorVariable:
        """Whether each feature affects any trait, (feature,), from the value of the label."""
        return pt.any(label > 0, axis=1) if self.independent else super().included(label)

    def labels(self, v: Variables, log_weights: TensorVariable) -> TensorVariable:
        """Make ``label``, Categorical, and ``delta``, which follows from it."""
        label = super().labels(v, log_weights)
        pm.Deterministic("delta", pt.constant(self.table)[label], dims=("feature", "trait"))
        return label

    def effects(self, v: Variables) -> TensorVariable:
        """Make ``delta``, Bernoulli, or ``label``; ``alpha`` and ``beta``; and return ``beta``."""
        if not self.independent:
            return super().effects(v)
        shape, dims = (self.data.p, self.data.n_traits), ("feature", "trait")
        delta = pm.Bernoulli("delta", p=pt.broadcast_to(v["pi"], shape), dims=dims)
        included = self.included(delta)[:, None, None]
        covariance = pt.switch(included, v["Sigma_b"], self.pseudo_covariance())
        alpha = self.multivariate_normal("alpha", covariance)
        v.update(delta=delta, alpha=alpha)
        return pm.Deterministic("beta", pt.switch(delta > 0, alpha, 0.0), dims=dims)

    def cells(self, v: Variables) -> Cells:
        """Arrays for the sweep; for indicators drawn one at a time, with log odds for weights."""
        if self.blocks["single-site"] != "indicators":
            return super().cells(v)
        # Two components: features that affect no trait, and features that affect any.
        T, p = self.data.n_traits, self.data.size
        slabs = pt.stack([pt.constant(self.pseudo_covariance()), v["Sigma_b"]])[None]
        projections = pt.constant(np.stack([np.zeros((T, T)), np.eye(T)]))
        log_odds = pt.log(v["pi"]) - pt.log1p(-v["pi"])
        return Cells(slabs, projections, self._groups(), pt.broadcast_to(log_odds, (p, T)))

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of ``Sigma_b`` and ``pi``, given alpha and indicators."""
        active = pt.cast(self.included(v[self.label_name]), "float64")
        alpha = self.data.per_sd(v["alpha"])
        cross = pt.sum(active[:, None, None] * outer(alpha), axis=0)
        found = covariance_conditional(v, pt.sum(active), cross)
        if self.independent:
            ones = pt.sum(v["delta"], axis=0)
            return {**found, v["pi"]: conjugate.beta(v["pi"], ones, v["delta"].shape[0] - ones)}
        counts = count(v["label"], (len(self.table),))
        return {**found, v["pi"]: conjugate.dirichlet(v["pi"], counts)}

    def pseudo_covariance(self) -> np.ndarray:
        """Prior mean of the default Sigma_b."""
        return self.default_covariance(self._inclusion())

    def _inclusion(self) -> np.ndarray:
        """Prior probability that each trait is affected, (trait,)."""
        if self.independent:
            check_trait_shape("pi", self.pi, self.data.n_traits)
            means = prior_means(self.pi, PROBABILITY, tuple(scaled_shares(self.data)))
            return np.broadcast_to(means, self.data.n_traits)
        names = pattern_names(self.table)
        shares = scaled_shares(self.data, self.table.any(axis=1))
        return mean_weights(self.pi, shares, names, "pattern") @ self.table

    def _share(self) -> Computed:
        """`_inclusion`, with its computation."""
        share = self._inclusion()
        if self.pi is not None:
            return mean_share(share)
        if self.independent:
            return default_share(self.data, share)
        affected, holding = self.table.any(axis=1), self.table.sum(axis=0)
        numbers: dict[str, np.ndarray | float] = {"m": int(affected.sum()), "holding": holding}
        if affected.all():
            return Computed(share, ("share = holding / m",), numbers)
        found = default_share(self.data, share, "any")
        return found.then(share, "share = any * holding / m", **numbers)

    def _default_pi(self) -> Computed:
        """Parameters of the default Dirichlet prior of the patterns."""
        return default_dirichlet(self.data, self.table.any(axis=1))
