"""All effects on several traits at once."""

import numpy as np
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.factorisation import Factorisation
from blrzoo.gibbs.blocks.base import Block, Drawn, register
from blrzoo.likelihood.traits import TraitLikelihood
from blrzoo.ops.joint import JointDraw
from blrzoo.ops.small import product
from blrzoo.ops.traits import Rotate
from blrzoo.priors.multivariate.base import MultivariatePrior

__all__ = ["JointTraits"]


@register
class JointTraits(Block):
    """Effects on all traits at once, where all features have one common covariance.

    In the coordinates of `Rotate` prior and likelihood are diagonal, so this is one independent
    `JointDraw` per trait.
    """

    name = "joint-traits"
    design: Factorisation
    prior: MultivariatePrior
    likelihood: TraitLikelihood

    def inputs(self) -> dict[str, TensorVariable]:
        """Partial residual of the term, residual precision, and the covariance of the effects."""
        v = self.spec.variables(self.model, self.term)
        return self._current(
            target=self.residual + self.current_fit,
            precision=self.likelihood.precision(v, self.model),
            covariance=pt.as_tensor(self.prior.covariance(v)),
        )

    def draw(self) -> Drawn:
        """Draw the effects."""
        p, T = self.prior.data.size, self.prior.data.n_traits
        target, precision, covariance = self.inputs().values()
        identity = pt.constant(np.eye(T)[None])
        alphas, _, values = Rotate()(covariance[None, None], identity, precision)
        # A tiny number in place of an eigenvalue of 0 can be divided by; the draw is the prior's.
        axes, information = alphas[0, 0], pt.maximum(values[0, 0], 1e-30 * values[0, 0, 0])
        weights, shared, drawn = product(precision, axes), self.design.shared(), []
        for i in range(T):
            projected = pt.sum(target * weights[:, i], axis=1) / information[i]
            noise = [1 / information[i], pt.constant(1.0), self.state.normals(p)]
            drawn.append(JointDraw()(*shared, projected, *noise))
        effects, fit = (pt.stack(part, axis=1) for part in zip(*drawn, strict=True))
        return Drawn(product(effects, axes.T), None, product(fit, axes.T))
