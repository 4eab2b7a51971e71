"""A demonstration: two models of the diabetes data, fitted, checked and compared."""

import warnings
from pathlib import Path

import arviz as az
import matplotlib
import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from matplotlib.figure import Figure

from blrzoo.datasets import load_diabetes
from blrzoo.diagnostics import indicator_table
from blrzoo.evaluate import ONCE
from blrzoo.plots import plot_pip
from blrzoo.sampling import sample
from blrzoo.summaries.effects import effect_table
from blrzoo.zoo import single_component, spike_slab

__all__ = ["run_demo"]

_ONCE = {"mode": ONCE}  # compile_kwargs

_HYPERPARAMETERS = ["mu", "sigma2", "tau2", "pi"]


def run_demo(
    output: Path | str = "demo-output", *, draws: int = 8000, random_seed: int = 2004
) -> dict[str, xr.DataTree]:
    """Fit spike-and-slab and ridge to the 64-column diabetes data, print and write the results.

    Parameters
    ----------
    output : path, default "demo-output"
        Folder for the InferenceData (NetCDF) and the figures (PNG); created if it does not exist.
    draws : int, default 8000
        Number of draws of each of the four chains, after 1000 that are discarded. Every
        ``max(1, draws // 1000)``-th of them is kept.
    random_seed : int, default 2004
        Seed of the draws.

    Returns
    -------
    dict of str to xarray.DataTree
        The fits by name of the model.

    Examples
    --------
    >>> import blrzoo.demo
    >>> fits = blrzoo.demo.run_demo("demo-output")  # doctest: +SKIP
    """
    matplotlib.use("Agg")  # figures go to files, also where there is no screen
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    data = load_diabetes(quadratic=True)
    models = {
        "spike_slab": spike_slab(data["X"], data["y"]),
        "single_component": single_component(data["X"], data["y"]),
    }
    fits = {}
    for name, model in models.items():
        _title(f"{name}: {data.sizes['obs']} patients, {data.sizes['feature']} features")
        fits[name] = _fit(model, draws, random_seed)
        _write(fits[name], output / f"{name}.nc")
    _print_tables(fits)
    for figure in _figures(fits, output):
        print(f"wrote {figure}")
    return fits


def _fit(model: pm.Model, draws: int, random_seed: int) -> xr.DataTree:
    idata = sample(model, draws=draws, tune=1000, random_seed=random_seed)
    idata = idata.isel(draw=slice(None, None, max(1, draws // 1000)))
    with model:
        pm.compute_log_likelihood(idata, progressbar=False, compile_kwargs=_ONCE)
        pm.sample_posterior_predictive(
            idata,
            random_seed=random_seed,
            extend_inferencedata=True,
            progressbar=False,
            compile_kwargs=_ONCE,
        )
    return idata


def _write(idata: xr.DataTree, path: Path) -> None:
    """Write a fit; if the file is locked by another program, print the error and continue."""
    try:
        idata.to_netcdf(path)
        print(f"wrote {path}")
    except OSError as error:
        print(f"could not write {path}: {error}")


def _print_tables(fits: dict[str, xr.DataTree]) -> None:
    selected = fits["spike_slab"]
    _title("top features by posterior inclusion probability (effects per SD of the feature)")
    effects = effect_table(selected, sort_by="pip").isel(feature=slice(12))
    columns = ["pip", "mcse_pip", "mean", "sd", "lower", "upper"]
    _print(effects[columns].to_dataframe()[columns].rename_axis(None).round(3))
    for name, idata in fits.items():
        _title(f"{name}: hyperparameters")
        kept = [v for v in _HYPERPARAMETERS if v in idata["posterior"]]
        _print(az.summary(idata, var_names=kept, kind="all", round_to=3))
    _title("spike_slab: number of included features and genetic variance")
    _print(indicator_table(selected).drop_dims("feature").to_dataframe().rename_axis(None).round(3))
    _title("leave-one-out comparison (elpd: higher is better)")
    with warnings.catch_warnings():
        # Influential patients are counted in the table's column diag_elpd.
        warnings.filterwarnings("ignore", "Estimated shape parameter of Pareto", UserWarning)
        _print(az.compare(fits))


def _figures(fits: dict[str, xr.DataTree], output: Path) -> list[Path]:
    selected = fits["spike_slab"]
    made = {
        "pip": _pip_figure(selected),
        "trace": _trace_figure(selected),
        "posterior_predictive": _predictive_figure(selected),
    }
    paths = []
    for name, figure in made.items():
        paths.append(output / f"{name}.png")
        figure.savefig(paths[-1], dpi=120, bbox_inches="tight")
    return paths


def _pip_figure(idata: xr.DataTree) -> Figure:
    figure = Figure(figsize=(12, 4), layout="constrained")
    plot_pip(idata, ax=figure.subplots())
    return figure


def _trace_figure(idata: xr.DataTree) -> Figure:
    names = ["sigma2", "tau2", "pi"]
    plots = az.plot_trace_dist(idata, var_names=names, compact=True, backend="matplotlib")
    figure = plots.viz["figure"].item()
    figure.set_layout_engine("constrained")  # room for the labels
    return figure


def _predictive_figure(idata: xr.DataTree) -> Figure:
    plots = az.plot_ppc_dist(idata, num_samples=100, kind="ecdf", backend="matplotlib")
    (ax,) = plots.viz["figure"].item().axes
    ax.set(title="Observed (black) and predicted (blue) distribution of y")
    ax.set(xlabel="Disease progression", ylabel="Cumulative share of patients")
    return plots.viz["figure"].item()


def _title(text: str) -> None:
    print(f"\n== {text} ==", flush=True)


def _print(table: pd.DataFrame) -> None:
    with pd.option_context("display.width", 140, "display.max_columns", 20):
        print(table.to_string(float_format=lambda x: f"{x:.4g}" if np.isfinite(x) else "-"))
