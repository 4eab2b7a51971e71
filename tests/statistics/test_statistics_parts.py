"""What is constant in a part of the data need not be in all: parts are taken, models refused."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.statistics import check_statistics
from tests.statistics.agreement import same_sums

N, FIRST = 40, slice(12)
PARTS = (FIRST, slice(12, 25), slice(25, N))


def data(several: bool = False) -> dict[str, Any]:
    """Data of which much is constant in the first part, or follows from something else in it."""
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(N, 4)) + 3.0, columns=list("abcd"))
    W = pd.DataFrame(rng.normal(size=(N, 3)), columns=["age", "sex", "sum"])
    y = pd.Series(X["a"] + rng.normal(size=N))
    X.loc[: FIRST.stop - 1, "b"] = 0.1
    W.loc[: FIRST.stop - 1, "sex"] = 0.3
    W.loc[: FIRST.stop - 1, "sum"] = 2 * W["age"]
    y[: FIRST.stop] = 0.1
    Y = pd.DataFrame({"p": X["a"] + rng.normal(size=N), "q": y})
    return {"X": X, "y": Y if several else y, "covariates": W, "weights": rng.uniform(0.5, 2, N)}


def of_rows(given: dict[str, Any], rows: slice) -> xr.Dataset:
    return blr.sufficient_statistics(**{name: table[rows] for name, table in given.items()})


@pytest.mark.parametrize("several", [False, True])
def test_parts_with_constants_are_merged_exactly(several: bool) -> None:
    given = data(several)
    parts = [of_rows(given, rows) for rows in PARTS]
    for part in parts:
        check_statistics(part)
    merged = blr.merge_statistics(parts)
    same_sums(merged, blr.sufficient_statistics(**given), rtol=1e-12)
    factory = blr.multivariate if several else blr.spike_slab
    assert "Xy" in factory(merged).named_vars


def test_all_features_may_be_constant_in_a_part_and_covariates_many() -> None:
    given = data()
    given["X"] = given["X"][["b"]]
    first, *others = (of_rows(given, rows) for rows in (slice(3), slice(3, N)))
    same_sums(
        blr.merge_statistics([first, *others]), blr.sufficient_statistics(**given), rtol=1e-12
    )


def test_a_covariate_can_say_which_part() -> None:
    """An intercept for each part: the same as of all rows at once."""
    given = data()
    given["X"] = given["X"].drop(columns="b")
    given["covariates"] = pd.DataFrame({"second": np.repeat([0.0, 1.0], [20, 20])})
    merged = blr.merge_statistics(of_rows(given, rows) for rows in (slice(20), slice(20, N)))
    whole = blr.sufficient_statistics(**given)
    same_sums(merged, whole, rtol=1e-12)
    assert np.isfinite(blr.spike_slab(merged).point_logps().popitem()[1])


def of_first(given: dict[str, Any], **changes: Any) -> xr.Dataset:
    """Statistics of the first part, with changes of what is constant in it."""
    return of_rows(given | changes, FIRST)


REFUSED: dict[str, tuple[Any, str]] = {
    "y": (
        lambda d: of_first(d, covariates=d["covariates"][["age"]]),
        r"^X must be statistics of a y that varies .*; got 12 times the value 0\.1\. Merge them",
    ),
    "trait": (
        lambda d: of_first(data(several=True), covariates=d["covariates"][["age"]]),
        r"value 0\.1 in trait \['q'\]\. Merge .*, or drop the trait",
    ),
    "features": (
        lambda d: of_first(d, y=d["X"]["a"], X=d["X"][["b"]], covariates=d["covariates"][["age"]]),
        r"^X must have a feature that varies .*; got 1 constant column",
    ),
    "covariate": (
        lambda d: of_first(d, y=d["X"]["a"]),
        r"^X must be statistics of covariates that vary .*; got constant \['sex'\]\. Merge them "
        r".*: statistics\.drop_sel\(covariate=\['sex'\], covariate_bis=\['sex'\]\)\.",
    ),
    "only covariate": (
        lambda d: of_first(d, y=d["X"]["a"], covariates=d["covariates"][["sex"]]),
        r"statistics\.drop_dims\(\['covariate', 'covariate_bis'\]\)",
    ),
    "collinear": (
        lambda d: of_first(d, y=d["X"]["a"], covariates=d["covariates"][["age", "sum"]]),
        r"^X must be statistics of covariates that are linearly independent .* before: \['sum'\]",
    ),
    "many covariates": (
        lambda d: blr.sufficient_statistics(
            **{name: one[14:18] for name, one in d.items()}
        ),
        r"^X must be statistics of fewer covariates .* got k = 3 covariates and n = 4 observation",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_no_model_is_made_of_statistics_in_which_nothing_varies(what: str) -> None:
    make, match = REFUSED[what]
    statistics = make(data())
    with pytest.raises(ValueError, match=match):
        blr.regression(statistics, prior=_prior(statistics))


@pytest.mark.parametrize("what", ["covariate", "only covariate", "collinear"])
def test_the_remedy_is_one(what: str) -> None:
    statistics = REFUSED[what][0](data())
    with pytest.raises(ValueError, match=r"statistics\.drop") as error:
        blr.spike_slab(statistics)
    remedy = str(error.value).split("these out: ")[1].removesuffix(".")
    without = eval(remedy, {"statistics": statistics}).drop_sel(feature=["b"], feature_bis=["b"])
    if what == "covariate":  # sum follows from age in this part
        without = without.drop_sel(covariate=["sum"], covariate_bis=["sum"])
    assert "beta" in blr.spike_slab(without).named_vars


def _prior(statistics: xr.Dataset) -> blr.priors.Prior:
    return blr.priors.Multivariate() if "trait" in statistics.dims else blr.priors.SpikeSlab()


def test_models_warn_of_constant_features_and_dependent_traits() -> None:
    given = data(several=True)
    traits = given["X"][["a", "c"]].assign(sum=lambda columns: columns.sum(axis=1))
    first = of_first(given, y=traits, covariates=given["covariates"][["age"]])
    with (
        pytest.warns(UserWarning, match=r"^X has 1 constant feature\(s\), \['b'\]"),
        pytest.warns(UserWarning, match=r"^Y has 1 trait\(s\) that are copies .* \['sum'\]"),
    ):
        blr.multivariate(first)


def test_of_rows_the_model_refuses_as_ever() -> None:
    """design="gram" is of all the data: messages are those of X and y."""
    X, y, W, _ = data().values()
    with pytest.raises(ValueError, match=r"^y must vary between observations"):
        blr.spike_slab(X, y * 0, design="gram")
    with pytest.raises(ValueError, match=r"^covariates must vary between observations"):
        blr.spike_slab(X, y, covariates=W.assign(sex=0), design="gram")
    with pytest.warns(UserWarning, match=r"^X has 1 constant feature\(s\), \['b'\]"):
        blr.spike_slab(X.assign(b=1.0), y, design="gram")


@pytest.mark.filterwarnings("ignore:X has 1 constant feature:UserWarning")
def test_a_constant_feature_has_no_scale() -> None:
    """Its deviations are rounding errors, which standardize must not blow up."""
    given = data()
    given["X"]["b"] = 0.1
    model = blr.spike_slab(blr.sufficient_statistics(**given), standardize=True)
    assert model["X_scale"].data[1] == 1.0
