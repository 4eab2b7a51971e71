"""Write a page of the docs from the output of two benchmarks.

python -m benchmarks.accuracy --markdown > accuracy.md
python -m benchmarks.programs --markdown > programs.md
python -m benchmarks.page accuracy.md programs.md > docs/performance.md
"""

import argparse
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from benchmarks.versions import HERE

__all__ = ["main", "page"]

PACKAGES = ("pymc", "pytensor", "numba", "numpy", "arviz", "nutpie", "msprime")

TEMPLATE = """# Performance

How accurate posterior inclusion probabilities (PIPs) are after a second of computing, and how
other programs draw from the same posterior. All times are seconds of CPU with one thread. They
differ between machines; their ratios differ less. This page is written from what the two
benchmarks print, by `python -m benchmarks.page`.

## Accuracy of PIPs

`python -m benchmarks.accuracy` fits `spike_slab` with the same priors and the same number of
sweeps, one sweep per draw, by this version and by commit {commit}. In each data set 10 features
explain 0.3 of the variance of y. The features are

- independent and normal ("independent");
- normal, with correlation 0.95 of neighbors (first-order autoregression) in blocks of 100
  ("blocks");
- neighboring SNPs of a coalescent with recombination, with minor alleles of 1 % or more
  ("locus").

Accuracy is 1 / (mean squared error of the PIPs × CPU seconds of the sweeps), without burn-in; the
ratio is that to the other commit, of the means over all data sets and, as a range, in each of
them. Accuracy does not depend on the number of sweeps, once the chains have found the posterior.
The errors are those against PIPs of two long chains with different starts, whose own error is
below. ESS/s is the number of effective draws per CPU second. The last column compares the
posteriors of both versions, by the mean number of included features: differences of up to 2 or 3
standard errors are expected by chance, and greater ones where chains mix so slowly that the
standard errors are too small.

{accuracy}

"First start" is the CPU time of making the model and the step, with X'X and pairs of features, of
compiling and of one sweep, with an empty cache of compiled code; "later starts" are those with
further data sets in the same process. Neither is part of the accuracy.

## Other programs

`python -m benchmarks.programs` draws from one posterior with several programs, each in a new
process. The differences of posterior means from those of blrzoo are in Monte Carlo standard
errors, in the order of the columns before. `later start` is the CPU time until the first draw in
a process that finds compiled code in its cache. The textbook's sampler is that of
`benchmarks/textbook.py`: one feature after the other, in numba, with no further moves, no
recording by PyMC and no other models. A draw of blrzoo is several sweeps of a model of this size,
so that fewer draws are kept, nearly independent ones; `thin=1` keeps each sweep. In the models
written in PyMC, effects of the spike and slab are indicators times normals, and those of the
lasso are a scale times standard Laplace variables. The data of the lasso are those of [issue
2884](https://github.com/pymc-devs/pymc/issues/2884) of PyMC, n = 200 and p = 2000. A program that
was still tuning after the limit of time has no effective draws.

{programs}

`Rscript benchmarks/programs.R` runs BGLR, hibayes and susieR, where they are installed, on the
data of the first table. Their priors are others, so their numbers are not in it.

Versions: blrzoo {revision}, {versions}.
"""


def page(accuracy: str, programs: str, commit: str) -> str:
    """The page, from what the benchmarks printed."""
    given = {"accuracy": accuracy.strip(), "programs": programs.strip()}
    return TEMPLATE.format(**given, commit=commit, revision=revision(), versions=versions())


def commit_of(accuracy: str) -> str:
    """The other commit: the version of the first row of the table."""
    found = re.search(r"^\| *(?:independent|blocks|locus) *\| *(\w+) *\|", accuracy, re.MULTILINE)
    if not found:
        raise ValueError("the first file has no table: run benchmarks.accuracy with --markdown")
    return found[1]


def revision() -> str:
    """Commit of this version."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(
        command, cwd=HERE, check=True, capture_output=True, text=True
    ).stdout.strip()


def versions() -> str:
    """Versions of packages that are installed."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except ModuleNotFoundError:
            continue
    return ", ".join(found)


def main() -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("accuracy", type=Path)
    parser.add_argument("programs", type=Path)
    given = parser.parse_args()
    accuracy = given.accuracy.read_text()
    print(page(accuracy, given.programs.read_text(), commit_of(accuracy)), end="")


if __name__ == "__main__":
    main()
