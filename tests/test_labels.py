"""The layer of labels: kinds of objects, and what may be wrong with their labels."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import sparse

from blrzoo.labels import (
    align,
    check_unique,
    find,
    labels_of,
    members,
    one_per_feature,
    order,
    oriented,
    show,
)

WANTED = pd.Index(["a", "b", "c"])
DAYS = pd.date_range("2020-01-01", periods=3)

#: Labels, and what is wrong with them where others are not, or are, allowed beside the wanted.
#: None: nothing.
CASES: dict[str, tuple[list[Any], str | None, str | None]] = {
    "same": (["a", "b", "c"], None, None),
    "another order": (["c", "a", "b"], None, None),
    "missing": (["a", "b"], r"\(2 for 3\): missing \['c'\]\.", r"missing \['c'\]\."),
    "extra": (["z", "c", "a", "b"], r"\(4 for 3\): unknown \['z'\]\.", None),
    "renamed": (
        ["a", "b", "z"],
        r"missing \['c'\], unknown \['z'\]\.",
        r"missing \['c'\]\.",
    ),
    "repeated": (["a", "b", "c", "a"], r"repeated \['a'\]\.", r"repeated \['a'\]\."),
    "in its place": (
        ["a", "b", "a"],
        r"missing \['c'\], rep",
        r"missing \['c'\], repeated",
    ),
    "numbers": ([0, 1, 2], r"missing \['a', 'b', 'c'\], unknown \[0, 1, 2\]\.", r"missing \['a'"),
    "none": ([], r"\[\] \(0 for 3\): missing \['a', 'b', 'c'\]\.", "missing"),
}


def numbered(labels: list[Any]) -> np.ndarray:
    """A value that tells its label, 10 times the place among the wanted ones."""
    known = {label: 10 * k for k, label in enumerate(WANTED)}
    return np.array([known.get(label, -1) for label in labels])


def coordinates(labels: list[Any]) -> dict[str, Any]:
    return {"feature": np.array(labels, dtype=object)}


KINDS: dict[str, Any] = {
    "series": lambda labels: (pd.Series(numbered(labels), labels), 0),
    "categorical": lambda labels: (pd.Series(numbered(labels), pd.CategoricalIndex(labels)), 0),
    "rows": lambda labels: (pd.DataFrame({"x": numbered(labels)}, labels), 0),
    "columns": lambda labels: (pd.DataFrame(numbered(labels)[None], columns=labels), 1),
    "dataarray": lambda labels: (xr.DataArray(numbered(labels), coordinates(labels), "feature"), 0),
    "matrix": lambda labels: (
        xr.DataArray(numbered(labels)[None], coordinates(labels), ("obs", "feature")),
        1,
    ),
}


@pytest.mark.parametrize("more", [False, True], ids=["no others", "others allowed"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", KINDS)
def test_labels_are_joined_or_refused(kind: str, case: str, more: bool) -> None:
    labels, *patterns = CASES[case]
    value, axis = KINDS[kind](labels)

    def aligned() -> np.ndarray:
        given = labels_of("weights", value, axis)
        return align(
            "weights", np.asarray(value), given, WANTED, "features of X", axis=axis, more=more
        )

    pattern = patterns[more]
    if pattern is None:
        np.testing.assert_array_equal(aligned().ravel(), [0, 10, 20])
        return
    rule = f"^weights must have {'all' if more else 'the'} features of X, .*each once"
    with pytest.raises(ValueError, match=f"{rule}.*; got .*{pattern}"):
        aligned()


@pytest.mark.parametrize(
    "value",
    [
        [0, 10, 20],
        (0, 10, 20),
        np.array([0, 10, 20]),
        pd.array([0, 10, 20]),
        xr.DataArray([0, 10, 20], dims="feature"),
    ],
    ids=["list", "tuple", "array", "extension array", "no coordinate"],
)
def test_what_has_no_labels_goes_by_position(value: Any) -> None:
    assert labels_of("groups", value) is None
    np.testing.assert_array_equal(one_per_feature("groups", value, WANTED), [0, 10, 20])
    with pytest.raises(ValueError, match=r"groups .* each of the 4 features .*got shape \(3,\)"):
        one_per_feature("groups", value, pd.Index(list("abcd")))


def test_sparse_matrices_have_no_labels() -> None:
    assert labels_of("X", sparse.eye_array(3), 1) is None


@pytest.mark.parametrize(
    ("shape", "axis", "unit"), [((2,), 0, "value"), ((2, 3), 0, "row"), ((3, 2), 1, "column")]
)
def test_a_wrong_length_is_told_by_its_axis(shape: tuple[int, ...], axis: int, unit: str) -> None:
    with pytest.raises(ValueError, match=f"^X must have one {unit} for each of the 3 sets, got"):
        align("X", np.zeros(shape), None, WANTED, "sets", axis=axis)


def test_equal_labels_in_equal_order_may_repeat() -> None:
    twice = pd.Index(["a", "b", "a"])
    values = np.array([1, 2, 3])
    assert align("y", values, twice, twice, "rows of X") is values
    np.testing.assert_array_equal(order("y", twice, twice, "rows of X"), [0, 1, 2])
    with pytest.raises(ValueError, match=r"repeated \['a'\]"):
        order("y", twice[::-1][[1, 0, 2]], twice, "rows of X")
    with pytest.raises(ValueError, match=r"missing .*|repeated \['a'\]"):
        order("y", WANTED, twice, "rows of X")


def test_a_value_may_be_looked_up_twice() -> None:
    found = one_per_feature("groups", pd.Series({"b": 2, "a": 1}), pd.Index(["a", "b", "a"]))
    np.testing.assert_array_equal(found, [1, 2, 1])


@pytest.mark.parametrize(
    ("labels", "others"),
    [
        (pd.Index([0, 1, 2]), pd.Index(["0", "1", "2"])),
        (DAYS, pd.Index(DAYS.astype(str))),
        (pd.Index([True, False, 3], dtype=object), pd.Index(["True", "False", "3"])),
    ],
    ids=["numbers", "dates", "flags"],
)
def test_labels_of_unlike_type_are_unlike(labels: pd.Index, others: pd.Index) -> None:
    for left, right in ((labels, others), (others, labels)):
        np.testing.assert_array_equal(find(left, right), [-1, -1, -1])


def test_equal_labels_are_equal_in_any_dtype() -> None:
    values = pd.Series([1, 2, 3], pd.Index([2.0, 0.0, 1.0]))
    np.testing.assert_array_equal(one_per_feature("g", values, pd.RangeIndex(3)), [2, 3, 1])
    days = pd.Series([1, 2, 3], pd.Index(DAYS[::-1], dtype=object))
    np.testing.assert_array_equal(one_per_feature("g", days, DAYS), [3, 2, 1])


@pytest.mark.parametrize(
    "index",
    [
        pd.MultiIndex.from_tuples([("a", 1), ("b", 2), ("c", 3)]),
        pd.Index([("a", 1), ("b", 2), ("c", 3)], tupleize_cols=False),
    ],
    ids=["multiindex", "tuples"],
)
def test_labels_of_several_parts_are_refused(index: pd.Index) -> None:
    got = r"a MultiIndex with 2 levels|tuples"
    for value in (pd.Series([1, 2, 3], index), pd.DataFrame({"x": [1, 2, 3]}, index)):
        with pytest.raises(ValueError, match=rf"^X must have plain labels; got ({got}) as .*index"):
            labels_of("X", value)
    with pytest.raises(ValueError, match=rf"got ({got}) as its columns.*X\.columns = "):
        labels_of("X", pd.DataFrame([[1, 2, 3]], columns=index), 1)


def test_what_is_no_array_has_no_value_for_each_feature() -> None:
    for value in (xr.Dataset({"a": 1}), [[1], [1, 2]]):
        with pytest.raises(TypeError, match=r"^groups must have one value for each feature, got"):
            one_per_feature("groups", value, WANTED)
    for value in (np.eye(3), pd.DataFrame(np.eye(3)), 1, "abc"):
        with pytest.raises(ValueError, match=r"^groups must have one value .* features, got shape"):
            one_per_feature("groups", value, WANTED, "features")


def test_many_labels_are_counted_and_some_are_named() -> None:
    with pytest.raises(ValueError, match=r"missing \[0, 1, 2, 3, 4, \.\.\.\] \(9 in all\)\. R"):
        order("y", pd.Index([9]), pd.RangeIndex(10), "rows of X")
    assert show(range(5)) == "[0, 1, 2, 3, 4]"
    assert show(range(6), 2) == "[0, 1, ...]"


def test_the_advice_is_that_of_the_argument() -> None:
    with pytest.raises(ValueError, match=r"or pass tau2\.to_numpy\(\) to join by position\.$"):
        order("tau2: S2", WANTED[:2], WANTED, "labels of the model")
    with pytest.raises(ValueError, match=r"'c'\]\. Ask\.$"):
        order("parts[1]", WANTED[:2], WANTED, "labels", remedy="Ask.")


def test_names_must_differ() -> None:
    check_unique("X", WANTED, "feature")
    with pytest.raises(ValueError, match=r"^X must have a different .* every feature; got \['a'\]"):
        check_unique("X", pd.Index(["a", "b", "a"]), "feature")


@pytest.mark.parametrize(
    ("dims", "turned"),
    [
        (("obs", "feature"), False),
        (("feature", "obs"), True),
        (("feature", "line"), True),
        (("line", "obs"), True),
        (("line", "snp"), False),
        (("feature",), False),
        (("feature", "obs", "trait"), False),
    ],
)
def test_dims_are_turned_by_their_names(dims: tuple[str, ...], turned: bool) -> None:
    array = xr.DataArray(np.zeros((2, 3, 4)[: len(dims)]), dims=dims)
    expected = dims[::-1] if turned else dims
    assert oriented(array, "obs", "feature", "covariate").dims == expected


def test_members_of_sets_are_found() -> None:
    sets = {"one": ["c", "a", "c"], "two": pd.Index(["b"]), "three": np.array(["a", "b"])}
    found = members("groups", sets, WANTED, "features").toarray()
    np.testing.assert_array_equal(found, [[1, 0, 1], [0, 1, 0], [1, 1, 0]])


@pytest.mark.parametrize(
    ("sets", "error", "message"),
    [
        ({}, ValueError, "^groups must have at least one name, got none"),
        (
            {"S": "a"},
            TypeError,
            r"^groups must map each .* labels of features, got 'a' \(str\) for 'S'",
        ),
        ({"S": 1}, TypeError, r"list of labels of features, got 1 \(int\) for 'S'"),
        ({"S": []}, ValueError, r"at least one label .*got none in 'S'"),
        ({"S": ["a", "z"]}, ValueError, r"such as \['a', 'b', 'c'\], got \['z'\] \(1 unknown\) in"),
    ],
)
def test_sets_that_are_refused(sets: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        members("groups", sets, WANTED, "features")


def test_sets_need_labels_that_differ() -> None:
    with pytest.raises(ValueError, match=r"features are not unique, got \['a'\] more than once"):
        members("groups", {"S": ["a"]}, pd.Index(["a", "b", "a"]), "features")
