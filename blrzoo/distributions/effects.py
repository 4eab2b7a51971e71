"""Effects of features that may be excluded: normal, or exactly 0."""

from collections.abc import Sequence

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.distribution import _support_point
from pymc.logprob.abstract import _logprob
from pymc.pytensorf import normalize_rng_param
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.one_generator import OneGenerator

__all__ = ["EffectsRV", "effects"]


def effects(name: str, variance: pt.TensorLike, dims: str) -> TensorVariable:
    r"""Make effects in the model on the context: normal, or exactly 0 where the variance is 0.

    .. math:: \log p(\beta_j | v_j) = \log N(\beta_j; 0, v_j) \text{ where } v_j > 0, \quad
       0 \text{ for } \beta_j = 0 \text{ where } v_j = 0, \text{ else } -\infty

    The variance is that of the component that the feature's label chooses. An effect and its label
    can only be drawn together: given the label 0 the effect is 0, and given an effect that is not 0
    the label is not 0. So a step method that draws one without the other never changes which
    features are included, and raises no error. `blrzoo.BLRGibbs` claims such variables, draws both,
    and refuses one without the other.

    Parameters
    ----------
    name : str
        Name of the variable.
    variance : TensorVariable, (feature,)
        Variance of each effect, nonnegative.
    dims : str
        Dim of the effects.

    Returns
    -------
    TensorVariable, (feature,)

    References
    ----------
    .. [1] Geweke (1996). Variable selection and model comparison in regression. Bayesian
       Statistics 5:609-620 (indicator and effect in one block).

    Examples
    --------
    >>> import numpy as np, pymc as pm
    >>> from blrzoo.distributions.effects import effects
    >>> with pm.Model(coords={"feature": ["a", "b"]}):
    ...     beta = effects("beta", np.array([0.0, 4.0]), dims="feature")
    >>> pm.draw(beta, draws=4000, random_seed=1).std(axis=0).round(1)
    array([0., 2.])
    >>> pm.logp(beta, np.array([0.0, 0.0])).eval().round(2)
    array([ 0.  , -1.61])
    """
    return pm.modelcontext(None).register_rv(EffectsRV.rv_op(variance), name, dims=(dims,))


class EffectsRV(OneGenerator):
    """Draws of `effects`."""

    name = "effects"
    extended_signature = "[rng],()->[rng],()"
    _print_name = ("Effects", "\\operatorname{Effects}")

    @classmethod
    def rv_op(cls, variance: pt.TensorLike, *, rng: Variable | None = None) -> TensorVariable:
        """Build the graph of a draw."""
        given = pt.cast(pt.as_tensor(variance), "float64")
        v = pt.tensor(dtype="float64", shape=(None,) * given.ndim)
        rng = normalize_rng_param(rng)
        new, normal = pt.random.normal(size=v.shape, rng=rng, return_next_rng=True)
        return cls(inputs=[rng, v], outputs=[new, pt.switch(v > 0, normal * pt.sqrt(v), 0.0)])(
            rng, given
        )


@_logprob.register(EffectsRV)
def _effects_logp(
    op: EffectsRV,
    values: Sequence[TensorVariable],
    rng: Variable,
    variance: TensorVariable,
    **kwargs: object,
) -> TensorVariable:
    (value,) = values
    included = variance > 0
    v = pt.switch(included, variance, 1.0)  # so that gradients stay finite
    normal = -(pt.log(2 * np.pi * v) + value**2 / v) / 2
    return pt.switch(included, normal, pt.switch(pt.eq(value, 0.0), 0.0, -np.inf))


@_support_point.register(EffectsRV)
def _effects_support_point(
    op: EffectsRV, rv: TensorVariable, rng: Variable, variance: TensorVariable
) -> TensorVariable:
    return pt.zeros_like(variance)
