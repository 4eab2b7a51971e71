"""A term of the linear predictor: features in some design, and the prior of their effects."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import Design
from blrzoo.designs.factorisation import Factorisation
from blrzoo.ops.linear_predictor import LinearPredictor
from blrzoo.priors.base import Prior

__all__ = ["Designs", "Term", "TermModel"]

#: X of the rows with y, "", and of those without, "_missing".
Designs = dict[str, Design]


@dataclass(frozen=True)
class Term:
    r"""A part :math:`X_b \beta_b` of the mean of y, in names and rules, and its X.

    Attributes
    ----------
    prior : Prior
        Of the effects; bound to what it may know of the data.
    designs : dict of str to Design
        X of the rows with y, "", and of those without, "_missing": one copy for all copies of the
        model and all fits.
    update : str
        "single-site" or "joint": how the effects are drawn.
    names : dict of str to str
        The prior's variables: their key and their name in the model.
    prefix : str
        What the names of a further term's variables start with; "" for the main term.
    """

    prior: Prior
    designs: Designs = field(repr=False)
    update: str = "single-site"
    names: dict[str, str] = field(default_factory=dict)
    prefix: str = ""

    @property
    def design(self) -> Design:
        """X of the rows with y."""
        return self.designs[""]

    @property
    def in_update(self) -> Design | Factorisation:
        """X of the rows with y, in the form that the update needs."""
        return self.design.factorisation if self.update == "joint" else self.design

    @property
    def effects_name(self) -> str:
        """Name of the random variable of the effects."""
        return self.prefix + self.prior.effects_name

    @property
    def label_name(self) -> str | None:
        """Name of the labels, if there are any."""
        return None if self.prior.label_name is None else self.prefix + self.prior.label_name

    def variables(self, model: pm.Model) -> dict[str, TensorVariable]:
        """Look the prior's variables up in a model."""
        return {key: model[name] for key, name in self.names.items()}

    def beta(self, model: pm.Model) -> TensorVariable:
        """Effects per unit of the features as given, over a model."""
        return model[f"{self.prefix}beta"]

    def scaled_effects(self, model: pm.Model) -> TensorVariable:
        """Effects on the scale of the prior, which is that of the design, over a model."""
        return self.prior.data.per_sd(self.beta(model))

    def mean(self, model: pm.Model, rows: str = "") -> TensorVariable:
        """Multiply X about its centres, neither weighted nor scaled, with beta, (obs[, trait])."""
        design, effects = self.designs[rows], self.scaled_effects(model)
        # PyMC takes what is not observed, and follows from a shared variable, for changed data.
        arrays = [pt.constant(array) for array in design.arrays] if rows else design.shared()
        fit = LinearPredictor(design.name)(*arrays, effects)
        if not np.ndim(design.root):
            return fit
        return fit / np.reshape(design.root, (-1,) + (1,) * (fit.ndim - 1))


class TermModel(pm.Model):
    """Where a further term is made: priors name variables and dims as ever, and get a prefix.

    Parameters
    ----------
    prefix : str
        What names start with, as in cage_beta. Made within the context of the main model.
    coords : dict of str to array_like
        Labels by dim of the term; other dims (trait) are those of the main model.
    """

    def __init__(self, prefix: str, coords: dict[str, Any]) -> None:
        self.term_prefix = prefix
        self.own_dims: set[str] = set()
        super().__init__(coords=coords)

    @property
    def coords(self) -> dict[str, Any]:
        """Labels by the name of a dim with and without the prefix."""
        return {**self._coords, **self._unprefixed(self._coords)}

    @property
    def dim_lengths(self) -> dict[str, Any]:
        """Lengths by the name of a dim with and without the prefix."""
        return {**self._dim_lengths, **self._unprefixed(self._dim_lengths)}

    def _unprefixed(self, values: dict[str, Any]) -> dict[str, Any]:
        return {dim: values[self.name_for(dim)] for dim in self.own_dims}

    def name_for(self, name: str) -> str:
        """Return the name in the main model."""
        return name if name.startswith(self.term_prefix) else self.term_prefix + name

    def add_coord(self, name: str, values: Any = None, *, length: Any = None) -> None:
        """Add a dim of the term."""
        self.parent.add_coord(self.name_for(name), values, length=length)
        self.own_dims.add(name)

    def add_named_variable(self, var: Any, dims: Any = None) -> None:
        """Add a variable with the names of dims in the main model."""
        dims = (dims,) if isinstance(dims, str) else dims
        if dims is not None:
            dims = tuple(self.name_for(dim) if dim in self.own_dims else dim for dim in dims)
        super().add_named_variable(var, dims)
