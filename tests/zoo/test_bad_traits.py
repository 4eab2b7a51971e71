"""Bad input of the models for several traits: refused, and the message says what to do."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import blrzoo as blr
from tests.zoo.bad_traits import (
    EYE,
    GROUPS,
    ROWS,
    TRAITS,
    XF,
    YF,
    N,
    X,
    Y,
    frame,
    mixture,
    own,
    ridge,
    select,
)
from tests.zoo.refusals import message_of

ARGUMENT = (
    "Sigma_b|Sigma_e|Sigma_e and residual|tau2|sigma2|form|form and tau2|residual|patterns|pi|"
    "n_components|components|groups|Y|y|missing|weights|h2|mu|gamma|prior"
)


@pytest.mark.parametrize(("id", "call", "error", "pattern"), ROWS, ids=[row[0] for row in ROWS])
def test_refused_with_argument_rule_value_and_remedy(
    id: str, call: Callable[[], Any], error: type[Exception], pattern: str
) -> None:
    message = message_of(call, error, pattern, ARGUMENT)
    argument = id.split("-")[1]
    assert argument not in ARGUMENT.split("|") or re.match(rf"{argument}\b", message, re.I), message


# What looks odd and is right, so that the rules above refuse no more than they say


def constants(model: pm.Model, name: str) -> np.ndarray:
    return model[name].eval(mode="FAST_COMPILE")


SWAPPED = pd.DataFrame([[4.0, 1.0], [1.0, 9.0]], TRAITS[::-1], TRAITS[::-1])  # weight first
EXPECTED = np.array([[9.0, 1.0], [1.0, 4.0]])


@pytest.mark.parametrize("as_given", ["frame", "dataarray", "rows and columns in two orders"])
def test_a_covariance_with_labels_is_joined_by_them(as_given: str) -> None:
    given: Any = SWAPPED
    if as_given == "dataarray":
        given = xr.DataArray(SWAPPED, dims=("trait", "trait_bis"))
    if as_given.startswith("rows"):
        given = SWAPPED.loc[TRAITS]
    model = blr.multivariate(XF, YF, Sigma_b=given, Sigma_e=(5, given))
    np.testing.assert_array_equal(constants(model, "Sigma_b"), EXPECTED)
    np.testing.assert_array_equal(model["Sigma_e"].owner.inputs[-1].eval(), EXPECTED)


def test_the_posterior_mean_of_another_fit_is_a_covariance() -> None:
    """By labels: the other fit had the traits in another order, and the groups too."""
    draws = np.stack([EXPECTED, 2 * EXPECTED])
    mean = xr.DataArray(
        draws,
        dims=("group", "trait", "trait_bis"),
        coords={"group": ["b", "a"], "trait": TRAITS, "trait_bis": TRAITS},
    )
    Y = YF[TRAITS[::-1]]
    model = blr.hierarchical_multivariate(XF, Y, GROUPS, Sigma_b=mean)
    expected = np.stack([2 * SWAPPED, SWAPPED])
    np.testing.assert_array_equal(constants(model, "Sigma_b"), expected)


def test_patterns_and_components_with_labels_are_joined_by_them() -> None:
    patterns = pd.DataFrame([[0, 0], [1, 0], [1, 1]], columns=TRAITS[::-1])
    model = blr.multivariate_spike_slab(XF, YF, patterns=patterns)
    assert list(model.coords["pattern"]) == ["00", "01", "11"]
    model = blr.hierarchical_multivariate(XF, YF, GROUPS, components=[SWAPPED])
    np.testing.assert_array_equal(constants(model, "Sigma_b")[0, 1], EXPECTED)


@pytest.mark.parametrize(
    "given",
    [np.bool_([[0, 0], [1, 1]]), pd.DataFrame([[0, 0], [1, 1]]), ((0, 0), (1, 1))],
    ids=["bool", "frame without names", "tuples"],
)
def test_patterns_may_be_any_array(given: Any) -> None:
    assert list(blr.multivariate_spike_slab(XF, YF, patterns=given).coords["pattern"]) == [
        "00",
        "11",
    ]


def test_variances_and_numbers_stand_for_diagonal_matrices() -> None:
    for value, expected in ((2.0, 2 * EYE), ([1.0, 3.0], np.diag([1.0, 3.0]))):
        np.testing.assert_array_equal(constants(ridge(Sigma_b=value)(), "Sigma_b"), expected)


@pytest.mark.parametrize("components", [["equal"], ["learned"], ["each"], ("null", "equal"), None])
def test_the_null_is_there_whether_named_or_not(components: Any) -> None:
    given = {"n_components": 2} if components is None else {"components": components}
    model = mixture(**given)()
    assert next(iter(model.coords["component"])) in ("null", 0)
    assert len(model.coords["component"]) == (3 if components == ["each"] else 2)


def test_one_component_may_be_any_whole_number() -> None:
    assert "label" not in mixture(n_components=np.int64(1))().named_vars


def test_the_parameters_of_a_dirichlet_prior_may_be_one_array() -> None:
    given = np.array([4.0, 1.0, 1.0, 2.0])
    for make in (select(patterns="all", pi=(given,)), mixture(n_components=4, pi=(given,))):
        np.testing.assert_array_equal(make()["pi"].owner.inputs[-1].eval().reshape(-1, 4)[0], given)


def test_a_group_without_features_may_have_a_covariance() -> None:
    model = own(np.stack([EYE, 2 * EYE, 3 * EYE]), [0, 1, 1, 0])()
    logp = model.compile_logp(mode="FAST_COMPILE")(model.initial_point())
    assert np.isfinite(logp)


class FromData(blr.priors.MultivariatePrior):
    """A covariance that is data of the model, of a shape that PyTensor does not know."""

    def variables(self) -> dict:
        return {"matrix": pm.Data("matrix", 2 * EYE)}

    def covariance(self, v: dict) -> Any:
        return v["matrix"]


def test_shapes_that_are_not_known_are_accepted() -> None:
    model = blr.regression(X, Y, prior=FromData())
    assert model["matrix"].type.shape == (None, None)
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(model.initial_point()))


def test_traits_that_depend_on_each_other_are_warned_of() -> None:
    total = frame(total=Y.sum(axis=1), copy=Y[:, 0])
    with pytest.warns(UserWarning, match=r"Y has 2 trait\(s\) .*\['total', 'copy'\]: only the"):
        blr.multivariate(XF, total)
    frame_with_holes = total.where(np.arange(N)[:, None] != np.arange(4))
    with pytest.warns(UserWarning, match=r"\['total', 'copy'\]"):
        blr.multivariate(XF, frame_with_holes)
    blr.multivariate(X[:4], total[:4].to_numpy()[:, :3])  # so few rows are always dependent


@pytest.mark.parametrize(
    "given",
    [
        YF.iloc[::-1],
        YF.sample(frac=1, random_state=1),
        xr.DataArray(YF.iloc[::-1].T, dims=("trait", "obs")),
    ],
    ids=["reversed", "shuffled", "transposed"],
)
def test_rows_are_joined_by_label(given: Any) -> None:
    expected = blr.multivariate(XF, YF)
    model = blr.multivariate(XF, given)
    observed = [m.rvs_to_values[m["y"]].data for m in (model, expected)]
    np.testing.assert_array_equal(*observed)
    assert list(model.coords["trait"]) == TRAITS


@pytest.mark.parametrize(
    ("given", "trait"),
    [(YF["weight"], "weight"), (YF[["weight"]], "weight"), (Y[:, 1], 0), (Y[:, [1]], 0)],
    ids=["series", "frame", "vector", "matrix"],
)
def test_one_trait_is_a_matrix_with_one_column(given: Any, trait: Any) -> None:
    model = blr.multivariate_spike_slab(X, given)
    assert list(model.coords["trait"]) == [trait]
    assert model["Sigma_e"].type.shape == (1, 1)
