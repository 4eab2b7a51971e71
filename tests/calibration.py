"""Simulation-based calibration of the table of priors: python -m tests.calibration [NAME ...].

Parameters are drawn from a row's prior and y given them; the row's step methods draw from the
posterior given y. The rank of a true value among such draws is uniform, for every quantity, also
those that depend on y, if the steps draw from the posterior. X, covariates, weights and the cells
that are measured are those of `small_data`. Results of rows are kept in --folder, where a later
run goes on; --write makes the page of all rows that are complete.

Talts et al. (2018), arXiv:1804.06788; Modrák et al. (2023), Bayesian Analysis: quantities that
depend on the data.
"""

import argparse
import ast
import datetime
import functools
import hashlib
import json
import multiprocessing
import re
import sys
import textwrap
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from unittest import mock

import numpy as np
import pymc as pm
import pytensor
from pymc.sampling.mcmc import assign_step_methods, instantiate_steppers
from pymc.step_methods.compound import CompoundStep
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.traversal import ancestors
from pytensor.tensor.variable import TensorVariable
from scipy import stats

from blrzoo.designs import pairs
from blrzoo.evaluate import ONCE
from blrzoo.evidence.stones import _log_density
from blrzoo.gibbs.spec import find_spec, observed
from blrzoo.gibbs.state import State
from blrzoo.gibbs.step import BLRGibbs
from blrzoo.testing.geweke import _with_data, _with_latent_y
from tests.table import LEFT_TO_NUTS, PRIORS, small_data

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/calibration.md"
KEPT = ROOT / ".calibration"
#: What the ranks depend on: a change of these makes results old.
FOLDERS = ("designs", "distributions", "gibbs", "likelihood", "ops", "priors")
SOURCES = tuple(f"blrzoo/{name}" for name in FOLDERS)

#: Draws that are kept, so that there are as many ranks in each class; draws before these, which
#: are one sweep each; classes of ranks.
DRAWS, TUNE, CLASSES = 99, 100, 20
#: Level of the test, for all quantities of all rows together.
ALPHA = 0.01

#: Data sets of a row, of some rows, and after which results are written.
DATA_SETS, MORE_DATA_SETS, PART = 300, 1000, 50
#: Rows in which an error is hardest to see by other tests: data are completed, or variances are
#: those of patterns and traits, for which there is no closed form; with few of their data sets, a
#: wrong count of degrees of freedom would be lost in the noise.
MORE = {"multivariate-diagonal", "multivariate-holes"}
MORE |= {"traits-all", "traits-standardized", "traits-restrictive"}

#: Sweeps of a draw; with NUTS as many trajectories too. The autocorrelation of the draws is in the
#: table: a row in which it is large gets a number of its own.
THIN, THIN_OF = 10, {"horseshoe": 20, "traits-half-normal": 25}

Point = dict[str, np.ndarray]


class Problem(Protocol):
    """A joint distribution of parameters and data, and what draws from its posterior."""

    def truths(self, count: int, rng: np.random.Generator) -> list[Point]:
        """Draw points, y included, from the prior; the first ones do not depend on `count`."""

    def draws(self, start: Point, rng: np.random.Generator) -> list[Point]:
        """Draw points from the posterior given the y of the start."""

    def quantities(self, points: Sequence[Point]) -> dict[str, np.ndarray]:
        """Scalars of each point, (point,), by name."""


# Ranks and their distribution.


class Ranks(NamedTuple):
    """Ranks of true values among draws, of several data sets."""

    names: list[str]
    ranks: np.ndarray  # (data set, quantity)
    lags: np.ndarray  # lag-one autocorrelations of the draws, NaN where these are equal
    varied: np.ndarray  # whether the true value or a draw was another one


def rank_data_sets(
    problem: Problem, truths: Sequence[Point], key: Sequence[int], sets: range
) -> Ranks:
    """Ranks of some data sets; each has a generator of its own, and its truth by its number."""
    found = [_rank_one(problem, *truths[i : i + 2], [*key, i]) for i in sets]
    (names, *_), *parts = zip(*found, strict=True)
    return Ranks(names, *map(np.stack, parts))


def _rank_one(problem: Problem, truth: Point, other: Point, key: list[int]) -> Ranks:
    """Ranks of one data set; the chain starts at another draw from the prior."""
    rng = np.random.default_rng(key)
    points = [truth, *problem.draws({**other, "y": truth["y"]}, rng)]
    found = problem.quantities(points)
    values = np.stack(list(found.values()), axis=1)
    varied = np.ptp(values, axis=0) > 0
    return Ranks(list(found), rank(values[0], values[1:], rng), _lag_one(values[1:]), varied)


def rank(truth: np.ndarray, draws: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Number of draws (draw, quantity) below the truth; among equal ones, any with equal chance."""
    below, equal = (draws < truth).sum(axis=0), (draws == truth).sum(axis=0)
    return below + rng.integers(0, equal + 1)


def _lag_one(draws: np.ndarray) -> np.ndarray:
    """Lag-one autocorrelation of the ranks of draws (draw, quantity)."""
    centred = stats.rankdata(draws, axis=0) - (len(draws) + 1) / 2
    squares = (centred**2).sum(axis=0)
    products = (centred[1:] * centred[:-1]).sum(axis=0)
    found = np.full(len(squares), np.nan)
    np.divide(products, squares, out=found, where=squares > 0)
    return found + 1 / len(draws)  # less its expectation where draws are independent


class Scores(NamedTuple):
    """Scores of uniform ranks, (quantity,): two z-scores, and the p-value of a chi-square."""

    location: np.ndarray
    spread: np.ndarray
    classes: np.ndarray

    @property
    def p_values(self) -> np.ndarray:
        """P-values (score, quantity)."""
        z = np.abs([self.location, self.spread])
        return np.stack([*(2 * stats.norm.sf(z)), self.classes])


def score(ranks: np.ndarray, draws: int = DRAWS) -> Scores:
    """Compare ranks (data set, quantity) with whole numbers from 0 to `draws` of equal chance.

    Mean and variance of the three scores are exact for any number of data sets; their tails are
    those of the normal and the chi-square distribution.
    """
    levels = np.arange(draws + 1) - draws / 2
    centred, root = ranks - draws / 2, np.sqrt(len(ranks))
    location = root * centred.mean(axis=0) / levels.std()
    spread = root * ((centred**2).mean(axis=0) - levels.var()) / (levels**2).std()
    return Scores(location, spread, _chi_square(ranks, draws))


def _chi_square(ranks: np.ndarray, draws: int) -> np.ndarray:
    """P-value of the counts of ranks in classes."""
    if (draws + 1) % CLASSES:
        raise ValueError(f"draws + 1 must be a multiple of {CLASSES}, got {draws} draws")
    classes = ranks * CLASSES // (draws + 1)
    counts = (classes[:, :, None] == np.arange(CLASSES)).sum(axis=0)
    expected = len(ranks) / CLASSES
    return stats.chi2.sf(((counts - expected) ** 2).sum(axis=1) / expected, CLASSES - 1)


# A row of the table as a problem.


class RowProblem:
    """A row of the table of priors, with its step methods, compiled once."""

    def __init__(self, name: str, draws: int = DRAWS, tune: int = TUNE) -> None:
        model = _with_data(PRIORS[name](*small_data()))
        self.n_draws, self.tune = draws, tune
        self.measured = ~np.isnan(observed(model))
        self.model = _with_latent_y(model)  # y is part of a point, so nothing compiles anew
        with mock.patch.multiple(pairs, CORRELATION=0.0, ERRORS=0.0):  # so that there are pairs
            self.step, self.skip = _steps(
                self.model, THIN_OF.get(name, THIN), nuts=name in LEFT_TO_NUTS
            )
        self.names, self._quantities = _compile_quantities(self.model)

    def truths(self, count: int, rng: np.random.Generator) -> list[Point]:
        """Draw from the prior; cells that are not measured hold what must not be looked at."""
        model, transforms = self.model, self.model.rvs_to_transforms
        values = {
            model.rvs_to_values[rv]: rv
            if transforms[rv] is None
            else transforms[rv].forward(rv, *rv.owner.inputs)
            for rv in model.free_RVs
        }
        drawn = pm.draw(list(values.values()), draws=count, random_seed=rng, mode=ONCE)
        points = [
            {value.name: np.asarray(x, value.dtype) for value, x in zip(values, point, strict=True)}
            for point in zip(*drawn, strict=True)
        ]
        return [{**point, "y": np.where(self.measured, point["y"], 99.0)} for point in points]

    def draws(self, start: Point, rng: np.random.Generator) -> list[Point]:
        """Draw a chain after tuning, as pm.sample does."""
        self.step.setup_chain(rng, self.tune, self.n_draws * self.skip)
        if hasattr(self.step, "reset_tuning"):
            self.step.reset_tuning()
        point = self._after(start, self.tune)
        self.step.stop_tuning()
        points = []
        for _ in range(self.n_draws):
            point = self._after(point, self.skip)
            points.append(point)
        return points

    def _after(self, point: Point, steps: int) -> Point:
        """Move on; a trajectory of NUTS that overflows is a divergence, which NUTS rejects."""
        with np.errstate(over="ignore"):
            for _ in range(steps):
                point, _ = self.step.step(point)
        return point

    def quantities(self, points: Sequence[Point]) -> dict[str, np.ndarray]:
        """Elements of all variables but most effects, sizes, variances and the log likelihood."""
        values = [np.stack([point[name] for point in points]) for name in self.names]
        return _scalars(self.model, self._quantities(*values))


def _steps(model: pm.Model, thin: int, nuts: bool) -> tuple[Any, int]:
    """Step methods as pm.sample assigns them to all but y, and steps of a draw."""
    if not nuts:
        return BLRGibbs(model=model, thin=thin), 1
    given, assigned = assign_step_methods(model)
    y = model.rvs_to_values[model["y"]]
    assigned = {method: [v for v in vars if v is not y] for method, vars in assigned.items()}
    options = {BLRGibbs.name: {"thin": 1}}
    return CompoundStep(instantiate_steppers(model, given, assigned, step_kwargs=options)), thin


def _compile_quantities(model: pm.Model) -> tuple[list[str], Any]:
    """Names of value variables, and a function of their stacked values of several points."""
    main, state = find_spec(model).main, State(model)
    wanted = [model[rv.name] for rv in _kept(model)]
    outputs = state.rebuild([*wanted, main.beta(model), main.mean(model)])
    outputs.append(_log_density(model))
    values = sorted(model.value_vars, key=lambda value: value.name)
    stacked = {v: v.type.clone(shape=(None, *v.type.shape))(name=v.name) for v in values}
    function = pytensor.function(
        list(stacked.values()), vectorize_graph(outputs, stacked), mode=ONCE
    )
    return [v.name for v in values], function


def _kept(model: pm.Model) -> list[TensorVariable]:
    """Variables whose elements are quantities: what is random, but y."""
    free = {*model.free_RVs}
    return [v for v in model.unobserved_RVs if v.name != "y" and free.intersection(ancestors([v]))]


def _scalars(model: pm.Model, found: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Scalars by name, of what `_compile_quantities` computes."""
    *values, beta, fit, density = found
    dims = model.named_vars_to_dims
    arrays = {
        rv.name: (dims.get(rv.name) or (), x) for rv, x in zip(_kept(model), values, strict=True)
    }
    arrays["model_size"] = (), (beta != 0).sum(axis=1)
    arrays["genetic_variance"] = (), fit.var(axis=1)
    arrays["log_likelihood"] = (), density
    return {
        f"{name}{list(index) if index else ''}": x[(slice(None), *index)]
        for name, (own, x) in arrays.items()
        for index in _elements(own, x.shape[1:], twice=name.startswith("Sigma_"))
    }


def _elements(
    dims: Sequence[str | None], shape: tuple[int, ...], twice: bool
) -> Iterator[tuple[int, ...]]:
    """Indices of elements: of features the first and the last, of covariances the upper half."""
    axis = dims.index("feature") if "feature" in dims else None
    for index in np.ndindex(shape):
        at_an_end = axis is None or index[axis] in (0, shape[axis] - 1)
        if at_an_end and not (twice and index[-2] > index[-1]):
            yield index


# Results of rows, kept in a folder.


class Result(NamedTuple):
    """Ranks of a row, the CPU seconds they took, and what they depend on."""

    ranks: Ranks
    seconds: float
    settings: dict[str, Any]

    @property
    def data_sets(self) -> int:
        """Number of data sets."""
        return len(self.ranks.ranks)


def settings_of(name: str, seed: int) -> dict[str, Any]:
    """What the ranks of a row depend on, besides the number of the data set."""
    thin = THIN_OF.get(name, THIN)
    table = _digest(code_text(_read(ROOT / "tests/table.py")))
    code = {"sources": source_hash(), "table": table}
    return {"seed": seed, "draws": DRAWS, "tune": TUNE, "thin": thin} | code


def load(folder: Path, name: str, seed: int) -> Result | None:
    """Results of a row, None if there are none or if these were made in another way."""
    path = folder / f"{name}.npz"
    if not path.exists():
        return None
    with np.load(path) as kept:
        settings = json.loads(str(kept["settings"]))
        ranks = Ranks(kept["names"].tolist(), kept["ranks"], kept["lags"], kept["varied"])
        found = Result(ranks, float(kept["seconds"]), settings)
    return found if settings == settings_of(name, seed) else None


def save(folder: Path, name: str, result: Result) -> None:
    """Write the results of a row, all or nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{name}.part.npz"
    arrays = result.ranks._asdict() | {"seconds": result.seconds}
    np.savez_compressed(part, **arrays, settings=json.dumps(result.settings))
    part.replace(folder / f"{name}.npz")


def run_row(name: str, data_sets: int, seed: int, folder: Path) -> str:
    """Rank the data sets of a row that its file does not have; return a line on them."""
    result = load(folder, name, seed)
    done = 0 if result is None else result.data_sets
    if done < data_sets:
        _extend(name, range(done, data_sets), seed, folder)
    return _line(row_of(name, load(folder, name, seed)))


def _extend(name: str, missing: range, seed: int, folder: Path) -> None:
    """Rank data sets, and write results after each part of them."""
    start, key = time.process_time(), [seed, zlib.crc32(name.encode())]
    problem = RowProblem(name)
    truths = problem.truths(missing.stop + 1, np.random.default_rng(key))
    for first in range(missing.start, missing.stop, PART):
        sets = range(first, min(first + PART, missing.stop))
        ranks = rank_data_sets(problem, truths, key, sets)
        seconds, start = time.process_time() - start, time.process_time()
        result = Result(ranks, seconds, settings_of(name, seed))
        save(folder, name, joined(load(folder, name, seed), result))


def joined(earlier: Result | None, later: Result) -> Result:
    """Results of all data sets."""
    if earlier is None:
        return later
    pairs_of = list(zip(earlier.ranks, later.ranks, strict=True))[1:]
    ranks = Ranks(later.ranks.names, *map(np.concatenate, pairs_of))
    return Result(ranks, earlier.seconds + later.seconds, later.settings)


# The page.


def scores_of(result: Result) -> tuple[list[str], Scores, np.ndarray]:
    """Names, scores and mean autocorrelations of the quantities that are not constant."""
    names, ranks, lags, varied = result.ranks
    free = varied.any(axis=0)
    known = np.isfinite(lags[:, free])
    means = np.where(known, lags[:, free], 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return (
        [name for name, kept in zip(names, free, strict=True) if kept],
        score(ranks[:, free]),
        means,
    )


def row_of(name: str, result: Result) -> list[str]:
    """Cells of a row of the table."""
    names, scores, lags = scores_of(result)
    counts = map(str, (result.data_sets, result.settings["thin"], len(names)))
    sizes = [f"{np.abs(z).max():.1f}" for z in (scores.location, scores.spread)]
    rest = f"{scores.classes.min():.2g}", f"{lags.max():.2f}", f"{result.seconds:.0f}"
    return [f"`{name}`", *counts, *sizes, *rest]


HEADER = (
    *("row", "data sets", "sweeps of a draw", "quantities", "mean: largest z"),
    *("variance: largest z", "classes: smallest p", "autocorrelation", "CPU seconds"),
)


def verdict(results: dict[str, Result]) -> str:
    """What was found in all rows, and what chance makes one expect."""
    found = {
        f"{name} {quantity}": p
        for name, result in results.items()
        for names, scores, _ in [scores_of(result)]
        for quantity, p in zip(names, scores.p_values.T, strict=True)
    }
    p = np.array(list(found.values()))
    wrong = [name for name, own in found.items() if own.min() < ALPHA / p.size]
    said = f"**these are not calibrated: {', '.join(wrong)}**" if wrong else "none is too small"
    return (
        f"There are {p.size} p-values, of three scores of {len(found)} quantities in "
        f"{len(results)} rows. By chance {0.01 * p.size:.1f} of them are expected below 0.01, and "
        f"{0.001 * p.size:.1f} below 0.001; there are {(p < 0.01).sum()} and "
        f"{(p < 0.001).sum()}. (Quantities of a row depend on each other, so these counts vary "
        f"more than those of independent ones.) The smallest p-value is {p.min():.2g}, "
        f"{min(1.0, p.min() * p.size):.2g} after Bonferroni's correction. At the level {ALPHA} "
        f"for all of them together, {said}."
    )


PROSE = """# Calibration

Made by `make calibration` on {date}. For each row of the table of priors (`tests/table.py`),
parameters are drawn from the prior and y given them, and the step methods draw from the posterior
given this y, with all moves: {tune} sweeps from another draw of the prior, then {draws} draws. If
they draw from the posterior, the rank of a true value among the draws is any of 0 to {draws} with
equal chance, for every quantity: hyperparameters, intercepts, residual (co)variances, effects and
labels of the first and the last feature, the number of included features, the variance of the
linear predictor, and the log likelihood.[^1] There are more data sets in rows where an error is
hardest to see by other tests.

Three scores compare the ranks with that: their mean and their variance, by z-scores, and their
counts in {classes} classes, by chi-square. The table has the largest z in size, the smallest p, and
the largest mean lag-one autocorrelation of the draws of a quantity; far above 0, ranks would vary
more than those of independent draws.

{verdict}

{table}

[^1]: Talts et al. (2018), arXiv:1804.06788. Modrák et al. (2023), Bayesian Analysis: quantities
    that depend on the data.

<!-- calibration: {stamp} -->
"""


def page(results: dict[str, Result], date: str) -> str:
    """Text of the page."""
    table = [HEADER, ["---"] * len(HEADER), *(row_of(*item) for item in results.items())]
    lacking = ", ".join(f"`{name}`" for name in PRIORS if name not in results)
    said = verdict(results) + (f" Rows that were not run: {lacking}." if lacking else "")
    return PROSE.format(
        **{"date": date, "draws": DRAWS, "tune": TUNE, "classes": CLASSES},
        verdict=textwrap.fill(said, 100, break_long_words=False, break_on_hyphens=False),
        table="\n".join(map(_line, table)),
        stamp=json.dumps({"date": date, "rows": [*results], "sources": source_hash()}),
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def stamp_of(text: str) -> dict[str, Any]:
    """The stamp of a page."""
    found = re.search(r"<!-- calibration: (.*) -->", text)
    if found is None:
        raise ValueError("the page has no stamp")
    return json.loads(found[1])


# The sources that ranks depend on.


@functools.cache
def source_hash(root: Path = ROOT) -> str:
    """Hash of the code of the sources, whatever their documentation and their types are."""
    files = sorted(path for folder in SOURCES for path in (root / folder).rglob("*.py"))
    lines = [f"{path.relative_to(root).as_posix()} {code_text(_read(path))}" for path in files]
    return _digest("\n".join(lines))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def code_text(source: str) -> str:
    """What a module does, as text: without docstrings, annotations, and imports for these only."""
    tree = _Bare().visit(ast.parse(source))
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return _dump(_Imported(used).visit(tree))


class _Bare(ast.NodeTransformer):
    """Drops docstrings, annotations and names of types."""

    def generic_visit(self, node: ast.AST) -> ast.AST | None:
        if isinstance(node, ast.TypeAlias) or _is_text(node):
            return None
        for field in {"annotation", "returns", "type_params"} & {*node._fields}:
            setattr(node, field, None)
        return super().generic_visit(node)


class _Imported(ast.NodeTransformer):
    """Drops imports of names that are not used."""

    def __init__(self, used: set[str]) -> None:
        self.used = used

    def generic_visit(self, node: ast.AST) -> ast.AST | None:
        if isinstance(node, ast.alias):
            return node if (node.asname or node.name.split(".")[0]) in self.used else None
        node = super().generic_visit(node)
        return None if isinstance(node, ast.Import | ast.ImportFrom) and not node.names else node


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _dump(node: object) -> str:
    """A tree as text that is the same in all versions of Python: without what is empty."""
    if isinstance(node, list):
        return f"[{','.join(map(_dump, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value not in (None, [])]
    return f"{type(node).__name__}({','.join(f'{name}={_dump(v)}' for name, v in fields)})"


# The command.


def main(arguments: Sequence[str] | None = None) -> int:
    """Rank data sets of rows and print their scores; write the page where asked for."""
    given = _parser().parse_args(arguments)
    unknown = {*given.names} - {*PRIORS}
    if unknown:
        raise SystemExit(f"no such row: {', '.join(sorted(unknown))}; rows: {', '.join(PRIORS)}")
    names = [name for name in PRIORS if name in (given.names or PRIORS)]
    tasks = [(n, wanted(n, given.data_sets), given.seed, given.folder) for n in names]
    print(_line(HEADER))
    for line in _run(tasks, given.jobs):
        print(line, flush=True)
    if given.write:
        _write(given)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.calibration", description=__doc__)
    parser.add_argument("names", nargs="*", help="rows of tests/table.py; default: all")
    parser.add_argument("--data-sets", type=int, help="of each row; default: 300, or 1000 for some")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=KEPT, help="of results")
    parser.add_argument("--write", action="store_true", help="write the page of complete rows")
    parser.add_argument("--page", type=Path, default=PAGE, help="what --write writes")
    return parser


def wanted(name: str, data_sets: int | None) -> int:
    """Number of data sets of a row."""
    return data_sets or (MORE_DATA_SETS if name in MORE else DATA_SETS)


def _run(tasks: Sequence[tuple[str, int, int, Path]], jobs: int) -> Iterator[str]:
    """Lines of rows, in their order."""
    if jobs == 1:
        yield from (run_row(*task) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")
    # a process ends after some rows, as numba keeps all that it compiled
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=8) as pool:
        yield from pool.map(run_row, *zip(*tasks, strict=True))


def _write(given: argparse.Namespace) -> None:
    """Write the page of the rows that have all their data sets."""
    found = {name: load(given.folder, name, given.seed) for name in PRIORS}
    complete = {
        name: result
        for name, result in found.items()
        if result is not None and result.data_sets >= wanted(name, given.data_sets)
    }
    if not complete:
        raise SystemExit("no row is complete: run it with as many data sets as for --write")
    given.page.write_text(page(complete, str(datetime.date.today())), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
