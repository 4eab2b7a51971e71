"""All effects and their variances, scaled together."""

import pymc as pm
import pytensor.tensor as pt
from pytensor.tensor.variable import TensorVariable

from blrzoo.designs.base import SUMS
from blrzoo.gibbs.blocks.single_site import SingleSite
from blrzoo.gibbs.moves.base import Move, register

__all__ = ["ScaleMove"]


@register
class ScaleMove(Move):
    r"""Effects times c and their variances times :math:`c^2`, in the direction in which they stick.

    Given the effects, a variance can only move as far as their sum of squares allows, and given
    the variance the effects. Along :math:`(c\beta, c^2\tau^2)` the likelihood is that of a normal
    c, with f the linear predictor and e the partial residual of the term:

    .. math:: c \sim N(f'e / f'f, \; \sigma^2 / f'f).

    c is proposed from it and accepted by what is left, the ratio of the priors of all that moves
    and the Jacobian, divided by c, as :math:`\log c` is what moves [1]_. A proposal below 0 is
    rejected. Excluded effects stay 0; labels do not change.

    References
    ----------
    .. [1] Liu & Sabatti (2000). Generalised Gibbs sampler and multigrid Monte Carlo for Bayesian
       computation. Biometrika 87:353-369.
    """

    name, serves = "scale", "single-site"
    block: SingleSite

    @property
    def variances(self) -> dict[TensorVariable, float]:
        """Variables that the step draws and the prior declares, with their powers of c."""
        v = self.block.spec.variables(self.block.model, self.block.term)
        declared = {v[key]: power for key, power in self.block.prior.scales.items() if key in v}
        return {rv: power for rv, power in declared.items() if rv in self.block.step_draws}

    def pays(self) -> bool:
        """Whether the step draws the effects, and variances that the prior declares."""
        return self.block.draws_effects and bool(self.variances)

    def inputs(self) -> dict[str, TensorVariable]:
        """Likelihood of c, linear and quadratic term; log prior of what moves."""
        given, fit = self.block.inputs(), self.state.values[self.block.current_fit]
        # of cross-products, residual and fit are X'r and X'X beta
        left = given["effects"] if self.block.design.form == SUMS else fit
        return {
            "linear": pt.sum(left * (given["residual"] + fit)) / given["sigma2"],
            "quadratic": pt.sum(left * fit) / given["sigma2"],
            "log_prior": self._log_prior(given),
        }

    def _log_prior(self, given: dict[str, TensorVariable]) -> TensorVariable:
        """Log prior density of the variances, and of the effects that are not 0."""
        variances, effects = given["variances"], given["effects"]
        if self.block.label is None:
            own = variances[:, 0]
        else:
            index = self.block.prior.index(self.state.value(self.block.label))
            own = variances[pt.arange(variances.shape[0]), index]
        inside = own > 0.0
        own = pt.switch(inside, own, 1.0)
        of_effects = -0.5 * pt.sum(pt.switch(inside, pt.log(own) + effects**2 / own, 0.0))
        of_variances = self.state.rebuild([pt.sum(pm.logp(rv, rv)) for rv in self.variances])
        return sum(of_variances, of_effects)

    def update(self) -> None:
        """Propose c, and scale or stay."""
        state, block, given = self.state, self.block, self.inputs()
        c = given["linear"] / given["quadratic"] + state.normals(()) / pt.sqrt(given["quadratic"])
        allowed = pt.and_(given["quadratic"] > 0.0, c > 0.0)  # else there is nothing to scale
        c = pt.switch(allowed, c, 1.0)
        powers = {block.effects: 1.0, **self.variances}
        old = {rv: state.value(rv) for rv in powers}
        for rv, power in powers.items():
            state.values[rv] = old[rv] * c**power
        moved = pt.sum(pt.neq(old[block.effects], 0.0))
        moved = moved + sum(power * old[rv].size for rv, power in self.variances.items())
        ratio = self._log_prior(block.inputs()) - given["log_prior"] + (moved - 1.0) * pt.log(c)
        self.accepted = accepted = -state.exponentials(()) < ratio
        for rv in powers:
            state.values[rv] = pt.switch(accepted, state.values[rv], old[rv])
        fit = state.values[block.current_fit]
        state.values[block.current_fit] = fit * pt.switch(accepted, c, 1.0)

    def statistics(self) -> dict[str, TensorVariable]:
        """Whether the proposal was accepted, as 0 or 1."""
        return {"scale_acceptance": pt.cast(self.accepted, "float64")}
