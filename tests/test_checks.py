"""The layer that checks arguments: what each constraint lets pass, and what it says of the rest."""

import ast
import inspect
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import blrzoo as blr
from blrzoo.checks import (
    Choice,
    Constraint,
    Flag,
    Instance,
    Integer,
    LeftOut,
    Names,
    NoneOr,
    Number,
    OneOf,
    Seed,
)
from tests.fuzz import fits, values
from tests.public import unqualified

HUGE = 10**400
VE, TE = ValueError, TypeError
NO_NUMBERS: dict[type[Exception], list[Any]] = {
    TE: [True, np.True_, "1", None, 1j, [1], np.ones(1), pd.NA]
}

#: Constraint, its rule, values that pass with what is returned, values that do not by error.
TABLE: dict[str, tuple[Constraint[Any], str, list[tuple[Any, Any]], dict[Any, list[Any]]]] = {
    "flag": (
        Flag(default=True),
        "True or False",
        [(True, True), (np.False_, False)],
        {TE: [2, 0, None, "no", 1.0, np.array([True]), pd.NA]},
    ),
    "choice": (
        Choice(("full", "diagonal"), default="full"),
        "'full' or 'diagonal'",
        [("full", "full"), (np.str_("diagonal"), "diagonal")],
        {VE: ["x", None, 1, ["full"], np.array(["full"]), pd.NA, b"full"]},
    ),
    "number": (
        Number(default=1.0),
        "a finite number",
        [(2, 2.0), (np.float32(0.5), 0.5), (np.int8(3), 3.0), (Fraction(1, 2), 0.5)],
        NO_NUMBERS | {VE: [np.nan, np.inf, -np.inf, HUGE]},
    ),
    "open": (
        Number(above=0, below=1, default=0.95),
        "a number above 0 and below 1",
        [(0.5, 0.5), (5e-324, 5e-324), (np.float64(0.1), 0.1)],
        NO_NUMBERS | {VE: [0, 1, -0.0, np.float64(1), np.nan, np.inf, HUGE, -HUGE]},
    ),
    "closed": (
        Number(least=0, most=1, default=0.5),
        "a number from 0 to 1",
        [(0, 0.0), (1, 1.0), (np.int64(1), 1.0)],
        NO_NUMBERS | {VE: [-1e-9, 1.1, np.nan]},
    ),
    "half-open": (
        Number(least=0, below=1, default=0.5),
        "a number of at least 0 and below 1",
        [(0, 0.0)],
        {VE: [1, -1]},
    ),
    "integer": (
        Integer(1, default=4),
        "an int from 1 to 1,000,000,000",
        [(1, 1), (np.uint8(7), 7), (10**9, 10**9)],
        {TE: [*NO_NUMBERS[TE], 1.0, np.float64(2), np.nan], VE: [0, -1, 10**9 + 1, HUGE]},
    ),
    "integer-to": (Integer(2, 5, default=4), "an int from 2 to 5", [(5, 5)], {VE: [1, 6]}),
    "seed": (
        Seed(),
        "None, an int of at least 0, a list of them or a NumPy Generator",
        [(None, None), (0, 0), (np.int64(3), 3), ([1, 2], [1, 2])],
        {TE: ["1", 1.5, True, np.True_, np.random.RandomState(1), np.ones(2)], VE: [-1]},
    ),
    "names": (
        Names(default="all"),
        "a name or a list of names",
        [("mu", ["mu"]), (("mu", "pi"), ["mu", "pi"]), ([], [])],
        {TE: [1, None, ["mu", 1], {"mu"}]},
    ),
    "instance": (
        Instance(Mapping, "a mapping", advice="Pass a dict."),
        "a mapping",
        [({"a": 1}, {"a": 1})],
        {TE: [[1], None, "a", pd.DataFrame({"a": [1]})]},
    ),
    "left out": (
        LeftOut("with form='full'", advice="Pass Sigma_b."),
        "left out with form='full'",
        [(None, None)],
        {VE: [1, False, np.ones(3), ""]},
    ),
    "none or": (
        NoneOr(Integer(0, default=7)),
        "None or an int from 0 to 1,000,000,000",
        [(None, None), (np.int8(2), 2)],
        {TE: ["1", True, 1.0], VE: [-1]},
    ),
    "one of": (
        OneOf((Flag(), Integer(1)), default=False),
        "True or False or an int from 1 to 1,000,000,000",
        [(True, True), (np.True_, True), (np.int64(1), 1)],
        {TE: ["1", None, 1.0], VE: [0]},
    ),
}
PASS = [(kind, *case) for kind, row in TABLE.items() for case in row[2]]
REFUSED = [
    (kind, error, value)
    for kind, row in TABLE.items()
    for error, values in row[3].items()
    for value in values
]


@pytest.mark.parametrize(("kind", "value", "expected"), PASS)
def test_what_is_allowed_is_returned_in_its_canonical_type(kind, value, expected):
    found = TABLE[kind][0].check("name", value)
    assert found == expected
    if kind != "seed":
        assert type(found) is type(expected) or isinstance(found, str)


@pytest.mark.parametrize(("kind", "error", "value"), REFUSED)
def test_all_else_is_refused_with_argument_rule_value_type_and_remedy(kind, error, value):
    constraint, rule, *_ = TABLE[kind]
    with pytest.raises(error) as caught:
        constraint.check("name", value)
    form = rf"^name must be {re.escape(rule)}, got .+ of type {type(value).__name__}\. [A-Z].*\.$"
    assert re.search(form, str(caught.value)), caught.value


def test_what_is_long_is_cut_or_described_by_its_shape():
    for value, got in {
        "a" * 10**6: r"got 'a{50,120}\.\.\. of type str\.",
        HUGE: r"got 1000+\.\.\. of type int\.",
    }.items():
        with pytest.raises(TypeError, match=got):
            Flag(default=True).check("name", value)
    with pytest.raises(TypeError, match=r"got an array of shape \(99, 2\) of type DataFrame\."):
        Flag(default=True).check("name", pd.DataFrame(np.ones((99, 2))))
    with pytest.raises(TypeError, match=r"got one of type Dataset\."):
        Flag(default=True).check("name", xr.Dataset())


# ---- the package ----

SINGLE = {"Choice", "Flag", "Instance", "Integer", "LeftOut", "Names", "Number", "OneOf"}


def calls(tree: ast.AST, names: set[str]) -> list[ast.Call]:
    """Calls of some functions, by name."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in found if getattr(node.func, "id", "") in names]


def test_each_constraint_says_how_to_correct_a_wrong_value():
    """By its default or an advice; the parts of a tuple (of OneOf) need none."""
    for path in Path(blr.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text())
        parts = {one for node in ast.walk(tree) if isinstance(node, ast.Tuple) for one in node.elts}
        for call in calls(tree, SINGLE):
            told = {"default", "advice"} & {keyword.arg for keyword in call.keywords}
            assert told or call in parts, f"{path}: {ast.unparse(call)}"


def wrong_values(function: Any) -> list[tuple[str, Any]]:
    """Each argument that is a word, a flag or a number, with values that are none."""
    found: list[tuple[str, Any]] = []
    for argument, parameter in inspect.signature(function).parameters.items():
        said = str(parameter.annotation)
        several = re.search("Sequence|ArrayLike|Mapping|Iterable", said)
        if several and argument != "random_seed":
            continue
        if "Literal" in said:
            found += [(argument, "no such word"), (argument, np.array(["a", "b"]))]
        elif "bool" in said:
            found += [(argument, "yes"), (argument, 2 if "None" in said else None)]
        elif argument == "random_seed" or re.search("int|float", said):
            found += [(argument, value) for value in (True, np.nan, "1", -1)]
    return found


def needed(name: str, function: Any) -> dict[str, Any]:
    """Right values of the arguments that a function must have."""
    kind = "traits" if re.search("multivariate|pleio|genetic_|patterns", name) else "select"
    given = fits.data("X", "Y" if kind == "traits" else "y")
    X, y = given.values()
    genes = pd.Series(np.arange(len(X)), [f"g{i}" for i in range(len(X))])
    right = {
        "X": lambda: X,
        "Y": lambda: y,
        "y": lambda: genes.astype(float) if name == "gene_set_model" else y,
        "groups": values.groups,
        "idata": lambda: fits.fit(kind),
        "model": lambda: fits.model("fixed"),
        "models": lambda: (
            {"a": fits.model("ridge"), "b": fits.model("fixed")}
            if name == "bayes_factors"
            else {"a": blr.single_component}
        ),
        "prior": lambda: blr.priors.SpikeSlab(),
        "draws": lambda: fits.fit(kind)["posterior"]["tau2"],
        "X_new": lambda: X,
        "covariates": lambda: fits.data("covariates")["covariates"],
        "y_true": lambda: y,
        "predictions": lambda: fits.fit(kind)["posterior_predictive"]["y"],
        "positions": lambda: np.arange(X.shape[1]),
        "width": lambda: 2,
        "genes": lambda: (
            pd.DataFrame({"start": [0], "end": [2]}, ["A"])
            if name == "assign_to_genes"
            else {"A": [0, 1]}
        ),
        "sets": lambda: {"S": ["g0", "g1"], "T": ["g2", "g3"]},
        "z": lambda: np.arange(X.shape[1]),
    }
    must = inspect.signature(function).parameters.values()
    empty = [one.name for one in must if one.default is one.empty and one.kind in (0, 1, 3)]
    y_of = "Y" if "Y" in inspect.signature(function).parameters else "y"
    also = {"hierarchical": ["y", "groups"], "hierarchical_multivariate": ["y", "groups"]}
    also |= {"sample": ["model"], "sample_more": ["model"], "fit_em": ["model"]}
    also |= {"predict": ["covariates"], "log_marginal_likelihood": ["model"]}
    more = also.get(name, [y_of] if "X" in empty and "y" not in empty else [])
    return {key: right[key]() for key in [*empty, *more]}


@pytest.mark.parametrize(
    "name", [name for name, function in unqualified().items() if wrong_values(function)]
)
def test_public_functions_refuse_what_is_no_word_flag_or_number(name):
    function = unqualified()[name]
    for argument, value in wrong_values(function):
        with pytest.raises((TypeError, ValueError), match=rf"^{argument} must"):
            function(**needed(name, function) | {argument: value})
