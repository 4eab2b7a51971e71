"""The variables of a model: their priors, how these were computed, and how each is drawn."""

import pymc as pm
from pytensor.graph.basic import Variable
from pytensor.graph.traversal import ancestors
from pytensor.tensor.random.op import RNGConsumerOp
from pytensor.tensor.variable import TensorVariable

from blrzoo.description.table import Line
from blrzoo.evaluate import value_of
from blrzoo.gibbs.blocks import BLOCKS, Block
from blrzoo.gibbs.spec import Spec, spec_in, spec_of
from blrzoo.priors.computed import Origin
from blrzoo.terms import Term
from blrzoo.wording import first_line, number_text

__all__ = ["describe_priors", "update_lines", "variable_lines"]


def describe_priors(model: pm.Model) -> list[str]:
    """Priors of the random hyperparameters as PyMC prints them; none for models of others.

    Examples
    --------
    >>> import blrzoo as blr
    >>> from blrzoo.description import describe_priors
    >>> data = blr.simulate(n=100, p=500, n_causal=2, random_seed=1)
    >>> describe_priors(blr.spike_slab(data.X, data.y, tau2=0.1, sigma2=(4, 0.25)))[1:]
    ['sigma2 ~ InverseGamma(2, 0.5)', 'pi ~ Beta(1, 7)']
    """
    # A scaled inverse chi2 (nu, S2) is printed as InverseGamma(nu / 2, nu S2 / 2).
    spec = spec_in(model.free_RVs)
    if spec is None:
        return []
    names = _names(spec) - spec.effects
    return [f"{rv.name} ~ {_as_pymc(rv)}" for rv in model.free_RVs if rv.name in names]


def variable_lines(model: pm.Model, spec: Spec) -> list[Line]:
    """Lines of all random variables, and of the hyperparameters that are fixed or computed."""
    names = _names(spec)
    fixed = [v for name, v in model.named_vars.items() if name in names and v not in model.free_RVs]
    update = _updates(model, spec)
    return [_random(rv, update[rv]) for rv in model.free_RVs] + [_fixed(v) for v in fixed]


def _names(spec: Spec) -> set[str]:
    """Names of the variables of likelihood and priors."""
    return {*spec.names.values(), *(name for term in spec.terms for name in term.names.values())}


def _updates(model: pm.Model, spec: Spec) -> dict[TensorVariable, str]:
    """How each random variable is drawn: by a block of effects, a conditional, or another step."""
    response = spec.likelihood.response(spec.variables(model), model)
    conditionals, found = spec.conditionals(model, response), {}
    for rv in model.free_RVs:
        found[rv] = "NUTS" if rv.dtype.startswith("float") else "another step of PyMC"
        if rv in conditionals and spec_of(rv) is not None:
            found[rv] = f"Gibbs: {_family(conditionals[rv])} full conditional"
    for term in spec.terms:
        for name in (term.effects_name, term.label_name):
            rv = model.named_vars.get(name)
            if rv in found and spec_of(rv) is not None:
                found[rv] = f"Gibbs: {_block(term).name} block"
    return found


def update_lines(spec: Spec) -> list[Line]:
    """Lines of the blocks of effects and labels, in words."""
    blocks = {_block(term) for term in spec.terms}
    return [Line("blocks", block.name, first_line(block)) for block in blocks]


def _block(term: Term) -> type[Block]:
    return BLOCKS[term.prior.blocks[term.update]]


def _random(rv: TensorVariable, drawn_by: str) -> Line:
    """Line of a random variable; its prior in the terms of blrzoo if it is of a known family."""
    origin: Origin | None = getattr(rv.tag, "blrzoo_origin", None)
    if origin is None:
        return Line("variables", str(rv.name), f"~ {_as_pymc(rv)}", drawn_by)
    fields = ", ".join(f"{key} = {number_text(value)}" for key, value in origin.fields.items())
    prior = f"~ {origin.family}({fields})"
    if origin.default is None:
        return Line("variables", str(rv.name), prior, drawn_by)
    numbers = tuple(f"{k} = {number_text(v)}" for k, v in origin.default.numbers.items())
    formulas = origin.default.formulas
    return Line("variables", str(rv.name), prior, drawn_by, formulas, numbers)


def _fixed(variable: TensorVariable) -> Line:
    """Line of a hyperparameter that is not random: its value, or what it is computed from."""
    return Line("variables", str(variable.name), f"= {_parameter(variable)}")


def _as_pymc(rv: TensorVariable) -> str:
    """Distribution and parameters of a random variable, with numbers where PyMC says constant."""
    node = rv.owner
    return f"{_family(rv)}({', '.join(map(_parameter, node.op.dist_params(node)))})"


def _family(rv: TensorVariable) -> str:
    family, _ = rv.owner.op._print_name
    return str(family)


def _parameter(parameter: Variable) -> str:
    """Value of a parameter, or the names of the random variables that it depends on."""
    above = sorted(str(v.name) for v in _nearest(parameter))
    if above:
        return f"f({', '.join(above)})"
    return number_text(value_of(parameter))


def _nearest(variable: Variable) -> list[Variable]:
    """Random variables on which a graph depends directly."""
    random = {v for v in ancestors([variable]) if v.name and _is_random(v)}
    return [v for v in ancestors([variable], blockers=random) if v in random]


def _is_random(variable: Variable) -> bool:
    """Whether a variable of a graph is a random variable of the model."""
    return variable.owner is not None and isinstance(variable.owner.op, RNGConsumerOp)
