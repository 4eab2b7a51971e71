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
    """A part ``X_b beta_b`` of the mean of y: its X, and its variables by name.

    Without variables, a term survives copies of the model; its X is one copy for all of them.
    """

    prior: Prior  # bound to the summary of the data
    designs: Designs = field(repr=False)
    update: str = "single-site"  # or "joint"
    names: dict[str, str] = field(default_factory=dict)  # of the prior's variables, by key
    prefix: str = ""  # of the names of a further term's variables

    @property
    def design(self) -> Design:
        """X of the rows with y."""
        return self.designs[""]

    @property
    def in_update(self) -> Design | Factorisation:
        """X of the rows with y, factorized for joint updates."""
        return self.design.factorisation if self.update == "joint" else self.design

    @property
    def effects_name(self) -> str:
        """Name of the random variable of the effects."""
        return self.prefix + self.prior.effects_name

    @property
    def label_name(self) -> str | None:
        """Name of the labels, None without labels."""
        return None if self.prior.label_name is None else self.prefix + self.prior.label_name

    def variables(self, model: pm.Model) -> dict[str, TensorVariable]:
        """Look up the prior's variables in a model."""
        return {key: model[name] for key, name in self.names.items()}

    def beta(self, model: pm.Model) -> TensorVariable:
        """Effects per unit of X as given, in a model."""
        return model[f"{self.prefix}beta"]

    def scaled_effects(self, model: pm.Model) -> TensorVariable:
        """Effects on the scale of the prior and the design, in a model."""
        return self.prior.data.per_sd(self.beta(model))

    def mean(self, model: pm.Model, rows: str = "") -> TensorVariable:
        """Linear predictor of the term, (obs[, trait]): X about its centers times beta."""
        design, effects = self.designs[rows], self.scaled_effects(model)
        # Constants for unobserved rows: PyMC would regard shared variables as changed data.
        arrays = [pt.constant(array) for array in design.arrays] if rows else design.shared()
        fit = LinearPredictor(design.name)(*arrays, effects)
        if not np.ndim(design.root):
            return fit
        return fit / np.reshape(design.root, (-1,) + (1,) * (fit.ndim - 1))


class TermModel(pm.Model):
    """Context of a further term: a prior's names of variables and dims get a prefix.

    It is made within the context of the main model; dims not in `coords` are those of that model.
    """

    def __init__(self, prefix: str, coords: dict[str, Any]) -> None:
        self.term_prefix = prefix
        self.own_dims: set[str] = set()
        super().__init__(coords=coords)

    @property
    def coords(self) -> dict[str, Any]:
        """Labels by name of a dim, with and without the prefix."""
        return {**self._coords, **self._unprefixed(self._coords)}

    @property
    def dim_lengths(self) -> dict[str, Any]:
        """Lengths by name of a dim, with and without the prefix."""
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
        """Add a variable, with its dims named as in the main model."""
        dims = (dims,) if isinstance(dims, str) else dims
        if dims is not None:
            dims = tuple(self.name_for(dim) if dim in self.own_dims else dim for dim in dims)
        super().add_named_variable(var, dims)
