"""Stepping stones: the log marginal likelihood from draws of power posteriors."""

from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from arviz_stats.base import array_stats
from pymc.logprob.utils import local_check_parameter_to_ninf_switch
from pymc.sampling.mcmc import assign_step_methods, instantiate_steppers
from pymc.step_methods.compound import CompoundStep
from pytensor.graph.rewriting.basic import in2out
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.tensor.variable import TensorVariable

from blrzoo.evaluate import ONCE
from blrzoo.evidence.power import power_posterior
from blrzoo.gibbs.compiled import Compiled
from blrzoo.gibbs.step import BLRGibbs
from blrzoo.likelihood.single import POWER
from blrzoo.progress import track

__all__ = ["PowerChains", "powers", "stepping_stones"]

Point = dict[str, np.ndarray]

#: Parameters out of their support have the density 0, as in compiled functions of PyMC.
_NEVER = in2out(local_check_parameter_to_ninf_switch)

_SHAPE = 0.3  # of the Beta(0.3, 1) whose quantiles the powers are: most of them near the prior


def powers(stones: int) -> np.ndarray:
    """Powers (stones + 1,) from 0 to 1: ``(k / stones) ** (1 / 0.3)``."""
    return np.linspace(0.0, 1.0, stones + 1) ** (1 / _SHAPE)


class PowerChains:
    """Chains that draw from the power posteriors of a model, one power after the other."""

    def __init__(self, model: pm.Model, compile_kwargs: dict[str, Any] | None = None) -> None:
        self.model = power_posterior(model)
        self.power = self.model[POWER]
        # Compiled once, for all powers. Tuning and draws are sweeps, so that their number is known.
        steps = instantiate_steppers(
            self.model,
            *assign_step_methods(self.model),
            step_kwargs={BLRGibbs.name: {"thin": 1}},
            compile_kwargs=compile_kwargs,
        )
        self.step = CompoundStep(steps) if isinstance(steps, list) else steps
        values = sorted(model.value_vars, key=lambda value: str(value.name))
        self._names = [str(value.name) for value in values]
        self._log_likelihood = Compiled(values, [_log_density(model)], **compile_kwargs or {})

    def draw(
        self,
        powers: np.ndarray,
        draws: int,
        tune: int,
        chains: int,
        rng: np.random.Generator,
        progressbar: bool = False,
    ) -> np.ndarray:
        """Log likelihoods (stone, chain, draw) of draws at ascending powers, the first one 0."""
        # At power 0, the draws are independent draws from the prior.
        prior = self._prior(draws * chains, rng)
        found = np.empty((len(powers), chains, draws))
        found[0] = np.reshape([self.log_likelihood(point) for point in prior], (chains, draws))
        steps = [(chain, k) for chain in range(chains) for k in range(1, len(powers))]
        for chain, k in track(steps, progressbar, "Power posteriors"):
            if k == 1:
                point = prior[chain]
                self.step.setup_chain(rng.spawn(1)[0], tune, draws)
            self.power.set_value(np.array(powers[k]))
            point, found[k, chain] = self._chain(point, draws, tune)
        return found

    def _chain(self, point: Point, draws: int, tune: int) -> tuple[Point, list[float]]:
        if hasattr(self.step, "reset_tuning"):
            self.step.reset_tuning()
        for _ in range(tune):
            point = self._step(point)
        self.step.stop_tuning()
        kept = []
        for _ in range(draws):
            point = self._step(point)
            kept.append(self.log_likelihood(point))
        return point, kept

    def _step(self, point: Point) -> Point:
        """Draw once; a trajectory of NUTS that overflows is a divergence, which NUTS rejects."""
        with np.errstate(over="ignore"):
            point, _ = self.step.step(point)
        return point

    def log_likelihood(self, point: Point) -> float:
        """Log density of y; -inf where extreme parameters make it NaN or infinite."""
        with np.errstate(all="ignore"):
            # copies, writeable and in C order: numba would compile anew for any other array
            values = [np.array(point[name], order="C") for name in self._names]
            (value,) = map(float, self._log_likelihood(*values))
        return value if np.isfinite(value) else -np.inf

    def _prior(self, draws: int, rng: np.random.Generator) -> list[Point]:
        """Draw points from the prior."""
        model, transforms = self.model, self.model.rvs_to_transforms
        values = [
            rv if transforms[rv] is None else transforms[rv].forward(rv, *rv.owner.inputs)
            for rv in model.free_RVs
        ]
        drawn = pm.draw(values, draws=draws, random_seed=rng, mode=ONCE)
        names = [model.rvs_to_values[rv].name for rv in model.free_RVs]
        return [
            dict(zip(names, map(np.asarray, point), strict=True))
            for point in zip(*drawn, strict=True)
        ]


def _log_density(model: pm.Model) -> TensorVariable:
    """Log density of y; -inf where a parameter is out of its support."""
    density = model.logp(vars=[model["y"]], jacobian=False)
    return rewrite_graph(density, include=(), custom_rewrite=_NEVER)


def stepping_stones(log_likelihood: np.ndarray, powers: np.ndarray) -> xr.Dataset:
    """Log marginal likelihood from log likelihoods (stone, chain, draw) at ``powers[:-1]``.

    Examples
    --------
    A likelihood that is the same everywhere is the marginal likelihood:

    >>> import numpy as np
    >>> from blrzoo.evidence.stones import powers, stepping_stones
    >>> result = stepping_stones(np.full((4, 2, 10), -7.0), powers(4))
    >>> round(float(result["log_marginal_likelihood"]), 6), float(result["se"])
    (-7.0, 0.0)
    """
    # log p(y) = sum_k log r_k, r_k = E[p(y | theta)^(t_k - t_(k-1))] at the power t_(k-1)
    # (Xie et al. 2011, Systematic Biology 60:150-160).
    steps = np.diff(powers)
    log_weights = steps[:, None, None] * log_likelihood
    log_ratio, weights = _means(log_weights)
    n = weights[0].size
    error = np.array([_error(stone) for stone in weights])
    with np.errstate(divide="ignore", invalid="ignore"):  # where all weights are equal
        effective = np.where(error > 0, weights.var(axis=(1, 2), ddof=1) / error**2, n)
    stones = xr.Dataset(
        {
            "log_ratio": ("stone", log_ratio),
            "log_ratio_se": ("stone", error),
            "ess": ("stone", effective),
            "mean_log_likelihood": ("stone", log_likelihood.mean(axis=(1, 2))),
        },
        coords={"stone": range(1, len(steps) + 1), "power": ("stone", powers[:-1])},
    )
    # All stones of a chain in a row, so that the error covers correlations between stones.
    rows = np.concatenate(list(weights), axis=1)
    return stones.assign(
        log_marginal_likelihood=stones["log_ratio"].sum(), se=len(steps) * _error(rows)
    )


def _means(log_weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logs of the means of the weights, (stone,), and the weights divided by their means."""
    top = log_weights.max(axis=(1, 2), keepdims=True)
    weights = np.exp(log_weights - top)
    mean = weights.mean(axis=(1, 2), keepdims=True)
    return (top + np.log(mean))[:, 0, 0], weights / mean


def _error(draws: np.ndarray) -> float:
    """Monte Carlo standard error of the mean of draws, (chain, draw)."""
    return 0.0 if np.ptp(draws) == 0 else float(array_stats.mcse(draws))
