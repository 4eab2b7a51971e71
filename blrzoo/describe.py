"""The priors of a model's hyperparameters in words and numbers, for the log of a fit."""

from typing import Any

import numpy as np
import pymc as pm
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.op import RNGConsumerOp
from pytensor.tensor.variable import TensorVariable

from blrzoo.gibbs.spec import spec_in

__all__ = ["describe_priors"]


def describe_priors(model: pm.Model) -> list[str]:
    """Describe the prior of each random hyperparameter, its numbers as they are in the model.

    A Gamma has a shape and a scale, an InverseGamma a shape and the scale of its mean: a scaled
    inverse chi2 (nu, S2) is InverseGamma(nu / 2, nu S2 / 2).

    Parameters
    ----------
    model : pm.Model
        A blrzoo model; of another one nothing is said.

    Returns
    -------
    list of str

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.describe import describe_priors
    >>> data = blr.simulate(n=100, p=500, n_causal=2, random_seed=1)
    >>> describe_priors(blr.spike_slab(data.X, data.y, tau2=0.1, sigma2=(4, 0.25)))[1:]
    ['sigma2 ~ InverseGamma(2, 0.5)', 'pi ~ Beta(1, 7)']
    """
    spec = spec_in(model.free_RVs)
    if spec is None:
        return []
    names = {*spec.names.values(), *(name for term in spec.terms for name in term.names.values())}
    return [_describe(rv) for rv in model.free_RVs if rv.name in names - spec.effects]


def _describe(rv: TensorVariable) -> str:
    """Name, distribution and parameters of a random variable."""
    node = rv.owner
    family, _ = node.op._print_name
    parameters = ", ".join(map(_number, node.op.dist_params(node)))
    return f"{rv.name} ~ {family}({parameters})"


def _number(parameter: Any) -> str:
    """Value of a parameter, or the names of the random variables that it depends on."""
    above = sorted(str(v.name) for v in ancestors([parameter]) if _is_random(v))
    if above:
        return f"f({', '.join(above)})"
    value = np.asarray(parameter.eval(mode="FAST_COMPILE"))
    if np.ptp(value) == 0:
        return f"{value.flat[0]:.3g}"
    if value.size > 4:
        return f"{value.min():.3g} to {value.max():.3g}"
    return f"[{', '.join(f'{number:.3g}' for number in value.ravel())}]"


def _is_random(variable: Any) -> bool:
    """Whether a variable of a graph is a random variable of the model."""
    return variable.owner is not None and isinstance(variable.owner.op, RNGConsumerOp)
