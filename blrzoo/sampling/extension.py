"""More draws of a fit: each chain continues from its last draw."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from blrzoo.checks import Flag, Integer, NoneOr, Seed
from blrzoo.gibbs.spec import find_spec, spec_of
from blrzoo.posterior.reader import sample_stat
from blrzoo.sampling.arguments import OTHER_STEPS, check_model, check_options
from blrzoo.sampling.draw import add_alias, draw, finish, log_convergence, name_traits
from blrzoo.sampling.fitted import check_same_model

__all__ = ["sample_more"]

#: Arguments of `sample` that the fit determines.
_DECIDED = (
    "chains",
    "discard_tuned_samples",
    "idata_kwargs",
    "initvals",
    "keep",
    "trace",
    "var_names",
)


def sample_more(
    idata: xr.DataTree,
    model: pm.Model | None = None,
    draws: int = 1000,
    *,
    tune: int | None = None,
    moves: str | Sequence[str] | None = None,
    thin: int | None = None,
    random_seed: int | Sequence[int] | np.random.Generator | None = None,
    compute_convergence_checks: bool = True,
    quiet: bool = False,
    **kwargs: Any,
) -> xr.DataTree:
    """Draw more of a fit: each chain continues from its last draw.

    If Gibbs steps draw everything, as they do by default, the result is as if the chains had been
    longer from the start: the variables are the whole state of a chain. The random numbers are new,
    also with the seed of the first fit.

    The tuning of NUTS is not recorded. So where NUTS draws variables (hyperparameters with priors
    that are not conjugate), it is tuned again, and these draws are dropped: there is a gap of
    `tune` draws between the old and the new ones.

    Parameters
    ----------
    idata : xarray.DataTree
        What `sample`, ``pm.sample`` or this function returned, or read from a file. It is not
        changed. Its posterior needs every variable that is drawn, except alpha: a fit with
        `var_names` or ``keep="summary"`` cannot be continued.
    model : pm.Model, optional
        The model of the fit, with the same data. Default: the model on the context.
    draws : int, default 1000
        Number of further draws per chain.
    tune : int, optional
        Number of draws per chain to drop first. Default: 0 if Gibbs steps draw everything and no
        `step` is passed, else 1000.
    moves : str or list of str, optional
        Moves that a sweep makes besides, as in `sample`. Default: all, whatever the first fit made:
        they do not change the posterior.
    thin : int, optional
        Number of sweeps of a draw. Default: as in the last draw of the fit.
    random_seed : int, list of int, Generator or None, optional
        Seed of the new draws, together with the number of the next draw. Default: a new one at each
        call.
    compute_convergence_checks : bool, default True
        Check the convergence of all draws, old and new, and log what is wrong.
    quiet : bool, default False
        Show no progress bar and log nothing, except errors after the last draw.
    **kwargs
        Any other argument of `sample` (cores, progressbar, step, target_accept, callback, ...),
        except those that the fit determines: chains, initvals, keep, var_names, trace,
        idata_kwargs, discard_tuned_samples.

    Returns
    -------
    xarray.DataTree
        The fit with more draws: posterior and sample_stats have the old ones and the new ones.
        Chains keep their labels; new draws are numbered from the largest old number plus 1. Other
        groups are those of `idata`, without what was computed for each draw (log_likelihood,
        posterior_predictive, ...), which would lack the new draws.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument is out of range or one that the fit determines; if the fit lacks a variable;
        or if the model has other variables, labels or data than the fit.

    Examples
    --------
    >>> import blrzoo as blr
    >>> data = blr.simulate(n=50, p=5, n_causal=2, random_seed=1)
    >>> model = blr.spike_slab(data.X, data.y)
    >>> idata = blr.sample(model, draws=50, tune=50, chains=2, random_seed=1, quiet=True)
    >>> longer = blr.sample_more(idata, model, draws=30, random_seed=2, quiet=True)
    >>> longer.posterior.sizes["draw"], int(longer.posterior["draw"][-1])
    (80, 79)
    """
    model = check_model(model, ())
    find_spec(model)
    draws = Integer(1, default=1000).check("draws", draws)
    tune = NoneOr(Integer(0, advice="Leave it out for what the steps need.")).check("tune", tune)
    Seed().check("random_seed", random_seed)
    checks = Flag(default=True).check("compute_convergence_checks", compute_convergence_checks)
    quiet = Flag(default=False).check("quiet", quiet)
    _check_decided(kwargs)
    options = {"moves": moves, "thin": thin}
    check_options(options, kwargs)
    old = check_same_model(idata, model)
    idata = idata.copy()
    name_traits(idata, model)
    first = int(old["draw"].max()) + 1
    if thin is None and not any(kwargs.get(name) for name in OTHER_STEPS):
        options["thin"] = _sweeps(idata)
    new = draw(
        model,
        _to_record(old),
        "draws",
        options,
        draws=draws,
        tune=_tuning(model, kwargs) if tune is None else tune,
        chains=old.sizes["chain"],
        initvals=_last(old, model),
        random_seed=_new_stream(random_seed, first),
        quiet=quiet,
        **kwargs,
    )
    longer = _joined(idata, new, first)
    if checks and not quiet:
        log_convergence(longer)
    return longer


def _check_decided(kwargs: Mapping[str, object]) -> None:
    for name in _DECIDED:
        if name in kwargs:
            raise ValueError(
                f"{name} must be left out, got {kwargs[name]!r}: idata decides it. Make a new "
                f"fit with blrzoo.sample for another."
            )


def _tuning(model: pm.Model, kwargs: Mapping[str, object]) -> int:
    """Default number of draws to tune: 0 for Gibbs steps, which have nothing to tune."""
    gibbs = all(spec_of(rv) is not None for rv in model.free_RVs) and kwargs.get("step") is None
    return 0 if gibbs else 1000


def _sweeps(idata: xr.DataTree) -> int | None:
    """Number of sweeps of the last draw, None where another step made it."""
    sweeps = sample_stat(idata, "sweeps")
    return None if sweeps is None else int(sweeps.isel(chain=0, draw=-1))


def _new_stream(
    random_seed: int | Sequence[int] | np.random.Generator | None, first: int
) -> np.random.Generator:
    """A generator of numbers that no earlier part of the chains has used, also for one seed."""
    words = np.random.default_rng(random_seed).integers(2**32, size=4)
    return np.random.default_rng([*words.tolist(), first])


def _is_alias(posterior: xr.Dataset) -> bool:
    return "alpha" in posterior and posterior["alpha"].equals(posterior["beta"])


def _to_record(posterior: xr.Dataset) -> list[str]:
    """Variables to record again: all, except an ``alpha`` that is ``beta``."""
    alias = _is_alias(posterior)
    return [str(name) for name in posterior.data_vars if not (alias and name == "alpha")]


def _last(posterior: xr.Dataset, model: pm.Model) -> list[dict[str, np.ndarray]]:
    """The last draw of each chain."""
    # An alpha that was not recorded is taken from beta. That is exact: a sweep reads the effects
    # only as beta, and draws every alpha before anything else reads it.
    last = posterior.isel(draw=-1)
    names = {rv.name: rv.name if rv.name in posterior else "beta" for rv in model.free_RVs}
    return [
        {name: last[kept].values[k] for name, kept in names.items()}
        for k in range(posterior.sizes["chain"])
    ]


def _joined(idata: xr.DataTree, new: xr.DataTree, first: int) -> xr.DataTree:
    """Old and new draws in one tree, without groups that would lack the new draws."""
    longer = {}
    for name, group in idata.children.items():
        if name in ("posterior", "sample_stats"):
            longer[name] = _appended(group.to_dataset(), new[name].to_dataset(), first)
        elif "draw" not in group.dims or name.startswith(("prior", "warmup")):
            longer[name] = group.to_dataset()
    tree = xr.DataTree.from_dict(longer)
    tree.attrs = dict(idata.attrs)
    if _is_alias(idata["posterior"].to_dataset()):
        finish("the alias alpha", lambda: add_alias(tree))
    return tree


def _appended(old: xr.Dataset, new: xr.Dataset, first: int) -> xr.Dataset:
    """Old draws, then the new ones, joined by label in the order of the old ones."""
    old = old.assign_coords({dim: old[dim] for dim in ("chain", "draw")})  # numbers if unlabeled
    numbers = np.arange(first, first + new.sizes["draw"])
    new = new.assign_coords(draw=numbers, chain=old["chain"].values)
    both = [name for name in old.data_vars if name in new]
    parts = [old[both], new[both]]
    return xr.concat(parts, "draw", join="left", coords="minimal", compat="override")
