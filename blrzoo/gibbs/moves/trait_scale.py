"""Effects on several traits and their covariance, transformed together."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from pymc.distributions.distribution import support_point
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import SUMS
from blrzoo.evaluate import AS_WRITTEN
from blrzoo.gibbs.blocks.base import Block
from blrzoo.gibbs.blocks.indicators import Indicators
from blrzoo.gibbs.blocks.joint_traits import JointTraits
from blrzoo.gibbs.blocks.traits import Traits
from blrzoo.gibbs.moves.base import Move, register
from blrzoo.ops.linear_predictor import LinearPredictor
from blrzoo.ops.small import canonical_draw, log_cholesky, product, unpack

__all__ = ["IndicatorScale", "JointTraitScale", "TraitScale"]


@register
class TraitScale(Move):
    r"""Effects times a lower triangular matrix M, and their covariance to go with it.

    With :math:`\Sigma_b = LL'` and :math:`\alpha_j = Lz_j` for the included features, L is drawn
    given the z [1]_: y is a regression on its elements, so that their conditional without the prior
    of :math:`\Sigma_b` is normal. L is proposed from it as ML, times a normal :math:`g(L)`, as
    features that are too few say nothing about some of the elements: around those of a prior guess,
    in row t with the SD :math:`s_t` of effects on trait t by that guess. It is accepted by the
    ratio of

    .. math:: p(LL') \prod_t L_{tt}^{T - t + 1} / g(L), \quad t = 1, ..., T,

    the prior and the Jacobian of :math:`LL'`. A proposal with an element of the diagonal below 0 is
    rejected. Where Sigma_b is diagonal, so is L, and the Jacobian is :math:`\prod_t L_{tt}`.
    Patterns, and alpha of excluded features, stay.

    References
    ----------
    .. [1] Yu & Meng (2011). To center or not to center: that is not the question. Journal of
       Computational and Graphical Statistics 20:531-570 (interweaving).
    """

    name, serves = "scale", "traits"
    block: Traits | JointTraits | Indicators

    def __init__(self, block: Block) -> None:
        super().__init__(block)
        T = np.arange(block.prior.data.n_traits)
        self.variable = self._find_variable()
        self.full = self.variable is not None and self.variable.ndim == 2
        # Where L is not 0, row by row.
        self.rows: np.ndarray
        self.columns: np.ndarray
        self.rows, self.columns = np.tril_indices(len(T)) if self.full else (T, T)
        guess = self._guess()
        #: Mean of g, and its precision by row.
        self.guess, self.bound = np.linalg.cholesky(guess), 1.0 / np.diagonal(guess)
        self.powers = (len(T) - T) if self.full else np.ones(len(T))

    def _find_variable(self) -> TensorVariable | None:
        """The covariance, or the variances, of effects on all traits that the step draws."""
        v = self.block.spec.variables(self.block.model, self.block.term)
        for key in self.block.prior.scales:
            if v.get(key) in self.block.step_draws:
                found: TensorVariable = v[key]
                return found
        return None

    def _guess(self) -> np.ndarray:
        """Covariance at the support point of its prior; by default where that is not fixed."""
        rv, random = self.variable, set(self.block.model.basic_RVs)
        if rv is None or random.intersection(ancestors(rv.owner.inputs)):
            found: np.ndarray = self.block.prior.pseudo_covariance()
            return found
        value = pytensor.function([], support_point(rv), mode=AS_WRITTEN)()
        return np.asarray(value if self.full else np.diag(value))

    def pays(self) -> bool:
        """Whether the step draws the effects, and the covariance that the prior declares."""
        return self.block.draws_effects and self.variable is not None

    def inputs(self) -> dict[str, TensorVariable]:
        """Precision and linear term of the elements of M, and the log prior of the covariance.

        With X* times the effects that go with each element, and the features whose effects move.
        """
        residual, precision = self._current()
        moved, fits = self._factors()
        left = moved if self.block.term.design.form == SUMS else fits
        response = residual + self.state.values[self.block.current_fit]
        of_rows = product(precision, product(response.T, left))
        return {
            "precision": precision[self.rows][:, self.rows] * product(left.T, fits),
            "linear": of_rows[self.rows, np.arange(len(self.rows))],
            "log_prior": self._log_prior(),
            "fits": fits,
            "included": self._included(),
        }

    def _current(self) -> list[TensorVariable]:
        """Residual, and its precision."""
        v = self.block.spec.variables(self.block.model, self.block.term)
        precision = self.block.likelihood.precision(v, self.block.model)
        found: list[TensorVariable] = self.state.rebuild([self.block.residual, precision])
        return found

    def _log_prior(self) -> TensorVariable:
        return self.state.rebuild([pt.sum(pm.logp(self.variable, self.variable))])[0]

    def _included(self) -> TensorVariable:
        """1 for features whose alpha has the covariance, (feature,)."""
        if self.block.label is None:
            return pt.ones(self.block.prior.data.size)
        included = self.block.prior.included(self.state.value(self.block.label))
        return pt.cast(included, "float64")

    def _factors(self) -> tuple[TensorVariable, TensorVariable]:
        """Effects that go with each element of M, (feature, element), and X* times them."""
        alpha = self.block.prior.data.per_sd(self.state.value(self.block.effects))
        affected = pt.ones_like(alpha)
        if self.block.label is not None:
            (beta,) = self.state.rebuild([self.block.term.beta(self.block.model)])
            affected = pt.cast(pt.neq(beta, 0.0), "float64")
        moved = affected[:, self.rows] * alpha[:, self.columns]
        if self.block.label is None:
            return moved, self.state.values[self.block.current_fit][:, self.columns]
        design = self.block.term.design
        return moved, LinearPredictor(design.name)(*design.shared(), moved)

    def update(self) -> None:
        """Propose M, and move or stay."""
        state, given = self.state, self.inputs()
        old, root = state.value(self.variable), self._root()
        identity = np.eye(len(self.guess))
        elements = self._propose(given, root)
        M = pt.zeros(identity.shape)[self.rows, self.columns].set(elements)
        allowed = pt.all(pt.diagonal(M) > 0.0)
        M = pt.switch(allowed, M, identity)
        moved = product(M, root)
        sigma = product(moved, moved.T)
        state.values[self.variable] = sigma if self.full else pt.diagonal(sigma)
        ratio = self._log_prior() - given["log_prior"] + self._log_bound(root)
        ratio = ratio - self._log_bound(moved) + pt.sum(self.powers * pt.log(pt.diagonal(M)))
        self.accepted = accepted = pt.and_(allowed, -state.exponentials(()) < ratio)
        state.values[self.variable] = pt.switch(accepted, state.values[self.variable], old)
        self._follow(pt.switch(accepted, M, identity), given)

    def statistics(self) -> dict[str, TensorVariable]:
        """Whether the proposal was accepted, as 0 or 1."""
        return {"scale_acceptance": pt.cast(self.accepted, "float64")}

    def _root(self) -> TensorVariable:
        """Current L."""
        value = self.state.value(self.variable)
        if not self.full:
            return pt.diag(pt.sqrt(value))
        packed, diagonal = unpack(log_cholesky(value)), np.eye(len(self.guess), dtype=bool)
        return pt.switch(diagonal, pt.exp(pt.switch(diagonal, packed, 0.0)), packed)

    def _propose(self, given: dict[str, TensorVariable], root: TensorVariable) -> TensorVariable:
        """Draw the elements of M from the likelihood times g."""
        bound, same = pt.constant(self.bound), np.equal.outer(self.rows, self.rows).astype(float)
        between = product(root, root.T)[self.columns][:, self.columns]
        towards = product(root, pt.constant(self.guess.T))[self.columns, self.rows]
        return canonical_draw(
            given["precision"] + same * bound[self.rows] * between,
            given["linear"] + bound[self.rows] * towards,
            self.state.normals(len(self.rows)),
        )

    def _log_bound(self, root: TensorVariable) -> TensorVariable:
        """Log of g."""
        squares = pt.sum((root - pt.constant(self.guess)) ** 2, axis=1)
        return -0.5 * pt.sum(pt.constant(self.bound) * squares)

    def _follow(self, M: TensorVariable, given: dict[str, TensorVariable]) -> None:
        """Make the effects, and the fit, those that go with M."""
        block, values = self.block, self.state.values
        identity = np.eye(len(self.guess))
        change = (M - identity)[self.rows, self.columns]
        values[block.current_fit] += product(given["fits"] * change, identity[self.rows])
        alpha, included = values[block.effects], given["included"][:, None] > 0.0
        values[block.effects] = pt.switch(included, product(alpha, M.T), alpha)


@register
class JointTraitScale(TraitScale):
    """The same, where effects are drawn jointly."""

    serves = "joint-traits"


@register
class IndicatorScale(TraitScale):
    """The same, where indicators are drawn one by one."""

    serves = "indicators"
