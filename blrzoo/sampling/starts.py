"""Starts of chains: effects drawn from their prior, or values that the user gives."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
from pytensor.graph.basic import Variable
from pytensor.tensor.variable import TensorVariable

from blrzoo.distributions.effects import EffectsRV
from blrzoo.evaluate import ONCE
from blrzoo.gibbs.spec import spec_of
from blrzoo.tables import LARGEST

__all__ = ["check_initvals", "dispersed"]

Start = dict[str, np.ndarray]

#: Words by which PyMC chooses a value.
_STRATEGIES = ("prior", "support_point")


def dispersed(
    model: pm.Model, chains: int, random_seed: int | Sequence[int] | np.random.Generator | None
) -> list[Start]:
    """Effects and labels at the start of each chain, drawn from their prior."""
    specs = {rv: spec_of(rv) for rv in model.free_RVs}
    block = [rv for rv, spec in specs.items() if spec and rv.name in spec.effects]
    if not block:
        return [{} for _ in range(chains)]
    rng = np.random.default_rng(random_seed)
    with np.errstate(all="ignore"):
        # One draw more, because pm.draw drops the dim of a single one.
        drawn = pm.draw(block, draws=chains + 1, random_seed=rng, mode=ONCE)
    names = [rv.name for rv in block]
    starts = [dict(zip(names, values, strict=True)) for values in zip(*drawn, strict=True)]
    return [start if _is_moderate(start) else {} for start in starts[:chains]]


def _is_moderate(start: Start) -> bool:
    """Whether squares are finite; effects from a prior with very heavy tails can be too large."""
    return all(bool((np.abs(value) <= LARGEST).all()) for value in start.values())


def check_initvals(model: pm.Model, initvals: object, chains: int) -> None:
    """Refuse starts with names, shapes or values that the model cannot have."""
    starts = [initvals] if isinstance(initvals, Mapping) or initvals is None else initvals
    if not isinstance(starts, list | tuple) or any(
        not isinstance(start, Mapping | None) for start in starts
    ):
        raise TypeError(
            f"initvals must be a dict of values by the names of variables, or a list with one "
            f"for each chain, got {initvals!r}. Pass for instance initvals={{'mu': 0.0}}."
        )
    if starts is initvals and len(starts) != chains:
        raise ValueError(
            f"initvals must have one dict for each of {chains} chains, got {len(starts)}. Pass "
            f"one dict to start all chains alike."
        )
    given = [dict(start) for start in starts if start]
    if not given:
        return
    shapes, point = model.eval_rv_shapes(), model.initial_point()
    for start in given:
        values = {
            key: value
            for key, value in start.items()
            if not isinstance(value, Variable | None) and not _is_strategy(value)
        }
        for key in start:
            _check_name(model, key, shapes)
        at = point | {_name(key): value for key, value in values.items() if _name(key) in point}
        for key, value in values.items():
            _check_value(model, key, value, shapes, at)


def _check_name(model: pm.Model, key: object, shapes: dict[str, tuple[int, ...]]) -> None:
    if _name(key) not in shapes or (isinstance(key, Variable) and key not in model.free_RVs):
        raise ValueError(
            f"initvals must be of free variables of the model, got {key!r}. Choose from "
            f"{[rv.name for rv in model.free_RVs]}."
        )


def _check_value(
    model: pm.Model,
    key: object,
    value: object,
    shapes: dict[str, tuple[int, ...]],
    point: Start,
) -> None:
    """Refuse wrong shapes and types, and values that are not finite or have density 0."""
    name = _name(key)
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(
            f"initvals of {name} must be numbers, got {value!r}. Pass an array."
        ) from None
    if array.shape != tuple(shapes[name]):
        raise ValueError(
            f"initvals of {name} must have shape {tuple(map(int, shapes[name]))}, got "
            f"{array.shape}. Pass one value for each element."
        )
    wrong = ~np.isfinite(array)
    if not wrong.any() and name in model.named_vars:
        wrong = wrong | _outside(model, model[name], array, point)
    if wrong.any():
        raise ValueError(
            f"initvals of {name} must be finite and values that it can have, got "
            f"{array[wrong].flat[0]:g}. Correct them, or leave {name} out"
            f"{_with_labels(model, name)}."
        )


def _with_labels(model: pm.Model, name: str) -> str:
    """Advice for effects that do not fit their labels."""
    labelled = name in model.named_vars and isinstance(model[name].owner.op, EffectsRV)
    return ", and start the labels with it: an excluded effect is 0" if labelled else ""


def _outside(model: pm.Model, rv: TensorVariable, array: np.ndarray, point: Start) -> np.ndarray:
    """Mask of values with density 0, or that the dtype of the variable changes (labels)."""
    values = array.astype(rv.dtype)
    if (values != array).any():
        return values != array
    (density,) = model.replace_rvs_by_values([pm.logp(rv, values)])
    with np.errstate(all="ignore"):
        found = model.compile_fn(
            density, inputs=model.value_vars, mode=ONCE, on_unused_input="ignore"
        )(point)
    # A vector or a matrix may have one density for all its elements.
    shape = found.shape + (1,) * (array.ndim - found.ndim)
    return np.broadcast_to(~np.isfinite(found).reshape(shape), array.shape)


def _is_strategy(value: object) -> bool:
    return isinstance(value, str) and value in _STRATEGIES


def _name(key: object) -> Any:
    return getattr(key, "name", key)
