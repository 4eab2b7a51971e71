"""What a prior is: hyperparameters, the variance of each effect, and full conditionals."""

import copy
from collections.abc import Mapping
from inspect import signature
from types import MappingProxyType
from typing import Self

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.effects import effects
from blrzoo.priors.computed import Computed
from blrzoo.priors.scale import DataSummary
from blrzoo.wording import first_line, setting_text

__all__ = ["EVERY", "MixturePrior", "Prior"]

#: All features are expected to have an effect.
EVERY = Computed(1.0, ("share = 1",))

#: Name to model variable, as `Prior.variables` returns them.
Variables = dict[str, TensorVariable]


class Prior:
    r"""A normal prior of the effects, ``beta_j ~ N(0, v_j)``; subclass it to write your own.

    Density
        :math:`\beta_j | v_j \sim N(0, v_j)`, independently for each feature.
    Full conditionals
        :math:`\beta_j | rest \sim N(v_j q_j / (1 + v_j d_j), v_j / (1 + v_j d_j))` with
        :math:`d_j = x_j'x_j / \sigma^2`, :math:`q_j = x_j'(r + x_j \beta_j) / \sigma^2`, r the
        residual. Those of hyperparameters are returned by `conditionals`; NUTS draws
        hyperparameters without one.

    A subclass has up to three methods: `variables`, `variance` and, optionally, `conditionals`.
    While they run, ``self.data`` describes the data of the model: the numbers ``n`` of
    observations and ``p`` of features, the labels ``coords`` by dim, and the sample variances
    ``y_variance`` of y and ``x_variance`` (feature,) of the features. ``self.h2`` is the share of
    ``y_variance`` that X is expected to explain.

    Examples
    --------
    A ridge whose standard deviation has a half-normal prior. It has no conjugate update, so NUTS
    draws it; the Gibbs step draws everything else:

    >>> import numpy as np, pymc as pm, blrzoo as blr
    >>> class HalfNormalRidge(blr.priors.Prior):
    ...     def variables(self):
    ...         return {"tau": pm.HalfNormal("tau", 1.0)}
    ...
    ...     def variance(self, v):
    ...         return v["tau"] ** 2
    >>> rng = np.random.default_rng(1)
    >>> X = rng.normal(size=(20, 3))
    >>> model = blr.regression(X, X[:, 0] + rng.normal(size=20), prior=HalfNormalRidge())
    >>> sorted(rv.name for rv in model.free_RVs)
    ['beta', 'mu', 'sigma2', 'tau']
    """

    #: Summary of the data, and the share of var(y) that X is expected to explain: set by `bind`.
    data: DataSummary
    h2: float

    #: Name of the random variable that holds the effects, and of their labels (None: no labels).
    effects_name = "beta"
    label_name: str | None = None

    #: Variables, by their keys in `variables`, that are multiplied by these powers of c where all
    #: effects are multiplied by c, in the move "scale"; with several traits, a covariance or the
    #: variances of the effects of all features. Nothing but the effects and each other may depend
    #: on them; with other powers the move is right too, but rejects more.
    scales: Mapping[str, float] = MappingProxyType({})

    #: Dims of the effects.
    dims: tuple[str, ...] = ("feature",)

    #: Names of the blocks that draw the effects (`blrzoo.gibbs.blocks`), by ``update``.
    blocks: Mapping[str, str] = MappingProxyType({"single-site": "single-site", "joint": "joint"})

    def variables(self) -> Variables:
        """Make the hyperparameters, in the model on the context.

        Returns
        -------
        dict of str to variable
            Ordinary PyMC variables (random or deterministic), numbers or expressions, by the names
            that the other methods use for them.
        """
        raise NotImplementedError(f"{type(self).__name__} must define variables(self)")

    def variance(self, v: Variables) -> TensorVariable:
        """Prior variance of the effects.

        Parameters
        ----------
        v : dict of str to variable
            What `variables` returned.

        Returns
        -------
        TensorVariable, () or (feature,)
            In squared units of an effect; with ``standardize=True``, of an effect per standard
            deviation of its feature.
        """
        raise NotImplementedError(f"{type(self).__name__} must define variance(self, v)")

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of hyperparameters, given the effects.

        Parameters
        ----------
        v : dict of str to variable
            What `variables` returned; mixtures add the labels by their name.
        effects : TensorVariable, (feature,)
            beta, in the units of `variance`: per unit of a feature or, with
            ``standardize=True``, per standard deviation of it.

        Returns
        -------
        dict of variable to ``.dist()`` or None
            None (or no entry) leaves a variable to NUTS. The functions of
            `blrzoo.priors.conjugate` return None if the variable's prior is not conjugate.
        """
        return {}

    def bind(self, data: DataSummary, h2: float) -> Self:
        """Return a copy of the prior that knows the data; the prior itself is never changed."""
        bound = copy.copy(self)
        bound.data, bound.h2 = data, h2
        return bound

    def check(self, v: Variables) -> None:
        """Refuse a variance that is not one number, or one for each feature."""
        value: object = self.variance(v)
        shape = None if value is None else pt.as_tensor(value).type.shape
        if shape is None or len(shape) > 1 or not {*shape} <= {None, 1, self.data.p}:
            raise ValueError(
                f"prior must return a variance of shape () or ({self.data.p},), got "
                f"{value if shape is None else f'shape {shape}'} from {type(self).__name__}. "
                f"Return one number for all features, or one for each."
            )

    def is_common(self, v: Variables) -> bool:
        """Whether all effects have one normal distribution, so that they can be drawn jointly."""
        return pt.as_tensor(self.variance(v)).ndim == 0

    def effects(self, v: Variables) -> TensorVariable:
        """Make the effects in the model on the context, and return ``beta``."""
        sd = pt.broadcast_to(pt.sqrt(self.variance(v)), (self.data.p,))
        return pm.Normal("beta", 0.0, self.data.per_unit(sd), dims="feature")

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """Variances and log weights of the components, here a single one."""
        variance = pt.broadcast_to(self.variance(v), (self.data.size,))
        return variance[:, None], pt.zeros((self.data.size, 1))

    def by_feature(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """`components`, both broadcast to (feature, component)."""
        variances, log_weights = (pt.as_tensor(part) for part in self.components(v))
        n_components = variances.type.shape[-1]  # static, so that weights do not depend on tau2
        shape = (self.data.size, variances.shape[-1] if n_components is None else n_components)
        return pt.broadcast_to(variances, shape), pt.broadcast_to(log_weights, shape)

    def index(self, label: TensorVariable) -> TensorVariable:
        """Component of each feature, (feature,), from the value of the label."""
        return label

    def label(self, index: TensorVariable | np.integer) -> TensorVariable | np.ndarray:
        """Value of the label from the component of each feature."""
        return index

    def included(self, label: TensorVariable) -> TensorVariable:
        """Whether each feature is included, (feature,), from the value of the label."""
        return label > 0

    def default_variance(self, inclusion: float = 1.0) -> float:
        """Variance of an included effect such that X explains the share h2 of var(y).

        ``h2 * var(y) / (max(inclusion * p, 1) * mean_j var(x_j))`` [1]_: h2 is shared by the
        features that are expected to be included, at least one.

        Parameters
        ----------
        inclusion : float
            Prior probability that a feature is included.

        Returns
        -------
        float
            In squared units of an effect.

        References
        ----------
        .. [1] Perez & de los Campos (2014). Genome-wide regression and prediction with the BGLR
           statistical package. Genetics 198:483-495, Supplement.
        """
        included = max(inclusion * self.data.p, 1.0)
        return self.h2 * self.data.y_variance / (included * float(self.data.x_variance.mean()))

    def describe(self) -> dict[str, str]:
        """Describe the prior in words, for `blrzoo.describe`, which adds its variables.

        A subclass may say more: ``return super().describe() | {"source": "my thesis"}``.

        Returns
        -------
        dict of str to str
            The class with the first line of its docstring, and its settings: attributes named as
            arguments of ``__init__`` that are numbers, short arrays or words.
        """
        makers = [vars(one)["__init__"] for one in type(self).__mro__ if "__init__" in vars(one)]
        arguments = {name for maker in makers for name in signature(maker).parameters}
        given = {name: value for name, value in vars(self).items() if name in arguments}
        settings = {name: setting_text(value) for name, value in given.items()}
        own = {name: text for name, text in settings.items() if text}
        return {"class": f"{type(self).__name__}: {first_line(type(self))}"} | own

    def scaled_for(self, share: Computed) -> Computed:
        """`default_variance` where a share of the features is included, with its computation."""
        return self.how_scaled(share, self.default_variance(share.value))

    def how_scaled(self, share: Computed, value: np.ndarray | float) -> Computed:
        """Append the computation of a default variance ``v`` from a share to that of the share."""
        return share.then(
            value,
            "s = max(p * share, 1)",
            "v = h2 * var_y / (s * mean_var_x)",
            p=self.data.p,
            h2=self.h2,
            var_y=self.data.y_variance,
            mean_var_x=float(self.data.x_variance.mean()),
        )

    def expected_variance(self) -> Computed:
        """Variance of an included effect that default priors of variances are scaled to."""
        return self.scaled_for(EVERY)


class MixturePrior(Prior):
    r"""A finite mixture of normals, component 0 a point mass at zero (the null).

    Density
        :math:`\beta_j | k_j \sim N(0, v_{j k_j})` with :math:`P(k_j = k) = \pi_{jk}`, and
        :math:`v_{j0} = 0`.
    Full conditionals
        :math:`\log P(k_j = k | rest) = \log \pi_{jk} - \frac12 \log(1 + v_{jk} d_j) +
        \frac12 v_{jk} q_j^2 / (1 + v_{jk} d_j) + const`, the effect integrated out, then
        the effect as in `Prior` with the drawn component's variance.

    ``beta`` is a random variable given the labels: normal, or exactly 0 for the null. A subclass
    defines `components` instead of `variance`.

    References
    ----------
    .. [1] Habier et al. (2011). Extension of the Bayesian alphabet for genomic selection. BMC
       Bioinformatics 12:186 (label and effect as one block).
    """

    label_name = "label"

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """Variances and log weights of the components.

        Parameters
        ----------
        v : dict of str to variable
            What `variables` returned.

        Returns
        -------
        variances, log_weights : TensorVariable, (component,) or (feature, component)
            Variances in squared units of an effect, the first exactly 0; logarithms of the
            prior probabilities.
        """
        raise NotImplementedError(f"{type(self).__name__} must define components(self, v)")

    def check(self, v: Variables) -> None:
        """Accept any variances and weights: `components` is broadcast where it is used."""

    def is_common(self, v: Variables) -> bool:
        """False: effects of a mixture have several normal distributions."""
        return False

    def labels(self, log_weights: TensorVariable) -> TensorVariable:
        """Make the labels: ``delta``, Bernoulli, if that is their name, else ``label``."""
        if self.label_name == "delta":
            return pm.Bernoulli("delta", p=pt.exp(log_weights[:, 1]), dims="feature")
        return pm.Categorical("label", p=pt.exp(log_weights), dims="feature")

    def effects(self, v: Variables) -> TensorVariable:
        """Make labels and effects in the model on the context, and return ``beta``."""
        variances, log_weights = self.by_feature(v)
        label = v[self.label_name] = self.labels(log_weights)
        variance = variances[np.arange(self.data.p), label]
        return effects("beta", self.data.per_unit(self.data.per_unit(variance)), dims="feature")
