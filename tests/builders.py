"""What many tests make: an InferenceData of arrays, indicators, effects, data, a short chain."""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

import blrzoo as blr

DRAWS = ("chain", "draw")
FEATURES = ("feature", "trait")
#: Dims of variables, those of draws after chain and draw; the first ones of an array with fewer.
DIMS = {
    **dict.fromkeys(("beta", "delta", "label"), FEATURES),
    **dict.fromkeys(("mu", "genetic_variance"), ("trait",)),
    **dict.fromkeys(("Sigma_b", "Sigma_e"), ("trait", "trait_bis")),
    "X": ("obs", "feature"),
    "W": ("obs", "covariate"),
    "y": ("obs", "trait"),
    "weights": ("obs",),
    "group_index": ("feature",),
    "patterns": ("pattern", "trait"),
}
DATA = ("constant_data", "observed_data")

#: Matrices that are no covariances, by what is wrong.
NOT_COVARIANCES = {
    "negative": [[1.0, 2.0], [2.0, 1.0]],
    "singular": [[1.0, 1.0], [1.0, 1.0]],
    "asymmetric": [[2.0, 0.1], [0.2, 2.0]],
    "nan": [[1.0, np.nan], [np.nan, 1.0]],
    "infinite": [[np.inf, 0.0], [0.0, 1.0]],
    "zero": [[0.0, 0.0], [0.0, 1.0]],
}


def tree(
    X: Any = None,
    data: Mapping[str, Any] | None = None,
    dims: Mapping[str, Any] | None = None,
    coords: Mapping[str, Any] | None = None,
    *,
    sample_stats: Mapping[str, Any] | None = None,
    groups: Mapping[str, Mapping[str, Any]] | None = None,
    **posterior: Any,
) -> xr.DataTree:
    """An InferenceData of arrays; those of draws are (chain, draw, ...).

    Dims follow from the name, or are `dims`; labels are `coords`, or a, b, c, ... of up to 26
    features, t1, t2, ... of traits, and numbers. `data` and `X` are constant_data, `groups` others.
    """
    constant = dict(data or {}) | ({} if X is None else {"X": X})
    arrays = {"posterior": posterior, "sample_stats": sample_stats, "constant_data": constant}
    made = {
        name: _dataset(values, () if name in DATA else DRAWS, DIMS | dict(dims or {}))
        for name, values in (arrays | dict(groups or {})).items()
        if values
    }
    return xr.DataTree.from_dict({k: _labelled(v, dict(coords or {})) for k, v in made.items()})


def _dataset(values: Mapping[str, Any], steps: tuple[str, ...], known: Mapping) -> xr.Dataset:
    """Give each array its dims."""
    variables = {}
    for name, value in values.items():
        own = [*steps, *known.get(name, ())]
        own += [f"{name}_dim_{i}" for i in range(np.ndim(value) - len(own))]
        array = value if isinstance(value, xr.DataArray) else (own[: np.ndim(value)], value)
        variables[name] = array
    return xr.Dataset(variables)


def _labelled(data: xr.Dataset, coords: dict[str, Any]) -> xr.Dataset:
    """Label the dims that have no labels yet."""
    coords = {"trait_bis": coords["trait"]} | coords if "trait" in coords else coords
    return data.assign_coords(
        {
            dim: coords.get(dim, _labels(str(dim), size))
            for dim, size in data.sizes.items()
            if dim not in data.coords
        }
    )


def _labels(dim: str, size: int) -> Sequence[Any]:
    """Labels where a test gives none."""
    if dim == "feature" and size <= len(ascii_lowercase):
        return list(ascii_lowercase[:size])
    return [f"t{i + 1}" for i in range(size)] if dim in ("trait", "trait_bis") else range(size)


def indicators(seed: int, *shape: int, probability: Any = 0.3) -> np.ndarray:
    """Independent indicators (chain, draw, feature[, trait])."""
    return (np.random.default_rng(seed).random(shape) < probability).astype(np.int8)


def independent_fit(
    probability: Any,
    features: Any = None,
    traits: Any = None,
    chains: int = 4,
    draws: int = 200,
    seed: int = 1,
) -> xr.DataTree:
    """Independent indicators with probability (feature[, trait]); features are numbers or named."""
    shape = np.shape(probability)
    delta = indicators(seed, chains, draws, *shape, probability=probability)
    coords = {"feature": np.arange(shape[0]) if features is None else features}
    return tree(delta=delta, coords=coords | ({} if traits is None else {"trait": traits}))


def random_fit(
    p: int = 10,
    traits: Any = None,
    draws: int = 50,
    seed: int = 1,
    share: float = 1.0,
    drop: Sequence[str] = (),
    **parts: Any,
) -> xr.DataTree:
    """Effects of snp0, snp1, ... with PIPs between 0 and `share`; without what is in `drop`."""
    rng = np.random.default_rng(seed)
    of = (p,) if traits is None else (p, len(traits))
    delta = (rng.random((2, draws, *of)) < share * rng.random(of)).astype(int)
    beta = delta * rng.normal(rng.normal(size=of), 0.1, size=delta.shape)
    coords = {"feature": [f"snp{j}" for j in range(p)]}
    coords |= ({} if traits is None else {"trait": list(traits)}) | parts.pop("coords", {})
    made = {k: v for k, v in {"beta": beta, "delta": delta}.items() if k not in drop}
    return tree(coords=coords, **made, **parts)


def covariances(*shape: int, seed: int = 1) -> np.ndarray:
    """Random covariance matrices, well conditioned, exactly symmetric."""
    half = np.random.default_rng(seed).normal(size=(*shape[:-1], shape[-1] + 3))
    found = half @ np.swapaxes(half, -1, -2)
    return (found + np.swapaxes(found, -1, -2)) / 2


def make_data(
    n: int = 40,
    p: int = 6,
    correlation: float = 0.0,
    effects: Sequence[float] = (1.5, 0.3, -0.5),
    mu: float = 1.0,
    seed: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """X, of features whose correlation falls with their distance, and y with residuals N(0, 1)."""
    rng = np.random.default_rng(seed)
    between = correlation ** np.abs(np.subtract.outer(np.arange(p), np.arange(p)))
    X = rng.normal(size=(n, p)) @ np.linalg.cholesky(between).T
    beta = np.r_[effects, np.zeros(p)][:p]
    return X, mu + X @ beta + rng.normal(size=n)


def genotypes(n: int = 40, p: int = 6, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Codes 0, 1 and 2, and a trait that two features affect."""
    rng = np.random.default_rng(seed)
    G = rng.integers(0, 3, (n, p)).astype(np.int8)
    return G, G[:, 0] - 0.5 * G[:, 1] + rng.normal(size=n)


def exact_design(correlation: Any, n: int = 40) -> np.ndarray:
    """X (obs, feature) whose sample correlations are exactly these."""
    p = len(correlation)
    raw = np.random.default_rng(0).normal(size=(n, p))
    white, _ = np.linalg.qr(raw - raw.mean(axis=0))
    return white @ np.linalg.cholesky(np.asarray(correlation) + 1e-12 * np.eye(p)).T


def last_draw(
    model: pm.Model,
    step: blr.BLRGibbs | None = None,
    draws: int = 12,
    seed: int = 1,
    **options: Any,
) -> dict[str, np.ndarray]:
    """The last point of a short chain of a model's step."""
    step = blr.BLRGibbs(model=model, **options) if step is None else step
    step.setup_chain(np.random.default_rng(seed), 0, draws)
    point = model.initial_point()
    for _ in range(draws):
        point, _ = step.step(point)
    return point


def assert_same(one: Mapping, other: Mapping, atol: float = 0.0) -> None:
    """Two points are equal, or nearly so."""
    assert one.keys() == other.keys()
    for name, value in one.items():
        np.testing.assert_allclose(other[name], value, rtol=0.0, atol=atol, err_msg=name)
