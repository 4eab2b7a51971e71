"""The step method: what PyMC calls for every draw."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import field
from typing import Any, ClassVar

import numpy as np
import pymc as pm
from pymc.exceptions import SamplingError
from pymc.initial_point import PointType
from pymc.step_methods import STEP_METHODS
from pymc.step_methods.arraystep import BlockedStep
from pymc.step_methods.compound import Competence, StepMethodState
from pymc.step_methods.state import dataclass_state
from pymc.util import RandomGenerator, get_random_generator
from pytensor.graph.basic import Variable
from rich.progress import TextColumn
from rich.table import Column

from blrzoo.checks import Flag, Integer, Names, NoneOr
from blrzoo.distributions.effects import EffectsRV
from blrzoo.evaluate import AS_WRITTEN
from blrzoo.gibbs.compiled import Compiled
from blrzoo.gibbs.compose import Composer, compose
from blrzoo.gibbs.moves import move_names
from blrzoo.gibbs.spec import find_model, observed, spec_of
from blrzoo.gibbs.thinning import default_thin
from blrzoo.ops.generator import addresses

__all__ = ["THIN", "BLRGibbs", "check_moves", "register"]

#: Sample statistics of a draw, by name.
Stats = dict[str, Any]

#: Draws between comparisons of the carried fit with X beta, which take 1 % of the time.
_PERIOD = 100

#: What `thin` may be.
THIN = NoneOr(Integer(1, advice="Leave it out for a number by the size of the model."))


@dataclass_state
class BLRGibbsState(StepMethodState):
    """What a draw depends on besides the point: generator, number of the draw, carried fits."""

    tune: bool = field(default=False)
    count: int = field(default=0)
    fits: list[np.ndarray] = field(default_factory=list)
    last: dict[str, np.ndarray] = field(default_factory=dict)


class BLRGibbs(BlockedStep):
    """Gibbs sampler [1]_ of Bayesian linear regressions: each block from its full conditional.

    A sweep draws responses of traits that were not measured; labels and effects, feature by feature
    or all effects at once; hyperparameters; intercepts, effects of covariates and residual
    variances; and missing responses. Effects are integrated out of their labels [2]_. Variables
    without a full conditional are left to other step methods.

    ``pm.sample()`` assigns this step to the variables of a blrzoo model, so there is seldom a
    reason to make one. Statistics of each draw are kept in ``sample_stats``: ``model_size``, the
    number of included features; ``genetic_variance``, the variance of X beta over the observations,
    in squared units of y, (trait,) with several traits; and ``sweeps``, the number of sweeps that
    the draw took.

    Parameters
    ----------
    vars : variable or list of variables, optional
        Free variables of the model to draw. Labels and effects are drawn together. Default: all
        that have a full conditional.
    model : pm.Model, optional
        A blrzoo model, or what ``copy``, ``pm.do`` or ``pm.observe`` made of one. Default: the
        model on the context.
    rng : numpy.random.Generator, int or None, default None
        Generator of the draws until ``setup_chain`` sets one; None for one that is not seeded.
    initial_point : dict, optional
        Not used; ``pm.sample`` passes it to all step methods.
    compile_kwargs : dict, optional
        Keyword arguments of ``pytensor.function``, as passed to ``pm.sample``. Default: none.
    blocked : bool, default True
        False makes a step of each variable by itself, as PyMC's other step methods do. Models with
        labels refuse that.

    moves : str or list of str, optional
        Moves that a sweep makes besides, so that chains mix faster; none changes the posterior.
        "pairs" draws the labels and effects of two correlated features together, 0.3 p pairs in a
        sweep, or 0.1 p with several traits. The pairs are found when the step is made: each feature
        with the 10 most correlated ones, with an absolute correlation above 0.3 and above
        4 / sqrt(n). "scale" multiplies all effects by a number, and their variances by its square
        [3]_; with several traits by a matrix, and their covariance from both sides. "collapsed"
        draws variances of effects and residuals with the effects integrated out, where these are
        drawn jointly [4]_. Default: all; a move that a model has no use for is left out. An empty
        list is for none.
    thin : int, optional
        Number of sweeps of a draw, of which the last is kept. A draw of tuning is one sweep.
        Default: with "collapsed" 1; else 20 million divided by n p T for n observations, p features
        and T traits, rounded down, from 1 to 25, so that the sweeps of a draw take up to some 10
        milliseconds; with cross-products, p in the place of n.

    Raises
    ------
    ValueError
        If the model was not made by blrzoo; `vars` is empty, or holds something other than free
        variables with a full conditional, or labels without their effects; a term that was added to
        the model depends on drawn variables, so that the conditionals do not hold;
        ``pm.set_data`` gave W another number of rows than y; or there is no move of a name in
        `moves`; or if `thin` is below 1.
    TypeError
        If `model` is not a model, or there is none on the context; if `blocked` is no bool; if
        `moves` is neither a name nor a list of names; or if `thin` is no whole number.
    pymc.exceptions.SamplingError
        While sampling, if a start or a draw is not finite; names the variable.

    References
    ----------
    .. [1] Geman & Geman (1984). Stochastic relaxation, Gibbs distributions, and the Bayesian
       restoration of images. IEEE TPAMI 6:721-741.
    .. [2] Habier et al. (2011). Extension of the Bayesian alphabet for genomic selection. BMC
       Bioinformatics 12:186.
    .. [3] Liu & Sabatti (2000). Generalised Gibbs sampler and multigrid Monte Carlo for Bayesian
       computation. Biometrika 87:353-369.
    .. [4] Zhou & Stephens (2014). Efficient multivariate linear mixed model algorithms for
       genome-wide association studies. Nature Methods 11:407-409 (the density without the effects).

    Examples
    --------
    >>> import pymc as pm, blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> with blr.spike_slab(data.X, data.y):
    ...     step = blr.BLRGibbs()
    >>> sorted(step.names)
    ['beta', 'delta', 'mu', 'pi', 'sigma2', 'tau2']
    """

    name = "blr_gibbs"
    default_blocked = True
    default_tune_steps = 1000
    stats_dtypes_shapes: ClassVar[dict[str, Any]] = {
        "model_size": (int, []),
        "genetic_variance": (float, []),
    }
    _state_class = BLRGibbsState

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Check the model, which PyMC looks into before `__init__` does."""
        find_model(kwargs.get("model"))
        Flag(default=True).check("blocked", kwargs.get("blocked", True))
        names = args[0] if args else kwargs.get("vars")
        if isinstance(names, list | tuple) and not names:
            raise ValueError("vars must be one variable or more, got none. Leave it out for all.")
        return super().__new__(cls, *args, **kwargs)

    def __init__(
        self,
        vars: Variable | Sequence[Variable] | None = None,
        *,
        model: pm.Model | None = None,
        rng: RandomGenerator = None,
        initial_point: PointType | None = None,
        compile_kwargs: dict[str, Any] | None = None,
        blocked: bool = True,
        moves: str | Sequence[str] | None = None,
        thin: int | None = None,
    ) -> None:
        model, moves, thin = find_model(model), check_moves(moves), THIN.check("thin", thin)
        self.vars = _value_variables(model, vars)
        self.names = [model.values_to_rvs[value].name for value in self.vars]
        self.rng = get_random_generator(rng)
        self._names = {value.name: rv.name for value, rv in model.values_to_rvs.items()}
        self.tune, self.count = False, 0
        self.fits: list[np.ndarray] = []
        self.last: dict[str, np.ndarray] = {}
        composer = compose(model, self.names, moves)
        self.thin = default_thin(composer) if thin is None else thin
        self._designs = [block.design for block in composer.blocks]
        y = observed(model)
        self._negligible = 0.0 if y is None else 1e-9 * float(np.nanstd(y))
        self._compile(composer, compile_kwargs or {})

    def _declare_statistics(self, names: Iterable[str], by_trait: tuple[int, ...]) -> None:
        shapes = {name: by_trait if name == "genetic_variance" else () for name in names}
        types = {name: int if name in ("model_size", "sweeps") else float for name in names}
        # PyMC allocates one element of the dtype per draw: a dtype may hold several numbers.
        dtypes = {name: np.dtype((types[name], shape)) for name, shape in shapes.items()}
        self.__dict__.update(
            stats_dtypes_shapes={name: (types[name], list(shapes[name])) for name in shapes},
            stats_dtypes=[dtypes],
        )

    def _compile(self, composer: Composer, compile_kwargs: dict[str, Any]) -> None:
        self._inputs = [value.name for value in composer.inputs]
        effects = [block.term.scaled_effects(composer.model) for block in composer.blocks]
        # without machine code: most often they are inputs themselves
        self._beta = Compiled(composer.inputs, composer.state.rebuild(effects), mode=AS_WRITTEN)
        values, statistics = composer.sweep(), composer.statistics()
        self._declare_statistics([*statistics, "sweeps"], composer.trait_shape)
        names = composer.model.rvs_to_values
        self._outputs = [names[rv].name for rv in composer.drawn]
        self._variance = len(values) + list(statistics).index("genetic_variance")
        self._effects = [names[rv].name for block in composer.blocks for rv in block.drawn]
        self._sweep = Compiled(
            [*composer.inputs, *composer.fits, composer.rng],
            [*values, *statistics.values(), *composer.current_fits, composer.state.rng],
            **compile_kwargs,
        )

    def step(self, point: PointType) -> tuple[PointType, list[Stats]]:
        """Draw everything, `thin` times, or once while PyMC tunes.

        Parameters
        ----------
        point : dict of str to ndarray
            Values by the names of the value variables.

        Returns
        -------
        point : dict of str to ndarray
            The same, with new values of the variables that this step draws.
        stats : list of one dict
            ``model_size``, the number of included features, and ``genetic_variance``, the
            variance of X beta over the observations in squared units of y, by trait; ``sweeps``,
            the number of sweeps. With the moves of these names, ``scale_acceptance`` and
            ``collapsed_acceptance``, the share of proposals that the last sweep accepted.
        """
        self._find_fits(point)
        self.count += 1
        sweeps = 1 if self.tune else self.thin
        for _ in range(sweeps):
            found = self._draw(self._values(point))
            point = {**point, **dict(zip(self._outputs, found, strict=False))}
            self._check_draw(point, found[self._variance])
        numbers = (*found[len(self._outputs) :], sweeps)
        statistics: Stats = dict(zip(self.stats_dtypes_shapes, numbers, strict=True))
        self.last = {name: point[name] for name in self._effects}
        return point, [statistics | {"model_size": int(statistics["model_size"])}]

    def _values(self, point: PointType) -> list[np.ndarray]:
        # Copies, contiguous and writeable: numba would compile anew for any other kind of array.
        return [np.array(point[name], order="C") for name in self._inputs]

    def _find_fits(self, point: PointType) -> None:
        """Compute the fits of effects that another step drew; correct those that are carried."""
        if not self._carried(point):
            self._check_start(point)
            self.fits = self._fits(self._values(point))
        elif self.count % _PERIOD == 0:
            self._correct(self._values(point))

    def _draw(self, values: list[np.ndarray]) -> list[np.ndarray]:
        """Run one compiled sweep; keep the fits and the generator for the next."""
        try:
            *drawn, self.rng = self._sweep(*values, *self.fits, addresses(self.rng))
        except ArithmeticError as error:  # of compiled code: a divisor is 0, a number overflowed
            raise SamplingError(self._broken("numbers") + f" ({error})") from error
        drawn, self.fits = drawn[: -len(self.fits)], drawn[-len(self.fits) :]
        return drawn

    def _check_start(self, point: PointType) -> None:
        wrong = self._not_finite(point)
        if wrong:
            raise SamplingError(
                f"initvals must be finite, got NaN or infinity in the start of {wrong}. Correct "
                f"the initvals, or leave them out."
            )

    def _check_draw(self, point: PointType, variance: np.ndarray) -> None:
        """Stop at the first draw that is not finite: NaN would read as "nothing is included"."""
        # The variance of the fit stands for the fit, at no cost.
        if not _is_finite(variance) or not all(map(_is_finite, point.values())):
            raise SamplingError(self._broken(self._not_finite(point) or "the linear predictor"))

    def _not_finite(self, point: PointType) -> str:
        wrong = [self._names.get(k, k) for k, value in point.items() if not _is_finite(value)]
        return ", ".join(sorted(wrong))

    def _broken(self, what: str) -> str:
        return (
            f"draws must be finite, got NaN or infinity for {what} in draw {self.count} of a chain "
            f"(tuning included). Look for extreme numbers in initvals, hyperparameters and data."
        )

    def _correct(self, values: list[np.ndarray]) -> None:
        """Replace a carried fit in which an extreme start has left a rounding error."""
        # Sweeps add changes to the fit, so an error from when effects were huge stays in it. A fit
        # that is right to a billionth of SD(y) is kept: ordinary draws do not depend on _PERIOD.
        for k, fit in enumerate(self._fits(values)):
            if not np.abs(fit - self.fits[k]).max() <= self._negligible:
                self.fits[k] = fit

    def setup_chain(self, rng: np.random.Generator, tune: int, draws: int) -> None:
        """Set the generator and forget the fits of an earlier chain."""
        super().setup_chain(rng, tune, draws)
        self.tune = tune > 0  # until PyMC calls stop_tuning
        self.count, self.fits, self.last = 0, [], {}

    def _carried(self, point: PointType) -> bool:
        """Whether the effects are still those of the carried fits."""
        return bool(self.last) and all(
            point[name] is value or np.array_equal(point[name], value)
            for name, value in self.last.items()
        )

    def _fits(self, values: list[np.ndarray]) -> list[np.ndarray]:
        pairs = zip(self._designs, self._beta(*values), strict=True)
        return [design.fit(effects) for design, effects in pairs]

    @staticmethod
    def competence(var: Variable, has_grad: bool = False) -> Competence:
        """Ideal for the variables that a blrzoo model marked, else incompatible."""
        # Effects are claimed where marks are lost too: other steps would never change their labels.
        own = spec_of(var) is not None or isinstance(var.owner.op, EffectsRV)
        return Competence.IDEAL if own else Competence.INCOMPATIBLE

    @staticmethod
    def _make_progressbar_update_functions() -> tuple[Callable[[Stats], Stats], ...]:
        def update_stats(stats: Stats) -> Stats:
            return {**stats, "genetic_variance": float(np.sum(stats["genetic_variance"]))}

        return (update_stats,)

    @staticmethod
    def _progressbar_config(n_chains: int = 1) -> tuple[list[Any], dict[str, list[Any]]]:
        columns = [
            TextColumn("{task.fields[model_size]}", table_column=Column("Included", ratio=1)),
            TextColumn(
                "{task.fields[genetic_variance]:.3g}",
                table_column=Column("Var(Xb)", ratio=1),
            ),
        ]
        return columns, {"model_size": [0] * n_chains, "genetic_variance": [0.0] * n_chains}


def check_moves(moves: object) -> list[str] | None:
    """Names of moves, or None for all."""
    if moves is None:
        return None
    advice = "Leave it out for all, or pass [] for none."
    return Names(tuple(move_names()), advice=advice).check("moves", moves)


def register() -> None:
    """Put BLRGibbs first among PyMC's step methods, once: the first of equals is assigned."""
    if BLRGibbs not in STEP_METHODS:
        STEP_METHODS.insert(0, BLRGibbs)


def _value_variables(model: pm.Model, variables: object) -> list[Variable]:
    if variables is None:
        marked = [rv for rv in model.free_RVs if spec_of(rv) is not None]
        return [model.rvs_to_values[rv] for rv in marked]
    listed = list(variables) if isinstance(variables, list | tuple) else [variables]
    wrong = [v for v in listed if not isinstance(v, Variable) or not _is_free(model, v)]
    if wrong or not listed:
        free = [rv.name for rv in model.free_RVs]
        raise ValueError(
            f"vars must be free random variables of the model, got {wrong}. Pass variables, as in "
            f"BLRGibbs([model[name]]) with a name from {free}, or leave vars out."
        )
    return [model.rvs_to_values.get(v, v) for v in listed]


def _is_finite(value: np.ndarray) -> bool:
    # math.isfinite takes a tenth of the time of np.isfinite, and most variables are numbers.
    if not isinstance(value, np.ndarray) or value.ndim == 0:
        return math.isfinite(value)
    return value.dtype.kind in "biu" or bool(np.isfinite(value).all())


def _is_free(model: pm.Model, variable: Variable) -> bool:
    """Whether it is a free random variable, or the value variable of one."""
    return variable in model.free_RVs or variable in model.value_vars
