"""The same posteriors by other programs: python -m benchmarks.programs.

Effective draws per CPU second, with one thread: ArviZ's bulk ESS of all chains, divided by the CPU
seconds of the draws after tuning. Printed apart are tuning, and all before the first draw, such as
compiling: of a first start with an empty cache, and of a later process. Differences are those of
posterior means from blrzoo's, in Monte Carlo standard errors. Each program runs in a new process.
`--save` writes the data for benchmarks/programs.R.
"""

import argparse
import importlib.util
import logging
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import arviz as az
import numpy as np
import pymc as pm
import xarray as xr

import blrzoo as blr
from benchmarks.posteriors import (
    SEED,
    Data,
    blrzoo_model,
    lasso_data,
    lasso_effects,
    plain_model,
    ridge_data,
    ridge_effects,
    selection_data,
    slab_effects,
)
from benchmarks.tables import print_table
from benchmarks.textbook import JAGS_NAMES, find_jags, jags, single_site
from benchmarks.versions import alone

__all__ = ["main"]

Quantities = dict[str, np.ndarray]  # (chain, draw) by name


class Run(NamedTuple):
    """What a program found; CPU seconds until the first draw, of tuning and of the draws."""

    start: float
    tuning: float
    seconds: float
    draws: Quantities


class Size(NamedTuple):
    """Draws of a program: of each chain, after tuning; at most `limit` CPU seconds."""

    draws: int
    tune: int
    chains: int
    limit: float


# ---- programs ----


def cpu() -> float:
    """CPU seconds of this process, with those of processes that it waited for."""
    return sum(os.times()[:4])


class Clock:
    """A callback of `pm.sample` that adds up the time of tuning and of draws, and stops in time."""

    def __init__(self, limit: float) -> None:
        self.begin, self.limit = time.process_time(), limit
        self.start = self.last = 0.0
        self.chain: int | None = None
        self.spent = {True: 0.0, False: 0.0}

    def __call__(self, trace: object, draw: Any) -> None:
        now = time.process_time()
        if self.chain is None:
            self.start = now - self.begin
        elif draw.chain == self.chain:
            self.spent[draw.tuning] += now - self.last
        self.chain, self.last = draw.chain, now
        if sum(self.spent.values()) > self.limit:
            raise KeyboardInterrupt

    def run(self, draws: Quantities) -> Run:
        """The times, with the draws."""
        return Run(self.start, self.spent[True], self.spent[False], draws)


def settings(size: Size) -> dict[str, Any]:
    """Arguments of `pm.sample`, chains one after the other."""
    given = {"draws": size.draws, "tune": size.tune, "chains": size.chains, "cores": 1}
    return given | {"random_seed": SEED, "compute_convergence_checks": False}


def by_blrzoo(data: Data, size: Size, thin: int | None = None) -> Run:
    """`blr.sample`; by default with several sweeps per draw."""
    clock = Clock(size.limit)
    model = blrzoo_model(data)
    idata = blr.sample(model, thin=thin, callback=clock, quiet=True, **settings(size))
    return clock.run(quantities(idata))


def by_pymc(effects: Callable[[Data], Any], data: Data, size: Size) -> Run:
    """PyMC's own step methods: NUTS, and BinaryGibbsMetropolis for indicators."""
    clock = Clock(size.limit)
    with plain_model(effects, data):
        try:
            idata = pm.sample(
                nuts_sampler="pymc", callback=clock, progressbar=False, **settings(size)
            )
        except ValueError:
            if sum(clock.spent.values()) <= size.limit:
                raise
            return clock.run({})  # the time was over while it was tuning
    return clock.run(quantities(idata))


def by_nutpie(effects: Callable[[Data], Any], data: Data, size: Size) -> Run:
    """NUTS of nutpie; its time is divided by numbers of gradients."""
    import nutpie

    given = {"draws": size.draws, "tune": size.tune, "chains": size.chains, "cores": 1}
    begin = cpu()
    compiled = nutpie.compile_pymc_model(plain_model(effects, data))
    start = cpu() - begin
    idata = nutpie.sample(compiled, seed=SEED, progress_bar=False, **given)
    seconds = cpu() - begin - start
    groups = (idata["warmup_sample_stats"], idata["sample_stats"])
    tuning, draws = (float(group["n_steps"].sum()) for group in groups)
    share = tuning / (tuning + draws)
    return Run(start, share * seconds, (1 - share) * seconds, quantities(idata))


def by_textbook(data: Data, size: Size) -> Run:
    """The textbook's sampler, compiled by numba."""
    rows = np.ascontiguousarray(data.centered.T)
    priors = data.priors
    given = (*priors["pi"], *priors["tau2"], *priors["sigma2"], priors["mu"][1])
    begin = cpu()
    single_site(rows, data.y, *given, 1, np.random.default_rng(SEED))
    start, begin = cpu() - begin, time.process_time()
    total = size.tune + size.draws
    generators = [np.random.default_rng([SEED, chain]) for chain in range(size.chains)]
    found = [single_site(rows, data.y, *given, total, rng) for rng in generators]
    seconds = time.process_time() - begin
    kept = np.array(found)[:, size.tune :]
    share = size.tune / total
    draws = {name: kept[..., k] for k, name in enumerate(("sigma2", "tau2", "size"))}
    return Run(start, share * seconds, (1 - share) * seconds, draws)


def by_jags(data: Data, size: Size) -> Run:
    """JAGS, with its module glm; its start is that of a run of two draws."""
    names = {"tau2": ("nu_tau", "s_tau"), "sigma2": ("nu_sigma", "s_sigma"), "pi": ("a", "b0")}
    numbers = {
        k: v for name, keys in names.items() for k, v in zip(keys, data.priors[name], strict=True)
    }
    n, p = data.X.shape
    given = {"X": data.centered, "y": data.y, "n": n, "p": p, "sd_mu": data.priors["mu"][1]}
    run = partial(jags, given | numbers, chains=size.chains, seed=SEED)
    _, start = run(2, 1)
    draws, total = run(size.draws, size.tune)
    share = size.tune / (size.tune + size.draws)
    seconds = max(total - start, 0.01)
    kept = {name: draws[name] for name in JAGS_NAMES}
    return Run(start, share * seconds, (1 - share) * seconds, kept)


def quantities(idata: xr.DataTree) -> Quantities:
    """Variances, rate and model size, of those that there are."""
    posterior, names = idata["posterior"], ("sigma2", "tau2", "lambda2", "size")
    found = {name: posterior[name].values for name in names if name in posterior}
    found = {name: draws for name, draws in found.items() if draws.ndim == 2}
    if "delta" in posterior and "size" not in found:
        found["size"] = posterior["delta"].values.sum(axis=2)
    return found


# ---- problems ----


class Problem(NamedTuple):
    """A posterior, what is compared, and the programs by name with their sizes."""

    title: str
    data: Callable[[], Data]
    names: tuple[str, ...]
    programs: dict[str, tuple[Callable[..., Run], Size]]


def problems(given: argparse.Namespace) -> dict[str, Problem]:
    """All problems; numbers of draws are for the times that they take to be alike."""

    def size(draws: int, tune: int, chains: int = 2) -> Size:
        scaled = (max(10, int(given.scale * number)) for number in (draws, tune))
        return Size(*scaled, chains, given.limit)

    gibbs, nuts = size(4000, 500), size(1000, 1000)
    slab: dict[str, tuple[Callable[..., Run], Size]] = {
        "blrzoo": (by_blrzoo, gibbs),
        "blrzoo, thin=1": (partial(by_blrzoo, thin=1), size(20_000, 1000)),
        "textbook, numba": (by_textbook, size(50_000, 1000)),
        "PyMC, BinaryGibbsMetropolis + NUTS": (partial(by_pymc, slab_effects), nuts),
        "JAGS": (by_jags, size(10_000, 1000)),
    }
    ridge: dict[str, tuple[Callable[..., Run], Size]] = {
        "blrzoo": (by_blrzoo, gibbs),
        "PyMC, NUTS": (partial(by_pymc, ridge_effects), nuts),
        "nutpie, NUTS": (partial(by_nutpie, ridge_effects), nuts),
    }
    lasso: dict[str, tuple[Callable[..., Run], Size]] = {
        "blrzoo": (by_blrzoo, size(4000, 1000)),
        "PyMC, NUTS": (partial(by_pymc, lasso_effects), size(500, 500, 1)),
    }
    wide = partial(lasso_data, p=given.p)
    slab_names = ("sigma2", "tau2", "size")
    return {
        "selection": Problem("Spike and slab, n=200, p=50", selection_data, slab_names, slab),
        "ridge": Problem("Ridge, n=200, p=50", ridge_data, ("sigma2", "tau2"), ridge),
        "lasso": Problem(f"Lasso, n=200, p={given.p}", wide, ("sigma2", "lambda2"), lasso),
    }


def missing(program: str) -> str | None:
    """Why a program cannot be run, or None."""
    if program == "JAGS" and not find_jags():
        return "there is no command jags"
    if program.startswith("nutpie") and not importlib.util.find_spec("nutpie"):
        return "nutpie is not installed (the extra bench)"
    return None


def isolated(program: Callable[..., Run], data: Data, size: Size) -> tuple[float, Run]:
    """CPU seconds of a first start, with an empty cache of compiled code; and the run after it."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ.update(alone(Path(cache)))
        first = in_process(program, data, size._replace(draws=10, tune=10, chains=1))
        return first.start, in_process(program, data, size)


def in_process(program: Callable[..., Run], data: Data, size: Size) -> Run:
    """Run a program in a new process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context, initializer=logging.disable) as pool:
        return pool.submit(program, data, size).result()


def rows(problem: Problem) -> Iterator[list[object]]:
    """A row per program; the first is what the others are compared with."""
    data, base = problem.data(), None
    for name, (program, size) in problem.programs.items():
        why = missing(name)
        if why:
            print(f"{name}: skipped, {why}\n")
            continue
        first, run = isolated(program, data, size)
        base = run if base is None else base
        yield [name, first, *row(run, base, problem.names)]


def row(run: Run, base: Run, names: tuple[str, ...]) -> list[object]:
    """Times, effective draws per second and differences of one program."""
    times = [run.start, run.tuning, run.seconds]
    if not run.draws or min(draws.shape[1] for draws in run.draws.values()) < 10:
        return [*times, "0, stopped", *["" for _ in names], ""]
    draws = run.draws[names[0]]
    speeds = [float(az.ess(run.draws[name])) / run.seconds for name in names]
    apart = "" if run is base else ", ".join(difference(run, base, name) for name in names)
    return [*times, f"{len(draws)} x {draws.shape[1]}", *speeds, apart]


def difference(run: Run, base: Run, name: str) -> str:
    """Difference of posterior means, in standard errors."""
    pair = [one.draws[name] for one in (run, base)]
    errors = [float(az.mcse(draws)) for draws in pair]
    return f"{(pair[0].mean() - pair[1].mean()) / np.hypot(*errors):.1f}"


def save(folder: Path) -> None:
    """Write the data of the first problem, for other languages."""
    folder.mkdir(parents=True, exist_ok=True)
    data = selection_data()
    np.savetxt(folder / "X.csv", data.X, delimiter=",")
    np.savetxt(folder / "y.csv", data.y)


def main() -> None:
    """Print a table for each problem."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.programs", description=__doc__)
    parser.add_argument("--problems", nargs="+", default=["selection", "ridge", "lasso"])
    parser.add_argument("--scale", type=float, default=1.0, help="of the numbers of draws")
    parser.add_argument("--limit", type=float, default=600.0, help="CPU s of a program in PyMC")
    parser.add_argument("--p", type=int, default=2000, help="features of the lasso")
    parser.add_argument("--save", type=Path, help="write X.csv and y.csv to a folder, and stop")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    if given.save:
        return save(given.save)
    for problem in (problems(given)[name] for name in given.problems):
        print(f"### {problem.title}\n" if given.markdown else f"{problem.title}\n")
        header = ["program", "first start, CPU s", "later start", "tuning", "draws", "number"]
        header += [f"ESS/s of {name}" for name in problem.names]
        table = list(rows(problem))
        print_table([*header, "differences, SE"], table, given.markdown)


if __name__ == "__main__":
    main()
