"""Geweke's joint distribution test, with the step methods that pm.sample assigns."""

from collections.abc import Sequence
from typing import Any

import arviz_stats
import numpy as np
import pymc as pm
import pytensor
import xarray as xr
from pymc.initial_point import PointType
from pymc.model.fgraph import ModelObservedRV, fgraph_from_model, model_free_rv, model_from_fgraph
from pymc.pytensorf import toposort_replace
from pymc.step_methods.arraystep import BlockedStep
from pymc.step_methods.compound import StepMethodState
from pymc.util import get_random_generator
from scipy import stats

from blrzoo.checks import Integer, Number, Seed
from blrzoo.gibbs.spec import find_model, find_spec, observed, refuse_sums
from blrzoo.gibbs.state import State
from blrzoo.gibbs.step import BLRGibbs, check_moves

__all__ = ["geweke_joint"]


def geweke_joint(
    model: pm.Model,
    *,
    draws: int = 5000,
    chains: int = 2,
    alpha: float = 1e-4,
    moves: str | Sequence[str] | None = None,
    random_seed: Any = None,
    **kwargs: Any,
) -> xr.Dataset:
    r"""Test with Geweke's joint distribution test that the sampler draws from the model.

    Independent draws of (parameters, y) from the prior and the likelihood are compared with a
    Markov chain on the same joint distribution, which alternates the model's step methods, as
    ``pm.sample`` assigns them, with a new draw of y given the parameters [1]_. An error in a
    conditional, or in the order of updates, makes the two differ.

    Each scalar quantity is mapped to its rank among the independent draws, in [0, 1], so that heavy
    tails do no harm. The means of the ranks (location) and of their distances from 0.5 (spread)
    are compared by

    .. math:: z = \frac{\bar u_{chain} - \bar u_{prior}}
       {\sqrt{s_{prior}^2 / draws + mcse_{chain}^2}}

    with the Monte Carlo standard error of the chain by ArviZ.

    Parameters
    ----------
    model : pm.Model
        A small model (n and p below about 10) whose priors are not too wide: the chain must move
        through the whole prior.
    draws : int, default 5000
        Number of draws per chain after tuning, and of independent draws in all.
    chains : int, default 2
        Number of chains.
    alpha : float, default 1e-4
        Level of the test, for all z-scores together (Bonferroni).
    moves : str or list of str, optional
        Moves that the sweep makes; see `blrzoo.BLRGibbs`. Default: all.
    random_seed : int, list of int, Generator or None, optional
        Seed of all draws. Default: a new one at each call.
    **kwargs
        Other arguments of ``pm.sample``, such as tune and cores.

    Returns
    -------
    xarray.Dataset
        The z-scores ``location`` and ``spread``, dims (quantity).

    Raises
    ------
    AssertionError
        If a z-score exceeds the bound in size; the message names the quantities.
    TypeError, ValueError
        If an argument has the wrong type or is out of range, if blrzoo did not make the model, or
        if it has no observed y.

    References
    ----------
    .. [1] Geweke (2004). Getting it right: joint distribution tests of posterior simulators.
       JASA 99:799-804.

    Examples
    --------
    >>> import numpy as np, blrzoo as blr
    >>> X = np.random.default_rng(1).normal(size=(5, 2))
    >>> model = blr.spike_slab(X, X[:, 0] + X[:, 1], mu=(0, 1), tau2=(9, 1), sigma2=(9, 1))
    >>> z = blr.testing.geweke_joint(model, draws=500, random_seed=1)
    >>> dict(z.sizes)
    {'quantity': 13}
    """
    draws = Integer(10, default=5000).check("draws", draws)
    chains = Integer(1, default=2).check("chains", chains)
    alpha = Number(above=0, below=1, default=1e-4).check("alpha", alpha)
    Seed().check("random_seed", random_seed)
    rng = np.random.default_rng(random_seed)
    moves = check_moves(moves)
    latent = _with_latent_y(_with_data(model))
    prior = _prior_draws(latent, draws, rng)
    with latent:
        idata = pm.sample(
            draws=draws,
            chains=chains,
            step=[ForwardStep(["y"], model=latent), BLRGibbs(model=latent, moves=moves, thin=1)],
            random_seed=int(rng.integers(2**31)),
            compute_convergence_checks=False,
            quiet=True,
            **kwargs,
        )
    chain = _quantities(idata["posterior"].dataset)
    z = _z_scores(_quantities(prior), chain)
    _assert_small(z, stats.norm.isf(alpha / (4 * z.sizes["quantity"])))
    return z


def _with_data(model: object) -> pm.Model:
    """Return the model; refuse one that blrzoo did not make, or without observed y."""
    model = find_model(model)
    find_spec(model)
    refuse_sums(model, "that can be drawn anew")
    if observed(model) is None:
        raise ValueError(
            "model must have an observed y, whose distribution is tested, got one without. Pass "
            "the model as a factory returned it."
        )
    return model


def _with_latent_y(model: pm.Model) -> pm.Model:
    """Copy the model with y as a free random variable."""
    fgraph, memo = fgraph_from_model(model)
    node = memo[model["y"]].owner
    assert isinstance(node.op, ModelObservedRV)
    rv, _ = node.inputs
    latent = model_free_rv(rv, rv.type(name="y"), None, node.op.name, *node.op.dims)
    toposort_replace(fgraph, ((node.outputs[0], latent),))
    return model_from_fgraph(fgraph, mutate_fgraph=True)


class _ForwardStepState(StepMethodState):
    pass


class ForwardStep(BlockedStep):
    """Step that draws a variable given its parents: exact if no other depends on it."""

    name = "forward"
    _state_class = _ForwardStepState

    def __init__(
        self,
        vars: list[str],
        *,
        model: pm.Model,
        rng: np.random.Generator | None = None,
        blocked: bool = True,
    ) -> None:
        (name,) = vars
        rv, self.rng = model[name], get_random_generator(rng)
        self.vars = [model.rvs_to_values[rv]]
        state = State(model)
        self._inputs = model.value_vars
        rng_in = state.rng
        state.draw(rv, rv.owner.clone().outputs[rv.owner.outputs.index(rv)])
        self._draw = pytensor.function(
            [*self._inputs, pytensor.In(rng_in, mutable=True)],
            [state.values[rv], state.rng],
            on_unused_input="ignore",
        )

    def step(self, point: PointType) -> tuple[PointType, list[dict[str, object]]]:
        """Replace the variable's value by a fresh draw."""
        values = [point[value.name] for value in self._inputs]
        value, self.rng = self._draw(*values, self.rng)
        return {**point, self.vars[0].name: value}, [{}]


def _prior_draws(model: pm.Model, draws: int, rng: np.random.Generator) -> xr.Dataset:
    names = [rv.name for rv in model.unobserved_RVs]
    drawn = pm.draw([model[name] for name in names], draws=draws, random_seed=rng)
    return xr.Dataset(
        {
            name: (("chain", "draw", *(f"{name}_{i}" for i in range(value.ndim - 1))), value[None])
            for name, value in zip(names, drawn, strict=True)
        }
    )


def _quantities(draws: xr.Dataset) -> dict[str, np.ndarray]:
    """Draws (chain, draw) of every scalar element by name."""
    found = {}
    for name in sorted(str(key) for key in draws.data_vars):
        values = draws[name].values
        for index in np.ndindex(values.shape[2:]):
            found[f"{name}{list(index) if index else ''}"] = values[(..., *index)]
    return found


def _z_scores(prior: dict[str, np.ndarray], chain: dict[str, np.ndarray]) -> xr.Dataset:
    names = [name for name in prior if name in chain]
    scores: dict[str, list[float]] = {"location": [], "spread": []}
    for name in names:
        reference = np.sort(prior[name].ravel())
        a, b = _rank(prior[name], reference), _rank(chain[name], reference)
        scores["location"].append(_z(a, b))
        scores["spread"].append(_z(np.abs(a - 0.5), np.abs(b - 0.5)))
    return xr.Dataset(
        {key: ("quantity", value) for key, value in scores.items()}, coords={"quantity": names}
    )


def _rank(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Mid-rank among the reference draws, in [0, 1]."""
    low, high = (np.searchsorted(reference, values, side=side) for side in ("left", "right"))
    return (low + high) / (2 * reference.size)


def _z(prior: np.ndarray, chain: np.ndarray) -> float:
    """Difference of means, in standard errors of the iid draws and of the chains."""
    if np.ptp(prior) == 0 and np.ptp(chain) == 0:
        return 0.0
    error = np.hypot(
        prior.std(ddof=1) / np.sqrt(prior.size), arviz_stats.base.array_stats.mcse(chain)
    )
    return float((chain.mean() - prior.mean()) / error)


def _assert_small(z: xr.Dataset, bound: float) -> None:
    size = abs(z.to_array()).max("variable")
    wrong = size.where(~(size <= bound), drop=True)
    if wrong.size:
        listed = {str(k): round(float(v), 1) for k, v in wrong.to_series().items()}
        raise AssertionError(
            f"geweke_joint: the sampler and the model do not agree, |z| > {bound:.1f}: {listed}"
        )
