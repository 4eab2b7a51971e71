"""The power posterior of a model, as a model that the same step methods draw from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from pymc.distributions.distribution import SymbolicRandomVariable
from pymc.logprob.abstract import _logprob
from pymc.model.fgraph import (
    fgraph_from_model,
    model_from_fgraph,
    model_named,
    model_observed_rv,
)
from pymc.pytensorf import toposort_replace
from pytensor.graph.basic import Variable
from pytensor.graph.op import Op
from pytensor.tensor.type_other import NoneTypeT
from pytensor.tensor.variable import TensorVariable

from blrzoo.gibbs.spec import Spec, refuse_sums, spec_in
from blrzoo.likelihood.single import POWER

__all__ = ["check_model", "power_posterior"]


def power_posterior(model: pm.Model) -> pm.Model:
    """Copy a model with its likelihood to the power of the data variable ``likelihood_power``.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.evidence.power import power_posterior
    >>> data = blr.simulate(n=20, p=3, n_causal=1, random_seed=1)
    >>> powered = power_posterior(blr.spike_slab(data.X, data.y))
    >>> powered["likelihood_power"].set_value(0.3)
    >>> errors = blr.testing.check_conditionals(powered, random_seed=1)
    >>> sorted(errors)
    ['beta', 'mu', 'pi', 'sigma2', 'tau2']
    """
    # p_t(theta | y) is proportional to p(theta) p(y | theta)^t: the prior at t = 0, the posterior
    # at t = 1 (Friel & Pettitt 2008, JRSS B 70:589-607). A normal density to a power leaves every
    # full conditional in its family; compiled functions follow a new value of t.
    check_model(model)
    if "measured" in model.named_vars:
        raise ValueError(
            "model must have all traits of each observation, got missing cells of y: they are "
            "drawn by data augmentation, and the density of what was measured, raised to a power, "
            "is not that of augmented data. Compare by blrzoo.evidence.compare, or fit "
            "the rows that have all traits."
        )
    fgraph, memo = fgraph_from_model(model)
    node = memo[model["y"]].owner
    rv, value = node.inputs
    power = model_named(pytensor.shared(np.array(1.0), name=POWER), POWER)
    fgraph.add_output(power, import_missing=True)
    powered = model_observed_rv(PoweredRV.rv_op(rv, power), value, node.op.name, *node.op.dims)
    toposort_replace(fgraph, ((node.outputs[0], powered),))
    return model_from_fgraph(fgraph, mutate_fgraph=True)


def check_model(model: pm.Model) -> Spec:
    """Return the Spec of a model; refuse one that blrzoo did not make, or with more data than y."""
    spec = spec_in(model.basic_RVs)
    if spec is None:
        raise ValueError(
            "model must be one of blrzoo, got a model whose variables carry no mark of it. Make "
            "it with blrzoo.regression or a factory; of other models, pm.sample_smc estimates the "
            "log marginal likelihood."
        )
    refuse_sums(model, "for its marginal likelihood, to be compared with models of the same y")
    terms = [*model.observed_RVs, *model.potentials]
    added = [str(term.name) for term in terms if term.name != "y"]
    if added or len(terms) != 1:
        raise ValueError(
            f"model must have y as its only observed variable and no potentials, got "
            f"{', '.join(added) or 'none'}: the marginal likelihood would not be that of y alone. "
            "Fix a parameter by its argument (tau2=0.5) or by pm.do instead of pm.observe."
        )
    return spec


class PoweredRV(SymbolicRandomVariable):
    """A variable whose log density is that of another one times a power; draws are the same."""

    name = "Powered"
    _print_name = ("Powered", "\\operatorname{Powered}")
    of: Op

    @classmethod
    def rv_op(cls, rv: TensorVariable, power: TensorVariable) -> TensorVariable:
        """Make the powered variable."""
        node = rv.owner
        signature = getattr(node.op, "extended_signature", None)
        if signature is None:
            signature = f"[rng],[size],{node.op.signature}".replace("->", "->[rng],")
        inputs = [*node.inputs, power]
        dummies = [x if isinstance(x.type, NoneTypeT) else x.type() for x in inputs]
        copy = node.clone_with_new_inputs(dummies[:-1])
        signature = signature.replace("->", ",()->")
        op = cls(inputs=dummies, outputs=copy.outputs, extended_signature=signature)
        op.of = node.op
        return op(*inputs)


@_logprob.register(PoweredRV)
def _powered_logp(
    op: PoweredRV, values: Sequence[TensorVariable], *inputs: Variable, **kwargs: Any
) -> TensorVariable:
    return inputs[-1] * _logprob(op.of, values, *inputs[:-1], **kwargs)
