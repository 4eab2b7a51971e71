"""Labels and effects of two correlated features, drawn together."""

from typing import ClassVar

import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.gibbs.blocks.base import Drawn
from blrzoo.gibbs.blocks.single_site import SingleSite
from blrzoo.gibbs.blocks.traits import Traits
from blrzoo.gibbs.moves.base import Move, register
from blrzoo.ops.pairs import PairInputs, Pairs
from blrzoo.ops.trait_pairs import ALL_STATES, TraitPairInputs, TraitPairs
from blrzoo.ops.traits import Rotate

__all__ = ["PairMove", "TraitPairMove"]


@register
class PairMove(Move):
    """Pairs of correlated features, chosen at random: both labels, then both effects.

    In each sweep, 0.3 times as many pairs as there are features are drawn, or as many as there
    are pairs if these are fewer: more cost as much as they gain (`benchmarks/pairs.py`).
    """

    name, serves = "pairs", "single-site"
    block: SingleSite | Traits

    #: Pairs drawn in a sweep, by feature.
    share: ClassVar[float] = 0.3

    @property
    def pairs(self) -> list[TensorVariable]:
        """The first and the second feature of each pair, and their product."""
        found: list[TensorVariable] = self.block.design.pairs(self.block.prior.data.n)
        return found

    def pays(self) -> bool:
        """Whether labels are drawn, and any features are correlated."""
        return self.block.draws_label and bool(self.pairs[0].get_value().size)

    def inputs(self) -> dict[str, TensorVariable]:
        """Inputs of the Op without the noise and the choice of pairs."""
        given, label = self.block.inputs(), self.state.value(self.block.label)
        labels = pt.cast(self.block.prior.index(label), "int64")
        first, second, cross = self.pairs
        return given | {"labels": labels, "first": first, "second": second, "cross": cross}

    def update(self) -> None:
        """Draw pairs of features."""
        given = self.inputs()
        noise = self._noise(given, given["variances"].shape[1] ** 2, ())
        inputs, design = PairInputs(**given, **noise), self.block.design
        effects, labels, residual = Pairs(design.name)(*design.shared(), *inputs)
        effects = pt.switch(labels > 0, effects, 0.0)  # not -0
        self.block.update(Drawn(effects, labels, self._fit(inputs.residual, residual)))

    def _noise(
        self,
        given: dict[str, TensorVariable],
        states: TensorVariable | int,
        by_trait: tuple[int, ...],
    ) -> dict[str, TensorVariable]:
        """Pairs to draw, and the noise of their labels and effects."""
        n_pairs, p = given["first"].shape[0], given["log_weights"].shape[0]
        count = pt.minimum(n_pairs, pt.cast(pt.ceil(self.share * p), "int64"))
        return {
            "chosen": self.state.integers(n_pairs, count),
            "races": self.state.exponentials((count, states)),
            "normals": self.state.normals((count, 2, *by_trait)),
        }

    def _fit(self, before: TensorVariable, after: TensorVariable) -> TensorVariable:
        """Fit that goes with a residual, from the residual before."""
        return self.state.values[self.block.current_fit] + before - after


@register
class TraitPairMove(PairMove):
    """Pairs of correlated features, for several traits.

    Of more than 8 components, the two features may only swap theirs. A pair takes as long as ten
    features by themselves, so a sweep draws 0.1 p of them.
    """

    serves, share = "traits", 0.1
    block: Traits

    def inputs(self) -> dict[str, TensorVariable]:
        """Inputs of the Op without the noise, with slabs and projections before their rotation."""
        alpha = self.block.prior.data.per_sd(self.state.value(self.block.effects))
        return super().inputs() | {"alpha": alpha}

    def update(self) -> None:
        """Draw pairs of features."""
        given, design = self.inputs(), self.block.design
        rotated = given.pop("slabs"), given.pop("projections"), given["precision"]
        alphas, betas, values = Rotate()(*rotated)
        K, T = given["log_weights"].type.shape[1], self.block.prior.data.n_traits
        noise = self._noise(given, K * K if K <= ALL_STATES else 2, (T,))
        rotation = {"alphas": alphas, "betas": betas, "values": values}
        inputs = TraitPairInputs(slabs=given.pop("alpha"), **given, **rotation, **noise)
        alpha, _, index, residual = TraitPairs(design.name)(*design.shared(), *inputs)
        fit = self._fit(inputs.residual, residual)
        self.block.update(Drawn(alpha, self.block.prior.label(index), fit))
