"""Accuracy of PIPs per CPU second, against another commit: python -m benchmarks.accuracy [COMMIT].

Spike-and-slab with the same priors and the same number of sweeps, one sweep per draw. Accuracy is
1 / (mean squared error of the PIPs x CPU seconds of the sweeps after burn-in); making X'X and
compiling are printed apart. The error is that against PIPs of two chains so long that their own
error is below a tenth of it. Each number is the mean over data sets of the median over runs, with
one thread, both versions in turn.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import arviz as az
import numpy as np

from benchmarks.tables import print_table
from benchmarks.versions import HERE, Process, worktree

__all__ = ["SIMULATED", "main"]

#: Versions are measured as processes that run this.
SCRIPT = Path(__file__).with_name("chains.py").read_text()
CAUSAL, H2 = 10, 0.3
#: Share of the features in the start of the chains of the reference, which differ.
INCLUDED = 0.05
HEADER = (
    "data",
    "version",
    "CPU s / 1000 sweeps",
    "RMSE of PIPs",
    "accuracy",
    "ratio",
    "ratio by data set",
    "ESS/s of size",
    "ESS/s of tau2",
    "mean size",
    "its difference, SE",
)


# ---- data ----


def independent(rng: np.random.Generator, n: int, p: int) -> np.ndarray:
    """Independent normal features."""
    return rng.normal(size=(n, p))


def blocks(
    rng: np.random.Generator, n: int, p: int, size: int = 100, correlation: float = 0.95
) -> np.ndarray:
    """First-order autoregression within blocks, which are independent."""
    X = rng.normal(size=(n, p))
    for j in range(p):
        if j % size:
            X[:, j] = correlation * X[:, j - 1] + np.sqrt(1 - correlation**2) * X[:, j]
    return X


def locus(rng: np.random.Generator, n: int, p: int, maf: float = 0.01) -> np.ndarray:
    """Neighboring SNPs of a coalescent with recombination: alleles of n diploid people."""
    import msprime

    ancestry, mutations = map(int, rng.integers(1, 2**31, size=2))
    history = msprime.sim_ancestry(
        n,
        population_size=10_000,
        recombination_rate=1e-8,
        sequence_length=1500 * p,  # has about 3 p SNPs
        random_seed=ancestry,
    )
    found = msprime.sim_mutations(
        history, rate=1e-8, random_seed=mutations, model=msprime.BinaryMutationModel()
    )
    alleles = found.genotype_matrix().reshape(-1, n, 2).sum(axis=2)
    frequency = alleles.mean(axis=1) / 2
    common = alleles[np.minimum(frequency, 1 - frequency) >= maf]
    if len(common) < p:
        raise ValueError(f"{len(common)} SNPs are fewer than p = {p}: take a larger p")
    return common[:p].T.astype(float)


SIMULATED: dict[str, Callable[..., np.ndarray]] = {
    "independent": independent,
    "blocks": blocks,
    "locus": locus,
}


def simulate(kind: str, n: int, p: int, seed: int) -> tuple[dict[str, np.ndarray], dict]:
    """X and y of a data set, and the priors."""
    rng = np.random.default_rng([seed, list(SIMULATED).index(kind)])
    X = SIMULATED[kind](rng, n, p)
    chosen = rng.choice(p, CAUSAL, replace=False)
    fit = (X[:, chosen] / X[:, chosen].std(axis=0)) @ rng.normal(size=CAUSAL)
    y = np.sqrt(H2) * fit / fit.std() + np.sqrt(1 - H2) * rng.normal(size=n)
    explained = H2 * y.var() / (CAUSAL * X.var(axis=0).mean())
    priors = {
        "pi": (1.0, p / CAUSAL - 1),  # mean: as many as are causal
        "tau2": (4.0, explained / 2),
        "sigma2": (4.0, (1 - H2) * y.var() / 2),
        "mu": (0.0, 10.0),
    }
    return {"X": X, "y": y - y.mean()}, priors


# ---- runs ----


class Version(NamedTuple):
    """A process, and its arguments of the model and of the step."""

    process: Process
    folder: Path
    model: dict[str, Any]
    step: dict[str, Any]

    def load(self, path: Path, priors: dict) -> float:
        """Read a data set; CPU seconds of making the model and the step."""
        answer = self.process.ask(data=str(path), priors=priors, model=self.model, step=self.step)
        if Path(answer["folder"]).resolve() != self.folder.resolve():
            raise RuntimeError(f"{answer['folder']} was measured in the place of {self.folder}")
        return answer["seconds"]


def versions(old: Path, cache: Path, commit: str, designs: list[str]) -> dict[str, Version]:
    """The other commit, this one with each design, and one for the reference, by name."""
    made = {commit: Version(Process(old, SCRIPT, cache / "old"), old, {}, {})}
    for design in [*designs, "reference"]:
        model = {"design": "gram" if design == "reference" else design}
        process = Process(HERE, SCRIPT, cache / design)
        made[design] = Version(process, HERE, model, {"thin": 1})
    return made


class Measured(NamedTuple):
    """One version with one data set: medians over its runs."""

    seconds: float
    error: float
    ess_size: float
    ess_tau2: float
    size: float
    size_error: float


def reference(version: Version, sweeps: int, burn: int) -> tuple[np.ndarray, float]:
    """PIPs of two chains from different starts, and the standard error of their mean."""
    first, second = (
        np.array(version.process.ask(sweeps=sweeps, burn=burn, seed=seed, included=INCLUDED)["pip"])
        for seed in (1001, 1002)
    )
    return (first + second) / 2, float(np.sqrt(np.mean((first - second) ** 2)) / 2)


def measure(
    compared: dict[str, Version], truth: np.ndarray, given: argparse.Namespace
) -> dict[str, Measured]:
    """Runs of all versions, in turn."""
    found: dict[str, list[dict]] = {name: [] for name in compared}
    for run in range(given.runs):
        for name, version in compared.items():
            answer = version.process.ask(sweeps=given.sweeps, burn=given.burn, seed=run)
            found[name].append(answer)
    return {name: summarize(answers, truth) for name, answers in found.items()}


def summarize(answers: list[dict], truth: np.ndarray) -> Measured:
    """Medians over the runs of a version; effective draws are those of all its runs."""
    seconds = [answer["seconds"] for answer in answers]
    errors = [np.mean((np.array(answer["pip"]) - truth) ** 2) for answer in answers]
    size, tau2 = (np.array([answer[name] for answer in answers]) for name in ("size", "tau2"))
    ess = [float(az.ess(draws)) / sum(seconds) for draws in (size, tau2)]
    mean = float(size.mean()), float(az.mcse(size))
    return Measured(float(np.median(seconds)), float(np.median(errors)), *ess, *mean)


# ---- tables ----


def rows(kind: str, found: list[dict[str, Measured]], sweeps: int) -> Iterator[list[object]]:
    """Rows of one kind of data; the first version is the one that others are compared with."""
    names = list(found[0])
    by_name = {name: np.array([one[name] for one in found]) for name in names}
    base = by_name[names[0]]
    for name, values in by_name.items():
        seconds, error, *ess, size, _ = map(float, values.mean(axis=0))
        accuracy = 1 / (seconds * error)
        ratio = accuracy * float(base[:, 0].mean() * base[:, 1].mean())
        each = (base[:, 0] * base[:, 1]) / (values[:, 0] * values[:, 1])
        spread = f"{each.min():.3g} to {each.max():.3g}"
        cost = [1000 * seconds / sweeps, error**0.5, accuracy, ratio, spread]
        yield [kind, name, *cost, *ess, size, differences(values, base)]


def differences(values: np.ndarray, base: np.ndarray) -> str:
    """Differences of the mean model size in standard errors, from least to greatest."""
    apart = (values[:, 4] - base[:, 4]) / np.hypot(values[:, 5], base[:, 5])
    return f"{apart.min():.1f} to {apart.max():.1f}"


def run_kind(
    kind: str, made: dict[str, Version], folder: Path, given: argparse.Namespace
) -> tuple[list[dict[str, Measured]], list[float], dict[str, list[float]]]:
    """All data sets of a kind: what was measured, errors of references, and starting times."""
    found, errors = [], []
    starts: dict[str, list[float]] = {name: [] for name in made}
    compared = {name: version for name, version in made.items() if name != "reference"}
    for seed in range(given.data_sets):
        arrays, priors = simulate(kind, given.n, given.p, seed)
        path = folder / f"{kind}{seed}.npz"
        np.savez(path, **arrays)
        for name, version in made.items():
            starts[name].append(version.load(path, priors))
        truth, error = reference(made["reference"], given.reference, given.burn)
        errors.append(error)
        found.append(measure(compared, truth, given))
    return found, errors, starts


def check_reference(kind: str, found: list[dict[str, Measured]], errors: list[float]) -> list:
    """Error of the reference, and its largest share of the least RMSE of a data set."""
    least = [min(m.error for m in one.values()) ** 0.5 for one in found]
    share = max(error / rmse for error, rmse in zip(errors, least, strict=True))
    return [kind, float(np.mean(errors)), share, "yes" if share < 0.1 else "no: more sweeps"]


def compare(made: dict[str, Version], folder: Path, given: argparse.Namespace) -> None:
    """Run everything, and print the tables."""
    starts: dict[str, list[float]] = {name: [] for name in made}
    table, checks = [], []
    for kind in given.kinds:
        try:
            found, errors, seconds = run_kind(kind, made, folder, given)
        except ImportError as error:
            print(f"{kind}: skipped, as {error.name} is not installed (the extra bench)\n")
            continue
        table += rows(kind, found, given.sweeps)
        checks.append(check_reference(kind, found, errors))
        for name in made:
            starts[name] += seconds[name]
    print_table(HEADER, table, given.markdown)
    header = ("data", "error of the reference", "largest share of an RMSE", "below a tenth")
    print_table(header, checks, given.markdown)
    header = ("version", "first start, CPU s", "later starts, CPU s")
    shown = [[k, v[0], float(np.median(v[1:] or v))] for k, v in starts.items() if v]
    print_table(header, [row for row in shown if row[0] != "reference"], given.markdown)


def arguments() -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("commit", nargs="?", default="91b7e7f")
    parser.add_argument("--n", type=int, default=1000)
    parser.add_argument("--p", type=int, default=1000)
    parser.add_argument("--sweeps", type=int, default=2000, help="of each run, after --burn")
    parser.add_argument("--burn", type=int, default=500)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--reference", type=int, default=200_000, help="sweeps of each half")
    parser.add_argument("--data-sets", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", choices=SIMULATED, default=list(SIMULATED))
    parser.add_argument("--designs", nargs="+", default=["dense", "gram"], help="of this version")
    parser.add_argument("--markdown", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Print the tables."""
    given = arguments()
    n, p, sweeps, runs = given.n, given.p, given.sweeps, given.runs
    sizes = f"n = {n}, p = {p}, {given.data_sets} data sets of each kind, {runs} runs of {sweeps}"
    print(f"{sizes} sweeps after {given.burn}; reference: 2 x {given.reference} sweeps\n")
    with worktree(given.commit) as old, tempfile.TemporaryDirectory() as folder:
        made = versions(old, Path(folder), given.commit, given.designs)
        try:
            compare(made, Path(folder), given)
        finally:
            for version in made.values():
                version.process.close()


if __name__ == "__main__":
    main()
