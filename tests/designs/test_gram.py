"""Models of sums over the observations: draw by draw the posterior of the observations."""

import gc
import weakref
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo import building
from blrzoo import model as models
from blrzoo.gibbs.spec import find_spec
from blrzoo.sources import read_source
from tests.builders import assert_same, last_draw
from tests.table import KINDS, PRIORS, TRAIT_NARROW, small_data

pytestmark = pytest.mark.engine

#: Rows of the table of priors whose data or options sums cannot hold, and why.
REFUSED = {
    "ridge-joint": "^update must be 'single-site' or 'auto' with the design 'gram'",
    "ridge-weights": "^update must be",
    "multivariate-joint": "^update must be",
    "ridge-not-centred": "^center must be left out with sufficient statistics",
    "weights-and-missing": "^missing must be left out",
    "traits-restrictive": "^missing must be left out",
    "multivariate-holes": "^y must be complete, .* would be sums over other rows",
    "traits-all": "^y must be complete",
}


def of_sums(X: Any, y: Any, **options: Any) -> Any:
    return read_source(X, y, **options | {"design": "gram"})


#: The last of some draws in NumPy: nothing is compiled.
sweeps = partial(last_draw, draws=4, compile_kwargs={"mode": "FAST_COMPILE"})


def row(name: str, monkeypatch: pytest.MonkeyPatch, sums: bool = True) -> Any:
    """The model of a row of the table, of sums or of rows, never drawn jointly by itself."""
    with monkeypatch.context() as patch:
        patch.setattr(building, "_JOINT_LIMIT", 0.0)
        if sums:
            patch.setattr(models, "read_source", of_sums)
        return PRIORS[name](*small_data(n=8))


@pytest.mark.parametrize("name", [name for name in KINDS if name not in REFUSED])
def test_sums_draw_as_rows_do(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of one trait and several."""
    model = row(name, monkeypatch)
    assert find_spec(model).main.design.name == "gram"
    assert_same(sweeps(row(name, monkeypatch, sums=False)), sweeps(model), atol=1e-9)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_sums_cannot_hold_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=REFUSED[name]):
        row(name, monkeypatch)


# Several traits

N, P = 40, 5
ARGUMENTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weights": {"weights": np.linspace(0.5, 3.0, N)},
    "covariates": {"covariates": np.cos(np.arange(2.0 * N)).reshape(N, 2)},
    "standardize": {"standardize": True},
}
ARGUMENTS["all"] = {name: value for given in ARGUMENTS.values() for name, value in given.items()}
FACTORIES: dict[str, Any] = {
    "ridge": lambda *data, **given: blr.multivariate(
        *data, Sigma_b=(8, 2.0), update="single-site", **TRAIT_NARROW, **given
    ),
    "diagonal": lambda *data, **given: blr.multivariate(
        *data, form="diagonal", residual="diagonal", update="single-site", **given
    ),
    "patterns": lambda *data, **given: blr.multivariate_spike_slab(
        *data, patterns="all", Sigma_b=(8, 2.0), **TRAIT_NARROW, **given
    ),
    "groups": lambda *data, **given: blr.hierarchical_multivariate(
        *data,
        groups=["a", "b"] * 2 + ["a"],
        n_components=3,
        Sigma_b=(8, 2.0),
        **TRAIT_NARROW,
        **given,
    ),
}


def traits(T: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(N, P)) * 3.0 ** np.arange(P), columns=list("abcde"))
    effects = rng.normal(size=(P, T)) / 3.0 ** np.arange(P)[:, None]
    return X, pd.DataFrame(X.values @ effects + rng.normal(size=(N, T))).add_prefix("t")


def statistics(data: tuple[Any, Any], standardize: bool = False, **given: Any) -> xr.Dataset:
    return blr.sufficient_statistics(*data, **given)


#: Each argument with one of the factories, and all together with each.
CASES = [("patterns", arguments) for arguments in ARGUMENTS if arguments != "all"]
CASES += [(factory, "all") for factory in FACTORIES]


@pytest.mark.filterwarnings("ignore:X has columns of different units:UserWarning")
@pytest.mark.parametrize(("factory", "arguments"), CASES)
@pytest.mark.slow
def test_statistics_of_traits_take_the_place_of_data(factory: str, arguments: str) -> None:
    make, given, data = FACTORIES[factory], ARGUMENTS[arguments], traits()
    options = {"standardize": given.get("standardize", False)}
    model = make(statistics(data, **given), None, **options)
    assert_same(sweeps(make(*data, **given)), sweeps(model), atol=1e-9)
    if arguments == "all":
        errors = blr.testing.check_conditionals(model, points=1, features=2, random_seed=1)
        assert max(errors.values()) < 1e-9


@pytest.mark.filterwarnings("ignore:X has columns of different units:UserWarning")
@pytest.mark.parametrize(
    ("arguments", "residual"), [("plain", "full"), ("all", "full"), ("all", "diagonal")]
)
def test_density_and_gradient_are_those_of_rows(arguments: str, residual: str) -> None:
    given = ARGUMENTS[arguments] | {"residual": residual}
    models_ = [
        blr.multivariate(*traits(), **given, update="single-site", **options)
        for options in ({}, {"design": "gram"})
    ]
    point = models_[0].initial_point()
    rng = np.random.default_rng(1)
    point = {name: value + 0.1 * rng.normal(size=value.shape) for name, value in point.items()}
    for what in ("compile_logp", "compile_dlogp"):
        one, other = (getattr(m, what)(mode="FAST_COMPILE")(point) for m in models_)
        np.testing.assert_allclose(other, one, rtol=1e-9, atol=1e-9)


@pytest.mark.filterwarnings("ignore:X has columns of different units:UserWarning")
def test_compiled_sweeps_of_traits_are_those_of_rows() -> None:
    models_ = [FACTORIES["patterns"](*traits(), **ARGUMENTS["all"], design=design)
               for design in ("dense", "gram")]  # fmt: skip
    assert_same(*map(last_draw, models_), atol=1e-9)


@pytest.mark.filterwarnings("ignore:X has columns of different units:UserWarning")
def test_indicators_of_many_traits_are_drawn_as_of_rows() -> None:
    """Seven traits: one by one."""
    scales = {"Sigma_b": (12, 2.0), "Sigma_e": (12, 4.0)}
    models_ = [blr.multivariate_spike_slab(*traits(7), **scales, design=design)
               for design in ("dense", "gram")]  # fmt: skip
    assert find_spec(models_[1]).main.prior.blocks == {"single-site": "indicators"}
    assert_same(*map(sweeps, models_), atol=1e-9)


def test_merged_parts_are_the_whole() -> None:
    X, Y = traits()
    parts = [blr.sufficient_statistics(X[rows], Y[rows]) for rows in (slice(9), slice(9, N))]
    parts[1] = parts[1].isel(dict.fromkeys(("feature", "feature_bis"), slice(None, None, -1)))
    make = FACTORIES["patterns"]
    whole, merged = make(*parts_of(X, Y)), make(blr.merge_statistics(parts), None)
    assert_same(sweeps(whole), sweeps(merged), atol=1e-9)


def parts_of(X: pd.DataFrame, Y: pd.DataFrame) -> tuple[xr.Dataset, None]:
    return blr.sufficient_statistics(X, Y), None


@pytest.mark.filterwarnings("ignore:X has columns of different units:UserWarning")
def test_one_trait_of_several_and_one_trait_as_several() -> None:
    X, Y = traits()
    both, one = blr.sufficient_statistics(X, Y), blr.sufficient_statistics(X, Y["t1"])
    with pytest.raises(ValueError, match=r"^X must be statistics of one trait .*sel\(trait='t0'"):
        blr.spike_slab(both)
    chosen = both.sel(trait="t1", trait_bis="t1")
    assert_same(sweeps(blr.spike_slab(chosen)), sweeps(blr.spike_slab(one)), atol=1e-9)
    models_ = [
        blr.multivariate(X, Y[["t1"]], update="single-site"),
        blr.multivariate(X, Y[["t1"]], design="gram"),
        blr.multivariate(chosen),
        blr.multivariate(one),
    ]
    assert [list(model.coords["trait"]) for model in models_] == [["t1"]] * 3 + [[0]]
    first, *others = map(sweeps, models_)
    for other in others:
        assert_same(first, other, atol=1e-9)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"Y": np.ones((N, 2))}, r"^Y must be left out with sufficient statistics"),
        ({"weights": np.ones(N)}, r"^weights must be left out"),
        ({"missing": "predict"}, r"^missing must be left out"),
        ({"center": False}, r"^center must be left out"),
        (
            {"design": "sparse"},
            r"^design must be 'auto' or 'gram', got 'sparse' of type str\. Suffic.* hold no",
        ),
        ({"update": "joint"}, r"^update must be 'single-site' or 'auto' with the design 'gram'"),
        ({"gamma": 0.0}, r"^gamma must be left out where there are no covariates"),
    ],
)
def test_what_statistics_have_already_is_refused(given: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        blr.multivariate(statistics(traits()), **given)


def test_traits_with_holes_are_refused_with_the_reason() -> None:
    X, Y = traits()
    Y.loc[3, "t1"] = np.nan
    match = r"^y must be complete, .*\['t1'\], whose products with X would be sums over other rows"
    with pytest.raises(ValueError, match=match):
        blr.multivariate(X, Y, design="gram")


@pytest.mark.parametrize("design", ["dense", "gram"])
def test_parameters_are_joined_to_traits_and_covariates_by_label(design: str) -> None:
    """Also those of the likelihood, which is made again with the data."""
    X, Y = traits()
    W = pd.DataFrame(ARGUMENTS["covariates"]["covariates"], columns=["age", "sex"])
    Sigma_e = pd.DataFrame([[9.0, 1.0], [1.0, 4.0]], ["t1", "t0"], ["t1", "t0"])
    gamma = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], ["sex", "age"], ["t1", "t0"])
    fixed = {"Sigma_e": Sigma_e, "gamma": gamma, "mu": pd.Series({"t1": 1.0, "t0": 2.0})}
    X = X / 3.0 ** np.arange(P)
    model = blr.multivariate(X, Y, covariates=W, design=design, **fixed)
    found = {name: model[name].eval(mode="FAST_COMPILE").tolist() for name in fixed}
    assert found == {
        "Sigma_e": [[4.0, 1.0], [1.0, 9.0]],
        "gamma": [[4.0, 3.0], [2.0, 1.0]],
        "mu": [2.0, 1.0],
    }


def test_groups_are_asked_for() -> None:
    with pytest.raises(TypeError, match=r"^hierarchical_multivariate\(\) needs groups"):
        blr.hierarchical_multivariate(statistics(traits()))


@pytest.mark.parametrize("T", [1, 2])
def test_cross_products_are_forgotten_with_the_model(T: int) -> None:
    X, Y = traits(T)
    model = blr.multivariate(X / 3.0 ** np.arange(P), Y, design="gram")
    model.compile_logp(mode="FAST_COMPILE")
    kept = weakref.ref(find_spec(model).main.design)
    del model
    gc.collect()
    assert kept() is None
