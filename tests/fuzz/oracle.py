"""Checks of an outcome: correctly labeled and finite, or an error of blrzoo."""

import re
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from pytensor.graph.basic import Constant

import blrzoo as blr
from blrzoo.description import describe_priors
from tests.fuzz.tables import Given

HOME = str(Path(blr.__file__).parent)
REFUSED = object()
#: Warnings of ArviZ about few draws, as here.
FEW_DRAWS = ("Estimated shape parameter of Pareto", "Found chain dimension to be longer than draw")
#: Dims whose labels an outcome takes over from the posterior.
OF_A_FIT = {"feature", "trait", "trait_bis", "component", "slab"}


def attempt(call: Callable[..., Any], arguments: Mapping[str, Any], names: Iterable[str]) -> Any:
    """Call, and return the outcome, or REFUSED for an error of blrzoo that names an argument."""
    plain = {k: v.value if isinstance(v, Given) else v for k, v in arguments.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # but those of blrzoo, which point to the caller
            warnings.filterwarnings("ignore", category=UserWarning, module=r"tests\.fuzz")
            for words in FEW_DRAWS:
                warnings.filterwarnings("ignore", words, UserWarning)
            return call(**plain)
    except Exception as error:
        fault = _fault(error, names)
        if fault is None:
            return REFUSED
        raise AssertionError(f"{fault}: {type(error).__name__}: {error}") from error


def _fault(error: Exception, names: Iterable[str]) -> str | None:
    """What is wrong with an error; None if nothing is."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    if type(error) not in (ValueError, TypeError) or not last.filename.startswith(HOME):
        return f"an error that is not ours, from {last.filename}:{last.lineno}"
    if not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", str(error)) for name in names):
        return f"an error that names none of {sorted(names)}"
    return None


def same_labels(got: Iterable, wanted: Iterable) -> bool:
    """Whether labels are the same, in the same order; NaN is NaN."""
    return _index(got).equals(_index(wanted))


def _index(labels: Iterable) -> pd.Index:
    return pd.Index(list(labels), dtype=object, tupleize_cols=False)


def check_model(model: pm.Model, arguments: Mapping[str, Any]) -> None:
    """Effects are labeled as the data, the model has the given data, and all numbers are finite."""
    traits = ("trait",) if "trait" in model.coords else ()
    assert model.named_vars_to_dims["beta"] == ("feature", *traits)
    assert {"beta", "alpha"} & {rv.name for rv in model.free_RVs}
    assert model["y"] in model.observed_RVs
    if "X" in arguments and "obs_missing" not in model.coords:
        _check_rows(model, arguments)
    for text in describe_priors(model):
        assert not re.search(r"\b(nan|inf)\b", text), text
    for variable in model.deterministics:
        inner = variable.owner.inputs[0]
        if isinstance(inner, Constant):
            assert np.isfinite(inner.data).all(), variable.name


def _check_rows(model: pm.Model, arguments: Mapping[str, Any]) -> None:
    """X and y in the model are as given, joined by label."""
    X = arguments["X"]
    values = model["X"].data
    columns = range(values.shape[1]) if X.columns is None else X.columns
    assert same_labels(model.coords["feature"], columns)
    tables = [X, *(arguments[name] for name in ("y", "Y") if name in arguments)]
    others = [arguments.get(name) for name in ("covariates", "weights")]
    labels = [t.rows for t in [*tables, *others] if isinstance(t, Given) and t.rows is not None]
    rows = labels[0] if labels else range(len(values))
    assert same_labels(model.coords["obs"], rows)
    observed = model.rvs_to_values[model["y"]]
    for table, got in zip(tables, (values, np.asarray(observed.eval())), strict=True):
        if table.numbers is None:  # text, which a container has converted to numbers
            continue
        order = slice(None)
        if table.rows is not None and _index(rows).is_unique:
            order = [_index(table.rows).get_loc(label) for label in _index(rows)]
        wanted = table.numbers[order]
        np.testing.assert_array_equal(got.reshape(wanted.shape), wanted)


def check_table(
    outcome: xr.Dataset | xr.DataArray,
    dims: Mapping[str, tuple[str, ...]],
    fit: xr.DataTree | None,
    may_be_nan: Iterable[str] = (),
) -> None:
    """Variables have the declared dims, coordinates are those of the fit, numbers are finite."""
    one = isinstance(outcome, xr.DataArray)
    variables = {"": outcome} if one else dict(outcome.data_vars)
    assert set(variables) <= set(dims), set(variables) - set(dims)
    for name, array in variables.items():
        assert array.dims == dims[name], (name, array.dims)
        if array.dtype.kind in "fc" and name not in may_be_nan:
            assert np.isfinite(array.values).all(), (name, array.values)
    known = {} if fit is None else fit["posterior"].coords
    for dim in {"chain", "draw"} & set(outcome.dims) & set(known):
        assert outcome.sizes[dim] == known[dim].size, dim
    for dim in OF_A_FIT & set(outcome.dims) & set(known):
        assert sorted(map(str, outcome[dim].values)) == sorted(map(str, known[dim].values)), dim
