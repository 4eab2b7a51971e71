"""Any arguments, for every public name: a right and finite outcome, or an error of ours."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import blrzoo as blr
from tests.fuzz.fits import SETTINGS
from tests.fuzz.oracle import REFUSED, attempt
from tests.fuzz.others import LEFT_OUT, OTHERS
from tests.fuzz.readers import PLOTS, SUMMARIES
from tests.fuzz.rows import MODELS, PRIORS, Row
from tests.fuzz.tables import indexes, tables
from tests.public import unqualified

TABLE: dict[str, Row] = {**MODELS, **PRIORS, **SUMMARIES, **PLOTS, **OTHERS}
FAST = settings(
    max_examples=6,
    derandomize=True,  # the same examples in every run
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink],
)
LONG = settings(FAST, max_examples=80)
SLOW = {"geweke_joint"}  # even where it is called as it should be
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in TABLE]


@st.composite
def arguments(draw: st.DrawFn, row: Row) -> tuple[dict[str, Any], set[str]]:
    """Valid arguments with one or two others in their place, and the names of these."""
    made = row.valid()
    one_or_two = st.sets(st.sampled_from(sorted(row.tried)), min_size=1, max_size=2)
    if "data" in row.tried:
        one_or_two = st.one_of(st.just({"data"}), one_or_two)
    chosen = draw(one_or_two)
    named = {*chosen, *made, *row.names}
    for name in sorted(chosen - {"data"}):
        made[name] = draw(row.tried[name], label=name)
    if "data" in chosen:
        traits = "Y" in made
        possible = [name.replace("y", "Y") if traits else name for name in row.data]
        changed = draw(st.sets(st.sampled_from(possible), min_size=1, max_size=3))
        shared = draw(indexes(12)) if "X" in changed and draw(st.booleans()) else None
        for name in sorted(changed):
            made[name] = draw(tables(name, shared or made["X"].rows), label=name)
    return made, named


def run(row: Row, made: Mapping[str, Any], named: set[str]) -> bool:
    """Whether the outcome was a result, which is checked; else it was an error of ours."""
    outcome = attempt(row.call, made, named)
    if outcome is REFUSED:
        return False
    row.check(outcome, made)
    return True


def test_every_public_name_has_a_row_or_a_reason() -> None:
    rows = {name.split(" of ")[0] for name in TABLE}
    assert rows | {*LEFT_OUT} == {*unqualified()}
    assert not rows & {*LEFT_OUT}


@pytest.mark.parametrize("name", NAMES)
def test_valid_arguments_are_accepted(name: str) -> None:
    assert run(TABLE[name], TABLE[name].valid(), set())


@pytest.mark.parametrize("name", TABLE)
@FAST
@given(data=st.data())
def test_every_outcome_is_right_or_refused(name: str, data: st.DataObject) -> None:
    row = TABLE[name]
    run(row, *data.draw(arguments(row)))


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.parametrize("name", TABLE)
@LONG
@given(data=st.data())
def test_every_outcome_is_right_or_refused_in_many_examples(name: str, data: st.DataObject) -> None:
    row = TABLE[name]
    if data.draw(st.floats(0, 1)) <= row.share:
        run(row, *data.draw(arguments(row)))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MODELS, *PRIORS])
@settings(FAST, max_examples=5)
@given(data=st.data())
def test_what_is_accepted_can_be_sampled(name: str, data: st.DataObject) -> None:
    row = TABLE[name]
    made, named = data.draw(arguments(row))
    model = attempt(row.call, made, named)
    if model is not REFUSED:
        posterior = blr.sample(model, **{**SETTINGS, "draws": 5})["posterior"]
        for variable, draws in posterior.data_vars.items():
            assert np.isfinite(draws.values).all(), variable
