"""The spike-and-slab prior: an effect is zero, or from one normal."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import ArrayLike
from pytensor.tensor.variable import TensorVariable

from blrzoo.checks import LeftOut, NoneOr, Number
from blrzoo.labels import one_per_feature
from blrzoo.priors import conjugate
from blrzoo.priors.base import MixturePrior, Variables
from blrzoo.priors.computed import Computed
from blrzoo.priors.counting import total
from blrzoo.priors.given import Parameter, in_order
from blrzoo.priors.groups import Groups
from blrzoo.priors.parameters import (
    LEAST_SHAPE,
    PROBABILITY,
    VARIANCE,
    check_parameter,
    parameter,
    prior_mean,
)
from blrzoo.priors.scale import DataSummary
from blrzoo.priors.sparsity import default_beta, default_share, mean_share, scaled_shares

__all__ = ["SpikeSlab"]

_SIZE = "It is the number of features that you expect to have an effect."


class SpikeSlab(MixturePrior):
    r"""Effects are zero with probability 1 - pi, else from one normal: variable selection.

    Density
        :math:`\delta_j \sim Bernoulli(\pi)`, :math:`\beta_j = 0` where :math:`\delta_j = 0`,
        :math:`\beta_j | \delta_j = 1 \sim N(0, \tau^2)`,
        :math:`\tau^2 \sim` scaled-inverse-:math:`\chi^2(\nu, S^2)`,
        :math:`\pi \sim Beta(a, b)`.
    Full conditionals
        With m included features, :math:`\tau^2 | rest \sim`
        scaled-inverse-:math:`\chi^2(\nu + m, (\nu S^2 + \sum_j \beta_j^2) / (\nu + m))`,
        :math:`\pi | rest \sim Beta(a + m, b + p - m)`, and
        :math:`\delta_j, \beta_j` as one block (see `MixturePrior`).
    Other names
        BayesC-pi (BGLR, hibayes, JWAS), bayesC (qgg), BVS, George & McCulloch's SSVS with a
        point-mass spike.

    Parameters
    ----------
    tau2 : None, number, (nu, S2) or ``.dist()``
        Variance of an included effect, in squared units of y per unit of x. Default ``(1, S2)``
        with ``2 S2 = h2 var(y) / (max(s, 1) mean_j var(x_j))``, about the prior median: s
        included features explain h2. ``s = min(p / 2, sqrt(n))``, or ``E[pi] p`` if `pi`,
        `expected_size` or `inclusion` is given.
    pi : None, number, (a, b) or ``.dist()``
        Probability that a feature is included. Default ``(1, sqrt((p - s) / s))`` with
        ``s = min(p / 2, sqrt(n))``: halfway, in log odds, between a uniform prior and one that
        expects s features. It is uniform for p <= 2 sqrt(n).
    expected_size : float, optional
        Prior mean of the number of included features, instead of `pi`: the same as
        ``pi=(1, (p - expected_size) / expected_size)``.
    inclusion : array-like, (feature,), optional
        Fixed inclusion probability of each feature, instead of `pi`; 0 and 1 are allowed. A
        Series or DataArray is joined to the features by label; it may have further features.
    groups : array-like, (feature,), optional
        Label of each feature's group, joined as `inclusion` is. Each group has its own `pi`,
        (group), with the same prior, or with values joined to the groups by label. Not together
        with `inclusion`.

    Raises
    ------
    ValueError, TypeError
        For a tau2 that is not positive, a pi outside (0, 1), values of a wrong type, more than
        one of `pi`, `expected_size` and `inclusion`, and values that do not fit the features.

    References
    ----------
    .. [1] Mitchell & Beauchamp (1988). Bayesian variable selection in linear regression. JASA
       83:1023-1032.
    .. [2] Habier et al. (2011). Extension of the Bayesian alphabet for genomic selection. BMC
       Bioinformatics 12:186.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.regression(data.X, data.y, prior=blr.priors.SpikeSlab(pi=(1, 9)))
    >>> sorted(rv.name for rv in model.free_RVs)
    ['beta', 'delta', 'mu', 'pi', 'sigma2', 'tau2']

    A slab whose standard deviation is half-normal; NUTS draws it, the Gibbs step everything else:

    >>> import pymc as pm
    >>> class HalfNormalSlab(blr.priors.SpikeSlab):
    ...     def tau2_variable(self):
    ...         return pm.HalfNormal("tau", 1.0) ** 2
    >>> model = blr.regression(data.X, data.y, prior=HalfNormalSlab())
    >>> sorted(rv.name for rv in model.free_RVs)
    ['beta', 'delta', 'mu', 'pi', 'sigma2', 'tau']
    """

    label_name = "delta"
    scales: Mapping[str, float] = MappingProxyType({"tau2": 2.0})

    #: The groups, if any, joined to the features by `bind`.
    groups: Groups | None = None

    def __init__(
        self,
        *,
        tau2: Parameter = None,
        pi: Parameter = None,
        expected_size: float | None = None,
        inclusion: Any = None,
        groups: ArrayLike | None = None,
    ) -> None:
        self.tau2 = check_parameter("tau2", tau2, VARIANCE)
        self.pi = check_parameter("pi", pi, PROBABILITY)
        _check_one(pi=pi, expected_size=expected_size, inclusion=inclusion)
        if inclusion is not None:
            where = "where inclusion fixes the probabilities"
            LeftOut(where, advice="Pass one of them.").check("groups", groups)
        size = NoneOr(Number(least=LEAST_SHAPE, advice=_SIZE))
        self.expected_size = size.check("expected_size", expected_size)
        self.inclusion, self.group_labels = inclusion, groups

    def bind(self, data: DataSummary, h2: float) -> Self:
        """Join `inclusion` or the groups to the features of the data."""
        bound = super().bind(data, h2)
        if self.expected_size is not None:
            bound.pi = _size_prior(self.expected_size, data.p)
        if self.inclusion is not None:
            features = pd.Index(data.coords["feature"])
            values = one_per_feature("inclusion", self.inclusion, features, "features of X")
            bound.inclusion = _check_inclusion(values)
        if self.group_labels is not None:
            bound.groups = Groups.of(self.group_labels, data)
            bound.pi = in_order("pi", bound.pi, ("group",), {"group": bound.groups.names})
        return bound

    def variables(self) -> Variables:
        """Make ``tau2`` and ``pi``."""
        return {"tau2": self.tau2_variable(), "pi": self.pi_variable()}

    def tau2_variable(self) -> TensorVariable:
        """Make ``tau2``, the slab's variance; a subclass may return any expression."""
        v = self.expected_variance()
        default = v.then((1.0, v.value / 2), "nu = 1", "S2 = v / 2")
        return parameter("tau2", self.tau2, VARIANCE, default)

    def pi_variable(self) -> TensorVariable:
        """Make ``pi``, the inclusion probability; a subclass may return any expression."""
        if self.inclusion is not None:
            return pm.Data("pi", self.inclusion, dims="feature")
        if self.groups is not None:
            self.groups.add_to_model()
        dims = None if self.groups is None else "group"
        return parameter("pi", self.pi, PROBABILITY, default_beta(self.data), dims=dims)

    def components(self, v: Variables) -> tuple[TensorVariable, TensorVariable]:
        """Variances and log weights of spike and slab."""
        pi = v["pi"] if self.groups is None else v["pi"][self.groups.index]
        log_weights = pt.stack([pt.log1p(-pi), pt.log(pi)], axis=-1)
        return pt.stack([0.0, v["tau2"]]), log_weights

    def conditionals(
        self, v: Variables, effects: TensorVariable
    ) -> dict[TensorVariable, TensorVariable | None]:
        """Full conditionals of ``tau2`` and ``pi`` given effects and indicators."""
        tau2 = conjugate.inverse_gamma(v["tau2"], pt.sum(v["delta"]), pt.sum(effects**2))
        if self.groups is None:
            included, excluded = pt.sum(v["delta"]), pt.sum(1 - v["delta"])
        else:
            included = total(v["delta"], self.groups.index, self.groups.sizes.shape)
            excluded = self.groups.sizes - included
        return {v["tau2"]: tau2, v["pi"]: conjugate.beta(v["pi"], included, excluded)}

    def expected_variance(self) -> Computed:
        """Variance of an included effect that the default ``tau2`` is scaled to."""
        if self.inclusion is not None:
            return self.scaled_for(mean_share(float(self.inclusion.mean())))
        if self.pi is None:
            return self.scaled_for(default_share(self.data, scaled_shares(self.data)[0]))
        return self.scaled_for(mean_share(prior_mean(self.pi, PROBABILITY, ())))


def _check_one(**given: object) -> None:
    names = [name for name, value in given.items() if value is not None]
    if len(names) > 1:
        raise ValueError(
            f"{names[0]} must be left out where {names[1]} is given, got both: each says how "
            f"many features are included. Pass one of {', '.join(given)}."
        )


def _size_prior(size: float, p: int) -> tuple[np.ndarray, np.ndarray]:
    remedy = f"There are {p} features. {_SIZE}"
    Number(least=LEAST_SHAPE, below=p, advice=remedy).check("expected_size", size)
    return np.array(1.0), np.array((p - size) / size)


def _check_inclusion(values: np.ndarray) -> np.ndarray:
    try:
        values = np.asarray(values, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(
            f"inclusion must hold probabilities, got {values!r}. Pass numbers from 0 to 1."
        ) from None
    least = PROBABILITY.least
    if not ((values == 0) | ((values >= least) & (values <= 1))).all() or not values.any():
        raise ValueError(
            f"inclusion must hold probabilities from 0 to 1, not all of them 0 and none between 0 "
            f"and {least:g}, got values from {values.min()} to {values.max()}. Pass numbers from 0 "
            f"to 1, for instance [0.1] * p, or leave inclusion out to learn pi."
        )
    return values
