"""Hyperparameters with labels: joined to the coordinates of the model, whatever their order."""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

import blrzoo as blr

RNG = np.random.default_rng(5)
X = pd.DataFrame(RNG.normal(size=(12, 4)), columns=list("wxyz"))
W = pd.DataFrame(RNG.normal(size=(12, 2)), columns=["age", "sex"])
Y = pd.DataFrame(RNG.normal(size=(12, 2)), columns=["t1", "t2"])
y = Y["t1"]
GROUPS = ["b", "b", "a", "a"]  # in the order of the first feature: b, a
NOTES = pd.DataFrame(RNG.normal(size=(4, 2)), index=X.columns, columns=["coding", "score"])
TRAITS, RESIDUAL = ["t1", "t2"], {"residual": "diagonal"}


def regress(prior: blr.priors.Prior, response: Any = y, **options: Any) -> pm.Model:
    return blr.regression(X, response, prior=prior, **options)


#: Make a model from a value; the variable that has it; the labels of its dims, in the right order.
PLACES: dict[str, tuple[Any, str, list[list[Any]]]] = {
    "tau2-groups": (lambda v: blr.hierarchical(X, y, GROUPS, tau2=v), "tau2", [["b", "a"]]),
    "tau2-slabs": (
        lambda v: blr.multiple_component(X, y, n_components=3, tau2=v),
        "tau2_slab",
        [[1, 2]],
    ),
    "tau2-groups-slabs": (
        lambda v: blr.hierarchical(X, y, GROUPS, n_components=4, tau2=v),
        "tau2_slab",
        [["b", "a"], [1, 2, 3]],
    ),
    "tau2-common": (
        lambda v: blr.hierarchical(X, y, GROUPS, n_components=3, ratios=(0.1, 1), tau2=v),
        "tau2_common",
        [["b", "a"]],
    ),
    "tau2-traits": (
        lambda v: blr.multivariate(X, Y, form="diagonal", tau2=v),
        "tau2",
        [TRAITS],
    ),
    "tau2-groups-traits": (
        lambda v: blr.hierarchical_multivariate(X, Y, GROUPS, form="diagonal", tau2=v),
        "tau2",
        [["b", "a"], TRAITS],
    ),
    "gamma": (
        lambda v: blr.single_component(X, y, covariates=W, gamma=v),
        "gamma",
        [["age", "sex"]],
    ),
    "gamma-traits": (
        lambda v: blr.multivariate(X, Y, covariates=W, gamma=v),
        "gamma",
        [["age", "sex"], TRAITS],
    ),
    "mu": (lambda v: blr.multivariate(X, Y, mu=v), "mu", [TRAITS]),
    "sigma2": (lambda v: blr.multivariate(X, Y, sigma2=v, **RESIDUAL), "sigma2", [TRAITS]),
    "eta-variance": (
        lambda v: regress(blr.priors.AnnotatedVariance(NOTES, eta=v)),
        "eta",
        [["coding", "score"]],
    ),
    "eta-inclusion": (
        lambda v: regress(blr.priors.AnnotatedInclusion(NOTES, eta=v)),
        "eta",
        [["coding", "score"]],
    ),
    "pi-groups": (lambda v: blr.spike_slab(X, y, groups=GROUPS, pi=v), "pi", [["b", "a"]]),
    "pi-traits": (lambda v: blr.multivariate_spike_slab(X, Y, pi=v), "pi", [TRAITS]),
    "pi-components": (
        lambda v: blr.multiple_component(X, y, n_components=3, pi=v),
        "pi",
        [[0, 1, 2]],
    ),
    "pi-slabs": (
        lambda v: blr.multiple_component(X, y, n_components=3, null=False, pi=v),
        "pi_slab",
        [[1, 2, 3]],
    ),
    "pi-groups-components": (
        lambda v: blr.hierarchical(X, y, GROUPS, n_components=3, pi=v),
        "pi",
        [["b", "a"], [0, 1, 2]],
    ),
    "pi-patterns": (
        lambda v: blr.multivariate_spike_slab(X, Y, patterns="all", pi=v),
        "pi",
        [["00", "10", "01", "11"]],
    ),
    "pi-kinds": (
        lambda v: blr.hierarchical_multivariate(X, Y, GROUPS, components=["equal", "each"], pi=v),
        "pi",
        [["b", "a"], ["null", "equal", "t1 only", "t2 only"]],
    ),
}
DIMS = {1: ["first"], 2: ["group", "second"]}


def numbers(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers that are all different; of pi probabilities, over the last dim where that sums up."""
    values = np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape) / (7.0 + np.prod(shape))
    sums = name.startswith("pi") and name not in ("pi-groups", "pi-traits")
    return values / values.sum(axis=-1, keepdims=True) if sums else values


def shuffled(values: np.ndarray, labels: list[list[Any]], kind: str) -> Any:
    """The numbers with their labels, every dim reversed."""
    table = xr.DataArray(values, coords=[(f"dim{i}", found) for i, found in enumerate(labels)])
    table = table[(slice(None, None, -1),) * table.ndim]
    return table if kind == "xarray" else table.to_pandas()


def constants(model: pm.Model, name: str) -> np.ndarray:
    return model[name].eval(mode="FAST_COMPILE")


@pytest.mark.parametrize("kind", ["pandas", "xarray"])
@pytest.mark.parametrize("id", PLACES)
def test_fixed_numbers_are_joined_by_label(id: str, kind: str) -> None:
    make, name, labels = PLACES[id]
    values = numbers(id, tuple(map(len, labels)))
    model = make(shuffled(values, labels, kind))
    np.testing.assert_array_equal(constants(model, name), values)
    dims = model.named_vars_to_dims[name]
    assert [list(model.coords[dim]) for dim in dims] == labels


def parameters(model: pm.Model, name: str) -> list[np.ndarray]:
    node = model[name].owner
    return [part.eval(mode="FAST_COMPILE") for part in node.op.dist_params(node)]


@pytest.mark.parametrize("id", [id for id in PLACES if not id.startswith("tau2-common")])
def test_the_parameters_of_a_prior_are_joined_by_label(id: str) -> None:
    """The model is that of the same numbers, given in the right order without labels."""
    make, name, labels = PLACES[id]
    values = numbers(id, tuple(map(len, labels)))
    given = (values,) if id.startswith("pi") and np.allclose(values.sum(-1), 1) else (2.0, values)
    same = make(given)
    model = make((*given[:-1], shuffled(values, labels, "pandas")))
    for found, expected in zip(parameters(model, name), parameters(same, name), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("id", PLACES)
def test_labels_that_are_foreign_missing_or_repeated_are_refused(id: str) -> None:
    make, _, labels = PLACES[id]
    values = numbers(id, tuple(map(len, labels)))
    *others, last = labels
    for wrong, pattern in (
        ([*last[:-1], "foreign"], rf"got \[.*: missing \[{last[-1]!r}\], unknown \['foreign'\]"),
        ([*last[:-1], last[0]], rf"got \[.*: missing \[{last[-1]!r}\], repeated \[{last[0]!r}\]"),
    ):
        found = [np.array(part, dtype=object) for part in (*others, wrong)]
        given = xr.DataArray(values, coords=[(f"dim{i}", part) for i, part in enumerate(found)])
        rule = f"^{id.split('-')[0]} must have the labels .*{pattern}"
        with pytest.raises(ValueError, match=rule):
            make(given)


def test_a_label_too_many_or_too_few_is_refused() -> None:
    make, _, _ = PLACES["tau2-groups"]
    with pytest.raises(ValueError, match=r"^tau2 must have .*unknown \['c'\].*tau2\.to_numpy\(\)"):
        make(pd.Series({"a": 1.0, "b": 2.0, "c": 3.0}))
    with pytest.raises(ValueError, match=r"missing \['b'\]"):
        make(pd.Series({"a": 1.0}))


@pytest.mark.parametrize(
    "given",
    [pd.Series([1.0, 2.0]), xr.DataArray([1.0, 2.0], dims="group"), [1.0, 2.0]],
    ids=["default index", "no coordinate", "list"],
)
def test_what_has_no_labels_goes_by_position(given: Any) -> None:
    model = PLACES["tau2-groups"][0](given)
    np.testing.assert_array_equal(constants(model, "tau2"), [1.0, 2.0])


def test_a_reversed_default_index_is_labels() -> None:
    """It numbers the values, so a join by position would be another answer than by label."""
    with pytest.raises(ValueError, match=r"must have the labels .*\['b', 'a'\].*got \[1, 0\]"):
        PLACES["tau2-groups"][0](pd.Series([1.0, 2.0])[::-1])
    slabs = pd.Series([3.0, 2.0, 1.0])
    slabs.index = pd.RangeIndex(3, 0, -1)
    model = PLACES["tau2-groups-slabs"][0](slabs)
    np.testing.assert_array_equal(constants(model, "tau2_slab"), [[1.0, 2.0, 3.0]] * 2)


def test_dims_of_a_dataarray_may_be_in_any_order() -> None:
    """With the names that they have in the model."""
    table = xr.DataArray(
        [[0.2, 0.3], [0.8, 0.7]], coords=[("component", [0, 1]), ("group", ["a", "b"])]
    )
    model = blr.hierarchical(X, y, GROUPS, n_components=2, pi=table)
    np.testing.assert_array_equal(constants(model, "pi"), [[0.3, 0.7], [0.2, 0.8]])


def test_ratios_are_joined_to_the_numbers_of_the_components() -> None:
    expected = np.array([0.01, 0.1, 1.0])
    for given in ({3: 1.0, 1: 0.01, 2: 0.1}, {3: 1.0, 0: 0.0, 1: 0.01, 2: 0.1}):
        prior = blr.priors.MultipleComponent(ratios=pd.Series(given))
        np.testing.assert_array_equal(prior.ratios, expected)
    with pytest.raises(
        ValueError, match=r"^ratios must have the numbers of the components, \[1, 2\].*'small'"
    ):
        blr.priors.MultipleComponent(ratios=pd.Series({"small": 0.1, "large": 1.0}))
    with pytest.raises(ValueError, match=r"^ratios must be 0 for component 0.*got 0\.1\. Number"):
        blr.priors.MultipleComponent(ratios=pd.Series({1: 1.0, 0: 0.1}))


def test_one_number_has_no_labels_to_join() -> None:
    with pytest.raises(ValueError, match=r"^mu must have shape \(\), got shape \(2,\)"):
        blr.single_component(X, y, mu=pd.Series({"t1": 1.0, "t2": 2.0}))
    model = blr.single_component(X, y, mu=xr.DataArray(3.0, coords={"trait": "t1"}))
    assert constants(model, "mu") == 3.0


def test_variances_of_traits_are_a_diagonal_joined_by_label() -> None:
    given = pd.Series({"t2": 100.0, "t1": 5.0})
    model = blr.multivariate(X, Y, Sigma_b=given, Sigma_e=(6, given))
    np.testing.assert_array_equal(constants(model, "Sigma_b"), np.diag([5.0, 100.0]))
    np.testing.assert_array_equal(parameters(model, "Sigma_e")[1], np.diag([5.0, 100.0]))
    with pytest.raises(ValueError, match=r"^Sigma_b must have the labels .*unknown \['q'\]"):
        blr.multivariate(X, Y, Sigma_b=pd.Series({"t2": 100.0, "q": 5.0}))


def test_degrees_of_freedom_by_group_are_joined_by_label() -> None:
    prior = (pd.Series({"a": 7.0, "b": 9.0}), 1.0)
    model = blr.hierarchical_multivariate(X, Y, GROUPS, Sigma_b=prior)
    np.testing.assert_array_equal(parameters(model, "Sigma_b")[0], [9.0, 7.0])


@pytest.mark.parametrize("axis", ["rows", "columns"])
def test_a_matrix_with_labels_on_one_side_is_refused(axis: str) -> None:
    """Only that side would be joined."""
    labels = {"index" if axis == "rows" else "columns": ["t2", "t1"]}
    given = pd.DataFrame([[4.0, 1.0], [1.0, 9.0]], **labels)
    for make in (
        lambda: blr.multivariate(X, Y, Sigma_b=given),
        lambda: blr.multivariate(X, Y, Sigma_e=(6, given)),
        lambda: blr.hierarchical_multivariate(X, Y, GROUPS, components=[given]),
    ):
        with pytest.raises(ValueError, match=f"labels of its rows and of its .* got {axis} with"):
            make()


def test_defaults_that_depend_on_pi_follow_its_labels() -> None:
    """E[pi] of each component, or trait, sets the scale of the effects."""
    by_trait = pd.Series({"t2": 0.1, "t1": 0.5})
    model = blr.multivariate_spike_slab(X, Y, pi=by_trait)
    same = blr.multivariate_spike_slab(X, Y, pi=[0.5, 0.1])
    np.testing.assert_array_equal(parameters(model, "Sigma_b")[1], parameters(same, "Sigma_b")[1])
    by_component = pd.Series({2: 0.1, 1: 0.2, 0: 0.7})
    model = blr.multiple_component(X, y, n_components=3, pi=by_component)
    same = blr.multiple_component(X, y, n_components=3, pi=[0.7, 0.2, 0.1])
    for found, expected in zip(
        parameters(model, "tau2_slab"), parameters(same, "tau2_slab"), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_a_pooled_scale_must_be_common_to_the_groups() -> None:
    with pytest.raises(ValueError, match=r"^tau2: S2 must be the same in all groups .*got \[1"):
        blr.hierarchical(X, y, GROUPS, tau2=(4, pd.Series({"a": 2.0, "b": 1.0})), pooled=True)
    with pytest.raises(ValueError, match=r"^tau2: S2 must have shape"):
        blr.hierarchical(X, y, GROUPS, tau2=(4, [1.0, 2.0, 3.0]), pooled=True)
    with pytest.raises(ValueError, match=r"^tau2: nu must be one number where S2 is pooled"):
        blr.hierarchical(X, y, GROUPS, tau2=(pd.Series({"a": 5.0, "b": 3.0}), 2.0), pooled=True)
    scales = pd.Series({2: 3.0, 1: 0.5})
    model = blr.hierarchical(X, y, GROUPS, n_components=3, tau2=(4, scales), pooled=True)
    _, inverse_rate = parameters(model, "S2")
    np.testing.assert_allclose(inverse_rate, [0.5, 3.0], rtol=1e-15)


def test_a_list_of_series_is_refused() -> None:
    """NumPy would drop their labels."""
    part = pd.Series({"t2": 1.0, "t1": 2.0})
    with pytest.raises(TypeError, match=r"^gamma must be a number"):
        blr.multivariate(X, Y, covariates=W, gamma=[part, part])
