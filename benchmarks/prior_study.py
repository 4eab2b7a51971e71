"""Do the default priors of selection serve sparse and polygenic truths? A simulation study.

    python -m benchmarks.prior_study fit FOLDER [--part 1/2]  # 40 minutes; can be resumed
    python -m benchmarks.prior_study table FOLDER             # a row per setting, and the rules

Rules for `spike_slab` with its defaults, set before the study was run. A setting is a size,
correlation, h2 and number of causal features, with 10 data sets:

- *Calibration*: over all features of all sparse settings (1 to 20 causal, at most half of p), the
  slope of a logistic regression of the truth on logit(PIP) is between 0.8 and 1.25.
- *Coverage*: of the 95 % credible sets of the sparse settings, at least 90 % hold a causal feature.
- *Prediction*: over the polygenic settings (100 or all causal), r2 of new responses is at most 0.02
  below that of the ridge.

The chains of a fit disagree if R-hat of the model size is above 1.1, or if a PIP differs by more
than 0.5 between them. A setting in which this happens in more than a fifth of the fits is marked
and excluded from the rules.
"""

import argparse
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import arviz as az
import numpy as np
import pandas as pd
import statsmodels.api as sm
import xarray as xr

import blrzoo as blr

DRAWS = {"draws": 1000, "tune": 500, "chains": 2, "cores": 1, "quiet": True}
NEW = 500  # further rows, to predict
REPLICATES = 10
RIDGE = {"draws": 500, "tune": 200, "chains": 1, "cores": 1, "quiet": True}


class Cell(NamedTuple):
    """A setting of the simulation."""

    n: int
    p: int
    causal: int
    correlation: float
    h2: float
    replicates: int = REPLICATES

    @property
    def polygenic(self) -> bool:
        """Whether the truth has no sparse description."""
        return self.causal == self.p or self.causal >= 100

    @property
    def sparse(self) -> bool:
        """Whether few of the features are causal."""
        return self.causal <= min(20, self.p / 2)

    @property
    def name(self) -> str:
        """Name of its files."""
        return f"n{self.n}-p{self.p}-c{self.causal}-r{self.correlation}-h{self.h2}"


def cells() -> Iterator[Cell]:
    """All settings, the small ones first."""
    for p, n in itertools.product((10, 64, 1000), (200, 600)):
        causal = [c for c in (1, 5, 20, 100) if c < p] + [p]
        for c, r, h2 in itertools.product(causal, (0.0, 0.9), (0.2, 0.5)):
            yield Cell(n, p, c, r, h2)
    yield Cell(2000, 10_000, 20, 0.0, 0.5, 2)
    yield Cell(2000, 10_000, 20, 0.9, 0.5, 2)
    yield Cell(2000, 10_000, 10_000, 0.9, 0.5, 2)


def main() -> None:
    """Fit, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("fit", "table"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", default="1/1", help="for instance 1/2 and 2/2, side by side")
    arguments = parser.parse_args()
    if arguments.command == "fit":
        fit_all(arguments.folder, *map(int, arguments.part.split("/")))
    else:
        print_tables(arguments.folder)


# ---- fits ----


def fit_all(folder: Path, part: int, parts: int) -> None:
    """Fit every data set that has no file yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for replicate, (i, cell) in itertools.product(range(REPLICATES), enumerate(cells())):
        path = folder / f"{cell.name}-{replicate}.npz"
        mine = i % parts == part - 1 and replicate < cell.replicates
        if mine and not path.exists():
            np.savez_compressed(path, **fit(cell, replicate))
            print(path.name, flush=True)


def simulate(cell: Cell, replicate: int) -> tuple[Any, ...]:
    """Rows to fit and new rows: X, y, X_new, y_new, and which features are causal."""
    data = blr.simulate(
        n=cell.n + NEW,
        p=cell.p,
        n_causal=cell.causal,
        h2=cell.h2,
        correlation=cell.correlation,
        random_seed=replicate,
    )
    X, y = data["X"].values, data["y"].values
    return X[: cell.n], y[: cell.n], X[cell.n :], y[cell.n :], data["beta"].values != 0


def fit(cell: Cell, replicate: int) -> dict[str, Any]:
    """Fit a data set, and return the indicators as bits and r2 of new responses."""
    X, y, X_new, y_new, _ = simulate(cell, replicate)
    idata = blr.sample(blr.spike_slab(X, y), random_seed=replicate, **DRAWS)
    found = {
        "delta": np.packbits(idata["posterior"]["delta"].values.astype(bool), axis=-1),
        "r2": r2(idata, X, y, X_new, y_new),
    }
    if cell.polygenic:
        ridge = blr.sample(blr.single_component(X, y), random_seed=replicate, **RIDGE)
        found["r2_ridge"] = r2(ridge, X, y, X_new, y_new)
    return found


def r2(idata: xr.DataTree, X: Any, y: Any, X_new: Any, y_new: Any) -> float:
    """1 - SSE / SST of new responses; the posterior mean predicts."""
    beta = idata["posterior"]["beta"].mean(("chain", "draw")).values
    mu = float(idata["posterior"]["mu"].mean())
    errors = y_new - mu - (X_new - X.mean(axis=0)) @ beta
    return float(1 - np.sum(errors**2) / np.sum((y_new - y_new.mean()) ** 2))


# ---- tables ----


COUNTED = {"sets", "covering", "disagree"}
COLUMNS = {
    "n": "n",
    "p": "p",
    "causal": "causal",
    "correlation": "r",
    "h2": "h2",
    "done": "data sets",
    "disagree": "disagree",
    "size": "model size",
    "right": "right PIPs",
    "wrong": "wrong PIPs",
    "log_loss": "log loss",
    "sets": "sets",
    "covering": "hold a causal",
    "r2": "r2",
    "r2_ridge": "r2 of the ridge",
}


def print_tables(folder: Path) -> None:
    """Print means by p and number of causal features, the rules and all settings, as Markdown."""
    rows, features = [], []
    for cell in cells():
        found = [summary(cell, k, folder) for k in range(cell.replicates)]
        fits = [one for one in found if one is not None]
        if fits:
            rows.append({**cell._asdict(), "done": len(fits), **averages(fits)})
            if cell.sparse and not marked(rows[-1]):
                features += [one["features"] for one in fits]
    table = pd.DataFrame(rows).assign(marked=[marked(row) for row in rows])
    used = table[~table["marked"]]
    print_markdown(summed(used), ["p", "causal", *list(COLUMNS)[5:]])
    print_rules(table, used, np.concatenate(features, axis=1))
    print_markdown(table, list(COLUMNS))


def marked(row: dict[str, Any]) -> bool:
    """Whether the chains disagree in more than a fifth of the fits of a setting."""
    return row["disagree"] > 0.2 * row["done"]


def summed(table: pd.DataFrame) -> pd.DataFrame:
    """Means over n, correlation and h2; sums of counts."""
    how = {name: "sum" if name in COUNTED else "mean" for name in list(COLUMNS)[5:]}
    return table.groupby(["p", "causal"], as_index=False).agg({**how, "done": "sum"})


def print_markdown(table: pd.DataFrame, columns: list[str]) -> None:
    """Print some columns as a Markdown table."""
    print("\n| " + " | ".join(COLUMNS[name] for name in columns) + " |")
    print("|---" * len(columns) + "|")
    for row in table.to_dict("records"):
        cells_ = [_text(row[name]) for name in columns]
        print("| " + " | ".join(cells_) + (" \\* |" if row.get("marked") else " |"))


def _text(value: Any) -> str:
    """A number in few digits; an empty text for NaN."""
    if np.isnan(value):
        return ""
    return f"{value:.0f}" if value == int(value) or abs(value) >= 100 else f"{value:.3g}"


def summary(cell: Cell, replicate: int, folder: Path) -> dict[str, Any] | None:
    """Numbers of one data set, which a row of the table averages."""
    path = folder / f"{cell.name}-{replicate}.npz"
    if not path.exists():
        return None
    kept = np.load(path)
    X, *_, causal = simulate(cell, replicate)
    delta = np.unpackbits(kept["delta"], axis=-1, count=cell.p)
    pips = delta.mean(axis=1)
    pip, size = pips.mean(axis=0), delta.sum(axis=-1)
    apart = float(az.rhat(size)) > 1.1 or np.ptp(pips, axis=0).max() > 0.5
    clipped = np.clip(pip, 1 / (2 * size.size), 1 - 1 / (2 * size.size))
    found = {
        "size": size.mean(),
        "wrong": np.sum((pip > 0.5) & ~causal),
        "right": np.sum((pip > 0.5) & causal),
        "log_loss": -np.sum(np.log(np.where(causal, clipped, 1 - clipped))),
        "r2": float(kept["r2"]),
        "r2_ridge": float(kept["r2_ridge"]) if "r2_ridge" in kept else np.nan,
        "disagree": apart,
        "features": np.stack([np.log(clipped / (1 - clipped)), causal]),
    }
    return {**found, **(held(delta, X, causal) if cell.sparse else {"sets": 0, "covering": 0})}


def held(delta: Any, X: Any, causal: Any) -> dict[str, int]:
    """Numbers of credible sets, and of those with a causal feature."""
    posterior = xr.Dataset({"delta": (("chain", "draw", "feature"), delta)})
    sets = blr.credible_sets(xr.DataTree.from_dict({"posterior": posterior}), X)
    covering = (sets["members"].values & causal).any(axis=1)
    return {"sets": covering.size, "covering": int(covering.sum())}


def averages(fits: list[dict[str, Any]]) -> dict[str, float]:
    """Means over data sets; sums of counts."""
    return {
        key: (np.sum if key in COUNTED else np.mean)([one[key] for one in fits])
        for key in fits[0]
        if key != "features"
    }


def print_rules(table: pd.DataFrame, used: pd.DataFrame, features: Any) -> None:
    """Print whether the rules hold."""
    logit, causal = features
    slope = sm.Logit(causal, sm.add_constant(logit)).fit(disp=0)
    sparse = used[used["causal"] <= np.minimum(20, used["p"] / 2)]
    covered = sparse["covering"].sum() / sparse["sets"].sum()
    polygenic = used[used["r2_ridge"].notna()]
    gain = polygenic["r2"] - polygenic["r2_ridge"]
    wide = (polygenic["p"] >= 1000) & (polygenic["causal"] == polygenic["p"])
    print(f"\n- calibration slope {slope.params[1]:.2f} (SE {slope.bse[1]:.2f}), 0.8 to 1.25")
    print(f"- coverage of {sparse['sets'].sum()} sets {covered:.3f}, at least 0.9")
    print(f"- r2 minus that of the ridge {gain.mean():.4f}, at least -0.02; where all of 1,000 or")
    worst = f"in the worst setting {gain.min():.4f}"
    print(f"  more features are causal {gain[wide].mean():.4f}; {worst}")
    print(f"- {table['marked'].sum()} of {len(table)} settings are marked")


if __name__ == "__main__":
    main()
