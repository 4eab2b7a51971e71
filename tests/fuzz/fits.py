"""Small fits, and changes that may have been made to an InferenceData before it is read."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

import blrzoo as blr
from tests.fuzz.tables import frame
from tests.fuzz.values import groups

FAST = {"compile_kwargs": {"mode": "FAST_COMPILE"}}  # Python instead of compiled code
QUIET = {"cores": 1, "progressbar": False, "quiet": True, "compute_convergence_checks": False}
SETTINGS: dict[str, Any] = {"chains": 2, "draws": 24, "tune": 5, "random_seed": 3} | QUIET | FAST


def data(*names: str) -> dict[str, Any]:
    """Valid data with labels, by argument."""
    return {name: frame(name).value for name in names}


MODELS: dict[str, Callable[[], pm.Model]] = {
    "ridge": lambda: blr.single_component(**data("X", "y")),
    "fixed": lambda: blr.single_component(**data("X", "y"), tau2=0.5, sigma2=1.0),
    "select": lambda: blr.spike_slab(**data("X", "y", "covariates"), groups=groups()),
    "mixture": lambda: blr.hierarchical(**data("X", "y"), groups=groups(), n_components=3),
    "traits": lambda: blr.multivariate_spike_slab(**data("X", "Y")),
}


@cache
def model(kind: str) -> pm.Model:
    return MODELS[kind]()


@cache
def _groups_of(kind: str) -> dict[str, xr.Dataset]:
    """All groups of a fit: posterior, statistics, data, prior and predictions."""
    fit = blr.sample(model(kind), **SETTINGS)
    prior = pm.sample_prior_predictive(40, model=model(kind), random_seed=1, **FAST)
    predictive = pm.sample_posterior_predictive(
        fit, model=model(kind), random_seed=1, progressbar=False, **FAST
    )
    trees = {**prior.children, **predictive.children, **fit.children}
    return {name: tree.to_dataset() for name, tree in trees.items()}


def fit(kind: str) -> xr.DataTree:
    """A copy of a fit, which the caller may change."""
    return xr.DataTree.from_dict({k: v.copy(deep=True) for k, v in _groups_of(kind).items()})


DRAWN = ("posterior", "sample_stats", "posterior_predictive")
Change = Callable[[xr.Dataset], xr.Dataset]


def _each(change: Change, names: tuple[str, ...] = DRAWN) -> Callable[[xr.DataTree], xr.DataTree]:
    """Change some groups of a fit."""

    def changed(tree: xr.DataTree) -> xr.DataTree:
        sets = {k: v.to_dataset() for k, v in tree.children.items()}
        return xr.DataTree.from_dict({k: change(v) if k in names else v for k, v in sets.items()})

    return changed


def _put(value: float, names: tuple[str, ...]) -> Change:
    def change(posterior: xr.Dataset) -> xr.Dataset:
        for name in {*names} & {*posterior.data_vars}:
            posterior[name] = posterior[name].astype(float)
            posterior[name].values.flat[7] = value
        return posterior

    return change


def _drop(*names: str) -> Callable[[xr.DataTree], xr.DataTree]:
    return lambda tree: xr.DataTree.from_dict(
        {k: v.to_dataset() for k, v in tree.children.items() if k not in names}
    )


def _reorder(tree: xr.DataTree) -> xr.DataTree:
    order = [3, 0, 4, 2, 1]
    return _each(lambda s: s.isel(feature=order), ("posterior",))(tree)


POSTERIOR = ("posterior",)
VARIANTS: dict[str, Callable[[xr.DataTree], Any]] = {
    "as it is": lambda tree: tree,
    "thinned": _each(lambda s: s.isel(draw=slice(None, None, 2))),
    "last draws": _each(lambda s: s.isel(draw=slice(10, None))),
    "one chain": _each(lambda s: s.isel(chain=[0])),
    "without chain": _each(lambda s: s.isel(chain=0)),
    "one draw": _each(lambda s: s.isel(draw=[0])),
    "no draws": _each(lambda s: s.isel(draw=slice(0))),
    "no chains": _each(lambda s: s.isel(chain=slice(0))),
    "stacked": _each(lambda s: s.stack(sample=("chain", "draw"))),
    "float32": _each(lambda s: s.astype("float32"), POSTERIOR),
    "transposed": _each(lambda s: s.transpose(*reversed(list(s.dims))), POSTERIOR),
    "one array order": _each(lambda s: s.transpose("draw", ..., "chain"), POSTERIOR),
    "reordered features": _reorder,
    "some features": _each(lambda s: s.isel(feature=[1, 3]), POSTERIOR),
    "no features": _each(lambda s: s.isel(feature=slice(0)), POSTERIOR),
    "foreign features": _each(lambda s: s.assign_coords(feature=list("vwxyz")), POSTERIOR),
    "features without labels": _each(lambda s: s.drop_vars("feature"), POSTERIOR),
    "repeated draws": _each(lambda s: xr.concat([s, s], "draw")),
    "repeated chains": _each(lambda s: xr.concat([s, s], "chain")),
    "draws without labels": _each(lambda s: s.drop_vars(["chain", "draw"], errors="ignore")),
    "no coordinates": _each(lambda s: s.reset_coords(drop=True).drop_vars(list(s.coords))),
    "NaN in beta": _each(_put(np.nan, ("beta",)), POSTERIOR),
    "inf in beta": _each(_put(np.inf, ("beta",)), POSTERIOR),
    "NaN in labels": _each(_put(np.nan, ("delta", "label")), POSTERIOR),
    "NaN in others": _each(_put(np.nan, ("sigma2", "Sigma_e", "mu", "pi")), POSTERIOR),
    "NaN in statistics": _each(_put(np.nan, ("genetic_variance", "model_size")), ("sample_stats",)),
    "no beta": _each(lambda s: s.drop_vars("beta"), POSTERIOR),
    "no labels": _each(lambda s: s.drop_vars(["delta", "label"], errors="ignore"), POSTERIOR),
    "beta only": _each(lambda s: s[["beta"]], POSTERIOR),
    "no variables": _each(lambda s: s[[]], POSTERIOR),
    "one variable more": _each(lambda s: s.assign(more=s["beta"] * 2), POSTERIOR),
    "zero effects": _each(lambda s: s.assign(beta=s["beta"] * 0), POSTERIOR),
    "constant draws": _each(
        lambda s: s.map(lambda v: xr.zeros_like(v) + v.isel(chain=0, draw=0)), POSTERIOR
    ),
    "text": _each(lambda s: s.assign(beta=s["beta"].astype(str)), POSTERIOR),
    "chain renamed": _each(lambda s: s.rename(chain="chains"), POSTERIOR),
    "no posterior": _drop("posterior"),
    "no statistics": _drop("sample_stats"),
    "no data": _drop("constant_data", "observed_data"),
    "no constant data": _drop("constant_data"),
    "posterior only": lambda tree: _drop(*({*tree.children} - {"posterior"}))(tree),
    "no prior": _drop("prior", "prior_predictive"),
    "no groups": lambda tree: xr.DataTree(),
    "a Dataset": lambda tree: tree["posterior"].to_dataset(),
    "a dict": lambda tree: {k: v.to_dataset() for k, v in tree.children.items()},
    "None": lambda tree: None,
    "text for all": lambda tree: "idata",
    "an array": lambda tree: tree["posterior"]["beta"].values,
}
